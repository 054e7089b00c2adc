//! A coach's answer, read out of her task.
//!
//! | what the task shows | what follows |
//! |---|---|
//! | an answer | the question is settled by it, completed or not |
//! | completed, no answer | what its kind of question says: a reply is handled, what was asked by hand is done, news is noted; a message that waits for her word is asked about again at once, and so is a message that she was to send; anything else the next working morning |
//! | completed, an answer to something else, or with other words in it | asked once more, in the office's hours |
//! | an answer that nobody understands, completed or left so for an hour | asked once more, in the office's hours; where nothing was asked the follow-up is paused, and she is asked how it goes on |
//! | deleted | asked once more, in the office's hours; nobody tells of a deletion, so it is found within a day |
//! | given to another user | nothing: whose answer it is, the task says when it is there |
//! | an answer that can't be carried out any more | the case has said why; if nothing else is asked, once more, in the office's hours |
//! | an answer in a task that is no longer the open one | one that stops every channel, and *replied*, is carried out; where the follow-up has gone on by itself, it is paused and she is asked; else the history says that it was not carried out |
//!
//! A bare completion never lets outreach go on.

use relay_core::answers::{CALL_OUTCOME, CallOutcome, REPLIED, StopReason, Written, written};
use relay_core::clients::Coach;
use relay_core::effects::{AskedAgain, EffectInput, Request, request};
use relay_core::ids::{ClientId, CoachId, TaskId, WorkItemId};
use relay_core::time::{Timestamp, later};
use relay_core::work_kinds;
use relay_core::workflow::Action;
use relay_core::workflows::PROGRAM_MANAGER;
use relay_store::{Effect, Job, JobEnd, Op, WorkItem};

use crate::effects::vendor_ref;
use crate::engine::commands::work;
use crate::engine::finish::fence;
use crate::engine::inbox::again::{STILL_WRITING, once_more};
use crate::engine::inbox::late::{
    NOT_UNDERSTOOD, decide, is_remembered, late, memory, remember, stop,
};
use crate::engine::inbox::manager::reading;
use crate::engine::inbox::{CurrentTask, daily, manager};
use crate::engine::{CoachChannel, Engine, EngineError, finish};
use crate::failpoint::{REREAD_CALL, REREAD_COMMIT};
use crate::ports::Task;

/// The answers that say of news that it is read, or that what it told of is done.
const IS_NOTED: [&str; 2] = ["handled", "done_by_hand"];

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
    let mut ops = match (effect.scope().work_item(), current) {
        (Some(item), _) => reading::reread(engine, client, effect, item, task).await?,
        (None, Some(current)) => of_current(engine, client, &current, task).await?,
        (None, None) => of_another(engine, client, effect, task).await?,
    };
    ops.extend(finish::came_through(engine, job, &JobEnd::Done));
    ops.push(Op::FinishJob {
        fence: fence(job),
        end: JobEnd::Done,
        at: engine.now(),
    });
    engine.commit(REREAD_COMMIT, ops).await?;
    engine.wake.notify_one();
    Ok(())
}

/// The answer that a task shows, read on the day on which it was last changed.
pub(super) fn answer(engine: &Engine, task: &Task) -> Option<Written> {
    let now = engine.now();
    let at = task.changed_at.map_or(now, |at| at.min(now));
    let day = engine.calendar.date_of(at);
    written(task.written.iter().map(String::as_str), day)
}

