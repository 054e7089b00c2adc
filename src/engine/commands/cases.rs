//! Decides about cases, orders, stops and lets go on, links a client to a contact.

use relay_core::answers::{NO_REPLY, REPLIED, STOP_IT, StopReason};
use relay_core::facts::{CallOutcome, Fact, FactBody, Order};
use relay_core::ids::{CaseId, ClientId, ContactId, JobId, MessageId};
use relay_core::time::Date;
use relay_core::workflow::Action;
use relay_store::{
    AuditEntry, Effect, EffectState, JobFilter, JobState, Link, Op, Page, WorkSettled,
};
use serde_json::json;

use crate::engine::effect::moves;
use crate::engine::job_kinds::JobKind;
use crate::engine::link::pair_key;
use crate::engine::staff_said::look;
use crate::engine::sync::conversation::Decided;
use crate::engine::sync::{conversation, presence};
use crate::engine::{Engine, EngineError, link, outreach, stepper};
use crate::failpoint::SETTLE;
use crate::remedy::RemedyCommand;

/// How often a command is decided again while the case keeps moving.
const TRIES: usize = 8;

pub(super) fn refused<T>(text: impl Into<String>) -> Result<T, EngineError> {
    Err(EngineError::Refused(text.into()))
}

pub(crate) fn audit(
    engine: &Engine,
    who: &str,
    what: &str,
    object: &str,
    detail: serde_json::Value,
) -> Op {
    Op::Audit(AuditEntry {
        at: engine.now(),
        who: who.to_owned(),
        what: what.to_owned(),
        object: object.to_owned(),
        detail,
    })
}

/// Carries out a person's decision about a case.
pub async fn decide_case(
    engine: &Engine,
    id: CaseId,
    by: &str,
    action: Action,
) -> Result<(), EngineError> {
    decide_case_after(engine, id, by, action, &[], &[]).await
}

/// The same by somebody who was shown these messages, with `first` in the same batch and before
/// what the case does. Where she must be shown more first, that is stored, and her decision is
/// refused.
pub(crate) async fn decide_case_after(
    engine: &Engine,
    id: CaseId,
    by: &str,
    action: Action,
    shown: &[MessageId],
    first: &[Op],
) -> Result<(), EngineError> {
    for _ in 0..TRIES {
        let Decided {
            mut stepping,
            refused: not_yet,
        } = deciding(engine, id, by, &action, shown, first).await?;
        if not_yet.is_none() {
            let detail = serde_json::to_value(&action).unwrap_or_default();
            stepping.push(audit(engine, by, "case", &id.to_string(), detail));
        }
        match engine.commit(SETTLE, stepping.into_ops()).await {
            Err(error) if error.is_conflict() => {}
            other => {
                engine.wake.notify_one();
                other?;
                return not_yet.map_or(Ok(()), refused);
            }
        }
    }
    refused("the case keeps moving; try again")
}

/// The step that a decision makes, not stored yet; refused where it would make none. The dry
/// run asks the same.
pub(crate) async fn deciding<'a>(
    engine: &'a Engine,
    id: CaseId,
    by: &str,
    action: &Action,
    shown: &[MessageId],
    first: &[Op],
) -> Result<Decided<'a>, EngineError> {
    let Some(case) = engine.store.case(id).await? else {
        return refused(format!(
            "there is no case {id}; `{}` shows them",
            RemedyCommand::CasesList
        ));
    };
    let read = conversation::read_before(engine, &case, action).await?;
    let decided = conversation::decided(engine, &case, by, action, &read, shown, first).await?;
    if decided.refused.is_some() && !first.is_empty() {
        // What her word would have settled is still to be settled.
        return conversation::decided(engine, &case, by, action, &read, shown, &[]).await;
    }
    Ok(decided)
}

