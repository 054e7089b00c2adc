//! The procedures walked from outside: what is planned, guarded, rendered and asked of people,
//! without a store, a vendor or a clock.

mod billing;
mod contact_type;
mod exceptions;
mod guard;
mod outcomes;
mod people;
mod property;
mod scenarios;
mod world;
