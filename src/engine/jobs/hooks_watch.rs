//! Every few minutes: do the CRM's subscriptions still tell us, and if one did not, what was it
//! that we were not told? The thinking is in [`hook_watch`](crate::engine::sync::hook_watch).

use std::collections::BTreeSet;

use relay_core::effects::{EffectKind, Port};
use relay_core::ids::{ClientId, ContactId};
use relay_core::rate_limit::Priority;
use relay_core::retry::Class;
use relay_core::time::{SignedDuration, Timestamp, earlier, later};
use relay_core::work_kinds;
use relay_store::{CaseFilter, EffectState, Job, Op, Page, WorkSettled};
use serde_json::json;

use crate::engine::finish::fence;
use crate::engine::job_kinds::{Asks, BY_ITSELF, Death, JobSpec, PeriodicSchedule};
use crate::engine::sync::hints::{ClientHint, Origin, STOPPED};
use crate::engine::sync::hook_watch::{OVERLAP, Watch, put_watch};
use crate::engine::sync::{hints, hook_watch, presence};
use crate::engine::{Engine, EngineError, finish, inbox, items};
use crate::failpoint::{REREAD_CALL, REREAD_COMMIT};
use crate::ports::{Among, Changed, HookStatus, SyncWish};
use crate::receipts::{Hint, HintObject};

/// When to look again where there is nothing to look at: the configuration may have changed.
const NOTHING_TO_WATCH: SignedDuration = SignedDuration::from_hours(24);

/// The work item about subscriptions that can't be restored.
const ITEM: &str = "hooks";

/// How many cases are read from the store at once.
const PAGE: u32 = 500;

/// The row of this kind.
pub(super) const SPEC: JobSpec = JobSpec {
    schedule: Some(PeriodicSchedule {
        next: next_hooks_watch,
        has_work: |_| true,
    }),
    asks: Asks::Of(Priority::Background, &[Port::Crm]),
    lost: |_| "The CRM's webhook subscriptions could not be looked after".to_owned(),
    death: Death::IsToldOnly,
    cancelling: BY_ITSELF,
    run: |engine, job| Box::pin(run_hooks_watch(engine, job)),
};

pub(super) fn next_hooks_watch(engine: &Engine, now: Timestamp) -> Timestamp {
    let every = engine.ports.hooks.every().unwrap_or(NOTHING_TO_WATCH);
    later(now, every)
}

pub(super) async fn run_hooks_watch(engine: &Engine, job: &Job) -> Result<(), EngineError> {
    let now = engine.now();
    let next = next_hooks_watch(engine, now);
    let registry = &engine.ports.hooks;
    let Some(every) = registry.every() else {
        let why = "no subscriptions are configured".to_owned();
        return finish::put_off(engine, job, next, why, Vec::new()).await;
    };
    let mut watch = hook_watch::hook_watch(engine).await?;
    let asked = hook_watch::asked_to_read_back(engine).await?;
    let mut statuses = engine.call(REREAD_CALL, registry.list()).await?;
    if watch.is_not_set_up(&statuses) {
        let why = "there are none yet: `clear-relay hooks sync` makes them".to_owned();
        return finish::put_off(engine, job, next, why, Vec::new()).await;
    }
    if watch.notice(&statuses, asked.map(|ask| ask.since), every, now) {
        // Stored before anything is restored: afterwards nothing would tell that it was inactive.
        let ops = vec![Op::RequireFence(fence(job)), put_watch(&watch)];
        engine.commit(REREAD_COMMIT, ops).await?;
    }
    let inactive = watch.to_restore(&statuses, now);
    if !inactive.is_empty() {
        tracing::warn!(events = ?inactive, "subscriptions are inactive or missing; restoring them");
        let wish = SyncWish {
            only: Some(inactive),
            ..SyncWish::default()
        };
        let tried = engine.call(REREAD_CALL, registry.sync(wish)).await?.hooks;
        watch.restored(&tried, every, now);
        take_over(&mut statuses, tried);
    }
    let mut ops = recover(engine, &mut watch, &statuses, now).await?;
    watch.looked(&statuses, now);
    ops.push(put_watch(&watch));
    ops.extend(hook_watch::answered_op(engine, asked).await?);
    ops.extend(hooks_item_ops(engine, &watch, now));
    finish::put_off(engine, job, next, "until the next look".to_owned(), ops).await
}

