//! Any order of claiming, renewing, crashing, rescuing, finishing, replaying and cancelling, by
//! several workers over several lanes: the queue does what a model of a page's length does.
//!
//! The model says what must happen; the invariants below it are checked on the store itself, so
//! that a model that is wrong in the same way is noticed all the same.

#![expect(
    clippy::unwrap_used,
    reason = "a step that fails ends the test, in helpers too"
)]

mod model;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use proptest::prelude::*;
use relay_core::ids::JobId;
use relay_core::random::SeededRandom;
use relay_core::time::{SignedDuration, Timestamp};
use relay_store::{
    Batch, Claim, Existing, Fence, Job, JobEnd, JobError, JobFilter, JobState, NewJob, Op, Page,
    Store, StoreError,
};
use relay_store_sqlite::SqliteStore;
use tempfile::TempDir;

use crate::model::{Act, End, LANES, LEASE, Model, Row, acts};

fn at(minute: i64) -> Timestamp {
    let start: Timestamp = "2026-11-03T15:00:00Z".parse().unwrap();
    start + SignedDuration::from_mins(minute)
}

fn error() -> JobError {
    JobError::new("retryable", "no")
}

/// The store, the model, and every right ever given.
#[derive(Debug)]
struct World {
    store: SqliteStore,
    dir: TempDir,
    random: SeededRandom,
    model: Model,
    held: Vec<Fence>,
    /// Attempts seen per job, which may only grow.
    attempts: BTreeMap<JobId, usize>,
    /// Jobs seen done, which stay so.
    done: BTreeSet<JobId>,
}

