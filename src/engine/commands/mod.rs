//! What people do: decide about cases, settle work items, order, replay, cancel, stop, link.
//!
//! Every command writes the audit log in the same batch as what it changes, and refuses with a
//! sentence that says what would work. What can refuse a command stands in one function that its
//! dry run asks as well (`deciding`, `ordering`, `settling`, `check_…`): a dry run that promised
//! what the command then refuses would have promised it to somebody.

pub mod cases;
pub mod import;
pub mod open;
pub mod preview;
pub mod repin;
pub mod replay;
pub mod staff;
pub mod time_off;
pub mod work;