async fn of_current(
    engine: &Engine,
    client: &ClientId,
    current: &CurrentTask,
    task: Option<Task>,
) -> Result<Vec<Op>, EngineError> {
    // One that the relay closed, it closed in a life of the database that is lost: what it asked is open in this one.
    let Some(task) = task.filter(|task| !task.closed_by_relay) else {
        let why = AskedAgain::Deleted;
        return Ok(once_more(engine, client, &current.effect, why, false, None));
    };
    let by = who(engine, current, &task).await?;
    let items = open_items(engine, &current.items).await?;
    let question = items.iter().find(|item| item.case.is_some());
    let mut ops = Vec::new();
    if let Some(item) = question {
        match of_question(engine, client, item, &by, &task).await? {
            AnswerTaken::Yes(more) => ops.extend(more),
            AnswerTaken::No(why) => {
                // What can't be taken is noted: else it would be read again before each message and each further question.
                ops.extend(heard(engine, &task));
                if is_written(engine, &task) {
                    // Each is about a message that can go out today only.
                    let soon = [work_kinds::ASK_FIRST, work_kinds::SEND_BY_HAND];
                    let soon = soon.contains(&item.kind.as_str());
                    let noted = memory(&task, NOT_UNDERSTOOD);
                    let noted = Some(noted).filter(|_| why == AskedAgain::Unreadable);
                    ops.extend(once_more(engine, client, &current.effect, why, soon, noted));
                } else {
                    ops.extend(read_later(engine, client, &task));
                }
            }
        }
    } else {
        ops.extend(of_news(engine, client, &current.items, &by, &task).await?);
    }
    if task.completed {
        for item in items.iter().filter(|item| item.case.is_none()) {
            if is_done_elsewhere(item) {
                // A tick changes nothing.
                let why = AskedAgain::Ticked;
                ops.extend(once_more(engine, client, &current.effect, why, false, None));
            } else {
                settle(engine, item, &by, "done", None).await?;
            }
        }
    }
    Ok(ops)
}

/// What was written in a task that asks nothing: it is heard all the same. What nobody understands may mean that nothing is to
/// go out: the follow-up is paused, and her coach is asked.
pub(super) async fn of_news(
    engine: &Engine,
    client: &ClientId,
    items: &[WorkItemId],
    by: &str,
    task: &Task,
) -> Result<Vec<Op>, EngineError> {
    let answered = answer(engine, task);
    if answered == Some(Written::Unreadable) {
        let first = first_of(engine, items).await?;
        if first.is_some_and(|first| is_done_elsewhere(&first)) {
            return Ok(Vec::new());
        }
    }
    match answered {
        // She has done what it told her of.
        Some(Written::Action(action, _)) if IS_NOTED.contains(&action) => Ok(Vec::new()),
        Some(Written::Outcome(CallOutcome::Spoke)) => {
            late(engine, client, None, by, REPLIED, task).await
        }
        Some(Written::Action(action, _)) => {
            // Else it was taken in already: the relay died before that was noted, or the CRM told twice.
            let first = first_of(engine, items).await?;
            if is_what_settled(first.as_ref(), action) {
                return Ok(Vec::new());
            }
            late(engine, client, None, by, action, task).await
        }
        Some(Written::Unreadable | Written::Outcome(_)) if is_written(engine, task) => {
            late(engine, client, None, by, NOT_UNDERSTOOD, task).await
        }
        Some(Written::Unreadable | Written::Outcome(_)) => Ok(read_later(engine, client, task)),
        None => Ok(Vec::new()),
    }
}

/// The note of what a question's task shows and can't be taken. What nobody understands is noted once she has been asked again:
/// the question may be settled otherwise before.
pub(super) fn heard(engine: &Engine, task: &Task) -> Option<Op> {
    match answer(engine, task)? {
        Written::Action(action, _) => Some(remember(task, action)),
        Written::Unreadable | Written::Outcome(_) => None,
    }
}

/// Whether whoever has a task can be thought to have written what she wanted.
pub(super) fn is_written(engine: &Engine, task: &Task) -> bool {
    let since = |changed| engine.now().duration_since(changed);
    let is_quiet = task
        .changed_at
        .is_some_and(|changed| since(changed) >= STILL_WRITING);
    task.completed || is_quiet
}

/// What reads a task again once she can be thought to have written what she wanted: nobody tells of that.
pub(crate) fn read_later(engine: &Engine, client: &ClientId, task: &Task) -> Vec<Op> {
    let Some(changed) = task.changed_at else {
        return Vec::new();
    };
    let at = later(changed, STILL_WRITING).max(engine.now());
    daily::reread_at(engine, client, task.id.as_str(), at)
}

