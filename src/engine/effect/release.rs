//! What waits for a person while the memory may be too old: one item with a list.
//!
//! An email that was not found at the vendor may have gone out all the same, for its absence is never
//! proven. While the database may not know what was sent, such an email is not sent by itself but
//! listed, with the client and the check-in, in one work item for the Program Manager: not one item
//! per client. It stays planned and is looked for again; one that is found leaves the list.
//!
//! Her ways on: `release` sends what is listed (each past its guard, as ever), `happened` records that
//! it went out. Both take the clients they are meant for, or all.

use relay_core::effects::Settled;
use relay_core::ids::{ClientId, EffectKey};
use relay_core::time::{Date, SignedDuration, later};
use relay_core::work_kinds;
use relay_store::{
    Effect, EffectState, Existing, Job, NewJob, Op, WorkItem, WorkSettled, effect_job_key,
};
use serde_json::json;

use crate::engine::effect::settle;
use crate::engine::effect::settle::EffectEnding;
use crate::engine::memory::{OldMemory, old_memory};
use crate::engine::{Engine, EngineError, days, finish, items};

/// The kind of the item, and its dedupe key.
pub(crate) const ITEM: &str = work_kinds::MEMORY;

/// How often a listed email is looked for again.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_hours(6);

/// The member of a job's payload that says that a person has released it.
const RELEASED: &str = "released";

/// Whether an email about the check-in due on `due`, which was not found at the vendor, must wait
/// for a person. If so, it is listed and its job put off.
pub(crate) async fn waits_for_release(
    engine: &Engine,
    job: &Job,
    effect: &Effect,
    due: Date,
) -> Result<bool, EngineError> {
    if job.payload.get(RELEASED).is_some() {
        return Ok(false);
    }
    let Some(old) = old_memory(engine.store.as_ref()).await? else {
        return Ok(false);
    };
    // Nothing about a check-in that came after the hole can have gone out in it.
    if days::start_of(engine, due) >= old.until {
        return Ok(false);
    }
    let now = engine.now();
    let mut ops = items::open_work_ops(engine, memory_item(engine, &old), now);
    ops.push(Op::ListInWork {
        dedupe_key: ITEM.to_owned(),
        entry: effect.key().to_string(),
        value: Some(json!({
            "client": effect.scope().client(), "kind": effect.kind(), "check_in_due": due,
        })),
    });
    let at = later(now, LOOK_AGAIN);
    let why = "it may have gone out before: a person releases it (`work list`)".to_owned();
    finish::put_off(engine, job, at, why, ops).await?;
    Ok(true)
}

fn memory_item(engine: &Engine, old: &OldMemory) -> WorkItem {
    let title = "Emails that may have been sent already wait for your word: the relay's \
                 database may not know what was sent"
        .to_owned();
    let mut item = items::item(engine, ITEM.to_owned(), ITEM, title);
    item.owner.clone_from(&engine.people.program_manager);
    item.detail = json!({
        "why": old.why, "not_known_before": old.until, "list": {},
        "remedy": "look in the CRM whether each client has the email about this check-in; then \
                   `release` sends those that are missing, `happened` records those that are \
                   there; --with CLIENT,CLIENT names some of them, without it all are meant",
    });
    item.actions = vec!["release".to_owned(), "happened".to_owned()];
    item
}

/// Takes an ended effect off the list, if it stands there.
pub(crate) fn off_the_list(effect: &Effect) -> Op {
    Op::ListInWork {
        dedupe_key: ITEM.to_owned(),
        entry: effect.key().to_string(),
        value: None,
    }
}

/// A person decides about what is listed: all of it, or that of some clients.
pub(crate) async fn settle_list(
    engine: &Engine,
    item: &WorkItem,
    by: &str,
    action: &str,
    clients: Option<&str>,
    audit: Op,
) -> Result<(), EngineError> {
    let wanted: Option<Vec<&str>> =
        clients.map(|clients| clients.split(',').map(str::trim).collect());
    let listed = item.detail["list"].as_object().cloned().unwrap_or_default();
    let mut left = listed.len();
    let mut ops = vec![audit];
    let mut named = 0;
    for key in listed.keys() {
        let Some(effect) = engine.store.effect(&EffectKey(key.clone())).await? else {
            left -= 1;
            continue;
        };
        let client = effect.scope().client().map(ClientId::as_str);
        let meant = wanted
            .as_ref()
            .is_none_or(|wanted| client.is_some_and(|client| wanted.contains(&client)));
        named += usize::from(meant);
        if effect.state == EffectState::Planned && !meant {
            continue;
        }
        left -= 1;
        ops.push(off_the_list(&effect));
        if effect.state == EffectState::Planned {
            ops.extend(decided_of_listed(engine, &effect, by, action).await?);
        }
    }
    if named == 0 && wanted.is_some() {
        return Err(EngineError::Refused(
            "no client of that name is listed; `work show` tells who is".to_owned(),
        ));
    }
    if left == 0 {
        ops.push(Op::SettleWork {
            id: item.id,
            settled: WorkSettled {
                at: engine.now(),
                by: by.to_owned(),
                action: action.to_owned(),
            },
        });
    }
    match engine.commit(crate::failpoint::SETTLE, ops).await {
        Err(error) if error.is_conflict() => Err(EngineError::Refused(
            "one of them is being looked for at this moment: try again".to_owned(),
        )),
        other => {
            engine.wake.notify_one();
            other.map(|_| ())
        }
    }
}

async fn decided_of_listed(
    engine: &Engine,
    effect: &Effect,
    by: &str,
    action: &str,
) -> Result<Vec<Op>, EngineError> {
    let now = engine.now();
    let key = effect_job_key(effect.key());
    let Some(job) = engine.store.job_by_key(&key).await? else {
        return Ok(Vec::new());
    };
    if action == "happened" {
        let mut stepping = settle::stepping_of(engine, effect).await?;
        let settled = Settled::Done {
            at: now,
            vendor_ref: None,
            by_probe: false,
        };
        let ending = EffectEnding::new(EffectState::Done, settled);
        settle::end_effect(
            engine,
            &mut stepping,
            effect,
            &[EffectState::Planned],
            ending,
        )
        .await?;
        let why = format!("{by} has seen that it happened");
        stepping.push(Op::CancelJob {
            id: job.id,
            why,
            at: now,
        });
        return Ok(stepping.into_ops());
    }
    let mut payload = job.payload.clone();
    payload[RELEASED] = json!(true);
    Ok(vec![Op::Enqueue {
        job: NewJob {
            id: job.id,
            key,
            kind: job.kind,
            lane: job.lane,
            run_at: now,
            client: job.client,
            case: job.case,
            payload,
        },
        existing: Existing::Reschedule,
    }])
}

/// Before somebody is reminded: what has ended otherwise (its case closed, it was found) leaves
/// the list, and an item whose list is empty has done its work. `None`: remind her.
pub(crate) async fn tidy_list(
    engine: &Engine,
    item: &WorkItem,
) -> Result<Option<Vec<Op>>, EngineError> {
    if item.kind != ITEM {
        return Ok(None);
    }
    for key in item.detail["list"].as_object().into_iter().flatten() {
        let effect = engine.store.effect(&EffectKey(key.0.clone())).await?;
        if effect.is_some_and(|effect| effect.state == EffectState::Planned) {
            return Ok(None);
        }
    }
    Ok(Some(vec![Op::SettleWork {
        id: item.id,
        settled: WorkSettled {
            at: engine.now(),
            by: "relay".to_owned(),
            action: "overtaken".to_owned(),
        },
    }]))
}
