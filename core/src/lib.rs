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
//! | [`answers`] | what a coach may answer about a client |
//! | [`time_off`] | who acts for a coach while she is away |
//! | [`calendar`] | the clinic's days and hours; the next allowed slot |
//! | [`facts`] | what a webhook or a read taught us |
//! | [`channel`] | has she been opening our email? The decision and its evidence |
//! | [`outside`] | values that come from outside, judged before they stand in a text |
//! | [`scripts`] | the clinic's texts, to the character |
//! | [`procedure`] | parameters and texts of a procedure, at one version |
//! | [`effects`] | the registry of what is done for clients, staff and billing |
//! | [`retry`] | classes of failure and the schedule that follows from them |
//! | [`incidents`] | failures of a vendor that many cases meet alike, as one thing |
//! | [`rate_limit`] | how fast a vendor may be asked, and when not at all |
//! | [`case`] | one run of a procedure for one client |
//! | [`workflow`] | the shape every procedure has: step and guard |
//! | [`workflows`] | the procedures themselves |
//!
//! # What is stored
//!
//! Most types here are written into the database as they are, by [`serde`]: a case's state and wait,
//! an effect's input and request, facts, decisions, a procedure's parameters, a vendor's limiter state and its
//! incidents. Rows of every released version must be readable for good (`fixtures/corpus` holds some, and the suite
//! goes on with each). So a stored structure only grows:
//!
//! - A new member has a default (`#[serde(default)]`) that means what its absence meant. Where the
//!   text is hashed ([`effects::EffectInput`]) it is not written either while it has it
//!   (`skip_serializing_if`): the hash of what was planned before must stay the same.
//! - A member that is no longer used is ignored when it is met: no stored structure refuses members
//!   that it does not know. Configuration does; it is written by people, who mistype.
//! - A variant or a step that is no longer made stays in its enum, marked as retired, and can still
//!   be read, probed, shown and closed.
//! - A stored name is never given to another thing, and never spelled otherwise.

pub mod answers;
pub mod calendar;
pub mod case;
pub mod channel;
pub mod clients;
pub mod effects;
pub mod facts;
pub mod ids;
pub mod incidents;
pub mod outside;
pub mod procedure;
pub mod random;
pub mod rate_limit;
pub mod retry;
pub mod scripts;
pub mod time;
pub mod time_off;
pub mod work_kinds;
pub mod workflow;
pub mod workflows;
