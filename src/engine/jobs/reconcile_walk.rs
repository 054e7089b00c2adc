//! The reconcile's walk: page by page through what must hold, each page or row a batch of its own.
//!
//! A row that can't be read, or that nobody can make sense of, is left out and keeps nobody else from
//! their repair: what can't be read is told by itself (`damage`).

use relay_core::case::Case;
use relay_core::ids::JobId;
use relay_core::workflows::missed_check_in;
use relay_store::{
    Effect, EffectState, Existing, JobState, NewJob, Op, WorkSettled, effect_job_key,
};
use serde_json::json;

use super::kinds::JobKind;
use super::reconcile::{Became, Found, Report};
use crate::engine::chain;
use crate::engine::damage::unreadable;
use crate::engine::invariants::{self, PAGE, Violation};
use crate::engine::mend::{Mended, wake};
use crate::engine::{Engine, EngineError};
use crate::failpoint::{REREAD_CALL, SETTLE};

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

/// How often a case is put right while it keeps moving.
const TRIES: usize = 4;

/// A walk through everything, page by page.
pub(super) struct Walk<'a> {
    engine: &'a Engine,
    dry_run: bool,
    pub(super) report: Report,
}

impl<'a> Walk<'a> {
    pub(super) fn new(engine: &'a Engine, dry_run: bool) -> Self {
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
        self.report.found.push(Found { violation, became });
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

    pub(super) async fn check_ins(&mut self) -> Result<(), EngineError> {
        let engine = self.engine;
        let now = engine.now();
        let today = engine.calendar.date_of(now);
        let portal = &engine.ports.portal;
        let told = engine
            .call(REREAD_CALL, portal.open_check_ins(today))
            .await?;
        self.commit(engine.left_out_ops(&told.left_out)).await?;
        let open = told.listed;
        self.report.check_ins = open.len();
        for page in open.chunks(PAGE as usize) {
            for (client, check_in) in page {
                let found = engine.unwatched(client, check_in, now).await;
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
        let coaches = engine.coach_ops().await?;
        self.commit(coaches).await
    }

    pub(super) async fn cases(&mut self) -> Result<(), EngineError> {
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
                let stale = engine.stale_ops(case, engine.now()).await;
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
    pub(super) async fn ahead(&mut self) -> Result<(), EngineError> {
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
            let (ops, became) = match engine.mend_case(&case, &violation).await? {
                Mended::By(ops) => (ops, Became::Repaired),
                Mended::Told(ops) => (ops, Became::Told),
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

    pub(super) async fn effects(&mut self) -> Result<(), EngineError> {
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
        let Some(found) = invariants::of_effect(store, effect, engine.now()).await? else {
            return Ok(Vec::new());
        };
        let mut ops = Vec::new();
        let became = if effect.state == EffectState::Unsettled {
            // Nobody looks any more: a person is asked.
            let key = effect_job_key(effect.key());
            if let Some(job) = store.job_by_key(&key).await? {
                let evidence = "nobody was asked whether it went out";
                ops.extend(engine.unsettled_item_ops(&job, effect, evidence));
            }
            Became::Told
        } else {
            ops.push(engine.wake_effect(effect));
            Became::Repaired
        };
        self.note(found, became);
        Ok(ops)
    }

    pub(super) async fn items(&mut self) -> Result<(), EngineError> {
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
                let found = invariants::of_item(store, item, engine.now()).await;
                let Some(found) = alone(found.map_err(EngineError::from))?.flatten() else {
                    continue;
                };
                let reminder = format!("reminder/{}", item.id);
                let Some(ended) = alone(engine.ended_its_process(&reminder).await)? else {
                    continue;
                };
                if ended {
                    self.note(found, Became::Told);
                    continue;
                }
                self.note(found, Became::Repaired);
                self.commit_alone(engine.wake_reminder(item)).await?;
            }
        }
    }

    pub(super) async fn jobs(&mut self) -> Result<(), EngineError> {
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
                let Some(ops) = alone(engine.bring_job_back(job).await)? else {
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

    pub(super) async fn periodic(&mut self) -> Result<(), EngineError> {
        let engine = self.engine;
        let names = engine.periodic_names();
        let store = engine.store.as_ref();
        for found in invariants::of_periodic(store, &names, engine.now()).await? {
            let Violation::PeriodicMissing { name } = &found else {
                continue;
            };
            // One that can't be read is queued anew by its name.
            if alone(engine.ended_its_process(name).await)? == Some(true) {
                self.note(found, Became::Told);
                continue;
            }
            let mut op = engine.periodic_job(name);
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
    if engine.ended_its_process(&key).await? {
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
