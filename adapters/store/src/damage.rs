//! What of the database can't be read any more.

use std::fmt;

use relay_core::time::Timestamp;
use serde::{Deserialize, Serialize};

/// A value that can't be read as what it should be: where it stands, and never what it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Damage {
    /// The table.
    pub table: String,
    /// The row: its number, or its key where rows have none. A key that is no text itself is written
    /// as `x'…'`.
    pub row: String,
    /// The first column of it that can't be read.
    pub column: String,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { table, row, column } = self;
        write!(f, "row {row} of {table}, column {column}")
    }
}

/// What to do about a row that can't be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Out of everybody's way, by its columns alone, as the relay does by itself: a job is dead, a
    /// receipt quarantined; a mere remark of either is made anew, and what the vendors tell again (a
    /// coach, an address, a limiter's state) is taken out. Nothing is lost, and nothing is decided.
    SetAside,
    /// Each value that can't be read is made anew from the rest of the database, or replaced by the
    /// most careful one there is.
    Mend,
    /// The row is taken out, where nothing can be sent twice for the lack of it; else it is mended.
    Discard,
}

/// What a person, or the relay, asks to be done about a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemedyOrder {
    /// The row. Its column is not looked at: everything in the row that can't be read is meant.
    pub damage: Damage,
    /// What to do.
    pub remedy: Remedy,
    /// The person who asks, by name.
    pub by: String,
    /// When, procedure time.
    pub now: Timestamp,
    /// Only say what would be done.
    pub dry_run: bool,
}

/// What was done about a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remedied {
    /// There was nothing to do: it can be read, or it is gone.
    Nothing,
    /// It stays, out of the way.
    SetAside,
    /// It can be read again. The columns that were made anew.
    Mended(Vec<String>),
    /// It is out, with what stood on it alone.
    Discarded,
}
