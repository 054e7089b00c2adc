//! What the relay promises, each promise against the worst that we know to do to it.
//!
//! The parts have tests of their own; here stands the whole, through the public seams: the clinic's
//! tools as they are emulated, the webhooks' routes, the database.

mod decided;
mod sent;
mod waiting;

use relay_store_sqlite::SqliteStore;

use crate::corpus::about;

/// A copy of the first frozen corpus, migrated.
pub(crate) async fn frozen() -> (tempfile::TempDir, SqliteStore) {
    let corpus = about::all().remove(0);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(about::DATABASE);
    std::fs::copy(corpus.file(about::DATABASE), &path).expect("copied");
    let store = SqliteStore::open(&path).await.expect("opened");
    store.migrate().await.expect("migrated");
    (folder, store)
}
