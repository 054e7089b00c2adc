//! Edge cases from end to end: both emulated vendors, the real database, clocks moved by hand.
//! One file per group of the table in `edge_cases.rs`.

mod billing;
mod calls;
mod client_behavior;
mod client_data;
pub(crate) mod clinic;
mod conversation;
mod events;
mod first_trial;
mod forgotten;
mod in_person;
mod inbox;
mod keap_alone;
mod one_guard;
mod order;
mod people;
mod privacy;
mod slow;
mod tags;
mod technical;
mod time;
mod values;
mod versions;
