//! The work items that the engine opens itself: what a person must do when no step can say it.
//!
//! Every item names the actions that settle it, most a remedy, too; and it opens together with its
//! reminder. The same wish opened twice
//! is one item (see [`WorkItem::dedupe_key`]).

use std::fmt::Write as _;

use relay_core::case::Case;
use relay_core::clients::Subscription;
use relay_core::effects::{Audience, EffectKind, Failure};
use relay_core::ids::{CaseId, ClientId, JobId, WorkItemId};
use relay_core::time::Timestamp;
use relay_core::work_kinds;
use relay_http_client::CallError;
use relay_store::{Effect, Job, NewJob, Op, Receipt, WorkItem};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::engine::job_kinds::{Cancelling, JobKind};
use crate::engine::words::{effect_name, effect_name_first};
use crate::engine::{Engine, inbox_job};
use crate::rate_limit::{connection_key, ended_key};
use crate::remedy::RemedyCommand;

/// The kind of the item that tells of a job that was given up.
pub(crate) const DEAD_JOB: &str = work_kinds::DEAD_JOB;

/// The kind of the item that tells of answers which can't be read.
pub(crate) const DRIFT: &str = work_kinds::DRIFT;

/// Opens a work item and sets its reminder.
pub(crate) fn open_work_ops(engine: &Engine, item: WorkItem, now: Timestamp) -> Vec<Op> {
    let id = item.id;
    let reminder = reminder_job(engine, &item, item.remind_at, now);
    let asked = item.client.clone();
    let asked = asked.filter(|_| engine.people.asks_manager(&item));
    let asked =
        asked.and_then(|client| inbox_job::changed(engine, &client, &format!("opened/{id}")));
    let open = [
        Op::OpenWork(item),
        // Not for an item that was open already: that one is reminded of.
        Op::Remind {
            item: id,
            job: reminder,
        },
    ];
    open.into_iter().chain(asked).collect()
}

/// Adds where the client's page is in the portal, for whoever has nothing but the item.
pub(crate) fn add_page(engine: &Engine, client: &ClientId, detail: &mut Value) {
    if let (Some(detail), Some(page)) = (detail.as_object_mut(), engine.people.page_of(client)) {
        detail.insert("page".to_owned(), page.into());
    }
}

/// The job that reminds the owner of an item.
pub(crate) fn reminder_job(
    engine: &Engine,
    item: &WorkItem,
    run_at: Timestamp,
    now: Timestamp,
) -> NewJob {
    NewJob {
        id: JobId::new(engine.random.as_ref(), now),
        key: format!("reminder/{}", item.id),
        kind: JobKind::Reminder.name().to_owned(),
        // A reminder calls no vendor and must not stand in a client's way.
        lane: format!("reminder/{}", item.id),
        run_at,
        client: item.client.clone(),
        case: item.case,
        payload: json!({ "work_item": item.id }),
    }
}

/// The key of the item that tells that a job has failed.
pub(crate) fn failed_key(job: &Job) -> String {
    format!("dead/{}", job.id)
}

pub(crate) fn dead_item(engine: &Engine, job: &Job, case: Option<CaseId>, reason: &str) -> Vec<Op> {
    if is_delivery(job) {
        return Vec::new();
    }
    let mut title = dead_title(engine, job);
    if let Some(client) = &job.client {
        // Writing to a string can't fail.
        let _ = write!(title, " (client {client})");
    }
    let mut item = item(engine, failed_key(job), DEAD_JOB, title);
    item.detail = json!({ "job": job.id, "reason": reason,
                          "remedy": RemedyCommand::JobsReplay(job.id).to_string() });
    item.actions = vec!["replay".to_owned()];
    // Given up, some can be left at that; some would be somebody who is forgotten.
    let forgets = JobKind::of(job).map(|kind| engine.job_spec(kind).cancelling);
    if !matches!(forgets, None | Some(Cancelling::Never { .. })) {
        item.actions.push("cancel".to_owned());
    }
    item.client.clone_from(&job.client);
    item.case = case;
    open_work_ops(engine, item, engine.now())
}

