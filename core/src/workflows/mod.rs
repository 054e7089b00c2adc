//! The procedures themselves.
//!
//! | module | what it carries out |
//! |---|---|
//! | [`missed_check_in`] | SOP A up to the last wait |
//! | [`cancel_subscription`] | stopping the coaching fee, as a person ordered it |
//! | [`set_contact_type`] | one field in the CRM, as a person ordered it |
//! | [`sop`] | which sentence of the documents is carried out where |
//!
//! How a newcomer adds a step: one file in the procedure's folder whose doc quotes the sentence, a
//! variant in its `Step`, an arm in its `steps.rs`, a line in its `STEPS`, and the sentence's line in [`sop`].

pub mod cancel_subscription;
mod draft;
pub mod missed_check_in;
pub mod set_contact_type;
pub mod sop;

/// The role that hears of what coaches leave undone, and approves.
pub const PROGRAM_MANAGER: &str = "program_manager";

/// The role that settles links, merges and settings.
pub const ADMIN: &str = "admin";

/// A step of a procedure as people and the golden SOP test see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepInfo {
    /// Its stored name.
    pub id: &'static str,
    /// The sentences of the document that it carries out, as written.
    pub sentences: &'static [&'static str],
}

/// A procedure as people and tests see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcedureInfo {
    /// Its stored name.
    pub name: &'static str,
    /// The version of its decision code.
    pub logic: u32,
    /// Its steps, in order.
    pub steps: &'static [StepInfo],
}

/// Every procedure.
pub fn registry() -> [ProcedureInfo; 3] {
    [
        ProcedureInfo {
            name: missed_check_in::NAME,
            logic: missed_check_in::LOGIC,
            steps: &missed_check_in::STEPS,
        },
        ProcedureInfo {
            name: cancel_subscription::NAME,
            logic: cancel_subscription::LOGIC,
            steps: &cancel_subscription::STEPS,
        },
        ProcedureInfo {
            name: set_contact_type::NAME,
            logic: set_contact_type::LOGIC,
            steps: &set_contact_type::STEPS,
        },
    ]
}
