//! What is looked at without being told: once a day, and after an outage.

use std::collections::BTreeSet;

use relay_core::ids::ClientId;
use relay_core::time::{SignedDuration, Timestamp, later};
use relay_store::{EffectState, JobFilter, JobState, Op, Page, WorkItem};
use serde_json::json;

use super::{CurrentTask, PAGE, changed, content};
use crate::engine::inbox_job::job_of;
use crate::engine::job_kinds::JobKind;
use crate::engine::parts::CoachChannel;
use crate::engine::sync::hints;
use crate::engine::sync::hints::{ClientHint, Origin};
use crate::engine::{Engine, EngineError, inbox, time_off};
use crate::receipts::{Hint, HintObject};

/// How soon it is looked again whether a task could be read that the CRM has told of.
const UNREAD: SignedDuration = SignedDuration::from_mins(5);

/// The same where it was given up for good.
const GIVEN_UP: SignedDuration = SignedDuration::from_hours(1);

/// What brings the task of an open item's client back to what it should be: an answer that nobody told of is
/// read, and what could not be made is tried again. Asked for once a day.
pub(crate) async fn of_item(engine: &Engine, item: &WorkItem) -> Result<Vec<Op>, EngineError> {
    let Some(client) = &item.client else {
        return Ok(Vec::new());
    };
    if engine.people.asks_manager(item) {
        return inbox::manager::reading::daily(engine, client, item).await;
    }
    let today = engine.calendar.date_of(engine.now());
    let what = format!("{}/{today}", item.id);
    if let Some(op) = inbox::manager::reading::unnamed(engine, client, &what).await? {
        return Ok(vec![op]);
    }
    // Nobody tells of a call task that is gone.
    if item.kind == content::CALL && !engine.ports.not_offered().crm {
        return Ok(vec![job_of(engine, client, &what, engine.now(), None)]);
    }
    // Whatever the channel is: the call is a task in any case, and the list of work has the texts, too.
    if inbox::caller::may_be_anothers(engine, item).await? {
        return Ok(vec![job_of(engine, client, &what, engine.now(), None)]);
    }
    if engine.ports.not_offered().crm {
        return Ok(Vec::new());
    }
    let current = CurrentTask::of(engine, client).await?;
    if engine.people.coach_channel == CoachChannel::WorkList {
        // Made while it was otherwise: closed.
        let stands = current.is_some_and(|task| task.effect.state == EffectState::Done);
        return Ok(stands
            .then(|| job_of(engine, client, &what, engine.now(), None))
            .into_iter()
            .collect());
    }
    let time_off = time_off::list(engine.store.as_ref()).await?;
    if let Some(task) = current.as_ref().filter(|task| task.stands()) {
        let asked = content::coach_of(item, &engine.people);
        let asked = asked.as_ref().unwrap_or(&task.of);
        let is_anothers = *time_off.acting_for(asked, today).coach != task.coach;
        if task.items.contains(&item.id) && is_anothers {
            return Ok(changed(engine, client, &what).into_iter().collect());
        }
    }
    let made = current
        .as_ref()
        .filter(|task| task.items.first() == Some(&item.id));
    if let Some(task) = made.and_then(CurrentTask::id) {
        return Ok(reread_ops(engine, client, task));
    }
    let is_a_coachs = content::coach_of(item, &engine.people).is_some();
    let stands = current.is_some_and(|task| task.stands() && task.items.contains(&item.id));
    if !is_a_coachs || stands {
        return Ok(Vec::new());
    }
    Ok(changed(engine, client, &what).into_iter().collect())
}

/// The jobs that read the open tasks about a client.
pub(crate) async fn reread(engine: &Engine, client: &ClientId) -> Result<Vec<Op>, EngineError> {
    let current = CurrentTask::of(engine, client).await?;
    let mut tasks: Vec<String> = current
        .as_ref()
        .and_then(CurrentTask::id)
        .map(str::to_owned)
        .into_iter()
        .collect();
    tasks.extend(inbox::manager::open_tasks(engine, client).await?);
    Ok(tasks
        .iter()
        .flat_map(|task| reread_ops(engine, client, task))
        .collect())
}

/// What tries once more to read a task of ours about a client, which the CRM told of and nobody could read: it may say that
/// nothing is to go out, also where it is no longer the open one. And when that is looked at again: what was given up for
/// good has an item, and is not asked for every few minutes. `None`: nothing is left unread.
pub(crate) async fn unread(
    engine: &Engine,
    client: &ClientId,
) -> Result<Option<(Timestamp, Vec<Op>)>, EngineError> {
    if engine.ports.not_offered().crm {
        return Ok(None);
    }
    let given_up = JobFilter {
        states: vec![JobState::Parked, JobState::Dead],
        kind: Some(JobKind::Reread.name().to_owned()),
        client: Some(client.clone()),
        ..JobFilter::default()
    };
    let mut unread = engine.store.jobs(&given_up, Page::default()).await?;
    unread.extend(engine.store.failing(client.as_str()).await?);
    unread.retain(|job| {
        let is_task = job.payload["hint"]["object"] == json!(HintObject::Task);
        is_task && JobKind::of(job) == Some(JobKind::Reread)
    });
    if unread.is_empty() {
        return Ok(None);
    }
    let at = engine.now();
    let is_given_up = unread.iter().all(|job| job.state != JobState::Ready);
    let pause = if is_given_up { GIVEN_UP } else { UNREAD };
    let again = unread
        .into_iter()
        .map(|job| Op::ReplayJob { id: job.id, at });
    Ok(Some((later(at, pause), again.collect())))
}

pub(super) fn reread_ops(engine: &Engine, client: &ClientId, task: &str) -> Vec<Op> {
    reread_ops_from(&Origin::gap(engine.now()), engine, client, task)
}

fn reread_ops_from(from: &Origin, engine: &Engine, client: &ClientId, task: &str) -> Vec<Op> {
    let told = ClientHint {
        hint: Hint {
            object: HintObject::Task,
            id: task.to_owned(),
            at: None,
            deleted: false,
            tag: None,
        },
        clients: vec![client.clone()],
    };
    hints::reread_ops(engine, from, &told)
}

/// The job that reads one of them at `at`.
pub(super) fn reread_at(engine: &Engine, client: &ClientId, task: &str, at: Timestamp) -> Vec<Op> {
    let mut ops = reread_ops_from(&Origin::gap(at), engine, client, task);
    for op in &mut ops {
        if let Op::Enqueue { job, .. } = op {
            job.run_at = at;
        }
    }
    ops
}

/// The tasks by which somebody is asked now.
pub(crate) async fn open_tasks(engine: &Engine) -> Result<Vec<String>, EngineError> {
    let mut clients = BTreeSet::new();
    let mut after = None;
    loop {
        let page = engine.store.open_work_after(after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        clients.extend(page.into_iter().filter_map(|item| item.client));
    }
    let mut tasks = Vec::new();
    for client in &clients {
        let current = CurrentTask::of(engine, client).await?;
        tasks.extend(
            current
                .as_ref()
                .and_then(CurrentTask::id)
                .map(str::to_owned),
        );
        tasks.extend(inbox::manager::open_tasks(engine, client).await?);
    }
    Ok(tasks)
}
