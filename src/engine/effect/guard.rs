//! Reads what must be known right before an effect.

use relay_core::case::Case;
use relay_core::clients::{
    Author, BillingSnapshot, ClientSnapshot, Coach, ContactSnapshot, PortalMessage,
};
use relay_core::effects::{Audience, EffectInput, EffectKind, PlannedEffect};
use relay_core::ids::{ClientId, CoachId, ContactId, CrmUserId, TaskId};
use relay_core::retry::Class;
use relay_core::time::{Date, SignedDuration, Timestamp, earlier};
use relay_core::time_off::TimeOffList;
use relay_core::workflow::{GuardReading, Needs, NoContact, NotOffered, PortalReading, Silence};
use relay_http_client::CallError;
use relay_store::{EffectView, Op};

use crate::effects::{is_ours, vendor_ref};
use crate::engine::inbox::silence;
use crate::engine::inbox::silence::Asked;
use crate::engine::link::Linked;
use crate::engine::sync::conversation::before;
use crate::engine::sync::presence::Presence;
use crate::engine::sync::{conversation, presence};
use crate::engine::{Engine, EngineError, MessagesWhileAway, days, link, time_off};
use crate::ports::ContactType;

/// Messages are read at least this far back: a coach who wrote by hand counts for a day (E43).
const MESSAGES_BACK: SignedDuration = SignedDuration::from_hours(24);

/// How long the other reads may take before the portal is read once more, real time. Well under what
/// [`run`](super::run) lets pass between the last look at the client and the request.
pub(super) const FRESH: SignedDuration = SignedDuration::from_secs(2);

const CONTACT_TYPE: &str = "read contact type";

/// What was read, and what it taught us besides (a link found, a coach looked up).
#[derive(Debug)]
pub(crate) struct FreshReading {
    /// For the workflow's guard.
    pub(crate) reading: GuardReading,
    /// The coaches, by name.
    pub(crate) coaches: Vec<Coach>,
    /// Who is away, and who acts for them.
    pub(crate) time_off: TimeOffList,
    /// To be committed with whatever follows.
    pub(crate) ops: Vec<Op>,
    /// What the portal lists as written by coaches since the check-in was due, ours too.
    pub(crate) sent: Vec<PortalMessage>,
    /// Since when nobody has looked whether she checked in or wrote, real time.
    pub(crate) looked_at: Timestamp,
    /// The contact that the effect needs, if it was not found.
    pub(crate) missing: Option<MissingContact>,
}

/// What the CRM does not show of a linked contact.
#[derive(Debug)]
pub(crate) enum MissingContact {
    /// For the first time: to be looked at again at this time.
    Doubtful(Timestamp),
    /// It is gone (E40).
    Gone(ContactId),
    /// It is there, and whether she comes to the clinic can't be read of anybody, and why.
    NoTypeField(String),
}

impl MissingContact {
    /// Whether the effect waits until the CRM shows more.
    pub(super) const fn is_waited_for(&self) -> bool {
        match self {
            Self::Doubtful(_) | Self::NoTypeField(_) => true,
            Self::Gone(_) => false,
        }
    }
}

