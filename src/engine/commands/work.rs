//! What settling a work item by one of its actions means, and what can refuse it.
//!
//! Command and dry run ask the same (`settling`): each action becomes one member of `Settling`,
//! with everything checked, and only then is anything stored.

use relay_core::effects::Settled;
use relay_core::ids::{CaseId, JobId, MessageId, WorkItemId};
use relay_core::incidents::IncidentClass;
use relay_core::work_kinds;
use relay_core::workflow::Action;
use relay_store::{Effect, EffectState, Job, JobState, Op, WorkItem, WorkSettled, effect_job_key};
use serde_json::json;

use crate::engine::commands::cases::{parse_action, refused};
use crate::engine::commands::replay::Preview;
use crate::engine::commands::{cases, preview, replay};
use crate::engine::effect::release::ITEM;
use crate::engine::effect::settle::EffectEnding;
use crate::engine::effect::{release, settle};
use crate::engine::sync::{backlog, holidays};
use crate::engine::{Engine, EngineError, RELAY, inbox, incidents};
use crate::failpoint::SETTLE;
use crate::remedy::RemedyCommand;

/// What settling a work item comes to.
#[derive(Debug)]
enum Settling {
    /// Its job is cancelled.
    CancelJob(JobId),
    /// Its job is replayed.
    ReplayJob(JobId),
    /// What can't be told is sent by a person's word.
    SendAgain { effect: Box<Effect>, job: JobId },
    /// A person has seen that it happened.
    Happened { effect: Box<Effect> },
    /// A check-in of the backlog is followed up.
    Release(Box<Job>),
    /// Emails that may have gone out while the memory was too old: all of the list, or of some clients.
    List { clients: Option<String> },
    /// A decision about a case.
    Decide {
        case: CaseId,
        decision: Action,
        /// Why it is not carried out yet: she must be shown something first.
        not_yet: Option<String>,
    },
    /// What an incident holds is tried now; the item ends with the incident.
    TryNow {
        vendor: String,
        class: IncidentClass,
    },
    /// Nothing but the item.
    Alone,
}

/// Settles a work item by one of its actions. `text` is what the action needs: a date for
/// `promised`, a reason for `close`, an outcome for `call_outcome`.
pub async fn settle_work(
    engine: &Engine,
    id: WorkItemId,
    by: &str,
    action: &str,
    text: Option<&str>,
) -> Result<(), EngineError> {
    let (item, settling) = settling(engine, id, by, action, text, false).await?;
    let settle = Op::SettleWork {
        id,
        settled: WorkSettled {
            at: engine.now(),
            by: by.to_owned(),
            action: action.to_owned(),
        },
    };
    let audit = cases::audit(
        engine,
        by,
        "work",
        &id.to_string(),
        json!({ "action": action }),
    );
    let mut ops = match item.settled {
        None => vec![settle, audit],
        Some(_) => vec![audit],
    };
    if let Some(client) = &item.client {
        ops.extend(inbox::changed(engine, client, &format!("settled/{id}")));
    }
    match settling {
        // Both settle this item, by its key.
        Settling::CancelJob(job) => replay::cancel_job(engine, job, by).await,
        Settling::ReplayJob(job) => match replay::replay(engine, job, by).await? {
            Preview::Nothing { why } | Preview::NeedsYou { why } => {
                refused(format!("it can't be replayed: {why}"))
            }
            Preview::AlreadyDone { .. } | Preview::WillSend | Preview::WillRun => Ok(()),
        },
        Settling::SendAgain { effect, job } => cases::plan_again(engine, &effect, job, ops).await,
        Settling::Happened { effect } => happened(engine, &item, &effect, ops).await,
        Settling::Release(job) => {
            let mut ops = ops;
            ops.push(backlog::release(&job, engine.now()));
            engine.commit(SETTLE, ops).await?;
            engine.wake.notify_one();
            Ok(())
        }
        Settling::List { clients } => {
            let audit = cases::audit(
                engine,
                by,
                "work",
                &id.to_string(),
                json!({ "action": action }),
            );
            release::settle_list(engine, &item, by, action, clients.as_deref(), audit).await
        }
        Settling::TryNow { vendor, class } => {
            incidents::turns::try_now(engine, &vendor, class, by).await?;
            Ok(())
        }
        // Settled before the case moves: what it no longer asks, it settles in its own name.
        Settling::Decide { case, decision, .. } => {
            cases::decide_case_after(engine, case, by, decision, &messages_of(&item), &ops).await
        }
        Settling::Alone => {
            engine.commit(SETTLE, ops).await?;
            // A backlog that is dropped, or a question answered, may let others go on.
            engine.wake.notify_one();
            tracing::info!(work_item = %item.id, action, "settled");
            Ok(())
        }
    }
}

