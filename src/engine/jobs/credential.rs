//! Looks after connections that are renewed: nobody's work may find one dead.
//!
//! Refreshes what has been idle for long, tells an admin ten days before the tokens of a connection
//! end, and at once when one has ended. Where all is well again it takes the warning back.

use relay_core::incidents::IncidentClass;
use relay_core::time::{SignedDuration, Timestamp, later};
use relay_core::work_kinds;
use relay_store::{Job, Op, WorkSettled};
use serde_json::json;

use crate::credentials::ALARM;
use crate::engine::job_kinds::{Asks, BY_ITSELF, Death, JobSpec, PeriodicSchedule};
use crate::engine::{Engine, EngineError, finish, incidents, items};
use crate::ports::{ConnectionState, ConnectionStatus};
use crate::rate_limit::ended_key;

/// How often it looks.
const EVERY: SignedDuration = SignedDuration::from_hours(6);

/// The row of this kind.
pub(super) const SPEC: JobSpec = JobSpec {
    schedule: Some(PeriodicSchedule {
        next: |_, now| next_credential(now),
        has_work: |engine| engine.ports.connections.are_renewed(),
    }),
    // Tokens are fetched past every budget: nothing works without them.
    asks: Asks::Nothing,
    lost: |_| "The CRM's tokens could not be looked after".to_owned(),
    death: Death::IsToldOnly,
    cancelling: BY_ITSELF,
    run: |engine, job| Box::pin(run_credential(engine, job)),
};

pub(super) async fn run_credential(engine: &Engine, job: &Job) -> Result<(), EngineError> {
    let now = engine.now();
    let mut ops = Vec::new();
    for status in engine.ports.connections.keep_fresh().await? {
        // An incident says the same, and what it takes to end it.
        let known = incidents::lasts(engine, &status.name, IncidentClass::Credential).await?;
        if !(known && status.state.is_broken()) {
            ops.extend(connection_ops(engine, &status, now));
        }
    }
    let at = next_credential(now);
    finish::put_off(engine, job, at, "until the next look".to_owned(), ops).await
}

fn connection_ops(engine: &Engine, status: &ConnectionStatus, now: Timestamp) -> Vec<Op> {
    let name = &status.name;
    if status.state.is_broken() {
        let why = status.problem.as_deref().unwrap_or(status.state.as_str());
        return items::broken_connection_ops(engine, ended_key(name), name, why);
    }
    let mut ops = Vec::new();
    if matches!(
        status.state,
        ConnectionState::Fresh | ConnectionState::Fixed
    ) {
        ops.push(settle(ended_key(name), now, "it works again"));
    }
    let left = status.refresh_expires_at.map(|end| end.duration_since(now));
    match left {
        Some(left) if left <= ALARM => ops.extend(ending_connection_ops(engine, status)),
        Some(_) if status.state == ConnectionState::Fresh => {
            ops.push(settle(format!("credential/{name}"), now, "refreshed"));
        }
        _ => {}
    }
    ops
}

/// The connection can't be renewed for weeks, and will end.
fn ending_connection_ops(engine: &Engine, status: &ConnectionStatus) -> Vec<Op> {
    let name = &status.name;
    let title = format!("The connection to {name} ends soon: it could not be refreshed");
    let mut item = items::item(
        engine,
        format!("credential/{name}"),
        work_kinds::CONNECTION,
        title,
    );
    item.detail = json!({ "ends_at": status.refresh_expires_at, "reason": status.problem,
                          "remedy": engine.ports.connections.remedy(name) });
    item.actions = vec!["done".to_owned()];
    items::open_work_ops(engine, item, engine.now())
}

/// The item of `key` is over.
fn settle(key: String, at: Timestamp, action: &str) -> Op {
    Op::SettleWorkByKey {
        dedupe_key: key,
        settled: WorkSettled {
            at,
            by: "relay".to_owned(),
            action: action.to_owned(),
        },
    }
}

/// When it looks next.
pub(super) fn next_credential(now: Timestamp) -> Timestamp {
    later(now, EVERY)
}
