//! Webhooks that share a statement and requests that share a transaction: each gets the answer that
//! is its own, whatever its neighbors are.

#![expect(
    clippy::unwrap_used,
    reason = "a step that fails ends the test, in helpers too"
)]

use std::path::{Path, PathBuf};

use futures_util::future::join_all;
use relay_core::case::{Case, CaseStatus, Mode, TimelineEntry};
use relay_core::effects::{EffectInput, PlannedEffect, Scope};
use relay_core::ids::{CaseId, JobId, ReceiptId};
use relay_core::random::SeededRandom;
use relay_core::time::Timestamp;
use relay_store::{
    Batch, Committed, Effect, Existing, JobFilter, NewJob, Op, Page, Precondition, Receipt,
    ReceiptState, Store, StoreError,
};
use relay_store_sqlite::SqliteStore;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, SqliteConnection};

struct Rig {
    store: SqliteStore,
    random: SeededRandom,
    path: PathBuf,
    _folder: tempfile::TempDir,
}

fn now() -> Timestamp {
    "2026-11-03T15:00:00Z".parse().unwrap()
}

fn closed(id: CaseId) -> Case {
    Case {
        id,
        client: "maya".into(),
        procedure: "missed_check_in".into(),
        procedure_hash: "abc".into(),
        logic: 1,
        mode: Mode::Act,
        version: 1,
        status: CaseStatus::Closed {
            reason: "she checked in".into(),
        },
        step: "open".into(),
        visit: 1,
        generation: 0,
        wait: None,
        data: serde_json::Value::Null,
        opened_at: now(),
        changed_at: now(),
    }
}

fn planned(case: CaseId) -> Effect {
    let scope = Scope::Case {
        case,
        client: "maya".into(),
    };
    let planned = PlannedEffect {
        key: scope.key("email_follow_up", 1, "email"),
        scope,
        blocking: true,
        not_before: now(),
        input: EffectInput::Email {
            script: "S2".into(),
            due: "2026-11-03".parse().unwrap(),
        },
    };
    Effect::new(planned, "f00d".into(), Mode::Act, now())
}

async fn stranger(path: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(path);
    SqliteConnection::connect_with(&options).await.unwrap()
}

impl Rig {
    async fn new(seed: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("relay.db");
        let store = SqliteStore::open(&path).await.unwrap();
        store.migrate().await.unwrap();
        Self {
            store,
            random: SeededRandom::new(seed),
            path,
            _folder: folder,
        }
    }

    fn receipt(&self, key: &str) -> Receipt {
        Receipt {
            id: ReceiptId::new(&self.random, now()),
            source: "portal".into(),
            dedupe_key: key.into(),
            dedupe_forever: true,
            verified_by: "key-1".into(),
            received_at: now(),
            content_type: Some("application/json".into()),
            body: key.as_bytes().to_vec(),
            state: ReceiptState::New,
            duplicate_of: None,
            note: None,
            processed_at: None,
        }
    }

    fn fresh(&self, count: usize) -> Vec<Receipt> {
        (0..count)
            .map(|n| self.receipt(&format!("evt-{n}")))
            .collect()
    }

    /// The jobs there are, in the order they were queued.
    async fn keys(&self) -> Vec<String> {
        let filter = JobFilter::default();
        let all = self.store.jobs(&filter, Page::default()).await;
        let mut jobs = all.unwrap();
        jobs.sort_by_key(|job| job.seq);
        jobs.into_iter().map(|job| job.key).collect()
    }

    fn job(&self, key: &str) -> Op {
        Op::Enqueue {
            job: NewJob {
                id: JobId::new(&self.random, now()),
                key: key.into(),
                kind: "timer".into(),
                lane: key.into(),
                run_at: now(),
                client: None,
                case: None,
                payload: serde_json::json!({}),
            },
            existing: Existing::Keep,
        }
    }