/// What settling an item by `action` would do, a line each; refused as the settling is.
pub async fn preview_settling(
    engine: &Engine,
    id: WorkItemId,
    by: &str,
    action: &str,
    text: Option<&str>,
) -> Result<Vec<String>, EngineError> {
    let (item, settling) = settling(engine, id, by, action, text, true).await?;
    Ok(match settling {
        Settling::CancelJob(_) => vec!["its job is cancelled".to_owned()],
        Settling::ReplayJob(_) => vec!["its job runs again".to_owned()],
        Settling::SendAgain { .. } => vec!["it is guarded again, then sent".to_owned()],
        Settling::Happened { .. } => {
            vec!["it is stored as done, and nothing is sent".to_owned()]
        }
        Settling::Release(_) => vec!["the check-in is followed up from now on".to_owned()],
        Settling::List { .. } if action == "happened" => {
            vec!["they are stored as done, and nothing is sent".to_owned()]
        }
        Settling::List { .. } => vec!["each is guarded again, then sent".to_owned()],
        Settling::Decide {
            not_yet: Some(why), ..
        } => return refused(why),
        // Of somebody who has been shown what the item names: said as of one who was not, it
        // could be refused for that alone.
        Settling::Decide { case, decision, .. } => {
            let shown = messages_of(&item);
            preview::preview_shown(engine, case, by, &decision, &shown).await?
        }
        Settling::TryNow { vendor, class } => {
            let held = incidents::held(engine, &vendor, class).await?;
            vec![format!(
                "what waits is tried now ({held}), past its guard; the item stays until the incident is over"
            )]
        }
        Settling::Alone => Vec::new(),
    })
}

/// What settling an item by `action` means, with everything checked that can refuse it. What
/// cancelling and replaying a job refuse by themselves is asked only for a dry run (`ask`): it
/// may ask a vendor, and once is enough.
async fn settling(
    engine: &Engine,
    id: WorkItemId,
    by: &str,
    action: &str,
    text: Option<&str>,
    ask: bool,
) -> Result<(WorkItem, Settling), EngineError> {
    let Some(item) = engine.store.work_item(id).await? else {
        return refused(format!(
            "there is no work item {id}; `{}` shows them",
            RemedyCommand::WorkList
        ));
    };
    if let Some(settled) = &item.settled
        && !is_late_outcome(&item, action)
    {
        return refused(format!(
            "settled already by {} ({})",
            settled.by, settled.action
        ));
    }
    if !item.actions.iter().any(|known| known == action) {
        return refused(format!(
            "{action} is not one of this item's actions: {}",
            item.actions.join(", ")
        ));
    }
    let settling = match item.kind.as_str() {
        work_kinds::DEAD_JOB | work_kinds::HELD => {
            settling_dead(engine, &item, by, action, ask).await?
        }
        work_kinds::UNSETTLED => settling_unsettled(engine, &item, action).await?,
        // Its row was damaged, and nobody can tell whether it was carried out.
        work_kinds::DAMAGE if item.effect.is_some() && action == "happened" => {
            settling_unsettled(engine, &item, action).await?
        }
        incidents::INCIDENT => match incidents::of_item(&item) {
            Some((vendor, class)) => Settling::TryNow { vendor, class },
            None => return refused("the item names no incident"),
        },
        work_kinds::BACKLOG => settling_backlog(engine, &item, action).await?,
        work_kinds::CONNECTION
        | work_kinds::ALARM
        | work_kinds::BILLING
        | work_kinds::LINK
        | work_kinds::STALE
        | work_kinds::DRIFT
        | work_kinds::UNKNOWN_CLIENT
        | work_kinds::OPEN_BREAK
        | work_kinds::STATUS_WORD
        | work_kinds::CLOCK
        | work_kinds::STUCK
        | incidents::OVER
        | inbox::late::STOPPED
        | holidays::ITEM => Settling::Alone,
        ITEM => Settling::List {
            clients: text.map(str::to_owned),
        },
        _ => settling_case_item(engine, &item, by, action, text).await?,
    };
    Ok((item, settling))
}

/// An item that a step opened: its action is a decision about the case, which settles it.
async fn settling_case_item(
    engine: &Engine,
    item: &WorkItem,
    by: &str,
    action: &str,
    text: Option<&str>,
) -> Result<Settling, EngineError> {
    let decision = parse_action(action, text)?;
    if decision.is_none() && action != "done" {
        // Settling the item alone would leave its case waiting for nobody.
        return refused(format!("the relay can't carry out {action} for this item"));
    }
    Ok(match (item.case, decision) {
        (Some(case), Some(decision)) => {
            let shown = messages_of(item);
            let decided = cases::deciding(engine, case, by, &decision, &shown, &[]).await?;
            Settling::Decide {
                case,
                decision,
                not_yet: decided.refused,
            }
        }
        _ => Settling::Alone,
    })
}

