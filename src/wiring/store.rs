//! The database: one SQLite file.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use relay_store::{Batch, Copied, CopyError, Restored, Store, StoreError};
use relay_store_sqlite::{self as sqlite, SqliteStore};

use crate::ports::{DatabaseInspection, Stores, Version};

/// Databases in files.
#[derive(Debug, Clone, Copy, Default)]
pub struct SqliteStores;

#[async_trait(?Send)]
impl Stores for SqliteStores {
    async fn open(&self, path: &Path) -> Result<Arc<dyn Store>, StoreError> {
        Ok(Arc::new(SqliteStore::open(path).await?))
    }

    async fn migrate(&self, path: &Path) -> Result<(), StoreError> {
        let store = SqliteStore::open(path).await?;
        let migrated = store.migrate().await;
        store.close().await;
        migrated
    }

    fn unclean(&self, path: &Path) -> bool {
        sqlite::unclean(path)
    }

    fn found_whole(&self, path: &Path) {
        if let Err(error) = sqlite::found_whole(path) {
            tracing::warn!(%error, "the sign that the last process was cut off stays; the next start looks again");
        }
    }

    async fn backup(&self, from: &Path, to: &Path) -> Result<Copied, CopyError> {
        sqlite::backup(from, to).await
    }

    async fn check_restore(&self, from: &Path, to: &Path) -> Result<Copied, CopyError> {
        let copied = sqlite::verify(from).await?;
        sqlite::free(to).await?;
        Ok(copied)
    }

    async fn restore(
        &self,
        from: &Path,
        to: &Path,
        suffix: &str,
        mark: Batch,
    ) -> Result<Restored, CopyError> {
        sqlite::restore(from, to, suffix, mark).await
    }

    async fn look(&self, path: &Path, thorough: bool) -> Result<DatabaseInspection, StoreError> {
        let sqlite::FileInspection {
            version,
            journal,
            damage,
            blocking_row,
        } = sqlite::look(path, thorough).await?;
        let version = match version {
            sqlite::Version::Current => Version::Current,
            sqlite::Version::Older => Version::Older,
            sqlite::Version::Newer => Version::Newer,
            sqlite::Version::Foreign => Version::Foreign,
        };
        Ok(DatabaseInspection {
            version,
            journal,
            damage,
            blocking_row,
        })
    }
}