    /// Commits the batches in one group: the file is held by somebody else until every one is queued.
    async fn together(&self, batches: Vec<Batch>) -> Vec<Result<Committed, StoreError>> {
        let mut other = stranger(&self.path).await;
        let held = other.begin_with("BEGIN IMMEDIATE").await.unwrap();
        let before = self.store.writer_stats().transactions;
        let commits = join_all(batches.into_iter().map(|batch| self.store.commit(batch)));
        let (answers, ()) = tokio::join!(commits, async { held.rollback().await.unwrap() });
        let groups = self.store.writer_stats().transactions - before;
        assert_eq!(groups, 1, "all of them share a group");
        answers
    }

    async fn store_together(&self, receipts: &[Receipt]) -> Vec<Result<Committed, StoreError>> {
        self.together(receipts.iter().map(insert).collect()).await
    }
}

fn insert(receipt: &Receipt) -> Batch {
    Batch::from(vec![Op::InsertReceipt(receipt.clone())])
}

#[tokio::test]
async fn every_webhook_of_a_group_is_stored_whole_in_the_order_it_came() {
    // Sixteens, fours and what is left over.
    for count in [1, 3, 4, 5, 16, 17, 41, 64] {
        let rig = Rig::new(1).await;
        let mut receipts = rig.fresh(count);
        // Members that differ from row to row must not change places.
        for (n, receipt) in receipts.iter_mut().enumerate() {
            receipt.dedupe_forever = n % 3 != 0;
            receipt.content_type = (n % 2 == 0).then(|| format!("text/{n}"));
            receipt.verified_by = format!("key-{n}");
            receipt.body = vec![u8::try_from(n).unwrap(); n];
        }
        for answer in rig.store_together(&receipts).await {
            assert_eq!(answer.unwrap().duplicates, [None]);
        }
        let page = Page {
            offset: 0,
            limit: 100,
        };
        let stored = rig.store.receipts(ReceiptState::New, page).await.unwrap();
        assert_eq!(stored, receipts, "{count}");
    }
}

#[tokio::test]
async fn a_group_that_holds_a_duplicate_of_its_own_tells_which_was_first() {
    let rig = Rig::new(2).await;
    let mut receipts = rig.fresh(40);
    // The same body under the same id: another body would be another receipt.
    for repeat in [20, 39] {
        receipts[repeat].dedupe_key = "evt-5".into();
        receipts[repeat].body = receipts[5].body.clone();
    }
    let answers = rig.store_together(&receipts).await;
    for (n, answer) in answers.into_iter().enumerate() {
        let original = matches!(n, 20 | 39).then_some(receipts[5].id);
        assert_eq!(answer.unwrap().duplicates, [original], "{n}");
    }
    let again = rig.store.receipt(receipts[39].id).await.unwrap().unwrap();
    assert_eq!(again.state, ReceiptState::Duplicate);
    assert_eq!(again.body, receipts[39].body);
}

#[tokio::test]
async fn a_group_of_repeats_is_told_the_originals_of_an_earlier_one() {
    let rig = Rig::new(3).await;
    let first = rig.fresh(20);
    rig.store_together(&first).await;
    let repeats = rig.fresh(20);
    let answers = rig.store_together(&repeats).await;
    for (original, answer) in first.iter().zip(answers) {
        assert_eq!(answer.unwrap().duplicates, [Some(original.id)]);
    }
}

#[tokio::test]
async fn a_webhook_that_the_schema_forbids_takes_no_neighbor_with_it() {
    let rig = Rig::new(4).await;
    let mut receipts = rig.fresh(24);
    // The id of another: fresh to look at, and refused by an index.
    receipts[18].id = receipts[2].id;
    // Not fresh, and forbidden: read, but never processed.
    receipts[21].state = ReceiptState::Done;
    let answers = rig.store_together(&receipts).await;
    for (n, answer) in answers.into_iter().enumerate() {
        if matches!(n, 18 | 21) {
            assert!(matches!(answer, Err(StoreError::Driver(_))), "{n}");
        } else {
            assert_eq!(answer.unwrap().duplicates, [None], "{n}");
        }
    }
    let page = Page {
        offset: 0,
        limit: 100,
    };
    let stored = rig.store.receipts(ReceiptState::New, page).await.unwrap();
    assert_eq!(stored.len(), 22);
}