impl World {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(Self::path(&dir)).await.unwrap();
        store.migrate().await.unwrap();
        Self {
            store,
            dir,
            random: SeededRandom::new(1),
            model: Model::default(),
            held: Vec::new(),
            attempts: BTreeMap::new(),
            done: BTreeSet::new(),
        }
    }

    fn path(dir: &TempDir) -> PathBuf {
        dir.path().join("relay.db")
    }

    /// Carries out one operation; whether its precondition held.
    async fn commit(&self, op: Op) -> bool {
        match self.store.commit(Batch::from(vec![op])).await {
            Ok(_) => true,
            Err(StoreError::Conflict { .. }) => false,
            Err(other) => unreachable!("{other:?}"),
        }
    }

    async fn act(&mut self, act: &Act) {
        match act {
            Act::Enqueue { lane, delay } => self.enqueue(*lane, *delay).await,
            Act::Claim {
                worker,
                limit,
                lane,
            } => self.claim(*worker, *limit, *lane).await,
            Act::Renew { held } => self.renew(*held).await,
            Act::Finish { held, end } => self.finish(*held, *end, false).await,
            Act::FinishAndDie { held, end } => self.finish(*held, *end, true).await,
            Act::Rescue => {
                let now = at(self.model.now);
                let count = self.store.rescue(now, now).await.unwrap();
                assert_eq!(count, self.model.rescue());
            }
            Act::HandBack { worker } => {
                let worker = format!("w-{worker}");
                let now = at(self.model.now);
                let count = self.store.hand_back(&worker, now).await.unwrap();
                assert_eq!(count, self.model.hand_back(&worker));
            }
            Act::Replay { job, delay } => self.replay(*job, *delay).await,
            Act::Cancel { job } => self.cancel(*job, false).await,
            Act::CancelByKey { job } => self.cancel(*job, true).await,
            Act::Pass { minutes } => self.model.now += minutes,
            Act::Restart => {
                self.store.close().await;
                self.store = SqliteStore::open(Self::path(&self.dir)).await.unwrap();
            }
        }
    }

    async fn enqueue(&mut self, lane: usize, delay: i64) {
        let now = self.model.now;
        let job = NewJob {
            id: JobId::new(&self.random, at(now)),
            key: format!("job-{}", self.model.rows.len()),
            kind: "timer".into(),
            lane: format!("lane-{lane}"),
            run_at: at(now + delay),
            client: None,
            case: None,
            payload: serde_json::Value::Null,
        };
        self.model.rows.push(Row {
            id: job.id,
            lane: job.lane.clone(),
            state: JobState::Ready,
            run_at: now + delay,
            fence: 0,
            failures: 0,
            lease: None,
            attempts: 0,
            rescues: 0,
        });
        let existing = Existing::Keep;
        assert!(self.commit(Op::Enqueue { job, existing }).await);
    }

    async fn claim(&mut self, worker: usize, limit: u32, lane: Option<usize>) {
        let worker = format!("w-{worker}");
        let lane = lane.map(|lane| format!("lane-{lane}"));
        let claim = Claim {
            worker: worker.clone(),
            now: at(self.model.now),
            lease_until: at(self.model.now + LEASE),
            limit,
            lane: lane.clone(),
            case: None,
            kinds: Vec::new(),
        };
        let jobs = self.store.claim(claim).await.unwrap();
        let held: Vec<_> = jobs
            .iter()
            .map(|job| Fence {
                job: job.id,
                fence: job.fence,
            })
            .collect();
        assert_eq!(held, self.model.claim(&worker, limit, lane.as_deref()));
        self.held.extend(held);
    }

    async fn renew(&mut self, held: usize) {
        let Some(fence) = pick(&self.held, held) else {
            return;
        };
        let until = self.model.now + LEASE;
        let renewed = self.store.renew(fence, at(until)).await.unwrap();
        let row = self.model.holder(fence);
        assert_eq!(renewed, row.is_some());
        if let Some((_, end)) = row.and_then(|row| row.lease.as_mut()) {
            *end = until;
        }
    }

    async fn finish(&mut self, held: usize, end: End, die: bool) {
        let Some(fence) = pick(&self.held, held) else {
            return;
        };
        let now = self.model.now;
        let op = Op::FinishJob {
            fence,
            end: job_end(end, now),
            at: at(now),
        };
        let expected = self.model.finish(fence, end);
        if !die {
            assert_eq!(self.commit(op).await, expected);
            return;
        }
        // Polled once: the batch is handed over, and nobody waits for what comes of it.
        let commit = self.commit(op);
        tokio::pin!(commit);
        tokio::select! {
            biased;
            _ = &mut commit => {}
            () = std::future::ready(()) => {}
        }
    }

    async fn replay(&mut self, job: usize, delay: i64) {
        let Some(place) = place(&self.model, job) else {
            return;
        };
        let run_at = self.model.now + delay;
        let id = self.model.rows[place].id;
        let replayed = self.commit(Op::ReplayJob { id, at: at(run_at) }).await;
        assert_eq!(replayed, self.model.replay(place, run_at));
    }

    async fn cancel(&mut self, job: usize, by_key: bool) {
        let Some(place) = place(&self.model, job) else {
            return;
        };
        let (why, at) = ("not wanted".to_owned(), at(self.model.now));
        let may = self.model.cancel(place);
        if by_key {
            let key = format!("job-{place}");
            assert!(self.commit(Op::CancelJobByKey { key, why, at }).await);
        } else {
            let id = self.model.rows[place].id;
            assert_eq!(self.commit(Op::CancelJob { id, why, at }).await, may);
        }
    }

    async fn jobs(&self) -> Vec<Job> {
        let page = Page {
            offset: 0,
            limit: 1_000,
        };
        let mut jobs = self.store.jobs(&JobFilter::default(), page).await.unwrap();
        jobs.sort_by_key(|job| job.seq);
        jobs
    }

    /// The store is as the model says, and nothing impossible is in it.
    async fn check(&mut self) {
        // A batch whose requester died is ahead of this one in the queue.
        self.store.commit(Batch::new()).await.unwrap();
        let jobs = self.jobs().await;
        let mut rows = Vec::new();
        for job in &jobs {
            let attempts = self.store.attempts(job.id).await.unwrap();
            assert!(attempts.is_sorted_by(|a, b| a.fence < b.fence));
            assert!(attempts.iter().all(|attempt| attempt.fence <= job.fence));
            let seen = self.attempts.insert(job.id, attempts.len());
            assert!(seen.unwrap_or(0) <= attempts.len(), "an attempt is gone");
            rows.push(row(job, attempts.len()));
        }
        assert_eq!(rows, self.model.rows);

        let running: Vec<_> = jobs
            .iter()
            .filter(|job| job.state == JobState::Running)
            .map(|job| job.lane.as_str())
            .collect();
        let lanes: BTreeSet<_> = running.iter().collect();
        assert_eq!(lanes.len(), running.len(), "two jobs run in one lane");
        let done: BTreeSet<_> = jobs
            .iter()
            .filter(|job| job.state == JobState::Done)
            .map(|job| job.id)
            .collect();
        assert!(self.done.is_subset(&done), "a done job is no longer done");
        self.done = done;
    }

    /// Nothing is lost: whatever happened, every job can still be brought to its end.
    async fn drain(&mut self) {
        self.model.now += 100;
        self.act(&Act::Rescue).await;
        for job in 0..self.model.rows.len() {
            self.act(&Act::Replay { job, delay: 0 }).await;
        }
        for _ in 0..self.model.rows.len() {
            let before = self.held.len();
            self.claim(0, 100, None).await;
            for held in before..self.held.len() {
                self.finish(held, End::Done, false).await;
            }
        }
        self.check().await;
        assert_eq!(self.done.len(), self.model.rows.len(), "a job is lost");
    }
}

