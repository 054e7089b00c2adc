//! A coach's answer, read out of her task.
//!
//! | what the task shows | what follows |
//! |---|---|
//! | an answer | the question is settled by it, completed or not |
//! | completed, no answer | what its kind of question says: a reply is handled, what was asked by hand is done, news is noted; anything else is asked once more, the next working morning |
//! | completed, an answer that nobody understands | asked once more, the next working morning |
//! | deleted | asked once more, in the office's hours; nobody tells of a deletion, so it is found within a day |
//! | given to another user | nothing: whose answer it is, the task says when it is there |
//! | an answer that can't be carried out any more | the case has said why; if nothing else is asked, once more, the next working morning |
//! | an answer in a task that is no longer the open one | not carried out; but one that stops every channel always is |
//!
//! A bare completion never lets outreach go on.

use relay_core::answers::{StopReason, Written, written};
use relay_core::case::{Case, TimelineEntry};
use relay_core::clients::Coach;
use relay_core::effects::{AskedAgain, EffectInput, Request, request};
use relay_core::facts::{Fact, FactBody};
use relay_core::ids::{ClientId, CoachId, TaskId, WorkItemId};
use relay_core::workflow::Action;
use relay_store::{Effect, Job, JobEnd, Op, WorkItem};

use crate::engine::commands::{cases, work};
use crate::engine::finish::fence;
use crate::engine::inbox::{Again, CurrentTask, look};
use crate::engine::{CoachChannel, Engine, EngineError, stepper};
use crate::failpoint::{REREAD_CALL, REREAD_COMMIT};
use crate::ports::Task;

/// Reads the task that `effect` made, and does what was answered.
pub(crate) async fn reread(
    engine: &Engine,
    job: &Job,
    client: &ClientId,
    effect: &Effect,
    id: &TaskId,
) -> Result<(), EngineError> {
    let sent = sent_to(effect);
    let read = engine.ports.tasks.task(id, Some(sent));
    let task = engine.call(REREAD_CALL, read).await?;
    let current = CurrentTask::of(engine, client).await?;
    let current = current.filter(|current| current.effect.key() == effect.key());
    let mut ops = match current {
        Some(current) => of_current(engine, client, &current, task).await?,
        None => of_another(engine, client, effect, task).await?,
    };
    ops.push(Op::FinishJob {
        fence: fence(job),
        end: JobEnd::Done,
        at: engine.now(),
    });
    engine.commit(REREAD_COMMIT, ops).await?;
    engine.wake.notify_one();
    Ok(())
}

/// The answer that a task shows.
fn answer(engine: &Engine, task: &Task) -> Option<Written> {
    let today = engine.calendar.date_of(engine.now());
    written(task.written.iter().map(String::as_str), today)
}

async fn of_current(
    engine: &Engine,
    client: &ClientId,
    current: &CurrentTask,
    task: Option<Task>,
) -> Result<Vec<Op>, EngineError> {
    let Some(task) = task else {
        return Ok(once_more(engine, client, current, AskedAgain::Deleted));
    };
    if task.closed_by_relay {
        return Ok(Vec::new());
    }
    let by = who(engine, current, &task).await?;
    let items = open_items(engine, &current.items).await?;
    let question = items.iter().find(|item| item.case.is_some());
    let mut ops = Vec::new();
    if let Some(item) = question {
        let again = of_question(engine, item, &by, &task).await?;
        if let Some(why) = again.filter(|_| task.completed) {
            ops.extend(once_more(engine, client, current, why));
        }
    } else if let Some(Written::Action(action, _)) = answer(engine, &task) {
        let open = engine.store.open_cases(client).await?;
        ops.extend(stop_anyway(engine, client, open.first(), &by, action, &task).await?);
        if ops.is_empty() {
            ops.push(remember(&task, action));
        }
    }
    if task.completed {
        for item in items.iter().filter(|item| item.case.is_none()) {
            settle(engine, item, &by, "done", None).await?;
        }
    }
    Ok(ops)
}

