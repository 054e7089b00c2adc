//! What the Program Manager is asked about a client, where she works: a task in the CRM for each thing.
//!
//! People: the *manager* hears the same working day that a client wants to leave, complains, is unwell or wants no contact
//! (A33), and of what coaches left undone (A8). Her user in the CRM is known by its address
//! ([`People::manager_user`](crate::engine::People)); without one she is asked in the list of work alone.
//!
//! Rules:
//! - One task for each open item that is hers and about a client. It belongs to the item ([`Scope::WorkItem`]): the
//!   task of the client's coach stays what it is, also where her question was handed up. Whoever answers first settles it
//!   for both, and the other task is closed.
//! - It is made in the office's hours, and closed at any hour: when the item is settled, or is somebody else's again.
//! - She answers as coaches do, with the words that it offers. A bare tick settles news; of a question it says nothing, and
//!   she is asked once more, the next working morning. So she is, at once, where nobody understands what she wrote or the task
//!   is deleted.
//! - What can be settled at the command line only, it says so.
//! - There is no limit of a day: what is handed up has waited for days, and what stops a client is told the same day.
//! - One that can't be made opens no item about it, and the daily comparison tries again.
//!
//! - What a coach was handed up for and no client waits for stays in the list of work ([`LIST_ONLY`]), and so does what can be
//!   settled there only: a task for each would hide those that matter.
//!
//! Not guaranteed: that a task goes to somebody else at once whom the setting names later: what is open stays with whoever was
//! asked, and in the list of work. Where the setting is taken away and coaches are asked in the list, too, her tasks stay
//! open in the CRM. That it was she who answered. Anybody in the account can edit a task; so nothing here approves, ends a
//! program or moves money.

use std::collections::BTreeSet;

use relay_core::answers::{Written, offered};
use relay_core::case::Mode;
use relay_core::effects::{About, AskedAgain, EffectInput, Scope};
use relay_core::ids::{ClientId, CoachId, CrmUserId, EffectKey, TaskId, WorkItemId};
use relay_core::time::{Timestamp, later};
use relay_core::work_kinds;
use relay_core::workflows::PROGRAM_MANAGER;
use relay_store::{Effect, EffectState, Op, Store, StoreError, WorkItem};
use serde_json::json;

use super::answer::{self, AnswerTaken};
use super::current::has_failed;
use super::daily::reread_ops;
use super::late;
use super::{BEING_MADE, STEP, changed, closing, content, mode_of};
use crate::effects::vendor_ref;
use crate::engine::client_effects::planned_in;
use crate::engine::inbox_job::{Again, look};
use crate::engine::{Engine, EngineError, time_off};
use crate::failpoint::SETTLE;
use crate::ports::Task;

/// What she is called where nobody has named her.
const TITLE: &str = "the Program Manager";

/// Her name and her user, who is active; `None` where none is set.
pub(crate) async fn user(
    engine: &Engine,
) -> Result<Option<(String, Option<CrmUserId>)>, EngineError> {
    let Some(email) = &engine.people.manager_user else {
        return Ok(None);
    };
    let user = engine.ports.staff.user_by_email(email).await?;
    Ok(Some((name(engine), user)))
}

pub(super) fn name(engine: &Engine) -> String {
    let set = &engine.people.program_manager;
    if set == PROGRAM_MANAGER {
        TITLE.to_owned()
    } else {
        set.clone()
    }
}

/// What coaches are handed up that needs no second task: they have done nothing yet that a client waits for, or chose it so.
/// It stands in the list of work. So does what can be settled there only.
const LIST_ONLY: [&str; 11] = [
    work_kinds::ASK_FIRST,
    work_kinds::BACKLOG,
    work_kinds::BREAK,
    work_kinds::BY_HAND,
    work_kinds::OVERLAP,
    work_kinds::PAUSED,
    work_kinds::SEND_BY_HAND,
    work_kinds::STALE,
    work_kinds::TRANSITION_CALL,
    work_kinds::WRONG_NUMBER,
    work_kinds::WROTE_SINCE,
];

/// What a coach is asked, and she only where the coach has not answered.
const ASKED_OF_COACHES: [&str; 3] = [
    work_kinds::CALL_OUTCOME,
    work_kinds::HOLD,
    work_kinds::REPLY,
];

