//! What was acknowledged is kept, a group shares one commit, and the writer outlives faults.

#![expect(
    clippy::unwrap_used,
    reason = "a step that fails ends the test, in helpers too"
)]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use relay_core::ids::ReceiptId;
use relay_core::random::SeededRandom;
use relay_core::time::Timestamp;
use relay_store::{
    Batch, Damage, Op, Page, Precondition, Receipt, ReceiptState, Store, StoreError,
};
use relay_store_sqlite::{Options, SqliteStore};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, SqliteConnection};

async fn open(path: &Path) -> SqliteStore {
    let store = SqliteStore::open(path).await.unwrap();
    store.migrate().await.unwrap();
    store
}

/// A connection of somebody else: a command, or a person with a database tool.
async fn stranger(path: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(path);
    SqliteConnection::connect_with(&options).await.unwrap()
}

fn start() -> Timestamp {
    "2026-11-03T15:00:00Z".parse().unwrap()
}

fn receipt(random: &SeededRandom, key: &str, body: Vec<u8>) -> Receipt {
    Receipt {
        id: ReceiptId::new(random, start()),
        source: "clear-connection".into(),
        dedupe_key: key.into(),
        dedupe_forever: true,
        verified_by: "key-1".into(),
        received_at: start(),
        content_type: Some("application/json".into()),
        body,
        state: ReceiptState::New,
        duplicate_of: None,
        note: None,
        processed_at: None,
    }
}

fn insert(receipt: &Receipt) -> Batch {
    Batch::from(vec![Op::InsertReceipt(receipt.clone())])
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_the_file_is_opened_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("relay.db");
    let random = SeededRandom::new(1);
    let kept = receipt(&random, "evt-1", b"{}".to_vec());

    let store = open(&path).await;
    store.commit(insert(&kept)).await.unwrap();
    // Copied while the first store is open: what a machine that dies now leaves on its disk.
    let left = dir.path().join("left.db");
    for end in ["", "-wal"] {
        let from = format!("{}{end}", path.display());
        std::fs::copy(from, format!("{}{end}", left.display())).unwrap();
    }
    let second = open(&left).await;

    assert_eq!(second.receipt(kept.id).await.unwrap(), Some(kept));
}

#[tokio::test]
async fn closing_carries_out_what_is_queued_and_then_refuses() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("relay.db");
    let random = SeededRandom::new(2);
    let store = open(&path).await;
    let queued: Vec<_> = (0..50)
        .map(|n| receipt(&random, &format!("evt-{n}"), b"{}".to_vec()))
        .collect();
    let tasks: Vec<_> = queued
        .iter()
        .map(|receipt| {
            let (store, batch) = (store.clone(), insert(receipt));
            tokio::spawn(async move { store.commit(batch).await })
        })
        .collect();
    // Every task runs once before this one goes on, and so has handed its batch over.
    tokio::task::yield_now().await;
    store.close().await;

    let again = open(&path).await;
    for (task, receipt) in tasks.into_iter().zip(&queued) {
        task.await.unwrap().unwrap();
        assert!(again.receipt(receipt.id).await.unwrap().is_some());
    }
    let late = receipt(&random, "late", b"{}".to_vec());
    let refused = store.commit(insert(&late)).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))));
}

