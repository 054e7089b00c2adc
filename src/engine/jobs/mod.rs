//! What the queue can do: one file per kind of job, one registry.
//!
//! A handler reads, decides, and ends its own job in the same batch that stores what it decided
//! ([`Op::FinishJob`]); if it can't, it returns why, and the registry turns that into
//! another try, a snooze or death by the retry policy. A kind that is no longer made keeps its
//! handler here until no release in use can have queued it.

pub(crate) mod backlog;
mod credential;
mod effect;
pub(crate) mod engagement;
mod hooks_watch;
pub mod kinds;
pub mod missed_check;
pub(crate) mod periodic;
mod read;
pub mod reconcile;
mod reconcile_walk;
mod refresh;
mod reminder;
mod reread;
mod reread_batch;
mod timer;

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
use relay_core::retry::{Class, Decision};
use relay_core::time::{SignedDuration, Timestamp};
use relay_http_client::CallError;
use relay_store::{
    Deferral, Existing, Fence, Job, JobEnd, JobError, NewJob, Op, Precondition, SUSPECT, StoreError,
};
use serde::de::DeserializeOwned;

use crate::engine::admission::{REFUSED, is_refused_alone, keeping_refusal, was_refused};
use crate::engine::damage::unreadable;
use crate::engine::items::DEAD_JOB;
use crate::engine::{Engine, EngineError};
use crate::failpoint::SETTLE;
use kinds::JobKind;

/// How often a handler decides again when the case moves under it, before it steps back.
const TRIES: usize = 5;

/// The names of the kinds that this version can run, as a claim takes them.
pub(crate) fn known_kinds() -> Vec<String> {
    let kinds = JobKind::ALL.into_iter();
    kinds.map(|kind| kind.name().to_owned()).collect()
}

impl Engine {
    /// Runs a claimed job to its end, once it has its permit. An error means that the database can't be
    /// written now; whatever else goes wrong, a panic too, ends this job and no other.
    pub(crate) async fn run_job(&self, job: &Job, ordered: bool) -> Result<(), EngineError> {
        // It ran alone, and its process died all the same.
        if job.rescues > SUSPECT {
            return Box::pin(self.died_with_its_process(job)).await;
        }
        let permit = match Box::pin(self.acquire_permit(job, ordered)).await {
            Ok(Some(permit)) => permit,
            Ok(None) => return Ok(()),
            Err(error) => {
                return match unreadable(&error) {
                    Some(damage) => self.wait_for_mending(job, damage).await,
                    None => Err(error),
                };
            }
        };
        // Boxed: it would otherwise be held twice, here and by what counts its calls.
        let done = permit.within(Box::pin(self.run_with_permit(job))).await;
        Box::pin(self.release_permit(&permit)).await;
        done
    }

