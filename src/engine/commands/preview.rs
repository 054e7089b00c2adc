//! What a command would do, said before it does it.
//!
//! The same pure steps run on the same stored state, and what they want is put into words instead
//! of into the store. So a dry run can't promise what the command would not do. Times are on the
//! clinic's clock, as whoever reads them lives by it.

use relay_core::calendar::Calendar;
use relay_core::ids::{CaseId, EffectKey, MessageId};
use relay_core::time::Timestamp;
use relay_core::workflow::Action;
use relay_store::Op;

use crate::engine::commands::cases;
use crate::engine::words::effect_name;
use crate::engine::{Engine, EngineError};

/// What `action` would do to a case, a line each; refused as the real command would be.
pub async fn preview_decision(
    engine: &Engine,
    id: CaseId,
    by: &str,
    action: &Action,
) -> Result<Vec<String>, EngineError> {
    preview_shown(engine, id, by, action, &[]).await
}

/// The same by somebody who was shown these messages.
pub(super) async fn preview_shown(
    engine: &Engine,
    id: CaseId,
    by: &str,
    action: &Action,
    shown: &[MessageId],
) -> Result<Vec<String>, EngineError> {
    let decided = cases::deciding(engine, id, by, action, shown, &[]).await?;
    if let Some(not_yet) = decided.refused {
        return Err(EngineError::Refused(not_yet));
    }
    let stepping = decided.stepping;
    let mut lines = Vec::new();
    for op in stepping.into_ops() {
        if let Op::CancelEffect { key, .. } = &op {
            lines.push(cancelled_in_words(engine, key).await?);
        } else {
            lines.extend(in_words(&op, &engine.calendar));
        }
    }
    Ok(lines)
}

async fn cancelled_in_words(engine: &Engine, key: &EffectKey) -> Result<String, EngineError> {
    let effect = engine.store.effect(key).await?;
    let name = effect.map_or("what was planned", |effect| effect_name(effect.kind()));
    Ok(format!("{name} is cancelled, unless it is under way"))
}

/// An operation in words; `None` for bookkeeping that nobody would miss.
pub(crate) fn in_words(op: &Op, calendar: &Calendar) -> Option<String> {
    Some(match op {
        Op::UpdateCase { case, .. } | Op::InsertCase(case) => {
            let (status, step) = (case.status.as_str(), case.step.replace('_', " "));
            format!("the case will be {status} in step {step}")
        }
        Op::PlanEffect(effect) => format!(
            "{} is planned for {}",
            effect_name(effect.kind()),
            on_the_clock(effect.planned.not_before, calendar)
        ),
        Op::OpenWork(item) => format!("work item for {}: {}", item.owner, item.title),
        Op::SettleCaseWork { .. } => "the case's open work items are settled".to_owned(),
        Op::AppendTimeline { entry, .. } => entry.text.clone(),
        _ => return None,
    })
}

/// A time as the clinic's clock shows it: the day and the minute.
pub(crate) fn on_the_clock(at: Timestamp, calendar: &Calendar) -> String {
    let local = calendar.zone().to_datetime(at);
    local.strftime("%Y-%m-%d %H:%M").to_string()
}
