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
//! | an answer in a task that is no longer the open one | one that stops every channel, and *replied*, is carried out; where the follow-up has gone on by itself, it is paused and she is asked; else the history says that it was not carried out |
//!
//! A bare completion never lets outreach go on.

use relay_core::answers::{REPLIED, StopReason, Written, written};
use relay_core::case::{Case, CaseStatus, TimelineEntry, Wait};
use relay_core::clients::Coach;
use relay_core::effects::{AskedAgain, EffectInput, Request, request};
use relay_core::facts::{Fact, FactBody};
use relay_core::ids::{CaseId, ClientId, CoachId, TaskId, WorkItemId};
use relay_core::time::{SignedDuration, Timestamp};
use relay_core::work_kinds;
use relay_core::workflow::Action;
use relay_store::{Effect, Job, JobEnd, Op, WorkItem};
use serde_json::json;

use crate::engine::commands::{cases, work};
use crate::engine::finish::fence;
use crate::engine::inbox::{CurrentTask, manager};
use crate::engine::inbox_job::{Again, look};
use crate::engine::{CoachChannel, Engine, EngineError, items, stepper};
use crate::failpoint::{REREAD_CALL, REREAD_COMMIT};
use crate::ports::Task;

/// How long something that is no answer yet may become one.
const STILL_WRITING: SignedDuration = SignedDuration::from_hours(1);

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
        (Some(item), _) => manager::reread(engine, client, effect, item, task).await?,
        (None, Some(current)) => of_current(engine, client, &current, task).await?,
        (None, None) => of_another(engine, client, effect, task).await?,
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
    let Some(task) = task else {
        return Ok(once_more(engine, client, current, AskedAgain::Deleted));
    };
    if task.closed_by_relay {
        // In a life of the database that is lost: what it asked is open in this one.
        return Ok(once_more(engine, client, current, AskedAgain::Deleted));
    }
    let by = who(engine, current, &task).await?;
    let items = open_items(engine, &current.items).await?;
    let question = items.iter().find(|item| item.case.is_some());
    let mut ops = Vec::new();
    if let Some(item) = question {
        match of_question(engine, client, item, &by, &task).await? {
            AnswerTaken::Yes(more) => ops.extend(more),
            AnswerTaken::No(why) if task.completed => {
                ops.extend(once_more(engine, client, current, why));
            }
            AnswerTaken::No(_) => {
                if let Some(Written::Action(action, _)) = answer(engine, &task) {
                    ops.push(remember(&task, action));
                }
            }
        }
    } else if let Some(Written::Action(action, _)) = answer(engine, &task) {
        // Else it was taken in already: the relay died before that was noted, or the CRM told twice.
        let first = first_of(engine, &current.items).await?;
        if !is_what_settled(first.as_ref(), action) {
            ops.extend(late(engine, client, None, &by, action, &task).await?);
        }
    }
    if task.completed {
        for item in items.iter().filter(|item| item.case.is_none()) {
            settle(engine, item, &by, "done", None).await?;
        }
    }
    Ok(ops)
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
    let (action, date) = match answer(engine, task) {
        Some(Written::Action(action, date)) => (action, date),
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
        return Ok(AnswerTaken::No(AskedAgain::Unreadable));
    }
    let date = date.map(|date| date.to_string());
    let done = settle(engine, item, by, action, date.as_deref()).await?;
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
    let (Some(task), Some(Written::Action(action, _))) = (task, answered) else {
        return Ok(Vec::new());
    };
    let EffectInput::WorkTask { items, coach, .. } = &effect.planned.input else {
        return Ok(Vec::new());
    };
    let first = first_of(engine, items).await?;
    if is_what_settled(first.as_ref(), action) {
        return Ok(Vec::new());
    }
    let coaches = engine.store.coaches().await?;
    let by = name_of(&coaches, coach);
    let asked = first.and_then(|item| item.case);
    late(engine, client, asked, &by, action, &task).await
}

