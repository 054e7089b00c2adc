//! Databases, before they are open.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use relay_store::{Batch, Copied, CopyError, Damage, Restored, Store, StoreError};

/// Opens databases. Implemented in `wiring`, which alone knows which database it is.
#[async_trait(?Send)]
pub trait Stores: Send + Sync {
    /// Opens the database at `path`, which must be there and of this version.
    async fn open(&self, path: &Path) -> Result<Arc<dyn Store>, StoreError>;
    /// Brings the database at `path` to this version; makes it if it is not there.
    async fn migrate(&self, path: &Path) -> Result<(), StoreError>;
    /// Whether the last process that had the database at `path` open was cut off, or has it open still.
    ///
    /// By default nothing can be cut off.
    fn unclean(&self, path: &Path) -> bool {
        let _ = path;
        false
    }
    /// Somebody has looked through the database at `path` and found it whole: from now on it is not
    /// [`unclean`](Self::unclean) any more for what was before.
    fn found_whole(&self, path: &Path) {
        let _ = path;
    }
    /// Makes a verified copy of the database at `from` as the new file `to`, while others use it.
    ///
    /// By default a database can't be copied; the same for the next two.
    async fn backup(&self, from: &Path, to: &Path) -> Result<Copied, CopyError> {
        let _ = (from, to);
        Err(no_copies())
    }
    /// Whether the copy `from` could be put in the place of the database `to` now, and what it holds.
    async fn check_restore(&self, from: &Path, to: &Path) -> Result<Copied, CopyError> {
        let _ = (from, to);
        Err(no_copies())
    }
    /// Puts the copy `from` in the place of the database `to`, with `mark` stored in it. What stood there
    /// is kept under its name with `suffix`.
    async fn restore(
        &self,
        from: &Path,
        to: &Path,
        suffix: &str,
        mark: Batch,
    ) -> Result<Restored, CopyError> {
        let _ = (from, to, suffix, mark);
        Err(no_copies())
    }
    /// Looks at the database at `path`, which must be there, and changes nothing. Only a `thorough`
    /// look finds damage: it reads the whole file.
    async fn look(&self, path: &Path, thorough: bool) -> Result<DatabaseInspection, StoreError>;
}

fn no_copies() -> CopyError {
    StoreError::Driver("this database makes no copies".into()).into()
}

/// How a database's schema stands to this program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// The same.
    Current,
    /// It lacks migrations that this program has; one that was just made lacks them all.
    Older,
    /// It has migrations that this program doesn't know.
    Newer,
    /// It holds tables that are not ours, a migration that broke off, or a changed one.
    Foreign,
}

/// What a database looks like from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseInspection {
    /// Its version.
    pub version: Version,
    /// How it keeps its journal.
    pub journal: String,
    /// What is damaged, in the database's own words; `None` if nothing is, or was looked for.
    pub damage: Option<String>,
    /// The first row because of which an older database can't be brought to this version, if damage was
    /// looked for.
    pub blocking_row: Option<Damage>,
}