/// Which coach has not answered what she is asked now, and since when; `asked`: who the task is for.
pub(super) async fn handed_up(
    engine: &Engine,
    asked: &CoachId,
    coach: Option<&CoachId>,
    open: &[WorkItem],
) -> Result<Option<(String, Timestamp)>, EngineError> {
    let first = open.first().filter(|item| {
        let kind = item.kind.as_str();
        ASKED_OF_COACHES.contains(&kind) && item.reminders > 0
    });
    let (Some(first), Some(coach)) = (first, coach) else {
        return Ok(None);
    };
    if asked.as_str() != PROGRAM_MANAGER {
        return Ok(None);
    }
    let acting = time_off::acting_for(engine, coach).await?;
    let coaches = engine.store.coaches().await?;
    let known = coaches.into_iter().find(|known| known.id == acting);
    Ok(known.map(|known| (known.name, first.opened_at)))
}

/// Whether she is told of an item in a task.
fn is_told(engine: &Engine, item: &WorkItem) -> bool {
    engine.people.asks_manager(item) && !LIST_ONLY.contains(&item.kind.as_str())
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

fn soon(engine: &Engine) -> Timestamp {
    later(engine.now(), BEING_MADE)
}

fn kept_in(client: &ClientId) -> String {
    format!("manager_tasks/{client}")
}

/// The items about a client that have a task of hers.
async fn with_task(
    engine: &Engine,
    client: &ClientId,
) -> Result<BTreeSet<WorkItemId>, EngineError> {
    let stored = engine.store.setting(&kept_in(client)).await?;
    Ok(stored
        .and_then(|stored| serde_json::from_value(stored).ok())
        .unwrap_or_default())
}

/// The task about an item that was planned last, and how many there were.
pub(crate) async fn latest(
    store: &dyn Store,
    client: &ClientId,
    item: WorkItemId,
) -> Result<(u32, Option<Effect>), StoreError> {
    let (mut visit, mut last) = (0, None);
    while let Some(effect) = store.effect(&key_of(client, item, visit + 1)).await? {
        visit += 1;
        last = Some(effect);
    }
    Ok((visit, last))
}

fn scope_of(client: &ClientId, item: WorkItemId) -> Scope {
    Scope::WorkItem {
        item,
        client: Some(client.clone()),
    }
}

fn key_of(client: &ClientId, item: WorkItemId, visit: u32) -> EffectKey {
    scope_of(client, item).key(STEP, visit, "task")
}

/// Makes her tasks about a client what they should be. `again`: one of them is to be asked once more.
pub(super) async fn keep(
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
    let mut ops = Vec::new();
    let mut after = before.clone();
    for id in &before {
        let stays = open
            .iter()
            .any(|item| item.id == *id && is_told(engine, item));
        if !stays && take_away(engine, client, *id, &mut ops).await? {
            after.remove(id);
        }
    }
    for item in open.iter().filter(|item| is_told(engine, item)) {
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
        if stands && asked_again.is_none() {
            after.insert(item.id);
            continue;
        }
        if let (Some(task), true) = (&task, stands) {
            ops.extend(closing::close(engine, task, Some(item), None).await?);
        }
        let number = visit + 1;
        // One that never came to be is looked for under the same name.
        let failed = task.filter(|_| !stands);
        let about = failed.and_then(|task| content::about_of(&task));
        let about = about.unwrap_or_else(|| {
            let day = engine.calendar.date_of(item.opened_at);
            About::new(&format!("{}-manager-{number}", item.id), day)
        });
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

/// What her open task shows, or why there is none: looked at once a day.
pub(super) async fn daily(
    engine: &Engine,
    client: &ClientId,
    item: &WorkItem,
) -> Result<Vec<Op>, EngineError> {
    if engine.ports.not_offered().crm || !is_told(engine, item) {
        return Ok(Vec::new());
    }
    let (_, task) = latest(engine.store.as_ref(), client, item.id).await?;
    if let Some(id) = task.as_ref().and_then(vendor_ref) {
        return Ok(reread_ops(engine, client, id));
    }
    let today = engine.calendar.date_of(engine.now());
    let what = format!("{}/{today}", item.id);
    Ok(changed(engine, client, &what).into_iter().collect())
}

/// The tasks about a client by which she is asked now, by their ids in the CRM.
pub(super) async fn open_tasks(
    engine: &Engine,
    client: &ClientId,
) -> Result<Vec<String>, EngineError> {
    let mut ids = Vec::new();
    for task in standing(engine, client).await? {
        ids.extend(vendor_ref(&task).map(str::to_owned));
    }
    Ok(ids)
}

/// The same, as they were made.
pub(super) async fn standing(
    engine: &Engine,
    client: &ClientId,
) -> Result<Vec<Effect>, EngineError> {
    let mut tasks = Vec::new();
    for item in with_task(engine, client).await? {
        let (_, task) = latest(engine.store.as_ref(), client, item).await?;
        let Some(task) = task.filter(|task| task.state == EffectState::Done) else {
            continue;
        };
        let closing = engine.store.effect(&EffectKey::closing(task.key())).await?;
        if closing.is_none_or(|closing| closing.state != EffectState::Done) {
            tasks.push(task);
        }
    }
    Ok(tasks)
}

/// Takes in what she answered in the task that `effect` made about `item`.
pub(super) async fn reread(
    engine: &Engine,
    client: &ClientId,
    effect: &Effect,
    item: WorkItemId,
    task: Option<Task>,
) -> Result<Vec<Op>, EngineError> {
    let Some(item) = engine.store.work_item(item).await? else {
        return Ok(Vec::new());
    };
    let (_, current) = latest(engine.store.as_ref(), client, item.id).await?;
    let is_current = current.is_some_and(|current| current.key() == effect.key());
    if item.settled.is_some() || !is_current {
        // What stops every channel counts, whenever it is said; the rest was settled otherwise.
        return answer::of_another(engine, client, effect, task).await;
    }
    let Some(task) = task.filter(|task| !task.closed_by_relay) else {
        return Ok(answer::once_more(
            engine,
            client,
            effect,
            AskedAgain::Deleted,
        ));
    };
    let by = name(engine);
    let is_news = offered(&item.actions).next().is_none();
    if is_news {
        let settles = item.actions == ["done"] && task.completed;
        if settles {
            answer::settle(engine, &item, &by, "done", None).await?;
        }
        return match answer::answer(engine, &task) {
            Some(Written::Action(action, _)) => {
                late::late(engine, client, None, &by, action, &task).await
            }
            Some(Written::Unreadable) | None => Ok(Vec::new()),
        };
    }
    match answer::answer(engine, &task) {
        None if !task.completed => Ok(Vec::new()),
        None => Ok(answer::once_more(
            engine,
            client,
            effect,
            AskedAgain::Ticked,
        )),
        Some(_) => match answer::of_question(engine, client, &item, &by, &task).await? {
            AnswerTaken::Yes(ops) => Ok(ops),
            // What can't be taken is noted: else it would be read again before each message.
            AnswerTaken::No(why) => {
                let mut ops = Vec::new();
                if let Some(Written::Action(action, _)) = answer::answer(engine, &task) {
                    ops.push(late::remember(&task, action));
                }
                if task.completed {
                    ops.extend(answer::once_more(engine, client, effect, why));
                }
                Ok(ops)
            }
        },
    }
}

/// Whether a task of hers about a client shows an answer that nobody told of.
pub(super) async fn is_waiting(engine: &Engine, client: &ClientId) -> Result<bool, EngineError> {
    if engine.people.manager_user.is_none() || engine.ports.not_offered().crm {
        return Ok(false);
    }
    for effect in standing(engine, client).await? {
        let Some(id) = vendor_ref(&effect).map(TaskId::from) else {
            continue;
        };
        let sent = answer::sent_to(&effect);
        let read = engine.ports.tasks.task(&id, Some(sent));
        let Some(task) = engine.call(crate::failpoint::REREAD_CALL, read).await? else {
            continue;
        };
        if let Some(Written::Action(action, _)) = answer::answer(engine, &task)
            && !late::is_remembered(engine, &task, action).await?
        {
            return Ok(true);
        }
    }
    Ok(false)
}
