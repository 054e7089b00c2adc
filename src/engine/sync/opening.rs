//! Opens a follow-up of a missed check-in: the one way in, for the daily look and for a person alike.
//!
//! People: a *client* who comes to the clinic must not be chased for a check-in that she no longer
//! owes, and one who does not must not be left alone because of a word that was true once.
//!
//! Rules:
//! - Nothing is decided on a stored fact. What the portal alone refuses needs no more; else her contact
//!   type in the CRM is read now, and stored with what came of it. *In-Person* opens no case: the look
//!   comes again every day for as long as it stands (A22). This is the daily read of the contact type
//!   for those without a case; the guard reads it only where it asks the CRM anyway.
//! - A client who is not linked is linked here, by the rules that hold everywhere (`engine::link`).
//!   One who can't be linked by machine is followed up in the portal as before; a person links her when
//!   the CRM is first needed, and the guard reads the type then.
//! - What she wrote since the check-in was due is told to the case that opens (A40), and so is an order
//!   to set her contact type that the CRM has not taken yet: it opens paused.
//! - So is a stop of every channel to her (A33) that nobody has lifted.
//! - So is what staff said of her lately while no follow-up was open (`staff_said`): it opens paused, and asks.
//!   So is what the tags say that stand on her contact now.
//! - Without a CRM nobody is linked and nothing is read there; what it said last of her type stands.
//! - A read that fails opens nothing, whatever the failure: a refusal says no more about her than a
//!   silence. The look is tried again by the retry policy, for a day; the looks begin at midnight and
//!   the first message goes out in the morning, so an outage of a night delays nobody. One that lasts a
//!   day, or is refused for good, ends as an item for an admin, and each daily reconcile tries again.
//!   The text of the first message says "yesterday": a case that opens later holds it for the coach.
//! - Where the field of the contact type itself can't be found (renamed, doubled), nobody's type can be
//!   read: one item says so for all, and the looks come again every hour.
//!
//! Not guaranteed: that a client whom nobody could link is not a client who comes to the clinic. The
//! portal's status is all that is known of her until then. Nor that a change of the contact type after
//! the opening is known at once: a hook, the daily read and each guard that asks the CRM tell it.

use relay_core::clients::{CheckIn, ClientSnapshot, is_in_person};
use relay_core::facts::{Fact, FactBody, Order};
use relay_core::ids::{ClientId, ContactId};
use relay_core::outside;
use relay_core::time::{Date, SignedDuration, Timestamp, later};
use relay_core::work_kinds;
use relay_core::workflow::NotOpened;
use relay_core::workflows::{missed_check_in, set_contact_type};
use relay_store::{Op, WorkItem, WorkSettled};
use serde_json::json;

use crate::engine::inbox::late::stopped_key;
use crate::engine::link::Linked;
use crate::engine::staff_said::begins;
use crate::engine::staff_said::kept::kept;
use crate::engine::staff_said::look;
use crate::engine::stepper::Stepping;
use crate::engine::sync::conversation;
use crate::engine::sync::conversation::{before, contact_type_fact};
use crate::engine::{Engine, EngineError, RELAY, items, link, stepper};
use crate::failpoint::MISSED_READ;
use crate::ports::ContactType;

/// The item for all of them, while nobody's contact type can be read.
const NO_FIELD: &str = "drift/contact_type_field";

/// Why something waits because of that.
pub(crate) const TYPE_UNREADABLE: &str = "the contact type can't be found in the CRM";

/// The smallest step of time that is stored.
const TICK: SignedDuration = SignedDuration::from_micros(1);

/// What a check-in that was found to be missed comes to.
#[derive(Debug)]
pub(crate) enum Opening<'a> {
    /// A case opens, or the check-in is attached to the one that is open.
    Opens(Stepping<'a>),
    /// None opens.
    Refused {
        /// Why, and when that is to be looked at again.
        why: NotOpened,
        /// What was learned on the way, to be stored.
        learned: Vec<Op>,
    },
    /// None opens, because nobody's contact type can be read.
    NoField {
        /// Why, as the adapter of the CRM says it.
        why: String,
    },
}

/// What is known of a client's contact type now.
#[derive(Debug)]
pub(crate) enum TypeRead {
    /// This is told, `None` where nothing was ever told.
    Told(Option<Fact>),
    /// Nobody's can be read, and why.
    NoField(String),
}

