//! From the driver's errors to the port's.

use relay_store::{Precondition, StoreError};

/// Why a statement or a request did not succeed, while it is still known who is to blame.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The port's own answer: a precondition did not hold, a row can't be read.
    Store(StoreError),
    /// SQLite or the driver refused.
    Sql(sqlx::Error),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Store(error) => error,
            Failure::Sql(error) if is_unavailable(&error) => Self::Unavailable(Box::new(error)),
            Failure::Sql(error) if Failure::is_damage(&error) => Self::Damaged(Box::new(error)),
            Failure::Sql(error) => Self::Driver(Box::new(error)),
        }
    }
}

impl Failure {
    /// Whether SQLite has undone just the failed statement and the transaction goes on. For any
    /// other fault it may have rolled back the whole transaction by itself.
    pub(crate) fn spares_transaction(&self) -> bool {
        match self {
            Self::Store(_) => true,
            Self::Sql(error) => Self::spares(error),
        }
    }

    /// The same, of an error of SQLite's.
    pub(crate) fn spares(error: &sqlx::Error) -> bool {
        matches!(
            primary_code(error),
            Some(code::CONSTRAINT | code::TOO_BIG | code::MISMATCH)
        )
    }

    /// Whether the file itself is damaged.
    pub(crate) fn is_damage(error: &sqlx::Error) -> bool {
        matches!(primary_code(error), Some(code::CORRUPT | code::NOT_A_DB))
    }

    /// Whether somebody else holds the file.
    pub(crate) fn is_busy(error: &sqlx::Error) -> bool {
        matches!(primary_code(error), Some(code::BUSY | code::LOCKED))
    }

    /// Whether a UNIQUE index refused the row.
    pub(crate) fn is_taken(error: &sqlx::Error) -> bool {
        error
            .as_database_error()
            .is_some_and(sqlx::error::DatabaseError::is_unique_violation)
    }
}

/// Nothing can be asked any more.
pub(crate) fn closed() -> StoreError {
    StoreError::Unavailable("the store is closed".into())
}

/// A precondition that did not hold.
pub(crate) fn conflict(what: Precondition) -> StoreError {
    StoreError::Conflict { what }
}

/// SQLite's primary result codes that mean something to us (<https://www.sqlite.org/rescode.html>).
mod code {
    pub(super) const BUSY: u32 = 5;
    pub(super) const LOCKED: u32 = 6;
    pub(super) const NO_MEMORY: u32 = 7;
    pub(super) const READ_ONLY: u32 = 8;
    pub(super) const INTERRUPT: u32 = 9;
    pub(super) const IO: u32 = 10;
    pub(super) const CORRUPT: u32 = 11;
    pub(super) const FULL: u32 = 13;
    pub(super) const CANT_OPEN: u32 = 14;
    pub(super) const PROTOCOL: u32 = 15;
    pub(super) const TOO_BIG: u32 = 18;
    pub(super) const CONSTRAINT: u32 = 19;
    pub(super) const MISMATCH: u32 = 20;
    pub(super) const NOT_A_DB: u32 = 26;
}

fn primary_code(error: &sqlx::Error) -> Option<u32> {
    let extended: u32 = error.as_database_error()?.code()?.parse().ok()?;
    // The low byte is the primary code, the rest says more about it.
    Some(extended & 0xff)
}

/// Whether the same request may succeed later without anybody changing it.
fn is_unavailable(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::WorkerCrashed => true,
        other => matches!(
            primary_code(other),
            Some(
                code::BUSY
                    | code::LOCKED
                    | code::NO_MEMORY
                    | code::READ_ONLY
                    | code::INTERRUPT
                    | code::IO
                    | code::FULL
                    | code::CANT_OPEN
                    | code::PROTOCOL
            )
        ),
    }
}
