//! Reminds the owner of a work item, every working day until it is settled.
//!
//! For now a reminder is what `work list` shows (how often, since when, whose turn it is) and a
//! line in the log; pings in the team's chat come with its adapter.

use relay_core::ids::WorkItemId;
use relay_core::time::Timestamp;
use relay_store::{Job, JobEnd, Op, WorkItem};

use crate::engine::effect::release;
use crate::engine::finish::member;
use crate::engine::job_kinds::{Asks, Cancelling, Death, JobSpec};
use crate::engine::{Engine, EngineError, finish, inbox};

/// After so many reminders an item whose owner is a coach goes to the Program Manager (A8).
const ESCALATE_AFTER: u32 = 2;

/// The row of this kind.
pub(super) const SPEC: JobSpec = JobSpec {
    schedule: None,
    asks: Asks::Nothing,
    lost: |_| "The owner of a work item could not be reminded".to_owned(),
    death: Death::IsToldOnly,
    cancelling: Cancelling::Never {
        instead: "it reminds the owner of an open work item, and nothing else does: settle the item \
                  (`clear-relay work list`, `clear-relay work done ITEM --action ACTION --by NAME`)",
    },
    run: |engine, job| Box::pin(run_reminder(engine, job)),
};

pub(super) async fn run_reminder(engine: &Engine, job: &Job) -> Result<(), EngineError> {
    let id: WorkItemId = member(job, "work_item")?;
    let item = engine.store.work_item(id).await?;
    let Some(item) = item.filter(|item| item.settled.is_none()) else {
        return finish::end(engine, job, JobEnd::Done, vec![]).await;
    };
    let now = engine.now();
    if item.remind_at > now {
        let why = "the reminder was moved".to_owned();
        return finish::end(engine, job, JobEnd::snooze(item.remind_at, why), vec![]).await;
    }
    if let Some(ops) = release::tidy_list(engine, &item).await? {
        return finish::end(engine, job, JobEnd::Done, ops).await;
    }
    let next = engine.calendar.next_working_morning(now);
    let (to, at) = escalation(&item);
    let late = at.map_or(item.reminders + 1 >= ESCALATE_AFTER, |at| at <= now);
    let escalate = late && item.owner != engine.people.admin;
    let owner = if escalate {
        to.unwrap_or_else(|| engine.people.program_manager.clone())
    } else {
        item.owner
    };
    tracing::info!(work_item = %id, kind = item.kind, reminders = item.reminders + 1, "reminded");
    let mut ops = Vec::new();
    if escalate && let Some(client) = &item.client {
        ops.extend(inbox::changed(engine, client, &format!("handed_up/{id}")));
    }
    ops.push(Op::RemindWork { id, next, owner });
    finish::end(
        engine,
        job,
        JobEnd::snooze(next, "until the next reminder".to_owned()),
        ops,
    )
    .await
}

/// To whom an item goes, and when, where the step that opened it said so (A8).
fn escalation(item: &WorkItem) -> (Option<String>, Option<Timestamp>) {
    let escalate = &item.detail["escalate"];
    let to = escalate["to"].as_str().map(str::to_owned);
    let at = serde_json::from_value(escalate["at"].clone()).ok();
    (to, at)
}
