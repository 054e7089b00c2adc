//! Why a piece of work could not be done now.

use relay_http_client::CallError;
use relay_store::StoreError;
use thiserror::Error;

/// The class under which a job is kept that was given up because its process died in it, each time.
pub(crate) const DIED_WITH_PROCESS: &str = "died_with_process";

/// The class of a job whose failure could not be handled. What fails in the usual way, a panic too, is kept as
/// `permanent`.
const INTERNAL: &str = "internal";

/// Why a piece of work could not be done now.
#[derive(Debug, Error)]
pub enum EngineError {
    /// The store refused or failed.
    #[error("the store did not do as asked")]
    Store(#[from] StoreError),
    /// A vendor refused or failed.
    #[error("a call to a vendor failed")]
    Call(#[from] CallError),
    /// A case names a procedure version that can't be found or read.
    #[error("procedure {name} in version {hash} can't be used: {reason}")]
    Procedure {
        /// The procedure.
        name: String,
        /// The version.
        hash: String,
        /// What makes it unusable, in one line.
        reason: String,
    },
    /// A job's payload can't be read: a bug, or a job of a newer release.
    #[error("job {kind} can't be read: {reason}")]
    Payload {
        /// The job's kind.
        kind: String,
        /// The member that can't be read, and what is wrong with it.
        reason: String,
    },
    /// Our own code panicked. The name says where.
    #[error("a bug: {0} panicked")]
    Panicked(&'static str),
    /// Its job was running each time the process ended without a word, and ran alone in the end.
    #[error("the relay stopped without warning {times} times in a row while it was at this")]
    DiedWithProcess {
        /// How often in a row.
        times: u32,
    },
    /// Before a person's word is carried out, what the client wrote is read, and it can't be read now.
    #[error(
        "the portal can't be read now ({0}), so nobody knows what the client wrote since: try again"
    )]
    Unread(CallError),
    /// A person asked for something that can't be done; the text says what would work.
    #[error("{0}")]
    Refused(String),
}

impl EngineError {
    /// Whether the same work may succeed later although nobody changes anything: the database
    /// can't be written now.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Store(StoreError::Unavailable(_)))
    }

    /// The class of a job that is given up for it without asking the retry policy.
    pub(crate) fn class_of_death(&self) -> &'static str {
        match self {
            Self::DiedWithProcess { .. } => DIED_WITH_PROCESS,
            Self::Store(_)
            | Self::Call(_)
            | Self::Procedure { .. }
            | Self::Payload { .. }
            | Self::Panicked(_)
            | Self::Unread(_)
            | Self::Refused(_) => INTERNAL,
        }
    }

    /// Whether another writer was faster, and deciding again can help.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_conflict())
    }
}

/// An error with its causes, for a stored message.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
