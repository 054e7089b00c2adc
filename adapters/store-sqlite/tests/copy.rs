//! Copies: made while the store is in use, whole, and put back without losing what stood there.

#![expect(
    clippy::unwrap_used,
    reason = "a step that fails ends the test, in helpers too"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use relay_core::ids::ReceiptId;
use relay_core::random::SeededRandom;
use relay_core::time::Timestamp;
use relay_store::{Batch, CopyError, FileFault, Op, Receipt, ReceiptState, Store as _, StoreError};
use relay_store_sqlite::{SqliteStore, backup, found_whole, free, look, restore, unclean, verify};
use serde_json::json;

fn start() -> Timestamp {
    "2026-11-03T15:00:00Z".parse().unwrap()
}

async fn open(path: &Path) -> SqliteStore {
    let store = SqliteStore::open(path).await.unwrap();
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

fn mark() -> Batch {
    Batch::from(vec![Op::PutSetting {
        key: "memory/old".into(),
        value: json!(true),
    }])
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn names(&self) -> Vec<String> {
        let files = fs::read_dir(self.0.path()).unwrap();
        let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    }
}

#[tokio::test]
async fn a_copy_is_made_while_the_store_is_in_use_and_holds_what_was_committed() {
    let folder = Folder::new();
    let (path, copy) = (folder.at("relay.db"), folder.at("copy.db"));
    let store = open(&path).await;
    let random = SeededRandom::new(1);
    for _ in 0..50 {
        store_one(&store, &random).await;
    }
    let writing = async {
        for _ in 0..50 {
            store_one(&store, &random).await;
        }
    };
    let (copied, ()) = tokio::join!(backup(&path, &copy), writing);
    let copied = copied.unwrap();
    let receipts = copied.rows.iter().find(|(table, _)| table == "receipts");
    assert!(receipts.unwrap().1 >= 50);
    assert_eq!(copied.newest, Some(start()));
    assert_eq!(verify(&copy).await.unwrap(), copied);
    let mode = fs::metadata(&copy).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(store.check_file().await, Ok(()));
    store.close().await;
    assert_eq!(folder.names(), ["copy.db", "relay.db"]);
}

#[tokio::test]
async fn no_file_is_ever_written_over() {
    let folder = Folder::new();
    let (path, copy) = (folder.at("relay.db"), folder.at("copy.db"));
    open(&path).await.close().await;
    fs::write(&copy, "somebody's").unwrap();
    let refused = backup(&path, &copy).await;
    assert!(matches!(refused, Err(CopyError::Exists(file)) if file == copy));
    assert_eq!(fs::read(&copy).unwrap(), b"somebody's");
}

#[tokio::test]
async fn a_copy_is_put_back_marked_and_what_it_replaces_is_kept() {
    let folder = Folder::new();
    let (path, copy) = (folder.at("relay.db"), folder.at("copy.db"));
    let store = open(&path).await;
    let random = SeededRandom::new(1);
    let early = store_one(&store, &random).await;
    backup(&path, &copy).await.unwrap();
    let late = store_one(&store, &random).await;
    store.close().await;
    let before = fs::read(&copy).unwrap();

    let restored = restore(&copy, &path, ".kept", mark()).await.unwrap();

    let kept = folder.at("relay.db.kept");
    assert_eq!(restored.kept, Some(kept.clone()));
    assert!(fs::read(&copy).unwrap() == before, "the copy was changed");
    let store = open(&path).await;
    assert!(store.receipt(early).await.unwrap().is_some());
    assert!(store.receipt(late).await.unwrap().is_none());
    assert_eq!(
        store.setting("memory/old").await.unwrap(),
        Some(json!(true))
    );
    let old = open(&kept).await;
    assert!(old.receipt(late).await.unwrap().is_some());
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn a_database_that_somebody_has_open_is_not_replaced() {
    let folder = Folder::new();
    let (path, copy) = (folder.at("relay.db"), folder.at("copy.db"));
    let store = open(&path).await;
    let random = SeededRandom::new(1);
    backup(&path, &copy).await.unwrap();
    let refused = restore(&copy, &path, ".kept", mark()).await;
    assert!(
        matches!(&refused, Err(CopyError::InUse(file)) if *file == path),
        "{refused:?}"
    );
    // It goes on as if nobody had asked.
    store_one(&store, &random).await;
    store.close().await;
    free(&path).await.unwrap();
    restore(&copy, &path, ".kept", mark()).await.unwrap();
}

#[tokio::test]
async fn what_is_not_whole_or_not_ours_is_not_put_back_and_nothing_is_changed() {
    let folder = Folder::new();
    let (path, copy) = (folder.at("relay.db"), folder.at("copy.db"));
    let store = open(&path).await;
    let random = SeededRandom::new(1);
    for _ in 0..50 {
        store_one(&store, &random).await;
    }
    backup(&path, &copy).await.unwrap();
    store.close().await;
    let before = fs::read(&path).unwrap();
    let whole = fs::read(&copy).unwrap();
    let mut torn = whole.clone();
    let half = torn.len() / 2;
    torn[half..half + 8_192].fill(0xa5);
    let cases: [(&str, Vec<u8>); 4] = [
        ("torn", torn),
        ("short", whole[..half].to_vec()),
        ("text", b"a letter to the clinic".repeat(400)),
        ("empty", Vec::new()),
    ];
    for (name, bytes) in cases {
        let file = folder.at(name);
        fs::write(&file, bytes).unwrap();
        let refused = restore(&file, &path, ".kept", mark()).await;
        assert!(
            matches!(
                refused,
                Err(CopyError::NotWhole { .. } | CopyError::Foreign(_))
            ),
            "{name}: {refused:?}"
        );
        assert!(fs::read(&path).unwrap() == before, "{name}: changed");
        assert!(!folder.at("relay.db.kept").exists(), "{name}");
    }
    let missing = restore(&folder.at("nowhere"), &path, ".kept", mark()).await;
    assert!(matches!(missing, Err(CopyError::Missing(_))));
}

#[tokio::test]
async fn a_damaged_database_can_be_replaced() {
    let folder = Folder::new();
    let (path, copy) = (folder.at("relay.db"), folder.at("copy.db"));
    let store = open(&path).await;
    backup(&path, &copy).await.unwrap();
    store.close().await;
    fs::write(&path, b"what a dying disk has left of it").unwrap();
    let restored = restore(&copy, &path, ".kept", mark()).await.unwrap();
    assert!(restored.kept.is_some());
    open(&path).await.close().await;
}

#[tokio::test]
async fn a_copy_that_is_put_over_a_running_store_is_noticed() {
    let folder = Folder::new();
    let (path, copy) = (folder.at("relay.db"), folder.at("copy.db"));
    let store = open(&path).await;
    store_one(&store, &SeededRandom::new(1)).await;
    backup(&path, &copy).await.unwrap();
    let mut bytes = fs::read(&copy).unwrap();
    // Not even its size tells.
    let size = fs::metadata(&path).unwrap().len();
    bytes.resize(usize::try_from(size).unwrap().max(bytes.len()), 0);
    fs::write(&path, bytes).unwrap();
    assert_eq!(store.check_file().await, Err(FileFault::Overwritten(path)));
}

#[tokio::test]
async fn a_file_whose_process_was_cut_off_is_told_from_one_that_was_put_away() {
    let folder = Folder::new();
    let path = folder.at("relay.db");
    let store = open(&path).await;
    store_one(&store, &SeededRandom::new(1)).await;
    assert!(unclean(&path));
    store.close().await;
    assert!(!unclean(&path));
}

/// The files of a database as a process that was cut off leaves them.
async fn cut_off(folder: &Folder) -> PathBuf {
    let store = open(&folder.at("running.db")).await;
    store_one(&store, &SeededRandom::new(1)).await;
    for end in ["", "-wal"] {
        let from = folder.at(&format!("running.db{end}"));
        fs::copy(from, folder.at(&format!("relay.db{end}"))).unwrap();
    }
    store.close().await;
    folder.at("relay.db")
}

#[tokio::test]
async fn that_a_process_was_cut_off_is_known_until_somebody_has_found_the_file_whole() {
    let folder = Folder::new();
    let path = cut_off(&folder).await;
    let bytes = || {
        (
            fs::read(&path).unwrap(),
            fs::read(folder.at("relay.db-wal")).unwrap(),
        )
    };
    let before = bytes();
    free(&path).await.unwrap();
    assert!(bytes() == before, "a look has changed it");
    assert!(unclean(&path));
    // Whoever opens it folds the log at its end.
    SqliteStore::open(&path).await.unwrap().close().await;
    assert!(!folder.at("relay.db-wal").exists());
    assert!(unclean(&path), "forgotten");
    SqliteStore::open(&path).await.unwrap().close().await;
    assert!(unclean(&path), "forgotten by the second");
    found_whole(&path).unwrap();
    assert!(!unclean(&path));
    found_whole(&path).unwrap();
}

#[tokio::test]
async fn a_second_one_beside_it_is_no_sign_of_a_process_that_was_cut_off() {
    let folder = Folder::new();
    let path = folder.at("relay.db");
    let store = open(&path).await;
    store_one(&store, &SeededRandom::new(1)).await;
    SqliteStore::open(&path).await.unwrap().close().await;
    store.close().await;
    assert!(!unclean(&path));
}

#[tokio::test]
async fn what_a_killed_run_has_left_does_not_keep_the_next_one_from_its_work() {
    let folder = Folder::new();
    let (path, copy) = (folder.at("relay.db"), folder.at("copy.db"));
    open(&path).await.close().await;
    for left in ["copy.db.partial", "copy.db.partial-journal"] {
        fs::write(folder.at(left), vec![7; 10_000]).unwrap();
    }
    backup(&path, &copy).await.unwrap();
    for left in ["relay.db.restoring", "relay.db.restoring-wal"] {
        fs::write(folder.at(left), vec![7; 10_000]).unwrap();
    }
    restore(&copy, &path, ".kept", mark()).await.unwrap();
    open(&path).await.close().await;
    assert_eq!(folder.names(), ["copy.db", "relay.db", "relay.db.kept"]);
    // One that is being made is left alone.
    let under_way = fs::File::create(folder.at("other.db.partial")).unwrap();
    under_way.lock().unwrap();
    let refused = backup(&path, &folder.at("other.db")).await;
    assert!(
        matches!(refused, Err(CopyError::UnderWay(_))),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_copy_that_was_finished_is_not_emptied_for_the_second_name_that_a_cut_has_left_it() {
    let folder = Folder::new();
    let (path, copy) = (folder.at("relay.db"), folder.at("copy.db"));
    open(&path).await.close().await;
    let early = backup(&path, &copy).await.unwrap();
    fs::hard_link(&copy, folder.at("copy.db.partial")).unwrap();
    let monday = folder.at("monday.db");
    fs::rename(&copy, &monday).unwrap();
    let store = open(&path).await;
    store_one(&store, &SeededRandom::new(1)).await;
    store.close().await;
    let late = backup(&path, &copy).await.unwrap();
    assert_ne!(late, early);
    assert_eq!(verify(&copy).await.unwrap(), late);
    assert_eq!(verify(&monday).await.unwrap(), early);
    assert!(!folder.at("copy.db.partial").exists());
}

#[tokio::test]
async fn a_copy_is_not_made_beside_the_log_of_another_file() {
    let folder = Folder::new();
    let (path, copy) = (folder.at("relay.db"), folder.at("copy.db"));
    open(&path).await.close().await;
    for end in ["-wal", "-journal"] {
        let foreign = folder.at(&format!("copy.db{end}"));
        fs::write(&foreign, "of a copy that was deleted").unwrap();
        let refused = backup(&path, &copy).await;
        assert!(
            matches!(&refused, Err(CopyError::Exists(file)) if *file == foreign),
            "{refused:?}"
        );
        assert!(!copy.exists());
        fs::remove_file(foreign).unwrap();
    }
    backup(&path, &copy).await.unwrap();
}

/// How a database loses its file and keeps its log.
const LOSSES: [fn(&Path); 2] = [
    |path| fs::remove_file(path).unwrap(),
    |path| fs::write(path, "").unwrap(),
];

#[tokio::test]
async fn a_log_whose_file_is_lost_is_thrown_away_by_nobody() {
    for lose in LOSSES {
        let folder = Folder::new();
        let path = cut_off(&folder).await;
        let (main, log) = (fs::read(&path).unwrap(), folder.at("relay.db-wal"));
        let before = fs::read(&log).unwrap();
        lose(&path);
        let there = path.exists();
        let opened = SqliteStore::open(&path).await.map(|_| ());
        let looked = look(&path, true).await.map(|_| ());
        for refused in [opened, looked] {
            let Err(StoreError::Damaged(cause)) = refused else {
                panic!("{refused:?}");
            };
            let cause = cause.to_string();
            for name in [&path, &log] {
                assert!(cause.contains(&name.display().to_string()), "{cause}");
            }
        }
        assert!(backup(&path, &folder.at("copy.db")).await.is_err());
        assert!(verify(&path).await.is_err());
        free(&path).await.unwrap();
        assert!(fs::read(&log).unwrap() == before, "the log was changed");
        assert_eq!(path.exists(), there, "a database was made");
        // The file is found again: nothing of it is lost.
        fs::write(&path, main).unwrap();
        let store = open(&path).await;
        let page = relay_store::Page {
            offset: 0,
            limit: 10,
        };
        let kept = store.receipts(ReceiptState::New, page).await.unwrap();
        assert_eq!(kept.len(), 1);
    }
}

#[tokio::test]
async fn a_log_whose_file_is_lost_is_kept_and_is_not_replayed_into_the_copy() {
    for lose in LOSSES {
        let folder = Folder::new();
        let copy = folder.at("copy.db");
        let early = open(&folder.at("early.db")).await;
        let id = store_one(&early, &SeededRandom::new(7)).await;
        early.close().await;
        backup(&folder.at("early.db"), &copy).await.unwrap();
        let path = cut_off(&folder).await;
        lose(&path);
        let there = path.exists();
        for end in ["-journal", "-unclean"] {
            fs::write(folder.at(&format!("relay.db{end}")), "left").unwrap();
        }
        let log = fs::read(folder.at("relay.db-wal")).unwrap();

        let restored = restore(&copy, &path, ".kept", mark()).await.unwrap();

        let first = if there {
            "relay.db.kept"
        } else {
            "relay.db.kept-wal"
        };
        assert_eq!(restored.kept, Some(folder.at(first)));
        let names: Vec<_> = folder.names();
        let of_place = names.iter().filter(|name| name.starts_with("relay.db"));
        let of_place: Vec<_> = of_place.filter(|name| *name != "relay.db.kept").collect();
        assert_eq!(
            of_place,
            [
                "relay.db",
                "relay.db.kept-journal",
                "relay.db.kept-unclean",
                "relay.db.kept-wal"
            ]
        );
        assert!(fs::read(folder.at("relay.db.kept-wal")).unwrap() == log);
        assert!(!unclean(&path), "the sign was the old file's");
        let store = open(&path).await;
        assert!(store.receipt(id).await.unwrap().is_some());
        let marked = store.setting("memory/old").await.unwrap();
        assert_eq!(marked, Some(json!(true)));
        store.close().await;
        let found = verify(&path).await.unwrap();
        assert!(found.rows.contains(&("receipts".to_owned(), 1)));
    }
}

#[tokio::test]
async fn where_a_restore_of_a_lost_database_was_cut_off_none_is_made() {
    let folder = Folder::new();
    let path = folder.at("relay.db");
    let left = folder.at("relay.db.restoring");
    fs::write(&left, "half a copy").unwrap();
    let refused = SqliteStore::open(&path).await.map(|_| ());
    let Err(StoreError::Damaged(cause)) = refused else {
        panic!("{refused:?}");
    };
    assert!(cause.to_string().contains(&left.display().to_string()));
    assert!(!path.exists());
    // What the message says: either carry it out again, or move the file away.
    fs::remove_file(left).unwrap();
    open(&path).await.close().await;
}

#[tokio::test]
async fn what_is_kept_never_takes_the_place_of_another_file() {
    let folder = Folder::new();
    let (path, copy) = (folder.at("relay.db"), folder.at("copy.db"));
    open(&path).await.close().await;
    backup(&path, &copy).await.unwrap();
    let taken = folder.at("relay.db.kept-wal");
    fs::write(&taken, "of an earlier restore").unwrap();
    let refused = restore(&copy, &path, ".kept", mark()).await;
    assert!(
        matches!(&refused, Err(CopyError::Exists(file)) if *file == taken),
        "{refused:?}"
    );
    assert_eq!(fs::read(&taken).unwrap(), b"of an earlier restore");
    assert_eq!(
        folder.names(),
        ["copy.db", "relay.db", "relay.db.kept-wal"],
        "nothing was changed"
    );
}
