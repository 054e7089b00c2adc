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
}
