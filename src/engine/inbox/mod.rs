//! What a coach is asked, where she works: one open task in the CRM for each client.
//!
//! People: a *coach* has the CRM open, and no server. What the relay asks her is a work item; this brings it to
//! her as a task on the client, reads her answer out of it, and takes it away once nothing is asked any more.
//!
//! Rules:
//! - One open task a client: it has the one question that is asked, and the news that nobody asks about. What is
//!   asked further closes it and makes one with both. A call task is that task: news waits until it is done.
//! - The task's text is written once. An answer is what stands in it and was not sent, so nothing that came from
//!   outside can pose as one (`answer`).
//! - It opens in the office's hours; it is closed at any hour.
//! - A coach gets at most so many new tasks a day ([`People`](crate::engine::People)), by the day on which they open;
//!   the others come the next working morning, and one task tells her what they are (`summary`). What a client wrote
//!   is not counted and not kept back.
//! - While a coach is away, what she is asked is a task of her deputy's (A25); the item stays hers, and the task comes
//!   back to her. So does the call that she is asked to make (`caller`). Moved at once when her time off is entered for
//!   a day that has begun, else by the comparison of its first day and of the day after its last.
//! - Handing an item up changes nothing here: the coach who was asked keeps her task.
//! - A task that can't be made opens no item about it: the item that it carries stands in the list of work
//!   (`clear-relay work list`) in any case. The daily comparison tries again.
//! - In propose mode nothing is made in the CRM: the task is stored as proposed.
//! - Without a CRM nothing happens here; the list of work has it all.
//! - What the Program Manager is asked about a client is a task of hers, where her user is known (`manager`).
//!
//! Not guaranteed: that no task of an earlier life of the database is open beside ours, after an older copy was
//! brought back. Its answer is not taken; ours asks the same.

mod again;
pub(crate) mod answer;
pub(crate) mod call;
pub(crate) mod caller;
mod closing;
mod content;
pub(crate) mod current;
pub(crate) mod daily;
pub(crate) mod guard;
pub(crate) mod late;
pub(crate) mod manager;
pub(crate) mod silence;
pub(crate) mod summary;
mod words;

use relay_core::case::Mode;
use relay_core::effects::{EffectInput, EffectKind, Scope};
use relay_core::ids::{CaseId, ClientId, CoachId, TaskId};
use relay_core::time::{SignedDuration, Timestamp, later};
use relay_core::workflows::missed_check_in;
use relay_store::{EffectState, Job, JobEnd, Op};
use serde_json::json;

use crate::engine::client_effects::planned;
use crate::engine::finish::{fence, member, missing};
use crate::engine::inbox::content::{Content, content};
pub(crate) use crate::engine::inbox::current::CurrentTask;
use crate::engine::inbox_job::{Again, look};
pub(crate) use crate::engine::inbox_job::{changed, moved};
use crate::engine::parts::CoachChannel;
use crate::engine::{Engine, EngineError, finish, time_off};
use crate::failpoint::SETTLE;

/// How soon a task that is being made is looked at again.
const BEING_MADE: SignedDuration = SignedDuration::from_mins(1);

/// How many open items are read at once.
const PAGE: u32 = 200;

/// The step that its effects are planned by.
const STEP: &str = "inbox";

