//! Reads an object again that a hint named: a hint is never believed by itself (E37).

use relay_core::effects::{EffectKind, Port, Request, request};
use relay_core::facts::{Fact, FactBody};
use relay_core::ids::{ClientId, ContactId, TaskId};
use relay_core::rate_limit::Priority;
use relay_core::workflow::{Action, Input};
use relay_core::workflows::missed_check_in::contact_type_allows;
use relay_store::{Job, JobEnd, JobFilter, JobState, Op, Page};

use crate::engine::finish::{fence, member, missing};
use crate::engine::job_kinds::{AS_TOLD, Asks, Death, JobKind, JobSpec};
use crate::engine::link::Linked;
use crate::engine::sync::opening::{TypeRead, contact_type_of};
use crate::engine::sync::presence::{IN_DOUBT, Presence};
use crate::engine::sync::{opening, presence};
use crate::engine::{Engine, EngineError, finish, inbox, items, link, staff_said, stepper};
use crate::failpoint::{REREAD_CALL, REREAD_COMMIT};
use crate::ports::Task;
use crate::receipts::{Hint, HintObject};

/// The row of this kind.
pub(super) const SPEC: JobSpec = JobSpec {
    schedule: None,
    asks: Asks::Of(Priority::Normal, &[Port::Crm]),
    lost: |_| "A change that a vendor told of could not be read".to_owned(),
    death: Death::IsTriedOn,
    cancelling: AS_TOLD,
    run: |engine, job| Box::pin(run_reread(engine, job)),
};

pub(super) async fn run_reread(engine: &Engine, job: &Job) -> Result<(), EngineError> {
    if engine.ports.not_offered().crm {
        let why = "no CRM is switched on".to_owned();
        return finish::end(engine, job, JobEnd::Cancelled { why }, Vec::new()).await;
    }
    let hint: Hint = member(job, "hint")?;
    let client = job
        .client
        .clone()
        .ok_or_else(|| missing("reread", "the job names no client"))?;
    let mut said = None;
    let (facts, ops) = match hint.object {
        HintObject::Contact => {
            let contact = ContactId::from(hint.id.as_str());
            let look = presence::look_at_contact(engine, &contact, false);
            let (presence, mut ops) = engine.call(REREAD_CALL, look).await?;
            let told = presence::knows_gone(engine, &client, Some(&contact)).await?;
            let there = matches!(presence, Presence::There(_));
            let body = match presence {
                Presence::Doubtful { again } => {
                    return finish::put_off(engine, job, again, IN_DOUBT.to_owned(), ops).await;
                }
                Presence::There(_) => {
                    // Here is where a doubt ends: no other job is to be made for it.
                    ops = presence::clear_doubt(engine, &contact).await?;
                    told.then_some(FactBody::ContactSeen)
                }
                Presence::Gone => (!told).then_some(FactBody::ContactGone),
            };
            let fact = body.map(|body| presence::contact_fact(engine, &client, &contact, body));
            let mut facts: Vec<Fact> = fact.into_iter().collect();
            // With a case or without: what ended a case may be what is put right here.
            let mut shown = None;
            if there {
                let read = opening::read_contact_type(engine, &client, &contact);
                shown = match engine.call(REREAD_CALL, read).await? {
                    TypeRead::Told(told) => told,
                    TypeRead::NoField(_) => None,
                };
            }
            if let Some(fact) = shown {
                ops.extend(looks_again(engine, &client, &fact).await?);
                facts.push(fact);
            }
            (facts, ops)
        }
        HintObject::Task => {
            let task = TaskId::from(hint.id.as_str());
            let made = engine.store.effect_of_task(&task).await?;
            if let Some(made) = made.filter(|made| made.kind() == EffectKind::WorkTask) {
                return inbox::answer::reread(engine, job, &client, &made, &task).await;
            }
            let read = call_task(engine, &task).await?;
            let mut ops = Vec::new();
            if let Some(found) = &read {
                said = said_of_call(engine, &client, found, &mut ops).await?;
            }
            (facts_of(engine, &client, &task, read), ops)
        }
        HintObject::Tags => {
            let contact = ContactId::from(hint.id.as_str());
            return staff_said::reread(engine, job, &client, &contact).await;
        }
        HintObject::Subscription => (
            Vec::new(),
            reread_subscription(engine, &client, &hint.id).await?,
        ),
    };
    let mut stepping = stepper::stepping(engine, &client).await?;
    for fact in facts {
        // A contact type that is known already may be none that the open case has heard.
        if matches!(fact.body, FactBody::ContactType { .. }) {
            stepping.tell(fact);
        } else {
            stepping.fact(fact, None);
        }
    }
    if let Some((by, action)) = said
        && let Some(case) = inbox::late::follow_up(engine, &client).await?
    {
        let person = Input::Person { by, action };
        stepping.input(case.id, &person).await?;
    }
    for op in ops {
        stepping.push(op);
    }
    if let Some(op) = finish::came_through(engine, job, &JobEnd::Done) {
        stepping.push(op);
    }
    stepping.push(Op::FinishJob {
        fence: fence(job),
        end: JobEnd::Done,
        at: engine.now(),
    });
    engine.commit(REREAD_COMMIT, stepping.into_ops()).await?;
    Ok(())
}

