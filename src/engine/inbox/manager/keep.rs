//! Her tasks about a client are made, moved and closed.

use std::collections::BTreeSet;

use relay_core::case::Mode;
use relay_core::effects::{About, AskedAgain, EffectInput};
use relay_core::ids::{ClientId, CoachId, EffectKey, TaskId, WorkItemId};
use relay_core::time::{Timestamp, later};
use relay_core::workflows::PROGRAM_MANAGER;
use relay_store::{Effect, EffectState, Op, WorkItem};
use serde_json::json;

use super::reading::reread;
use super::{is_told, kept_in, key_of, latest, scope_of, was_anothers, whose, with_task};
use crate::effects::vendor_ref;
use crate::engine::client_effects::planned_in;
use crate::engine::inbox::current::has_failed;
use crate::engine::inbox::{BEING_MADE, answer, closing, content, late, mode_of};
use crate::engine::inbox_job::{Again, look};
use crate::engine::{Engine, EngineError};
use crate::failpoint::{REREAD_CALL, SETTLE};

fn soon(engine: &Engine) -> Timestamp {
    later(engine.now(), BEING_MADE)
}

/// Closes the task about an item that is not hers to answer any more. What she has written in it is taken in first: nobody
/// may have told of it yet. `true` once nothing is left to do about it.
async fn take_away(
    engine: &Engine,
    client: &ClientId,
    item: WorkItemId,
    ops: &mut Vec<Op>,
) -> Result<bool, EngineError> {
    let (_, task) = latest(engine.store.as_ref(), client, item).await?;
    let Some(task) = task else {
        return Ok(true);
    };
    if task.state.is_under_way() {
        // Its outcome is waited for: closed once that is known.
        let what = format!("{}/ended", task.key());
        ops.extend(look(engine, client, &what, soon(engine), None));
        return Ok(false);
    }
    let closing = engine.store.effect(&EffectKey::closing(task.key())).await?;
    let given_up = match closing {
        Some(closing) if has_failed(closing.state) => Some(closing),
        Some(closing) => {
            let is_waited_for =
                closing.state.is_under_way() || closing.state == EffectState::Planned;
            return Ok(!is_waited_for);
        }
        None => None,
    };
    if task.state == EffectState::Done && given_up.is_none() {
        ops.extend(answer::unread(engine, client, &task).await?);
    }
    let item = engine.store.work_item(item).await?;
    let closes = closing::close(engine, &task, item.as_ref(), given_up.as_ref()).await?;
    let is_over = closes.is_empty() || task.state == EffectState::Planned;
    ops.extend(closes);
    Ok(is_over)
}