/// Makes the task of a client what it should be.
pub(crate) async fn run(engine: &Engine, job: &Job) -> Result<(), EngineError> {
    let client = job.client.clone();
    let client = client.ok_or_else(|| missing("inbox", "the job names no client"))?;
    let again: Option<Again> = member(job, "again")?;
    let items = engine.store.client_work(&client).await?;
    for item in &items {
        if let Some(case) = caller::signed_by_another(engine, item).await? {
            if answered_first(engine, job, &client).await? {
                return Ok(());
            }
            if caller::sign_anew(engine, job, &client, case).await? {
                return Ok(());
            }
        }
    }
    manager::keep::keep(engine, &client, &items, again.as_ref()).await?;
    if engine.ports.not_offered().crm {
        // What stands there is looked at again once there is a CRM: by the daily comparison.
        return finish::end(engine, job, JobEnd::Done, Vec::new()).await;
    }
    if let Some(call) = items.iter().find(|item| item.kind == content::CALL)
        && caller::give_to_who_acts(engine, job, &client, call).await?
    {
        return Ok(());
    }
    let current = CurrentTask::of(engine, &client).await?;
    if let Some(current) = &current
        && current.effect.state.is_under_way()
    {
        return finish::snooze(engine, job, BEING_MADE, "its task is being made").await;
    }
    let (items, later) = content::told_now(items, engine.now());
    let later =
        later.and_then(|(at, item)| look(engine, &client, &format!("{item}/told"), at, None));
    let kept = current.as_ref().map(|task| (&task.of, &task.items[..]));
    let (time_off, today) = (
        time_off::list(engine.store.as_ref()).await?,
        time_off::today(engine),
    );
    let acting = |coach: &CoachId| time_off.acting_for(coach, today).coach.clone();
    let wanted = content(&items, &engine.people, kept, acting);
    let wanted = wanted.filter(|_| engine.people.coach_channel == CoachChannel::CrmTasks);
    let again = again.filter(|again| {
        let of_this = |task: &CurrentTask| *task.effect.key() == again.made_by;
        current.as_ref().is_some_and(of_this)
    });
    if again.is_none() && stands_as_wanted(current.as_ref(), wanted.as_ref()) {
        return finish::end(engine, job, JobEnd::Done, later.into_iter().collect()).await;
    }
    let mut ops: Vec<Op> = later.into_iter().collect();
    let moves = match (&current, &wanted) {
        (Some(task), Some(wanted)) => task.only_goes_to(engine, wanted).await?,
        _ => false,
    };
    if let Some(wanted) = wanted.as_ref().filter(|_| moves) {
        // A task of hers could be seen by nobody: it stays where it is until she has a user, or the next day comes.
        if !caller::has_user(engine, &wanted.coach, &mut ops).await? {
            return finish::end(engine, job, JobEnd::Done, ops).await;
        }
        if answered_first(engine, job, &client).await? {
            return Ok(());
        }
    }
    if let Some(current) = &current {
        // What she has answered there nobody may have told of yet.
        let may_hold_an_answer = again.is_none()
            && current.effect.state == EffectState::Done
            && current.closing.is_none();
        if may_hold_an_answer && current.is_open(engine).await? {
            if answered_first(engine, job, &client).await? {
                return Ok(());
            }
        } else if may_hold_an_answer {
            ops.extend(answer::unread(engine, &client, &current.effect).await?);
        }
        let first = answer::first_of(engine, &current.items).await?;
        let given_up = current.closing.as_ref();
        ops.extend(closing::close(engine, &current.effect, first.as_ref(), given_up).await?);
    }
    // Tasks that are made at the same time are counted one after the other.
    let _counting = engine.counting_tasks.lock().await;
    // What could not be made is counted already, and what only goes to another coach is nothing new.
    let once_more =
        |wanted: &&Content| !moves && !current.as_ref().is_some_and(|task| task.made_for(wanted));
    if let Some(wanted) = wanted.as_ref().filter(once_more)
        && let Some(at) = at_most_a_day(engine, wanted, &mut ops).await?
    {
        let why = "she has had enough new tasks today".to_owned();
        return finish::put_off(engine, job, at, why, ops).await;
    }
    if let Some(wanted) = wanted {
        ops.extend(plan(engine, &client, &wanted, current.as_ref(), again.as_ref()).await?);
    }
    ops.extend(finish::came_through(engine, job, &JobEnd::Done));
    ops.push(Op::FinishJob {
        fence: fence(job),
        end: JobEnd::Done,
        at: engine.now(),
    });
    engine.commit(SETTLE, ops).await?;
    engine.wake.notify_one();
    Ok(())
}

/// What a coach has answered already is not asked of another, or again: it is read first, and the job comes back. `false` if
/// there is no such answer.
async fn answered_first(
    engine: &Engine,
    job: &Job,
    client: &ClientId,
) -> Result<bool, EngineError> {
    if engine.ports.not_offered().crm || !answer::is_waiting(engine, client).await? {
        return Ok(false);
    }
    let ops = daily::reread(engine, client).await?;
    let at = later(engine.now(), BEING_MADE);
    let why = "an answer is read before anything else is asked".to_owned();
    finish::put_off(engine, job, at, why, ops).await?;
    Ok(true)
}

