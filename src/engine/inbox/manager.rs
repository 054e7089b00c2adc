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
//!   she is asked once more, the next working morning. So she is where the task is deleted.
//! - What can be settled at the command line only, it says so.
//! - There is no limit of a day: what is handed up has waited for days, and what stops a client is told the same day.
//! - One that can't be made opens no item about it, and the daily comparison tries again.
//!
//! Not guaranteed: that it was she who answered. Anybody in the account can edit a task; so nothing here approves, ends a
//! program or moves money.

use std::collections::BTreeSet;

use relay_core::answers::{Written, offered};
use relay_core::case::Mode;
use relay_core::effects::{About, AskedAgain, EffectInput, Scope};
use relay_core::ids::{ClientId, CoachId, CrmUserId, EffectKey, TaskId, WorkItemId};
use relay_core::time::{Timestamp, later};
use relay_core::workflows::PROGRAM_MANAGER;
use relay_store::{Effect, EffectState, Op, Store, StoreError, WorkItem};
use serde_json::json;

use super::answer::{self, AnswerTaken};
use super::daily::reread_ops;
use super::{BEING_MADE, STEP, changed, content, mode_of};
use crate::effects::vendor_ref;
use crate::engine::client_effects::planned_in;
use crate::engine::inbox_job::{Again, look};
use crate::engine::{Engine, EngineError, RELAY};
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

fn name(engine: &Engine) -> String {
    let set = &engine.people.program_manager;
    if set == PROGRAM_MANAGER {
        TITLE.to_owned()
    } else {
        set.clone()
    }
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
            .any(|item| item.id == *id && engine.people.asks_manager(item));
        if !stays {
            let (_, task) = latest(engine.store.as_ref(), client, *id).await?;
            match task {
                // Its outcome is waited for: closed once that is known.
                Some(task) if task.state.is_under_way() => {
                    let (what, at) = (format!("{}/ended", task.key()), soon(engine));
                    ops.extend(look(engine, client, &what, at, None));
                    continue;
                }
                Some(task) => ops.extend(put_away(engine, client, *id, &task).await?),
                None => {}
            }
            after.remove(id);
        }
    }
    for item in open.iter().filter(|item| engine.people.asks_manager(item)) {
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
            ops.extend(put_away(engine, client, item.id, task).await?);
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
        None => Ok(engine
            .registry
            .named(relay_core::workflows::missed_check_in::NAME)
            .map_or(Mode::Act, |workflow| workflow.mode())),
    }
}

/// The task is closed, or not made in the first place.
async fn put_away(
    engine: &Engine,
    client: &ClientId,
    item: WorkItemId,
    task: &Effect,
) -> Result<Vec<Op>, EngineError> {
    let key = task.key();
    Ok(match task.state {
        EffectState::Planned => vec![Op::CancelEffect {
            key: key.clone(),
            why: "it is not asked any more".to_owned(),
            at: engine.now(),
        }],
        EffectState::Done => {
            let settled = engine.store.work_item(item).await?;
            let settled = settled.and_then(|item| item.settled);
            let input = EffectInput::CloseTask {
                made_by: key.clone(),
                reason: "it is not asked any more".to_owned(),
                called: settled.is_some_and(|settled| settled.by != RELAY),
            };
            let (scope, closing) = (scope_of(client, item), EffectKey::closing(key));
            Vec::from(planned_in(
                engine,
                scope,
                &closing,
                task.mode,
                engine.now(),
                input,
            ))
        }
        EffectState::Intended
        | EffectState::Unclear
        | EffectState::Proposed
        | EffectState::Overtaken
        | EffectState::Held
        | EffectState::Dead
        | EffectState::Unsettled
        | EffectState::Cancelled => Vec::new(),
    })
}

/// What her open task shows, or why there is none: looked at once a day.
pub(super) async fn daily(
    engine: &Engine,
    client: &ClientId,
    item: &WorkItem,
) -> Result<Vec<Op>, EngineError> {
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
        tasks.extend(task.filter(|task| task.state == EffectState::Done));
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
        return Ok(once_more(engine, client, effect, AskedAgain::Deleted));
    };
    let by = name(engine);
    let is_news = offered(&item.actions).next().is_none();
    if is_news {
        let settles = item.actions == ["done"] && task.completed;
        if settles {
            answer::settle(engine, &item, &by, "done", None).await?;
        }
        return Ok(Vec::new());
    }
    match answer::answer(engine, &task) {
        None if !task.completed => Ok(Vec::new()),
        None => Ok(once_more(engine, client, effect, AskedAgain::Ticked)),
        Some(_) => match answer::of_question(engine, client, &item, &by, &task).await? {
            AnswerTaken::Yes(ops) => Ok(ops),
            AnswerTaken::No(why) if task.completed => Ok(once_more(engine, client, effect, why)),
            AnswerTaken::No(_) => Ok(Vec::new()),
        },
    }
}

/// She is asked in another task.
fn once_more(engine: &Engine, client: &ClientId, effect: &Effect, why: AskedAgain) -> Vec<Op> {
    let now = engine.now();
    let at = match why {
        AskedAgain::Deleted => engine.calendar.office_slot(now),
        AskedAgain::Ticked
        | AskedAgain::Unreadable
        | AskedAgain::NotPossible
        | AskedAgain::Changed
        | AskedAgain::MomentPassed => engine.calendar.next_working_morning(now),
    };
    let made_by = effect.key().clone();
    let what = format!("again/{made_by}");
    let again = Again { made_by, why };
    look(engine, client, &what, at, Some(&again))
        .into_iter()
        .collect()
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
            && !answer::is_remembered(engine, &task, action).await?
        {
            return Ok(true);
        }
    }
    Ok(false)
}
