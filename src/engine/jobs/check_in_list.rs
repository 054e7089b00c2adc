//! Looks who has missed a check-in and who has none open any more, where that is told only to who asks.

use relay_core::effects::Port;
use relay_core::rate_limit::Priority;
use relay_core::time::{SignedDuration, Timestamp, later};
use relay_store::Job;

use crate::engine::job_kinds::{Asks, BY_ITSELF, Death, JobSpec, PeriodicSchedule};
use crate::engine::sync::check_in_list;
use crate::engine::{Engine, EngineError, finish};

/// How often a list that is not asked looks whether it is again.
const WHILE_OFF: SignedDuration = SignedDuration::from_hours(1);

/// The row of this kind.
pub(super) const SPEC: JobSpec = JobSpec {
    schedule: Some(PeriodicSchedule {
        next: next_look,
        has_work: |engine| engine.check_in_list.is_some(),
    }),
    asks: Asks::Of(Priority::Background, &[Port::Portal, Port::Crm]),
    lost: |_| "It could not be read who has missed a check-in".to_owned(),
    death: Death::IsToldOnly,
    cancelling: BY_ITSELF,
    run: |engine, job| Box::pin(run_check_in_list(engine, job)),
};

fn next_look(engine: &Engine, now: Timestamp) -> Timestamp {
    let every = engine.check_in_list.unwrap_or(WHILE_OFF);
    later(now, every)
}

async fn run_check_in_list(engine: &Engine, job: &Job) -> Result<(), EngineError> {
    let at = next_look(engine, engine.now());
    if engine.check_in_list.is_none() {
        return finish::put_off(engine, job, at, "switched off".to_owned(), Vec::new()).await;
    }
    let ops = check_in_list::look(engine).await?;
    finish::put_off(engine, job, at, "until the next look".to_owned(), ops).await
}
