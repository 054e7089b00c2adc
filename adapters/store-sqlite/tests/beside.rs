//! Two that have one file open, in one process or in two: neither holds the other up at its end, and
//! neither has the file taken away.

#![expect(
    clippy::unwrap_used,
    reason = "a step that fails ends the test, in helpers too"
)]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use relay_core::ids::ReceiptId;
use relay_core::random::SeededRandom;
use relay_core::time::Timestamp;
use relay_store::{Batch, CopyError, Op, Receipt, ReceiptState, Store as _, StoreError};
use relay_store_sqlite::{Options, SqliteStore, backup, free, restore, verify};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};

/// The file that the other process opens, in the folder it is started in.
const NAME: &str = "held.db";

/// More than any of this takes, and far less than it would if somebody waited for the reader.
const AT_ONCE: Duration = Duration::from_mins(1);

fn start() -> Timestamp {
    "2026-11-03T15:00:00Z".parse().unwrap()
}

async fn open(path: &Path) -> SqliteStore {
    // Who waits for the file waits longer than any test.
    let options = Options {
        busy_timeout: Duration::from_hours(1),
        ..Options::default()
    };
    let store = SqliteStore::open_with(path, options).await.unwrap();
    store.migrate().await.unwrap();
    store
}

async fn store_one(store: &SqliteStore, random: &SeededRandom) -> ReceiptId {
    let id = ReceiptId::new(random, start());
    let receipt = Receipt {
        id,
        source: "clear-connection".into(),
        dedupe_key: id.to_string(),
        dedupe_forever: true,
        verified_by: "key-1".into(),
        received_at: start(),
        content_type: None,
        body: vec![b'x'; 3_000],
        state: ReceiptState::New,
        duplicate_of: None,
        note: None,
        processed_at: None,
    };
    let batch = Batch::from(vec![Op::InsertReceipt(receipt)]);
    store.commit(batch).await.unwrap();
    id
}

/// Somebody who reads for long.
async fn reader(path: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(path);
    let mut conn = options.connect().await.unwrap();
    sqlx::raw_sql("BEGIN; SELECT count(*) FROM receipts")
        .execute(&mut conn)
        .await
        .unwrap();
    conn
}

async fn close_at_once(store: &SqliteStore) {
    let closed = tokio::time::timeout(AT_ONCE, store.close()).await;
    assert!(closed.is_ok(), "it waits for whoever reads");
}

fn log_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    PathBuf::from(name)
}

/// How many receipts a copy of the main file alone holds.
async fn in_the_main_file(path: &Path) -> u64 {
    let alone = path.with_extension("alone");
    fs::copy(path, &alone).unwrap();
    let found = verify(&alone).await.unwrap();
    fs::remove_file(&alone).unwrap();
    let receipts = found.rows.iter().find(|(table, _)| table == "receipts");
    receipts.unwrap().1
}

#[tokio::test]
async fn a_command_that_ends_holds_up_no_relay_while_somebody_reads() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(NAME);
    let random = SeededRandom::new(1);
    let relay = open(&path).await;
    store_one(&relay, &random).await;
    let command = open(&path).await;
    let reader = reader(&path).await;
    store_one(&command, &random).await;
    close_at_once(&command).await;
    store_one(&relay, &random).await;
    reader.close().await.unwrap();
    // The next one folds everything, and leaves the log to the relay.
    let command = open(&path).await;
    store_one(&command, &random).await;
    close_at_once(&command).await;
    assert!(fs::metadata(log_of(&path)).unwrap().len() > 0, "emptied");
    assert_eq!(in_the_main_file(&path).await, 4);
    store_one(&relay, &random).await;
    close_at_once(&relay).await;
    assert!(!log_of(&path).exists());
    assert_eq!(in_the_main_file(&path).await, 5);
}

#[tokio::test]
async fn whoever_comes_while_the_last_one_ends_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(NAME);
    let store = open(&path).await;
    // A connection of this process, which nobody sees who asks the system.
    let reader = reader(&path).await;
    store_one(&store, &SeededRandom::new(1)).await;
    close_at_once(&store).await;
    reader.close().await.unwrap();
    assert_eq!(in_the_main_file(&path).await, 1);
}