/// Whether what an item asks for is written elsewhere, and nothing in its task is read but what stops a follow-up.
fn is_done_elsewhere(item: &WorkItem) -> bool {
    item.kind == work_kinds::UNDATED
}

/// What came of a task's answer to its question.
pub(super) enum AnswerTaken {
    /// It is taken in, or there is none yet; what is stored with it.
    Yes(Vec<Op>),
    /// It is none to this question, or can't be carried out.
    No(AskedAgain),
}

/// Settles the question by what the task shows.
pub(super) async fn of_question(
    engine: &Engine,
    client: &ClientId,
    item: &WorkItem,
    by: &str,
    task: &Task,
) -> Result<AnswerTaken, EngineError> {
    let (action, text) = match answer(engine, task) {
        Some(Written::Action(action, date)) => (action, date.map(|date| date.to_string())),
        Some(Written::Outcome(outcome)) => (CALL_OUTCOME, Some(outcome.as_str().to_owned())),
        Some(Written::Unreadable) => return Ok(AnswerTaken::No(AskedAgain::Unreadable)),
        None if !task.completed => return Ok(AnswerTaken::Yes(Vec::new())),
        None => match meaning_of_a_tick(item) {
            Some(action) => (action, None),
            None => return Ok(AnswerTaken::No(AskedAgain::Ticked)),
        },
    };
    if !item.actions.iter().any(|known| known == action) {
        if let Some(why) = StopReason::from_name(action) {
            return Ok(AnswerTaken::Yes(stop(engine, client, by, why, task).await?));
        }
        // She has heard from the client: that counts wherever it is said, unless the case can't take it.
        let taken = match item.case.filter(|_| action == REPLIED) {
            Some(case) => decide(engine, case, by, Action::Replied, task, action).await?,
            None => false,
        };
        return Ok(if taken {
            AnswerTaken::Yes(vec![remember(task, action)])
        } else {
            AnswerTaken::No(AskedAgain::NotOffered)
        });
    }
    let done = settle(engine, item, by, action, text.as_deref()).await?;
    Ok(if done {
        AnswerTaken::Yes(Vec::new())
    } else {
        AnswerTaken::No(AskedAgain::NotPossible)
    })
}

/// What a completion without an answer says of a question; `None`: nothing, she is asked once more.
fn meaning_of_a_tick(item: &WorkItem) -> Option<&'static str> {
    let meant = match item.kind.as_str() {
        work_kinds::REPLY => "handled",
        work_kinds::BY_HAND => "done_by_hand",
        _ => return None,
    };
    item.actions
        .iter()
        .any(|action| action == meant)
        .then_some(meant)
}

/// The task is not the open one any more: what it asked was settled otherwise, or is asked in another.
pub(super) async fn of_another(
    engine: &Engine,
    client: &ClientId,
    effect: &Effect,
    task: Option<Task>,
) -> Result<Vec<Op>, EngineError> {
    let answered = task.as_ref().and_then(|task| answer(engine, task));
    let (Some(task), Some(answered)) = (task, answered) else {
        return Ok(Vec::new());
    };
    let action = match answered {
        Written::Action(action, _) => action,
        // She has heard from the client.
        Written::Outcome(CallOutcome::Spoke) => REPLIED,
        Written::Unreadable | Written::Outcome(_) => NOT_UNDERSTOOD,
    };
    let EffectInput::WorkTask { items, coach, .. } = &effect.planned.input else {
        return Ok(Vec::new());
    };
    let first = first_of(engine, items).await?;
    let was_news = first.as_ref().is_some_and(|first| first.case.is_none());
    let is_nothing = |first: &WorkItem| action == NOT_UNDERSTOOD && is_done_elsewhere(first);
    if (was_news && IS_NOTED.contains(&action)) || first.as_ref().is_some_and(is_nothing) {
        return Ok(Vec::new());
    }
    let was_call = matches!(answered, Written::Outcome(_));
    if is_what_settled(first.as_ref(), action)
        || (was_call && is_what_settled(first.as_ref(), CALL_OUTCOME))
    {
        return Ok(Vec::new());
    }
    let coaches = engine.store.coaches().await?;
    let by = if coach.as_str() == PROGRAM_MANAGER {
        manager::name(engine)
    } else {
        name_of(&coaches, coach)
    };
    let asked = first.and_then(|item| item.case);
    late(engine, client, asked, &by, action, &task).await
}

