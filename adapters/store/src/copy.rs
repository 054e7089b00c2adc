//! Copies of a database: made while it is in use, and put back in its place.

use std::path::PathBuf;

use relay_core::time::Timestamp;
use thiserror::Error;

use crate::damage::Damage;
use crate::error::StoreError;

/// What a copy holds, as it was read out of the copy itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// How many bytes it has.
    pub bytes: u64,
    /// How many rows its larger tables have, by name.
    pub rows: Vec<(String, u64)>,
    /// When the newest webhook in it came in, procedure time.
    pub newest: Option<Timestamp>,
    /// Rows of it that can't be read. Each is copied as it stands: it can be mended in the copy as well as
    /// in the original, and is no reason to be without either.
    pub unreadable: Vec<Damage>,
}

/// A copy that was put in a database's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// What stands there now.
    pub copied: Copied,
    /// Where what stood there is kept, if anything did.
    pub kept: Option<PathBuf>,
}

/// Why a copy was not made or not put back. Nothing was changed.
#[derive(Debug, Error)]
pub enum CopyError {
    /// There is a file already; none is ever written over.
    #[error("{} is there already; name another file", .0.display())]
    Exists(PathBuf),
    /// There is none.
    #[error("there is no file {}", .0.display())]
    Missing(PathBuf),
    /// It is not whole.
    #[error("{} is damaged: {why}; take an earlier copy", .path.display())]
    NotWhole {
        /// The file.
        path: PathBuf,
        /// The first fault, in the database's own words.
        why: String,
    },
    /// A newer program has migrated it.
    #[error("{} is of a newer version than this program; install that release first", .0.display())]
    Newer(PathBuf),
    /// It is a database of something else, or none.
    #[error("{} is no database of this program", .0.display())]
    Foreign(PathBuf),
    /// Somebody has the database open.
    #[error(
        "{} is in use: stop the relay, and every other command on it, first",
        .0.display()
    )]
    InUse(PathBuf),
    /// Another process is making the same file.
    #[error("{} is being made by another process", .0.display())]
    UnderWay(PathBuf),
    /// The file system refused.
    #[error("{}: {reason}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's words.
        reason: String,
    },
    /// The database refused.
    #[error("the database: {}", told(.0))]
    Store(#[from] StoreError),
}

/// The error with its cause, which says more than it.
fn told(error: &StoreError) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}
