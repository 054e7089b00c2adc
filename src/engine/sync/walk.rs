//! The reconcile's walk: page by page through what must hold, each page or row a batch of its own.
//!
//! A row that can't be read, or that nobody can make sense of, is left out and keeps nobody else from
//! their repair: what can't be read is told by itself (`damage`).

use relay_core::case::Case;
use relay_core::clients::{CheckIn, Coach};
use relay_core::effects::Failure;
use relay_core::ids::{ClientId, JobId};
use relay_core::time::{SignedDuration, Timestamp};
use relay_core::work_kinds;
use relay_core::workflows::missed_check_in;
use relay_store::{
    Effect, EffectState, Existing, JobState, NewJob, Op, WorkSettled, effect_job_key,
};
use serde_json::json;

use crate::engine::damage::unreadable;
use crate::engine::error::chain;
use crate::engine::job_kinds::JobKind;
use crate::engine::sync::backlog::{EarlierCase, is_released};
use crate::engine::sync::invariants::{self, PAGE, Violation};
use crate::engine::sync::repair::{Repaired, died_with_process, wake};
use crate::engine::sync::report::{Became, FoundViolation, Report};
use crate::engine::sync::{backlog, repair, undated};
use crate::engine::{Engine, EngineError, drift, inbox, items, periodic, watch};
use crate::failpoint::{REREAD_CALL, SETTLE};
use crate::ports::OpenCheckIns;

/// What came of one row; `None` where the row is the reason why nothing did.
fn alone<T>(done: Result<T, EngineError>) -> Result<Option<T>, EngineError> {
    match done {
        Err(error) if is_of_a_row(&error) => {
            let error = chain(&error);
            tracing::warn!(error, "reconcile: left out");
            Ok(None)
        }
        done => done.map(Some),
    }
}

/// Whether what a row says is the reason, and not the database or a vendor as a whole.
fn is_of_a_row(error: &EngineError) -> bool {
    unreadable(error).is_some()
        || matches!(
            error,
            EngineError::Payload { .. } | EngineError::Procedure { .. }
        )
}

/// How often a case is repaired while it keeps moving.
const TRIES: usize = 4;

/// A walk through everything, page by page.
pub(crate) struct Walk<'a> {
    engine: &'a Engine,
    dry_run: bool,
    pub(crate) report: Report,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(engine: &'a Engine, dry_run: bool) -> Self {
        Self {
            engine,
            dry_run,
            report: Report::default(),
        }
    }
}