    async fn run_with_permit(&self, job: &Job) -> Result<(), EngineError> {
        for _ in 0..TRIES {
            let handled = AssertUnwindSafe(self.handle(job)).catch_unwind().await;
            let error = match handled {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(error)) => error,
                Err(_) => EngineError::Panicked("a job"),
            };
            if lost_lease(&error) {
                tracing::info!(job = %job.id, kind = job.kind, "lease lost; changes nothing");
                return Ok(());
            }
            if error.is_transient() {
                return Err(error);
            }
            if let Some(damage) = unreadable(&error) {
                return self.wait_for_mending(job, damage).await;
            }
            // Loading again and deciding again is the whole answer to a conflict.
            if error.is_conflict() {
                continue;
            }
            let failed = AssertUnwindSafe(self.failed(job, error))
                .catch_unwind()
                .await;
            return match failed {
                Ok(Ok(())) => Ok(()),
                // Its case moved: the next claim meets the same failure again.
                Ok(Err(error)) if error.is_conflict() => self.step_back(job).await,
                Ok(Err(error)) if error.is_transient() => Err(error),
                Ok(Err(error)) => self.dead_letter(job, &error).await,
                Err(_) => {
                    self.dead_letter(job, &EngineError::Panicked("a job's failure"))
                        .await
                }
            };
        }
        self.step_back(job).await
    }

    /// The death of a job that ends every process it runs in: a crash leaves nobody who could count
    /// it as a failure. It is not run again; if telling its case is what ends the process, its case
    /// does not hear of it either.
    async fn died_with_its_process(&self, job: &Job) -> Result<(), EngineError> {
        let times = job.rescues;
        tracing::error!(job = %job.id, kind = job.kind, times, "given up: its process died in it");
        let error = EngineError::DiedWithProcess { times };
        if times > SUSPECT + 1 {
            return self.dead_letter(job, &error).await;
        }
        let end = JobEnd::Dead {
            error: JobError::new(error.class_of_death(), error.to_string()),
        };
        for _ in 0..TRIES {
            let told = async {
                let ops = self.after_death(job, &end).await?;
                let end = self.stands_up_again(job, end.clone());
                self.end(job, end, ops).await
            };
            return match Box::pin(told).await {
                // Its case moved meanwhile: it hears of it as it stands now.
                Err(error) if error.is_conflict() => continue,
                Err(error) if !error.is_transient() => self.dead_letter(job, &error).await,
                told => told,
            };
        }
        self.step_back(job).await
    }

    /// The death of a job whose case can't even hear of it (its procedure can't be read, a row is
    /// broken): nothing is decided, an admin is told, and the queue goes on.
    async fn dead_letter(&self, job: &Job, error: &EngineError) -> Result<(), EngineError> {
        let message = chain(error);
        let mut ops = self
            .unsettle_quietly(job, &message)
            .await
            .unwrap_or_default();
        ops.extend(self.dead_item(job, job.case, &message));
        let error = JobError::new(error.class_of_death(), message);
        self.end(job, JobEnd::Dead { error }, ops).await
    }

    async fn step_back(&self, job: &Job) -> Result<(), EngineError> {
        let at = self
            .now()
            .saturating_add(SignedDuration::from_secs(1))
            .unwrap_or(Timestamp::MAX);
        let why = "the case keeps moving".to_owned();
        self.end(job, JobEnd::snooze(at, why), Vec::new()).await
    }

    async fn handle(&self, job: &Job) -> Result<(), EngineError> {
        let Some(kind) = JobKind::of(job) else {
            // Not claimed by this version: somebody else's claim.
            return Err(EngineError::Payload {
                kind: job.kind.clone(),
                reason: "this version knows no such kind".to_owned(),
            });
        };
        (kind.spec().run)(self, job).await
    }

    /// A handler could not do its work: again later, or dead with a work item.
    async fn failed(&self, job: &Job, error: EngineError) -> Result<(), EngineError> {
        let (class, failure) = match &error {
            EngineError::Call(call) => (call.class, failure(call)),
            other => {
                let class = Class::Permanent;
                (class, JobError::new(class.as_str(), chain(other)))
            }
        };
        let (mut end, given_up) = self.decide_again(job, class, failure);
        let mut ops = Vec::new();
        if given_up {
            ops.extend(self.after_death(job, &end).await?);
            if self.next_run(job, self.now()).is_some() {
                // It is not given up, so its end writes no line.
                log_death(job, &end);
            }
            if let EngineError::Call(call) = &error {
                as_one_drift(&mut ops, call);
            }
            end = self.stands_up_again(job, end);
        }
        if let (EngineError::Call(call), Class::Unauthorised) = (&error, class) {
            ops.extend(self.connection_item_ops(call));
        }
        match end {
            end @ JobEnd::Snooze { .. } => self.wait(job, end, ops).await,
            end => self.end(job, end, ops).await,
        }
    }

    /// What the retry policy says of a failure. `true` when it is the last.
    pub(crate) fn decide_again(
        &self,
        job: &Job,
        class: Class,
        mut error: JobError,
    ) -> (JobEnd, bool) {
        let now = self.now();
        let since = job.failing_since.unwrap_or(now);
        let failures = job.failures.saturating_add(1);
        // What reaches this is a failed read, or a request known not to have been carried out:
        // there is nothing to look for.
        let class = match class {
            Class::Unclear => Class::Retryable { after: None },
            class => class,
        };
        if let Some(end) = self.not_its_fault(job, class) {
            return (end, false);
        }
        let refused = is_refused_alone();
        match self
            .retry
            .decide(failures, since, now, class, self.random.unit())
        {
            Decision::Again { at } => {
                if refused {
                    error.message.push_str(REFUSED);
                }
                (JobEnd::Again { at, error, refused }, false)
            }
            Decision::GiveUp { reason } => {
                let message = format!("{} ({reason})", error.message);
                let error = JobError { message, ..error };
                (JobEnd::Dead { error }, true)
            }
            // Never said of the classes above; looking again is what it would mean.
            Decision::Probe => {
                let at = self.probes.next(0, now, now).unwrap_or(now);
                let (why, vendor) = (error.message, None);
                let deferral = Deferral { vendor, refused };
                (JobEnd::Snooze { at, why, deferral }, false)
            }
        }
    }

    /// Puts a job off after a run that failed at nothing. What had failed before no longer counts:
    /// else a failure before a weekend would spend the budget of the one after it. It does where a
    /// call of its own was refused: such a job is put off after each try, and would never end.
    pub(crate) async fn put_off(
        &self,
        job: &Job,
        at: Timestamp,
        why: String,
        ops: Vec<Op>,
    ) -> Result<(), EngineError> {
        self.put_off_as(job, at, JobEnd::snooze(at, why), ops).await
    }

    /// The same, by the end that says so; it brings the job back at `at`.
    pub(crate) async fn put_off_as(
        &self,
        job: &Job,
        at: Timestamp,
        end: JobEnd,
        mut ops: Vec<Op>,
    ) -> Result<(), EngineError> {
        if job.failures == 0 || was_refused(job) {
            return self.end(job, end, ops).await;
        }
        ops.push(Op::FinishJob {
            fence: fence(job),
            end,
            at: self.now(),
        });
        ops.push(Op::Enqueue {
            job: again(job, at),
            existing: Existing::Reschedule,
        });
        match self.commit(SETTLE, ops).await {
            Err(error) if lost_lease(&error) => Ok(()),
            other => other.map(|_| ()),
        }
    }

    /// A periodic job is never given up: it comes back at its next time, and the work item says
    /// that it has failed.
    fn stands_up_again(&self, job: &Job, end: JobEnd) -> JobEnd {
        let next = self.next_run(job, self.now());
        match (end, next) {
            (JobEnd::Dead { error }, Some(at)) => JobEnd::again(at, error),
            (end, _) => end,
        }
    }

    /// Ends a run together with `ops`.
    pub(crate) async fn end(
        &self,
        job: &Job,
        end: JobEnd,
        mut ops: Vec<Op>,
    ) -> Result<(), EngineError> {
        let end = keeping_refusal(job, end);
        let death = end.clone();
        ops.push(Op::FinishJob {
            fence: fence(job),
            end,
            at: self.now(),
        });
        match self.commit(SETTLE, ops).await {
            Ok(_) => {
                log_death(job, &death);
                Ok(())
            }
            Err(error) if lost_lease(&error) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// One line for a job that is given up: which, of what kind, whose, and of which class the failure
/// was. Its message stays in the database: it may quote what a vendor said of a person.
pub(crate) fn log_death(job: &Job, end: &JobEnd) {
    if let JobEnd::Dead { error } = end {
        let client = job.client.as_ref().map_or("-", |client| client.as_str());
        tracing::error!(job = %job.id, kind = job.kind, client, class = error.class, "given up");
    }
}

/// A vendor whose good answer can't be read has drifted from what we know of it. Every job that
/// meets it dies of the same, so one item is opened for each kind of drift, not one for each job: it
/// is the adapter that is mended, and then all of them are replayed.
fn as_one_drift(ops: &mut [Op], call: &CallError) {
    if !call
        .status
        .is_some_and(|status| (200..300).contains(&status))
    {
        return;
    }
    for op in ops {
        if let Op::OpenWork(item) = op
            && item.kind == DEAD_JOB
        {
            let (operation, what) = (call.operation, &call.message);
            item.dedupe_key = format!("drift/{operation}/{what}");
            "drift".clone_into(&mut item.kind);
            item.title = format!("An answer to \"{operation}\" can't be read: {what}");
            item.actions = vec!["done".to_owned()];
            // It is about the vendor, and nobody's in particular.
            (item.client, item.case) = (None, None);
            item.detail["remedy"] = "tell the vendor's people what it says; once it can be read, \
                                     `clear-relay jobs replay --state dead --by NAME` takes up all \
                                     that died of it"
                .into();
        }
    }
}

/// The same job, queued anew.
fn again(job: &Job, at: Timestamp) -> NewJob {
    NewJob {
        id: job.id,
        key: job.key.clone(),
        kind: job.kind.clone(),
        lane: job.lane.clone(),
        run_at: at,
        client: job.client.clone(),
        case: job.case,
        payload: job.payload.clone(),
    }
}

/// The right of the worker that claimed `job`.
pub(crate) fn fence(job: &Job) -> Fence {
    Fence {
        job: job.id,
        fence: job.fence,
    }
}

pub(crate) fn lost_lease(error: &EngineError) -> bool {
    matches!(
        error,
        EngineError::Store(StoreError::Conflict {
            what: Precondition::JobFence
        })
    )
}

/// A member of a job's payload.
pub(crate) fn member<T: DeserializeOwned>(job: &Job, name: &str) -> Result<T, EngineError> {
    let value = job
        .payload
        .get(name)
        .cloned()
        .unwrap_or(serde_json::Value::Null);
    serde_json::from_value(value).map_err(|error| EngineError::Payload {
        kind: job.kind.clone(),
        reason: format!("{name}: {error}"),
    })
}

/// An error with its causes, for a stored message.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}

/// A failed call as it is stored with its job.
pub(crate) fn failure(call: &CallError) -> JobError {
    JobError {
        vendor: call.vendor.map(str::to_owned),
        ..JobError::new(call.class.as_str(), call.to_string())
    }
}

/// A call that failed because a thing is not there, in the words of a handler.
pub(crate) fn missing(operation: &'static str, message: &str) -> EngineError {
    EngineError::Call(CallError::ours(Class::Permanent, operation, message))
}

#[cfg(test)]
mod tests {
    use relay_core::ids::WorkItemId;
    use relay_core::random::SeededRandom;
    use relay_store::WorkItem;
    use serde_json::json;

    use super::*;

    fn died(number: u64) -> Vec<Op> {
        let random = SeededRandom::new(number);
        let item = WorkItem {
            id: WorkItemId::new(&random, Timestamp::UNIX_EPOCH),
            dedupe_key: format!("dead/{number}"),
            kind: "dead_job".to_owned(),
            owner: "admin".to_owned(),
            title: "A refresh job was given up".to_owned(),
            detail: json!({ "job": number, "remedy": "replay" }),
            actions: Vec::new(),
            client: None,
            case: None,
            effect: None,
            opened_at: Timestamp::UNIX_EPOCH,
            due: Timestamp::UNIX_EPOCH,
            remind_at: Timestamp::UNIX_EPOCH,
            reminders: 0,
            settled: None,
        };
        vec![Op::OpenWork(item)]
    }

    fn key_after(number: u64, status: Option<u16>, message: &str) -> String {
        let mut ops = died(number);
        let call = CallError {
            class: Class::Retryable { after: None },
            vendor: Some("portal"),
            operation: "list messages",
            status,
            message: message.to_owned(),
        };
        as_one_drift(&mut ops, &call);
        match ops.remove(0) {
            Op::OpenWork(item) => item.dedupe_key,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn jobs_that_die_of_one_drift_are_one_item_and_others_are_not() {
        let author = "an author of an unknown kind";
        let first = key_after(1, Some(200), author);
        assert_eq!(first, key_after(2, Some(200), author));
        assert_ne!(first, key_after(3, Some(200), "no due date"));
        assert_eq!(key_after(4, Some(503), author), "dead/4");
        assert_eq!(key_after(5, None, author), "dead/5");
    }
}