async fn settling_dead(
    engine: &Engine,
    item: &WorkItem,
    by: &str,
    action: &str,
    ask: bool,
) -> Result<Settling, EngineError> {
    let id: JobId = detail(item, "job")?;
    let job = engine.store.job(id).await?;
    let lives = job.is_some_and(|job| {
        matches!(
            job.state,
            JobState::Ready | JobState::Running | JobState::Done
        )
    });
    if lives && action == "replay" {
        // It runs again, or has come through, without anybody's doing.
        return Ok(Settling::Alone);
    }
    if action == "cancel" {
        if ask {
            replay::check_cancel(engine, id, by).await?;
        }
        return Ok(Settling::CancelJob(id));
    }
    if !ask {
        return Ok(Settling::ReplayJob(id));
    }
    let Some(job) = engine.store.job(id).await? else {
        return refused("its job is no longer stored");
    };
    match replay::preview(engine, &job).await? {
        Preview::Nothing { why } | Preview::NeedsYou { why } => {
            refused(format!("it can't be replayed: {why}"))
        }
        Preview::AlreadyDone { .. } | Preview::WillSend | Preview::WillRun => {
            Ok(Settling::ReplayJob(id))
        }
    }
}

async fn settling_unsettled(
    engine: &Engine,
    item: &WorkItem,
    action: &str,
) -> Result<Settling, EngineError> {
    let Some(key) = &item.effect else {
        return refused("the item names no effect");
    };
    let Some(effect) = engine.store.effect(key).await? else {
        return refused("the effect is not stored");
    };
    if effect.state != EffectState::Unsettled {
        return refused(format!(
            "this is answered already: the effect is {}",
            effect.state.as_str()
        ));
    }
    let effect = Box::new(effect);
    Ok(if action == "send" {
        let job: JobId = detail(item, "job")?;
        Settling::SendAgain { effect, job }
    } else {
        Settling::Happened { effect }
    })
}

async fn settling_backlog(
    engine: &Engine,
    item: &WorkItem,
    action: &str,
) -> Result<Settling, EngineError> {
    if action != "release" {
        return Ok(Settling::Alone);
    }
    let id: JobId = detail(item, "job")?;
    match engine.store.job(id).await? {
        Some(job) => Ok(Settling::Release(Box::new(job))),
        None => refused("its job is no longer stored"),
    }
}

/// A person says that an effect that can't be probed happened.
async fn happened(
    engine: &Engine,
    item: &WorkItem,
    effect: &Effect,
    ops: Vec<Op>,
) -> Result<(), EngineError> {
    let now = engine.now();
    let mut stepping = settle::stepping_of(engine, effect).await?;
    for op in ops {
        stepping.push(op);
    }
    let at = effect.intended_at.unwrap_or(now);
    let settled = Settled::Done {
        at,
        vendor_ref: None,
        by_probe: false,
    };
    let asked = effect.request.iter();
    let ending = EffectEnding {
        more: asked
            .flat_map(|request| settle::remember(effect, request))
            .collect(),
        ..EffectEnding::new(EffectState::Done, settled)
    };
    settle::end_effect(
        engine,
        &mut stepping,
        effect,
        &[EffectState::Unsettled],
        ending,
    )
    .await?;
    let why = "a person has seen that it happened".to_owned();
    // Under its id: a damaged job has lost its key. An item about a damaged effect names no job.
    stepping.push(match detail::<JobId>(item, "job") {
        Ok(id) => Op::CancelJob { id, why, at: now },
        Err(_) => Op::CancelJobByKey {
            key: effect_job_key(effect.key()),
            why,
            at: now,
        },
    });
    // The case that was held for it has gone on.
    if let Some(case) = effect
        .scope()
        .case()
        .filter(|case| !stepping.is_held(*case))
    {
        stepping.push(Op::SettleWorkByKey {
            dedupe_key: format!("mended/case/{case}"),
            settled: WorkSettled {
                at: now,
                by: RELAY.to_owned(),
                action: "overtaken".to_owned(),
            },
        });
    }
    engine.commit(SETTLE, stepping.into_ops()).await?;
    engine.wake.notify_one();
    Ok(())
}

/// A coach who called before her question was taken back, and answers it now: the call counts as it
/// would from the CRM (E34).
fn is_late_outcome(item: &WorkItem, action: &str) -> bool {
    let by_us = item.settled.as_ref().is_some_and(|it| it.by == RELAY);
    by_us && item.kind == work_kinds::CALL_OUTCOME && action == "call_outcome"
}

fn detail<T: serde::de::DeserializeOwned>(item: &WorkItem, name: &str) -> Result<T, EngineError> {
    serde_json::from_value(item.detail[name].clone())
        .map_err(|error| EngineError::Refused(format!("the item's {name} can't be read: {error}")))
}

/// The messages that an item names: whoever settles it has been shown them.
fn messages_of(item: &WorkItem) -> Vec<MessageId> {
    let told = item.detail["messages"].as_array();
    let ids = told.into_iter().flatten();
    ids.filter_map(|one| one["message"].as_str().map(MessageId::from))
        .collect()
}