impl Walk<'_> {
    fn note(&mut self, violation: Violation, became: Became) {
        tracing::info!(%violation, ?became, "reconcile");
        self.report.found.push(FoundViolation { violation, became });
    }

    /// Carries out what a page came to.
    async fn commit(&self, ops: Vec<Op>) -> Result<(), EngineError> {
        if self.dry_run || ops.is_empty() {
            return Ok(());
        }
        self.engine.commit(SETTLE, ops).await.map(|_| ())
    }

    /// Each by itself, so that one that moved meanwhile (which needs no repair then) keeps no other
    /// from its own.
    async fn commit_alone(&self, ops: Vec<Op>) -> Result<(), EngineError> {
        match self.commit(ops).await {
            Err(error) if error.is_conflict() => Ok(()),
            other => other,
        }
    }

    /// Every check-in that is listed as open is somebody's. Returns what was listed.
    pub(crate) async fn check_ins(&mut self) -> Result<OpenCheckIns, EngineError> {
        let engine = self.engine;
        let now = engine.now();
        let today = engine.calendar.date_of(now);
        let portal = &engine.ports.portal;
        let told = engine
            .call(REREAD_CALL, portal.open_check_ins(today))
            .await?;
        self.commit(drift::left_out_ops(engine, &told.left_out))
            .await?;
        self.commit_alone(undated::undated_ops(engine, &told).await?)
            .await?;
        let open = &told.listed;
        self.report.check_ins = open.len();
        for page in open.chunks(PAGE as usize) {
            for (client, check_in) in page {
                let found = unwatched(engine, client, check_in, now).await;
                let Some(op) = alone(found)?.flatten() else {
                    continue;
                };
                let violation = Violation::CheckInUnwatched {
                    client: client.clone(),
                    check_in: check_in.id.clone(),
                    due: check_in.due,
                };
                self.note(violation, Became::Repaired);
                self.commit_alone(vec![op]).await?;
            }
        }
        let coaches = coach_ops(engine).await?;
        self.commit(coaches).await?;
        Ok(told)
    }

    pub(crate) async fn cases(&mut self) -> Result<(), EngineError> {
        let engine = self.engine;
        let mut after = None;
        loop {
            let cases = engine.store.open_cases_after(after, PAGE).await?;
            let Some(last) = cases.last() else {
                return Ok(());
            };
            after = Some(last.id);
            let mut ops = Vec::new();
            for case in &cases {
                self.report.cases += 1;
                let stale = stale_ops(engine, case, engine.now()).await;
                ops.extend(alone(stale)?.into_iter().flatten());
                if case.procedure == missed_check_in::NAME {
                    ops.extend(alone(refresh(engine, case).await)?.flatten());
                }
            }
            // Before what is wrong with one of them could keep the others from it.
            self.commit(ops).await?;
            for case in cases {
                alone(self.case(case).await)?;
            }
        }
    }

    /// Only the cases that a clock that ran ahead has written.
    pub(crate) async fn ahead(&mut self) -> Result<(), EngineError> {
        let engine = self.engine;
        let mut after = None;
        loop {
            let cases = engine.store.open_cases_after(after, PAGE).await?;
            let Some(last) = cases.last() else {
                return Ok(());
            };
            after = Some(last.id);
            for case in cases {
                if invariants::is_ahead(case.changed_at, engine.now()) {
                    alone(self.case(case).await)?;
                }
            }
        }
    }

    async fn case(&mut self, mut case: Case) -> Result<(), EngineError> {
        let engine = self.engine;
        for _ in 0..TRIES {
            let found = invariants::of_case(engine.store.as_ref(), &case, engine.now()).await?;
            let Some(violation) = found else {
                return Ok(());
            };
            let (ops, became) = match repair::repair_case(engine, &case, &violation).await? {
                Repaired::By(ops) => (ops, Became::Repaired),
                Repaired::Told(ops) => (ops, Became::Told),
            };
            match self.commit(ops).await {
                Err(error) if error.is_conflict() => {}
                other => {
                    self.note(violation, became);
                    return other;
                }
            }
            match engine.store.case(case.id).await? {
                Some(moved) => case = moved,
                None => return Ok(()),
            }
        }
        Ok(())
    }

    pub(crate) async fn effects(&mut self) -> Result<(), EngineError> {
        let engine = self.engine;
        let mut after = None;
        loop {
            let page = engine
                .store
                .effects_in_doubt_after(after.as_ref(), PAGE)
                .await?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            after = Some(last.key().clone());
            let mut ops = Vec::new();
            for effect in &page {
                ops.extend(alone(self.effect(effect).await)?.into_iter().flatten());
            }
            self.commit(ops).await?;
        }
    }

    async fn effect(&mut self, effect: &Effect) -> Result<Vec<Op>, EngineError> {
        let engine = self.engine;
        let store = engine.store.as_ref();
        // Whether a coach's task was made is looked for when her item is (`inbox::daily`).
        let by_itself = effect.kind().spec().failure == Failure::IsShownWithItsItem
            && effect.state == EffectState::Unsettled;
        let found = invariants::of_effect(store, effect, engine.now()).await?;
        let Some(found) = found.filter(|_| !by_itself) else {
            return Ok(Vec::new());
        };
        let mut ops = Vec::new();
        let became = if effect.state == EffectState::Unsettled {
            // Nobody looks any more: a person is asked.
            let key = effect_job_key(effect.key());
            if let Some(job) = store.job_by_key(&key).await? {
                let evidence = "nobody was asked whether it went out";
                ops.extend(items::unsettled_item_ops(engine, &job, effect, evidence));
            }
            Became::Told
        } else {
            ops.push(repair::wake_effect(engine, effect));
            Became::Repaired
        };
        self.note(found, became);
        Ok(ops)
    }

    pub(crate) async fn items(&mut self) -> Result<(), EngineError> {
        let engine = self.engine;
        let mut after = None;
        loop {
            let page = engine.store.open_work_after(after, PAGE).await?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            after = Some(last.id);
            for item in &page {
                let store = engine.store.as_ref();
                let asked = alone(inbox::daily::of_item(engine, item).await)?;
                self.commit_alone(asked.unwrap_or_default()).await?;
                let found = invariants::of_item(store, item, engine.now()).await;
                let Some(found) = alone(found.map_err(EngineError::from))?.flatten() else {
                    continue;
                };
                let reminder = format!("reminder/{}", item.id);
                let Some(ended) = alone(repair::ended_its_process(engine, &reminder).await)? else {
                    continue;
                };
                if ended {
                    self.note(found, Became::Told);
                    continue;
                }
                self.note(found, Became::Repaired);
                self.commit_alone(repair::wake_reminder(engine, item))
                    .await?;
            }
        }
    }

    pub(crate) async fn jobs(&mut self) -> Result<(), EngineError> {
        let engine = self.engine;
        let mut after = None;
        loop {
            let page = engine.store.ready_jobs_after(after, PAGE).await?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            after = Some((last.run_at, last.seq));
            for job in &page {
                let Some(found) = invariants::of_job(job, engine.now()) else {
                    continue;
                };
                let Some(ops) = alone(repair::bring_job_back(engine, job).await)? else {
                    continue;
                };
                let became = if ops.is_empty() {
                    Became::Left
                } else {
                    Became::Repaired
                };
                self.note(found, became);
                self.commit_alone(ops).await?;
            }
        }
    }

    pub(crate) async fn periodic(&mut self) -> Result<(), EngineError> {
        let engine = self.engine;
        let names = periodic::periodic_names(engine);
        let store = engine.store.as_ref();
        for found in invariants::of_periodic(store, &names, engine.now()).await? {
            let Violation::PeriodicMissing { name } = &found else {
                continue;
            };
            // One that can't be read is queued anew by its name.
            if alone(repair::ended_its_process(engine, name).await)? == Some(true) {
                self.note(found, Became::Told);
                continue;
            }
            let mut op = periodic::periodic_job(engine, name);
            if let Op::Enqueue { existing, .. } = &mut op {
                *existing = Existing::Wake;
            }
            let settled = WorkSettled {
                at: engine.now(),
                by: "relay".to_owned(),
                action: "queued again".to_owned(),
            };
            let dead = store.job_by_key(name).await.map_err(EngineError::from);
            let dead = alone(dead)?.flatten();
            let mut ops = vec![op];
            if let Some(dead) = dead.filter(|job| job.state == JobState::Dead) {
                ops.push(Op::SettleWorkByKey {
                    dedupe_key: format!("dead/{}", dead.id),
                    settled,
                });
            }
            self.note(found, Became::Repaired);
            self.commit_alone(ops).await?;
        }
        Ok(())
    }
}