/// Whether [`order`] would be carried out now.
pub async fn check_order(
    engine: &Engine,
    client: &ClientId,
    by: &str,
    order: &Order,
) -> Result<(), EngineError> {
    ordering(engine, client, by, order).await.map(|_| ())
}

/// Orders something for a client. Returns the case that carries it out.
pub async fn order(
    engine: &Engine,
    client: &ClientId,
    by: &str,
    order: Order,
) -> Result<CaseId, EngineError> {
    let (case, mut ops) = ordering(engine, client, by, &order).await?;
    let detail = serde_json::to_value(&order).unwrap_or_default();
    ops.push(audit(engine, by, "order", client.as_str(), detail));
    engine.commit(SETTLE, ops).await?;
    engine.wake.notify_one();
    Ok(case)
}

/// What an order stores, and the case that it opens; refused where it opens none, before
/// anything is stored.
async fn ordering(
    engine: &Engine,
    client: &ClientId,
    by: &str,
    order: &Order,
) -> Result<(CaseId, Vec<Op>), EngineError> {
    let now = engine.now();
    let fact = Fact {
        client: client.clone(),
        object: JobId::new(engine.random.as_ref(), now).to_string(),
        source_time: now,
        body: FactBody::Ordered {
            by: by.to_owned(),
            order: order.clone(),
        },
    };
    let mut stepping = stepper::stepping(engine, client).await?;
    stepping.fact(fact, None);
    if let Some(refusal) = stepping.not_opened.first() {
        return refused(refusal.reason.clone());
    }
    let ops = stepping.into_ops();
    let opened = ops.iter().find_map(|op| match op {
        Op::InsertCase(case) => Some(case.id),
        _ => None,
    });
    match opened {
        Some(case) => Ok((case, ops)),
        None => refused(format!(
            "the same order is under way already; `{}` shows it",
            RemedyCommand::CasesList
        )),
    }
}

/// Halts all outreach at once, or lets it go on.
pub async fn set_stopped(
    engine: &Engine,
    stopped: bool,
    by: &str,
    reason: Option<&str>,
) -> Result<(), EngineError> {
    engine
        .commit(
            SETTLE,
            outreach::stop_ops(stopped, by, reason, engine.now()),
        )
        .await?;
    engine.wake.notify_one();
    Ok(())
}

/// Whether a client may be linked to a contact. The dry run asks the same.
pub async fn check_link(
    engine: &Engine,
    client: &ClientId,
    contact: &ContactId,
) -> Result<(), EngineError> {
    linking(engine, client, contact).await.map(|_| ())
}

/// The same; the setting that remembers a person's word for this pair of addresses.
async fn linking(
    engine: &Engine,
    client: &ClientId,
    contact: &ContactId,
) -> Result<String, EngineError> {
    if engine.ports.not_offered().crm {
        return refused(
            "no CRM is switched on, so there is no contact to link her to: switch it on in the configuration first",
        );
    }
    let Some(in_crm) = engine.ports.contacts.contact(contact, false).await? else {
        return refused(format!("the CRM knows no contact {contact}"));
    };
    let Some(in_portal) = engine.ports.portal.client(client).await? else {
        return refused(format!(
            "{} knows no client {client}",
            engine.ports.records().words()
        ));
    };
    // One contact, two clients: the messages of one would reach the other.
    if let Some(taken) = link::taken(engine, client, contact).await? {
        return refused(format!(
            "{taken}: link that client to her own contact first"
        ));
    }
    let (told, used) = (in_portal.email.as_deref(), in_crm.email.as_deref());
    Ok(pair_key(client, told, used))
}