/// Makes the reads that `needs` names. Any failed read is an error: nothing is sent on half a
/// picture.
pub(crate) async fn read_for_guard(
    engine: &Engine,
    case: &Case,
    view: &EffectView,
    needs: Needs,
) -> Result<FreshReading, EngineError> {
    let effect = &view.effect.planned;
    let not_offered = engine.ports.not_offered();
    let mut ops = Vec::new();
    let mut portal = if needs.portal {
        read_portal(engine, case, view).await?
    } else {
        None
    };
    let mut looked_at = engine.clocks.real.now();
    let snapshot = portal.as_ref().map(|(portal, _)| &portal.client);
    let coach = if needs.coach {
        coach_of(engine, &case.client, effect, snapshot).await?
    } else {
        None
    };
    // After the portal: a name that was put right meanwhile is the one that signs.
    let coaches = engine.store.coaches().await?;
    let time_off = time_off::list(engine.store.as_ref()).await?;
    let (coach, stands_in) = match coach {
        Some(id) => {
            let today = time_off::today(engine);
            let signs = signing(engine, &time_off, effect.kind(), &id, today);
            let stands_in =
                (signs != id).then(|| time_off::stands_in(&time_off, &id, today, &coaches));
            // A task moves to a user of the CRM, although the contact isn't looked at.
            let crm = needs.contact || effect.kind() == EffectKind::ReassignTask;
            let crm = crm && !not_offered.crm;
            let coach = known_coach(engine, &signs, &coaches, crm, &mut ops).await?;
            (coach, stands_in.flatten())
        }
        None => (None, None),
    };
    let crm = read_crm_as_needed(engine, case, effect, needs, snapshot, &mut ops).await?;
    let told = snapshot.and_then(|snapshot| snapshot.email.as_deref());
    let used = crm
        .contact
        .as_ref()
        .and_then(|contact| contact.email.as_deref());
    let address_confirmed = link::is_confirmed(engine, &case.client, told, used).await?;
    let task = made_task(engine, &effect.input).await?;
    let task_read_at = engine.clocks.real.now();
    let asked = Asked {
        case,
        effect,
        client: snapshot,
        time_off: &time_off,
        today: time_off::today(engine),
    };
    let silence = Box::pin(silence::of(engine, &asked, &mut ops)).await?;
    let now = engine.clocks.real.now();
    if !needs.portal {
        looked_at = now;
    } else if now.duration_since(looked_at).abs() > FRESH {
        // The CRM was slow, or a token was renewed: what the client did meanwhile counts.
        portal = read_portal(engine, case, view).await?;
        looked_at = engine.clocks.real.now();
    }
    if silence != Silence::Nothing {
        // Her coach's task was read before that.
        looked_at = looked_at.min(task_read_at);
    }
    let read_at = engine.now();
    let (portal, sent) =
        portal.map_or_else(Default::default, |(portal, sent)| (Some(portal), sent));
    Ok(FreshReading {
        reading: GuardReading {
            read_at,
            portal,
            coach,
            stands_in,
            contact: crm.contact,
            billing: crm.billing,
            task,
            no_contact: crm.no_contact,
            contact_type: crm.contact_type,
            address_confirmed,
            not_offered,
            silence,
        },
        coaches,
        time_off,
        ops,
        sent,
        looked_at,
        missing: crm.missing,
    })
}

/// Where nothing needs to be read.
pub(super) fn nothing_read(engine: &Engine) -> FreshReading {
    FreshReading {
        reading: GuardReading {
            read_at: engine.now(),
            portal: None,
            coach: None,
            stands_in: None,
            contact: None,
            billing: None,
            task: None,
            no_contact: None,
            contact_type: None,
            address_confirmed: false,
            not_offered: NotOffered::default(),
            silence: Silence::Nothing,
        },
        coaches: Vec::new(),
        time_off: TimeOffList::default(),
        ops: Vec::new(),
        sent: Vec::new(),
        looked_at: engine.clocks.real.now(),
        missing: None,
    }
}

/// What is read for an effect that needs nothing but the client's contact.
pub(super) async fn read_contact(
    engine: &Engine,
    client: &ClientId,
    kind: EffectKind,
) -> Result<FreshReading, EngineError> {
    let mut ops = Vec::new();
    let crm = read_crm(engine, client, kind, None, false, &mut ops).await?;
    let mut read = nothing_read(engine);
    read.reading.contact = crm.contact;
    read.reading.no_contact = crm.no_contact;
    read.ops = ops;
    read.missing = crm.missing;
    Ok(read)
}

/// The CRM's side, as far as it is needed and there is one.
async fn read_crm_as_needed(
    engine: &Engine,
    case: &Case,
    effect: &PlannedEffect,
    needs: Needs,
    snapshot: Option<&ClientSnapshot>,
    ops: &mut Vec<Op>,
) -> Result<CrmReading, EngineError> {
    if engine.ports.not_offered().crm {
        return Ok(CrmReading {
            no_contact: Some(NoContact::NotOffered),
            ..CrmReading::default()
        });
    }
    if !needs.contact && !needs.billing {
        return Ok(CrmReading::default());
    }
    let (client, kind) = (&case.client, effect.kind());
    read_crm(engine, client, kind, snapshot, needs.billing, ops).await
}

