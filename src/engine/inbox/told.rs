//! Since when a coach can see that a message is about to go out (A30).
//!
//! Her task tells: it is there, it asks about this case, nobody has completed it, and nothing is written in it. Whatever
//! somebody wrote is no silence, also where it is none of the words; one that is completed without an answer, or gone,
//! is none either. Then she is asked once more, and until that has reached her nothing goes out.

use relay_core::case::Case;
use relay_core::effects::{AskedAgain, Settled};
use relay_core::ids::TaskId;
use relay_core::time::Timestamp;
use relay_core::work_kinds;
use relay_store::{EffectState, Op, WorkItem};

use crate::engine::inbox::{CurrentTask, answer};
use crate::engine::{CoachChannel, Engine, EngineError, inbox};
use crate::failpoint::REREAD_CALL;

/// Since when, procedure time. `None`: not yet, or nobody is asked about `case`. A task that can't be counted on is to be
/// read again by what is added to `ops`.
pub(crate) async fn since(
    engine: &Engine,
    case: &Case,
    ops: &mut Vec<Op>,
) -> Result<Option<Timestamp>, EngineError> {
    let people = &engine.people;
    if people.ask_first.is_empty() || people.coach_channel != CoachChannel::CrmTasks {
        return Ok(None);
    }
    let Some(current) = CurrentTask::of(engine, &case.client).await? else {
        return Ok(None);
    };
    let id = current.id().map(TaskId::from);
    let (Some(id), EffectState::Done) = (id, current.effect.state) else {
        return Ok(None);
    };
    if !asks(engine, case, &current).await? {
        return Ok(None);
    }
    let sent = answer::sent_to(&current.effect);
    let read = engine.ports.tasks.task(&id, Some(sent));
    let task = engine.call(REREAD_CALL, read).await?;
    match task {
        Some(task) if !task.completed => {
            if task.written.iter().any(|line| !line.trim().is_empty()) {
                let why = AskedAgain::Unreadable;
                ops.extend(answer::once_more(engine, &case.client, &current, why));
                return Ok(None);
            }
        }
        Some(_) | None => {
            ops.extend(inbox::reread(engine, &case.client).await?);
            return Ok(None);
        }
    }
    // The vendor's clock is not ours: she has not been told before her task was written.
    let made_at = match current.effect.settled {
        Some(Settled::Done { at, .. }) => Some(at),
        _ => None,
    };
    Ok(made_at.max(current.effect.intended_at))
}

/// Whether the task asks about a message of the case.
async fn asks(engine: &Engine, case: &Case, task: &CurrentTask) -> Result<bool, EngineError> {
    let is_it = |item: WorkItem| {
        item.kind == work_kinds::ASK_FIRST && item.case == Some(case.id) && item.settled.is_none()
    };
    // What is asked stands first; the others are news.
    let Some(first) = task.items.first() else {
        return Ok(false);
    };
    Ok(engine.store.work_item(*first).await?.is_some_and(is_it))
}