#[tokio::test]
async fn two_hundred_concurrent_commits_share_a_few_transactions() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir.path().join("relay.db")).await;
    let random = Arc::new(SeededRandom::new(3));
    let tasks: Vec<_> = (0..200)
        .map(|n| {
            let (store, random) = (store.clone(), Arc::clone(&random));
            tokio::spawn(async move {
                let receipt = receipt(&random, &format!("evt-{n}"), vec![b'x'; 300]);
                store.commit(insert(&receipt)).await
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }

    let stats = store.writer_stats();
    assert_eq!(stats.requests, 200);
    assert!(stats.transactions <= 20, "{stats:?}");
    let page = Page {
        offset: 0,
        limit: 500,
    };
    let stored = store.receipts(ReceiptState::New, page).await.unwrap();
    assert_eq!(stored.len(), 200);
}

#[tokio::test]
async fn a_request_that_fails_undoes_only_itself() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("relay.db");
    let store = open(&path).await;
    let random = SeededRandom::new(4);
    let first = receipt(&random, "evt-1", b"{}".to_vec());
    let last = receipt(&random, "evt-3", b"{}".to_vec());
    let undone = receipt(&random, "evt-2", b"{}".to_vec());
    let broken = Batch::from(vec![
        Op::InsertReceipt(undone.clone()),
        Op::FinishReceipt {
            id: ReceiptId::new(&random, start()),
            state: ReceiptState::Done,
            note: None,
            at: start(),
        },
    ]);

    // Polled together: on this one thread all three are queued before the writer runs, and the file
    // is held until then.
    let mut other = stranger(&path).await;
    let held = other.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let (one, two, three, ()) = tokio::join!(
        store.commit(insert(&first)),
        store.commit(broken),
        store.commit(insert(&last)),
        async { held.rollback().await.unwrap() },
    );

    assert!(one.is_ok() && three.is_ok());
    assert!(matches!(
        two,
        Err(StoreError::Conflict {
            what: Precondition::ReceiptState
        })
    ));
    assert_eq!(store.writer_stats().transactions, 1);
    assert_eq!(store.receipt(undone.id).await.unwrap(), None);
    assert_eq!(store.receipt(first.id).await.unwrap(), Some(first));
    assert_eq!(store.receipt(last.id).await.unwrap(), Some(last));
}

#[tokio::test]
async fn a_row_the_schema_forbids_fails_alone() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir.path().join("relay.db")).await;
    let random = SeededRandom::new(11);
    let good = receipt(&random, "evt-1", b"{}".to_vec());
    let mut bad = receipt(&random, "evt-2", b"{}".to_vec());
    // Done, but never processed.
    bad.state = ReceiptState::Done;

    let (one, two) = tokio::join!(store.commit(insert(&bad)), store.commit(insert(&good)));

    assert!(matches!(one, Err(StoreError::Driver(_))));
    assert!(two.is_ok());
    assert_eq!(store.writer_stats().transactions, 1);
    assert_eq!(store.receipt(bad.id).await.unwrap(), None);
    assert_eq!(store.receipt(good.id).await.unwrap(), Some(good));
}

#[tokio::test]
async fn no_answer_is_given_while_the_commit_is_held_up() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("relay.db");
    let store = open(&path).await;
    let random = SeededRandom::new(5);
    let receipt = receipt(&random, "evt-1", b"{}".to_vec());
    let mut other = stranger(&path).await;
    let held = other.begin_with("BEGIN IMMEDIATE").await.unwrap();

    let commit = store.commit(insert(&receipt));
    tokio::pin!(commit);
    // Another process holds the file. The answer must not come before it lets go.
    tokio::select! {
        biased;
        _ = &mut commit => panic!("answered before it could be committed"),
        seen = store.receipt(receipt.id) => assert_eq!(seen.unwrap(), None),
    }
    held.rollback().await.unwrap();

    commit.await.unwrap();
    assert_eq!(store.receipt(receipt.id).await.unwrap(), Some(receipt));
}

#[tokio::test]
async fn a_locked_file_is_unavailable_and_the_writer_recovers_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("relay.db");
    let options = Options {
        busy_timeout: Duration::ZERO,
        ..Options::default()
    };
    let store = SqliteStore::open_with(&path, options).await.unwrap();
    store.migrate().await.unwrap();
    let random = SeededRandom::new(6);
    let receipt = receipt(&random, "evt-1", b"{}".to_vec());
    let mut other = stranger(&path).await;
    let held = other.begin_with("BEGIN IMMEDIATE").await.unwrap();

    let (one, two) = tokio::join!(
        store.commit(insert(&receipt)),
        store.rescue(start(), start())
    );
    assert!(matches!(one, Err(StoreError::Unavailable(_))));
    assert!(matches!(two, Err(StoreError::Unavailable(_))));
    assert_eq!(store.writer_stats().transactions, 0);

    held.rollback().await.unwrap();
    store.commit(insert(&receipt)).await.unwrap();
    assert_eq!(store.receipt(receipt.id).await.unwrap(), Some(receipt));
}

#[tokio::test]
async fn a_full_disk_refuses_what_does_not_fit_and_keeps_everything_else() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("relay.db");
    let options = Options {
        max_pages: Some(100),
        ..Options::default()
    };
    let store = SqliteStore::open_with(&path, options).await.unwrap();
    store.migrate().await.unwrap();
    let random = SeededRandom::new(7);
    let small = receipt(&random, "small", b"{}".to_vec());
    let large = receipt(&random, "large", vec![0; 1_000_000]);

    store.commit(insert(&small)).await.unwrap();
    let refused = store.commit(insert(&large)).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))));

    // The writer goes on with what fits, and a file with more room takes the rest.
    let next = receipt(&random, "next", b"{}".to_vec());
    store.commit(insert(&next)).await.unwrap();
    store.close().await;
    let roomy = open(&path).await;
    roomy.commit(insert(&large)).await.unwrap();
    for receipt in [small, next, large] {
        assert_eq!(roomy.receipt(receipt.id).await.unwrap(), Some(receipt));
    }
}