/// Links a client to a contact by a person's word, and takes up what waited for it.
pub async fn link_client(
    engine: &Engine,
    client: &ClientId,
    contact: &ContactId,
    by: &str,
) -> Result<(), EngineError> {
    let pair = linking(engine, client, contact).await?;
    let now = engine.now();
    let mut ops = vec![
        Op::PutLink(Link {
            client: client.clone(),
            contact: contact.clone(),
            source: format!("person:{by}"),
            at: now,
        }),
        Op::SettleWorkByKey {
            dedupe_key: format!("link/{client}"),
            settled: WorkSettled {
                at: now,
                by: by.to_owned(),
                action: "linked".to_owned(),
            },
        },
        // Whoever links them says that the contact's address is hers, whatever the portal has.
        Op::PutSetting {
            key: pair,
            value: json!({ "by": by, "at": now }),
        },
        audit(
            engine,
            by,
            "link",
            client.as_str(),
            json!({ "contact": contact }),
        ),
    ];
    let filter = JobFilter {
        states: vec![JobState::Parked],
        kind: Some(JobKind::Read.name().to_owned()),
        client: Some(client.clone()),
        ..JobFilter::default()
    };
    for job in engine.store.jobs(&filter, Page::default()).await? {
        ops.push(Op::ReplayJob {
            id: job.id,
            at: now,
        });
    }
    let mut stepping = stepper::stepping(engine, client).await?;
    if presence::knows_gone(engine, client, None).await? {
        // What waited for a contact that was gone has one that is there.
        stepping.fact(
            presence::contact_fact(engine, client, contact, FactBody::ContactSeen),
            None,
        );
    }
    ops.extend(presence::clear_doubt(engine, contact).await?);
    ops.extend(look::linked_ops(engine, client, contact));
    for op in ops {
        stepping.push(op);
    }
    engine.commit(SETTLE, stepping.into_ops()).await?;
    engine.wake.notify_one();
    Ok(())
}

/// Back to the guard, by a person's decision.
pub(crate) async fn plan_again(
    engine: &Engine,
    effect: &Effect,
    job: JobId,
    mut ops: Vec<Op>,
) -> Result<(), EngineError> {
    ops.push(moves::back_to_planned(
        engine,
        effect,
        EffectState::Unsettled,
    ));
    ops.push(Op::ReplayJob {
        id: job,
        at: engine.now(),
    });
    engine.commit(SETTLE, ops).await?;
    engine.wake.notify_one();
    Ok(())
}

/// The decision behind an action's name; `None` for one that only settles its item.
pub fn parse_action(action: &str, text: Option<&str>) -> Result<Option<Action>, EngineError> {
    let reason = || text.unwrap_or("by a person's decision").to_owned();
    Ok(Some(match action {
        "resume" => Action::Resume,
        "close" => Action::Close { reason: reason() },
        "pause" => Action::Pause { reason: reason() },
        STOP_IT => Action::Pause {
            reason: text.unwrap_or("stopped before it went out").to_owned(),
        },
        "done_by_hand" => Action::DoneByHand,
        "send_anyway" => Action::SendAnyway,
        "skip" => Action::Skip,
        "handled" => Action::Handled,
        REPLIED => Action::Replied,
        NO_REPLY => Action::NoReply,
        "promised" => {
            let until = text.and_then(|text| text.parse::<Date>().ok());
            let Some(until) = until else {
                return refused("promised needs a date: --with 2026-11-30");
            };
            Action::Promised { until }
        }
        "call_outcome" => match text.and_then(call_outcome) {
            Some(outcome) => Action::CallOutcome { outcome },
            None => {
                return refused(
                    "call_outcome needs what came of it: spoke, voicemail, no answer or wrong number",
                );
            }
        },
        other => match (StopReason::from_name(other), call_outcome(other)) {
            (Some(why), _) => Action::StopOutreach { why },
            (None, Some(outcome)) => Action::CallOutcome { outcome },
            (None, None) => return Ok(None),
        },
    }))
}

/// An outcome as it is written in the task (`no answer`) or as a name (`no_answer`).
fn call_outcome(text: &str) -> Option<CallOutcome> {
    let words = text.trim().to_lowercase().replace('_', " ");
    CallOutcome::ALL.into_iter().find(|o| o.as_str() == words)
}