fn stands_as_wanted(current: Option<&CurrentTask>, wanted: Option<&Content>) -> bool {
    match (current, wanted) {
        (Some(current), Some(wanted)) => current.stands() && current.made_for(wanted),
        // What was never made needs no closing.
        (Some(current), None) => !current.stands() || current.effect.state == EffectState::Proposed,
        (None, wanted) => wanted.is_none(),
    }
}

/// Counts a new task of a coach; when it has to wait, until when, and what tells her so.
async fn at_most_a_day(
    engine: &Engine,
    wanted: &Content,
    ops: &mut Vec<Op>,
) -> Result<Option<Timestamp>, EngineError> {
    if wanted.is_of_today() {
        return Ok(None);
    }
    let opening = engine.calendar.office_slot(engine.now());
    let today = engine.calendar.date_of(opening).to_string();
    let key = format!("work_tasks/{}", wanted.coach);
    let counted = engine.store.setting(&key).await?.unwrap_or_default();
    let made = match counted["day"].as_str() {
        Some(day) if day == today => counted["made"].as_u64().unwrap_or(0),
        _ => 0,
    };
    if made >= u64::from(engine.people.coach_tasks_a_day) {
        let acts = mode_of(engine, None, &wanted.of).await?;
        ops.extend(summary::plan(engine, &wanted.coach, opening, acts).await?);
        return Ok(Some(engine.calendar.next_working_morning(opening)));
    }
    ops.push(Op::PutSetting {
        key,
        value: json!({ "day": today, "made": made + 1 }),
    });
    Ok(None)
}

/// A task that could not be made or closed is tried again the next working morning: nobody is told of it, so nobody
/// else would.
pub(crate) fn after_death(engine: &Engine, job: &Job) -> Option<Op> {
    let kind = job.payload["kind"].as_str().and_then(EffectKind::from_name);
    let is_ours =
        job.case.is_none() && matches!(kind, Some(EffectKind::WorkTask | EffectKind::CloseTask));
    let client = job.client.as_ref().filter(|_| is_ours)?;
    let at = engine.calendar.next_working_morning(engine.now());
    look(engine, client, &format!("{}/{at}", job.key), at, None)
}

/// The effect that makes the task, and its job; and that what stood in the one before was asked about.
async fn plan(
    engine: &Engine,
    client: &ClientId,
    wanted: &Content,
    current: Option<&CurrentTask>,
    again: Option<&Again>,
) -> Result<Vec<Op>, EngineError> {
    let latest = engine.store.latest_of_client(client, EffectKind::WorkTask);
    let latest = latest.await?;
    let visit = latest
        .as_ref()
        .map_or(1, |latest| content::number(latest) + 1);
    // One that never came to be is looked for under the same name.
    let failed = current.filter(|task| !task.stands() && task.made_for(wanted));
    let about = match failed.and_then(|task| content::about_of(&task.effect)) {
        Some(about) => about,
        None => content::about(engine, wanted, visit),
    };
    let scope = Scope::Client {
        client: client.clone(),
    };
    let input = EffectInput::WorkTask {
        items: wanted.ids(),
        coach: wanted.coach.clone(),
        of: (wanted.of != wanted.coach).then(|| wanted.of.clone()),
        again: again.map(|again| again.why),
        about,
    };
    let at = engine.calendar.office_slot(engine.now());
    let mode = mode_of(engine, wanted.case(), &wanted.of).await?;
    let key = scope.key(STEP, visit, "task");
    let mut ops = Vec::from(planned(engine, client, &key, mode, at, input));
    let noted = again.and_then(|again| again.noted.as_deref());
    if let (Some(noted), Some(task)) = (noted, current.and_then(CurrentTask::id)) {
        ops.push(late::remember_as(&TaskId::from(task), noted));
    }
    Ok(ops)
}

/// The mode of the case that asks.
async fn mode_of(
    engine: &Engine,
    case: Option<CaseId>,
    coach: &CoachId,
) -> Result<Mode, EngineError> {
    let Some(case) = case else {
        // About no case: as the follow-up acts that would open one.
        if !engine.people.acts_for(Some(coach)) {
            return Ok(Mode::Propose);
        }
        let follow_up = engine.registry.named(missed_check_in::NAME);
        return Ok(follow_up.map_or(Mode::Act, |workflow| workflow.mode()));
    };
    let case = engine.store.case(case).await?;
    Ok(case.map_or(Mode::Act, |case| case.mode))
}
