//! What compares the relay with the vendors: who has written, what was changed, who is missing.
//!
//! The jobs that do it by themselves are in `engine/jobs/`; what they share with each other, with the
//! guard of effects and with commands is here. It stands inside the engine because every finding ends
//! in a step of a case or in a job's end.

pub mod alike;
pub(crate) mod backlog;
pub(crate) mod check_in_list;
pub(crate) mod conversation;
pub(crate) mod crm_off;
pub(crate) mod engagement;
pub(crate) mod hear_list;
pub(crate) mod hints;
pub(crate) mod holidays;
pub mod hook_watch;
pub mod invariants;
pub(crate) mod list_silence;
pub(crate) mod opening;
pub(crate) mod presence;
pub mod reconcile;
pub(crate) mod repair;
pub(crate) mod repeats;
pub mod report;
pub(crate) mod undated;
pub(crate) mod walk;
