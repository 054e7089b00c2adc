//! Which CRM contact a client is.
//!
//! From the portal's own word, else from one exact email match, else nobody: a person links them
//! (`clients link`). Never a guess, because a wrong link sends one client's message to another.
//!
//! Rules, the same for a machine as for a person:
//! - One contact is one client. A contact that another client is linked to is nobody's to take; the
//!   store refuses it as well, for two who are linked in the same moment.
//! - A match counts by the contact's *first* address alone. The CRM's search finds any of its three,
//!   and a second address is often somebody else's: her message would go to the first.
//! - Nothing is mailed to a contact whose address is not the one that the portal has, unless a person
//!   has linked just this pair of addresses by hand: she is asked once for each pair.

use relay_core::clients::ClientSnapshot;
use relay_core::ids::{ClientId, ContactId};
use relay_core::work_kinds;
use relay_store::{Link, Op};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::engine::{Engine, EngineError, items};

/// The answer.
#[derive(Debug)]
pub enum Linked {
    /// This contact; `ops` store a link found just now.
    Contact {
        /// The contact.
        contact: ContactId,
        /// To be committed with what follows.
        ops: Vec<Op>,
    },
    /// Nobody that can be told; `ops` open the work item.
    Nobody {
        /// Why, in one line.
        reason: String,
        /// To be committed with what follows.
        ops: Vec<Op>,
    },
}

/// The contact of `client`. `snapshot` saves a read where the caller has one.
pub(crate) async fn linked(
    engine: &Engine,
    client: &ClientId,
    snapshot: Option<&ClientSnapshot>,
) -> Result<Linked, EngineError> {
    if engine.ports.not_offered().crm {
        // What is stored stays as it is, and nobody is asked for a link that nothing would use.
        return Ok(Linked::Nobody {
            reason: "no CRM is switched on".to_owned(),
            ops: Vec::new(),
        });
    }
    let stored = engine.store.link(client).await?;
    let read;
    let snapshot = match (snapshot, &stored) {
        (Some(snapshot), _) => Some(snapshot),
        // A person's word stands; the portal need not be asked.
        (None, Some(link)) => {
            return Ok(Linked::Contact {
                contact: link.contact.clone(),
                ops: Vec::new(),
            });
        }
        (None, None) => {
            read = engine.ports.portal.client(client).await?;
            read.as_ref()
        }
    };
    if let Some(link) = stored {
        return check_stored(engine, client, link, snapshot).await;
    }
    let Some(snapshot) = snapshot else {
        return Ok(nobody(
            engine,
            client,
            &format!("{} knows no such client", engine.ports.records().words()),
        ));
    };
    if let Some(contact) = &snapshot.contact {
        return found(engine, client, contact.clone(), "portal").await;
    }
    let Some(email) = &snapshot.email else {
        return Ok(nobody(
            engine,
            client,
            "neither a contact nor an address is on file",
        ));
    };
    let mut first = Vec::new();
    let mut second = 0_usize;
    for found in engine.ports.contacts.by_email(email).await? {
        if found.first {
            first.push(found.id);
        } else {
            second += 1;
        }
    }
    Ok(match (first.pop(), first.len(), second) {
        (Some(contact), 0, _) => return found(engine, client, contact, "email").await,
        (Some(_), _, _) => nobody(engine, client, "several contacts have the client's address"),
        (None, _, 0) => nobody(engine, client, "no contact has the client's address"),
        (None, _, _) => nobody(
            engine,
            client,
            "the client's address is only a further address of a contact whose first one is \
             another",
        ),
    })
}

/// A stored link that the portal contradicts leads nowhere (E21), nor does one to a contact that
/// another client has too; unless a person made it.
async fn check_stored(
    engine: &Engine,
    client: &ClientId,
    link: Link,
    snapshot: Option<&ClientSnapshot>,
) -> Result<Linked, EngineError> {
    let told = snapshot.and_then(|snapshot| snapshot.contact.as_ref());
    let by_person = link.source.starts_with("person:");
    if told.is_some_and(|told| *told != link.contact) && !by_person {
        return Ok(nobody(
            engine,
            client,
            &format!(
                "{} names another contact than the stored link",
                engine.ports.records().words()
            ),
        ));
    }
    if !by_person && let Some(taken) = taken(engine, client, &link.contact).await? {
        return Ok(nobody(engine, client, &taken));
    }
    Ok(Linked::Contact {
        contact: link.contact,
        ops: Vec::new(),
    })
}

async fn found(
    engine: &Engine,
    client: &ClientId,
    contact: ContactId,
    source: &str,
) -> Result<Linked, EngineError> {
    if let Some(taken) = taken(engine, client, &contact).await? {
        return Ok(nobody(engine, client, &taken));
    }
    let link = link(engine, client, &contact, source);
    Ok(Linked::Contact {
        contact,
        ops: vec![link],
    })
}

/// Links a client to the contact that is told to be hers, and that no other client has.
pub(crate) fn told(engine: &Engine, client: &ClientId, contact: &ContactId) -> Op {
    link(engine, client, contact, "portal")
}

fn link(engine: &Engine, client: &ClientId, contact: &ContactId, source: &str) -> Op {
    Op::PutLink(Link {
        client: client.clone(),
        contact: contact.clone(),
        source: source.to_owned(),
        at: engine.now(),
    })
}

/// Why the contact can't be this client's, where another client has it.
pub(crate) async fn taken(
    engine: &Engine,
    client: &ClientId,
    contact: &ContactId,
) -> Result<Option<String>, EngineError> {
    let taken = engine.store.clients_of(contact).await?;
    let other = taken.into_iter().find(|taken| taken != client);
    Ok(other.map(|other| format!("contact {contact} is client {other} already")))
}

/// Whether a person has said of just these two addresses that both are hers.
pub(crate) async fn is_confirmed(
    engine: &Engine,
    client: &ClientId,
    in_portal: Option<&str>,
    in_crm: Option<&str>,
) -> Result<bool, EngineError> {
    if in_crm.is_none() || folded(in_portal) == folded(in_crm) {
        return Ok(false);
    }
    let key = pair_key(client, in_portal, in_crm);
    Ok(engine.store.setting(&key).await?.is_some())
}

fn nobody(engine: &Engine, client: &ClientId, reason: &str) -> Linked {
    let title = format!("Link client {client} to her CRM contact: {reason}");
    let mut item = items::item(engine, format!("link/{client}"), work_kinds::LINK, title);
    item.detail = json!({ "client": client, "reason": reason,
                          "remedy": format!("clear-relay clients link {client} CONTACT --by NAME") });
    item.actions = vec!["linked".to_owned()];
    item.client = Some(client.clone());
    Linked::Nobody {
        reason: reason.to_owned(),
        ops: items::open_work_ops(engine, item, engine.now()),
    }
}

/// Whether two addresses are one.
pub(crate) fn is_same(one: Option<&str>, other: Option<&str>) -> bool {
    folded(one) == folded(other)
}

fn folded(address: Option<&str>) -> Option<String> {
    let address = address?.trim().to_lowercase();
    (!address.is_empty()).then_some(address)
}

/// The setting that says of two addresses that both are hers. No address is kept.
pub(crate) fn pair_key(client: &ClientId, in_portal: Option<&str>, in_crm: Option<&str>) -> String {
    let mut hash = Sha256::new();
    for address in [in_portal, in_crm] {
        hash.update(folded(address).unwrap_or_default());
        hash.update([0]);
    }
    format!("addresses/{client}/{}", hex::encode(hash.finalize()))
}
