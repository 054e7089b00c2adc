//! What the suite stores: invented people, fixed times, ids that repeat.

use relay_core::case::{Case, CaseStatus, Mode, Wait};
use relay_core::effects::{EffectInput, PlannedEffect, Request, Scope, Settled, request};
use relay_core::facts::{Fact, FactBody};
use relay_core::ids::{CaseId, IntentId, JobId, MessageId, ReceiptId, WorkItemId};
use relay_core::random::SeededRandom;
use relay_core::time::{SignedDuration, Timestamp};
use serde_json::json;

use crate::{
    Batch, Claim, Committed, Effect, EffectState, Existing, FactRow, Fence, Intent, Job, JobEnd,
    JobError, NewJob, Op, Page, Precondition, Receipt, ReceiptState, Store, StoreError, WorkItem,
    WorkSettled,
};

/// Everything, on one page.
pub(super) const ALL: Page = Page {
    offset: 0,
    limit: 1_000,
};

/// `minutes` after the suite's own beginning of time.
pub(super) fn at(minutes: i64) -> Timestamp {
    let start: Timestamp = "2026-11-03T15:00:00Z".parse().unwrap();
    start + SignedDuration::from_mins(minutes)
}

/// Carries out operations that must succeed.
pub(super) async fn commit(store: &dyn Store, ops: impl Into<Vec<Op>>) -> Committed {
    store.commit(Batch::from(ops.into())).await.unwrap()
}

/// Carries out operations that must fail on this precondition.
pub(super) async fn conflict(store: &dyn Store, what: Precondition, ops: impl Into<Vec<Op>>) {
    match store.commit(Batch::from(ops.into())).await {
        Err(StoreError::Conflict { what: said }) => assert_eq!(said, what),
        other => panic!("expected a conflict on {what}, not {other:?}"),
    }
}

/// Makes rows with ids of their own.
#[derive(Debug)]
pub(super) struct Maker(SeededRandom);

impl Maker {
    pub(super) fn new() -> Self {
        Self(SeededRandom::new(7))
    }

    pub(super) fn case_id(&self) -> CaseId {
        CaseId::new(&self.0, at(0))
    }

    pub(super) fn job_id(&self) -> JobId {
        JobId::new(&self.0, at(0))
    }

    pub(super) fn work_id(&self) -> WorkItemId {
        WorkItemId::new(&self.0, at(0))
    }

    pub(super) fn receipt_id(&self) -> ReceiptId {
        ReceiptId::new(&self.0, at(0))
    }

    /// An unread receipt whose key is a vendor's own id.
    pub(super) fn receipt(&self, key: &str) -> Receipt {
        Receipt {
            id: self.receipt_id(),
            source: "clear-connection".into(),
            dedupe_key: key.into(),
            dedupe_forever: true,
            verified_by: "key-1".into(),
            received_at: at(0),
            content_type: Some("application/json".into()),
            body: br#"{"type":"check_in.due"}"#.to_vec(),
            state: ReceiptState::New,
            duplicate_of: None,
            note: None,
            processed_at: None,
        }
    }

    /// An unread receipt whose key is a hash of its body.
    pub(super) fn hashed_receipt(&self, key: &str) -> Receipt {
        Receipt {
            source: "keap".into(),
            dedupe_forever: false,
            ..self.receipt(key)
        }
    }

    /// A case of the client `maya` that is open and waits for a timer.
    pub(super) fn case(&self) -> Case {
        Case {
            id: self.case_id(),
            client: "maya".into(),
            procedure: "missed_check_in".into(),
            procedure_hash: "abc".into(),
            logic: 1,
            mode: Mode::Act,
            version: 1,
            status: CaseStatus::Open,
            step: "portal_message".into(),
            visit: 1,
            generation: 0,
            wait: Some(Wait::Timer {
                until: at(60),
                why: "two days to answer".into(),
            }),
            data: json!({"due": "2026-11-03"}),
            opened_at: at(0),
            changed_at: at(0),
        }
    }

    /// An effect that has already come to `state`, with what that state needs.
    pub(super) fn effect_in(&self, state: EffectState, name: &str) -> Effect {
        let sent = matches!(state, EffectState::Intended | EffectState::Unclear);
        Effect {
            state,
            revision: u32::from(sent),
            request: sent.then(|| email("Hi Maya")),
            intended_at: sent.then(|| at(1)),
            ..planned_email(self.case_id(), name)
        }
    }

    /// The right to send, as revision `revision`.
    pub(super) fn intent(&self, effect: &Effect, revision: u32) -> Intent {
        Intent {
            id: IntentId::new(&self.0, at(0)),
            key: effect.key().clone(),
            revision,
            request: email(&format!("Hi Maya, revision {revision}")),
            reading: json!({"open_check_in": true}),
            at: at(10),
            outcome: None,
        }
    }

