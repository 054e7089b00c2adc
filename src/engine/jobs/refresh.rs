//! Reads again what an open case may have missed: a submission or a call whose event never came.

use relay_core::clients::{CheckIn, ClientSnapshot};
use relay_core::effects::EffectKind;
use relay_core::facts::{Fact, FactBody};
use relay_core::ids::{CaseId, ClientId, TaskId};
use relay_core::time::{SignedDuration, Timestamp, earlier};
use relay_store::{EffectState, Job, JobEnd, Op};

use crate::engine::finish::{fence, member};
use crate::engine::job_kinds::{Asks, Cancelling, Death, JobSpec};
use crate::engine::jobs::reread;
use crate::engine::stepper::names;
use crate::engine::sync::conversation::before;
use crate::engine::sync::opening::TypeRead;
use crate::engine::sync::{conversation, opening};
use crate::engine::{Engine, EngineError, finish, staff_said};
use crate::failpoint::{REREAD_CALL, REREAD_COMMIT};

/// How far before the opening of a case its check-ins are read.
const LOOK_BACK: SignedDuration = SignedDuration::from_hours(24 * 30);

/// The row of this kind.
pub(super) const SPEC: JobSpec = JobSpec {
    schedule: None,
    asks: Asks::ForItsCase,
    lost: |_| "A change that a vendor told of could not be read".to_owned(),
    death: Death::IsToldOnly,
    cancelling: Cancelling::Allowed,
    run: |engine, job| Box::pin(run_refresh(engine, job)),
};

pub(super) async fn run_refresh(engine: &Engine, job: &Job) -> Result<(), EngineError> {
    let id: CaseId = member(job, "case")?;
    let Some(case) = engine
        .store
        .case(id)
        .await?
        .filter(|case| !case.status.is_closed())
    else {
        let why = "the case is closed".to_owned();
        return finish::end(engine, job, JobEnd::Cancelled { why }, vec![]).await;
    };
    let client = case.client.clone();
    let since = earlier(case.opened_at, LOOK_BACK);
    let day = engine.calendar.date_of(since);
    let portal = &engine.ports.portal;
    let mut facts = Vec::new();
    if let Some(snapshot) = engine.call(REREAD_CALL, portal.client(&client)).await? {
        let listed = engine
            .call(REREAD_CALL, portal.check_ins(&client, day))
            .await?;
        let workflow = engine
            .registry
            .of_case(engine.store.as_ref(), &case)
            .await?;
        let since = match workflow.conversation(&case) {
            Some(conversation) => before(conversation.since).min(case.opened_at),
            None => case.opened_at,
        };
        facts.extend(check_in_facts(&client, &listed, case.opened_at));
        let written = engine.call(
            REREAD_CALL,
            conversation::read_conversation(engine, &client, since),
        );
        facts.extend(written.await?);
        // A list is what was told of her: read back it would be told anew, and pass for later news.
        if engine.list_silence.is_none() {
            facts.push(client_fact(snapshot, engine.now()));
        }
    }
    let crm = !engine.ports.not_offered().crm;
    for effect in engine.store.effects(id).await? {
        if effect.kind() != EffectKind::CallTask || effect.state != EffectState::Done || !crm {
            continue;
        }
        if let Some(task) = crate::effects::vendor_ref(&effect) {
            facts.extend(reread::task_facts(engine, &client, &TaskId::from(task)).await?);
        }
    }
    let mut ops = Vec::new();
    // The contact type may have been set by hand, and its hook lost.
    if let Some(link) = engine.store.link(&client).await?.filter(|_| crm) {
        let read = opening::read_contact_type(engine, &client, &link.contact);
        match engine.call(REREAD_CALL, read).await {
            Ok(TypeRead::Told(fact)) => facts.extend(fact),
            Ok(TypeRead::NoField(why)) => {
                tracing::info!(%client, why, "her contact type can't be read now");
            }
            // What the portal shows must not wait for the CRM.
            Err(error) => tracing::info!(%client, %error, "her contact type can't be read now"),
        }
        // So may a tag have been put on.
        match staff_said::is_waiting(engine, &client, &link.contact).await {
            Ok(true) => ops.extend(staff_said::look::look_ops(engine, &client, &link.contact)),
            Ok(false) => {}
            Err(error) => tracing::info!(%client, %error, "her tags can't be read now"),
        }
    }
    let mut stepping = names::stepping_with_names(engine, &client).await?;
    for fact in facts {
        stepping.tell(fact);
    }
    for op in ops {
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

/// Submissions since the case opened, each with its date, which the event leaves out (E7); older
/// ones were known when it opened and say nothing.
fn check_in_facts(client: &ClientId, listed: &[CheckIn], opened_at: Timestamp) -> Vec<Fact> {
    let since = earlier(opened_at, conversation::LEEWAY);
    let submitted = listed.iter().filter_map(|check_in| {
        let at = check_in.submitted_at.filter(|at| *at >= since)?;
        Some((check_in, at))
    });
    // When it was withdrawn the list does not say: the opening stands for it, once per case.
    let withdrawn = listed.iter().filter(|check_in| check_in.withdrawn);
    let withdrawn = withdrawn.map(|check_in| Fact {
        client: client.clone(),
        object: check_in.id.to_string(),
        source_time: opened_at,
        body: FactBody::CheckInWithdrawn {
            check_in: check_in.id.clone(),
        },
    });
    submitted
        .flat_map(|(check_in, source_time)| {
            let due = FactBody::CheckInDue {
                check_in: check_in.id.clone(),
                due: check_in.due,
                due_at: check_in.due_at,
            };
            let submitted = FactBody::CheckInSubmitted {
                check_in: check_in.id.clone(),
                complete: true,
            };
            [submitted, due].map(|body| Fact {
                client: client.clone(),
                object: check_in.id.to_string(),
                source_time,
                body,
            })
        })
        .chain(withdrawn)
        .collect()
}

fn client_fact(snapshot: ClientSnapshot, now: Timestamp) -> Fact {
    Fact {
        client: snapshot.id.clone(),
        object: snapshot.id.to_string(),
        source_time: now,
        body: FactBody::ClientUpdated {
            client: Box::new(snapshot),
        },
    }
}
