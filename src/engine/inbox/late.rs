//! An answer in a task that is not the open one any more, and what stops every channel wherever it is said.

use relay_core::answers::{Course, REPLIED, StopReason, course_of};
use relay_core::case::{Case, CaseStatus, TimelineEntry, Wait};
use relay_core::facts::{Fact, FactBody};
use relay_core::ids::{CaseId, ClientId, TaskId};
use relay_core::work_kinds;
use relay_core::workflow::Action;
use relay_store::Op;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::engine::commands::cases;
use crate::engine::staff_said::answer::note_ops;
use crate::engine::staff_said::words::who;
use crate::engine::{Engine, EngineError, items, stepper};
use crate::ports::Task;

/// Who paused a follow-up, where no person did.
pub(super) const THE_RELAY: &str = "the relay";

/// How something is remembered that nobody understands.
pub(super) const NOT_UNDERSTOOD: &str = "not_understood";

/// An answer to what is not asked any more. One that stops counts all the same. Another must not be passed over while
/// the follow-up goes on by itself: it is paused, and she is asked. Once for each task.
pub(super) async fn late(
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
        let mut ops = vec![remember(task, action)];
        if action == NOT_UNDERSTOOD {
            let text = not_understood(&who(engine, client).await?, by);
            ops.extend(note_ops(engine, client, task, action, text, None).await?);
        }
        return Ok(ops);
    };
    tracing::info!(task = %task.id, "an answer in a task that is no longer open");
    if action == REPLIED && asked.is_none_or(|asked| asked == case.id) {
        // No later text may say that she has not answered.
        decide(engine, case.id, by, Action::Replied, task, action).await?;
        return Ok(vec![remember(task, action)]);
    }
    let goes_on =
        case.status == CaseStatus::Open && !matches!(case.wait, Some(Wait::Person { .. }));
    // What nobody understands may be about whatever goes on now.
    let of_this = asked.is_none_or(|asked| asked == case.id) || action == NOT_UNDERSTOOD;
    let as_said = goes_on_anyway(engine, client, &case, action).await?;
    if goes_on && of_this && !as_said {
        let (by, reason) = match action {
            NOT_UNDERSTOOD => (
                THE_RELAY,
                format!("what {by} wrote in a task could not be understood"),
            ),
            _ if asked.is_none() => (
                by,
                "something was answered where nothing was asked".to_owned(),
            ),
            _ => (by, "an earlier question was answered meanwhile".to_owned()),
        };
        let pause = Action::Pause { reason };
        decide(engine, case.id, by, pause, task, action).await?;
        return Ok(vec![remember(task, action)]);
    }
    let entry = TimelineEntry {
        at: engine.now(),
        step: case.step.clone(),
        text: match action {
            NOT_UNDERSTOOD => {
                format!("{by} wrote something in a task that could not be understood")
            }
            _ => format!(
                "{by} answered in a task that was no longer the open one: that was not carried out"
            ),
        },
        sop: None,
        detail: None,
    };
    let line = Op::AppendTimeline {
        case: case.id,
        entry,
    };
    let mut ops = vec![line, remember(task, action)];
    if !as_said {
        let who = who(engine, client).await?;
        let text = match action {
            NOT_UNDERSTOOD => not_understood(&who, by),
            _ => format!(
                "Not done: what {by} wrote about {who} in an earlier task. It was answered before. If something is open \
                 about her, it stands in the newest task."
            ),
        };
        ops.extend(note_ops(engine, client, task, action, text, Some(&case)).await?);
    }
    Ok(ops)
}

fn not_understood(who: &str, by: &str) -> String {
    format!(
        "Not understood: what {by} wrote about {who} in a task. If nothing is to go out to her, please write one of the \
         answers in the newest task about her, or put the tag on her that pauses a follow-up."
    )
}

/// Whether the follow-up goes on as the answer says, also where it is not carried out: then nobody need be asked. Not
/// where it would keep back a message that goes out by itself now (A30).
async fn goes_on_anyway(
    engine: &Engine,
    client: &ClientId,
    case: &Case,
    action: &str,
) -> Result<bool, EngineError> {
    Ok(match course_of(action) {
        Some(Course::GoesOn) => true,
        Some(Course::LeavesOut) => {
            let open = engine.store.client_work(client).await?;
            let mut open = open.iter().filter(|item| item.case == Some(case.id));
            !open.any(|item| item.kind == work_kinds::ASK_FIRST)
        }
        Some(Course::KeepsBack | Course::Waits | Course::Ends) | None => false,
    })
}

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

