//! This store keeps every promise of the port.

#![expect(
    clippy::unwrap_used,
    reason = "a step that fails ends the test, in helpers too"
)]

use std::sync::Arc;

use relay_store::Store;
use relay_store_sqlite::SqliteStore;
use tempfile::TempDir;

async fn make() -> (Arc<dyn Store>, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path().join("relay.db"))
        .await
        .unwrap();
    store.migrate().await.unwrap();
    (Arc::new(store), dir)
}

relay_store::conformance_tests!(crate::make);
