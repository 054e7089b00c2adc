//! What a coach's task is made of, read right before it is made.
//!
//! The portal, the contact and the coach's user are read anew; whether the client opened what she was sent comes from
//! what is stored. Nothing here holds: what can't be delivered is told nobody by itself (`inbox`).
//! Where it is not certain which contact is hers, the task is about none: her coach is asked all the same.

use std::collections::HashSet;

use relay_core::channel::EngagementEvent;
use relay_core::clients::{ClientSnapshot, ContactSnapshot};
use relay_core::effects::{AskedAgain, EffectInput, EffectKind, Request, request};
use relay_core::facts::FactBody;
use relay_core::ids::{CaseId, ClientId, CoachId, ContactId, CrmUserId, WorkItemId};
use relay_core::time::{SignedDuration, Timestamp, earlier};
use relay_core::workflow::{StandsIn, Verdict};
use relay_core::workflows::PROGRAM_MANAGER;
use relay_store::{Effect, Op, WorkItem};

use crate::engine::inbox::manager;
use crate::engine::inbox::words::{Known, Words};
use crate::engine::link::Linked;
use crate::engine::{Engine, EngineError, inbox, link, time_off};

fn not_delivered(by: impl Into<String>) -> Verdict {
    Verdict::Overtaken {
        by: by.into(),
        facts: Vec::new(),
    }
}

/// Whether the task of `items` can be made for a coach whose user is `user`, and with which words.
pub(crate) async fn look(
    engine: &Engine,
    client: &ClientId,
    effect: &Effect,
    coach: Option<(String, Option<CrmUserId>)>,
    ops: &mut Vec<Op>,
) -> Result<Verdict, EngineError> {
    let EffectInput::WorkTask {
        items,
        again,
        coach: asked,
        of: owner,
        ..
    } = &effect.planned.input
    else {
        return Ok(not_delivered("another plan"));
    };
    // Also where it was put off by a vendor that failed.
    let at = engine.calendar.office_slot(engine.now());
    if at > engine.now() {
        let reason = "outside of the office's hours".to_owned();
        return Ok(Verdict::Later { at, reason });
    }
    let Some(open) = still_open(engine, items).await? else {
        return Ok(not_delivered("what was asked having been settled"));
    };
    let acting = time_off::acting_for(engine, owner.as_ref().unwrap_or(asked)).await?;
    if acting != *asked {
        let what = format!("{}/acting", effect.key());
        ops.extend(inbox::changed(engine, client, &what));
        return Ok(not_delivered("somebody else acting for her coach by now"));
    }
    let snapshot = engine.ports.portal.client(client).await?;
    let Some((name, user)) = coach else {
        return Ok(not_delivered("her coach not being in the directory"));
    };
    let Some(user) = user else {
        return Ok(not_delivered(format!(
            "{name} having no active user in the CRM"
        )));
    };
    let contact = certain_contact(engine, client, snapshot.as_ref(), ops).await?;
    let known = Known {
        stands_in: stands_in(engine, owner.as_ref()).await?,
        is_manager: asked.as_str() == PROGRAM_MANAGER,
        handed_up: manager::handed_up(engine, client, asked, &open).await?,
        page: engine.people.page_of(client),
        has_contact: contact.is_some(),
        phone: match &contact {
            Some(contact) => contact.phone.clone(),
            None => snapshot.as_ref().and_then(|client| client.phone.clone()),
        },
        opened: opened(
            engine,
            client,
            contact.as_ref().map(|contact| &contact.id),
            open.iter().find_map(|item| item.case),
        )
        .await?,
    };
    let task = of(engine, &open, *again, &known);
    let request = Request::WorkTask(request::WorkTask {
        contact: contact.map(|contact| contact.id),
        user,
        title: task.title,
        description: task.description,
        due: task.goes_out.unwrap_or_else(|| due(engine, &open)),
        goes_out: task.goes_out,
    });
    Ok(Verdict::Go(request))
}

