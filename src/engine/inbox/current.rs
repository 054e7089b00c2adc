//! The task in which a client's coach is asked now.

use relay_core::effects::{EffectInput, EffectKind};
use relay_core::ids::{CaseId, ClientId, CoachId, EffectKey, WorkItemId};
use relay_store::{Effect, EffectState, WorkItem};

use super::content::Content;
use crate::effects::vendor_ref;
use crate::engine::{Engine, EngineError};

/// The task that was planned last for a client, unless it is closed.
#[derive(Debug)]
pub(crate) struct CurrentTask {
    pub(super) effect: Effect,
    pub(super) items: Vec<WorkItemId>,
    pub(super) coach: CoachId,
    /// Whose it is, where `coach` acts for her.
    pub(super) of: CoachId,
    /// Its closing, where that was tried and given up.
    pub(super) closing: Option<Effect>,
}

impl CurrentTask {
    /// That of `client`.
    pub(crate) async fn of(
        engine: &Engine,
        client: &ClientId,
    ) -> Result<Option<Self>, EngineError> {
        let kind = EffectKind::WorkTask;
        let Some(effect) = engine.store.latest_of_client(client, kind).await? else {
            return Ok(None);
        };
        let closing = EffectKey::closing(effect.key());
        let closing = engine.store.effect(&closing).await?;
        if closing
            .as_ref()
            .is_some_and(|closing| !has_failed(closing.state))
        {
            return Ok(None);
        }
        let EffectInput::WorkTask {
            items, coach, of, ..
        } = &effect.planned.input
        else {
            return Ok(None);
        };
        let of = of.as_ref().unwrap_or(coach).clone();
        let (items, coach) = (items.clone(), coach.clone());
        Ok(Some(Self {
            effect,
            items,
            coach,
            of,
            closing,
        }))
    }

    /// The CRM's id, once it is made.
    pub(super) fn id(&self) -> Option<&str> {
        vendor_ref(&self.effect)
    }

    /// Whether it shows what it should, or is about to.
    pub(super) fn stands(&self) -> bool {
        matches!(
            self.effect.state,
            EffectState::Planned | EffectState::Done | EffectState::Proposed
        )
    }

    /// Whether the task asks of one coach what is to be asked of another: nothing new, though it may be asked by an item
    /// of its own with the texts signed anew.
    pub(super) async fn only_goes_to(
        &self,
        engine: &Engine,
        wanted: &Content,
    ) -> Result<bool, EngineError> {
        let (Some(asked), Some(anew)) = (self.items.first(), wanted.items().next()) else {
            return Ok(false);
        };
        if !self.stands() || self.coach == wanted.coach {
            return Ok(false);
        }
        let asked = engine.store.work_item(*asked).await?;
        Ok(asked.is_some_and(|asked| asked.kind == anew.kind && asked.case == anew.case))
    }

    /// Whether what it asks first is asked still.
    pub(super) async fn is_open(&self, engine: &Engine) -> Result<bool, EngineError> {
        let Some(first) = self.items.first() else {
            return Ok(false);
        };
        let first = engine.store.work_item(*first).await?;
        Ok(first.is_some_and(|first| first.settled.is_none()))
    }

    pub(super) fn made_for(&self, wanted: &Content) -> bool {
        self.items == wanted.ids() && self.coach == wanted.coach
    }
}

/// The case that an item asks about, and the coach of its client: also of an item that was handed up.
pub(crate) async fn coach_in_case(
    engine: &Engine,
    item: &WorkItem,
) -> Result<Option<(CaseId, CoachId)>, EngineError> {
    let Some(case) = item.case else {
        return Ok(None);
    };
    let Some(case) = engine.store.case(case).await? else {
        return Ok(None);
    };
    let workflow = engine
        .registry
        .of_case(engine.store.as_ref(), &case)
        .await?;
    let assigned = workflow.conversation(&case).and_then(|told| told.signed_by);
    Ok(assigned.map(|assigned| (case.id, assigned)))
}

/// Whether an effect ended without having been carried out.
pub(super) fn has_failed(state: EffectState) -> bool {
    match state {
        EffectState::Held | EffectState::Dead | EffectState::Unsettled | EffectState::Cancelled => {
            true
        }
        EffectState::Planned
        | EffectState::Intended
        | EffectState::Unclear
        | EffectState::Done
        | EffectState::Proposed
        | EffectState::Overtaken => false,
    }
}
