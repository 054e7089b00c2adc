//! What a coach's silence means, where a message is about to go out in her name (A30).
//!
//! Her task tells: it is there, it asks about this message and names the moment, whoever acts for her coach has it, and it
//! is as it was made. Whatever somebody changed or wrote in it is no silence, also where it is none of the words; neither is
//! one that was completed, or is gone. Then she is asked once more, and until that has reached her nothing goes out.
//!
//! It means nothing at all where coaches are asked in the list of work, since nobody knows who has looked; and where the
//! memory may be too old for the check-in ([`memory`](crate::engine::memory)): a task of a life that is lost may stand beside
//! this one, with her answer in it.

use relay_core::case::Case;
use relay_core::clients::ClientSnapshot;
use relay_core::effects::{AskedAgain, PlannedEffect, Request, Settled, request};
use relay_core::ids::TaskId;
use relay_core::time::{Date, Timestamp};
use relay_core::time_off::TimeOffList;
use relay_core::work_kinds;
use relay_core::workflow::Silence;
use relay_core::workflows::missed_check_in::{Notice, notice};
use relay_store::{Effect, EffectState, Op, WorkItem};

use crate::engine::inbox::{CurrentTask, again, answer, daily, moved};
use crate::engine::memory::old_memory;
use crate::engine::{CoachChannel, Engine, EngineError, days};
use crate::failpoint::REREAD_CALL;
use crate::ports::Task;

/// Who is to be told of a message.
pub(crate) struct Asked<'a> {
    /// The case that it belongs to.
    pub(crate) case: &'a Case,
    /// The message.
    pub(crate) effect: &'a PlannedEffect,
    /// The client as she was just read.
    pub(crate) client: Option<&'a ClientSnapshot>,
    /// Who is away.
    pub(crate) time_off: &'a TimeOffList,
    /// The clinic's day.
    pub(crate) today: Date,
}

/// What it means now. A task that can't be counted on is to be looked at again by what is added to `ops`.
pub(crate) async fn of(
    engine: &Engine,
    asked: &Asked<'_>,
    ops: &mut Vec<Op>,
) -> Result<Silence, EngineError> {
    let Asked { case, effect, .. } = asked;
    if !effect.kind().is_message() {
        return Ok(Silence::Nothing);
    }
    let people = &engine.people;
    let is_set = people.ask_first.contains(&case.step);
    let in_tasks =
        people.coach_channel == CoachChannel::CrmTasks && !engine.ports.not_offered().crm;
    let current = if in_tasks {
        CurrentTask::of(engine, &case.client).await?
    } else {
        None
    };
    if !in_tasks || (!is_set && current.is_none()) {
        return Ok(Silence::Nothing);
    }
    if let (Some(old), Some((_, due))) = (
        old_memory(engine.store.as_ref()).await?,
        effect.input.about(),
    ) && days::start_of(engine, due) < old.until
    {
        return Ok(Silence::Nothing);
    }
    let Some(current) = current else {
        return Ok(Silence::NotYet);
    };
    let id = current.id().map(TaskId::from);
    let (Some(id), EffectState::Done) = (id, current.effect.state) else {
        return Ok(Silence::NotYet);
    };
    let moment = sent(&current.effect).and_then(|sent| sent.goes_out);
    let (Some(moment), true) = (moment, asks(engine, case, &current).await?) else {
        return Ok(Silence::NotYet);
    };
    let coach = asked.client.and_then(|client| client.coach.as_ref());
    let acting = coach.map(|coach| asked.time_off.acting_for(coach, asked.today).coach);
    if acting != Some(&current.coach) {
        let what = format!("{}/{moment}", current.effect.key());
        ops.push(moved(engine, &case.client, &what));
        return Ok(Silence::NotYet);
    }
    let read = engine
        .ports
        .tasks
        .task(&id, Some(answer::sent_to(&current.effect)));
    let task = engine.call(REREAD_CALL, read).await?;
    let why = match &task {
        None => None,
        Some(task) if task.completed => None,
        Some(task) if task.written.iter().any(|line| !line.trim().is_empty()) => {
            Some(AskedAgain::Unreadable)
        }
        Some(task) if !is_as_made(engine, &current.effect, task) => Some(AskedAgain::Changed),
        Some(_) => {
            let told = told_at(&current.effect).unwrap_or(Timestamp::MAX);
            match notice(&engine.calendar, told, moment, engine.now()) {
                Notice::InTime => return Ok(Silence::Consent { from: moment }),
                Notice::Passed => Some(AskedAgain::MomentPassed),
            }
        }
    };
    ops.extend(match why {
        Some(why) => again::once_written(engine, &case.client, &current.effect, why),
        None => daily::reread(engine, &case.client).await?,
    });
    Ok(Silence::NotYet)
}

fn sent(effect: &Effect) -> Option<&request::WorkTask> {
    match &effect.request {
        Some(Request::WorkTask(sent)) => Some(sent),
        _ => None,
    }
}

/// Since when she can see it. The vendor's clock is not ours: not before it was written.
fn told_at(effect: &Effect) -> Option<Timestamp> {
    let made_at = match effect.settled {
        Some(Settled::Done { at, .. }) => Some(at),
        _ => None,
    };
    made_at.max(effect.intended_at)
}

/// Whether nobody has changed what it was made with.
fn is_as_made(engine: &Engine, effect: &Effect, task: &Task) -> bool {
    let folded = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let Some(sent) = sent(effect) else {
        return false;
    };
    let title = task.title.as_deref().unwrap_or_default();
    let has_title = folded(title) == folded(&sent.title);
    // By the day: the CRM may round the hour.
    let day = |at| engine.calendar.date_of(at);
    let has_day = task.due.is_none_or(|due| day(due) == day(sent.due));
    has_title && has_day && task.user.as_ref() == Some(&sent.user) && !task.shortened
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
