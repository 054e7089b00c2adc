//! What can go wrong in a store.

use thiserror::Error;

use crate::damage::Damage;

/// Why a store did not do as asked.
#[derive(Debug, Error)]
pub enum StoreError {
    /// A precondition did not hold; nothing was changed. Load again and decide again.
    #[error("{what} has changed meanwhile")]
    Conflict {
        /// What did not hold: `case version`, `job fence`, `effect state`, `receipt state`,
        /// `open case`, `work item state`, `credential version`, `credential lease`,
        /// `authorization`.
        what: &'static str,
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
    /// The database can't be written now (full disk, read-only, locked). Nothing was changed.
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