/// What a task asks: the first of its items.
async fn first_of(engine: &Engine, items: &[WorkItemId]) -> Result<Option<WorkItem>, EngineError> {
    Ok(match items.first() {
        Some(first) => engine.store.work_item(*first).await?,
        None => None,
    })
}

fn is_what_settled(item: Option<&WorkItem>, action: &str) -> bool {
    let settled = item.and_then(|item| item.settled.as_ref());
    settled.is_some_and(|settled| settled.action == action)
}

/// An answer to what is not asked any more. One that stops counts all the same. Another must not be passed over while
/// the follow-up goes on by itself: it is paused, and she is asked. Once for each task.
async fn late(
    engine: &Engine,
    client: &ClientId,
    asked: Option<CaseId>,
    by: &str,
    action: &str,
    task: &Task,
) -> Result<Vec<Op>, EngineError> {
    if is_remembered(engine, task, action).await? {
        return Ok(Vec::new());
    }
    if let Some(why) = StopReason::from_name(action) {
        return stop(engine, client, by, why, task).await;
    }
    let Some(case) = follow_up(engine, client).await? else {
        return Ok(vec![remember(task, action)]);
    };
    tracing::info!(task = %task.id, "an answer in a task that is no longer open");
    if action == REPLIED && asked.is_none_or(|asked| asked == case.id) {
        // No later text may say that she has not answered.
        match cases::decide_case(engine, case.id, by, Action::Replied).await {
            Ok(()) | Err(EngineError::Refused(_)) => {}
            Err(error) => return Err(error),
        }
        return Ok(vec![remember(task, action)]);
    }
    let goes_on =
        case.status == CaseStatus::Open && !matches!(case.wait, Some(Wait::Person { .. }));
    let of_this = asked.is_none_or(|asked| asked == case.id);
    let as_said = GO_ON.contains(&action) && !holds_back(engine, client, &case, action).await?;
    if goes_on && of_this && !as_said {
        let pause = Action::Pause {
            reason: "her coach answered an earlier question meanwhile".to_owned(),
        };
        match cases::decide_case(engine, case.id, by, pause).await {
            Ok(()) | Err(EngineError::Refused(_)) => {}
            Err(error) => return Err(error),
        }
        return Ok(vec![remember(task, action)]);
    }
    let entry = TimelineEntry {
        at: engine.now(),
        step: case.step.clone(),
        text: format!(
            "{by} answered in a task that was no longer the open one: that was not carried out"
        ),
        sop: None,
        detail: None,
    };
    let line = Op::AppendTimeline {
        case: case.id,
        entry,
    };
    Ok(vec![line, remember(task, action)])
}

/// The answers after which the follow-up would go on in any case.
const GO_ON: [&str; 4] = ["resume", "send_anyway", "skip", "done_by_hand"];

/// Whether an answer would keep back a message that goes out by itself now, whoever is asked about it (A30).
async fn holds_back(
    engine: &Engine,
    client: &ClientId,
    case: &Case,
    action: &str,
) -> Result<bool, EngineError> {
    if !KEEP_BACK.contains(&action) {
        return Ok(false);
    }
    let open = engine.store.client_work(client).await?;
    let mut open = open.iter().filter(|item| item.case == Some(case.id));
    Ok(open.any(|item| item.kind == work_kinds::ASK_FIRST))
}

/// Those of them by which a message is left out.
const KEEP_BACK: [&str; 2] = ["skip", "done_by_hand"];

/// The open case in which her coach and she write to each other.
pub(crate) async fn follow_up(
    engine: &Engine,
    client: &ClientId,
) -> Result<Option<Case>, EngineError> {
    for case in engine.store.open_cases(client).await? {
        let workflow = engine
            .registry
            .of_case(engine.store.as_ref(), &case)
            .await?;
        if workflow.conversation(&case).is_some() {
            return Ok(Some(case));
        }
    }
    Ok(None)
}