    /// A job in a lane, due at a minute.
    pub(super) fn job(&self, key: &str, lane: &str, due: i64) -> NewJob {
        NewJob {
            id: self.job_id(),
            key: key.into(),
            kind: "timer".into(),
            lane: lane.into(),
            run_at: at(due),
            client: Some("maya".into()),
            case: None,
            payload: json!({"generation": 0}),
        }
    }

    /// A job that is queued and claimed by `worker` in its own lane, due at minute 0.
    pub(super) async fn claimed(&self, store: &dyn Store, key: &str, worker: &str) -> Job {
        let job = self.job(key, key, 0);
        commit(store, [enqueue(&job)]).await;
        let mut jobs = store.claim(claim_lane(worker, 0, key)).await.unwrap();
        assert_eq!(jobs.len(), 1, "{key} was not claimed");
        jobs.remove(0)
    }

    /// A job that has been run once and ended so.
    pub(super) async fn ended(&self, store: &dyn Store, key: &str, end: JobEnd) -> Job {
        let job = self.claimed(store, key, "w-0").await;
        commit(store, [finish(&job, end, 0)]).await;
        store.job(job.id).await.unwrap().unwrap()
    }

    /// An open work item.
    pub(super) fn work(&self, dedupe_key: &str, due: i64) -> WorkItem {
        WorkItem {
            id: self.work_id(),
            dedupe_key: dedupe_key.into(),
            kind: "by_hand".into(),
            owner: "coach-1".into(),
            title: "Call Maya R.".into(),
            detail: json!({"number": "303-555-0101"}),
            actions: vec!["done".into(), "reassign".into()],
            client: Some("maya".into()),
            case: None,
            effect: None,
            opened_at: at(0),
            due: at(due),
            remind_at: at(due),
            reminders: 0,
            settled: None,
        }
    }
}

/// A planned email of `case`.
pub(super) fn planned_email(case: CaseId, name: &str) -> Effect {
    let scope = Scope::Case {
        case,
        client: "maya".into(),
    };
    let planned = PlannedEffect {
        key: scope.key("email_follow_up", 1, name),
        scope,
        blocking: true,
        not_before: at(5),
        input: EffectInput::Email {
            script: "S2".into(),
            due: "2026-11-03".parse().unwrap(),
        },
    };
    Effect::new(planned, "f00d".into(), Mode::Act, at(0))
}

/// A message a client wrote.
pub(super) fn reply(object: &str, source_time: i64) -> FactRow {
    FactRow {
        fact: Fact {
            client: "maya".into(),
            object: object.into(),
            source_time: at(source_time),
            body: FactBody::ClientReplied {
                message: Some(MessageId(object.into())),
                channel: "portal".into(),
            },
        },
        receipt: None,
        learned_at: at(30),
    }
}

pub(super) fn email(text: &str) -> Request {
    Request::Email(request::Email {
        contact: "101".into(),
        user: "7".into(),
        subject: "Your check-in".into(),
        text: text.into(),
    })
}

pub(super) fn enqueue(job: &NewJob) -> Op {
    Op::Enqueue {
        job: job.clone(),
        existing: Existing::Keep,
    }
}

pub(super) fn fence(job: &Job) -> Fence {
    Fence {
        job: job.id,
        fence: job.fence,
    }
}

pub(super) fn finish(job: &Job, end: JobEnd, minute: i64) -> Op {
    Op::FinishJob {
        fence: fence(job),
        end,
        at: at(minute),
    }
}

pub(super) fn error(class: &str) -> JobError {
    JobError::new(class, "the vendor said no")
}

pub(super) fn again(minute: i64) -> JobEnd {
    JobEnd::again(at(minute), error("retryable"))
}

pub(super) fn dead() -> JobEnd {
    JobEnd::Dead {
        error: error("permanent"),
    }
}

pub(super) fn parked() -> JobEnd {
    JobEnd::Parked {
        error: error("unauthorised"),
    }
}

pub(super) fn cancelled() -> JobEnd {
    JobEnd::Cancelled {
        why: "she checked in".into(),
    }
}

/// A claim of everything due at a minute; the lease holds ten minutes of real time.
pub(super) fn claim(worker: &str, minute: i64) -> Claim {
    Claim {
        worker: worker.into(),
        now: at(minute),
        lease_until: at(minute + 10),
        limit: 100,
        lane: None,
        case: None,
        kinds: Vec::new(),
    }
}

pub(super) fn claim_lane(worker: &str, minute: i64, lane: &str) -> Claim {
    Claim {
        lane: Some(lane.into()),
        ..claim(worker, minute)
    }
}

pub(super) fn keys(jobs: &[Job]) -> Vec<&str> {
    jobs.iter().map(|job| job.key.as_str()).collect()
}

pub(super) fn done_with(vendor_ref: &str) -> Settled {
    Settled::Done {
        at: at(12),
        vendor_ref: Some(vendor_ref.into()),
        by_probe: false,
    }
}

pub(super) fn settled(action: &str) -> WorkSettled {
    WorkSettled {
        at: at(20),
        by: "Dana".into(),
        action: action.into(),
    }
}
