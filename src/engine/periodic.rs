//! Periodic jobs: what the relay does by itself, again and again, for as long as it is installed.
//!
//! Each is one row whose key, kind and lane are its name. It is queued at start unless it is there,
//! ends every run by being put off until its next time. Where another job would die, it comes back at its
//! next time, and a work item says that it has failed; so also after its process died in it three times in a
//! row. Dead is only one whose process died once more while that was being stored (a person replays it),
//! and one whose failure could not be stored: the next reconcile queues that one again, and `clear-relay
//! reconcile` the reconcile itself.
//!
//! | periodic job | when | file |
//! |---|---|---|
//! | `reconcile` | daily at 6:00 clinic time; at start if the last is older than an hour | `jobs/reconcile.rs` |
//! | `credential` | every 6 hours, where a connection is renewed | `jobs/credential.rs` |
//! | `hooks_watch` | every `watch_minutes` of the CRM's section | `jobs/hooks_watch.rs` |
//! | `engagement_poll` | every `poll_opens_minutes` of it | `jobs/engagement.rs` |
//! | `check_in_list` | every `every_minutes` of who tells of check-ins only when asked | `jobs/check_in_list.rs` |
//!
//! That a kind is periodic says its row
//! ([`PeriodicSchedule`](crate::engine::job_kinds::PeriodicSchedule)). What a serving relay does besides,
//! without a job: the dispatcher rescues every 5 seconds and counts the generation of the database every 5
//! minutes, `self_check` looks at the files every second and at `stop` every 5 seconds, and the database's
//! file is read through daily.

use relay_core::ids::JobId;
use relay_core::time::Timestamp;
use relay_store::{Existing, Job, NewJob, Op};
use serde_json::json;

use crate::engine::Engine;
use crate::engine::job_kinds::JobKind;

/// Whether a job is a periodic one.
pub(crate) fn is_periodic(engine: &Engine, job: &Job) -> bool {
    JobKind::of(job).is_some_and(|kind| engine.job_spec(kind).schedule.is_some())
}

/// The kinds that are periodic.
pub(crate) fn kinds(engine: &Engine) -> impl Iterator<Item = JobKind> {
    let kinds = JobKind::ALL.into_iter();
    kinds.filter(|kind| engine.job_spec(*kind).schedule.is_some())
}

/// Queues every periodic job that this relay has work for.
pub(crate) fn periodic_jobs(engine: &Engine) -> Vec<Op> {
    let wanted = periodic_names(engine);
    wanted
        .into_iter()
        .map(|name| periodic_job(engine, name))
        .collect()
}

/// The periodic jobs that this relay has work for, by name.
pub fn periodic_names(engine: &Engine) -> Vec<&'static str> {
    let has_work = |kind: &JobKind| {
        let schedule = engine.job_spec(*kind).schedule.as_ref();
        schedule.is_some_and(|schedule| (schedule.has_work)(engine))
    };
    JobKind::ALL
        .into_iter()
        .filter(has_work)
        .map(JobKind::name)
        .collect()
}

/// Queues the periodic job of this name unless it is there.
pub fn periodic_job(engine: &Engine, name: &str) -> Op {
    let now = engine.now();
    Op::Enqueue {
        job: NewJob {
            id: JobId::new(engine.random.as_ref(), now),
            key: name.to_owned(),
            kind: name.to_owned(),
            lane: name.to_owned(),
            run_at: now,
            client: None,
            case: None,
            payload: json!({}),
        },
        existing: Existing::Keep,
    }
}

/// When a periodic job runs next; `None` for any other.
pub(crate) fn next_run(engine: &Engine, job: &Job, now: Timestamp) -> Option<Timestamp> {
    let schedule = engine.job_spec(JobKind::of(job)?).schedule.as_ref()?;
    Some((schedule.next)(engine, now))
}
