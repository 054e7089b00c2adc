//! A file that is no longer ours is noticed before anybody is told that something was stored in it;
//! and when the store is closed, the file alone holds everything.

#![expect(
    clippy::unwrap_used,
    reason = "a step that fails ends the test, in helpers too"
)]

use std::fs::{self, OpenOptions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use relay_core::ids::ReceiptId;
use relay_core::random::SeededRandom;
use relay_core::time::Timestamp;
use relay_store::{Batch, FileFault, Op, Page, Receipt, ReceiptState, Store, StoreError};
use relay_store_sqlite::SqliteStore;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};

async fn open(path: &Path) -> SqliteStore {
    let store = SqliteStore::open(path).await.unwrap();
    store.migrate().await.unwrap();
    store
}

/// A connection of another program, with SQLite's own settings.
async fn stranger(path: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(path);
    options.connect().await.unwrap()
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

fn start() -> Timestamp {
    "2026-11-03T15:00:00Z".parse().unwrap()
}

/// Stores one webhook.
async fn store_one(store: &SqliteStore, random: &SeededRandom) -> Result<ReceiptId, StoreError> {
    store_large(store, random, 2).await
}

async fn store_large(
    store: &SqliteStore,
    random: &SeededRandom,
    bytes: usize,
) -> Result<ReceiptId, StoreError> {
    let id = ReceiptId::new(random, start());
    let receipt = Receipt {
        id,
        source: "clear-connection".into(),
        dedupe_key: id.to_string(),
        dedupe_forever: true,
        verified_by: "key-1".into(),
        received_at: start(),
        content_type: None,
        body: vec![b'x'; bytes],
        state: ReceiptState::New,
        duplicate_of: None,
        note: None,
        processed_at: None,
    };
    let batch = Batch::from(vec![Op::InsertReceipt(receipt)]);
    store.commit(batch).await.map(|_| id)
}

/// What is stored ends in this fault, and so does asking.
async fn assert_noticed(store: &SqliteStore, fault: FileFault) {
    assert_eq!(store.check_file().await, Err(fault.clone()));
    let told = store_one(store, &SeededRandom::new(99)).await;
    assert!(matches!(told, Err(StoreError::Unavailable(_))), "{told:?}");
    assert_eq!(store.check_file().await, Err(fault));
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

#[tokio::test]
async fn a_deleted_file_is_noticed() {
    let folder = Folder::new();
    let path = folder.at("relay.db");
    let store = open(&path).await;
    store_one(&store, &SeededRandom::new(1)).await.unwrap();
    assert_eq!(store.check_file().await, Ok(()));
    fs::remove_file(&path).unwrap();
    assert_noticed(&store, FileFault::Missing(path.clone())).await;
    // No new file was made in its place, where nobody would see that the old one is gone.
    assert!(!path.exists());
}

#[tokio::test]
async fn a_file_that_was_moved_away_is_ours_again_when_it_is_back() {
    let folder = Folder::new();
    let (path, away) = (folder.at("relay.db"), folder.at("away.db"));
    let store = open(&path).await;
    let random = SeededRandom::new(1);
    store_one(&store, &random).await.unwrap();
    fs::rename(&path, &away).unwrap();
    assert_noticed(&store, FileFault::Missing(path.clone())).await;
    fs::rename(&away, &path).unwrap();
    let id = store_one(&store, &random).await.unwrap();
    assert!(store.receipt(id).await.unwrap().is_some());
}

#[tokio::test]
async fn a_file_that_was_replaced_by_mv_is_noticed() {
    let folder = Folder::new();
    let (path, other) = (folder.at("relay.db"), folder.at("other.db"));
    open(&other).await.close().await;
    let store = open(&path).await;
    store_one(&store, &SeededRandom::new(1)).await.unwrap();
    fs::rename(&other, &path).unwrap();
    assert_noticed(&store, FileFault::Replaced(path)).await;
}

#[tokio::test]
async fn a_file_that_was_overwritten_by_cp_is_noticed_whatever_the_copy_is_of() {
    let folder = Folder::new();
    let (path, other, early) = (
        folder.at("relay.db"),
        folder.at("other.db"),
        folder.at("early.db"),
    );
    // As large as ours: its size tells nothing.
    open(&other).await.close().await;
    open(&path).await.close().await;
    fs::copy(&path, &early).unwrap();
    for copy in [other, early] {
        let path = folder.at("live.db");
        fs::copy(folder.at("relay.db"), &path).unwrap();
        let store = open(&path).await;
        store_one(&store, &SeededRandom::new(1)).await.unwrap();
        let content = fs::read(&copy).unwrap();
        // In place, as `cp` does it.
        fs::write(&path, &content).unwrap();
        assert_noticed(&store, FileFault::Overwritten(path.clone())).await;
        drop(store);
        for end in ["", "-wal", "-shm"] {
            let _ = fs::remove_file(beside(&path, end));
        }
    }
}

#[tokio::test]
async fn a_log_that_was_unlinked_is_noticed() {
    let folder = Folder::new();
    let path = folder.at("relay.db");
    let store = open(&path).await;
    store_one(&store, &SeededRandom::new(1)).await.unwrap();
    let log = beside(&path.canonicalize().unwrap(), "-wal");
    fs::remove_file(&log).unwrap();
    assert_noticed(&store, FileFault::Missing(log)).await;
}

#[tokio::test]
async fn a_file_that_was_cut_short_is_noticed() {
    let folder = Folder::new();
    let path = folder.at("relay.db");
    let store = open(&path).await;
    store_one(&store, &SeededRandom::new(1)).await.unwrap();
    let file = OpenOptions::new().write(true).open(&path).unwrap();
    file.set_len(4_096).unwrap();
    assert_noticed(&store, FileFault::Truncated(path.clone())).await;
    // Whoever makes it long again does not bring back what was in it.
    file.set_len(10_000_000).unwrap();
    assert_noticed(&store, FileFault::Truncated(path)).await;
}

#[tokio::test]
async fn what_others_do_through_sqlite_is_no_fault() {
    let folder = Folder::new();
    let path = folder.at("relay.db");
    let store = open(&path).await;
    let random = SeededRandom::new(1);
    let second = SqliteStore::open(&path).await.unwrap();
    let mut person = stranger(&path).await;
    for round in 0..20 {
        store_one(&store, &random).await.unwrap();
        store_large(&second, &random, 100_000).await.unwrap();
        sqlx::raw_sql("UPDATE receipts SET note = note || 'x'; PRAGMA wal_checkpoint(FULL)")
            .execute(&mut person)
            .await
            .unwrap();
        assert_eq!(store.check_file().await, Ok(()), "round {round}");
    }
    second.close().await;
    person.close().await.unwrap();
    store_one(&store, &random).await.unwrap();
    assert_eq!(store.check_file().await, Ok(()));
    store.migrate().await.unwrap();
    store_one(&store, &random).await.unwrap();
}

#[tokio::test]
async fn after_closing_the_file_alone_holds_everything() {
    let folder = Folder::new();
    let path = folder.at("relay.db");
    let store = open(&path).await;
    let random = SeededRandom::new(1);
    for _ in 0..200 {
        store_one(&store, &random).await.unwrap();
    }
    // A command looks at it meanwhile: ours is not the last connection.
    let mut person = stranger(&path).await;
    sqlx::raw_sql("SELECT count(*) FROM receipts")
        .execute(&mut person)
        .await
        .unwrap();
    Store::close(&store).await;
    let log = beside(&path, "-wal");
    assert_eq!(fs::metadata(&log).map_or(0, |log| log.len()), 0);
    let alone = folder.at("alone.db");
    fs::copy(&path, &alone).unwrap();
    person.close().await.unwrap();

    let store = open(&alone).await;
    let page = Page {
        offset: 0,
        limit: 1_000,
    };
    let kept = store.receipts(ReceiptState::New, page).await.unwrap();
    assert_eq!(kept.len(), 200);
}

#[tokio::test]
async fn the_log_does_not_keep_its_largest_size() {
    const LARGE: u64 = 24 * 1_024 * 1_024;
    let folder = Folder::new();
    let path = folder.at("relay.db");
    let store = open(&path).await;
    let random = SeededRandom::new(1);
    let log = || fs::metadata(beside(&path, "-wal")).unwrap().len();
    // Somebody reads for long: nothing can be folded past what she sees.
    let mut person = stranger(&path).await;
    sqlx::raw_sql("BEGIN; SELECT count(*) FROM receipts")
        .execute(&mut person)
        .await
        .unwrap();
    while log() < LARGE {
        store_large(&store, &random, 900_000).await.unwrap();
    }
    person.close().await.unwrap();
    // Portion after portion is folded now, and soon the log begins anew.
    let mut portions = 0;
    while log() >= LARGE {
        store_large(&store, &random, 900_000).await.unwrap();
        portions += 1;
        assert!(portions < 500, "the log stays at {} bytes", log());
    }
}

#[tokio::test]
async fn only_its_owner_may_read_a_new_database() {
    let folder = Folder::new();
    let path = folder.at("relay.db");
    let store = open(&path).await;
    store_one(&store, &SeededRandom::new(1)).await.unwrap();
    for end in ["", "-wal", "-shm"] {
        let mode = fs::metadata(beside(&path, end))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "relay.db{end}");
    }
}
