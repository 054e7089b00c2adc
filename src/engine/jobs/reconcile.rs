//! Reconcile: what must hold, and does it?
//!
//! Daily, at start if the last one is older than an hour, and on command. An event never sent, a look
//! that failed, a job that was lost, a clock that ran ahead must not mean that a client is never
//! followed up, nor that one is although she did check in.
//!
//! | what must hold | else |
//! |---|---|
//! | every check-in that the portal lists as open and overdue has an open case, a case closed for a *final* reason, an item that lists it, a look at it on a date, or one that was given up with its process and told | the look is woken |
//! | what [`invariants`](crate::engine::invariants) say of the database | repaired or told (`mend`) |
//! | the coach directory is what the portal says | taken over |
//! | a case moves within 30 days (E31) | the manager is told once |
//!
//! Every open case is besides compared with the vendors, by a job of its own. Work goes page by page,
//! a batch a page, so that neither memory nor one bad row stands in the way; what was done before a
//! crash is done again and changes nothing.

use relay_core::case::Case;
use relay_core::clients::{CheckIn, Coach};
use relay_core::effects::Port;
use relay_core::ids::ClientId;
use relay_core::rate_limit::Priority;
use relay_core::time::{SignedDuration, Time, Timestamp};
use relay_core::workflows::missed_check_in;
use relay_store::{Existing, Job, JobState, Op, StoreError};
use serde::Serialize;

use super::backlog::{Earlier, is_released};
use super::kinds::{Asks, BY_ITSELF, Death, JobKind, JobSpec, Repeats};
use super::reconcile_walk::Walk;
use crate::engine::invariants::Violation;
use crate::engine::mend::died_with_process;
use crate::engine::{Engine, EngineError, watch};
use crate::failpoint::REREAD_CALL;

/// When the reconcile runs, clinic time: before the first portal slot of the day.
const HOUR: i8 = 6;

/// How long a case may stand still before the manager hears of it (E31).
const STALE: SignedDuration = SignedDuration::from_hours(24 * 30);

/// A look that is not due waits no longer than this for the next: it is made once a day.
const LOOKED: SignedDuration = SignedDuration::from_hours(20);

/// How old the last reconcile may be at a start.
const AT_START: SignedDuration = SignedDuration::from_hours(1);

/// What became of a violation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Became {
    /// It is repaired, or would be.
    Repaired,
    /// A person is told, or would be.
    Told,
    /// Nothing is to be done about it here.
    Left,
}

/// Something that did not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Found {
    /// What.
    #[serde(flatten)]
    pub violation: Violation,
    /// What became of it.
    pub became: Became,
}

/// What a reconcile looked at and found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Check-ins that the portal lists as open and overdue.
    pub check_ins: usize,
    /// Open cases.
    pub cases: usize,
    /// What did not hold.
    pub found: Vec<Found>,
}

/// The row of this kind.
pub(super) const SPEC: JobSpec = JobSpec {
    name: "reconcile",
    repeats: Some(Repeats {
        next: Engine::next_reconcile,
        has_work: |_| true,
    }),
    asks: Asks::Of(Priority::Background, &[Port::Portal]),
    lost: |_| "The daily comparison with the portal did not come through".to_owned(),
    death: Death::IsToldOnly,
    cancelling: BY_ITSELF,
    run: |engine, job| Box::pin(engine.run_reconcile(job)),
};

impl Engine {
    pub(super) async fn run_reconcile(&self, job: &Job) -> Result<(), EngineError> {
        self.reconcile(false).await?;
        let at = self.next_reconcile(self.now());
        self.put_off(job, at, "until tomorrow".to_owned(), Vec::new())
            .await
    }

    /// Compares what is stored with what must hold, and repairs or tells what does not. With
    /// `dry_run`, changes nothing.
    pub async fn reconcile(&self, dry_run: bool) -> Result<Report, EngineError> {
        let mut walk = Walk::new(self, dry_run);
        walk.check_ins().await?;
        walk.cases().await?;
        walk.effects().await?;
        walk.items().await?;
        walk.jobs().await?;
        walk.periodic().await?;
        let report = walk.report;
        if !report.found.is_empty() && !dry_run {
            let found = report.found.len();
            tracing::warn!(found, "the reconcile found what did not hold");
        }
        Ok(report)
    }

    /// Puts right what a clock that ran ahead has written: cases, jobs, periodic jobs. Returns how
    /// much that was.
    pub(crate) async fn put_clock_right(&self) -> Result<usize, EngineError> {
        let mut walk = Walk::new(self, false);
        walk.ahead().await?;
        walk.jobs().await?;
        walk.periodic().await?;
        Ok(walk.report.found.len())
    }

