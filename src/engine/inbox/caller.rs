//! In whose name a coach is asked to act: the call task is with the coach who acts for the client's coach, and the texts
//! that are ready are signed with her name; else the call, or the question, is asked anew.

use relay_core::clients::Coach;
use relay_core::effects::{EffectInput, EffectKind, Request};
use relay_core::ids::{CaseId, ClientId, CoachId, CrmUserId, EffectKey, TaskId};
use relay_core::workflow::Input;
use relay_store::{Effect, EffectState, Job, JobEnd, Op, WorkItem};

use crate::effects::vendor_ref;
use crate::engine::effect::guard;
use crate::engine::finish::fence;
use crate::engine::inbox::content::CALL;
use crate::engine::inbox::current::coach_in_case;
use crate::engine::stepper::names;
use crate::engine::{Engine, EngineError, time_off};
use crate::failpoint::{REREAD_CALL, SETTLE};

/// A call task that is open, and who should have it.
struct OpenCall {
    case: CaseId,
    made_by: EffectKey,
    /// Its id in the CRM.
    task: TaskId,
    /// Who has it: a user of the CRM, or the coach to whom it was moved.
    with: With,
    acting: CoachId,
}

enum With {
    User(CrmUserId),
    Coach(CoachId),
}

impl OpenCall {
    /// That whose outcome `item` asks for.
    async fn of(engine: &Engine, item: &WorkItem) -> Result<Option<Self>, EngineError> {
        if item.kind != CALL {
            return Ok(None);
        }
        let Some((case, acting)) = acting_in_case(engine, item).await? else {
            return Ok(None);
        };
        let effects = engine.store.effects(case).await?;
        let of_kind = |kind| {
            effects
                .iter()
                .rev()
                .find(move |effect| effect.kind() == kind)
        };
        let made = of_kind(EffectKind::CallTask).filter(|made| made.state == EffectState::Done);
        let Some((made, Some(task), Some(Request::CallTask(asked)))) =
            made.map(|made| (made, vendor_ref(made), made.request.as_ref()))
        else {
            return Ok(None);
        };
        let moved = of_kind(EffectKind::ReassignTask);
        let with = match moved.and_then(|moved| moved_to(moved, made.key())) {
            Some(coach) => With::Coach(coach.clone()),
            None => With::User(asked.user.clone()),
        };
        Ok(Some(Self {
            case,
            task: TaskId::from(task),
            with,
            acting,
            made_by: made.key().clone(),
        }))
    }

    /// Whether somebody has deleted it: then nobody would ask her to call any more.
    async fn is_gone(&self, engine: &Engine) -> Result<bool, EngineError> {
        let read = engine.ports.tasks.task(&self.task, None);
        Ok(engine.call(REREAD_CALL, read).await?.is_none())
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

/// The same case, and who acts now for that coach.
async fn acting_in_case(
    engine: &Engine,
    item: &WorkItem,
) -> Result<Option<(CaseId, CoachId)>, EngineError> {
    let Some((case, assigned)) = coach_in_case(engine, item).await? else {
        return Ok(None);
    };
    let acting = time_off::acting_for(engine, &assigned).await?;
    Ok(Some((case, acting)))
}

/// The case whose question has texts ready in the name of somebody else than who acts now.
pub(super) async fn signed_by_another(
    engine: &Engine,
    item: &WorkItem,
) -> Result<Option<CaseId>, EngineError> {
    // A call task has its text, too: it is asked for anew as a whole.
    let is_task = item.kind == CALL && item.detail["task"].is_string();
    let ready = &item.detail["ready"];
    let texts = ready
        .as_array()
        .map_or(std::slice::from_ref(ready), Vec::as_slice);
    let signers: Vec<&str> = texts
        .iter()
        .filter_map(|text| text["signed_by"].as_str())
        .collect();
    if is_task || signers.is_empty() {
        return Ok(None);
    }
    let acting = acting_in_case(engine, item).await?;
    Ok(acting.and_then(|(case, acting)| {
        let another = signers.iter().any(|signer| *signer != acting.as_str());
        another.then_some(case)
    }))
}

/// Whether the call that `item` asks for may be with somebody else than who acts now, or its texts are signed by somebody
/// else.
pub(super) async fn may_be_anothers(engine: &Engine, item: &WorkItem) -> Result<bool, EngineError> {
    if signed_by_another(engine, item).await?.is_some() {
        return Ok(true);
    }
    let Some(call) = OpenCall::of(engine, item).await? else {
        return Ok(false);
    };
    let directory = engine.store.coaches().await?;
    Ok(call.is_anothers(&directory).unwrap_or(true))
}

/// Whether a coach has an active user in the CRM.
pub(super) async fn has_user(
    engine: &Engine,
    coach: &CoachId,
    ops: &mut Vec<Op>,
) -> Result<bool, EngineError> {
    let coach = guard::coach_with_user(engine, coach, ops).await?;
    Ok(coach.is_some_and(|coach| coach.crm_user.is_some()))
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
    if call.is_anothers(&directory) == Some(false) && !call.is_gone(engine).await? {
        return Ok(false);
    }
    // Her user of the moment: without one, a task of hers could be seen by nobody.
    let mut ops = Vec::new();
    let acting = guard::coach_with_user(engine, &call.acting, &mut ops).await?;
    let has_user = acting
        .as_ref()
        .is_some_and(|acting| acting.crm_user.is_some());
    let known: Vec<Coach> = acting.into_iter().collect();
    let stays = call.is_anothers(&known) == Some(false) && !call.is_gone(engine).await?;
    if !has_user || stays {
        return Ok(false);
    }
    let changed = Input::CallerChanged {
        made_by: call.made_by,
    };
    ask_anew(engine, job, client, call.case, &changed, ops).await
}

/// Asks the question of a case anew, whose texts are signed by somebody else than who acts now, and ends the job;
/// `false` if nothing changes.
pub(super) async fn sign_anew(
    engine: &Engine,
    job: &Job,
    client: &ClientId,
    case: CaseId,
) -> Result<bool, EngineError> {
    ask_anew(engine, job, client, case, &Input::SignerChanged, Vec::new()).await
}

async fn ask_anew(
    engine: &Engine,
    job: &Job,
    client: &ClientId,
    case: CaseId,
    changed: &Input,
    mut ops: Vec<Op>,
) -> Result<bool, EngineError> {
    let mut stepping = names::stepping_with_names(engine, client).await?;
    stepping.input(case, changed).await?;
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
