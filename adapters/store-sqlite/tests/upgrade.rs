//! A database of an earlier version that can't be brought to this one: which row is the cause.

use relay_store::{Damage, StoreError};
use relay_store_sqlite::{SqliteStore, spoil};

const CORPUS: &str = "../../fixtures/corpus/0.1.0/relay.sqlite";

#[tokio::test]
async fn a_row_that_keeps_the_schema_from_being_changed_is_named_and_nothing_is_changed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("relay.db");
    std::fs::copy(CORPUS, &file).unwrap();
    let first = "UPDATE jobs SET note = x'ff00' WHERE seq = 1";
    assert_eq!(spoil::mistype(&file, "jobs", first).await.unwrap(), 1);
    let applied = "SELECT CAST(max(version) AS TEXT) FROM _sqlx_migrations";
    let before = spoil::ask(&file, applied).await.unwrap();
    for _ in 0..2 {
        let store = SqliteStore::open(&file).await.unwrap();
        let error = store.migrate().await.unwrap_err();
        store.close().await;
        let StoreError::Corrupt(Damage { table, row, column }) = error else {
            panic!("{error:?}")
        };
        assert_eq!((&*table, &*row, &*column), ("jobs", "1", "note"));
    }
    assert_eq!(spoil::ask(&file, applied).await.unwrap(), before);

    // Mended, as the release before does it, it goes on.
    let mended = "UPDATE jobs SET note = NULL WHERE seq = 1";
    spoil::run(&file, mended).await.unwrap();
    let store = SqliteStore::open(&file).await.unwrap();
    store.migrate().await.unwrap();
    store.close().await;
    assert_ne!(spoil::ask(&file, applied).await.unwrap(), before);
}
