//! What a coach wrote into the task of a call besides what came of it (A8, A33).

use relay_core::answers::{REPLIED, StopReason, Written, written_of_call};
use relay_core::clients::Coach;
use relay_core::workflow::Action;

use super::late::is_remembered;
use crate::engine::{Engine, EngineError};
use crate::ports::Task;

/// One of the words, or something that nobody
/// understands in a task that she has completed. Once for each.
pub(crate) async fn in_call(
    engine: &Engine,
    task: &Task,
) -> Result<Option<(String, Action)>, EngineError> {
    let now = engine.now();
    let day = engine
        .calendar
        .date_of(task.changed_at.map_or(now, |at| at.min(now)));
    let lines = task.written.iter().map(String::as_str);
    let (name, action) = match written_of_call(lines, day) {
        None => return Ok(None),
        Some(Written::Action(name, _)) => match StopReason::from_name(name) {
            Some(why) => (name, Action::StopOutreach { why }),
            None if name == REPLIED => (name, Action::Replied),
            None => (UNREADABLE, not_understood()),
        },
        Some(Written::Outcome(_) | Written::Unreadable) => (UNREADABLE, not_understood()),
    };
    // What is no word may become one.
    let waits = name == UNREADABLE && !task.completed;
    if waits || is_remembered(engine, task, name).await? {
        return Ok(None);
    }
    Ok(Some((name.to_owned(), action)))
}

/// How something is remembered that nobody understands.
const UNREADABLE: &str = "unreadable";

fn not_understood() -> Action {
    Action::Pause {
        reason: "what was written about the call could not be understood".to_owned(),
    }
}

/// The name of the coach whose user has a task.
pub(crate) async fn whose(engine: &Engine, task: &Task) -> Result<String, EngineError> {
    let coaches = engine.store.coaches().await?;
    let has_it = |coach: &&Coach| coach.crm_user.is_some() && coach.crm_user == task.user;
    let by_user = coaches.iter().find(has_it);
    Ok(by_user.map_or_else(|| "a colleague".to_owned(), |coach| coach.name.clone()))
}
