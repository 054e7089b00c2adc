//! What must hold of the database whatever happened, so that nobody is forgotten.
//!
//! Each rule is a function over reads of the store and returns what does not hold as a value. The
//! reconcile repairs it or tells a person (`repair`), the doctor reports it, and tests
//! ask after every story that there is nothing to report.
//!
//! Rules:
//! - Every open case has one wait that is alive: its timer, its effect or its read has a job that can
//!   be claimed at a time that is not absurd; a person who is waited for has an open work item.
//! - Every effect that may have gone out has a job that looks for it, or a person who was told.
//! - Every open work item has a reminder that will come.
//! - Every periodic job is there and comes soon.
//! - Nothing was written at a moment that is still to come: else the clock ran ahead.
//!
//! That every open, overdue check-in is somebody's needs the portal, and is in
//! [`reconcile`](super::reconcile).
//!
//! A row that can't be read is not looked at, nor is what needs it: that it is there is told where rows
//! are read through (`damage`), and everything else is looked at all the same.
//!
//! Not guaranteed: one moment. The reads are not one snapshot, so a case that moves while it is looked
//! at is read again, and a reader beside a running relay may still report what is true no longer.

use std::fmt;

use relay_core::case::{Case, Wait};
use relay_core::ids::{CaseId, ClientId, EffectKey, JobId, WorkItemId};
use relay_core::time::{SignedDuration, Timestamp};
use relay_core::work_kinds;
use relay_store::{
    Effect, EffectState, Job, JobState, Store, StoreError, WorkItem, effect_job_key,
};
use serde::Serialize;

use crate::engine::case_jobs::{read_key, timer_key};
use crate::engine::job_kinds::JobKind;

/// Rows that are read at once.
pub const PAGE: u32 = 500;

/// Beyond this nobody has put anything on purpose: a promise and an agreed break are shorter.
const ABSURD: SignedDuration = SignedDuration::from_hours(24 * 400);

/// A periodic job comes at least this often.
const PERIODIC: SignedDuration = SignedDuration::from_hours(24 * 8);

/// How far ahead of now a moment of writing may lie: clocks of two processes differ a little.
pub const AHEAD: SignedDuration = SignedDuration::from_mins(10);

/// Something that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "violation", rename_all = "snake_case")]
pub enum Violation {
    /// The portal lists a check-in as open and overdue, and nobody will look at it.
    CheckInUnwatched {
        /// The client whose check-in it is.
        client: ClientId,
        /// The check-in, by the portal's id.
        check_in: relay_core::ids::CheckInId,
        /// The day on which it was due.
        due: relay_core::time::Date,
    },
    /// An open case waits for a job that is not there or can't be claimed.
    WaitWithoutJob {
        /// The case that waits.
        case: CaseId,
        /// The key of the job.
        job: String,
        /// In which state the job is, if it is there.
        state: Option<JobState>,
    },
    /// An open case waits for something that is over: its outcome was never told to the case.
    WaitIsOver {
        /// The case that waits.
        case: CaseId,
        /// What it waits for.
        what: String,
    },
    /// An open case waits for a person whom nobody asks.
    NobodyAsked {
        /// The case that waits.
        case: CaseId,
        /// Whom it waits for.
        who: String,
    },
    /// An open case waits for nothing.
    NoWait {
        /// The case without a wait.
        case: CaseId,
    },
    /// A case was written, or waits, at a moment that nobody meant.
    CaseAhead {
        /// The case that is ahead of the clock.
        case: CaseId,
    },
    /// An effect may have gone out, and nobody looks for it or was told.
    InDoubt {
        /// The effect that is in doubt.
        effect: EffectKey,
        /// Where it stands.
        state: EffectState,
    },
    /// An open work item of which nobody is reminded.
    NoReminder {
        /// The item of which nobody is reminded.
        item: WorkItemId,
    },
    /// A periodic job is not there, or does not come soon.
    PeriodicMissing {
        /// Its name.
        name: &'static str,
    },
    /// A job was put off at a moment that is still to come, or to an absurd time.
    JobAhead {
        /// The job that was put off.
        job: JobId,
        /// The job's kind.
        kind: String,
    },
    /// A job of a kind that only a newer version knows waits for that version.
    NewerKind {
        /// The job that waits.
        job: JobId,
        /// The job's kind, as it is stored.
        kind: String,
    },
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CheckInUnwatched {
                client,
                check_in,
                due,
            } => write!(
                f,
                "check-in {check_in} of client {client}, due {due}, is overdue and nobody looks at it"
            ),
            Self::WaitWithoutJob { case, job, state } => {
                let state = state.map_or("not there", JobState::as_str);
                write!(f, "case {case} waits for the job {job}, which is {state}")
            }
            Self::WaitIsOver { case, what } => {
                write!(f, "case {case} waits for {what}, which is over")
            }
            Self::NobodyAsked { case, who } => {
                write!(
                    f,
                    "case {case} waits for {who}, whom no open work item asks"
                )
            }
            Self::NoWait { case } => write!(f, "case {case} is open and waits for nothing"),
            Self::CaseAhead { case } => write!(
                f,
                "case {case} was written by a clock that ran ahead, or waits for an absurd time"
            ),
            Self::InDoubt { effect, state } => write!(
                f,
                "effect {effect} is {}: it may have gone out, and nobody looks for it",
                state.as_str()
            ),
            Self::NoReminder { item } => {
                write!(f, "nobody is reminded of the open work item {item}")
            }
            Self::PeriodicMissing { name } => {
                write!(
                    f,
                    "the periodic job {name} is not queued, or not for the next days"
                )
            }
            Self::JobAhead { job, kind } => write!(
                f,
                "job {job} ({kind}) was put off by a clock that ran ahead, or to an absurd time"
            ),
            Self::NewerKind { job, kind } => {
                write!(
                    f,
                    "job {job} is of the kind {kind:?}, which only a newer version knows"
                )
            }
        }
    }
}

