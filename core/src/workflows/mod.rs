//! The procedures themselves.
//!
//! | module | what it carries out |
//! |---|---|
//! | [`missed_check_in`] | SOP A up to the last wait |
//! | [`cancel_subscription`] | stopping the coaching fee, as a person ordered it |
//! | [`set_contact_type`] | one field in the CRM, as a person ordered it |
//! | [`sop`] | which sentence of the documents is carried out where |
//!
//! How a newcomer adds a step: to [`missed_check_in`], one file whose doc quotes the sentence, a variant of
//! `Step`, an arm in `steps.rs`; to another, code in its file. Always a line in `STEPS`, the sentence's line
//! in [`sop`], the next `LOGIC` if an open case could do otherwise (the code for the earlier one stays), and a
//! case that stands at it in the corpus (`tests/it/corpus/make.rs` of the relay).
//!
//! How a newcomer adds a procedure; the files are the relay's where nothing else is said:
//! 1. Here: a file or folder with `NAME`, `LOGIC`, `STEPS`, a stored state that may only grow, and its
//!    [`Workflow`](crate::workflow::Workflow) (a state that can't be read is answered by `draft::unreadable`);
//!    its line above, and in [`registry`].
//! 2. What opens it: for an order a variant of [`Order`](crate::facts::Order), else a
//!    [`FactBody`](crate::facts::FactBody). A new read: [`ReadKind`](crate::workflow::ReadKind) and
//!    `src/engine/jobs/read.rs`. A new effect: the checklist in [`effects`](crate::effects).
//! 3. [`sop`]: a line for each sentence; another document also needs its text in `fixtures/sop`.
//! 4. `src/wiring/procedures.rs`: in `registry`, and in `rebuild`, without which a case of an older version
//!    can't go on.
//! 5. If a command orders it: `src/cli/keap.rs` or a file of its noun, and the checklist of `src/cli/mod.rs`.
//! 6. If it has parameters or texts: [`procedure`](crate::procedure) and `procedures/` (both made for one
//!    procedure so far), `src/config/procedures.rs`, `clear-relay.example.toml`, `src/doctor/procedure.rs`,
//!    `src/cli/procedures.rs`, a target in `fuzz/src/targets`.
//! 7. Decide of each place that names [`missed_check_in`] whether the new one belongs there, too:
//!    `src/engine/sync/{walk,opening,backlog}.rs`, `src/engine/jobs/{missed_check,reread}.rs`,
//!    `src/engine/commands/open.rs`, `src/doctor/store.rs`.
//! 8. Tests: `core/tests/workflows`; `tests/it/corpus` (`samples.rs`, a case in every step in `make.rs`);
//!    `tests/it/promises/decided.rs`; a client in `fixtures/casts/`; a row in `tests/it/edge_cases.toml`.

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