/// Whether a job brings an item to its owner, or takes it away again: the item stands in the list of work in any
/// case, and a failure must not make another.
fn is_delivery(job: &Job) -> bool {
    let kind = job.payload["kind"].as_str().and_then(EffectKind::from_name);
    match kind {
        _ if JobKind::of(job) == Some(JobKind::Inbox) => true,
        Some(EffectKind::CloseTask) => job.case.is_none(),
        Some(kind) => kind.spec().failure == Failure::IsShownWithItsItem,
        None => false,
    }
}

pub(crate) fn unsettled_item_ops(
    engine: &Engine,
    job: &Job,
    effect: &Effect,
    evidence: &str,
) -> Vec<Op> {
    if is_delivery(job) {
        return Vec::new();
    }
    let title = format!(
        "Did {} come through? The relay can't tell",
        effect_name(effect.kind())
    );
    let mut item = item(
        engine,
        format!("unsettled/{}", effect.key()),
        work_kinds::UNSETTLED,
        title,
    );
    item.detail = json!({
        "job": job.id, "effect": effect.key(), "evidence": evidence,
        "request": effect.request, "sent_at": effect.intended_at, "looked": effect.probes,
        "work_item": effect.scope().work_item(),
    });
    // What reaches a client is never sent a second time, whoever asks: the hold of its case
    // offers the ways on (by hand, leave it out, close).
    item.actions = vec!["happened".to_owned()];
    if effect.kind().audience() != Audience::Client {
        item.actions.push("send".to_owned());
    }
    item.client = effect.scope().client().cloned();
    item.case = effect.scope().case();
    item.effect = Some(effect.key().clone());
    open_work_ops(engine, item, engine.now())
}

/// A vendor refuses our credential: one item per vendor, not one per client.
pub(crate) fn connection_item_ops(engine: &Engine, error: &CallError) -> Vec<Op> {
    let vendor = error.vendor.unwrap_or("vendor");
    // Without a status it was not the vendor that refused: there is no token to show any more.
    let key = match error.status {
        Some(_) => connection_key(vendor),
        None => ended_key(vendor),
    };
    broken_connection_ops(engine, key, vendor, &error.to_string())
}

/// The same, whoever found out: the item of `key`.
pub(crate) fn broken_connection_ops(
    engine: &Engine,
    key: String,
    vendor: &str,
    reason: &str,
) -> Vec<Op> {
    let title = format!("The relay is not let in by {vendor} any more: its credential is refused");
    let mut item = item(engine, key, work_kinds::CONNECTION, title);
    item.detail = json!({ "reason": reason,
                          "remedy": engine.ports.connections.remedy(vendor) });
    item.actions = vec!["done".to_owned()];
    open_work_ops(engine, item, engine.now())
}

pub(crate) fn alarm_ops(engine: &Engine, effect: &Effect, alarm: &str) -> Vec<Op> {
    let title = format!("Look at the contact: {alarm}");
    let mut item = item(
        engine,
        format!("alarm/{}", effect.key()),
        work_kinds::ALARM,
        title,
    );
    item.detail = json!({ "effect": effect.key(), "alarm": alarm });
    item.actions = vec!["done".to_owned()];
    item.client = effect.scope().client().cloned();
    item.effect = Some(effect.key().clone());
    open_work_ops(engine, item, engine.now())
}

pub(crate) fn item(engine: &Engine, dedupe_key: String, kind: &str, title: String) -> WorkItem {
    let now = engine.now();
    let remind_at = engine.calendar.next_working_morning(now);
    WorkItem {
        id: WorkItemId::new(engine.random.as_ref(), now),
        dedupe_key,
        kind: kind.to_owned(),
        owner: engine.people.admin.clone(),
        title,
        detail: serde_json::Value::Null,
        actions: Vec::new(),
        client: None,
        case: None,
        effect: None,
        opened_at: now,
        due: remind_at,
        remind_at,
        reminders: 0,
        settled: None,
    }
}

