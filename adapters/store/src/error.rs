//! What can go wrong in a store.

use thiserror::Error;

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
    #[error("row {id} of {table} can't be read: column {column}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The row.
        id: String,
        /// The column.
        column: &'static str,
    },
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
