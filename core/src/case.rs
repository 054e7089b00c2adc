//! A case: one run of a procedure for one client.
//!
//! ```text
//!            ┌────────────── resume ──────────────┐
//!  open ──▶ Open ──reply, coach──▶ Paused ────────┘
//!            │  └─dead, unclear, unfilled──▶ Held ──person──▶ Open
//!            └──check-in, end, person──▶ Closed        (from anywhere, once, for good)
//! ```
//!
//! Every case that is not closed has exactly one blocking [`Wait`], with an alarm on it: a case
//! never silently expires.

use serde::{Deserialize, Serialize};

use crate::ids::{CaseId, ClientId, EffectKey};
use crate::time::Timestamp;

/// One run of a procedure for one client.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Case {
    /// Its id.
    pub id: CaseId,
    /// The client it is about.
    pub client: ClientId,
    /// Which procedure (`missed_check_in`, …).
    pub procedure: String,
    /// The version of parameters and scripts it was opened with, and keeps.
    pub procedure_hash: String,
    /// The version of the decision code it was opened with, and keeps.
    pub logic: u32,
    /// Whether its effects are carried out or only shown. Pinned at opening.
    pub mode: Mode,
    /// Raised by every change; the precondition of the next.
    pub version: u64,
    /// Where it stands.
    pub status: CaseStatus,
    /// The step it is in.
    pub step: String,
    /// How often it has entered that step, from 1. Part of effect keys.
    pub visit: u32,
    /// Raised whenever the timers set so far no longer apply. A timer carries the generation it
    /// was set in and does nothing in another.
    pub generation: u64,
    /// The one thing it waits for; `None` only when closed.
    pub wait: Option<Wait>,
    /// The workflow's own state.
    pub data: serde_json::Value,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When it last changed.
    pub changed_at: Timestamp,
}

/// Whether the relay acts or only says what it would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Compute and show everything, send nothing. The default of a fresh live configuration.
    Propose,
    /// Carry it out.
    Act,
}

/// Where a case stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum CaseStatus {
    /// Going its way.
    Open,
    /// A person has the client; nothing is sent until she says how to go on.
    Paused {
        /// The reason, in one line.
        reason: String,
    },
    /// Something went wrong or is missing; a person must settle it.
    Held {
        /// The reason, in one line.
        reason: String,
    },
    /// Over for good.
    Closed {
        /// The reason, in one line.
        reason: String,
    },
}

impl CaseStatus {
    /// The stored name.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Paused { .. } => "paused",
            Self::Held { .. } => "held",
            Self::Closed { .. } => "closed",
        }
    }

    /// Whether it is over.
    pub fn is_closed(&self) -> bool {
        matches!(self, Self::Closed { .. })
    }
}

/// The one thing a case waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "wait", rename_all = "snake_case")]
pub enum Wait {
    /// A moment.
    Timer {
        /// The moment it waits for, procedure time.
        until: Timestamp,
        /// What for, in one line.
        why: String,
    },
    /// A person, with a reminder.
    Person {
        /// Who: a coach id, or a role such as `program_manager`, `admin`.
        who: String,
        /// What for, in one line.
        why: String,
        /// When she is reminded next.
        remind_at: Timestamp,
    },
    /// An effect under way.
    Effect {
        /// The effect it waits for.
        key: EffectKey,
    },
    /// A read of a vendor under way.
    Read {
        /// What is being read: see `workflow::ReadKind`.
        what: String,
    },
}

/// One line of a case's history, as people read it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TimelineEntry {
    /// When it happened, procedure time.
    pub at: Timestamp,
    /// The step the case was in.
    pub step: String,
    /// What happened, in one line, without health data.
    pub text: String,
    /// The sentence of the SOP that it carries out, if it does.
    pub sop: Option<String>,
    /// The stored evidence: a decision, a guard's reading, an outcome.
    pub detail: Option<serde_json::Value>,
}
