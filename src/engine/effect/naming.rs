//! The names of a stored effect, with what the relay itself has taken away.

use relay_core::effects::EffectInput;
use relay_core::ids::{EffectKey, TaskId};
use relay_store::{Effect, EffectState};

use crate::effects::{Name, vendor_ref};
use crate::engine::{Engine, EngineError};

/// The names of an effect, with what the relay itself has taken away.
pub(crate) async fn name_of(
    engine: &Engine,
    effect: &Effect,
    same: &[Effect],
) -> Result<Name, EngineError> {
    let mut name = Name::new(effect, same);
    if !name.ordinals {
        return Ok(name);
    }
    for other in same {
        let Some(task) = vendor_ref(other) else {
            continue;
        };
        let closing = engine
            .store
            .effect(&EffectKey::closing(other.key()))
            .await?;
        let taken_back = closing.is_some_and(|closing| {
            let called = matches!(
                closing.planned.input,
                EffectInput::CloseTask { called: true, .. }
            );
            closing.state != EffectState::Cancelled && !called
        });
        if taken_back {
            name.closed.push(TaskId::from(task));
        }
    }
    Ok(name)
}

/// The names of an effect that is looked at by itself.
pub(crate) async fn name_alone(engine: &Engine, effect: &Effect) -> Result<Name, EngineError> {
    let same = match effect.planned.identity() {
        Some(identity) => engine.store.effects_of_identity(&identity).await?,
        None => Vec::new(),
    };
    name_of(engine, effect, &same).await
}