/// Whether a moment of writing lies in the future.
pub fn is_ahead(written: Timestamp, now: Timestamp) -> bool {
    written.duration_since(now) > AHEAD
}

fn is_absurd(at: Timestamp, now: Timestamp) -> bool {
    at.duration_since(now) > ABSURD
}

/// Whether a job will be run: it is there, can be claimed, and its time is not absurd.
fn is_alive(job: &Job, now: Timestamp) -> bool {
    match job.state {
        JobState::Running => true,
        JobState::Ready => !is_absurd(job.run_at, now),
        JobState::Done | JobState::Parked | JobState::Dead | JobState::Cancelled => false,
    }
}

/// What does not hold of an open case. `None` also if it moved while it was looked at.
pub async fn of_case(
    store: &dyn Store,
    case: &Case,
    now: Timestamp,
) -> Result<Option<Violation>, StoreError> {
    let found = of_case_as_read(store, case, now).await?;
    if found.is_none() {
        return Ok(None);
    }
    let again = store.case(case.id).await?;
    let same = again.is_some_and(|again| again.version == case.version);
    Ok(found.filter(|_| same))
}

async fn of_case_as_read(
    store: &dyn Store,
    case: &Case,
    now: Timestamp,
) -> Result<Option<Violation>, StoreError> {
    let id = case.id;
    if case.status.is_closed() {
        return Ok(None);
    }
    if is_ahead(case.changed_at, now) {
        return Ok(Some(Violation::CaseAhead { case: id }));
    }
    let Some(wait) = &case.wait else {
        return Ok(Some(Violation::NoWait { case: id }));
    };
    match wait {
        Wait::Timer { until, .. } => {
            if is_absurd(*until, now) {
                return Ok(Some(Violation::CaseAhead { case: id }));
            }
            without_job(store, id, timer_key(id, case.generation), now).await
        }
        Wait::Effect { key } => of_awaited_effect(store, id, key, now).await,
        Wait::Read { what } => {
            let key = read_key(case, what);
            let missing = without_job(store, id, key, now).await?;
            // Parked until a person links the client.
            let parked = matches!(
                &missing,
                Some(Violation::WaitWithoutJob {
                    state: Some(JobState::Parked),
                    ..
                })
            );
            let link = format!("link/{}", case.client);
            let asked = parked && is_open(store.work_by_key(&link).await?.as_ref());
            Ok(missing.filter(|_| !asked))
        }
        Wait::Person { who, .. } => {
            let items = store.case_work(id).await?;
            let asked = items.iter().any(|item| item.settled.is_none());
            Ok((!asked).then(|| Violation::NobodyAsked {
                case: id,
                who: who.clone(),
            }))
        }
    }
}

fn is_open(item: Option<&WorkItem>) -> bool {
    item.is_some_and(|item| item.settled.is_none())
}

async fn without_job(
    store: &dyn Store,
    case: CaseId,
    key: String,
    now: Timestamp,
) -> Result<Option<Violation>, StoreError> {
    let job = store.job_by_key(&key).await?;
    let alive = job.as_ref().is_some_and(|job| is_alive(job, now));
    Ok((!alive).then(|| Violation::WaitWithoutJob {
        case,
        job: key,
        state: job.map(|job| job.state),
    }))
}

async fn of_awaited_effect(
    store: &dyn Store,
    case: CaseId,
    key: &EffectKey,
    now: Timestamp,
) -> Result<Option<Violation>, StoreError> {
    let over = || Violation::WaitIsOver {
        case,
        what: format!("the effect {key}"),
    };
    let Some(effect) = store.effect(key).await? else {
        return Ok(Some(over()));
    };
    match effect.state {
        EffectState::Planned | EffectState::Intended | EffectState::Unclear => {
            without_job(store, case, effect_job_key(key), now).await
        }
        EffectState::Held | EffectState::Dead | EffectState::Unsettled => {
            let items = store.case_work(case).await?;
            let asked = items.iter().any(|item| item.settled.is_none());
            Ok((!asked).then(over))
        }
        EffectState::Done
        | EffectState::Proposed
        | EffectState::Overtaken
        | EffectState::Cancelled => Ok(Some(over())),
    }
}

