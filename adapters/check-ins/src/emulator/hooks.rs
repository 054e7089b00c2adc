//! Deliveries out: signed, repeated, never dropped.

use relay_core::time::Timestamp;
use relay_http_client::emulation::{Order, STANDARD_LADDER, forged, lock, seconds_later, signed};
use secrecy::SecretString;
use serde_json::{Map, Value, json};
use url::Url;

use super::list::ClinicList;
use super::settings::Switches;
use super::state::oddly;
use crate::webhook::{KeyError, MAX_ROWS, WebhookKey};

/// A delivery that waits.
#[derive(Debug, Clone)]
pub(super) struct Told {
    id: String,
    made_at: Timestamp,
    rows: Vec<Map<String, Value>>,
    switches: Switches,
    /// Whether rows that change at the same instant may be added.
    is_open: bool,
    /// Made by somebody who doesn't have the key: attempted once.
    forged: bool,
}

impl Told {
    fn body(&self) -> String {
        let rows: Value = self.rows.iter().cloned().map(Value::Object).collect();
        if self.switches.no_made_at {
            return json!({ "rows": rows }).to_string();
        }
        json!({ "rows": rows, "made_at": self.made_at }).to_string()
    }

    /// Says a row, in place of an earlier one about the same.
    fn add(&mut self, row: Map<String, Value>) {
        let about = |row: &Map<String, Value>| {
            ["client", "check_in", "due"].map(|name| match (name, row.get("check_in")) {
                // A due day tells check-ins apart only where they have no ids.
                ("due", Some(_)) => None,
                _ => row.get(name).cloned(),
            })
        };
        let new = about(&row);
        self.rows.retain(|earlier| about(earlier) != new);
        self.rows.push(row);
    }
}

impl ClinicList {
    /// Where deliveries go, and the `whsec_` secrets they are signed with: one, or both during a
    /// rotation. Those that wait go there, too.
    pub fn set_hook_target(&self, url: Url, secrets: &[SecretString]) -> Result<(), KeyError> {
        let keys = secrets
            .iter()
            .map(|secret| WebhookKey::new("emulator", secret))
            .collect::<Result<Vec<_>, _>>()?;
        *lock(&self.target) = Some((url, keys));
        Ok(())
    }

    /// When an attempt is due next. `None` while deliveries have nowhere to go.
    pub fn next_due(&self) -> Option<Timestamp> {
        if !self.kit.can_deliver() || lock(&self.target).is_none() {
            return None;
        }
        lock(&self.outbox).next_due()
    }

    /// Attempts every delivery whose time has come, once. Returns the number of attempts. An attempt that
    /// isn't answered 2xx comes again on the schedule.
    pub async fn deliver_due(&self) -> usize {
        let _one_at_a_time = self.kit.one_driver().await;
        let target = lock(&self.target).clone();
        let Some((url, keys)) = target.filter(|_| self.kit.can_deliver()) else {
            return 0;
        };
        let order = if self.switches().reorder_events {
            Order::Reversed
        } else {
            Order::Due
        };
        let due = lock(&self.outbox).due(self.now(), order);
        for number in &due {
            let Some(waiting) = lock(&self.outbox).attempt(*number) else {
                continue;
            };
            let told = waiting.what;
            let body = told.body();
            let headers = if told.forged {
                forged(&told.id, self.now())
            } else {
                signed(&keys, &told.id, self.now(), &body)
            };
            let answered = self.kit.post(url.as_str(), headers, body).await;
            let delivered = answered.is_some_and(|answer| answer.status.is_success());
            if delivered {
                self.kit.acknowledge(told.id);
            }
            let again = STANDARD_LADDER.after(waiting.attempts, &self.kit);
            let mut outbox = lock(&self.outbox);
            match again.filter(|_| !delivered && !told.forged) {
                Some(at) => outbox.again(*number, at),
                None => outbox.done(*number),
            }
        }
        due.len()
    }

    /// Sends any rows. Returns the delivery's id.
    pub fn raise(&self, rows: Vec<Map<String, Value>>) -> String {
        let switches = self.switches();
        let told = told(self, switches, rows);
        let id = told.id.clone();
        let due = seconds_later(self.now(), switches.event_delay_seconds);
        lock(&self.outbox).put(due, told);
        id
    }

    /// Rows by somebody who doesn't have the key: signed with a wrong one, attempted once. Returns the
    /// delivery's id.
    pub fn forge(&self, rows: Vec<Map<String, Value>>) -> String {
        let told = Told {
            forged: true,
            ..told(self, self.switches(), rows)
        };
        let id = told.id.clone();
        lock(&self.outbox).put(self.now(), told);
        id
    }

    /// Sends the whole list as it is now. Returns the deliveries' ids.
    pub fn send_all(&self) -> Vec<String> {
        let lines = self.state().lines();
        let parts = lines.chunks(MAX_ROWS);
        parts.map(|lines| self.raise(lines.to_vec())).collect()
    }

    /// Tells of a row that has changed, while the state is locked.
    pub(super) fn tell(&self, switches: Switches, row: Map<String, Value>) {
        if switches.events_off {
            return;
        }
        let row = if switches.odd_shapes { oddly(row) } else { row };
        let now = self.now();
        let mut outbox = lock(&self.outbox);
        let joined = outbox.untried().find(|told| {
            told.is_open
                && told.made_at == now
                && told.switches == switches
                && told.rows.len() < MAX_ROWS
        });
        if let Some(told) = joined {
            return told.add(row);
        }
        let told = Told {
            // Of two copies one may be gone when something is added to the other.
            is_open: !switches.duplicate_events,
            ..told(self, switches, vec![row])
        };
        let due = seconds_later(now, switches.event_delay_seconds);
        for _ in 0..=usize::from(switches.duplicate_events) {
            outbox.put(due, told.clone());
        }
    }
}

fn told(list: &ClinicList, switches: Switches, rows: Vec<Map<String, Value>>) -> Told {
    Told {
        id: list.kit.named_id("list"),
        made_at: list.now(),
        rows,
        switches,
        is_open: false,
        forged: false,
    }
}