/// The CRM's side.
#[derive(Debug, Default)]
struct CrmReading {
    contact: Option<ContactSnapshot>,
    no_contact: Option<NoContact>,
    contact_type: Option<String>,
    billing: Option<BillingSnapshot>,
    missing: Option<MissingContact>,
}

/// Reads the client's contact, whose type counts for what reaches her, and her subscriptions where
/// `billing` asks for them. What was learned on the way is added to `ops`.
async fn read_crm(
    engine: &Engine,
    client: &ClientId,
    kind: EffectKind,
    snapshot: Option<&ClientSnapshot>,
    billing: bool,
    ops: &mut Vec<Op>,
) -> Result<CrmReading, EngineError> {
    let mut read = CrmReading::default();
    let id = match link::linked(engine, client, snapshot).await? {
        Linked::Contact { contact, ops: more } => {
            ops.extend(more);
            contact
        }
        Linked::Nobody { reason, ops: more } => {
            ops.extend(more);
            read.no_contact = Some(NoContact::NotLinked { reason });
            return Ok(read);
        }
    };
    let (presence, more) = presence::look_at_contact(engine, &id, billing).await?;
    ops.extend(more);
    match presence {
        Presence::There(snapshot) => {
            if kind.is_outreach() {
                (read.contact_type, read.missing) = read_contact_type(engine, &id).await?;
            }
            read.contact = Some(*snapshot);
            if billing {
                read.billing = Some(engine.ports.billing.snapshot(&id).await?);
            }
        }
        Presence::Doubtful { again } => read.missing = Some(MissingContact::Doubtful(again)),
        Presence::Gone => {
            read.no_contact = Some(NoContact::Gone {
                contact: id.clone(),
            });
            read.missing = Some(MissingContact::Gone(id));
        }
    }
    Ok(read)
}

/// The portal's side, and what coaches (or we) wrote since the check-in was due.
async fn read_portal(
    engine: &Engine,
    case: &Case,
    view: &EffectView,
) -> Result<Option<(PortalReading, Vec<PortalMessage>)>, EngineError> {
    let portal = &engine.ports.portal;
    let Some(client) = portal.client(&case.client).await? else {
        return Ok(None);
    };
    let input = &view.effect.planned.input;
    let since = check_ins_since(engine, case, input);
    let check_ins = portal.check_ins(&case.client, since).await?;
    let now = engine.now();
    let day_ago = earlier(now, MESSAGES_BACK);
    let workflow = engine.registry.of_case(engine.store.as_ref(), case).await?;
    let since = match workflow.conversation(case) {
        Some(conversation) => before(conversation.since),
        None => case.opened_at,
    };
    let wanted = since.min(case.opened_at).min(day_ago);
    let due = input.about().map(|(_, due)| days::start_of(engine, due));
    let mut messages = if portal.not_offered().messages {
        Vec::new()
    } else {
        let from = due.unwrap_or(wanted).min(wanted);
        portal.messages(&case.client, from).await?
    };
    let mut sent = messages.clone();
    sent.retain(|message| message.author == Author::Coach);
    messages.retain(|message| message.sent_at >= wanted);
    messages.retain(|message| !view.messages.contains(&message.id.0));
    // One that no row of ours knows, and that a relay wrote all the same: no coach's.
    messages.retain(|message| !message.key.as_deref().is_some_and(is_ours));
    // An outcome that was found late is stored beside her lane: what is left may be ours since.
    if !messages.is_empty() {
        let ours = conversation::our_messages(engine, &case.client).await?;
        messages.retain(|message| !ours.contains(message.id.as_str()));
    }
    let reading = PortalReading {
        client,
        check_ins,
        messages,
        page: engine.people.page_of(&case.client),
    };
    Ok(Some((reading, sent)))
}

/// What the CRM shows as her contact type. Where it can't be read nothing is sent: she may come to
/// the clinic.
async fn read_contact_type(
    engine: &Engine,
    contact: &ContactId,
) -> Result<(Option<String>, Option<MissingContact>), CallError> {
    match engine.ports.contacts.contact_type(contact).await? {
        ContactType::Shown(value) => Ok((value, None)),
        ContactType::NoField(why) => Ok((None, Some(MissingContact::NoTypeField(why)))),
        // It was there a moment ago.
        ContactType::NoContact => Err(CallError::ours(
            Class::Retryable { after: None },
            CONTACT_TYPE,
            "the contact is no longer shown",
        )),
    }
}