/// The job that compares an open case with the vendors: one for a case, made due by every reconcile,
/// so that one at a start compares what its own day's morning has compared already.
async fn refresh(engine: &Engine, case: &Case) -> Result<Option<Op>, EngineError> {
    let now = engine.now();
    let key = format!("refresh/{}", case.id);
    if repair::ended_its_process(engine, &key).await? {
        return Ok(None);
    }
    Ok(Some(wake(NewJob {
        id: JobId::new(engine.random.as_ref(), now),
        key,
        kind: JobKind::Refresh.name().to_owned(),
        lane: case.client.to_string(),
        run_at: now,
        client: Some(case.client.clone()),
        case: Some(case.id),
        payload: json!({ "case": case.id }),
    })))
}

/// The same; nothing where the row of the case is the reason why not.
pub(crate) async fn refresh_alone(engine: &Engine, case: &Case) -> Result<Option<Op>, EngineError> {
    Ok(alone(refresh(engine, case).await)?.flatten())
}

/// How long a case may stand still before the manager hears of it (E31).
pub(crate) const STALE: SignedDuration = SignedDuration::from_hours(24 * 30);

/// A look that is not due waits no longer than this for the next: it is made once a day.
pub(crate) const LOOKED: SignedDuration = SignedDuration::from_hours(20);

