//! Effects that belong to a client, whatever becomes of her cases, or to nobody: planned outside of any step.

use relay_core::case::Mode;
use relay_core::effects::{EffectInput, PlannedEffect, Scope};
use relay_core::ids::{ClientId, EffectKey, JobId};
use relay_core::time::Timestamp;
use relay_store::{Effect, Existing, NewJob, Op, effect_job_key};
use serde_json::json;

use crate::engine::Engine;
use crate::engine::job_kinds::JobKind;

/// The effect and its job.
pub(crate) fn planned(
    engine: &Engine,
    client: &ClientId,
    key: &EffectKey,
    mode: Mode,
    not_before: Timestamp,
    input: EffectInput,
) -> [Op; 2] {
    let scope = Scope::Client {
        client: client.clone(),
    };
    planned_in(engine, scope, key, mode, not_before, input)
}

/// The same for `scope`.
pub(crate) fn planned_in(
    engine: &Engine,
    scope: Scope,
    key: &EffectKey,
    mode: Mode,
    not_before: Timestamp,
    input: EffectInput,
) -> [Op; 2] {
    let now = engine.now();
    let (hash, kind) = (input.hash(), input.kind());
    let job = NewJob {
        id: JobId::new(engine.random.as_ref(), now),
        key: effect_job_key(key),
        kind: JobKind::Effect.name().to_owned(),
        lane: scope.lane(),
        run_at: not_before.max(now),
        client: scope.client().cloned(),
        case: scope.case(),
        payload: json!({ "effect": key, "kind": kind }),
    };
    let planned = PlannedEffect {
        key: key.clone(),
        scope,
        blocking: false,
        not_before,
        input,
    };
    [
        Op::PlanEffect(Effect::new(planned, hash, mode, now)),
        Op::Enqueue {
            job,
            existing: Existing::Keep,
        },
    ]
}
