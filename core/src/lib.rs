//! The clinic's procedures as pure functions.
//!
//! This crate is the leaf that everything else stands on. It does no I/O, has no `async`, and
//! reads neither a clock nor a random source except through the two traits it defines
//! ([`time::Clock`], [`random::Random`]). What goes in is stored data; what comes out is stored
//! data. That is what lets a decision be recomputed bit for bit years later, and lets a test walk
//! a case through three weeks in a millisecond.
//!
//! | module | what it holds |
//! |---|---|
//! | [`time`], [`random`] | the only doors to the ambient world |
//! | [`ids`] | one type per kind of id |
//! | [`clients`] | what we know of a client, a coach, a contact |
//! | [`calendar`] | the clinic's days and hours; the next allowed slot |
//! | [`facts`] | what a webhook or a read taught us |
//! | [`channel`] | has she been opening our email? The decision and its evidence |
//! | [`scripts`] | the clinic's texts, to the character |
//! | [`procedure`] | parameters and texts of a procedure, at one version |
//! | [`effects`] | the registry of everything we can do to the outside world |
//! | [`retry`] | classes of failure and the schedule that follows from them |
//! | [`pace`] | how fast a vendor may be asked, and when not at all |
//! | [`case`] | one run of a procedure for one client |
//! | [`workflow`] | the shape every procedure has: step and guard |
//! | [`workflows`] | the procedures themselves, one file per step |

pub mod calendar;
pub mod case;
pub mod channel;
pub mod clients;
pub mod effects;
pub mod facts;
pub mod ids;
pub mod pace;
pub mod procedure;
pub mod random;
pub mod retry;
pub mod scripts;
pub mod time;
pub mod workflow;
pub mod workflows;
