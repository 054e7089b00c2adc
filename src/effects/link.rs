//! Which CRM contact a client is.
//!
//! From the portal's own word, else from one exact email match, else nobody: a person links them
//! (`clients link`). Never a guess, because a wrong link sends one client's message to another.

use relay_core::clients::ClientSnapshot;
use relay_core::ids::{ClientId, ContactId};
use relay_store::{Link, Op};
use serde_json::json;

use crate::engine::{Engine, EngineError};

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

impl Engine {
    /// The contact of `client`. `snapshot` saves a read where the caller has one.
    pub(crate) async fn linked(
        &self,
        client: &ClientId,
        snapshot: Option<&ClientSnapshot>,
    ) -> Result<Linked, EngineError> {
        let stored = self.store.link(client).await?;
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
                read = self.ports.portal.client(client).await?;
                read.as_ref()
            }
        };
        if let Some(link) = stored {
            return Ok(self.check_stored(client, link, snapshot));
        }
        let Some(snapshot) = snapshot else {
            return Ok(self.nobody(client, "the portal knows no such client"));
        };
        if let Some(contact) = &snapshot.contact {
            return Ok(self.found(client, contact.clone(), "portal"));
        }
        let Some(email) = &snapshot.email else {
            return Ok(self.nobody(client, "neither a contact nor an address is on file"));
        };
        let mut matches = self.ports.contacts.by_email(email).await?;
        Ok(match (matches.pop(), matches.len()) {
            (Some(contact), 0) => self.found(client, contact.id, "email"),
            (None, _) => self.nobody(client, "no contact has the client's address"),
            (Some(_), _) => self.nobody(client, "several contacts have the client's address"),
        })
    }

    /// A stored link that the portal contradicts leads nowhere (E21), unless a person made it.
    fn check_stored(
        &self,
        client: &ClientId,
        link: Link,
        snapshot: Option<&ClientSnapshot>,
    ) -> Linked {
        let told = snapshot.and_then(|snapshot| snapshot.contact.as_ref());
        let by_person = link.source.starts_with("person:");
        if told.is_some_and(|told| *told != link.contact) && !by_person {
            return self.nobody(
                client,
                "the portal names another contact than the stored link",
            );
        }
        Linked::Contact {
            contact: link.contact,
            ops: Vec::new(),
        }
    }

    fn found(&self, client: &ClientId, contact: ContactId, source: &str) -> Linked {
        let at = self.now();
        let link = Link {
            client: client.clone(),
            contact: contact.clone(),
            source: source.to_owned(),
            at,
        };
        Linked::Contact {
            contact,
            ops: vec![Op::PutLink(link)],
        }
    }

    fn nobody(&self, client: &ClientId, reason: &str) -> Linked {
        let title = format!("Link client {client} to her CRM contact: {reason}");
        let mut item = self.item(format!("link/{client}"), "link", title);
        item.detail = json!({ "client": client, "reason": reason,
                              "remedy": format!("clear-relay clients link {client} CONTACT --by NAME") });
        item.actions = vec!["linked".to_owned()];
        item.client = Some(client.clone());
        Linked::Nobody {
            reason: reason.to_owned(),
            ops: self.open_work_ops(item, self.now()),
        }
    }
}
