//! What the store does while it is recorded, and what each commit must have left.

use std::path::{Path, PathBuf};

use futures_util::future::join_all;
use relay_core::case::{Case, CaseStatus, Mode, TimelineEntry};
use relay_core::ids::{CaseId, JobId, ReceiptId};
use relay_core::random::SeededRandom;
use relay_core::time::Timestamp;
use relay_disk_recorder::{Record, Recorder};
use relay_store::{AuditEntry, Batch, Existing, NewJob, Op, Receipt, ReceiptState, Store as _};
use relay_store_sqlite::SqliteStore;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection as _, SqliteConnection};

use crate::judge::Judge;

pub(crate) fn now() -> Timestamp {
    "2026-11-03T15:00:00Z".parse().unwrap()
}

/// A webhook whose body begins with its key.
pub(crate) fn receipt(random: &SeededRandom, key: &str, length: usize) -> Receipt {
    let mut body = key.as_bytes().to_vec();
    body.resize(body.len().max(length), b'x');
    Receipt {
        id: ReceiptId::new(random, now()),
        source: "portal".into(),
        dedupe_key: key.into(),
        dedupe_forever: true,
        verified_by: "key-1".into(),
        received_at: now(),
        content_type: None,
        body,
        state: ReceiptState::New,
        duplicate_of: None,
        note: None,
        processed_at: None,
    }
}

/// A recorded store, and all that it was asked to keep.
pub(crate) struct Run {
    recorder: Recorder,
    path: PathBuf,
    random: SeededRandom,
    /// What each commit leaves, as [`judge::LEFT`](crate::judge) shows it.
    left: Vec<Vec<String>>,
    unread: Vec<ReceiptId>,
}

impl Run {
    pub(crate) fn new(recorder: Recorder, path: &Path, seed: u64) -> Self {
        Self {
            recorder,
            path: path.to_owned(),
            random: SeededRandom::new(seed),
            left: Vec::new(),
            unread: Vec::new(),
        }
    }

    pub(crate) fn end(self) -> (Record, Judge) {
        (self.recorder.stop(), Judge::new(self.left))
    }

    /// Commits, each after the one before was answered.
    pub(crate) async fn one_by_one(&mut self, store: &SqliteStore, count: usize) {
        for _ in 0..count {
            let (number, batch) = self.batch(true);
            store.commit(batch).await.unwrap();
            self.recorder.mark(number);
        }
    }

    /// Commits that queue up at once and share transactions.
    pub(crate) async fn crowd(&mut self, store: &SqliteStore, count: usize) {
        let batches: Vec<_> = (0..count).map(|_| self.batch(false)).collect();
        let recorder = &self.recorder;
        let commits = batches.into_iter().map(async |(number, batch)| {
            store.commit(batch).await.unwrap();
            recorder.mark(number);
        });
        join_all(commits).await;
    }

    /// Somebody else folds the log.
    pub(crate) async fn fold(&self, how: &str) {
        let options = SqliteConnectOptions::new().filename(&self.path);
        let mut other = SqliteConnection::connect_with(&options).await.unwrap();
        let fold = sqlx::AssertSqlSafe(format!("PRAGMA wal_checkpoint({how})"));
        sqlx::raw_sql(fold).execute(&mut other).await.unwrap();
        other.close().await.unwrap();
    }

    /// The next commit, of one of the kinds that the relay makes. `settled`: what was committed before is
    /// there, and may be changed.
    fn batch(&mut self, settled: bool) -> (u64, Batch) {
        let number = self.left.len();
        let name = format!("n{number}");
        let (ops, left) = match number % 6 {
            // A webhook; now and then a large one.
            0 => self.webhook(&name, if number.is_multiple_of(5) { 9_000 } else { 0 }),
            1 => {
                let (mut ops, mut left) = self.webhook(&name, 0);
                self.with_job(&name, &mut ops, &mut left);
                (ops, left)
            }
            2 => self.case(&name),
            3 => Self::setting(&name),
            4 if settled && !self.unread.is_empty() => self.read(&name),
            _ => {
                let (mut ops, mut left) = Self::setting(&name);
                self.with_job(&name, &mut ops, &mut left);
                (ops, left)
            }
        };
        self.left.push(left);
        (u64::try_from(number).unwrap(), Batch::from(ops))
    }

    fn webhook(&mut self, name: &str, length: usize) -> (Vec<Op>, Vec<String>) {
        let receipt = receipt(&self.random, name, length);
        self.unread.push(receipt.id);
        let body = String::from_utf8(receipt.body.clone()).unwrap();
        let left = vec![format!("receipt {name} {body}")];
        (vec![Op::InsertReceipt(receipt)], left)
    }

    /// A webhook that came earlier was read.
    fn read(&mut self, name: &str) -> (Vec<Op>, Vec<String>) {
        let finish = Op::FinishReceipt {
            id: self.unread.swap_remove(0),
            state: ReceiptState::Done,
            note: Some(name.to_owned()),
            at: now(),
        };
        let mut ops = vec![finish];
        let mut left = vec![format!("read {name}")];
        self.with_job(name, &mut ops, &mut left);
        (ops, left)
    }

    fn with_job(&self, name: &str, ops: &mut Vec<Op>, left: &mut Vec<String>) {
        let job = NewJob {
            id: JobId::new(&self.random, now()),
            key: name.to_owned(),
            kind: "timer".into(),
            lane: name.to_owned(),
            run_at: now(),
            client: None,
            case: None,
            payload: serde_json::json!({ "of": name }),
        };
        let existing = Existing::Keep;
        ops.push(Op::Enqueue { job, existing });
        left.push(format!("job {name}"));
    }

    fn setting(name: &str) -> (Vec<Op>, Vec<String>) {
        let put = Op::PutSetting {
            key: name.to_owned(),
            value: serde_json::json!(name),
        };
        let audit = Op::Audit(AuditEntry {
            at: now(),
            who: "Pat".into(),
            what: "test".into(),
            object: name.to_owned(),
            detail: serde_json::json!({}),
        });
        let left = ["setting", "audit"].map(|table| format!("{table} {name}"));
        (vec![put, audit], left.to_vec())
    }

    fn case(&self, name: &str) -> (Vec<Op>, Vec<String>) {
        let case = Case {
            id: CaseId::new(&self.random, now()),
            client: name.into(),
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
        };
        let append = Op::AppendTimeline {
            case: case.id,
            entry: TimelineEntry {
                at: now(),
                step: "open".into(),
                text: name.to_owned(),
                sop: None,
                detail: None,
            },
        };
        let mut ops = vec![Op::InsertCase(case), append];
        let mut left = ["case", "timeline"]
            .map(|table| format!("{table} {name}"))
            .to_vec();
        self.with_job(name, &mut ops, &mut left);
        (ops, left)
    }
}