/// Something informational is held: nothing waits for it, but somebody should know.
pub(crate) fn held_item_ops(engine: &Engine, job: &Job, effect: &Effect, reason: &str) -> Vec<Op> {
    if is_delivery(job) {
        return Vec::new();
    }
    let title = format!("{} is held: {reason}", effect_name_first(effect.kind()));
    let mut item = item(
        engine,
        format!("held/{}", effect.key()),
        work_kinds::HELD,
        title,
    );
    item.detail = json!({ "job": job.id, "effect": effect.key(), "reason": reason,
                          "work_item": effect.scope().work_item(),
                          "remedy": RemedyCommand::JobsReplay(job.id).to_string() });
    item.actions = vec!["replay".to_owned(), "cancel".to_owned()];
    item.client = effect.scope().client().cloned();
    item.case = effect.scope().case();
    item.effect = Some(effect.key().clone());
    open_work_ops(engine, item, engine.now())
}

/// A subscription that we stopped can charge again: an admin must know before it does.
pub(crate) fn revived_item_ops(engine: &Engine, client: &ClientId, sub: &Subscription) -> Vec<Op> {
    let title = format!(
        "Subscription {} of client {client} was stopped and can charge again",
        sub.id
    );
    let mut item = item(
        engine,
        format!("revived/{}", sub.id),
        work_kinds::BILLING,
        title,
    );
    item.detail = json!({ "subscription": sub.id, "active": sub.active,
                          "auto_charge": sub.auto_charge,
                          "next_bill_date": sub.next_bill_date });
    item.actions = vec!["done".to_owned()];
    item.client = Some(client.clone());
    open_work_ops(engine, item, engine.now())
}

/// Content of a sender that can't be used: one item a sender, not one a webhook. Where the rest of it was read
/// (`in_part`), one for each thing that is wrong: each is somebody's row.
pub(crate) fn quarantine_item_ops(
    engine: &Engine,
    receipt: &Receipt,
    reason: Option<&str>,
    in_part: bool,
) -> Vec<Op> {
    let source = &receipt.source;
    let (key, title) = if in_part {
        let wrong = hex::encode(&Sha256::digest(reason.unwrap_or_default())[..8]);
        let title = format!("A part of what {source} tells can't be read, and was left out");
        (format!("quarantine/{source}/{wrong}"), title)
    } else {
        let title = format!("Webhooks from {source} can't be read");
        (format!("quarantine/{source}"), title)
    };
    let mut item = item(engine, key, work_kinds::RECEIPT, title);
    item.detail = json!({ "receipt": receipt.id, "reason": reason,
                          "remedy": "tell the sender's people; what is kept can be read in \
                                     the database, table receipts" });
    item.actions = vec!["done".to_owned()];
    open_work_ops(engine, item, engine.now())
}

/// A sender uses its ids for more than one event: one item a sender.
pub(crate) fn reused_id_ops(engine: &Engine, receipt: &Receipt, id: &str) -> Vec<Op> {
    let source = &receipt.source;
    let title = format!("{source} uses one webhook id for different events");
    let mut item = item(
        engine,
        format!("reused_id/{source}"),
        work_kinds::RECEIPT,
        title,
    );
    item.detail = json!({ "receipt": receipt.id, "webhook_id": id,
                          "reason": "every event needs an id of its own: a second event under \
                                     a known one looks like a repeat",
                          "remedy": "tell the sender's people. Nothing was lost: what came \
                                     under a known id and said something else was read" });
    item.actions = vec!["done".to_owned()];
    open_work_ops(engine, item, engine.now())
}

/// A case that has not moved for a month: nothing automatic, but the manager hears (E31).
pub(crate) fn stale_item_ops(engine: &Engine, case: &Case) -> Vec<Op> {
    let title = format!(
        "The case of client {} has not moved for 30 days",
        case.client
    );
    let mut item = item(
        engine,
        format!("stale/{}", case.id),
        work_kinds::STALE,
        title,
    );
    item.owner.clone_from(&engine.people.program_manager);
    item.detail = json!({ "case": case.id, "step": case.step, "changed_at": case.changed_at,
                          "remedy": RemedyCommand::CasesShow(case.id).to_string() });
    item.actions = vec!["done".to_owned()];
    item.client = Some(case.client.clone());
    item.case = Some(case.id);
    open_work_ops(engine, item, engine.now())
}

/// The title of the item that a dead job leaves, where its effect is not at hand.
fn dead_title(engine: &Engine, job: &Job) -> String {
    match JobKind::of(job) {
        Some(kind) => (engine.job_spec(kind).lost)(job),
        None => format!(
            "Work of a kind that this release does not know was given up: {}",
            job.kind
        ),
    }
}