#[tokio::test]
async fn a_statement_that_fails_amid_others_undoes_its_request_and_can_be_asked_again() {
    let rig = Rig::new(7).await;
    let case = CaseId::new(&rig.random, now());
    let line = Op::AppendTimeline {
        case,
        entry: TimelineEntry {
            at: now(),
            step: "open".into(),
            text: "opened".into(),
            sop: None,
            detail: None,
        },
    };
    let effect = planned(case);
    let mut other = effect.clone();
    other.input_hash = "beef".into();
    let asked = |name: &str, amid: Op| {
        let last = rig.job(&format!("{name}, last"));
        Batch::from(vec![rig.job(&format!("{name}, first")), amid, last])
    };
    // The history of a case that is not there; and, once planned, the effect's key with another plan.
    let batches = vec![
        Batch::from(vec![rig.job("before")]),
        asked("history", line.clone()),
        asked("plan", Op::PlanEffect(effect)),
        asked("reused", Op::PlanEffect(other)),
        Batch::from(vec![rig.job("after")]),
    ];
    let answers = rig.together(batches).await;
    assert!(answers[0].is_ok() && answers[2].is_ok() && answers[4].is_ok());
    assert!(matches!(answers[1], Err(StoreError::Driver(_))));
    assert!(matches!(answers[3], Err(StoreError::KeyReused { .. })));
    let stored = ["before", "plan, first", "plan, last", "after"];
    assert_eq!(rig.keys().await, stored);

    // The very same texts, on the same connection.
    rig.store
        .commit(Batch::from(vec![Op::InsertCase(closed(case))]))
        .await
        .unwrap();
    rig.store.commit(asked("history", line)).await.unwrap();
    assert_eq!(rig.store.timeline(case).await.unwrap().len(), 1);
    assert_eq!(rig.keys().await.len(), stored.len() + 2);
}

#[tokio::test]
async fn requests_that_fail_leave_nothing_and_their_neighbors_everything() {
    let rig = Rig::new(5).await;
    let receipts = rig.fresh(6);
    let impossible = Op::FinishReceipt {
        id: ReceiptId::new(&rig.random, now()),
        state: ReceiptState::Done,
        note: None,
        at: now(),
    };
    let mut batches: Vec<_> = receipts.iter().map(insert).collect();
    batches.insert(3, Batch::from(vec![rig.job("good-1")]));
    // Its first operation would stand if it were not undone.
    batches.push(Batch::from(vec![rig.job("bad-1"), impossible.clone()]));
    batches.push(Batch::from(vec![rig.job("good-2")]));
    batches.push(Batch::from(vec![rig.job("bad-2"), impossible]));

    let answers = rig.together(batches).await;

    for (n, answer) in answers.iter().enumerate() {
        let fails = matches!(n, 7 | 9);
        assert_eq!(
            matches!(
                answer,
                Err(StoreError::Conflict {
                    what: Precondition::ReceiptState
                })
            ),
            fails,
            "{n}: {answer:?}"
        );
        assert_eq!(answer.is_ok(), !fails, "{n}: {answer:?}");
    }
    let jobs = rig
        .store
        .jobs(&JobFilter::default(), Page::default())
        .await
        .unwrap();
    let keys: Vec<_> = jobs.iter().map(|job| job.key.as_str()).collect();
    assert_eq!(keys, ["good-1", "good-2"]);
    for receipt in receipts {
        assert_eq!(rig.store.receipt(receipt.id).await.unwrap(), Some(receipt));
    }
}

#[tokio::test]
async fn the_log_is_folded_while_the_writer_goes_on_and_nothing_is_lost() {
    let rig = Rig::new(6).await;
    let mut stored = 0;
    for round in 0..12 {
        let batches = (0..250).map(|n| insert(&rig.receipt(&format!("evt-{round}-{n}"))));
        for answer in join_all(batches.map(|batch| rig.store.commit(batch))).await {
            assert_eq!(answer.unwrap().duplicates, [None]);
            stored += 1;
        }
    }
    rig.store.close().await;
    let again = SqliteStore::open(&rig.path).await.unwrap();
    assert_eq!(again.health(now()).await.unwrap().unread_receipts, stored);
    // Whoever closes last leaves the file whole, without a log beside it.
    again.close().await;
    assert!(!rig.path.with_extension("db-wal").exists());
}
