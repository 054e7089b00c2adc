//! What a coach may answer about a client (A33).
//!
//! > *handled · wait until DATE · continue · wants to leave · complaint · unwell · no contact*; the last four
//! > stop every channel and tell the manager the same working day
//!
//! The words are those of the reading of the SOP. What a coach means by them is health data at times: they
//! are stored and shown as the word, and nothing that the client wrote is quoted with them (A32).

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why every channel to a client stops until the manager decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// She wants to leave the program.
    WantsToLeave,
    /// She complains.
    Complaint,
    /// She is unwell, pregnant, or reacts badly (E10).
    Unwell,
    /// She asks not to be contacted (E9).
    NoContact,
}

impl StopReason {
    /// Every reason, in the order people are shown them.
    pub const ALL: [Self; 4] = [
        Self::WantsToLeave,
        Self::Complaint,
        Self::Unwell,
        Self::NoContact,
    ];

    /// The stored name, which is the name of the action, too.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WantsToLeave => "wants_to_leave",
            Self::Complaint => "complaint",
            Self::Unwell => "unwell",
            Self::NoContact => "no_contact",
        }
    }

    /// The reason with this stored name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|why| why.as_str() == name)
    }

    /// What is so of her, as the end of a sentence that begins with her name.
    pub const fn words(self) -> &'static str {
        match self {
            Self::WantsToLeave => "wants to leave the program",
            Self::Complaint => "has a complaint",
            Self::Unwell => "is unwell",
            Self::NoContact => "does not want to be contacted",
        }
    }
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
