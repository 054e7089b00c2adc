//! What a read of all open check-ins comes to, where no event tells of one: who is followed up, and whose case
//! should be looked at because her check-in is no longer among them.
//!
//! The daily reconcile reads the same list; this one comes more often. A case is never closed because a list
//! leaves its check-in out: it is compared with what can be read of the client herself.

use std::collections::HashSet;

use relay_core::case::Case;
use relay_core::ids::{CheckInId, ClientId};
use relay_core::workflows::missed_check_in;
use relay_store::Op;

use crate::engine::sync::invariants::PAGE;
use crate::engine::sync::walk::{self, Walk};
use crate::engine::{Engine, EngineError};

/// Sees that every check-in listed as open is somebody's. Returns what makes cases look again whose check-in is
/// not listed.
pub(crate) async fn look(engine: &Engine) -> Result<Vec<Op>, EngineError> {
    let mut walk = Walk::new(engine, false);
    let told = walk.check_ins().await?;
    let listed: HashSet<(&ClientId, &CheckInId)> = told
        .listed
        .iter()
        .map(|(client, one)| (client, &one.id))
        .collect();
    // Hers is listed, only not the day of it.
    let undated: HashSet<&ClientId> = told.undated.iter().map(|one| &one.client).collect();
    let mut ops = Vec::new();
    let mut after = None;
    loop {
        let cases = engine.store.open_cases_after(after, PAGE).await?;
        let Some(last) = cases.last() else {
            return Ok(ops);
        };
        after = Some(last.id);
        for case in &cases {
            let hers = |id: &CheckInId| listed.contains(&(&case.client, id));
            let waits = check_ins_of(case).iter().any(|id| !hers(id));
            if waits && !undated.contains(&case.client) {
                ops.extend(walk::refresh_alone(engine, case).await?);
            }
        }
    }
}

/// The check-ins that a case waits for.
fn check_ins_of(case: &Case) -> Vec<CheckInId> {
    if case.procedure != missed_check_in::NAME {
        return Vec::new();
    }
    // A state that can't be read is told where its case is stepped.
    let state: Result<missed_check_in::State, _> = serde_json::from_value(case.data.clone());
    state.map_or_else(
        |_| Vec::new(),
        |state| {
            let also = state.missed_too.keys().cloned();
            also.chain([state.check_in]).collect()
        },
    )
}
