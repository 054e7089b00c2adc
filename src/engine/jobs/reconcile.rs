//! Reconcile: what must hold, and does it?
//!
//! Daily, at start if the last one is older than an hour, and on command. An event never sent, a look
//! that failed, a job that was lost, a clock that ran ahead must not mean that a client is never
//! followed up, nor that one is although she did check in.
//!
//! | what must hold | else |
//! |---|---|
//! | every check-in that the portal lists as open and overdue has an open case, a case closed for a *final* reason, an item that lists it, a look at it on a date, or one that was given up with its process and told | the look is woken |
//! | what [`invariants`](crate::engine::sync::invariants) say of the database | repaired or told (`repair`) |
//! | the coach directory is what the portal says | taken over |
//! | a case moves within 30 days (E31) | the manager is told once |
//! | the holidays of the year are known, from October on those of the next (A26) | an admin is asked, once a year; by the daily job only |
//!
//! Every open follow-up is besides compared with the vendors, by a job of its own; other procedures are not.
//! Work goes page by page, a batch a page, so that neither memory nor one bad row stands in the way; what was
//! done before a crash is done again and changes nothing.

use relay_core::effects::Port;
use relay_core::rate_limit::Priority;
use relay_core::time::{SignedDuration, Time, Timestamp};
use relay_store::{Job, JobState, Op, StoreError};

use crate::engine::job_kinds::{Asks, BY_ITSELF, Death, JobKind, JobSpec, PeriodicSchedule};
use crate::engine::sync::{holidays, list_silence, reconcile};
use crate::engine::{Engine, EngineError, finish};

/// When the reconcile runs, clinic time: before the first portal slot of the day.
const HOUR: i8 = 6;

/// How old the last reconcile may be at a start.
const AT_START: SignedDuration = SignedDuration::from_hours(1);

/// The row of this kind.
pub(super) const SPEC: JobSpec = JobSpec {
    schedule: Some(PeriodicSchedule {
        next: next_reconcile,
        has_work: |_| true,
    }),
    asks: Asks::Of(Priority::Background, &[Port::Portal]),
    lost: |_| "The daily comparison with what tells of check-ins did not come through".to_owned(),
    death: Death::IsToldOnly,
    cancelling: BY_ITSELF,
    run: |engine, job| Box::pin(run_reconcile(engine, job)),
};

pub(super) async fn run_reconcile(engine: &Engine, job: &Job) -> Result<(), EngineError> {
    reconcile::reconcile(engine, false).await?;
    let at = next_reconcile(engine, engine.now());
    let mut ops = holidays::holidays_ops(engine).await?;
    ops.extend(list_silence::silence_ops(engine).await?);
    finish::put_off(engine, job, at, "until tomorrow".to_owned(), ops).await
}

pub(super) fn next_reconcile(engine: &Engine, now: Timestamp) -> Timestamp {
    let zone = engine.calendar.zone();
    let today = engine.calendar.date_of(now);
    [today, today.tomorrow().unwrap_or(today)]
        .into_iter()
        .filter_map(|day| {
            let at = day.to_datetime(Time::constant(HOUR, 0, 0, 0));
            zone.to_ambiguous_timestamp(at).compatible().ok()
        })
        .find(|at| *at > now)
        .unwrap_or(Timestamp::MAX)
}

/// The reconcile made due, if the last one was not within the hour: much may have happened while
/// nobody was there.
pub(crate) async fn reconcile_at_start(engine: &Engine) -> Result<Vec<Op>, EngineError> {
    let now = engine.now();
    // One that can't be read is made anew where it is told, and due then.
    let job = match engine.store.job_by_key(JobKind::Reconcile.name()).await {
        Err(StoreError::Corrupt(_)) => None,
        job => job?,
    };
    Ok(job
        .filter(|job| job.state == JobState::Ready && job.run_at > now)
        .filter(|job| now.duration_since(job.changed_at).abs() > AT_START)
        .map(|job| Op::ReplayJob {
            id: job.id,
            at: now,
        })
        .into_iter()
        .collect())
}