/// Opens a case for a check-in that the portal shows as missed just now.
pub(crate) async fn opening<'a>(
    engine: &'a Engine,
    client: &ClientId,
    listed: &CheckIn,
    snapshot: &ClientSnapshot,
) -> Result<Opening<'a>, EngineError> {
    let mut missed = missed_fact(client, listed.clone(), snapshot.clone(), engine.now());
    // What opens nothing is not kept as a fact: it is to be decided anew.
    let mut dry = stepper::stepping(engine, client).await?;
    // Two looks in one moment are two findings: the second must not count as known.
    while dry.knows(&missed) {
        missed.source_time = later(missed.source_time, TICK);
    }
    dry.fact(missed.clone(), None);
    if let Some(why) = dry.not_opened.pop() {
        let learned = Vec::new();
        return Ok(Opening::Refused { why, learned });
    }
    let linked = engine
        .call(MISSED_READ, link::linked(engine, client, Some(snapshot)))
        .await?;
    let (contact, linking) = match linked {
        Linked::Contact { contact, ops } => (Some(contact), ops),
        Linked::Nobody { .. } => (None, Vec::new()),
    };
    let contact_type = match &contact {
        Some(contact) => {
            let read = read_contact_type(engine, client, contact);
            match engine.call(MISSED_READ, read).await? {
                TypeRead::Told(told) => told,
                TypeRead::NoField(why) => return Ok(Opening::NoField { why }),
            }
        }
        // Nobody can look: what the CRM said of her last stands.
        None if engine.ports.not_offered().crm => last_contact_type(engine, client).await?,
        None => None,
    };
    let mut linking = linking;
    if contact.is_some() {
        linking.push(field_found(engine));
    }
    let mut tags = Vec::new();
    if let Some(contact) = &contact {
        let words = engine.ports.tags.words(contact);
        tags = engine.call(MISSED_READ, words).await?;
        if !tags.is_empty() {
            linking.extend(look::linked_ops(engine, client, contact));
        }
    }
    let value = contact_type.as_ref().and_then(contact_type_of);
    if let Err(why) = missed_check_in::contact_type_allows(value.as_deref()) {
        let mut stepping = stepper::stepping(engine, client).await?;
        learn(&mut stepping, linking, contact_type);
        let learned = stepping.into_ops();
        return Ok(Opening::Refused { why, learned });
    }
    let counts_from = listed.due_at;
    let counts_from = counts_from.unwrap_or_else(|| engine.calendar.start_of_day(listed.due));
    let written = engine
        .call(
            MISSED_READ,
            conversation::read_conversation(engine, client, before(counts_from)),
        )
        .await?;
    let ordered = ordered_in_person(engine, client).await?;
    let stopped = outreach_stopped(engine, client).await?;
    let said = kept(engine, client).await?;
    let mut stepping = stepper::stepping(engine, client).await?;
    learn(&mut stepping, linking, contact_type);
    stepping.fact(missed, None);
    if let Some(why) = stepping.not_opened.pop() {
        let learned = Vec::new();
        return Ok(Opening::Refused { why, learned });
    }
    if stopped.is_some() {
        // The case that opens asks about it.
        stepping.push(Op::SettleWorkByKey {
            dedupe_key: stopped_key(client),
            settled: WorkSettled {
                at: engine.now(),
                by: RELAY.to_owned(),
                action: "her follow-up asks about it".to_owned(),
            },
        });
    }
    let learned = written.into_iter().chain(ordered).chain(stopped);
    for fact in learned.chain(said) {
        stepping.tell(fact);
    }
    if let Some(contact) = &contact {
        begins::hear(engine, snapshot, contact, tags, &mut stepping).await?;
    }
    Ok(Opening::Opens(stepping))
}

/// The contact type as the CRM shows it now. One that is known already is the fact that is known:
/// each change is stored once, an emptied field too. Of a contact that the CRM does not find
/// nothing was read, so what was told last stands.
pub(crate) async fn read_contact_type(
    engine: &Engine,
    client: &ClientId,
    contact: &ContactId,
) -> Result<TypeRead, EngineError> {
    let shown = engine.ports.contacts.contact_type(contact).await?;
    let last = last_contact_type(engine, client).await?;
    Ok(TypeRead::Told(match (shown, last) {
        (ContactType::NoField(why), _) => return Ok(TypeRead::NoField(why)),
        (ContactType::NoContact, last) => last,
        (ContactType::Shown(value), Some(last)) if contact_type_of(&last) == value => Some(last),
        (ContactType::Shown(None), None) => None,
        (ContactType::Shown(value), _) => Some(contact_type_fact(client, value, engine.now())),
    }))
}

/// Nobody's contact type can be read: one item for all whom it concerns, until it can.
pub(crate) async fn no_field_ops(engine: &Engine, why: &str) -> Result<Vec<Op>, EngineError> {
    let shown = outside::short_line(why, 200);
    let title = format!(
        "Nobody with a contact in the CRM is followed up: the contact type can't be found there \
         ({shown})"
    );
    let mut item = items::item(engine, NO_FIELD.to_owned(), work_kinds::DRIFT, title);
    item.detail = json!({ "reason": shown,
        "remedy": "`clear-relay doctor` tells which field it is looked for in, and which there \
                   are: correct the name there or in the configuration. Each client is looked at \
                   again every hour" });
    item.actions = vec!["done".to_owned()];
    tell(engine, item).await
}

