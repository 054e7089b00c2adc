//! Copies and restores that the power cuts off.

use std::path::Path;

use relay_core::ids::ReceiptId;
use relay_core::random::SeededRandom;
use relay_disk_recorder::{Image, Recorder};
use relay_store::{Batch, Op, Store as _};
use relay_store_sqlite::{SqliteStore, backup, restore, verify};
use serde_json::json;

use crate::judge::each_image;
use crate::run::receipt;
use crate::{open, random_images, try_open};

/// What a restore stores in the copy: by it the relay knows that its memory is old.
const OLD: &str = "memory/old";

/// When it was told that the copy is made, or put back.
const DONE: u64 = 0;

async fn store_one(store: &SqliteStore, random: &SeededRandom, key: &str) -> ReceiptId {
    let receipt = receipt(random, key, 3_000);
    let id = receipt.id;
    let batch = Batch::from(vec![Op::InsertReceipt(receipt)]);
    store.commit(batch).await.unwrap();
    id
}

fn laid_out(image: &Image) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    image.write_to(folder.path()).unwrap();
    folder
}

#[tokio::test]
async fn a_copy_has_its_name_only_when_it_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (
        folder.path().join("relay.db"),
        folder.path().join("copy.db"),
    );
    let store = open(&path, false).await;
    let random = SeededRandom::new(1);
    for n in 0..20 {
        store_one(&store, &random, &format!("early-{n}")).await;
    }
    store.close().await;

    let recorder = Recorder::start(folder.path()).unwrap();
    let copied = backup(&path, &copy).await.unwrap();
    recorder.mark(DONE);
    let record = recorder.stop();

    let looked = each_image(&record, random_images(), async |_, marks, image| {
        let folder = laid_out(image);
        let copy = folder.path().join("copy.db");
        if !copy.exists() {
            let done = marks.contains(&DONE);
            return done
                .then(|| "the copy is lost".to_owned())
                .into_iter()
                .collect();
        }
        match verify(&copy).await {
            Ok(found) if found == copied => Vec::new(),
            other => vec![format!("{other:?}")],
        }
    });
    println!("{looked}");
    assert_eq!(looked.wrong, Vec::<String>::new());
}

/// What a database is after a cut, if it is one.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    Old,
    /// The copy, with its mark.
    New,
    Other(String),
}

async fn found(path: &Path, early: ReceiptId, late: ReceiptId) -> Found {
    let store = match try_open(path, true).await {
        Ok(store) => store,
        Err(error) => return Found::Other(error.to_string()),
    };
    let has = async |id| store.receipt(id).await.map(|receipt| receipt.is_some());
    let seen = (has(early).await, has(late).await, store.setting(OLD).await);
    store.close().await;
    match (&seen, verify(path).await) {
        ((Ok(true), Ok(true), Ok(None)), Ok(_)) => Found::Old,
        ((Ok(true), Ok(false), Ok(Some(_))), Ok(_)) => Found::New,
        (_, whole) => Found::Other(format!("{seen:?}, {whole:?}")),
    }
}

#[tokio::test]
async fn a_restore_leaves_the_old_database_or_the_new_one_and_the_old_one_somewhere() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (
        folder.path().join("relay.db"),
        folder.path().join("copy.db"),
    );
    let store = open(&path, false).await;
    let random = SeededRandom::new(1);
    let early = store_one(&store, &random, "early").await;
    backup(&path, &copy).await.unwrap();
    let late = store_one(&store, &random, "late").await;
    // A relay that died: its log is still beside the file, and the restore puts it away first.
    let left = folder.path().join("left");
    std::fs::create_dir(&left).unwrap();
    for name in ["relay.db", "relay.db-wal", "copy.db"] {
        std::fs::copy(folder.path().join(name), left.join(name)).unwrap();
    }
    let (path, copy) = (left.join("relay.db"), left.join("copy.db"));

    let recorder = Recorder::start(&left).unwrap();
    let mark = Batch::from(vec![Op::PutSetting {
        key: OLD.into(),
        value: json!(true),
    }]);
    restore(&copy, &path, ".kept", mark).await.unwrap();
    recorder.mark(DONE);
    let record = recorder.stop();

    let looked = each_image(&record, random_images(), async |_, marks, image| {
        let folder = laid_out(image);
        let path = folder.path().join("relay.db");
        let kept = folder.path().join("relay.db.kept");
        let now = found(&path, early, late).await;
        let right = match now {
            Found::Old => !marks.contains(&DONE),
            Found::New => found(&kept, early, late).await == Found::Old,
            Found::Other(_) => false,
        };
        let names: Vec<_> = image.files.keys().collect();
        let wrong = (!right).then(|| format!("{now:?} of {names:?}"));
        wrong.into_iter().collect()
    });
    println!("{looked}");
    assert_eq!(looked.wrong, Vec::<String>::new());
}

#[tokio::test]
async fn a_restore_where_the_file_was_lost_leaves_the_log_alone_or_the_copy_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (
        folder.path().join("relay.db"),
        folder.path().join("copy.db"),
    );
    let store = open(&path, false).await;
    let random = SeededRandom::new(1);
    let early = store_one(&store, &random, "early").await;
    backup(&path, &copy).await.unwrap();
    let late = store_one(&store, &random, "late").await;
    let left = folder.path().join("left");
    std::fs::create_dir(&left).unwrap();
    for name in ["relay.db-wal", "copy.db"] {
        std::fs::copy(folder.path().join(name), left.join(name)).unwrap();
    }
    let log = std::fs::read(left.join("relay.db-wal")).unwrap();
    let (path, copy) = (left.join("relay.db"), left.join("copy.db"));

    let recorder = Recorder::start(&left).unwrap();
    let mark = Batch::from(vec![Op::PutSetting {
        key: OLD.into(),
        value: json!(true),
    }]);
    restore(&copy, &path, ".kept", mark).await.unwrap();
    recorder.mark(DONE);
    let record = recorder.stop();

    let looked = each_image(&record, random_images(), async |_, marks, image| {
        let bytes = |name: &str| image.files.get(Path::new(name));
        let is_log = |name: &str| bytes(name).is_some_and(|bytes| *bytes == log);
        let is_there = bytes("relay.db").is_some();
        let logs = ["relay.db-wal", "relay.db.kept-wal"].map(is_log);
        let names: Vec<_> = image.files.keys().collect();
        let folder = laid_out(image);
        let path = folder.path().join("relay.db");
        let now = found(&path, early, late).await;
        let right = if is_there {
            now == Found::New && logs == [false, true]
        } else {
            // Nobody makes another one meanwhile.
            !marks.contains(&DONE) && logs != [false, false] && !path.exists()
        };
        let wrong = (!right).then(|| format!("{now:?} of {names:?}"));
        wrong.into_iter().collect()
    });
    println!("{looked}");
    assert_eq!(looked.wrong, Vec::<String>::new());
}