    /// The manager hears once of a case that stands still, until it has moved again.
    pub(super) async fn stale_ops(
        &self,
        case: &Case,
        now: Timestamp,
    ) -> Result<Vec<Op>, EngineError> {
        if now.duration_since(case.changed_at) <= STALE {
            return Ok(Vec::new());
        }
        let told = self.store.case_work(case.id).await?;
        let told = told.iter().any(|item| {
            // One that a clock that ran ahead has opened is no sign unless it is still open.
            let since = item.opened_at > case.changed_at && item.opened_at <= now;
            item.kind == "stale" && (since || item.settled.is_none())
        });
        Ok(if told {
            Vec::new()
        } else {
            self.stale_item_ops(case)
        })
    }

    /// Coaches of the directory whose name or address has changed in the portal: a script must not
    /// be signed with a name that somebody no longer has.
    pub(super) async fn coach_ops(&self) -> Result<Vec<Op>, EngineError> {
        let told = self.call(REREAD_CALL, self.ports.portal.coaches()).await?;
        let known = self.store.coaches().await?;
        let changed = known.into_iter().filter_map(|known| {
            let told = told.iter().find(|told| told.id == known.id)?;
            let same = told.name == known.name && told.email == known.email;
            (!same).then(|| {
                let crm_user = known.crm_user.filter(|_| told.email == known.email);
                Op::PutCoach(Coach {
                    crm_user,
                    ..told.clone()
                })
            })
        });
        Ok(changed.collect())
    }

    /// Whether a check-in that the portal lists as open and overdue is somebody's; if not, what
    /// looks at it.
    pub(super) async fn unwatched(
        &self,
        client: &ClientId,
        check_in: &CheckIn,
        now: Timestamp,
    ) -> Result<Option<Op>, EngineError> {
        let (due, due_at) = (check_in.due, check_in.due_at);
        let wake = || {
            let at = Existing::Wake;
            watch::watch(self, client, &check_in.id, due, due_at, now, at)
        };
        let key = watch::missed_key(client, &check_in.id);
        let job = self.store.job_by_key(&key).await?;
        match &job {
            Some(job) if job.state == JobState::Running => return Ok(None),
            Some(job) if job.state == JobState::Ready => {
                // One that waits for a later day because the date moved back untold is looked at
                // now; so is one that a clock that ran ahead has put off.
                let missed = watch::missed_from(self, due, due_at) <= now;
                let long_ago = now.duration_since(job.changed_at).abs() > LOOKED;
                let late = job.run_at > now && missed && long_ago;
                return Ok(late.then_some(Op::ReplayJob {
                    id: job.id,
                    at: now,
                }));
            }
            // Run again, it would only end the next process: an admin was told.
            Some(job) if died_with_process(job) => return Ok(None),
            _ => {}
        }
        if watch::missed_from(self, due, due_at) > now {
            return Ok(job.is_none().then(wake));
        }
        let earlier = self.earlier_case(client, check_in).await?;
        Ok(match earlier {
            // Where it is of another check-in, the look attaches this one, once (E66).
            Earlier::Open => (!attached(self, client, check_in).await?).then(wake),
            Earlier::Final => None,
            Earlier::NotKept { .. } => {
                let listed = self.backlog_item(client, &check_in.id).await?;
                let released = is_released(listed.as_ref(), &earlier);
                (listed.is_none() || released).then(wake)
            }
            Earlier::Nothing | Earlier::Reopening { .. } => {
                let mut listed = None;
                if self.is_backlog(&earlier, due).await? {
                    listed = self.backlog_item(client, &check_in.id).await?;
                }
                // One that is released is nobody's again until its look has found out.
                let released = is_released(listed.as_ref(), &earlier);
                (listed.is_none() || released).then(wake)
            }
        })
    }

    pub(super) fn next_reconcile(&self, now: Timestamp) -> Timestamp {
        let zone = self.calendar.zone();
        let today = self.calendar.date_of(now);
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
    pub(crate) async fn reconcile_at_start(&self) -> Result<Vec<Op>, EngineError> {
        let now = self.now();
        // One that can't be read is made anew where it is told, and due then.
        let job = match self.store.job_by_key(JobKind::Reconcile.name()).await {
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
}

/// Whether the client's open case knows of this check-in.
async fn attached(
    engine: &Engine,
    client: &ClientId,
    check_in: &CheckIn,
) -> Result<bool, EngineError> {
    let cases = engine.store.open_cases(client).await?;
    Ok(cases
        .iter()
        .filter(|case| case.procedure == missed_check_in::NAME)
        .filter_map(|case| serde_json::from_value::<missed_check_in::State>(case.data.clone()).ok())
        .any(|state| {
            state.check_in == check_in.id
                || state.missed_too.get(&check_in.id) == Some(&check_in.due)
        }))
}