/// Reads what changed in the gaps: jobs for what we were not told of, and how many.
async fn recover(
    engine: &Engine,
    watch: &mut Watch,
    statuses: &[HookStatus],
    now: Timestamp,
) -> Result<Vec<Op>, EngineError> {
    let mut ops = Vec::new();
    for (object, lost_since) in watch.gaps(statuses) {
        let since = earlier(lost_since, OVERLAP);
        let mut untold = untold(engine, object, since).await?;
        if object == HintObject::Contact {
            untold.extend(gone_contacts(engine, &untold, now).await?);
        }
        // Whose tags have changed is not known before they are looked at.
        let is_counted = object != HintObject::Tags;
        let changes = if is_counted { untold.len() } else { 0 };
        let object_name = object.as_str();
        tracing::info!(
            object = object_name,
            from = %lost_since,
            until = %now,
            changes,
            "read back what the subscriptions did not tell"
        );
        watch.recovered(object, changes, now);
        ops.extend(hints::watched_ops(engine, &Origin::gap(now), untold).await?);
    }
    Ok(ops)
}

/// What concerns clients of ours, changed since, and was not told.
async fn untold(
    engine: &Engine,
    object: HintObject,
    since: Timestamp,
) -> Result<Vec<ClientHint>, EngineError> {
    let ids = match object {
        HintObject::Contact => None,
        HintObject::Task => Some(open_tasks(engine).await?),
        HintObject::Subscription => Some(stopped_subscriptions(engine).await?),
        // When a tag was put on is told by nothing but the contact itself.
        HintObject::Tags => return tags_of_all_we_follow(engine).await,
    };
    let among = match &ids {
        None => Among::All,
        Some(ids) if ids.is_empty() => return Ok(Vec::new()),
        Some(ids) => Among::Ids(ids),
    };
    let changed = engine.ports.hooks.changed_since(object, among, since);
    let changed = match engine.call(REREAD_CALL, changed).await {
        Err(error) if error.class == Class::Permanent => {
            // A gap that can't be listed must not stay open forever.
            let object = object.as_str();
            tracing::warn!(object, %error, "changes can't be listed: reads what is followed up");
            all_we_follow(engine, ids).await?
        }
        other => other?,
    };
    let mut untold = Vec::new();
    for found in changed {
        let hint = Hint {
            object,
            id: found.id,
            at: found.at,
            deleted: false,
            tag: None,
        };
        let clients = hints::clients_of_hint(engine, &hint).await?;
        if !clients.is_empty() && !hints::was_told(engine, object, &hint.id, found.at).await? {
            untold.push(ClientHint { hint, clients });
        }
    }
    Ok(untold)
}

/// What is read where the CRM doesn't list changes (more than we read, a filter it refuses):
/// the objects we know of, as if each had changed.
async fn all_we_follow(
    engine: &Engine,
    ids: Option<Vec<String>>,
) -> Result<Vec<Changed>, EngineError> {
    let ids = if let Some(ids) = ids {
        ids
    } else {
        let contacts = followed_contacts(engine).await?;
        contacts.into_iter().map(|contact| contact.0).collect()
    };
    Ok(ids.into_iter().map(|id| Changed { id, at: None }).collect())
}

/// The tags of every client who is followed up, to be looked at.
async fn tags_of_all_we_follow(engine: &Engine) -> Result<Vec<ClientHint>, EngineError> {
    let mut all = Vec::new();
    for contact in followed_contacts(engine).await? {
        let hint = Hint {
            object: HintObject::Tags,
            id: contact.to_string(),
            at: None,
            deleted: false,
            tag: None,
        };
        let clients = hints::clients_of_hint(engine, &hint).await?;
        all.push(ClientHint { hint, clients });
    }
    Ok(all)
}

/// The contacts of clients who are followed up.
async fn followed_contacts(engine: &Engine) -> Result<BTreeSet<ContactId>, EngineError> {
    let mut contacts = BTreeSet::new();
    for client in followed_up(engine).await? {
        if let Some(link) = engine.store.link(&client).await? {
            contacts.insert(link.contact);
        }
    }
    Ok(contacts)
}