/// What the coach wrote into a call task besides its outcome, for the follow-up, and who; what stops everything is carried
/// out whatever has become of that.
async fn said_of_call(
    engine: &Engine,
    client: &ClientId,
    task: &Task,
    ops: &mut Vec<Op>,
) -> Result<Option<(String, Action)>, EngineError> {
    let heard = inbox::call::in_call(engine, task).await?;
    if heard.may_change {
        ops.extend(inbox::answer::read_later(engine, client, task));
    }
    if let Some((by, Action::StopOutreach { why })) = &heard.said {
        ops.extend(inbox::late::stop(engine, client, by, *why, task).await?);
        return Ok(None);
    }
    let noted = heard.noted.iter();
    ops.extend(noted.map(|noted| inbox::late::remember_as(&task.id, noted)));
    Ok(heard.said)
}

/// A contact type that kept a client from being followed up does so no more: who waits for the next
/// day looks now, so that the first message can still go out on its day.
async fn looks_again(
    engine: &Engine,
    client: &ClientId,
    told: &Fact,
) -> Result<Vec<Op>, EngineError> {
    let before = opening::last_contact_type(engine, client).await?;
    let before = before.as_ref().and_then(contact_type_of);
    let stood = contact_type_allows(before.as_deref()).is_err();
    let stands = contact_type_allows(contact_type_of(told).as_deref()).is_err();
    if !stood || stands {
        return Ok(Vec::new());
    }
    let filter = JobFilter {
        states: vec![JobState::Ready],
        kind: Some(JobKind::MissedCheck.name().to_owned()),
        client: Some(client.clone()),
        ..JobFilter::default()
    };
    let looks = engine.store.jobs(&filter, Page::default()).await?;
    let at = engine.now();
    // One whose day has not come says so itself, and goes back.
    Ok(looks
        .into_iter()
        .filter(|job| job.run_at > at)
        .map(|job| Op::ReplayJob { id: job.id, at })
        .collect())
}

/// What a call task of ours shows now.
pub(super) async fn task_facts(
    engine: &Engine,
    client: &ClientId,
    task: &TaskId,
) -> Result<Vec<Fact>, EngineError> {
    let read = call_task(engine, task).await?;
    Ok(facts_of(engine, client, task, read))
}

async fn call_task(engine: &Engine, task: &TaskId) -> Result<Option<Task>, EngineError> {
    // What the coach answered is what stands in it and did not when it was made.
    let made = engine.store.effect_of_task(task).await?;
    let sent = made.as_ref().and_then(|effect| match &effect.request {
        Some(Request::CallTask(request::CallTask { description, .. })) => {
            Some(description.as_str())
        }
        _ => None,
    });
    let read = engine.ports.tasks.task(task, sent);
    Ok(engine.call(REREAD_CALL, read).await?)
}

/// What it tells of the call. One that the relay completed without a word of the coach's is no news, whichever life of its
/// database did.
fn facts_of(engine: &Engine, client: &ClientId, task: &TaskId, read: Option<Task>) -> Vec<Fact> {
    let Some(found) = read else {
        return Vec::new();
    };
    if !found.completed && found.outcome.is_none() {
        return Vec::new();
    }
    if found.outcome.is_none() && found.closed_by_relay {
        return Vec::new();
    }
    let now = engine.now();
    vec![Fact {
        client: client.clone(),
        object: task.to_string(),
        source_time: found.changed_at.map_or(now, |at| at.min(now)),
        body: FactBody::CallTaskChanged {
            task: found.id,
            completed: found.completed,
            outcome: found.outcome,
        },
    }]
}

/// A subscription that we stopped has changed: if it can charge again, an admin must know
/// before it does.
async fn reread_subscription(
    engine: &Engine,
    client: &ClientId,
    subscription: &str,
) -> Result<Vec<Op>, EngineError> {
    let Linked::Contact { contact, mut ops } = engine
        .call(REREAD_CALL, link::linked(engine, client, None))
        .await?
    else {
        return Ok(Vec::new());
    };
    let billing = engine
        .call(REREAD_CALL, engine.ports.billing.snapshot(&contact))
        .await?;
    let alive = billing
        .subscriptions
        .iter()
        .find(|sub| sub.id.as_str() == subscription && (sub.active || sub.auto_charge));
    if let Some(alive) = alive {
        ops.extend(items::revived_item_ops(engine, client, alive));
    }
    Ok(ops)
}
