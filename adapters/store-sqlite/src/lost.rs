//! A database whose file is gone and that has left something.
//!
//! SQLite takes a log beside a file that is missing or empty for a remnant and deletes it, whoever opens
//! the file, to read as well as to write (`pagerOpenWalIfPresent` in its source). But the log may be the
//! only place of what was acknowledged since it was folded last. So no such file is opened here, nor made.
//! Nor is one made where a restore was cut off: there the database was lost, and the copy is not in its
//! place yet.
//!
//! In order, a file is never empty beside its log: SQLite writes the first page of a new file before it
//! makes the log.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use relay_store::StoreError;

use crate::files::RESTORING;
use crate::unclean::{beside, has_log};

/// What is left of a database. Told as the cause of [`StoreError::Damaged`], which names the command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Lost {
    /// Its log.
    #[error(
        "{} is missing or empty, and its log {} is there with what was stored last; the command keeps \
         the log. If the file can be found, put it back instead; to begin with an empty database, move \
         the log away",
        .main.display(),
        .log.display()
    )]
    Log { main: PathBuf, log: PathBuf },
    /// The copy that was to take its place.
    #[error(
        "{} is missing or empty, and {} is left of a restore that was cut off; carry it out again. To \
         begin with an empty database, move that file away",
        .main.display(),
        .copy.display()
    )]
    Restore { main: PathBuf, copy: PathBuf },
}

impl From<Lost> for StoreError {
    fn from(lost: Lost) -> Self {
        Self::Damaged(Box::new(lost))
    }
}

/// Refuses to open what is left of a database. To be called before the file at `path` is opened or made.
pub(crate) fn refuse(path: &Path) -> Result<(), Lost> {
    // The log first: whoever makes a database just now writes into the file before there is a log.
    let has_log = has_log(path);
    if !is_missing_or_empty(path) {
        return Ok(());
    }
    let main = path.to_owned();
    if has_log {
        let log = beside(path, "-wal");
        return Err(Lost::Log { main, log });
    }
    let copy = crate::files::beside(path, RESTORING);
    if copy.exists() {
        return Err(Lost::Restore { main, copy });
    }
    Ok(())
}

/// Whether there is no file at `path` that SQLite would take for a database.
pub(crate) fn is_missing_or_empty(path: &Path) -> bool {
    match fs::metadata(path) {
        Ok(file) => file.len() == 0,
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}