#[tokio::test]
async fn a_full_disk_is_told_to_everybody_whose_change_it_took() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options {
        max_pages: Some(100),
        ..Options::default()
    };
    let path = dir.path().join("relay.db");
    let store = SqliteStore::open_with(&path, options).await.unwrap();
    store.migrate().await.unwrap();
    let random = SeededRandom::new(12);
    let small = receipt(&random, "small", b"{}".to_vec());
    let large = receipt(&random, "large", vec![0; 1_000_000]);
    let batch = Batch::from(vec![
        Op::InsertReceipt(large.clone()),
        Op::RemoveLink {
            client: "c-1".into(),
        },
    ]);

    let (one, two) = tokio::join!(store.commit(insert(&small)), store.commit(batch));

    assert!(matches!(two, Err(StoreError::Unavailable(_))));
    // Whether the neighbor was saved is SQLite's affair; that it was told the truth is ours.
    let stored = store.receipt(small.id).await.unwrap().is_some();
    assert_eq!(one.is_ok(), stored);
    assert_eq!(store.receipt(large.id).await.unwrap(), None);
}

#[tokio::test]
async fn a_requester_that_goes_away_does_not_stop_the_writer() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("relay.db");
    let store = open(&path).await;
    let random = SeededRandom::new(8);
    let left = receipt(&random, "left", b"{}".to_vec());
    let stays = receipt(&random, "stays", b"{}".to_vec());

    let mut other = stranger(&path).await;
    let held = other.begin_with("BEGIN IMMEDIATE").await.unwrap();
    {
        let commit = store.commit(insert(&left));
        tokio::pin!(commit);
        // Polled once, so the batch is handed over; then dropped without an answer.
        tokio::select! {
            biased;
            _ = &mut commit => panic!("the file is held: it can't be committed yet"),
            () = std::future::ready(()) => {}
        }
    }
    held.rollback().await.unwrap();
    store.commit(insert(&stays)).await.unwrap();

    assert_eq!(store.receipt(stays.id).await.unwrap(), Some(stays));
    assert_eq!(store.receipt(left.id).await.unwrap(), Some(left));
}

#[tokio::test]
async fn a_second_store_on_the_same_file_sees_and_adds_changes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("relay.db");
    let (service, command) = (open(&path).await, open(&path).await);
    let random = SeededRandom::new(9);
    let one = receipt(&random, "evt-1", b"{}".to_vec());
    let two = receipt(&random, "evt-2", b"{}".to_vec());

    service.commit(insert(&one)).await.unwrap();
    command.commit(insert(&two)).await.unwrap();

    assert_eq!(command.receipt(one.id).await.unwrap(), Some(one));
    assert_eq!(service.receipt(two.id).await.unwrap(), Some(two));
}

#[tokio::test]
async fn migrating_twice_keeps_what_is_stored() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir.path().join("relay.db")).await;
    let random = SeededRandom::new(13);
    let receipt = receipt(&random, "evt-1", b"{}".to_vec());
    store.commit(insert(&receipt)).await.unwrap();
    store.migrate().await.unwrap();
    assert_eq!(store.receipt(receipt.id).await.unwrap(), Some(receipt));
}

#[tokio::test]
async fn an_unreadable_row_is_named_instead_of_guessed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("relay.db");
    let store = open(&path).await;
    let random = SeededRandom::new(10);
    let receipt = receipt(&random, "evt-1", b"{}".to_vec());
    store.commit(insert(&receipt)).await.unwrap();
    let mut other = stranger(&path).await;
    sqlx::raw_sql("UPDATE receipts SET received_at = 9223372036854775807")
        .execute(&mut other)
        .await
        .unwrap();

    let damage = Damage {
        table: "receipts".into(),
        row: "1".into(),
        column: "received_at".into(),
    };
    let told = store.receipt(receipt.id).await;
    assert!(matches!(told, Err(StoreError::Corrupt(told)) if told == damage));
    assert_eq!(store.noticed(), [damage]);
}
