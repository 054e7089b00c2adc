//! Classes of failure, and the schedule that follows from them.
//!
//! An adapter tries once and says what kind of failure it met ([`Class`]); everything about
//! *again* (when, how often, with how much jitter, until when) is decided here, and only the job
//! queue repeats, so tries never multiply.

use serde::{Deserialize, Serialize};

use crate::time::SignedDuration;

/// What a failed call means for the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "class", rename_all = "snake_case")]
pub enum Class {
    /// The request never left this machine, or the vendor said it did nothing with it: may be
    /// repeated at once.
    NotSent,
    /// The vendor refused for now (429, 503 with a clear refusal, a failed read).
    Retryable {
        /// The vendor's `Retry-After`, obeyed in full.
        after: Option<SignedDuration>,
    },
    /// The credential was refused.
    Unauthorised,
    /// The vendor refused for good: our bug, bad data, or a thing that is not there.
    Permanent,
    /// The request may have been carried out: time-out, reset, or 5xx after it was sent.
    Unclear,
}

impl Class {
    /// The stored name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotSent => "not_sent",
            Self::Retryable { .. } => "retryable",
            Self::Unauthorised => "unauthorised",
            Self::Permanent => "permanent",
            Self::Unclear => "unclear",
        }
    }
}
