//! The end of a task: it is completed in the CRM, or not made in the first place.
//!
//! Its title then says that the relay closed it, unless a person settled what it asked; and of a message of which she was
//! told before it goes out, whether it did.

use relay_core::effects::EffectInput;
use relay_core::ids::EffectKey;
use relay_core::work_kinds;
use relay_store::{Effect, EffectState, Existing, Op, WorkItem};

use crate::engine::client_effects::planned_in;
use crate::engine::effect::moves;
use crate::engine::{Engine, EngineError, RELAY};

/// Closes `task`, which asked `first`. `given_up`: its closing, where that was tried and given up; the same is tried again.
pub(super) async fn close(
    engine: &Engine,
    task: &Effect,
    first: Option<&WorkItem>,
    given_up: Option<&Effect>,
) -> Result<Vec<Op>, EngineError> {
    let key = task.key();
    Ok(match task.state {
        EffectState::Planned => vec![Op::CancelEffect {
            key: key.clone(),
            why: "it is not asked any more".to_owned(),
            at: engine.now(),
        }],
        EffectState::Done => {
            let input = EffectInput::CloseTask {
                made_by: key.clone(),
                reason: "it is not asked any more".to_owned(),
                // Then it must not say that the relay took it back.
                called: first.is_some_and(is_answered),
                went_out: went_out(engine, first).await?,
            };
            let (scope, closing) = (task.scope().clone(), EffectKey::closing(key));
            let planned = planned_in(engine, scope, &closing, task.mode, engine.now(), input);
            match given_up {
                None => Vec::from(planned),
                Some(given_up) => {
                    let [_, job] = planned;
                    vec![
                        moves::move_effect(engine, given_up, given_up.state, EffectState::Planned),
                        due(job),
                    ]
                }
            }
        }
        EffectState::Intended
        | EffectState::Unclear
        | EffectState::Proposed
        | EffectState::Overtaken
        | EffectState::Held
        | EffectState::Dead
        | EffectState::Unsettled
        | EffectState::Cancelled => Vec::new(),
    })
}

/// Whether a person settled it.
fn is_answered(item: &WorkItem) -> bool {
    let settled = item.settled.as_ref();
    settled.is_some_and(|settled| settled.by != RELAY)
}

/// Whether the message has gone out about which she was asked; `None` where that is not known, or she was asked about none.
async fn went_out(engine: &Engine, asked: Option<&WorkItem>) -> Result<Option<bool>, EngineError> {
    let is_over = |item: &&WorkItem| item.kind == work_kinds::ASK_FIRST && item.settled.is_some();
    let Some(asked) = asked.filter(is_over) else {
        return Ok(None);
    };
    let key: Option<EffectKey> = serde_json::from_value(asked.detail["effect"].clone()).ok();
    let Some(message) = key else {
        return Ok(None);
    };
    let message = engine.store.effect(&message).await?;
    Ok(message.and_then(|message| match message.state {
        EffectState::Done => Some(true),
        EffectState::Overtaken | EffectState::Cancelled => Some(false),
        EffectState::Planned
        | EffectState::Intended
        | EffectState::Unclear
        | EffectState::Proposed
        | EffectState::Held
        | EffectState::Dead
        | EffectState::Unsettled => None,
    }))
}

/// The job of an effect that was given up, made due.
fn due(op: Op) -> Op {
    match op {
        Op::Enqueue { job, .. } => Op::Enqueue {
            job,
            existing: Existing::Wake,
        },
        other => other,
    }
}
