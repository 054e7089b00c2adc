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
//! - What a coach was handed up for and no client waits for stays in the list of work ([`LIST_ONLY`]): a task for each would
//!   hide those that matter. Where it has reached no coach (she has no user, or left), it is hers.
//! - A manager who is the client's coach, too, has one task about it: the coach's.
//! - Where the setting names somebody else, or nobody, what is open goes to her, or is closed, with the next change about the
//!   client, the next day at the latest. What was written in it until then is taken in first.
//!
//! Not guaranteed: that it was she who answered. Anybody in the account can edit a task; so nothing here approves, ends a
//! program or moves money.

pub(super) mod keep;
pub(super) mod reading;

use std::collections::BTreeSet;

use relay_core::effects::Scope;
use relay_core::ids::{ClientId, CoachId, CrmUserId, EffectKey, WorkItemId};
use relay_core::time::Timestamp;
use relay_core::work_kinds;
use relay_core::workflows::PROGRAM_MANAGER;
use relay_store::{Effect, EffectState, Store, StoreError, WorkItem};

use super::current::coach_in_case;
use super::{CurrentTask, STEP};
use crate::effects::vendor_ref;
use crate::engine::{Engine, EngineError, time_off};

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
/// It stands in the list of work, unless no task of it has reached a coach.
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

/// Which coach has not answered what she is asked now, and since when; `asked`: who the task is for. `None` also where no
/// task has reached her coach: then she was asked nothing.
pub(super) async fn handed_up(
    engine: &Engine,
    client: &ClientId,
    asked: &CoachId,
    open: &[WorkItem],
) -> Result<Option<(String, Timestamp)>, EngineError> {
    let first = open.first().filter(|item| {
        let kind = item.kind.as_str();
        ASKED_OF_COACHES.contains(&kind) && item.reminders > 0
    });
    let Some(first) = first.filter(|_| asked.as_str() == PROGRAM_MANAGER) else {
        return Ok(None);
    };
    let Some((coach, since)) = asked_in(engine, client, first).await? else {
        return Ok(None);
    };
    let coaches = engine.store.coaches().await?;
    let known = coaches.into_iter().find(|known| known.id == coach);
    Ok(known.map(|known| (known.name, since)))
}

/// The coach who has a task about an item, and since when.
async fn asked_in(
    engine: &Engine,
    client: &ClientId,
    item: &WorkItem,
) -> Result<Option<(CoachId, Timestamp)>, EngineError> {
    if item.kind == work_kinds::CALL_OUTCOME {
        let called = coach_in_case(engine, item).await?;
        let is_task = item.detail["task"].is_string();
        let Some((_, coach)) = called.filter(|_| is_task) else {
            return Ok(None);
        };
        let acting = time_off::acting_for(engine, &coach).await?;
        return Ok(Some((acting, item.opened_at)));
    }
    let current = CurrentTask::of(engine, client).await?;
    let shows = |task: &CurrentTask| {
        task.effect.state == EffectState::Done && task.items.contains(&item.id)
    };
    Ok(current.filter(shows).map(|task| {
        let made = task.effect.intended_at;
        let since = made.map_or(item.opened_at, |made| made.max(item.opened_at));
        (task.coach, since)
    }))
}

/// Whether she is told of an item in a task: not where it is nothing that a client waits for and a coach has it before her,
/// nor where she is that coach.
pub(super) async fn is_told(
    engine: &Engine,
    client: &ClientId,
    item: &WorkItem,
) -> Result<bool, EngineError> {
    if !engine.people.asks_manager(item) {
        return Ok(false);
    }
    let Some((coach, _)) = asked_in(engine, client, item).await? else {
        return Ok(true);
    };
    if LIST_ONLY.contains(&item.kind.as_str()) {
        return Ok(false);
    }
    let known = engine.store.coach(&coach).await?;
    let hers = engine.people.manager_user.as_deref();
    let is_she = known
        .zip(hers)
        .is_some_and(|(known, hers)| hers.trim().eq_ignore_ascii_case(known.email.trim()));
    Ok(!is_she)
}

pub(super) fn kept_in(client: &ClientId) -> String {
    format!("manager_tasks/{client}")
}

pub(super) fn whose(client: &ClientId) -> String {
    format!("manager_tasks_of/{client}")
}

/// Whether the tasks about a client were made for somebody else than the setting names now.
pub(super) async fn was_anothers(engine: &Engine, client: &ClientId) -> Result<bool, EngineError> {
    let (Some(now), Some(made_for)) = (
        &engine.people.manager_user,
        engine.store.setting(&whose(client)).await?,
    ) else {
        return Ok(false);
    };
    Ok(made_for.as_str().is_some_and(|made_for| made_for != now))
}

/// The items about a client that have a task of hers.
pub(super) async fn with_task(
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

pub(super) fn scope_of(client: &ClientId, item: WorkItemId) -> Scope {
    Scope::WorkItem {
        item,
        client: Some(client.clone()),
    }
}

pub(super) fn key_of(client: &ClientId, item: WorkItemId, visit: u32) -> EffectKey {
    scope_of(client, item).key(STEP, visit, "task")
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
