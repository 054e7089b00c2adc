//! Events out: signed, repeated, never dropped.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method};
use relay_core::time::{SignedDuration, Timestamp};
use relay_http_client::{Call, Transport};
use secrecy::SecretString;
use serde_json::{Value, json};
use url::Url;

use super::{Portal, later, seconds};
use crate::webhook::{KeyError, WebhookKey};

/// The pauses between attempts that Standard Webhooks suggests; after the last one, daily.
const SCHEDULE: [SignedDuration; 9] = [
    SignedDuration::from_secs(5),
    SignedDuration::from_mins(5),
    SignedDuration::from_mins(30),
    SignedDuration::from_hours(2),
    SignedDuration::from_hours(5),
    SignedDuration::from_hours(10),
    SignedDuration::from_hours(14),
    SignedDuration::from_hours(20),
    SignedDuration::from_hours(24),
];

/// Who carries the events, where they go, and what they are signed with.
#[derive(Debug, Default)]
struct Way {
    transport: Option<Arc<dyn Transport>>,
    target: Option<(Url, Vec<WebhookKey>)>,
}

/// An event waiting to be delivered.
#[derive(Debug, Clone)]
struct Waiting {
    /// Tells two deliveries of one event apart.
    sequence: u64,
    id: String,
    body: String,
    due: Timestamp,
    failures: usize,
    /// Made by somebody who doesn't have the key: attempted once.
    forged: bool,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: Vec<Waiting>,
    sequence: u64,
}

/// The events waiting to be delivered.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    way: Mutex<Way>,
    queue: Mutex<Queue>,
    // Held while delivering: two drivers at once would each send what is due.
    delivering: tokio::sync::Mutex<()>,
}

impl Outbox {
    pub(super) fn clear(&self) {
        self.queue().waiting.clear();
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn way(&self) -> MutexGuard<'_, Way> {
        self.way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, mut waiting: Waiting) {
        let mut queue = self.queue();
        queue.sequence += 1;
        waiting.sequence = queue.sequence;
        queue.waiting.push(waiting);
    }

    /// What is due at `now`, oldest first.
    fn due(&self, now: Timestamp) -> Vec<Waiting> {
        let mut due: Vec<Waiting> = self
            .queue()
            .waiting
            .iter()
            .filter(|waiting| waiting.due <= now)
            .cloned()
            .collect();
        due.sort_by_key(|waiting| (waiting.due, waiting.sequence));
        due
    }

    fn settle(&self, sequence: u64, delivered: bool, now: Timestamp) {
        let mut queue = self.queue();
        if delivered {
            queue.waiting.retain(|waiting| waiting.sequence != sequence);
            return;
        }
        for waiting in &mut queue.waiting {
            if waiting.sequence == sequence {
                let last = SCHEDULE.len() - 1;
                waiting.due = later(now, SCHEDULE[waiting.failures.min(last)]);
                waiting.failures += 1;
            }
        }
    }
}

impl Portal {
    /// What carries the events.
    pub fn set_hook_transport(&self, transport: Arc<dyn Transport>) {
        self.outbox.way().transport = Some(transport);
    }

    /// Where events go, and the `whsec_` secrets they are signed with: one, or both during a
    /// rotation. Events raised earlier go there, too.
    pub fn set_hook_target(&self, url: Url, secrets: &[SecretString]) -> Result<(), KeyError> {
        let keys = secrets
            .iter()
            .map(|secret| WebhookKey::new("emulator", secret))
            .collect::<Result<Vec<_>, _>>()?;
        self.outbox.way().target = Some((url, keys));
        Ok(())
    }

    /// When something is due next: an attempt at an event, or a check-in. `None` while events
    /// have nowhere to go.
    pub fn next_due(&self) -> Option<Timestamp> {
        {
            let way = self.outbox.way();
            if way.transport.is_none() || way.target.is_none() {
                return None;
            }
        }
        let attempt = self.outbox.queue().waiting.iter().map(|w| w.due).min();
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
        let _one_at_a_time = self.outbox.delivering.lock().await;
        self.announce_due();
        let (transport, url, keys) = {
            let way = self.outbox.way();
            let (Some(transport), Some((url, keys))) = (&way.transport, &way.target) else {
                return 0;
            };
            (Arc::clone(transport), url.clone(), keys.clone())
        };
        let mut due = self.outbox.due(self.now());
        if self.switches().reorder_events {
            due.reverse();
        }
        for waiting in &due {
            let call = self.call(url.clone(), &keys, waiting);
            let answered = transport.send(call).await;
            let delivered = answered.is_ok_and(|answer| answer.status.is_success());
            if delivered {
                self.acknowledged.add(waiting.id.clone());
            }
            self.outbox
                .settle(waiting.sequence, delivered || waiting.forged, self.now());
        }
        due.len()
    }

    /// The `webhook-id` of every event that was answered with success, in order.
    pub fn acknowledged(&self) -> Vec<String> {
        self.acknowledged.all()
    }

    /// Sends any event: for types that nothing else raises, and for those nobody knows.
    pub fn raise(&self, kind: &str, data: &Value) -> String {
        self.raise_at(self.now(), kind, data)
    }

    /// An event by somebody who doesn't have the key: signed with a wrong one, attempted once.
    pub fn forge(&self, kind: &str, data: &Value) -> String {
        let id = self.fresh("evt");
        let body = json!({"type": kind, "timestamp": self.now(), "data": data});
        self.outbox.put(Waiting {
            sequence: 0,
            id: id.clone(),
            body: body.to_string(),
            due: self.now(),
            failures: 0,
            forged: true,
        });
        id
    }

    fn raise_at(&self, at: Timestamp, kind: &str, data: &Value) -> String {
        let switches = self.switches();
        let id = self.fresh("evt");
        self.queue_event(switches, &id, at, kind, data);
        id
    }

    /// Queues an event, while the state is locked or not.
    pub(super) fn queue_event(
        &self,
        switches: super::Switches,
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
            body = super::state::oddly(body);
        }
        let waiting = Waiting {
            sequence: 0,
            id: id.to_owned(),
            body: body.to_string(),
            due: later(self.now(), seconds(switches.event_delay_seconds)),
            failures: 0,
            forged: false,
        };
        if switches.duplicate_events {
            self.outbox.put(waiting.clone());
        }
        self.outbox.put(waiting);
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
                self.queue_event(switches, &self.fresh("evt"), at, "check_in.due", &data);
            }
        }
    }

    fn call(&self, url: Url, keys: &[WebhookKey], waiting: &Waiting) -> Call {
        let timestamp = self.now().as_second();
        let body = waiting.body.as_bytes();
        let signatures: Vec<String> = if waiting.forged {
            vec!["v1,Zm9yZ2VkIGZvcmdlZCBmb3JnZWQgZm9yZ2VkIGZvcmc=".to_owned()]
        } else {
            keys.iter()
                .map(|key| key.sign(&waiting.id, timestamp, body))
                .collect()
        };
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert("webhook-timestamp", HeaderValue::from(timestamp));
        for (name, value) in [
            ("webhook-id", waiting.id.as_str()),
            ("webhook-signature", signatures.join(" ").as_str()),
        ] {
            // Ids and signatures are made here of letters, digits and base64.
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(name, value);
            }
        }
        Call {
            method: Method::POST,
            url,
            headers,
            body: Bytes::from(waiting.body.clone()),
            timeout: Duration::from_secs(30),
        }
    }
}
