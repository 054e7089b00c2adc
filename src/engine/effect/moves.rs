//! Moves of an effect from one state to another that end nothing.

use relay_store::{Effect, EffectState, EffectView, Op};

use crate::engine::outreach::{is_stopped, outreach_said, outreach_said_nameless};
use crate::engine::{Engine, EngineError};

pub(crate) fn move_effect(
    engine: &Engine,
    effect: &Effect,
    from: EffectState,
    to: EffectState,
) -> Op {
    Op::MoveEffect {
        key: effect.key().clone(),
        from: vec![from],
        to,
        settled: None,
        request: None,
        at: engine.now(),
    }
}

pub(crate) fn back_to_planned(engine: &Engine, effect: &Effect, from: EffectState) -> Op {
    move_effect(engine, effect, from, EffectState::Planned)
}

/// Whether an effect needs a CRM, and there is none.
pub(crate) fn is_without_crm(engine: &Engine, effect: &Effect) -> bool {
    engine.ports.not_offered().is_in_crm(effect.kind())
}

/// Whether outreach is stopped, and this is outreach.
pub(crate) async fn halted(engine: &Engine, effect: &Effect) -> Result<bool, EngineError> {
    if !effect.kind().is_outreach() {
        return Ok(false);
    }
    let setting = outreach_said(engine.store.as_ref()).await?;
    Ok(is_stopped(setting.as_ref()))
}

pub(crate) async fn is_stopped_by(engine: &Engine, view: &EffectView) -> Result<bool, EngineError> {
    if view.setting.is_some() {
        return Ok(is_stopped(view.setting.as_ref()));
    }
    let setting = outreach_said_nameless(engine.store.as_ref()).await?;
    Ok(is_stopped(setting.as_ref()))
}
