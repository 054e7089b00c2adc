//! The databases that a command opens, closed when it is over.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use relay_store::{Batch, Copied, CopyError, Restored, Store, StoreError};

use crate::ports::{Look, Stores};

/// Databases, of which those that were opened are known.
pub(super) struct Opening<'a> {
    stores: &'a dyn Stores,
    opened: Mutex<Vec<Arc<dyn Store>>>,
}

impl<'a> Opening<'a> {
    pub(super) fn new(stores: &'a dyn Stores) -> Self {
        Self {
            stores,
            opened: Mutex::default(),
        }
    }

    /// Closes what was opened. One that is closed already stays so.
    pub(super) async fn close(&self) {
        let opened =
            std::mem::take(&mut *self.opened.lock().unwrap_or_else(PoisonError::into_inner));
        for store in opened.iter().rev() {
            store.close().await;
        }
    }
}

#[async_trait(?Send)]
impl Stores for Opening<'_> {
    async fn open(&self, path: &Path) -> Result<Arc<dyn Store>, StoreError> {
        let store = self.stores.open(path).await?;
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        opened.push(Arc::clone(&store));
        Ok(store)
    }

    async fn migrate(&self, path: &Path) -> Result<(), StoreError> {
        self.stores.migrate(path).await
    }

    fn unclean(&self, path: &Path) -> bool {
        self.stores.unclean(path)
    }

    fn found_whole(&self, path: &Path) {
        self.stores.found_whole(path);
    }

    async fn backup(&self, from: &Path, to: &Path) -> Result<Copied, CopyError> {
        self.stores.backup(from, to).await
    }

    async fn check_restore(&self, from: &Path, to: &Path) -> Result<Copied, CopyError> {
        self.stores.check_restore(from, to).await
    }

    async fn restore(
        &self,
        from: &Path,
        to: &Path,
        suffix: &str,
        mark: Batch,
    ) -> Result<Restored, CopyError> {
        self.stores.restore(from, to, suffix, mark).await
    }

    async fn look(&self, path: &Path, thorough: bool) -> Result<Look, StoreError> {
        self.stores.look(path, thorough).await
    }
}
