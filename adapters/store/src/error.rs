//! What can go wrong in a store.

use std::fmt;

use thiserror::Error;

use crate::damage::Damage;

/// What an operation of a batch requires of the stored rows. Decided on by its member; the words are
/// for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precondition {
    /// A case has the version that it was computed from.
    CaseVersion,
    /// A client has no other open case of the procedure.
    OpenCase,
    /// The worker still holds the job under its fence.
    JobFence,
    /// A job is in one of the states that the operation starts from.
    JobState,
    /// An effect is in one of the states that the operation starts from.
    EffectState,
    /// A receipt is new.
    ReceiptState,
    /// A work item is open.
    WorkItemState,
    /// No other client is linked to the contact.
    Contact,
    /// A credential has the version before.
    CredentialVersion,
    /// A credential is leased under this version and to this owner, or can be.
    CredentialLease,
    /// An authorization is not used up.
    Authorization,
    /// A vendor's limiter state has the version that it was computed from.
    LimiterVersion,
    /// A vendor's incidents have the version that they were computed from.
    IncidentsVersion,
}

impl fmt::Display for Precondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CaseVersion => "case version",
            Self::OpenCase => "open case",
            Self::JobFence => "job fence",
            Self::JobState => "job state",
            Self::EffectState => "effect state",
            Self::ReceiptState => "receipt state",
            Self::WorkItemState => "work item state",
            Self::Contact => "contact",
            Self::CredentialVersion => "credential version",
            Self::CredentialLease => "credential lease",
            Self::Authorization => "authorization",
            Self::LimiterVersion => "pace version",
            Self::IncidentsVersion => "incidents version",
        })
    }
}

/// Why a store did not do as asked.
#[derive(Debug, Error)]
pub enum StoreError {
    /// A precondition did not hold; nothing was changed. Load again and decide again.
    #[error("{what} has changed meanwhile")]
    Conflict {
        /// What did not hold.
        what: Precondition,
    },
    /// An effect key was planned again with other content. A bug: a step isn't deterministic.
    #[error("effect {key} was planned before with other content")]
    KeyReused {
        /// The key.
        key: String,
    },
    /// A stored row can't be read as what it should be.
    #[error("{0} can't be read")]
    Corrupt(Damage),
    /// The file itself is damaged (a page, an index), so nothing in it can be relied on.
    #[error(
        "the database file is damaged; bring back a backup with `clear-relay restore FILE --by NAME`"
    )]
    Damaged(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The database can't be written now (full disk, read-only, locked). Nothing was acknowledged; after a
    /// commit that failed, the batch may still be found if the machine stops at that moment. Asking again is
    /// safe: what is stored has keys.
    #[error("the database can't be written")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The driver failed in another way.
    #[error("the database driver failed")]
    Driver(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl StoreError {
    /// Whether loading again and deciding again can help.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Conflict { .. })
    }
}