/// Settles the question by what the task shows; why it has to be asked once more, where that is no answer to it.
async fn of_question(
    engine: &Engine,
    item: &WorkItem,
    by: &str,
    task: &Task,
) -> Result<Option<AskedAgain>, EngineError> {
    let (action, date) = match answer(engine, task) {
        Some(Written::Action(action, date)) => (action, date),
        Some(Written::Unreadable) => return Ok(Some(AskedAgain::Unreadable)),
        None if !task.completed => return Ok(None),
        None => match meaning_of_a_tick(item) {
            Some(action) => (action, None),
            None => return Ok(Some(AskedAgain::Ticked)),
        },
    };
    if !item.actions.iter().any(|known| known == action) {
        return Ok(Some(AskedAgain::Unreadable));
    }
    let date = date.map(|date| date.to_string());
    let done = settle(engine, item, by, action, date.as_deref()).await?;
    Ok((!done).then_some(AskedAgain::NotPossible))
}

/// What a completion without an answer says of a question; `None`: nothing, she is asked once more.
fn meaning_of_a_tick(item: &WorkItem) -> Option<&'static str> {
    let meant = match item.kind.as_str() {
        "reply" => "handled",
        "by_hand" => "done_by_hand",
        _ => return None,
    };
    item.actions
        .iter()
        .any(|action| action == meant)
        .then_some(meant)
}

/// The task is not the open one any more: what it asked was settled otherwise, or is asked in another.
async fn of_another(
    engine: &Engine,
    client: &ClientId,
    effect: &Effect,
    task: Option<Task>,
) -> Result<Vec<Op>, EngineError> {
    let answered = task.as_ref().and_then(|task| answer(engine, task));
    let (Some(task), Some(Written::Action(action, _))) = (task, answered) else {
        return Ok(Vec::new());
    };
    let EffectInput::WorkTask { items, coach, .. } = &effect.planned.input else {
        return Ok(Vec::new());
    };
    let first = match items.first() {
        Some(first) => engine.store.work_item(*first).await?,
        None => None,
    };
    let settled = first.as_ref().and_then(|item| item.settled.as_ref());
    let taken = settled.is_some_and(|settled| settled.action == action);
    if taken || is_remembered(engine, &task, action).await? {
        return Ok(Vec::new());
    }
    let open = engine.store.open_cases(client).await?;
    let asked = first.and_then(|item| item.case);
    let of_this = open.iter().find(|case| Some(case.id) == asked);
    let case = of_this.or_else(|| open.first());
    let coaches = engine.store.coaches().await?;
    let by = name_of(&coaches, coach);
    let stopped = stop_anyway(engine, client, case, &by, action, &task).await?;
    let Some(case) = case.filter(|_| stopped.is_empty()) else {
        return Ok(stopped);
    };
    tracing::info!(task = %task.id, "an answer in a task that is no longer open is not carried out");
    let entry = TimelineEntry {
        at: engine.now(),
        step: case.step.clone(),
        text: format!(
            "{by} answered in a task that was no longer the open one. That was not carried out: it was about \
             something else"
        ),
        sop: None,
        detail: None,
    };
    Ok(vec![
        Op::AppendTimeline {
            case: case.id,
            entry,
        },
        remember(&task, action),
    ])
}

/// A stop counts wherever she wrote it, once; any other answer here changes nothing. What is stored of it. Without a
/// case it is kept for the next one.
async fn stop_anyway(
    engine: &Engine,
    client: &ClientId,
    case: Option<&Case>,
    by: &str,
    action: &str,
    task: &Task,
) -> Result<Vec<Op>, EngineError> {
    let Some(why) = StopReason::from_name(action) else {
        return Ok(Vec::new());
    };
    if is_remembered(engine, task, action).await? {
        return Ok(Vec::new());
    }
    let Some(case) = case else {
        let now = engine.now();
        let mut stepping = stepper::stepping(engine, client).await?;
        let fact = Fact {
            client: client.clone(),
            object: task.id.to_string(),
            source_time: now,
            body: FactBody::OutreachStopped {
                by: by.to_owned(),
                why,
            },
        };
        stepping.fact(fact, None);
        stepping.push(remember(task, action));
        return Ok(stepping.into_ops());
    };
    let stop = Action::StopOutreach { why };
    match cases::decide_case(engine, case.id, by, stop).await {
        // It is stopped for that already.
        Ok(()) | Err(EngineError::Refused(_)) => Ok(vec![remember(task, action)]),
        Err(error) => Err(error),
    }
}