/// A process of its own that has the file open.
struct Other {
    process: Child,
    lines: BufReader<ChildStdout>,
}

impl Other {
    fn start(folder: &Path) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["the_other_process", "--exact", "--nocapture"])
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap());
        let mut other = Self { process, lines };
        let mut line = String::new();
        while !line.contains("it is open") {
            line.clear();
            assert_ne!(other.lines.read_line(&mut line).unwrap(), 0, "it ended");
        }
        other
    }

    /// Lets it close the file.
    fn end(mut self) {
        drop(self.process.stdin.take());
        let mut rest = String::new();
        self.lines.read_to_string(&mut rest).unwrap();
        assert!(self.process.wait().unwrap().success(), "{rest}");
    }

    fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// What [`Other`] is. Where it is not started by the tests here, it finds no such file.
#[tokio::test]
async fn the_other_process() {
    if !Path::new(NAME).exists() {
        return;
    }
    let store = SqliteStore::open(NAME).await.unwrap();
    println!("it is open");
    let mut nothing = Vec::new();
    std::io::stdin().read_to_end(&mut nothing).unwrap();
    store.close().await;
}

#[tokio::test]
async fn a_log_is_emptied_only_by_who_is_alone_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(NAME);
    let random = SeededRandom::new(1);
    open(&path).await.close().await;
    let other = Other::start(folder.path());
    let command = open(&path).await;
    store_one(&command, &random).await;
    close_at_once(&command).await;
    assert!(fs::metadata(log_of(&path)).unwrap().len() > 0, "emptied");
    assert_eq!(in_the_main_file(&path).await, 1);
    other.end();
    assert!(!log_of(&path).exists());
    assert_eq!(in_the_main_file(&path).await, 1);
}

#[tokio::test]
async fn a_database_that_was_deleted_under_a_relay_is_not_replaced_while_the_relay_runs() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (folder.path().join(NAME), folder.path().join("copy.db"));
    let random = SeededRandom::new(1);
    let store = open(&path).await;
    store_one(&store, &random).await;
    store.close().await;
    backup(&path, &copy).await.unwrap();
    let other = Other::start(folder.path());
    let store = open(&path).await;
    store_one(&store, &random).await;
    store.close().await;
    let log = fs::read(log_of(&path)).unwrap();
    fs::remove_file(&path).unwrap();
    let asked = free(&path).await;
    let refused = restore(&copy, &path, ".kept", Batch::from(Vec::new())).await;
    for refused in [asked, refused.map(|_| ())] {
        assert!(
            matches!(&refused, Err(CopyError::InUse(file)) if *file == path),
            "{refused:?}"
        );
    }
    assert!(!path.exists());
    assert!(fs::read(log_of(&path)).unwrap() == log);
    other.kill();
    let restored = restore(&copy, &path, ".kept", Batch::from(Vec::new())).await;
    let kept = folder.path().join("held.db.kept-wal");
    assert_eq!(restored.unwrap().kept, Some(kept.clone()));
    assert!(fs::read(kept).unwrap() == log);
    assert_eq!(in_the_main_file(&path).await, 1);
}

#[tokio::test]
async fn a_link_to_a_file_that_is_lost_leads_to_its_log() {
    let folder = tempfile::tempdir().unwrap();
    let (there, link) = (folder.path().join("data"), folder.path().join("relay.db"));
    std::fs::create_dir(&there).unwrap();
    std::os::unix::fs::symlink("data/relay.db", &link).unwrap();
    let log = there.join("relay.db-wal");
    std::fs::write(&log, "what was acknowledged last").unwrap();
    let opened = SqliteStore::open(&link).await;
    assert!(matches!(opened, Err(StoreError::Damaged(_))), "{opened:?}");
    assert!(!there.join("relay.db").exists() && log.exists());
}
