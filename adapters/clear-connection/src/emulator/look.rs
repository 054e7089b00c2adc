//! What the portal shows of a client to whoever stands in front of it.
//!
//! For the sandbox's page, which shows the clinic's tools side by side. Reading changes nothing:
//! it is not the client who looks, so no message becomes read, and no request, so no fault
//! strikes.

use relay_core::time::{Date, Timestamp};
use serde::Serialize;

use super::portal::Portal;

/// A client, whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SeenClient {
    /// Her id.
    pub id: String,
    /// Her given name.
    pub first_name: Option<String>,
    /// Her family name.
    pub last_name: Option<String>,
    /// The status word.
    pub status: String,
    /// Her coach, by name.
    pub coach: Option<String>,
    /// The CRM contact that the portal links her to.
    pub contact: Option<String>,
    /// `R`.
    pub regimen: Option<Date>,
    /// Her check-ins, the first due first.
    pub check_ins: Vec<SeenCheckIn>,
    /// The conversation, oldest first.
    pub messages: Vec<SeenMessage>,
    /// The coaches' notes, oldest first.
    pub notes: Vec<SeenNote>,
}

/// A check-in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SeenCheckIn {
    /// Its id.
    pub id: String,
    /// `D`.
    pub due: Date,
    /// When it was submitted, if it was.
    pub submitted_at: Option<Timestamp>,
    /// Whether the clinic withdrew it.
    pub withdrawn: bool,
}

/// A message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SeenMessage {
    /// Its id.
    pub id: String,
    /// The coach who wrote it, by name; `None`: the client did.
    pub coach: Option<String>,
    /// When it was written, on the emulator's clock.
    pub at: Timestamp,
    /// Its text, to the character.
    pub text: String,
    /// When she read it, if she has.
    pub read_at: Option<Timestamp>,
}

/// A note that only coaches see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SeenNote {
    /// Its id.
    pub id: String,
    /// The coach who wrote it, by name; `None`: the integration.
    pub author: Option<String>,
    /// When it was written, on the emulator's clock.
    pub at: Timestamp,
    /// Its text, to the character.
    pub text: String,
}

impl Portal {
    /// The clients' ids, in the order in which they joined.
    pub fn clients(&self) -> Vec<String> {
        let state = self.state();
        let ids = state.clients.iter().map(|client| client.id.clone());
        ids.collect()
    }

    /// Everything the portal knows of `client`.
    pub fn look(&self, client: &str) -> Option<SeenClient> {
        let state = self.state();
        let known = state.client(client)?;
        let name = |id: &str| {
            let coach = state.coaches.iter().find(|coach| coach.id == id);
            coach.map_or_else(|| id.to_owned(), |coach| coach.name.clone())
        };
        let mut check_ins: Vec<SeenCheckIn> = state
            .check_ins
            .iter()
            .filter(|check_in| check_in.client == client)
            .map(|check_in| SeenCheckIn {
                id: check_in.id.clone(),
                due: check_in.due,
                submitted_at: check_in.submitted_at,
                withdrawn: check_in.withdrawn,
            })
            .collect();
        check_ins.sort_by_key(|check_in| check_in.due);
        let messages = state.messages.iter();
        let messages = messages.filter(|message| message.client == client);
        let notes = state.notes.iter().filter(|note| note.client == client);
        Some(SeenClient {
            id: known.id.clone(),
            first_name: known.first_name.clone(),
            last_name: known.last_name.clone(),
            status: known.status.as_deref().unwrap_or("online").to_owned(),
            coach: known.coach.as_deref().map(name),
            contact: known.keap_contact_id.clone(),
            regimen: known.last_regimen_change,
            check_ins,
            messages: messages
                .map(|message| SeenMessage {
                    id: message.id.clone(),
                    coach: message.coach.as_deref().map(name),
                    at: message.sent_at,
                    text: message.text.clone(),
                    read_at: message.read_at,
                })
                .collect(),
            notes: notes
                .map(|note| SeenNote {
                    id: note.id.clone(),
                    author: note.author.as_deref().map(name),
                    at: note.written_at,
                    text: note.text.clone(),
                })
                .collect(),
        })
    }
}
