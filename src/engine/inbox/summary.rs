//! What a coach is told once she has had as many new tasks as a day may bring: one task that says what else waits.
//!
//! It is a task of its own and about no client ([`Scope::Installation`]): the last of the day's tasks can't say
//! how much comes after it, and on the contact of one client the names of others have no business.
//!
//! Rules:
//! - One a coach and day: its identity is the two of them, and it is looked for like everything that is seen twice.
//!   What nobody needs any more when it is to be made (nothing waits then) leaves the day free for another.
//! - It comes half an hour after the first thing had to wait, and says by what time it counts: most of a morning's
//!   tasks come within minutes, and one that said "one more" at once would soon be false.
//! - It names what stands in the list of work for her, is due now, and is in no task: nothing is remembered for it
//!   that could differ from that.
//! - It asks nothing. What is written in it is not read, and the next working morning the relay completes it.
//! - The day over before it could be made: it is left out. So it is where a coach is not asked in the CRM.
//!
//! Not guaranteed: that all of it comes the next morning, if it is more than a day may bring, or that it comes to her
//! at all: what waited until its reminders handed it up is the Program Manager's. It says both.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use relay_core::case::Mode;
use relay_core::effects::{About, EffectInput, Request, Scope, request};
use relay_core::ids::{ClientId, CoachId, CrmUserId, EffectKey};
use relay_core::outside;
use relay_core::scripts::{date_words, weekday_words};
use relay_core::time::{Date, SignedDuration, Timestamp};
use relay_core::workflow::Verdict;
use relay_store::{EffectState, Op, WorkItem};

use super::{CurrentTask, PAGE, STEP, content, words};
use crate::engine::client_effects::planned_in;
use crate::engine::parts::CoachChannel;
use crate::engine::{Engine, EngineError, time_off};
use crate::remedy::RemedyCommand;

/// How long after the first thing that has to wait it is made.
const AFTER: SignedDuration = SignedDuration::from_mins(30);

/// How many things are named; a task is read on one screen.
const NAMED: usize = 15;

/// How much of a title is shown.
const LINE: usize = 120;

/// The effects that tell `coach` of what waits on the day of `opening`, the moment at which her next task would open;
/// none where that is planned already.
pub(super) async fn plan(
    engine: &Engine,
    coach: &CoachId,
    opening: Timestamp,
    mode: Mode,
) -> Result<Vec<Op>, EngineError> {
    let day = engine.calendar.date_of(opening);
    let mut visit = 1;
    loop {
        let key = key_of(coach, day, visit);
        match engine.store.effect(&key).await? {
            None => break,
            Some(known) if known.state == EffectState::Overtaken => visit += 1,
            Some(_) => return Ok(Vec::new()),
        }
    }
    let key = key_of(coach, day, visit);
    let soon = opening.saturating_add(AFTER).unwrap_or(opening);
    let soon = engine.calendar.office_slot(soon);
    // In the last half hour of a day there is no later.
    let at = if engine.calendar.date_of(soon) == day {
        soon
    } else {
        opening
    };
    let task = EffectInput::WorkTask {
        items: Vec::new(),
        coach: coach.clone(),
        of: None,
        again: None,
        about: About::new(coach.as_str(), day),
    };
    let end = EffectInput::CloseTask {
        made_by: key.clone(),
        reason: "its day is over".to_owned(),
        called: false,
        went_out: None,
    };
    let (scope, tomorrow) = (
        Scope::Installation,
        engine.calendar.next_working_morning(opening),
    );
    let closing = EffectKey::closing(&key);
    let task = planned_in(engine, scope.clone(), &key, mode, at, task);
    let end = planned_in(engine, scope, &closing, mode, tomorrow, end);
    Ok(task.into_iter().chain(end).collect())
}

fn key_of(coach: &CoachId, day: Date, visit: u32) -> EffectKey {
    // The coach last: her id is the portal's and may hold anything.
    Scope::Installation.key(STEP, visit, &format!("summary/{day}/{coach}"))
}