/// Contacts of clients who are followed up that are not there any more: no list shows a
/// deletion. One that is known to be gone is not told again.
async fn gone_contacts(
    engine: &Engine,
    found: &[ClientHint],
    now: Timestamp,
) -> Result<Vec<ClientHint>, EngineError> {
    let contacts: Vec<ContactId> = followed_contacts(engine)
        .await?
        .into_iter()
        .filter(|contact| !found.iter().any(|known| known.hint.id == contact.as_str()))
        .collect();
    if contacts.is_empty() {
        return Ok(Vec::new());
    }
    let existing = engine.ports.contacts.existing(&contacts);
    let there: BTreeSet<ContactId> = engine
        .call(REREAD_CALL, existing)
        .await?
        .into_iter()
        .collect();
    let mut gone = Vec::new();
    for contact in contacts.into_iter().filter(|id| !there.contains(id)) {
        let mut clients = engine.store.clients_of(&contact).await?;
        let mut unaware = Vec::new();
        for client in clients.drain(..) {
            if !presence::knows_gone(engine, &client, Some(&contact)).await? {
                unaware.push(client);
            }
        }
        if !unaware.is_empty() {
            let hint = Hint {
                object: HintObject::Contact,
                id: contact.to_string(),
                at: Some(now),
                deleted: true,
                tag: None,
            };
            let clients = unaware;
            gone.push(ClientHint { hint, clients });
        }
    }
    Ok(gone)
}

/// Clients with an open case.
async fn followed_up(engine: &Engine) -> Result<BTreeSet<ClientId>, EngineError> {
    let cases = all_open_cases(engine).await?;
    Ok(cases.into_iter().map(|case| case.client).collect())
}

/// Call tasks that open cases have made, and those by which coaches are asked.
async fn open_tasks(engine: &Engine) -> Result<Vec<String>, EngineError> {
    let mut tasks = inbox::daily::open_tasks(engine).await?;
    for case in all_open_cases(engine).await? {
        let effects = engine.store.effects(case.id).await?;
        let made = effects.iter().filter(|effect| {
            effect.kind() == EffectKind::CallTask && effect.state == EffectState::Done
        });
        tasks.extend(
            made.filter_map(crate::effects::vendor_ref)
                .map(str::to_owned),
        );
    }
    Ok(tasks)
}

/// Subscriptions that we have stopped.
async fn stopped_subscriptions(engine: &Engine) -> Result<Vec<String>, EngineError> {
    let stopped = engine.store.settings(STOPPED).await?;
    let ids = stopped.into_iter();
    Ok(ids
        .filter_map(|(key, _)| key.strip_prefix(STOPPED).map(str::to_owned))
        .collect())
}

async fn all_open_cases(engine: &Engine) -> Result<Vec<relay_core::case::Case>, EngineError> {
    let mut all = Vec::new();
    loop {
        let page = Page {
            offset: u32::try_from(all.len()).unwrap_or(u32::MAX),
            limit: PAGE,
        };
        let cases = engine.store.cases(&CaseFilter::default(), page).await?;
        let last = cases.len() < PAGE as usize;
        all.extend(cases);
        if last {
            return Ok(all);
        }
    }
}

/// The admin hears of what could not be restored in spite of several tries, until it is.
fn hooks_item_ops(engine: &Engine, watch: &Watch, now: Timestamp) -> Vec<Op> {
    let beyond_us = watch.beyond_us();
    if beyond_us.is_empty() {
        return vec![Op::SettleWorkByKey {
            dedupe_key: ITEM.to_owned(),
            settled: WorkSettled {
                at: now,
                by: "relay".to_owned(),
                action: "every subscription is active again".to_owned(),
            },
        }];
    }
    let events: Vec<_> = beyond_us
        .iter()
        .map(|(event, why)| json!({ "event": event, "why": why }))
        .collect();
    let names: Vec<_> = beyond_us.iter().map(|(event, _)| *event).collect();
    let title = format!(
        "The CRM does not tell us of {}: the subscription can't be restored",
        names.join(", ")
    );
    let mut item = items::item(engine, ITEM.to_owned(), work_kinds::HOOKS, title);
    item.detail = json!({
        "events": events,
        "remedy": "see that http.public_url is reachable from outside, then run \
                   `clear-relay hooks sync`; what was missed is read back by itself",
    });
    item.actions = vec!["done".to_owned()];
    items::open_work_ops(engine, item, now)
}

/// What was tried stands as it is now.
fn take_over(statuses: &mut [HookStatus], tried: Vec<HookStatus>) {
    for hook in tried {
        if let Some(place) = statuses.iter_mut().find(|known| known.event == hook.event) {
            *place = hook;
        }
    }
}
