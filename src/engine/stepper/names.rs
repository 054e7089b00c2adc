//! The names that texts are signed with.

use relay_core::ids::{ClientId, CoachId};
use relay_store::Op;

use crate::engine::stepper::Stepping;
use crate::engine::{Engine, EngineError, stepper, time_off};

/// [`stepping`](Self::stepping) where vendors may be called: a coach whose name a text may be signed with, and whom
/// the relay has not met, is looked up in the portal first. Where the portal can't be read, the
/// text says that her name is not known; nothing waits for it.
pub(crate) async fn stepping_with_names<'a>(
    engine: &'a Engine,
    client: &ClientId,
) -> Result<Stepping<'a>, EngineError> {
    let mut stepping = stepper::stepping(engine, client).await?;
    let today = time_off::today(engine);
    let signs = stepping.cases.iter().filter_map(|working| {
        let conversation = working.workflow.conversation(&working.case)?;
        let assigned = conversation.signed_by?;
        Some(stepping.time_off.acting_for(&assigned, today).coach.clone())
    });
    let unmet: Vec<CoachId> = signs
        .filter(|id| !stepping.coaches.iter().any(|coach| coach.id == *id))
        .collect();
    if unmet.is_empty() {
        return Ok(stepping);
    }
    match engine.ports.portal.coaches().await {
        Ok(told) => {
            for coach in told.into_iter().filter(|coach| unmet.contains(&coach.id)) {
                stepping.push(Op::PutCoach(coach.clone()));
                stepping.coaches.push(coach);
            }
        }
        Err(error) => tracing::info!(%client, %error, "a coach's name can't be read now"),
    }
    Ok(stepping)
}
