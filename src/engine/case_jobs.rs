//! The jobs that a case waits for: made by the step that waits, and again by a repair.

use relay_core::case::Case;
use relay_core::ids::{CaseId, JobId};
use relay_core::time::Timestamp;
use relay_core::workflow::ReadKind;
use relay_store::NewJob;
use serde_json::json;

use crate::engine::Engine;
use crate::engine::job_kinds::JobKind;

/// The key of the timer that a case set in a generation.
pub(crate) fn timer_key(case: CaseId, generation: u64) -> String {
    format!("timer/{case}/{generation}")
}

/// That timer.
pub(crate) fn timer_job(engine: &Engine, case: &Case, generation: u64, until: Timestamp) -> NewJob {
    job_of(
        engine,
        case,
        timer_key(case.id, generation),
        JobKind::Timer,
        until,
        json!({ "case": case.id, "generation": generation }),
    )
}

/// The key of the read that a case waits for in its present visit.
pub(crate) fn read_key(case: &Case, what: &str) -> String {
    format!("read/{}/{}/{}/{what}", case.id, case.step, case.visit)
}

/// That read; `None` if `what` is no read that this version knows.
pub(crate) fn read_job(engine: &Engine, case: &Case, what: &str) -> Option<NewJob> {
    let kind = ReadKind::ALL
        .into_iter()
        .find(|kind| kind.as_str() == what)?;
    Some(read_job_of(engine, case, kind))
}

pub(crate) fn read_job_of(engine: &Engine, case: &Case, kind: ReadKind) -> NewJob {
    job_of(
        engine,
        case,
        read_key(case, kind.as_str()),
        JobKind::Read,
        engine.now(),
        json!({ "case": case.id, "read": kind, "step": case.step, "visit": case.visit }),
    )
}

fn job_of(
    engine: &Engine,
    case: &Case,
    key: String,
    kind: JobKind,
    run_at: Timestamp,
    payload: serde_json::Value,
) -> NewJob {
    NewJob {
        id: JobId::new(engine.random.as_ref(), engine.now()),
        key,
        kind: kind.name().to_owned(),
        lane: case.client.to_string(),
        run_at,
        client: Some(case.client.clone()),
        case: Some(case.id),
        payload,
    }
}
