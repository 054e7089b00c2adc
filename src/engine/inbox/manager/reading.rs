//! What she answered is read out of her tasks.

use relay_core::answers::{Written, offered};
use relay_core::effects::AskedAgain;
use relay_core::ids::{ClientId, TaskId, WorkItemId};
use relay_store::{Effect, Op, WorkItem};

use super::{is_told, latest, name, standing, was_anothers, with_task};
use crate::effects::vendor_ref;
use crate::engine::inbox::answer::{self, AnswerTaken};
use crate::engine::inbox::daily::reread_ops;
use crate::engine::inbox::{again, late};
use crate::engine::inbox_job::{changed, job_of};
use crate::engine::{Engine, EngineError};
use crate::failpoint::REREAD_CALL;
use crate::ports::Task;

/// What her open task shows, or why there is none: looked at once a day.
pub(in crate::engine::inbox) async fn daily(
    engine: &Engine,
    client: &ClientId,
    item: &WorkItem,
) -> Result<Vec<Op>, EngineError> {
    if engine.ports.not_offered().crm || !is_told(engine, client, item).await? {
        return Ok(Vec::new());
    }
    let (_, task) = latest(engine.store.as_ref(), client, item.id).await?;
    let is_hers = !was_anothers(engine, client).await?;
    if let Some(id) = task.as_ref().and_then(vendor_ref).filter(|_| is_hers) {
        return Ok(reread_ops(engine, client, id));
    }
    let today = engine.calendar.date_of(engine.now());
    let what = format!("{}/{today}", item.id);
    Ok(changed(engine, client, &what).into_iter().collect())
}

/// What takes her tasks about a client away once nobody is named any more.
pub(in crate::engine::inbox) async fn unnamed(
    engine: &Engine,
    client: &ClientId,
    what: &str,
) -> Result<Option<Op>, EngineError> {
    let is_unnamed = engine.people.manager_user.is_none() && !engine.ports.not_offered().crm;
    if !is_unnamed || with_task(engine, client).await?.is_empty() {
        return Ok(None);
    }
    Ok(Some(job_of(engine, client, what, engine.now(), None)))
}

/// Takes in what she answered in the task that `effect` made about `item`.
pub(in crate::engine::inbox) async fn reread(
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
        return Ok(again::once_more(
            engine,
            client,
            effect,
            AskedAgain::Deleted,
            false,
            None,
        ));
    };
    let by = name(engine);
    let is_news = offered(&item.actions).next().is_none();
    if is_news {
        let settles = item.actions == ["done"] && task.completed;
        if settles {
            answer::settle(engine, &item, &by, "done", None).await?;
        }
        return answer::of_news(engine, client, &[], &by, &task).await;
    }
    match answer::answer(engine, &task) {
        None if !task.completed => Ok(Vec::new()),
        None => Ok(again::once_more(
            engine,
            client,
            effect,
            AskedAgain::Ticked,
            false,
            None,
        )),
        Some(_) => match answer::of_question(engine, client, &item, &by, &task).await? {
            AnswerTaken::Yes(ops) => Ok(ops),
            // What can't be taken is noted: else it would be read again before each message.
            AnswerTaken::No(why) => {
                let mut ops: Vec<Op> = answer::heard(engine, &task).into_iter().collect();
                if answer::is_written(engine, &task) {
                    let noted = late::memory(&task, late::NOT_UNDERSTOOD);
                    let noted = Some(noted).filter(|_| why == AskedAgain::Unreadable);
                    ops.extend(again::once_more(engine, client, effect, why, false, noted));
                } else {
                    ops.extend(answer::read_later(engine, client, &task));
                }
                Ok(ops)
            }
        },
    }
}

/// Whether a task of hers about a client shows an answer that nobody told of.
pub(in crate::engine::inbox) async fn is_waiting(
    engine: &Engine,
    client: &ClientId,
) -> Result<bool, EngineError> {
    if engine.people.manager_user.is_none() || engine.ports.not_offered().crm {
        return Ok(false);
    }
    for effect in standing(engine, client).await? {
        let Some(id) = vendor_ref(&effect).map(TaskId::from) else {
            continue;
        };
        let sent = answer::sent_to(&effect);
        let read = engine.ports.tasks.task(&id, Some(sent));
        let Some(task) = engine.call(REREAD_CALL, read).await? else {
            continue;
        };
        let waits = match answer::answer(engine, &task) {
            Some(Written::Action(action, _)) => !late::is_remembered(engine, &task, action).await?,
            // Perhaps she is writing it now.
            Some(Written::Unreadable) => !answer::is_written(engine, &task),
            Some(Written::Outcome(_)) | None => false,
        };
        if waits {
            return Ok(true);
        }
    }
    Ok(false)
}