/// The contact type can be read: the item that said otherwise is settled, if there is one.
fn field_found(engine: &Engine) -> Op {
    Op::SettleWorkByKey {
        dedupe_key: NO_FIELD.to_owned(),
        settled: WorkSettled {
            at: engine.now(),
            by: RELAY.to_owned(),
            action: "the contact type can be read again".to_owned(),
        },
    }
}

/// The latest contact type that was told of her.
pub(crate) async fn last_contact_type(
    engine: &Engine,
    client: &ClientId,
) -> Result<Option<Fact>, EngineError> {
    // They come by source time.
    let known = engine.store.facts(client).await?;
    let mut known = known.into_iter().map(|row| row.fact).rev();
    Ok(known.find(|fact| matches!(fact.body, FactBody::ContactType { .. })))
}

/// The order to set her contact type to *In-Person*, while it is being carried out.
async fn ordered_in_person(
    engine: &Engine,
    client: &ClientId,
) -> Result<Option<Fact>, EngineError> {
    let open = engine.store.open_cases(client).await?;
    let Some(case) = open
        .iter()
        .filter(|case| case.procedure == set_contact_type::NAME)
        .max_by_key(|case| case.opened_at)
    else {
        return Ok(None);
    };
    let known = engine.store.facts(client).await?;
    let mut known = known.into_iter().map(|row| row.fact).rev();
    let order = known.find(|fact| {
        let FactBody::Ordered { order, .. } = &fact.body else {
            return false;
        };
        matches!(order, Order::SetContactType { .. }) && fact.source_time <= case.opened_at
    });
    Ok(order.filter(|fact| match &fact.body {
        FactBody::Ordered {
            order: Order::SetContactType { value },
            ..
        } => is_in_person(value),
        _ => false,
    }))
}

/// What stopped every channel to her, unless it was lifted since.
async fn outreach_stopped(engine: &Engine, client: &ClientId) -> Result<Option<Fact>, EngineError> {
    // They come by source time, then in the order in which they were learned.
    let known = engine.store.facts(client).await?;
    let mut known = known.into_iter().map(|row| row.fact).rev();
    let last = known.find(|fact| {
        matches!(
            fact.body,
            FactBody::OutreachStopped { .. } | FactBody::OutreachAllowed { .. }
        )
    });
    Ok(last.filter(|fact| matches!(fact.body, FactBody::OutreachStopped { .. })))
}

/// When the latest check-in that was submitted is due: it stands for all that are due before (E7).
pub(crate) fn later_submitted(listed: &[CheckIn]) -> Option<Date> {
    let submitted = listed.iter().filter(|other| other.submitted_at.is_some());
    submitted.map(|other| other.due).max()
}

/// A link and a contact type that were found: what an open case makes of them, it makes of them now.
fn learn(stepping: &mut Stepping<'_>, linking: Vec<Op>, contact_type: Option<Fact>) {
    for op in linking {
        stepping.push(op);
    }
    if let Some(fact) = contact_type {
        stepping.tell(fact);
    }
}

/// The value of a contact type that was told.
pub(crate) fn contact_type_of(fact: &Fact) -> Option<String> {
    match &fact.body {
        FactBody::ContactType { value } => value.clone(),
        _ => None,
    }
}

/// What was read just now. Its time is that of the read: a miss that opened nothing, or whose case
/// has closed since, is found anew.
fn missed_fact(
    client: &ClientId,
    check_in: CheckIn,
    snapshot: ClientSnapshot,
    now: Timestamp,
) -> Fact {
    Fact {
        client: client.clone(),
        object: check_in.id.to_string(),
        source_time: now,
        body: FactBody::CheckInMissed {
            check_in,
            client: Box::new(snapshot),
        },
    }
}

/// Opens an item unless it is open, or was settled a short while ago.
pub(crate) async fn tell(engine: &Engine, item: WorkItem) -> Result<Vec<Op>, EngineError> {
    let now = engine.now();
    let told = engine.store.work_by_key(&item.dedupe_key).await?;
    let lately = told.is_some_and(|told| match told.settled {
        None => true,
        Some(settled) => now.duration_since(settled.at).abs() < TOLD_FOR,
    });
    Ok(if lately {
        Vec::new()
    } else {
        items::open_work_ops(engine, item, now)
    })
}

/// How long something that a person has settled is not told again, if it is still so.
pub(crate) const TOLD_FOR: SignedDuration = SignedDuration::from_hours(24 * 7);
