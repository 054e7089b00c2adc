//! What came of a call.

use serde::{Deserialize, Serialize};

/// What came of a call (A8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallOutcome {
    /// She was reached. Counts as a reply.
    Spoke,
    /// A message was left.
    Voicemail,
    /// Nobody answered.
    NoAnswer,
    /// The number belongs to somebody else; goes on as not reached and flags the contact.
    WrongNumber,
}

impl CallOutcome {
    /// Every outcome, in the order people are shown them.
    pub const ALL: [Self; 4] = [
        Self::Spoke,
        Self::Voicemail,
        Self::NoAnswer,
        Self::WrongNumber,
    ];

    /// The words a coach writes and reads.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Spoke => "spoke",
            Self::Voicemail => "voicemail",
            Self::NoAnswer => "no answer",
            Self::WrongNumber => "wrong number",
        }
    }
}
