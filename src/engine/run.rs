//! Runs a claimed job: its permit, its handler, and what comes of a failure: another try, or dead (the dead
//! letters, `jobs list --state dead`), with a work item and, where a case waits, its case told.
//!
//! A handler reads, decides, and ends its own job in the same batch that stores what it decided
//! ([`Op::FinishJob`]); if it can't, it returns why, and that becomes another try, a snooze or death by
//! the retry policy. A panic ends its job and no other.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
use relay_core::retry::Class;
use relay_core::time::{SignedDuration, later};
use relay_http_client::CallError;
use relay_store::{Job, JobEnd, JobError, Op, SUSPECT};

use crate::engine::damage::unreadable;
use crate::engine::effect::settle;
use crate::engine::finish::Failed;
use crate::engine::job_kinds::JobKind;
use crate::engine::{
    Engine, EngineError, admission, damage, error, finish, inbox, items, periodic,
};

/// How often a handler decides again when the case moves under it, before it steps back.
const TRIES: usize = 5;

/// The names of the kinds that this version can run, as a claim takes them.
pub(crate) fn known_kinds() -> Vec<String> {
    let kinds = JobKind::ALL.into_iter();
    kinds.map(|kind| kind.name().to_owned()).collect()
}

/// Runs a claimed job to its end, once it has its permit. An error means that the database can't be
/// written now; whatever else goes wrong, a panic too, ends this job and no other.
pub(crate) async fn run_job(engine: &Engine, job: &Job, ordered: bool) -> Result<(), EngineError> {
    // It ran alone, and its process died all the same.
    if job.rescues > SUSPECT {
        return Box::pin(died_with_its_process(engine, job)).await;
    }
    let permit = match Box::pin(admission::acquire_permit(engine, job, ordered)).await {
        Ok(Some(permit)) => permit,
        Ok(None) => return Ok(()),
        Err(error) => {
            return match unreadable(&error) {
                Some(damage) => damage::wait_for_mending(engine, job, damage).await,
                None => Err(error),
            };
        }
    };
    // Boxed: it would otherwise be held twice, here and by what counts its calls.
    let done = permit.within(Box::pin(run_with_permit(engine, job))).await;
    Box::pin(admission::release_permit(engine, &permit)).await;
    done
}

async fn run_with_permit(engine: &Engine, job: &Job) -> Result<(), EngineError> {
    for _ in 0..TRIES {
        let handled = AssertUnwindSafe(handle(engine, job)).catch_unwind().await;
        let error = match handled {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => error,
            Err(_) => EngineError::Panicked("a job"),
        };
        if finish::lost_lease(&error) {
            tracing::info!(job = %job.id, kind = job.kind, "lease lost; changes nothing");
            return Ok(());
        }
        if error.is_transient() {
            return Err(error);
        }
        if let Some(damage) = unreadable(&error) {
            return damage::wait_for_mending(engine, job, damage).await;
        }
        // Loading again and deciding again is the whole answer to a conflict.
        if error.is_conflict() {
            continue;
        }
        let failed = AssertUnwindSafe(failed(engine, job, error))
            .catch_unwind()
            .await;
        return match failed {
            Ok(Ok(())) => Ok(()),
            // Its case moved: the next claim meets the same failure again.
            Ok(Err(error)) if error.is_conflict() => step_back(engine, job).await,
            Ok(Err(error)) if error.is_transient() => Err(error),
            Ok(Err(error)) => dead_letter(engine, job, &error).await,
            Err(_) => dead_letter(engine, job, &EngineError::Panicked("a job's failure")).await,
        };
    }
    step_back(engine, job).await
}

