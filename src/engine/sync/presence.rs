//! Whether a contact of the CRM is there, as the relay believes it (E40).
//!
//! For everybody who reads a contact and draws a conclusion from its absence. One answer proves
//! nothing: a CRM that is being mended denies what it has. A contact is *gone* when two looks,
//! minutes apart, found the CRM say so in its own words and leave it out of its list (the adapter's
//! part of a look); in between it is in doubt, and whoever needs it waits for the second look.
//!
//! Being seen again takes it back. Whoever sees a contact that was doubted clears the doubt; whoever
//! sees one that was believed to be gone has it read again in the lane of each client it concerns,
//! where [`FactBody::ContactSeen`] lets go on what waited for it.
//!
//! What is remembered is a setting per contact that was ever missed (`absent/contact/ID`), so that
//! two looks may be those of two jobs, or of two runs of the process.
//!
//! Not guaranteed: that a contact that is deleted and restored between two looks is noticed.

use relay_core::clients::ContactSnapshot;
use relay_core::facts::{Fact, FactBody};
use relay_core::ids::{ClientId, ContactId};
use relay_core::time::{SignedDuration, Timestamp, later};
use relay_store::Op;
use serde::{Deserialize, Serialize};

use crate::engine::sync::hints;
use crate::engine::sync::hints::{ClientHint, Origin};
use crate::engine::{Engine, EngineError};
use crate::receipts::{Hint, HintObject};

/// What the settings' keys begin with.
const ABSENT: &str = "absent/contact/";

/// How long must lie between two looks, procedure time.
const BETWEEN: SignedDuration = SignedDuration::from_mins(10);

/// After this a first look without a second one counts no more, procedure time.
const FORGOTTEN: SignedDuration = SignedDuration::from_hours(12);

/// What is known of a contact's absence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Absent {
    /// When it was first missed.
    since: Timestamp,
    /// Whether it is believed to be gone.
    #[serde(default)]
    gone: bool,
}

/// What a look at a contact leads to.
#[derive(Debug)]
pub(crate) enum Presence {
    /// It is there.
    There(Box<ContactSnapshot>),
    /// It was not found, for the first time: to be looked at again.
    Doubtful {
        /// When it is looked at again, procedure time.
        again: Timestamp,
    },
    /// It is gone.
    Gone,
}

/// Why somebody waits for a contact that is in doubt.
pub(crate) const IN_DOUBT: &str = "the CRM does not show her contact: it is looked at once more \
                                   before that is believed";

/// Looks at a contact. The operations are to be committed with whatever follows.
pub(crate) async fn look_at_contact(
    engine: &Engine,
    contact: &ContactId,
    with_twins: bool,
) -> Result<(Presence, Vec<Op>), EngineError> {
    let found = engine.ports.contacts.contact(contact, with_twins).await?;
    let known = absent(engine, contact).await?;
    let now = engine.now();
    let Some(snapshot) = found else {
        return Ok(missed(contact, known, now));
    };
    let ops = match known {
        None => Vec::new(),
        Some(Absent { gone: false, .. }) => vec![put(contact, None)],
        Some(Absent { gone: true, .. }) => read_again(engine, contact).await?,
    };
    Ok((Presence::There(Box::new(snapshot)), ops))
}

async fn absent(engine: &Engine, contact: &ContactId) -> Result<Option<Absent>, EngineError> {
    let stored = engine.store.setting(&key(contact)).await?;
    Ok(stored.and_then(|value| serde_json::from_value(value).ok()))
}

/// The contacts that are in doubt, or believed to be gone.
pub(crate) async fn doubted_contacts(engine: &Engine) -> Result<Vec<ContactId>, EngineError> {
    let stored = engine.store.settings(ABSENT).await?;
    let doubted = stored.into_iter().filter(|(_, value)| !value.is_null());
    Ok(doubted
        .filter_map(|(key, _)| key.strip_prefix(ABSENT).map(ContactId::from))
        .collect())
}

/// What a client's own lane is told when her contact was seen: the doubt is cleared there, if there
/// is one. Nothing is written of a contact that was never missed.
pub(crate) async fn clear_doubt(
    engine: &Engine,
    contact: &ContactId,
) -> Result<Vec<Op>, EngineError> {
    let stored = engine.store.setting(&key(contact)).await?;
    let doubted = stored.is_some_and(|value| !value.is_null());
    Ok(doubted.then(|| put(contact, None)).into_iter().collect())
}

/// Jobs that read the contact again, in the lane of each client it concerns.
async fn read_again(engine: &Engine, contact: &ContactId) -> Result<Vec<Op>, EngineError> {
    let watched = ClientHint {
        hint: Hint {
            object: HintObject::Contact,
            id: contact.to_string(),
            at: None,
            deleted: false,
            tag: None,
        },
        clients: engine.store.clients_of(contact).await?,
    };
    Ok(hints::reread_ops(
        engine,
        &Origin::seen(engine.now()),
        &watched,
    ))
}

/// Whether the client's cases have been told that her contact is gone, and not that it is there.
/// `contact` narrows that to one contact.
pub(crate) async fn knows_gone(
    engine: &Engine,
    client: &ClientId,
    contact: Option<&ContactId>,
) -> Result<bool, EngineError> {
    let facts = engine.store.facts(client).await?;
    let told = facts.iter().filter(|row| {
        let about = matches!(row.fact.body, FactBody::ContactGone | FactBody::ContactSeen);
        about && contact.is_none_or(|contact| row.fact.object == contact.as_str())
    });
    let last = told.max_by_key(|row| row.learned_at);
    Ok(last.is_some_and(|row| row.fact.body == FactBody::ContactGone))
}

/// The fact that a client's contact is gone, or that it is there.
pub(crate) fn contact_fact(
    engine: &Engine,
    client: &ClientId,
    contact: &ContactId,
    body: FactBody,
) -> Fact {
    Fact {
        client: client.clone(),
        object: contact.to_string(),
        source_time: engine.now(),
        body,
    }
}

/// What a look that did not find the contact leads to.
fn missed(contact: &ContactId, known: Option<Absent>, now: Timestamp) -> (Presence, Vec<Op>) {
    // A first look that lies ahead was made by a clock that was wrong.
    let first = known.filter(|known| {
        known.gone || (known.since <= now && now.duration_since(known.since) <= FORGOTTEN)
    });
    let (presence, keep) = match first {
        Some(first) if first.gone => return (Presence::Gone, Vec::new()),
        Some(first) if now.duration_since(first.since) >= BETWEEN => {
            let gone = Absent {
                gone: true,
                ..first
            };
            (Presence::Gone, gone)
        }
        Some(first) => (
            Presence::Doubtful {
                again: later(first.since, BETWEEN),
            },
            first,
        ),
        None => {
            let first = Absent {
                since: now,
                gone: false,
            };
            let again = later(now, BETWEEN);
            (Presence::Doubtful { again }, first)
        }
    };
    (presence, vec![put(contact, Some(keep))])
}

fn key(contact: &ContactId) -> String {
    format!("{ABSENT}{contact}")
}

fn put(contact: &ContactId, absent: Option<Absent>) -> Op {
    Op::PutSetting {
        key: key(contact),
        value: serde_json::to_value(absent).unwrap_or_default(),
    }
}