/// What was written in a task and is not its question's answer was taken in.
fn remember(task: &Task, action: &str) -> Op {
    Op::PutSetting {
        key: format!("task_answer/{}", task.id),
        value: action.into(),
    }
}

async fn is_remembered(engine: &Engine, task: &Task, action: &str) -> Result<bool, EngineError> {
    let known = engine
        .store
        .setting(&format!("task_answer/{}", task.id))
        .await?;
    Ok(known.is_some_and(|known| known == action))
}

/// Whether a client's open task shows an answer that nobody told of: before she hears anything, it is read.
pub(crate) async fn is_waiting(engine: &Engine, client: &ClientId) -> Result<bool, EngineError> {
    if engine.people.coach_channel == CoachChannel::WorkList {
        return Ok(false);
    }
    let Some(current) = CurrentTask::of(engine, client).await? else {
        return Ok(false);
    };
    let Some(id) = current.id().map(TaskId::from) else {
        return Ok(false);
    };
    let sent = sent_to(&current.effect);
    let Some(task) = engine.ports.tasks.task(&id, Some(sent)).await? else {
        return Ok(false);
    };
    Ok(match answer(engine, &task) {
        Some(Written::Action(action, _)) => !is_remembered(engine, &task, action).await?,
        Some(Written::Unreadable) | None => false,
    })
}

/// The description that a task was made with.
fn sent_to(effect: &Effect) -> &str {
    match &effect.request {
        Some(Request::WorkTask(request::WorkTask { description, .. })) => description,
        _ => "",
    }
}

fn name_of(coaches: &[Coach], id: &CoachId) -> String {
    let known = coaches.iter().find(|coach| coach.id == *id);
    known.map_or_else(|| id.to_string(), |coach| coach.name.clone())
}

/// She is asked in another task.
fn once_more(
    engine: &Engine,
    client: &ClientId,
    current: &CurrentTask,
    why: AskedAgain,
) -> Vec<Op> {
    let now = engine.now();
    let at = match why {
        AskedAgain::Deleted => engine.calendar.office_slot(now),
        AskedAgain::Ticked | AskedAgain::Unreadable | AskedAgain::NotPossible => {
            engine.calendar.next_working_morning(now)
        }
    };
    let made_by = current.effect.key().clone();
    let what = format!("again/{made_by}");
    let again = Again { made_by, why };
    look(engine, client, &what, at, Some(&again))
        .into_iter()
        .collect()
}

/// Settles an item as a person does; `false` where that is refused.
async fn settle(
    engine: &Engine,
    item: &WorkItem,
    by: &str,
    action: &str,
    text: Option<&str>,
) -> Result<bool, EngineError> {
    match work::settle_work(engine, item.id, by, action, text).await {
        Ok(()) => Ok(true),
        Err(EngineError::Refused(_)) => {
            tracing::info!(work_item = %item.id, action, "an answer was not carried out");
            Ok(false)
        }
        // Her answer stands in the task: it is read again.
        Err(EngineError::Unread(error)) => Err(EngineError::Call(error)),
        Err(error) => Err(error),
    }
}

/// Who answered, as far as the task tells: whose it is.
async fn who(engine: &Engine, current: &CurrentTask, task: &Task) -> Result<String, EngineError> {
    let coaches = engine.store.coaches().await?;
    let was_given = match &current.effect.request {
        Some(Request::WorkTask(asked)) => Some(&asked.user),
        _ => None,
    };
    if was_given == task.user.as_ref() {
        return Ok(name_of(&coaches, &current.coach));
    }
    let has_it = |coach: &&Coach| coach.crm_user.is_some() && coach.crm_user == task.user;
    let by_user = coaches.iter().find(has_it);
    Ok(by_user.map_or_else(|| "a colleague".to_owned(), |coach| coach.name.clone()))
}

async fn open_items(engine: &Engine, ids: &[WorkItemId]) -> Result<Vec<WorkItem>, EngineError> {
    let mut open = Vec::new();
    for id in ids {
        let item = engine.store.work_item(*id).await?;
        open.extend(item.filter(|item| item.settled.is_none()));
    }
    Ok(open)
}