/// What does not hold of an effect that may have gone out.
pub async fn of_effect(
    store: &dyn Store,
    effect: &Effect,
    now: Timestamp,
) -> Result<Option<Violation>, StoreError> {
    let key = effect.key();
    let somebody = if effect.state.is_under_way() {
        let job = store.job_by_key(&effect_job_key(key)).await?;
        job.is_some_and(|job| is_alive(&job, now))
    } else {
        // What else there is was not sent, or is settled.
        effect.state != EffectState::Unsettled || was_told(store, effect).await?
    };
    if somebody {
        return Ok(None);
    }
    let again = store.effect(key).await?;
    let same = again.is_some_and(|again| again.state == effect.state);
    Ok(same.then(|| Violation::InDoubt {
        effect: key.clone(),
        state: effect.state,
    }))
}

/// Whether a person has heard that it can't be told, of the effect itself or by its case.
async fn was_told(store: &dyn Store, effect: &Effect) -> Result<bool, StoreError> {
    let item = format!("unsettled/{}", effect.key());
    if store.work_by_key(&item).await?.is_some() {
        return Ok(true);
    }
    let Some(case) = effect.scope().case() else {
        return Ok(false);
    };
    let items = store.case_work(case).await?;
    Ok(items.iter().any(|item| item.kind == work_kinds::HOLD))
}

/// What does not hold of an open work item.
pub async fn of_item(
    store: &dyn Store,
    item: &WorkItem,
    now: Timestamp,
) -> Result<Option<Violation>, StoreError> {
    let job = store.job_by_key(&format!("reminder/{}", item.id)).await?;
    let reminded = job.is_some_and(|job| is_alive(&job, now));
    if reminded && !is_absurd(item.remind_at, now) {
        return Ok(None);
    }
    let again = store.work_item(item.id).await?;
    Ok(is_open(again.as_ref()).then_some(Violation::NoReminder { item: item.id }))
}

/// What does not hold of a job that waits for its time.
pub fn of_job(job: &Job, now: Timestamp) -> Option<Violation> {
    if JobKind::of(job).is_none() {
        return Some(Violation::NewerKind {
            job: job.id,
            kind: job.kind.clone(),
        });
    }
    // One that is due will run whoever wrote it.
    let ahead = job.run_at > now && is_ahead(job.changed_at, now);
    // An absurd wait is its case's, and corrected with it.
    let absurd = job.kind != JobKind::Timer.name() && is_absurd(job.run_at, now);
    (ahead || absurd).then(|| Violation::JobAhead {
        job: job.id,
        kind: job.kind.clone(),
    })
}

/// What was read; `None` where a row could not be.
fn readable<T>(read: Result<T, StoreError>) -> Result<Option<T>, StoreError> {
    match read {
        Err(StoreError::Corrupt(_)) => Ok(None),
        read => read.map(Some),
    }
}

/// Which of these periodic jobs is not there, or does not come soon.
pub async fn of_periodic(
    store: &dyn Store,
    names: &[&'static str],
    now: Timestamp,
) -> Result<Vec<Violation>, StoreError> {
    let mut found = Vec::new();
    for name in names {
        // One that can't be read does not come.
        let job = readable(store.job_by_key(name).await)?.flatten();
        let comes = job.is_some_and(|job| {
            job.state == JobState::Running
                || (job.state == JobState::Ready
                    && job.run_at.duration_since(now) < PERIODIC
                    && !is_ahead(job.changed_at, now))
        });
        if !comes {
            found.push(Violation::PeriodicMissing { name });
        }
    }
    Ok(found)
}

/// Everything of the database that does not hold, for the doctor and for tests. Changes nothing.
pub async fn of_store(
    store: &dyn Store,
    periodic: &[&'static str],
    now: Timestamp,
) -> Result<Vec<Violation>, StoreError> {
    let mut found = of_periodic(store, periodic, now).await?;
    let mut after = None;
    loop {
        let cases = store.open_cases_after(after, PAGE).await?;
        let Some(last) = cases.last() else { break };
        after = Some(last.id);
        for case in &cases {
            found.extend(readable(of_case(store, case, now).await)?.flatten());
        }
    }
    let mut after = None;
    loop {
        let effects = store.effects_in_doubt_after(after.as_ref(), PAGE).await?;
        let Some(last) = effects.last() else { break };
        after = Some(last.key().clone());
        for effect in &effects {
            found.extend(readable(of_effect(store, effect, now).await)?.flatten());
        }
    }
    let mut after = None;
    loop {
        let items = store.open_work_after(after, PAGE).await?;
        let Some(last) = items.last() else { break };
        after = Some(last.id);
        for item in &items {
            found.extend(readable(of_item(store, item, now).await)?.flatten());
        }
    }
    let mut after = None;
    loop {
        let jobs = store.ready_jobs_after(after, PAGE).await?;
        let Some(last) = jobs.last() else { break };
        after = Some((last.run_at, last.seq));
        found.extend(jobs.iter().filter_map(|job| of_job(job, now)));
    }
    Ok(found)
}