/// Whether the summary of `about` is still to be made for a coach whose user is known by `user`, and with which
/// words.
pub(crate) async fn look(
    engine: &Engine,
    coach: &CoachId,
    day: Date,
    user: Option<CrmUserId>,
) -> Result<Verdict, EngineError> {
    let now = engine.now();
    if engine.people.coach_channel == CoachChannel::WorkList {
        return Ok(left_out("coaches not being asked in the CRM"));
    }
    if engine.calendar.date_of(now) != day {
        return Ok(left_out("its day being over"));
    }
    let waiting = waiting(engine, coach).await?;
    if waiting.is_empty() {
        return Ok(left_out("nothing waiting any more"));
    }
    let Some(user) = user else {
        return Ok(left_out("her coach having no active user in the CRM"));
    };
    let morning = engine
        .calendar
        .date_of(engine.calendar.next_working_morning(now));
    Ok(Verdict::Go(Request::WorkTask(request::WorkTask {
        contact: None,
        user,
        title: title(waiting.len(), morning),
        description: description(engine, &waiting, morning),
        due: engine.calendar.office_closing(day),
        goes_out: None,
    })))
}

fn left_out(by: &str) -> Verdict {
    Verdict::Overtaken {
        by: by.to_owned(),
        facts: Vec::new(),
    }
}

/// What a task of hers would show first, for each client about whom she is to be asked and is not: in the order
/// in which it was opened.
async fn waiting(engine: &Engine, coach: &CoachId) -> Result<Vec<WorkItem>, EngineError> {
    let mut after = None;
    let mut clients: BTreeSet<ClientId> = BTreeSet::new();
    loop {
        let page = engine.store.open_work_after(after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        clients.extend(page.into_iter().filter_map(|item| item.client));
    }
    let (time_off, today) = (
        time_off::list(engine.store.as_ref()).await?,
        time_off::today(engine),
    );
    let acting = |coach: &CoachId| time_off.acting_for(coach, today).coach.clone();
    let mut waiting = BTreeMap::new();
    for client in &clients {
        let items = engine.store.client_work(client).await?;
        let current = CurrentTask::of(engine, client).await?;
        let (items, _) = content::told_now(items, engine.now());
        let kept = current.as_ref().map(|task| (&task.of, &task.items[..]));
        let Some(wanted) = content::content(&items, &engine.people, kept, acting) else {
            continue;
        };
        // One that was planned has been counted, whatever became of it; what a client wrote is never put off.
        let is_planned = current.is_some_and(|task| task.made_for(&wanted));
        if wanted.coach != *coach || wanted.is_of_today() || is_planned {
            continue;
        }
        if let Some(first) = wanted.items().next() {
            waiting.insert((first.opened_at, first.id), first.clone());
        }
    }
    Ok(waiting.into_values().collect())
}

fn title(count: usize, morning: Date) -> String {
    let what = match count {
        1 => "One more thing waits".to_owned(),
        more => format!("{more} more things wait"),
    };
    format!("{what} for you until {}", day_words(morning))
}

fn description(engine: &Engine, waiting: &[WorkItem], morning: Date) -> String {
    let most = engine.people.coach_tasks_a_day;
    let clock = engine.calendar.zone().to_datetime(engine.now());
    let (hour, minute) = (clock.hour(), clock.minute());
    let tasks = if most == 1 { "task" } else { "tasks" };
    let mut text = format!(
        "You get at most {most} new {tasks} a day, and more than that came up today. At {hour}:{minute:02} this waits:"
    );
    for item in waiting.iter().take(NAMED) {
        // Writing to a string can't fail.
        let _ = write!(
            text,
            "\n- {}",
            outside::short_line(&words::title_of(item), LINE)
        );
    }
    let more = waiting.len().saturating_sub(NAMED);
    if more > 0 {
        let _ = write!(text, "\n- and {more} more");
    }
    let _ = write!(
        text,
        "\n\nIt comes in tasks of its own from {} on, at most {most} a day. What waits too long goes \
         to the Program Manager. What a client writes to you comes at once.\n\
         If you want to see it today: your admin finds all of it with `{}`.\n\n\
         Nothing is asked here, and an answer written here is not read. Complete this task once you have taken note.",
        day_words(morning),
        RemedyCommand::WorkList,
    );
    text
}

/// `Thursday, November 5`.
fn day_words(day: Date) -> String {
    format!("{}, {}", weekday_words(day.weekday()), date_words(day))
}
