//! Events out: signed, repeated, never dropped.

use relay_core::time::Timestamp;
use relay_http_client::emulation::{Order, STANDARD_LADDER, forged, lock, seconds_later, signed};
use secrecy::SecretString;
use serde_json::{Value, json};
use url::Url;

use super::portal::{Event, Portal};
use super::settings::Switches;
use super::state::oddly;
use crate::webhook::{KeyError, WebhookKey};

impl Portal {
    /// Where events go, and the `whsec_` secrets they are signed with: one, or both during a
    /// rotation. Events raised earlier go there, too.
    pub fn set_hook_target(&self, url: Url, secrets: &[SecretString]) -> Result<(), KeyError> {
        let keys = secrets
            .iter()
            .map(|secret| WebhookKey::new("emulator", secret))
            .collect::<Result<Vec<_>, _>>()?;
        *lock(&self.target) = Some((url, keys));
        Ok(())
    }

    /// When something is due next: an attempt at an event, or a check-in. `None` while events
    /// have nowhere to go.
    pub fn next_due(&self) -> Option<Timestamp> {
        if !self.kit.can_deliver() || lock(&self.target).is_none() {
            return None;
        }
        let attempt = lock(&self.outbox).next_due();
        let state = self.state();
        let check_in = state
            .check_ins
            .iter()
            .filter(|check_in| !check_in.announced && check_in.is_open())
            .map(|check_in| check_in.due_instant(&self.settings.zone))
            .min()
            .filter(|_| !state.switches.events_off);
        attempt.into_iter().chain(check_in).min()
    }

    /// Raises what has become due and attempts every event whose time has come, once. Returns the
    /// number of attempts. An attempt that isn't answered 2xx comes again on the schedule.
    pub async fn deliver_due(&self) -> usize {
        let _one_at_a_time = self.kit.one_driver().await;
        self.announce_due();
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
            let Event { id, body, .. } = &waiting.what;
            let headers = if waiting.what.forged {
                forged(id, self.now())
            } else {
                signed(&keys, id, self.now(), body)
            };
            let body = body.clone();
            let answered = self.kit.post(url.as_str(), headers, body).await;
            let delivered = answered.is_some_and(|answer| answer.status.is_success());
            if delivered {
                self.kit.acknowledge(waiting.what.id);
            }
            let again = STANDARD_LADDER.after(waiting.attempts, &self.kit);
            let mut outbox = lock(&self.outbox);
            match again.filter(|_| !delivered && !waiting.what.forged) {
                Some(at) => outbox.again(*number, at),
                None => outbox.done(*number),
            }
        }
        due.len()
    }

    /// Sends any event: for types that nothing else raises, and for those nobody knows.
    pub fn raise(&self, kind: &str, data: &Value) -> String {
        let id = self.kit.named_id("evt");
        self.queue_event(self.switches(), &id, self.now(), kind, data);
        id
    }

    /// An event by somebody who doesn't have the key: signed with a wrong one, attempted once.
    pub fn forge(&self, kind: &str, data: &Value) -> String {
        let id = self.kit.named_id("evt");
        let body = json!({"type": kind, "timestamp": self.now(), "data": data});
        let event = Event {
            id: id.clone(),
            body: body.to_string(),
            forged: true,
        };
        lock(&self.outbox).put(self.now(), event);
        id
    }

    /// Queues an event, while the state is locked or not.
    pub(super) fn queue_event(
        &self,
        switches: Switches,
        id: &str,
        at: Timestamp,
        kind: &str,
        data: &Value,
    ) {
        if switches.events_off {
            return;
        }
        let mut body = json!({"type": kind, "timestamp": at, "data": data});
        if switches.odd_shapes {
            body = oddly(body);
        }
        let due = seconds_later(self.now(), switches.event_delay_seconds);
        for _ in 0..=usize::from(switches.duplicate_events) {
            let event = Event {
                id: id.to_owned(),
                body: body.to_string(),
                forged: false,
            };
            lock(&self.outbox).put(due, event);
        }
    }

    /// Raises `check_in.due` for what has become due. With events off the moment passes unsaid.
    fn announce_due(&self) {
        let now = self.now();
        let mut state = self.state();
        let switches = state.switches;
        let zone = &self.settings.zone;
        let mut due: Vec<_> = state
            .check_ins
            .iter_mut()
            .filter(|check_in| !check_in.announced && check_in.due_instant(zone) <= now)
            .collect();
        due.sort_by_key(|check_in| check_in.due_instant(zone));
        for check_in in due {
            check_in.announced = true;
            if check_in.is_open() {
                let data = json!({
                    "client_id": check_in.client,
                    "check_in_id": check_in.id,
                    "due_date": check_in.due,
                    "due_at": check_in.due_at,
                });
                let at = check_in.due_instant(zone);
                self.queue_event(
                    switches,
                    &self.kit.named_id("evt"),
                    at,
                    "check_in.due",
                    &data,
                );
            }
        }
    }
}
