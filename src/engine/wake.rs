//! Makes jobs due that were put off to a time that no longer means anything.
//!
//! People: the *worker* looks now and then whether the clock was set back; a *person* says that a
//! vendor is to be asked now.
//!
//! Rules:
//! - While a clock runs ahead, what is put off is put off to a future that nobody meant. Once it is
//!   right again, whatever was written at a moment that is still to come is corrected: jobs become due
//!   and decide by themselves whether it is time, reminders come on the next working day, waits of
//!   cases keep their length from now on. Timers set before keep their time: that is the procedure's.
//! - That the clock ran ahead is seen by the latest moment this database has seen, which is kept once
//!   an hour and at once after a jump; so also the next process sees it.
//! - A job that comes back too early asks for its turn and is told to wait; so one too many does no
//!   harm, and one too few is a client who is forgotten.
//! - Each job is made due by itself. A process that dies half way does it again: the sign is taken
//!   away last.

use relay_core::rate_limit::Why;
use relay_core::time::{SignedDuration, Timestamp};
use relay_store::{AuditEntry, Job, JobFilter, JobState, Op, Page};
use serde_json::json;

use crate::engine::finish::{waits_for, waits_for_permit};
use crate::engine::periodic::is_periodic;
use crate::engine::sync::invariants::is_ahead;
use crate::engine::sync::reconcile;
use crate::engine::{Engine, EngineError, incidents, latest};
use crate::failpoint::SETTLE;
use crate::settings::setting_or_none;

/// How many jobs are looked at at once.
const PAGE: u32 = 500;

/// What a person's word brought, or would bring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resumed {
    /// Until when nothing would have been asked of the vendor, and why.
    pub closed: Option<(Timestamp, Why)>,
    /// How many jobs waited for it.
    pub jobs: usize,
}

/// How often the present moment is kept, at least, so that also the next process sees a clock that
/// was set back.
const KEPT_EVERY: SignedDuration = SignedDuration::from_hours(1);

/// The setting that keeps the latest moment this database has seen.
const LATEST: &str = "clock/latest";

/// Notices a clock that ran ahead and was corrected since, and corrects what was written by it.
pub(crate) async fn bring_back(engine: &Engine) -> Result<(), EngineError> {
    let clock_set_back = engine.limiter.set_back().await?;
    let ahead = ran_ahead(engine).await?;
    if !clock_set_back && !ahead {
        return Ok(());
    }
    let now = engine.now();
    let late = ready(engine, |job| was_put_off_ahead(engine, job, now)).await?;
    for job in &late {
        make_due(engine, job).await?;
    }
    let mut jobs = late.len();
    if ahead {
        jobs += reconcile::put_clock_right(engine).await?;
        keep_latest(engine, now).await?;
    }
    engine.limiter.all_are_back().await?;
    tracing::warn!(
        jobs,
        "the clock was set back; what it had put off is corrected"
    );
    Ok(())
}

/// Whether this database has seen a moment that is still to come. Keeps the present one now and
/// then, and at once after a jump.
async fn ran_ahead(engine: &Engine) -> Result<bool, EngineError> {
    let now = engine.now();
    let mut memory = engine.latest.get();
    if memory.kept.is_none() {
        // One that can't be read is none: the present moment is kept anew.
        let kept = setting_or_none(engine.store.as_ref(), LATEST).await?;
        memory.kept = kept.and_then(|kept| serde_json::from_value(kept).ok());
    }
    let latest = memory.seen.max(memory.kept);
    if latest.is_some_and(|latest| is_ahead(latest, now)) {
        return Ok(true);
    }
    memory.seen = latest.max(Some(now));
    let due = memory
        .kept
        .is_none_or(|kept| now.duration_since(kept) >= KEPT_EVERY);
    engine.latest.set(memory);
    if due {
        keep_latest(engine, now).await?;
    }
    Ok(false)
}

async fn keep_latest(engine: &Engine, now: Timestamp) -> Result<(), EngineError> {
    let op = Op::PutSetting {
        key: LATEST.to_owned(),
        value: json!(now),
    };
    engine.store.commit(vec![op].into()).await?;
    engine.latest.set(latest::LatestMoments {
        seen: Some(now),
        kept: Some(now),
    });
    Ok(())
}

/// A vendor's pause and its open breaker end by a person's word, and what waits for it is due.
pub async fn resume_vendor(
    engine: &Engine,
    vendor: &str,
    by: &str,
) -> Result<Resumed, EngineError> {
    let waiting = waiting_for(engine, vendor).await?;
    let audit = Op::Audit(AuditEntry {
        at: engine.now(),
        who: by.to_owned(),
        what: "resume".to_owned(),
        object: format!("vendor/{vendor}"),
        detail: json!({ "jobs": waiting.len() }),
    });
    let Some(closed) = engine.limiter.resume(vendor, &audit).await? else {
        return Err(no_such(engine, vendor));
    };
    for job in &waiting {
        make_due(engine, job).await?;
    }
    engine.wake.notify_one();
    let jobs = waiting.len();
    Ok(Resumed { closed, jobs })
}

/// What [`resume_vendor`] would do now.
pub async fn preview_resume(engine: &Engine, vendor: &str) -> Result<Resumed, EngineError> {
    if !engine.limiter.names().contains(&vendor) {
        return Err(no_such(engine, vendor));
    }
    Ok(Resumed {
        closed: engine.limiter.closed(vendor).await?,
        jobs: waiting_for(engine, vendor).await?.len(),
    })
}

fn no_such(engine: &Engine, vendor: &str) -> EngineError {
    let known = engine.limiter.names().join(", ");
    EngineError::Refused(format!("there is no vendor {vendor}; there are {known}"))
}

async fn waiting_for(engine: &Engine, vendor: &str) -> Result<Vec<Job>, EngineError> {
    let now = engine.now();
    let held = incidents::held_jobs(engine.store.as_ref()).await?;
    let waits =
        |job: &Job| waits_for(job, vendor) || held.get(&job.id).is_some_and(|name| name == vendor);
    ready(engine, |job| job.run_at > now && waits(job)).await
}

/// The ready jobs of which `is_one` holds.
async fn ready(engine: &Engine, is_one: impl Fn(&Job) -> bool) -> Result<Vec<Job>, EngineError> {
    let filter = JobFilter {
        states: vec![JobState::Ready],
        ..JobFilter::default()
    };
    let mut found = Vec::new();
    let mut page = Page {
        offset: 0,
        limit: PAGE,
    };
    loop {
        let jobs = engine.store.jobs(&filter, page).await?;
        let last = jobs.len() < usize::try_from(PAGE).unwrap_or(usize::MAX);
        found.extend(jobs.into_iter().filter(&is_one));
        if last {
            return Ok(found);
        }
        page.offset = page.offset.saturating_add(PAGE);
    }
}

/// A job that was taken up meanwhile is left to who runs it.
async fn make_due(engine: &Engine, job: &Job) -> Result<(), EngineError> {
    let op = Op::ReplayJob {
        id: job.id,
        at: engine.now(),
    };
    match engine.commit(SETTLE, vec![op]).await {
        Err(error) if error.is_conflict() => Ok(()),
        other => other.map(|_| ()),
    }
}

/// Whether a job was put off at a moment that is still to come.
fn was_put_off_ahead(engine: &Engine, job: &Job, now: Timestamp) -> bool {
    let ahead = job.changed_at.duration_since(now) > SignedDuration::ZERO && job.run_at > now;
    ahead && (waits_for_permit(job) || job.failures > 0 || is_periodic(engine, job))
}