/// Lets a case hear what was written in a task, in one batch with the note that it was taken in: else it would hear it again
/// where the relay dies between the two. `false` if the case refuses it.
pub(super) async fn decide(
    engine: &Engine,
    case: CaseId,
    by: &str,
    decision: Action,
    task: &Task,
    action: &str,
) -> Result<bool, EngineError> {
    let noted = [remember(task, action)];
    match cases::decide_case_after(engine, case, by, decision, &[], &noted).await {
        Ok(()) => Ok(true),
        Err(EngineError::Refused(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Stops every channel to a client. Without a case that is kept for the next one, and the manager is told.
pub(crate) async fn stop(
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
        let who = who(engine, client).await?;
        for op in stopped_item_ops(engine, client, &who, by, why) {
            stepping.push(op);
        }
        let text = format!(
            "Noted, by {by}: nothing more goes out. No follow-up of {who} is open now, and the next one asks the Program \
             Manager first."
        );
        for op in note_ops(engine, client, task, why.as_str(), text, None).await? {
            stepping.push(op);
        }
        stepping.push(remember(task, why.as_str()));
        return Ok(stepping.into_ops());
    };
    let stop = Action::StopOutreach { why };
    if decide(engine, case.id, by, stop, task, why.as_str()).await? {
        return Ok(vec![remember(task, why.as_str())]);
    }
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

/// Nobody is followed up now, and the manager must hear of it all the same.
fn stopped_item_ops(
    engine: &Engine,
    client: &ClientId,
    who: &str,
    by: &str,
    why: StopReason,
) -> Vec<Op> {
    // A title names nothing of her health.
    let what = if why.is_health() {
        "is not to hear from us"
    } else {
        why.words()
    };
    let title = format!(
        "{who} {what}, says {by}. Nothing goes out to her; the next follow-up would ask you first"
    );
    let mut item = items::item(engine, stopped_key(client), STOPPED, title);
    item.owner.clone_from(&engine.people.program_manager);
    item.detail = json!({ "why": why, "reason": format!("she {}", why.words()), "by": by });
    item.actions = vec!["done".to_owned()];
    item.client = Some(client.clone());
    items::open_work_ops(engine, item, engine.now())
}

/// By what that item is known.
pub(crate) fn stopped_key(client: &ClientId) -> String {
    format!("stopped/{client}")
}

/// The kind of that item.
pub(crate) const STOPPED: &str = work_kinds::STOPPED_CLIENT;

/// What was written in a task and is not its question's answer was taken in.
pub(crate) fn remember(task: &Task, action: &str) -> Op {
    remember_as(&task.id, &memory(task, action))
}

/// The same by its memory.
pub(crate) fn remember_as(task: &TaskId, memory: &str) -> Op {
    Op::PutSetting {
        key: format!("task_answer/{task}"),
        value: memory.into(),
    }
}

/// What is remembered: the word, or of what nobody understands which lines those were, since more may be written below. Not
/// the lines themselves.
pub(super) fn memory(task: &Task, action: &str) -> String {
    let is_word = action != NOT_UNDERSTOOD && course_of(action).is_some();
    if is_word {
        return action.to_owned();
    }
    let mut digest = Sha256::new();
    for line in task.written.iter().map(|line| line.trim()) {
        if !line.is_empty() {
            digest.update(line);
            digest.update("\n");
        }
    }
    let digest = digest.finalize();
    let short = digest.first_chunk::<8>().copied().unwrap_or_default();
    let short = u64::from_be_bytes(short);
    format!("{action}/{short:016x}")
}

pub(super) async fn is_remembered(
    engine: &Engine,
    task: &Task,
    action: &str,
) -> Result<bool, EngineError> {
    Ok(recalled(engine, task).await?.as_deref() == Some(&memory(task, action)))
}

/// What is remembered of a task.
pub(super) async fn recalled(engine: &Engine, task: &Task) -> Result<Option<String>, EngineError> {
    let key = format!("task_answer/{}", task.id);
    let known = engine.store.setting(&key).await?;
    Ok(known.and_then(|known| known.as_str().map(str::to_owned)))
}
