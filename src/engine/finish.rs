//! How a run of a job ends: done, put off, tried again, parked, dead, cancelled.
//!
//! Rules:
//! - A run ends in the batch that stores what it decided, by the fence of its lease. One whose lease is
//!   lost changes nothing, and that is no failure.
//! - A job that was let in and is kept back or refused with "too many" on its way is put off, and no
//!   failure of its own: another job's calls must not use up its tries.
//! - One that is refused so again although the vendor has answered in between fails by it: perhaps it is
//!   what is asked that the vendor never takes, and that must come to an end, and to a person. Its failures
//!   are not forgotten by a wait, either.
//! - A run that failed at nothing and is put off forgets what had failed before, however short the wait
//!   ([`put_off`]). A wait for a vendor forgets it only if it is longer than the longest pause between two
//!   tries ([`wait`]): a vendor that answers 500 and 429 by turns would be asked forever.

use relay_core::retry::{Class, RetryDecision};
use relay_core::time::{SignedDuration, Timestamp, later};
use relay_http_client::CallError;
use relay_store::{
    Deferral, Existing, Fence, Job, JobEnd, JobError, NewJob, Op, Precondition, StoreError,
    WorkSettled,
};
use serde::de::DeserializeOwned;

use crate::engine::incidents::WaitsFor;
use crate::engine::job_kinds::{Death, JobKind};
use crate::engine::periodic::is_periodic;
use crate::engine::{Engine, EngineError, RELAY, incidents, items, periodic};
use crate::failpoint::SETTLE;
use crate::rate_limit::{HeldCall, held};