/// Her contact; `None` where it is not certain which is hers. On the contact of somebody else a task would tell whoever opens
/// it about her, so it is then about none.
async fn certain_contact(
    engine: &Engine,
    client: &ClientId,
    snapshot: Option<&ClientSnapshot>,
    ops: &mut Vec<Op>,
) -> Result<Option<ContactSnapshot>, EngineError> {
    let id = match link::linked(engine, client, snapshot).await? {
        Linked::Contact { contact, ops: more } => {
            ops.extend(more);
            contact
        }
        // Asking for the link is another's: a task makes no item.
        Linked::Nobody { .. } => return Ok(None),
    };
    let Some(contact) = engine.ports.contacts.contact(&id, false).await? else {
        return Ok(None);
    };
    let told = snapshot.and_then(|client| client.email.as_deref());
    let in_crm = contact.email.as_deref();
    let is_hers = in_crm.is_none()
        || link::is_same(told, in_crm)
        || link::is_confirmed(engine, client, told, in_crm).await?;
    Ok(is_hers.then_some(contact))
}

fn of(engine: &Engine, open: &[WorkItem], again: Option<AskedAgain>, known: &Known) -> Words {
    Words::of(&engine.calendar, engine.now(), open, again, known)
}

/// That the coach who is asked takes the place of `of`, for people.
async fn stands_in(engine: &Engine, of: Option<&CoachId>) -> Result<Option<StandsIn>, EngineError> {
    let Some(of) = of else {
        return Ok(None);
    };
    let list = time_off::list(engine.store.as_ref()).await?;
    let directory = engine.store.coaches().await?;
    let today = time_off::today(engine);
    Ok(time_off::stands_in(&list, of, today, &directory))
}

/// The end of the day on which the first of them should be done, and of today at the earliest.
fn due(engine: &Engine, open: &[WorkItem]) -> Timestamp {
    let now = engine.now();
    let due = open.first().map_or(now, |item| item.due).max(now);
    engine.calendar.office_closing(engine.calendar.date_of(due))
}

/// The items, unless one of them is settled.
async fn still_open(
    engine: &Engine,
    ids: &[WorkItemId],
) -> Result<Option<Vec<WorkItem>>, EngineError> {
    let mut open = Vec::new();
    for id in ids {
        match engine.store.work_item(*id).await? {
            Some(item) if item.settled.is_none() => open.push(item),
            _ => return Ok(None),
        }
    }
    Ok(Some(open))
}

/// What she is known to have opened of what the relay sent, in sentences.
async fn opened(
    engine: &Engine,
    client: &ClientId,
    contact: Option<&ContactId>,
    case: Option<CaseId>,
) -> Result<Vec<(&'static str, Timestamp)>, EngineError> {
    let kind = EffectKind::PortalMessage;
    let ours: HashSet<String> = engine
        .store
        .vendor_refs(client, kind)
        .await?
        .into_iter()
        .collect();
    let facts = engine.store.facts(client).await?;
    let read = facts.iter().rev().find_map(|row| match &row.fact.body {
        FactBody::MessageRead { message } if ours.contains(message.as_str()) => {
            Some(("She opened our message in the portal", row.fact.source_time))
        }
        _ => None,
    });
    let month_ago = earlier(engine.now(), SignedDuration::from_hours(24 * 30));
    let engagement = match contact {
        Some(contact) => engine.store.engagement(contact, month_ago).await?,
        None => Vec::new(),
    };
    let effects = match case {
        Some(case) => engine.store.effects(case).await?,
        None => Vec::new(),
    };
    let is_ours = |event: &EngagementEvent| effects.iter().any(|sent| is_of(event, sent));
    let ours = engagement.iter().rev().find(|one| is_ours(&one.event));
    let shown = match ours {
        Some(_) => "The CRM shows that our follow-up email was opened",
        None => "The CRM shows that one of the clinic's emails was opened",
    };
    let mail = ours
        .or(engagement.last())
        .map(|last| (shown, last.event.at));
    Ok(read.into_iter().chain(mail).collect())
}

/// Whether an opening is of the email that `sent` was: the CRM gives it no id when it is sent.
fn is_of(event: &EngagementEvent, sent: &Effect) -> bool {
    let Some(Request::Email(email)) = &sent.request else {
        return false;
    };
    let is_named = event.label.as_deref() == Some(email.subject.as_str());
    is_named && sent.intended_at.is_some_and(|sent| event.at >= sent)
}