/// Stops every channel to a client. Without a case that is kept for the next one, and the manager is told.
async fn stop(
    engine: &Engine,
    client: &ClientId,
    by: &str,
    why: StopReason,
    task: &Task,
) -> Result<Vec<Op>, EngineError> {
    let Some(case) = follow_up(engine, client).await? else {
        let mut stepping = stepper::stepping(engine, client).await?;
        let fact = Fact {
            client: client.clone(),
            object: task.id.to_string(),
            source_time: engine.now(),
            body: FactBody::OutreachStopped {
                by: by.to_owned(),
                why,
            },
        };
        stepping.fact(fact, None);
        for op in stopped_item_ops(engine, client, by, why) {
            stepping.push(op);
        }
        stepping.push(remember(task, why.as_str()));
        return Ok(stepping.into_ops());
    };
    let decided = cases::decide_case(engine, case.id, by, Action::StopOutreach { why }).await;
    match decided {
        Ok(()) => Ok(vec![remember(task, why.as_str())]),
        Err(EngineError::Refused(_)) => {
            // Only because it is so already; else it is tried again when the task is read next.
            let workflow = engine
                .registry
                .of_case(engine.store.as_ref(), &case)
                .await?;
            let case = engine.store.case(case.id).await?;
            let stopped = case.as_ref().and_then(|case| workflow.stopped(case));
            let is_so = stopped.is_some().then(|| remember(task, why.as_str()));
            Ok(is_so.into_iter().collect())
        }
        Err(error) => Err(error),
    }
}

/// Nobody is followed up now, and the manager must hear of it all the same.
fn stopped_item_ops(engine: &Engine, client: &ClientId, by: &str, why: StopReason) -> Vec<Op> {
    let title = format!(
        "Client {client} {}, says {by}. Nothing goes out to her; the next follow-up would ask you first",
        why.words()
    );
    let mut item = items::item(engine, format!("stopped/{client}"), STOPPED, title);
    item.owner.clone_from(&engine.people.program_manager);
    item.detail = json!({ "why": why, "reason": format!("she {}", why.words()), "by": by });
    item.actions = vec!["done".to_owned()];
    item.client = Some(client.clone());
    items::open_work_ops(engine, item, engine.now())
}

/// The kind of that item.
pub(crate) const STOPPED: &str = work_kinds::STOPPED_CLIENT;

/// What was written in a task and is not its question's answer was taken in.
pub(super) fn remember(task: &Task, action: &str) -> Op {
    Op::PutSetting {
        key: format!("task_answer/{}", task.id),
        value: action.into(),
    }
}

pub(super) async fn is_remembered(
    engine: &Engine,
    task: &Task,
    action: &str,
) -> Result<bool, EngineError> {
    let known = engine
        .store
        .setting(&format!("task_answer/{}", task.id))
        .await?;
    Ok(known.is_some_and(|known| known == action))
}

/// Whether a client's open task shows an answer that nobody told of: before she hears anything, it is read.
pub(crate) async fn is_waiting(engine: &Engine, client: &ClientId) -> Result<bool, EngineError> {
    if manager::is_waiting(engine, client).await? {
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
        // Perhaps she is writing it now.
        Some(Written::Unreadable) => {
            let changed = task.changed_at.unwrap_or(Timestamp::MIN);
            engine.now().duration_since(changed) < STILL_WRITING
        }
        None => false,
    })
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

/// She is asked in another task.
pub(super) fn once_more(
    engine: &Engine,
    client: &ClientId,
    current: &CurrentTask,
    why: AskedAgain,
) -> Vec<Op> {
    let now = engine.now();
    let at = match why {
        AskedAgain::Deleted | AskedAgain::MomentPassed => engine.calendar.office_slot(now),
        AskedAgain::Ticked
        | AskedAgain::Unreadable
        | AskedAgain::NotPossible
        | AskedAgain::Changed => engine.calendar.next_working_morning(now),
    };
    let made_by = current.effect.key().clone();
    let what = format!("again/{made_by}");
    let again = Again { made_by, why };
    look(engine, client, &what, at, Some(&again))
        .into_iter()
        .collect()
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