fn pick(held: &[Fence], index: usize) -> Option<Fence> {
    held.get(index.checked_rem(held.len())?).copied()
}

fn place(model: &Model, index: usize) -> Option<usize> {
    index.checked_rem(model.rows.len())
}

fn job_end(end: End, now: i64) -> JobEnd {
    let why = "why".to_owned();
    match end {
        End::Done => JobEnd::Done,
        End::Again(delay) => JobEnd::again(at(now + delay), error()),
        End::Snooze(delay) => JobEnd::snooze(at(now + delay), why),
        End::Parked => JobEnd::Parked { error: error() },
        End::Dead => JobEnd::Dead { error: error() },
        End::Cancelled => JobEnd::Cancelled { why },
    }
}

fn minute(instant: Timestamp) -> i64 {
    instant.duration_since(at(0)).as_mins()
}

fn row(job: &Job, attempts: usize) -> Row {
    assert_eq!(job.failures == 0, job.failing_since.is_none());
    Row {
        id: job.id,
        lane: job.lane.clone(),
        state: job.state,
        run_at: minute(job.run_at),
        fence: job.fence,
        failures: job.failures,
        lease: job.leased_by.clone().zip(job.lease_until.map(minute)),
        attempts,
        rescues: job.rescues,
    }
}

fn run<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn any_order_of_events_keeps_the_queue_as_the_model_says(
        script in prop::collection::vec(acts(), 1..60)
    ) {
        run(async {
            let mut world = World::new().await;
            for act in &script {
                world.act(act).await;
                world.check().await;
            }
            world.drain().await;
            world.store.close().await;
        });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_that_claim_at_the_same_time_never_share_a_job() {
    let mut world = World::new().await;
    for number in 0..60 {
        world.enqueue(number % LANES, 0).await;
    }
    // Two stores on one file: workers of two processes.
    let other = SqliteStore::open(World::path(&world.dir)).await.unwrap();
    let stores = [world.store.clone(), other];
    let workers: Vec<_> = (0..8)
        .map(|number| {
            let store = stores[number % 2].clone();
            tokio::spawn(work_until_nothing_is_left(store, format!("w-{number}")))
        })
        .collect();
    let mut ran = Vec::new();
    for worker in workers {
        ran.extend(worker.await.unwrap());
    }
    let runs = ran.len();
    ran.sort();
    ran.dedup();
    assert_eq!((runs, ran.len()), (60, 60));
}

/// Runs whatever it gets; the keys of the jobs it ran.
async fn work_until_nothing_is_left(store: SqliteStore, worker: String) -> Vec<String> {
    let mut ran = Vec::new();
    while store.next_due().await.unwrap().is_some() {
        let claim = Claim {
            worker: worker.clone(),
            now: at(0),
            lease_until: at(LEASE),
            limit: 2,
            lane: None,
            case: None,
            kinds: Vec::new(),
        };
        for job in store.claim(claim).await.unwrap() {
            let fence = Fence {
                job: job.id,
                fence: job.fence,
            };
            let done = Op::FinishJob {
                fence,
                end: JobEnd::Done,
                at: at(0),
            };
            store.commit(Batch::from(vec![done])).await.unwrap();
            ran.push(job.key);
        }
        tokio::task::yield_now().await;
    }
    ran
}