/// Takes in what stands in a task that is about to be closed, and nobody has told of.
pub(super) async fn unread(
    engine: &Engine,
    client: &ClientId,
    effect: &Effect,
) -> Result<Vec<Op>, EngineError> {
    let Some(id) = vendor_ref(effect).map(TaskId::from) else {
        return Ok(Vec::new());
    };
    let read = engine.ports.tasks.task(&id, Some(sent_to(effect)));
    let task = engine.call(REREAD_CALL, read).await?;
    of_another(engine, client, effect, task).await
}

/// What a task asks: the first of its items.
pub(super) async fn first_of(
    engine: &Engine,
    items: &[WorkItemId],
) -> Result<Option<WorkItem>, EngineError> {
    Ok(match items.first() {
        Some(first) => engine.store.work_item(*first).await?,
        None => None,
    })
}

fn is_what_settled(item: Option<&WorkItem>, action: &str) -> bool {
    let settled = item.and_then(|item| item.settled.as_ref());
    settled.is_some_and(|settled| settled.action == action)
}

/// Whether a client's open task shows an answer that nobody told of: before she hears anything, it is read.
pub(crate) async fn is_waiting(engine: &Engine, client: &ClientId) -> Result<bool, EngineError> {
    if reading::is_waiting(engine, client).await? {
        return Ok(true);
    }
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
    let read = engine.ports.tasks.task(&id, Some(sent));
    let Some(task) = engine.call(REREAD_CALL, read).await? else {
        return Ok(false);
    };
    Ok(match answer(engine, &task) {
        Some(Written::Action(action, _)) => !is_remembered(engine, &task, action).await?,
        Some(Written::Outcome(_)) => task.completed,
        Some(Written::Unreadable) => {
            // Perhaps she is writing it now.
            let changed = task.changed_at.unwrap_or(Timestamp::MIN);
            let is_fresh = engine.now().duration_since(changed) < STILL_WRITING;
            is_fresh || is_unheard(engine, &current, &task).await?
        }
        None => false,
    })
}

/// Whether what nobody understands stands in a task that asks nothing, and was not taken in yet.
async fn is_unheard(
    engine: &Engine,
    current: &CurrentTask,
    task: &Task,
) -> Result<bool, EngineError> {
    let items = open_items(engine, &current.items).await?;
    // What is asked for elsewhere is never noted: nothing may wait for that.
    let is_heard_otherwise = |item: &WorkItem| item.case.is_some() || is_done_elsewhere(item);
    let asks = items.iter().any(is_heard_otherwise);
    Ok(!asks && !is_remembered(engine, task, NOT_UNDERSTOOD).await?)
}

/// The description that a task was made with.
pub(super) fn sent_to(effect: &Effect) -> &str {
    match &effect.request {
        Some(Request::WorkTask(request::WorkTask { description, .. })) => description,
        _ => "",
    }
}

fn name_of(coaches: &[Coach], id: &CoachId) -> String {
    let known = coaches.iter().find(|coach| coach.id == *id);
    known.map_or_else(|| id.to_string(), |coach| coach.name.clone())
}

/// Settles an item as a person does; `false` where that is refused.
pub(super) async fn settle(
    engine: &Engine,
    item: &WorkItem,
    by: &str,
    action: &str,
    text: Option<&str>,
) -> Result<bool, EngineError> {
    match work::settle_work(engine, item.id, by, action, text).await {
        Ok(()) => Ok(true),
        Err(EngineError::Refused(_)) => {
            tracing::info!(work_item = %item.id, "an answer was not carried out");
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
