//! What the emulated portal knows, and how it shows it.

use std::collections::BTreeMap;

use relay_core::time::{Date, TimeZone, Timestamp};
use relay_http_client::emulation::seconds_later;
use serde_json::{Map, Value, json};

use super::settings::{NewClient, Switches};

/// Everything the portal knows.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) switches: Switches,
    pub(super) coaches: Vec<Coach>,
    pub(super) clients: Vec<NewClient>,
    pub(super) check_ins: Vec<CheckIn>,
    pub(super) messages: Vec<Message>,
    pub(super) notes: Vec<Note>,
    pub(super) keys: BTreeMap<String, UsedKey>,
}

impl State {
    pub(super) fn client(&self, id: &str) -> Option<&NewClient> {
        self.clients.iter().find(|client| client.id == id)
    }

    pub(super) fn client_mut(&mut self, id: &str) -> Result<&mut NewClient, String> {
        self.clients
            .iter_mut()
            .find(|client| client.id == id)
            .ok_or_else(|| format!("no client {id}"))
    }

    pub(super) fn check_in_mut(&mut self, id: &str) -> Result<&mut CheckIn, String> {
        self.check_ins
            .iter_mut()
            .find(|check_in| check_in.id == id)
            .ok_or_else(|| format!("no check-in {id}"))
    }

    /// What `key` was used for, as far as the portal remembers at `now`.
    pub(super) fn used(&self, key: &str, now: Timestamp) -> Option<&UsedKey> {
        if self.switches.key_ignored {
            return None;
        }
        let used = self.keys.get(key)?;
        match self.switches.key_expires_after_seconds {
            Some(after) if seconds_later(used.at, after) <= now => None,
            _ => Some(used),
        }
    }

    pub(super) fn has_coach(&self, id: &str) -> bool {
        self.coaches.iter().any(|coach| coach.id == id)
    }
}

#[derive(Debug)]
pub(super) struct Coach {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) email: String,
}

impl Coach {
    pub(super) fn show(&self) -> Value {
        json!({"id": self.id, "name": self.name, "email": self.email})
    }
}

#[derive(Debug)]
pub(super) struct CheckIn {
    pub(super) id: String,
    pub(super) client: String,
    pub(super) due: Date,
    pub(super) due_at: Option<Timestamp>,
    pub(super) submitted_at: Option<Timestamp>,
    pub(super) complete: bool,
    pub(super) withdrawn: bool,
    /// Whether the moment of its `check_in.due` has passed.
    pub(super) announced: bool,
    /// A state word in place of the known one: the portal has drifted.
    pub(super) word: Option<String>,
}

impl CheckIn {
    pub(super) fn is_open(&self) -> bool {
        self.submitted_at.is_none() && !self.withdrawn
    }

    /// When its `check_in.due` is raised.
    pub(super) fn due_instant(&self, zone: &TimeZone) -> Timestamp {
        self.due_at.unwrap_or_else(|| {
            zone.to_timestamp(self.due.at(0, 0, 0, 0))
                .unwrap_or(Timestamp::MAX)
        })
    }

    pub(super) fn status(&self) -> &'static str {
        match (self.withdrawn, self.submitted_at) {
            (true, _) => "withdrawn",
            (false, Some(_)) => "submitted",
            (false, None) => "open",
        }
    }

    pub(super) fn show(&self) -> Value {
        json!({
            "id": self.id,
            "client_id": self.client,
            "due_date": self.due,
            "due_at": self.due_at,
            "status": self.word.as_deref().unwrap_or(self.status()),
            "submitted_at": self.submitted_at,
            "complete": self.submitted_at.map(|_| self.complete),
        })
    }
}

#[derive(Debug)]
pub(super) struct Message {
    pub(super) id: String,
    pub(super) client: String,
    /// `None`: the client wrote it.
    pub(super) coach: Option<String>,
    pub(super) sent_at: Timestamp,
    pub(super) text: String,
    pub(super) read_at: Option<Timestamp>,
    /// The `Idempotency-Key` it was written with.
    pub(super) key: Option<String>,
    /// A kind of author in place of the known two: the portal has drifted.
    pub(super) word: Option<String>,
}

impl Message {
    pub(super) fn from(&self) -> &str {
        match (&self.word, &self.coach) {
            (Some(word), _) => word,
            (None, Some(_)) => "coach",
            (None, None) => "client",
        }
    }

    pub(super) fn show(&self) -> Value {
        json!({
            "id": self.id,
            "client_id": self.client,
            "from": self.from(),
            "coach_id": self.coach,
            "sent_at": self.sent_at,
            "text": self.text,
            "read_at": self.read_at,
            "idempotency_key": self.key,
        })
    }
}

#[derive(Debug)]
pub(super) struct Note {
    pub(super) id: String,
    pub(super) client: String,
    /// The coach who wrote it; `None`: the integration.
    pub(super) author: Option<String>,
    pub(super) written_at: Timestamp,
    pub(super) text: String,
    /// The `Idempotency-Key` it was written with.
    pub(super) key: String,
}

impl Note {
    pub(super) fn show(&self) -> Value {
        json!({
            "id": self.id,
            "client_id": self.client,
            "author": self.author,
            "written_at": self.written_at,
            "text": self.text,
            "idempotency_key": self.key,
        })
    }
}

/// An `Idempotency-Key` that was used.
#[derive(Debug, Clone)]
pub(super) struct UsedKey {
    /// Path and body it was used with.
    pub(super) input: String,
    /// What was answered.
    pub(super) answer: Value,
    /// When it was used first, on the emulator's clock.
    pub(super) at: Timestamp,
}

/// A client as the portal shows her.
pub(super) fn show_client(client: &NewClient) -> Value {
    json!({
        "id": client.id,
        "first_name": client.first_name,
        "last_name": client.last_name,
        "status": client.status.as_deref().unwrap_or("online"),
        "transition_call_only": client.status.as_deref() == Some("transition_call_only"),
        "coach_id": client.coach,
        "email": client.email,
        "phone": client.phone,
        "time_zone": client.time_zone,
        "keap_contact_id": client.keap_contact_id,
        "last_regimen_change": client.last_regimen_change,
        "break_until": client.break_until,
        "minor": client.minor,
        "guardian": client.guardian.as_ref().map(|name| json!({ "name": name })),
    })
}

/// The same as a portal with odd habits would send it: ids as numbers where they look like them,
/// and a member that nobody knows.
pub(super) fn oddly(value: Value) -> Value {
    match value {
        Value::Array(entries) => entries.into_iter().map(oddly).collect(),
        Value::Object(members) => {
            let mut odd: Map<String, Value> = members
                .into_iter()
                .map(|(name, value)| {
                    let is_id = name == "id" || name.ends_with("_id");
                    let value = match value.as_str().and_then(|text| text.parse::<u64>().ok()) {
                        Some(number) if is_id => Value::from(number),
                        _ => oddly(value),
                    };
                    (name, value)
                })
                .collect();
            odd.insert("x_portal_build".to_owned(), json!({"beta": [true, null]}));
            Value::Object(odd)
        }
        other => other,
    }
}
