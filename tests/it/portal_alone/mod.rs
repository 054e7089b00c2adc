//! A clinic that has the portal and no CRM: what its coaches are given, what is refused, and what the configuration
//! says of it. What follows from a call or a message is in the cast `portal` (`demo.rs`).

mod asked;
mod configured;
mod switched;
