//! Databases, before they are open.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use relay_store::{Store, StoreError};

/// Opens databases. Implemented in `wiring`, which alone knows which database it is.
#[async_trait(?Send)]
pub trait Stores: Send + Sync {
    /// Opens the database at `path`, which must be there and of this version.
    async fn open(&self, path: &Path) -> Result<Arc<dyn Store>, StoreError>;
    /// Brings the database at `path` to this version; makes it if it is not there.
    async fn migrate(&self, path: &Path) -> Result<(), StoreError>;
    /// Looks at the database at `path`, which must be there, and changes nothing. Only a `thorough`
    /// look finds damage: it reads the whole file.
    async fn look(&self, path: &Path, thorough: bool) -> Result<Look, StoreError>;
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
pub struct Look {
    /// Its version.
    pub version: Version,
    /// How it keeps its journal.
    pub journal: String,
    /// What is damaged, in the database's own words; `None` if nothing is, or was looked for.
    pub damage: Option<String>,
}
