//! The clinic in a box: emulated vendors, invented people, and what each of them must end with.
//!
//! For whoever wants to see the relay work without an account: `demo` runs it in one process,
//! `sandbox` serves the vendors to a relay of its own. A *cast* is a file of people, of what they
//! do and when, and of what must reach each of them. Its expectations are written by hand and
//! compared with what the vendors accepted, never with what the relay believes.
//!
//! Nothing here is reached from `serve`: faults and sabotage live on this side only.

pub mod acting;
pub mod cast;
pub mod clinic;
pub mod compare;
mod generation;
pub mod play;
pub mod report;
pub mod sabotage;
pub mod stage;
pub mod tasks;
pub mod vendors;
pub mod world;
