//! What a coach wrote into the task of a call besides what came of it (A8, A33).

use relay_core::answers::{REPLIED, StopReason, Written, has_remarks, written_of_call};
use relay_core::clients::Coach;
use relay_core::workflow::Action;

use super::answer::is_written;
use super::late::{NOT_UNDERSTOOD, THE_RELAY, memory, recalled};
use crate::engine::{Engine, EngineError};
use crate::ports::Task;

/// How what stood in the task is remembered once what came of the call was taken in.
const TAKEN_IN: &str = "call";

/// What a call's task says besides.
#[derive(Debug, Default)]
pub(crate) struct InCall {
    /// Who says so, and what it comes to.
    pub(crate) said: Option<(String, Action)>,
    /// What is remembered of the task.
    pub(crate) noted: Option<String>,
    /// Whether it is read again later: what is no word may become one.
    pub(crate) may_change: bool,
}

/// One of the words, or something that nobody understands once it can be thought to be written; also what was added after the
/// outcome was taken in. Once for each.
pub(crate) async fn in_call(engine: &Engine, task: &Task) -> Result<InCall, EngineError> {
    let now = engine.now();
    let day = engine
        .calendar
        .date_of(task.changed_at.map_or(now, |at| at.min(now)));
    let lines = || task.written.iter().map(String::as_str);
    let known = recalled(engine, task).await?;
    let known = known.as_deref();
    let name = match written_of_call(lines(), day) {
        Some(Written::Action(name, _)) => name,
        Some(Written::Outcome(_) | Written::Unreadable) => NOT_UNDERSTOOD,
        None => {
            let as_it_stands = memory(task, TAKEN_IN);
            let was_taken_in = known
                .and_then(|known| known.split_once('/'))
                .is_some_and(|(word, _)| word == TAKEN_IN);
            let is_more = was_taken_in && known != Some(&as_it_stands) && has_remarks(lines(), day);
            if !is_more {
                let is_over = task.completed && task.outcome.is_some();
                return Ok(InCall {
                    noted: Some(as_it_stands).filter(|_| is_over && known.is_none()),
                    ..InCall::default()
                });
            }
            NOT_UNDERSTOOD
        }
    };
    let noted = memory(task, name);
    if known == Some(&noted) {
        return Ok(InCall::default());
    }
    if name == NOT_UNDERSTOOD && !is_written(engine, task) {
        return Ok(InCall {
            may_change: true,
            ..InCall::default()
        });
    }
    let by = whose(engine, task).await?;
    let said = match StopReason::from_name(name) {
        Some(why) => (by, Action::StopOutreach { why }),
        None if name == REPLIED => (by, Action::Replied),
        None => {
            let reason = format!("what {by} wrote about the call could not be understood");
            (THE_RELAY.to_owned(), Action::Pause { reason })
        }
    };
    Ok(InCall {
        said: Some(said),
        noted: Some(noted),
        may_change: false,
    })
}

/// The name of the coach whose user has a task.
pub(crate) async fn whose(engine: &Engine, task: &Task) -> Result<String, EngineError> {
    let coaches = engine.store.coaches().await?;
    let has_it = |coach: &&Coach| coach.crm_user.is_some() && coach.crm_user == task.user;
    let by_user = coaches.iter().find(has_it);
    Ok(by_user.map_or_else(|| "a colleague".to_owned(), |coach| coach.name.clone()))
}
