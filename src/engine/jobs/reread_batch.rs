//! Looks at the contacts that one delivery or one gap named, with few calls (E36).
//!
//! A thousand contacts cost a handful of calls instead of a thousand. Which of them are there is all
//! that is asked: one that is not, or whose client is being followed up, is read again by itself, in
//! the lane of each client it concerns, and only that read is believed. The contact type of one whom
//! nobody follows up is not read for a batch, that would be a call for each of a thousand: no decision
//! rests on a stored one, and a look that it keeps from opening a case reads it every day.
//!
//! Of contacts on whom tags were put it is asked which tags those are: every campaign puts some on, and only the
//! three by which staff begin something are read (`staff_said`).
//!
//! One contact that can't be asked for stops only itself: a batch that the CRM refuses for good is
//! halved until the one is alone. The others go on; the one ends as one dead job.

use std::collections::BTreeSet;

use relay_core::effects::Port;
use relay_core::ids::ContactId;
use relay_core::rate_limit::Priority;
use relay_core::retry::Class;
use relay_store::{Job, JobEnd};

use crate::engine::finish::member;
use crate::engine::job_kinds::{AS_TOLD, Asks, Death, JobSpec};
use crate::engine::sync::hints::{ClientHint, Origin};
use crate::engine::sync::{hints, presence};
use crate::engine::{Engine, EngineError, finish, staff_said};
use crate::failpoint::REREAD_CALL;
use crate::receipts::HintObject;

/// The row of this kind.
pub(super) const SPEC: JobSpec = JobSpec {
    schedule: None,
    asks: Asks::Of(Priority::Normal, &[Port::Crm]),
    lost: |_| "A change that a vendor told of could not be read".to_owned(),
    death: Death::IsToldOnly,
    cancelling: AS_TOLD,
    run: |engine, job| Box::pin(run_reread_batch(engine, job)),
};

pub(super) async fn run_reread_batch(engine: &Engine, job: &Job) -> Result<(), EngineError> {
    if engine.ports.not_offered().crm {
        let why = "no CRM is switched on".to_owned();
        return finish::end(engine, job, JobEnd::Cancelled { why }, Vec::new()).await;
    }
    let from: Origin = member(job, "from")?;
    let contacts: Vec<ClientHint> = member(job, "contacts")?;
    let is_of_tags = |watched: &ClientHint| watched.hint.object == HintObject::Tags;
    if contacts.iter().any(is_of_tags) {
        return tags(engine, job, &from, &contacts).await;
    }
    let ids: BTreeSet<ContactId> = contacts
        .iter()
        .map(|watched| ContactId::from(watched.hint.id.as_str()))
        .collect();
    let ids: Vec<ContactId> = ids.into_iter().collect();
    let existing = engine.ports.contacts.existing(&ids);
    let there = match engine.call(REREAD_CALL, existing).await {
        Ok(there) => there,
        Err(error) if error.class == Class::Permanent => {
            let ops = match contacts.as_slice() {
                [alone] => hints::reread_ops(engine, &from, alone),
                many => {
                    let (first, second) = many.split_at(many.len() / 2);
                    [first, second]
                        .into_iter()
                        .enumerate()
                        .map(|(half, part)| {
                            hints::batch_op(engine, &format!("{}/{half}", job.key), &from, part)
                        })
                        .collect()
                }
            };
            return finish::end(engine, job, JobEnd::Done, ops).await;
        }
        Err(error) => return Err(error.into()),
    };
    let there: BTreeSet<&str> = there.iter().map(ContactId::as_str).collect();
    // One that was missed before and is there now is read by itself, too: what waits for it
    // stands in the lanes of its clients.
    let doubted: BTreeSet<ContactId> = presence::doubted_contacts(engine)
        .await?
        .into_iter()
        .collect();
    let mut ops = Vec::new();
    for watched in &contacts {
        let id = watched.hint.id.as_str();
        let apart = !there.contains(id) || doubted.contains(&ContactId::from(id));
        if apart || is_followed_up(engine, watched).await? {
            ops.extend(hints::reread_ops(engine, &from, watched));
        }
    }
    finish::end(engine, job, JobEnd::Done, ops).await
}

/// Contacts on whom tags were put: those whose tag says something are looked at.
async fn tags(
    engine: &Engine,
    job: &Job,
    from: &Origin,
    contacts: &[ClientHint],
) -> Result<(), EngineError> {
    let ids = engine.call(REREAD_CALL, engine.ports.tags.word_ids());
    let ids = ids.await?;
    let mut ops = Vec::new();
    for watched in contacts {
        let tag = watched.hint.tag.as_ref();
        if tag.is_some_and(|tag| !ids.contains(tag)) {
            continue;
        }
        if watched.clients.is_empty() {
            let contact = ContactId::from(watched.hint.id.as_str());
            ops.extend(staff_said::unlinked(engine, &contact).await?);
        } else {
            ops.extend(hints::reread_ops(engine, from, watched));
        }
    }
    finish::end(engine, job, JobEnd::Done, ops).await
}

/// Whether a case of one of its clients is open: then what was changed may stop it.
async fn is_followed_up(engine: &Engine, watched: &ClientHint) -> Result<bool, EngineError> {
    for client in &watched.clients {
        if !engine.store.open_cases(client).await?.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}
