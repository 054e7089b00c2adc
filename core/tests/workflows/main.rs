//! The procedures walked from outside: what is planned, guarded, rendered and asked of people,
//! without a store, a vendor or a clock.
//!
//! The modules are marked as tests so that helpers may unwrap as tests do.

#[cfg(test)]
mod answers;
#[cfg(test)]
mod ask_first;
#[cfg(test)]
mod billing;
#[cfg(test)]
mod breaks;
#[cfg(test)]
mod contact_type;
#[cfg(test)]
mod conversation;
#[cfg(test)]
mod engaged;
#[cfg(test)]
mod exceptions;
#[cfg(test)]
mod guard;
#[cfg(test)]
mod hand_over;
#[cfg(test)]
mod in_person;
#[cfg(test)]
mod minors;
#[cfg(test)]
mod news;
#[cfg(test)]
mod outcomes;
#[cfg(test)]
mod people;
#[cfg(test)]
mod property;
#[cfg(test)]
mod scenarios;
#[cfg(test)]
mod send_by_hand;
#[cfg(test)]
mod staff;
#[cfg(test)]
mod time_off;
#[cfg(test)]
mod unreadable;
#[cfg(test)]
mod values;
#[cfg(test)]
mod waits;
#[cfg(test)]
mod world;
