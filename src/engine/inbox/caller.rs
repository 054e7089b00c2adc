//! Who is asked to call: the call task is with the coach who acts for the client's coach, or the call is asked for anew.

use relay_core::clients::Coach;
use relay_core::effects::{EffectInput, EffectKind, Request};
use relay_core::ids::{CaseId, ClientId, CoachId, CrmUserId, EffectKey};
use relay_core::workflow::Input;
use relay_store::{Effect, EffectState, Job, JobEnd, Op, WorkItem};

use crate::engine::effect::guard;
use crate::engine::finish::fence;
use crate::engine::stepper::names;
use crate::engine::{Engine, EngineError, time_off};
use crate::failpoint::SETTLE;

/// A call task that is open, and who should have it.
struct OpenCall {
    case: CaseId,
    made_by: EffectKey,
    /// Who has it: a user of the CRM, or the coach to whom it was moved.
    with: With,
    acting: CoachId,
}

enum With {
    User(CrmUserId),
    Coach(CoachId),
}

impl OpenCall {
    /// That of the case that `item` asks about.
    async fn of(engine: &Engine, item: &WorkItem) -> Result<Option<Self>, EngineError> {
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
        let Some(assigned) = workflow.conversation(&case).and_then(|told| told.signed_by) else {
            return Ok(None);
        };
        let effects = engine.store.effects(case.id).await?;
        let of_kind = |kind| {
            effects
                .iter()
                .rev()
                .find(move |effect| effect.kind() == kind)
        };
        let made = of_kind(EffectKind::CallTask).filter(|made| made.state == EffectState::Done);
        let Some((made, Some(Request::CallTask(asked)))) =
            made.map(|made| (made, made.request.as_ref()))
        else {
            return Ok(None);
        };
        let moved = of_kind(EffectKind::ReassignTask);
        let with = match moved.and_then(|moved| moved_to(moved, made.key())) {
            Some(coach) => With::Coach(coach.clone()),
            None => With::User(asked.user.clone()),
        };
        Ok(Some(Self {
            case: case.id,
            with,
            acting: time_off::acting_for(engine, &assigned).await?,
            made_by: made.key().clone(),
        }))
    }

    /// Whether somebody else has it, as far as the directory knows; `None`: it doesn't.
    fn is_anothers(&self, directory: &[Coach]) -> Option<bool> {
        match &self.with {
            With::Coach(coach) => Some(*coach != self.acting),
            With::User(user) => {
                let acting = directory.iter().find(|known| known.id == self.acting)?;
                Some(acting.crm_user.as_ref()? != user)
            }
        }
    }
}

/// Whom a task was moved to, where it is the one that `made_by` made.
fn moved_to<'a>(moved: &'a Effect, made_by: &EffectKey) -> Option<&'a CoachId> {
    match &moved.planned.input {
        EffectInput::ReassignTask { made_by: of, coach } if of == made_by => Some(coach),
        _ => None,
    }
}

/// Whether the call that `item` asks about may be with somebody else than who acts now.
pub(super) async fn may_be_anothers(engine: &Engine, item: &WorkItem) -> Result<bool, EngineError> {
    let Some(call) = OpenCall::of(engine, item).await? else {
        return Ok(false);
    };
    let directory = engine.store.coaches().await?;
    Ok(call.is_anothers(&directory).unwrap_or(true))
}

/// Asks for the call anew, and ends the job; `false` if it is with who acts now, or can be with nobody else.
pub(super) async fn give_to_who_acts(
    engine: &Engine,
    job: &Job,
    client: &ClientId,
    item: &WorkItem,
) -> Result<bool, EngineError> {
    let Some(call) = OpenCall::of(engine, item).await? else {
        return Ok(false);
    };
    let directory = engine.store.coaches().await?;
    if call.is_anothers(&directory) == Some(false) {
        return Ok(false);
    }
    // Her user of the moment: without one, a task of hers could be seen by nobody.
    let mut ops = Vec::new();
    let acting = guard::coach_with_user(engine, &call.acting, &mut ops).await?;
    let has_user = acting
        .as_ref()
        .is_some_and(|acting| acting.crm_user.is_some());
    let known: Vec<Coach> = acting.into_iter().collect();
    if !has_user || call.is_anothers(&known) == Some(false) {
        return Ok(false);
    }
    let mut stepping = names::stepping_with_names(engine, client).await?;
    let changed = Input::CallerChanged {
        made_by: call.made_by,
    };
    stepping.input(call.case, &changed).await?;
    if !stepping.has_moved() {
        return Ok(false);
    }
    ops.extend(stepping.into_ops());
    ops.push(Op::FinishJob {
        fence: fence(job),
        end: JobEnd::Done,
        at: engine.now(),
    });
    engine.commit(SETTLE, ops).await?;
    engine.wake.notify_one();
    Ok(true)
}