/// The manager hears once of a case that stands still, until it has moved again.
pub(crate) async fn stale_ops(
    engine: &Engine,
    case: &Case,
    now: Timestamp,
) -> Result<Vec<Op>, EngineError> {
    if now.duration_since(case.changed_at) <= STALE {
        return Ok(Vec::new());
    }
    let told = engine.store.case_work(case.id).await?;
    let told = told.iter().any(|item| {
        // One that a clock that ran ahead has opened is no sign unless it is still open.
        let since = item.opened_at > case.changed_at && item.opened_at <= now;
        item.kind == work_kinds::STALE && (since || item.settled.is_none())
    });
    Ok(if told {
        Vec::new()
    } else {
        items::stale_item_ops(engine, case)
    })
}

/// Coaches of the directory whose name or address has changed in the portal: a script must not
/// be signed with a name that somebody no longer has.
pub(crate) async fn coach_ops(engine: &Engine) -> Result<Vec<Op>, EngineError> {
    let told = engine
        .call(REREAD_CALL, engine.ports.portal.coaches())
        .await?;
    let known = engine.store.coaches().await?;
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
pub(crate) async fn unwatched(
    engine: &Engine,
    client: &ClientId,
    check_in: &CheckIn,
    now: Timestamp,
) -> Result<Option<Op>, EngineError> {
    let (due, due_at) = (check_in.due, check_in.due_at);
    let wake = || {
        let at = Existing::Wake;
        watch::watch(engine, client, &check_in.id, due, due_at, now, at)
    };
    let key = watch::missed_key(client, &check_in.id);
    let job = engine.store.job_by_key(&key).await?;
    match &job {
        Some(job) if job.state == JobState::Running => return Ok(None),
        Some(job) if job.state == JobState::Ready => {
            // One that waits for a later day because the date moved back untold is looked at
            // now; so is one that a clock that ran ahead has put off.
            let missed = watch::missed_from(engine, due, due_at) <= now;
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
    if watch::missed_from(engine, due, due_at) > now {
        return Ok(job.is_none().then(wake));
    }
    let earlier = backlog::earlier_case(engine, client, check_in).await?;
    Ok(match earlier {
        // Where it is of another check-in, the look attaches this one, once (E66).
        EarlierCase::Open => (!attached(engine, client, check_in).await?).then(wake),
        EarlierCase::Final => None,
        EarlierCase::NotKept { .. } => {
            let listed = backlog::backlog_item(engine, client, &check_in.id).await?;
            let released = is_released(listed.as_ref(), &earlier);
            (listed.is_none() || released).then(wake)
        }
        EarlierCase::Nothing | EarlierCase::Reopening { .. } => {
            let mut listed = None;
            if backlog::is_backlog(engine, &earlier, due).await? {
                listed = backlog::backlog_item(engine, client, &check_in.id).await?;
            }
            // One that is released is nobody's again until its look has found out.
            let released = is_released(listed.as_ref(), &earlier);
            (listed.is_none() || released).then(wake)
        }
    })
}

/// Whether the client's open case knows of this check-in.
pub(crate) async fn attached(
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
