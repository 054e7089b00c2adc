//! What the emulated list knows, and how its rows say it.

use relay_core::time::{Date, Timestamp};
use serde_json::{Map, Value, json};

use super::settings::{NewClient, Switches};

/// Everything the list knows.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) switches: Switches,
    pub(super) coaches: Vec<Coach>,
    pub(super) clients: Vec<NewClient>,
    pub(super) check_ins: Vec<CheckIn>,
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

    pub(super) fn has_coach(&self, id: &str) -> bool {
        self.coaches.iter().any(|coach| coach.id == id)
    }

    /// Whether a list without ids of check-ins has another one in this one's place.
    fn is_replaced(&self, check_in: &CheckIn) -> bool {
        let mut others = self.check_ins.iter().filter(|one| one.id != check_in.id);
        self.switches.no_check_in_ids
            && check_in.withdrawn
            && others.any(|one| one.client == check_in.client && one.due == check_in.due)
    }

    /// The list as it is: a line for each check-in, with all that is known of the client, and one for each
    /// client without any.
    pub(super) fn lines(&self) -> Vec<Map<String, Value>> {
        let mut lines = Vec::new();
        for client in &self.clients {
            let own = self.check_ins.iter().filter(|one| one.client == client.id);
            let own: Vec<&CheckIn> = own.filter(|one| !self.is_replaced(one)).collect();
            if own.is_empty() {
                lines.push(about(client));
            }
            for check_in in own {
                let mut line = about(client);
                line.extend(check_in.row(self.switches));
                lines.push(line);
            }
        }
        lines
    }
}

/// A coach, whom the list knows by her id.
#[derive(Debug)]
pub(super) struct Coach {
    pub(super) id: String,
    pub(super) name: String,
}

#[derive(Debug, Clone)]
pub(super) struct CheckIn {
    pub(super) id: String,
    pub(super) client: String,
    pub(super) due: Date,
    pub(super) submitted_at: Option<Timestamp>,
    pub(super) withdrawn: bool,
}

impl CheckIn {
    pub(super) fn is_open(&self) -> bool {
        self.submitted_at.is_none() && !self.withdrawn
    }

    /// The members of its row.
    pub(super) fn row(&self, switches: Switches) -> Map<String, Value> {
        let mut row = Map::new();
        row.insert("client".to_owned(), json!(self.client));
        if !switches.no_check_in_ids {
            row.insert("check_in".to_owned(), json!(self.id));
        }
        row.insert("due".to_owned(), json!(self.due));
        if let Some(at) = self.submitted_at {
            row.insert("submitted".to_owned(), json!(at));
        }
        if self.withdrawn {
            row.insert("withdrawn".to_owned(), json!(true));
        }
        row
    }
}

/// The members that say what is known of a client; without a first name only who it is.
pub(super) fn about(client: &NewClient) -> Map<String, Value> {
    let mut row = Map::new();
    row.insert("client".to_owned(), json!(client.id));
    if client.first_name.is_none() {
        return row;
    }
    for (name, value) in [
        ("first_name", json!(client.first_name)),
        ("last_name", json!(client.last_name)),
        ("email", json!(client.email)),
        ("phone", json!(client.phone)),
        ("contact", json!(client.keap_contact_id)),
        ("coach", json!(client.coach)),
        ("status", json!(client.status)),
        ("time_zone", json!(client.time_zone)),
        ("last_regimen_change", json!(client.last_regimen_change)),
        ("break_until", json!(client.break_until)),
        ("minor", json!(client.minor)),
        ("guardian", json!(client.guardian)),
    ] {
        if !value.is_null() {
            row.insert(name.to_owned(), value);
        }
    }
    row
}

/// A row as a program with odd habits would send it.
pub(super) fn oddly(row: Map<String, Value>) -> Map<String, Value> {
    let mut odd: Map<String, Value> = row
        .into_iter()
        .map(|(name, value)| {
            let is_id = matches!(name.as_str(), "client" | "contact" | "coach" | "check_in");
            let value = match value.as_str().and_then(|text| text.parse::<u64>().ok()) {
                Some(number) if is_id => Value::from(number),
                _ => value,
            };
            (name, value)
        })
        .collect();
    odd.entry("withdrawn").or_insert(Value::Null);
    odd.insert("x_sheet".to_owned(), json!({"tab": [1, null]}));
    odd
}