/// From the day before the missed check-in, so that it is listed even if it moved a little.
fn check_ins_since(engine: &Engine, case: &Case, input: &EffectInput) -> Date {
    let due = input.about().map(|(_, due)| due);
    let due = due.unwrap_or_else(|| engine.calendar.date_of(case.opened_at));
    due.yesterday().unwrap_or(due)
}

/// Who the client's coach is at this moment (E41).
async fn coach_of(
    engine: &Engine,
    client: &ClientId,
    effect: &PlannedEffect,
    snapshot: Option<&ClientSnapshot>,
) -> Result<Option<CoachId>, EngineError> {
    Ok(match (&effect.input, snapshot) {
        (EffectInput::ReassignTask { coach, .. }, _) => Some(coach.clone()),
        (_, Some(snapshot)) => snapshot.coach.clone(),
        (_, None) => engine
            .ports
            .portal
            .client(client)
            .await?
            .and_then(|client| client.coach),
    })
}

/// In whose name an effect of a client of `assigned` goes out: of who acts for her, unless the clinic wants its clients
/// to hear from their own coach all the same (A25). A retired move of a task names its coach itself.
fn signing(
    engine: &Engine,
    list: &TimeOffList,
    kind: EffectKind,
    assigned: &CoachId,
    today: Date,
) -> CoachId {
    let is_message = kind.audience() == Audience::Client;
    let keeps_name = is_message && engine.people.messages_while_away == MessagesWhileAway::Coach;
    if keeps_name || kind == EffectKind::ReassignTask {
        return assigned.clone();
    }
    list.acting_for(assigned, today).coach.clone()
}

/// A coach of the directory, looked up in the portal when she is new. With `crm`, her user is
/// asked for each time: somebody who left must not sign (E42).
async fn known_coach(
    engine: &Engine,
    id: &CoachId,
    directory: &[Coach],
    crm: bool,
    ops: &mut Vec<Op>,
) -> Result<Option<Coach>, EngineError> {
    let stored = directory.iter().find(|coach| coach.id == *id);
    let known = match stored {
        Some(coach) => Some(coach.clone()),
        None => engine
            .ports
            .portal
            .coaches()
            .await?
            .into_iter()
            .find(|coach| coach.id == *id),
    };
    let Some(mut coach) = known else {
        return Ok(None);
    };
    if crm {
        coach.crm_user = engine.ports.staff.user_by_email(&coach.email).await?;
    }
    if stored != Some(&coach) {
        ops.push(Op::PutCoach(coach.clone()));
    }
    Ok(Some(coach))
}

/// A coach with her user in the CRM, who is active.
pub(crate) async fn coach_with_user(
    engine: &Engine,
    id: &CoachId,
    ops: &mut Vec<Op>,
) -> Result<Option<Coach>, EngineError> {
    let coaches = engine.store.coaches().await?;
    known_coach(engine, id, &coaches, true, ops).await
}

/// The user of a client's coach in the CRM, or of who acts for her, who is active.
pub(super) async fn user_of_coach(
    engine: &Engine,
    client: &ClientId,
    ops: &mut Vec<Op>,
) -> Result<Option<CrmUserId>, EngineError> {
    let told = engine.ports.portal.client(client).await?;
    let Some(id) = told.and_then(|client| client.coach) else {
        return Ok(None);
    };
    let acting = time_off::acting_for(engine, &id).await?;
    let coach = coach_with_user(engine, &acting, ops).await?;
    Ok(coach.and_then(|coach| coach.crm_user))
}

/// The task that an earlier effect made.
pub(super) async fn made_task(
    engine: &Engine,
    input: &EffectInput,
) -> Result<Option<TaskId>, EngineError> {
    let (EffectInput::CloseTask { made_by, .. } | EffectInput::ReassignTask { made_by, .. }) =
        input
    else {
        return Ok(None);
    };
    let effect = engine.store.effect(made_by).await?;
    Ok(effect.as_ref().and_then(vendor_ref).map(TaskId::from))
}
