//! What a command would do, said before it does it.
//!
//! The same pure steps run on the same stored state, and what they want is put into words instead
//! of into the store. So a dry run can't promise what the command would not do.

use relay_core::ids::CaseId;
use relay_core::workflow::{Action, Input};
use relay_store::Op;

use crate::engine::{Engine, EngineError};

impl Engine {
    /// What `action` would do to a case, a line each; refused as the real command would be.
    pub async fn preview_decision(
        &self,
        id: CaseId,
        by: &str,
        action: &Action,
    ) -> Result<Vec<String>, EngineError> {
        let Some(case) = self.store.case(id).await? else {
            return Err(EngineError::Refused(format!(
                "there is no case {id}; `cases list` shows them"
            )));
        };
        let mut stepping = self.stepping(&case.client).await?;
        let input = Input::Person {
            by: by.to_owned(),
            action: action.clone(),
        };
        stepping.input(id, &input).await?;
        if stepping.is_empty() {
            return Err(EngineError::Refused(format!(
                "this does not apply to a case that is {} in step {}",
                case.status.as_str(),
                case.step
            )));
        }
        Ok(stepping.into_ops().iter().filter_map(in_words).collect())
    }
}

/// An operation in words; `None` for bookkeeping that nobody would miss.
pub fn in_words(op: &Op) -> Option<String> {
    Some(match op {
        Op::UpdateCase { case, .. } | Op::InsertCase(case) => {
            format!(
                "the case will be {} in step {}",
                case.status.as_str(),
                case.step
            )
        }
        Op::PlanEffect(effect) => format!(
            "{} is planned for {}",
            effect.kind().as_str(),
            effect.planned.not_before
        ),
        Op::CancelEffect { key, .. } => format!("{key} is cancelled if it is not under way"),
        Op::OpenWork(item) => format!("work item for {}: {}", item.owner, item.title),
        Op::SettleCaseWork { .. } => "the case's open work items are settled".to_owned(),
        Op::AppendTimeline { entry, .. } => entry.text.clone(),
        _ => return None,
    })
}