/// Makes her tasks about a client what they should be. `again`: one of them is to be asked once more.
pub(in crate::engine::inbox) async fn keep(
    engine: &Engine,
    client: &ClientId,
    open: &[WorkItem],
    again: Option<&Again>,
) -> Result<(), EngineError> {
    let before = with_task(engine, client).await?;
    if (before.is_empty() && engine.people.manager_user.is_none()) || engine.ports.not_offered().crm
    {
        return Ok(());
    }
    let was_anothers = was_anothers(engine, client).await?;
    let mut is_moved = was_anothers;
    let mut told = BTreeSet::new();
    for item in open {
        if is_told(engine, client, item).await? {
            told.insert(item.id);
        }
    }
    let mut ops = Vec::new();
    let mut after = before.clone();
    for id in &before {
        let stays = told.contains(id);
        if !stays && take_away(engine, client, *id, &mut ops).await? {
            after.remove(id);
        }
    }
    for item in open.iter().filter(|item| told.contains(&item.id)) {
        let (visit, task) = latest(engine.store.as_ref(), client, item.id).await?;
        let asked_again = again.filter(|again| {
            task.as_ref()
                .is_some_and(|task| *task.key() == again.made_by)
        });
        let stands = task.as_ref().is_some_and(|task| {
            matches!(
                task.state,
                EffectState::Planned | EffectState::Done | EffectState::Proposed
            ) || task.state.is_under_way()
        });
        // One whose outcome is waited for goes to her the next time.
        is_moved &= !task.as_ref().is_some_and(|task| task.state.is_under_way());
        let is_made = task
            .as_ref()
            .is_some_and(|task| task.state == EffectState::Done);
        let moves = was_anothers && is_made;
        if stands && asked_again.is_none() && !moves {
            after.insert(item.id);
            continue;
        }
        if let (Some(task), true) = (&task, stands) {
            if moves && settled_by_it(engine, client, task, item.id, &mut ops).await? {
                after.insert(item.id);
                continue;
            }
            ops.extend(closing::close(engine, task, Some(item), None).await?);
        }
        let number = visit + 1;
        let made = task.as_ref().and_then(vendor_ref).map(str::to_owned);
        // One that never came to be is looked for under the same name.
        let failed = task.filter(|_| !stands);
        let about = failed.and_then(|task| content::about_of(&task));
        let about = about.unwrap_or_else(|| {
            let day = engine.calendar.date_of(item.opened_at);
            About::new(&format!("{}-manager-{number}", item.id), day)
        });
        let noted = asked_again.and_then(|again| again.noted.as_deref());
        if let (Some(noted), Some(made)) = (noted, made.as_deref()) {
            ops.push(late::remember_as(&TaskId::from(made), noted));
        }
        let why = asked_again.map(|again| again.why);
        ops.extend(plan(engine, client, item, number, about, why).await?);
        after.insert(item.id);
    }
    if after != before {
        ops.push(Op::PutSetting {
            key: kept_in(client),
            value: json!(after),
        });
    }
    if is_moved || (before.is_empty() && !after.is_empty()) {
        ops.push(Op::PutSetting {
            key: whose(client),
            value: json!(engine.people.manager_user),
        });
    }
    if !ops.is_empty() {
        engine.commit(SETTLE, ops).await?;
        engine.wake.notify_one();
    }
    Ok(())
}

async fn plan(
    engine: &Engine,
    client: &ClientId,
    item: &WorkItem,
    visit: u32,
    about: About,
    again: Option<AskedAgain>,
) -> Result<[Op; 2], EngineError> {
    let input = EffectInput::WorkTask {
        items: vec![item.id],
        coach: CoachId::from(PROGRAM_MANAGER),
        of: None,
        again,
        about,
    };
    let at = engine.calendar.office_slot(engine.now());
    let mode = mode(engine, item).await?;
    let key = key_of(client, item.id, visit);
    Ok(planned_in(
        engine,
        scope_of(client, item.id),
        &key,
        mode,
        at,
        input,
    ))
}

/// As the case acts that asks, or the follow-up that would open one.
async fn mode(engine: &Engine, item: &WorkItem) -> Result<Mode, EngineError> {
    match item.case {
        Some(case) => mode_of(engine, Some(case), &CoachId::from(PROGRAM_MANAGER)).await,
        // About no case, and nobody knows whose client she is: where the relay acts for some only, nothing is made.
        None if engine.people.act_for.is_some() => Ok(Mode::Propose),
        None => Ok(engine
            .registry
            .named(relay_core::workflows::missed_check_in::NAME)
            .map_or(Mode::Act, |workflow| workflow.mode())),
    }
}

/// Takes in what stands in a task that goes to somebody else, and says whether that has settled its item.
async fn settled_by_it(
    engine: &Engine,
    client: &ClientId,
    task: &Effect,
    item: WorkItemId,
    ops: &mut Vec<Op>,
) -> Result<bool, EngineError> {
    let Some(id) = vendor_ref(task).map(TaskId::from) else {
        return Ok(false);
    };
    let read = engine.ports.tasks.task(&id, Some(answer::sent_to(task)));
    let read = engine.call(REREAD_CALL, read).await?;
    ops.extend(reread(engine, client, task, item, read).await?);
    let item = engine.store.work_item(item).await?;
    Ok(item.is_none_or(|item| item.settled.is_some()))
}