/// The right of the worker that claimed `job`.
pub(crate) fn fence(job: &Job) -> Fence {
    Fence {
        job: job.id,
        fence: job.fence,
    }
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

/// A call that failed because a thing is not there, in the words of a handler.
pub(crate) fn missing(operation: &'static str, message: &str) -> EngineError {
    EngineError::Call(CallError::ours(Class::Permanent, operation, message))
}

/// A failed call as it is stored with its job.
pub(crate) fn failure(call: &CallError) -> JobError {
    JobError {
        vendor: call.vendor.map(str::to_owned),
        ..JobError::new(call.class.as_str(), call.to_string())
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

/// One line for a job that is given up: which, of what kind, whose, and of which class the failure
/// was. Its message stays in the database: it may quote what a vendor said of a person.
pub(crate) fn log_death(job: &Job, end: &JobEnd) {
    if let JobEnd::Dead { error } = end {
        let client = job.client.as_ref().map_or("-", |client| client.as_str());
        tracing::error!(job = %job.id, kind = job.kind, client, class = error.class, "given up");
    }
}

/// The same job, queued anew.
pub(crate) fn again(job: &Job, at: Timestamp) -> NewJob {
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

/// What the retry policy says of a failure. `true` when it is the last.
pub(crate) fn decide_again(
    engine: &Engine,
    job: &Job,
    class: Class,
    mut error: JobError,
) -> (JobEnd, bool) {
    let now = engine.now();
    let since = job.failing_since.unwrap_or(now);
    let failures = job.failures.saturating_add(1);
    // What reaches this is a failed read, or a request known not to have been carried out:
    // there is nothing to look for.
    let class = match class {
        Class::Unclear => Class::Retryable { after: None },
        class => class,
    };
    if let Some(end) = not_its_fault(engine, job, class) {
        return (end, false);
    }
    let refused = is_refused_alone();
    match engine
        .retry
        .decide(failures, since, now, class, engine.random.unit())
    {
        RetryDecision::Again { at } => {
            if refused {
                error.message.push_str(REFUSED);
            }
            (JobEnd::Again { at, error, refused }, false)
        }
        RetryDecision::GiveUp { reason } => {
            let message = format!("{} ({reason})", error.message);
            let error = JobError { message, ..error };
            (JobEnd::Dead { error }, true)
        }
        // Never said of the classes above; looking again is what it would mean.
        RetryDecision::Probe => {
            let at = engine.probes.next(0, now, now).unwrap_or(now);
            let (why, vendor) = (error.message, None);
            let deferral = Deferral { vendor, refused };
            (JobEnd::Snooze { at, why, deferral }, false)
        }
    }
}

/// What becomes of a job whose call has failed.
#[derive(Debug)]
pub(crate) enum Failed {
    /// It is its own failure.
    Own {
        /// How its run ends.
        end: JobEnd,
        /// Whether it is given up.
        given_up: bool,
    },
    /// Many meet the same: it waits, and nothing is told of it alone.
    Held(WaitsFor),
}

/// What follows from a failed call: an incident holds it, or the retry policy decides.
pub(crate) async fn decide_call(
    engine: &Engine,
    job: &Job,
    call: &CallError,
) -> Result<Failed, EngineError> {
    let (end, given_up) = decide_again(engine, job, call.class, failure(call));
    let held = met(engine, job, call, &end).await?;
    Ok(held.map_or(Failed::Own { end, given_up }, Failed::Held))
}

/// The same for a request of which is known that it was not carried out. That must be stored, whatever becomes
/// of the incidents: else it would count as one whose outcome is not known.
pub(crate) async fn decide_not_done(engine: &Engine, job: &Job, call: &CallError) -> Failed {
    let (end, given_up) = decide_again(engine, job, call.class, failure(call));
    match met(engine, job, call, &end).await {
        Ok(Some(waits)) => Failed::Held(waits),
        Ok(None) => Failed::Own { end, given_up },
        Err(error) => {
            tracing::warn!(job = %job.id, %error, "whether it belongs to an incident is not known");
            Failed::Own { end, given_up }
        }
    }
}

/// Until when an incident holds the job whose run would end so.
async fn met(
    engine: &Engine,
    job: &Job,
    call: &CallError,
    end: &JobEnd,
) -> Result<Option<WaitsFor>, EngineError> {
    let again = match end {
        // A pause of the whole vendor, and no failure of the job's.
        JobEnd::Snooze { .. } => return Ok(None),
        JobEnd::Again { at, .. } => Some(*at),
        _ => None,
    };
    incidents::met(engine, job, call, again).await
}

/// Ends the run of a job that an incident holds. What had failed before no longer counts, however long it is
/// held. What the vendor said (`call`) stays with the attempt: an admin must be able to read it.
pub(crate) async fn hold(
    engine: &Engine,
    job: &Job,
    waits: WaitsFor,
    call: Option<&CallError>,
    ops: Vec<Op>,
) -> Result<(), EngineError> {
    let WaitsFor { vendor, until } = waits;
    let title = engine.limiter.title(vendor).unwrap_or(vendor);
    let said = call.map_or_else(String::new, |call| {
        format!(" ({}: {call})", call.class.as_str())
    });
    let end = JobEnd::Snooze {
        at: until,
        why: format!("waits, like others that meet the same at {title}{said}"),
        deferral: Deferral {
            vendor: Some(vendor.to_owned()),
            refused: false,
        },
    };
    put_off_as(engine, job, until, end, ops).await
}

/// A periodic job that would be dead comes back at its next time instead, and one that is tried on
/// ([`Death::IsTriedOn`]) in an hour. The work item says that it has failed.
pub(crate) fn next_time_instead_of_dead(engine: &Engine, job: &Job, end: JobEnd) -> JobEnd {
    let next = periodic::next_run(engine, job, engine.now());
    let in_an_hour = is_tried_on(engine, job) && may_work_later(&end);
    let next =
        next.or_else(|| in_an_hour.then(|| later(engine.now(), SignedDuration::from_hours(1))));
    match (end, next) {
        (JobEnd::Dead { error }, Some(at)) => JobEnd::again(at, error),
        (end, _) => end,
    }
}

/// Puts a job off after a run that failed at nothing. What had failed before no longer counts:
/// else a failure before a weekend would spend the budget of the one after it. It does where a
/// call of its own was refused: such a job is put off after each try, and would never end.
pub(crate) async fn put_off(
    engine: &Engine,
    job: &Job,
    at: Timestamp,
    why: String,
    ops: Vec<Op>,
) -> Result<(), EngineError> {
    put_off_as(engine, job, at, JobEnd::snooze(at, why), ops).await
}

/// The same, by the end that says so; it brings the job back at `at`.
async fn put_off_as(
    engine: &Engine,
    job: &Job,
    at: Timestamp,
    snooze: JobEnd,
    mut ops: Vec<Op>,
) -> Result<(), EngineError> {
    if job.failures == 0 || was_refused(engine, job) {
        return end(engine, job, snooze, ops).await;
    }
    ops.extend(came_through(engine, job, &snooze));
    ops.push(Op::FinishJob {
        fence: fence(job),
        end: snooze,
        at: engine.now(),
    });
    ops.push(Op::Enqueue {
        job: again(job, at),
        existing: Existing::Reschedule,
    });
    match engine.commit(SETTLE, ops).await {
        Err(error) if lost_lease(&error) => Ok(()),
        other => other.map(|_| ()),
    }
}

fn is_tried_on(engine: &Engine, job: &Job) -> bool {
    JobKind::of(job).is_some_and(|kind| engine.job_spec(kind).death == Death::IsTriedOn)
}

/// Whether it was given up because a vendor did not answer, or did not let the relay in.
fn may_work_later(end: &JobEnd) -> bool {
    let for_now = [
        Class::NotSent,
        Class::Retryable { after: None },
        Class::Unauthorised,
        Class::Unclear,
    ];
    match end {
        JobEnd::Dead { error } => for_now.iter().any(|class| error.class == class.as_str()),
        JobEnd::Done
        | JobEnd::Again { .. }
        | JobEnd::Snooze { .. }
        | JobEnd::Parked { .. }
        | JobEnd::Cancelled { .. } => false,
    }
}

/// What was told of a periodic job that failed, or of one that is tried on, is over once a run of it has come through: nobody need replay it.
pub(crate) fn came_through(engine: &Engine, job: &Job, end: &JobEnd) -> Option<Op> {
    let has = match end {
        JobEnd::Done => true,
        JobEnd::Snooze { deferral, .. } => deferral.vendor.is_none() && !deferral.refused,
        JobEnd::Again { .. }
        | JobEnd::Parked { .. }
        | JobEnd::Dead { .. }
        | JobEnd::Cancelled { .. } => false,
    };
    let is_told = is_periodic(engine, job) || (job.failures > 0 && is_tried_on(engine, job));
    (has && is_told).then(|| Op::SettleWorkByKey {
        dedupe_key: items::failed_key(job),
        settled: WorkSettled {
            at: engine.now(),
            by: RELAY.to_owned(),
            action: "it has come through".to_owned(),
        },
    })
}

/// Ends a run together with `ops`.
pub(crate) async fn end(
    engine: &Engine,
    job: &Job,
    end: JobEnd,
    mut ops: Vec<Op>,
) -> Result<(), EngineError> {
    let end = keeping_refusal(engine, job, end);
    let death = end.clone();
    ops.extend(came_through(engine, job, &end));
    ops.push(Op::FinishJob {
        fence: fence(job),
        end,
        at: engine.now(),
    });
    match engine.commit(SETTLE, ops).await {
        Ok(_) => {
            log_death(job, &death);
            Ok(())
        }
        Err(error) if lost_lease(&error) => Ok(()),
        Err(error) => Err(error),
    }
}

/// How people read that a job waits: said in its note, and decided by [`Job::deferred_by`].
const WAITS: &str = "waits for its turn at ";

/// How people read that a call of a job's own was refused: said at the end of its note, or of its
/// error, and decided by [`Job::refused`].
const REFUSED: &str = " (a call of its own was refused)";

/// Ends the run of a job that has to wait for a vendor.
pub(crate) async fn wait(
    engine: &Engine,
    job: &Job,
    end: JobEnd,
    ops: Vec<Op>,
) -> Result<(), EngineError> {
    match end {
        JobEnd::Snooze { at, .. } if at.duration_since(engine.now()) > engine.retry.cap => {
            put_off_as(engine, job, at, end, ops).await
        }
        other => self::end(engine, job, other, ops).await,
    }
}

/// How the present job goes on after a failure of `class` that is not its own: a vendor kept
/// its call back, or refused it with "too many". `None`: it is its own.
pub(crate) fn not_its_fault(engine: &Engine, job: &Job, class: Class) -> Option<JobEnd> {
    let passing = matches!(class, Class::NotSent | Class::Retryable { .. });
    let held = held().filter(|_| passing)?;
    // Once it has counted, it counts: else two refusals would make one failure.
    if held.alone && (was_refused(engine, job) || job.failures > 0) {
        return None;
    }
    let HeldCall {
        vendor,
        at,
        why,
        alone,
    } = held;
    let now = engine.now();
    // As after a first failure, so that jobs which were cut off together come back apart.
    let unit = engine.random.unit();
    let at = match engine.retry.decide(1, now, now, class, unit) {
        RetryDecision::Again { at: again } => again.max(at),
        // The budget of a try is not asked: this is the vendor's pause, and none of its tries.
        RetryDecision::Probe | RetryDecision::GiveUp { .. } => at,
    };
    Some(deferred(vendor, at, &why, alone))
}

/// A vendor keeps a job waiting until `at`.
pub(crate) fn deferred(
    vendor: &str,
    at: Timestamp,
    why: &dyn std::fmt::Display,
    refused: bool,
) -> JobEnd {
    JobEnd::Snooze {
        at,
        why: format!("{WAITS}{vendor}: {why}"),
        deferral: Deferral {
            vendor: Some(vendor.to_owned()),
            refused,
        },
    }
}

/// The end as it is stored. That a call of the job's own was refused goes with it from one putting off
/// to the next, so that what puts it off in between does not make it new.
pub(crate) fn keeping_refusal(engine: &Engine, job: &Job, mut end: JobEnd) -> JobEnd {
    if let JobEnd::Snooze { why, deferral, .. } = &mut end {
        deferral.refused |= was_refused(engine, job);
        if deferral.refused {
            why.push_str(REFUSED);
        }
    }
    end
}

/// Whether a job was put off because a vendor kept it waiting. Such a one comes back at the time it was
/// given and need not stand in line again.
pub(crate) fn waits_for_permit(job: &Job) -> bool {
    job.deferred_by.is_some()
}

/// Whether a job waits for that vendor.
pub(crate) fn waits_for(job: &Job, vendor: &str) -> bool {
    job.deferred_by.as_deref() == Some(vendor)
}

/// Whether it was a call of the job's own that was refused with "too many". Each run of a
/// periodic job is a new one.
pub(crate) fn was_refused(engine: &Engine, job: &Job) -> bool {
    job.refused && !is_periodic(engine, job)
}

/// Whether the present job's last call was refused while the vendor answers others.
pub(crate) fn is_refused_alone() -> bool {
    held().is_some_and(|held| held.alone)
}

pub(crate) async fn snooze(
    engine: &Engine,
    job: &Job,
    by: SignedDuration,
    why: &str,
) -> Result<(), EngineError> {
    let at = later(engine.now(), by);
    put_off(engine, job, at, why.to_owned(), Vec::new()).await
}