/// The death of a job that ends every process it runs in (a poison job): a crash leaves nobody who could count
/// it as a failure. It is not run again, unless it is periodic: then it comes back at its next time. If telling
/// its case is what ends the process, its case does not hear of it either.
async fn died_with_its_process(engine: &Engine, job: &Job) -> Result<(), EngineError> {
    let times = job.rescues;
    tracing::error!(job = %job.id, kind = job.kind, times, "given up: its process died in it");
    let error = EngineError::DiedWithProcess { times };
    if times > SUSPECT + 1 {
        return dead_letter(engine, job, &error).await;
    }
    let end = JobEnd::Dead {
        error: JobError::new(error.class_of_death(), error.to_string()),
    };
    for _ in 0..TRIES {
        let told = async {
            let ops = settle::after_death(engine, job, &end).await?;
            let end = finish::next_time_instead_of_dead(engine, job, end.clone());
            finish::end(engine, job, end, ops).await
        };
        return match Box::pin(told).await {
            // Its case moved meanwhile: it hears of it as it stands now.
            Err(error) if error.is_conflict() => continue,
            Err(error) if !error.is_transient() => dead_letter(engine, job, &error).await,
            told => told,
        };
    }
    step_back(engine, job).await
}

/// The death of a job whose case can't even hear of it (its procedure can't be read, a row is
/// broken): nothing is decided, an admin is told, and the queue goes on.
async fn dead_letter(engine: &Engine, job: &Job, error: &EngineError) -> Result<(), EngineError> {
    let message = error::chain(error);
    let mut ops = settle::unsettle_quietly(engine, job, &message)
        .await
        .unwrap_or_default();
    ops.extend(items::dead_item(engine, job, job.case, &message));
    ops.extend(inbox::after_death(engine, job));
    let error = JobError::new(error.class_of_death(), message);
    finish::end(engine, job, JobEnd::Dead { error }, ops).await
}

async fn step_back(engine: &Engine, job: &Job) -> Result<(), EngineError> {
    let at = later(engine.now(), SignedDuration::from_secs(1));
    let why = "what it is about keeps moving".to_owned();
    finish::end(engine, job, JobEnd::snooze(at, why), Vec::new()).await
}

async fn handle(engine: &Engine, job: &Job) -> Result<(), EngineError> {
    let Some(kind) = JobKind::of(job) else {
        // Not claimed by this version: somebody else's claim.
        return Err(EngineError::Payload {
            kind: job.kind.clone(),
            reason: "this version knows no such kind".to_owned(),
        });
    };
    (engine.job_spec(kind).run)(engine, job).await
}

/// A handler could not do its work: again later, or dead with a work item.
async fn failed(engine: &Engine, job: &Job, error: EngineError) -> Result<(), EngineError> {
    let (mut end, given_up) = match &error {
        EngineError::Call(call) => match finish::decide_call(engine, job, call).await? {
            Failed::Own { end, given_up } => (end, given_up),
            Failed::Held(waits) => {
                return finish::hold(engine, job, waits, Some(call), Vec::new()).await;
            }
        },
        other => {
            let class = Class::Permanent;
            let failure = JobError::new(class.as_str(), error::chain(other));
            finish::decide_again(engine, job, class, failure)
        }
    };
    let mut ops = Vec::new();
    if given_up {
        ops.extend(settle::after_death(engine, job, &end).await?);
        if periodic::next_run(engine, job, engine.now()).is_some() {
            // It is not given up, so its end writes no line.
            finish::log_death(job, &end);
        }
        if let EngineError::Call(call) = &error {
            as_one_drift(&mut ops, call);
        }
        end = finish::next_time_instead_of_dead(engine, job, end);
    }
    if let EngineError::Call(call) = &error
        && call.class == Class::Unauthorised
    {
        ops.extend(items::connection_item_ops(engine, call));
        let vendor = call.vendor.unwrap_or("-");
        tracing::warn!(
            vendor,
            "the vendor does not let the relay in; `clear-relay work list` says what to do"
        );
    }
    match end {
        end @ JobEnd::Snooze { .. } => finish::wait(engine, job, end, ops).await,
        end => finish::end(engine, job, end, ops).await,
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
            && item.kind == items::DEAD_JOB
        {
            let (operation, what) = (call.operation, &call.message);
            item.dedupe_key = format!("drift/{operation}/{what}");
            items::DRIFT.clone_into(&mut item.kind);
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

#[cfg(test)]
mod tests {
    use relay_core::ids::WorkItemId;
    use relay_core::random::SeededRandom;
    use relay_core::time::Timestamp;
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
