//! Hook subscriptions and what waits to be delivered to them.
//!
//! Changes are batched per subscription: the first opens a batch, later ones join it until it is
//! sent, up to [`MAX_OBJECTS`] objects. Only `Verified` subscriptions collect anything; what
//! happens while one is inactive is lost.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use relay_core::random::Random;
use relay_core::time::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::settings::{ApiUrl, Arrival, HookTime, Settings};
use super::state::later;
use super::world::draw;

/// Changed objects in one delivery.
pub(super) const MAX_OBJECTS: usize = 1_000;

/// Seconds until the first attempt.
const SOON: RangeInclusive<u32> = 30..=60;
/// Seconds until the first attempt for the two slow tag keys.
const SLOW: RangeInclusive<u32> = 300..=600;

/// The keys that can be subscribed to.
pub(super) const EVENT_KEYS: &[&str] = &[
    "appointment.add",
    "appointment.delete",
    "appointment.edit",
    "company.add",
    "company.delete",
    "company.edit",
    "contact.add",
    "contact.delete",
    "contact.edit",
    "contact.redact",
    "contactGroup.add",
    "contactGroup.applied",
    "contactGroup.delete",
    "contactGroup.edit",
    "contactGroup.removed",
    "invoice.add",
    "invoice.delete",
    "invoice.edit",
    "invoice.payment.add",
    "invoice.payment.delete",
    "invoice.payment.edit",
    "leadsource.add",
    "leadsource.delete",
    "leadsource.edit",
    "note.add",
    "note.delete",
    "note.edit",
    "opportunity.add",
    "opportunity.delete",
    "opportunity.edit",
    "opportunity.stage_move",
    "order.add",
    "order.delete",
    "order.edit",
    "product.add",
    "product.delete",
    "product.edit",
    "subscription.add",
    "subscription.delete",
    "subscription.edit",
    "task.add",
    "task.complete",
    "task.delete",
    "task.edit",
    "task.incomplete",
    "user.activate",
    "user.add",
    "user.edit",
];

/// A call of the hook resource.
#[derive(Debug, Clone, Copy)]
pub(super) enum HookCall<'a> {
    EventKeys,
    List,
    Create,
    Get(&'a str),
    Update(&'a str),
    Delete(&'a str),
    Verify(&'a str),
    DelayedVerify(&'a str),
}

/// Whether a subscription gets anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Unverified,
    Verified,
    Inactive,
}

/// A subscription.
#[derive(Debug, Clone)]
pub(super) struct Hook {
    pub(super) event_key: String,
    pub(super) url: String,
    pub(super) status: Status,
    /// The secret of the last handshake.
    pub(super) secret: String,
}

impl Hook {
    /// The subscription as shown: camelCase here, although deliveries are not.
    pub(super) fn view(&self, key: u64) -> Value {
        let status = match self.status {
            Status::Unverified => "Unverified",
            Status::Verified => "Verified",
            Status::Inactive => "Inactive",
        };
        json!({
            "key": key.to_string(),
            "eventKey": self.event_key,
            "hookUrl": self.url,
            "status": status,
        })
    }
}

/// An object that changed.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Change {
    id: u64,
    /// The contact a tag was put on or taken off.
    contact: Option<u64>,
    at: Timestamp,
}

impl Change {
    pub(super) fn of(id: u64, at: Timestamp) -> Self {
        Self {
            id,
            contact: None,
            at,
        }
    }

    pub(super) fn of_tag(tag: u64, contact: u64, at: Timestamp) -> Self {
        Self {
            id: tag,
            contact: Some(contact),
            at,
        }
    }

    fn is_same_object(&self, other: &Self) -> bool {
        (self.id, self.contact) == (other.id, other.contact)
    }
}

/// Changes that travel together, and when they are tried next.
#[derive(Debug, Clone)]
pub(super) struct Batch {
    pub(super) hook: u64,
    pub(super) due: Timestamp,
    pub(super) attempts: u32,
    /// Whether this is a delivery that already arrived once.
    pub(super) repeated: bool,
    pub(super) changes: Vec<Change>,
}

/// The subscriptions and the queue.
#[derive(Debug, Default)]
pub(super) struct Hooks {
    pub(super) by_key: BTreeMap<u64, Hook>,
    pub(super) queue: Vec<Batch>,
    made: u64,
}

impl Hooks {
    /// Adds a subscription. The same pair twice makes two.
    pub(super) fn insert(&mut self, hook: Hook) -> u64 {
        self.made += 1;
        self.by_key.insert(self.made, hook);
        self.made
    }

    /// Sets the status; one that is not verified any more loses what waits for it.
    pub(super) fn set_status(&mut self, key: u64, status: Status) {
        if let Some(hook) = self.by_key.get_mut(&key) {
            hook.status = status;
        }
        if status != Status::Verified {
            self.queue.retain(|batch| batch.hook != key);
        }
    }

    /// Removes a subscription and what waits for it.
    pub(super) fn remove(&mut self, key: u64) -> bool {
        self.queue.retain(|batch| batch.hook != key);
        self.by_key.remove(&key).is_some()
    }

    /// Puts a change into the batch of every verified subscription to the key.
    pub(super) fn raise(
        &mut self,
        event_key: &str,
        change: &Change,
        now: Timestamp,
        random: &dyn Random,
    ) {
        let slow = matches!(event_key, "contactGroup.applied" | "contactGroup.delete");
        let verified = |hook: &Hook| hook.status == Status::Verified;
        for (key, hook) in &self.by_key {
            if !verified(hook) || hook.event_key != event_key {
                continue;
            }
            let open = self.queue.iter_mut().find(|batch| {
                let fresh = batch.attempts == 0 && !batch.repeated;
                batch.hook == *key && fresh && batch.changes.len() < MAX_OBJECTS
            });
            if let Some(batch) = open {
                batch.changes.retain(|other| !other.is_same_object(change));
                batch.changes.push(change.clone());
                continue;
            }
            let delay = draw(random, if slow { &SLOW } else { &SOON });
            self.queue.push(Batch {
                hook: *key,
                due: later(now, delay),
                attempts: 0,
                repeated: false,
                changes: vec![change.clone()],
            });
        }
    }

    /// Takes what is due next out of the queue.
    pub(super) fn take_due(&mut self, now: Timestamp, arrival: Arrival) -> Option<Batch> {
        let due = self.queue.iter().enumerate().filter(|(_, b)| b.due <= now);
        let (at, _) = match arrival {
            Arrival::Reversed => due.max_by_key(|(at, batch)| (batch.due, *at))?,
            Arrival::Orderly | Arrival::Twice => due.min_by_key(|(at, batch)| (batch.due, *at))?,
        };
        Some(self.queue.remove(at))
    }

    /// What follows from an attempt: nothing, another attempt, or the end of the subscription.
    pub(super) fn settle(
        &mut self,
        mut batch: Batch,
        status: Option<u16>,
        now: Timestamp,
        arrival: Arrival,
        random: &dyn Random,
    ) {
        let still = self.by_key.get(&batch.hook);
        if !still.is_some_and(|hook| hook.status == Status::Verified) {
            return;
        }
        match status {
            Some(410) => self.set_status(batch.hook, Status::Inactive),
            Some(200..=399) => {
                if arrival == Arrival::Twice && !batch.repeated {
                    batch.repeated = true;
                    batch.attempts = 0;
                    batch.due = later(now, draw(random, &SOON));
                    self.queue.push(batch);
                }
            }
            _ => {
                batch.attempts += 1;
                let wait = match batch.attempts {
                    1 => SignedDuration::from_secs(draw(random, &SOON).into()),
                    2 => SignedDuration::from_mins(5),
                    3 => SignedDuration::from_mins(30),
                    _ => return self.set_status(batch.hook, Status::Inactive),
                };
                batch.due = now.saturating_add(wait).unwrap_or(now);
                self.queue.push(batch);
            }
        }
    }
}

/// The body of a delivery.
pub(super) fn body(event_key: &str, batch: &Batch, settings: &Settings) -> Value {
    let noun = event_key.split('.').next().unwrap_or(event_key);
    let mut changes: Vec<&Change> = batch.changes.iter().collect();
    if settings.arrival == Arrival::Reversed {
        changes.reverse();
    }
    let tagging = changes.iter().any(|change| change.contact.is_some());
    if tagging {
        return json!({
            "event_key": event_key,
            "object_type": noun,
            "api_url": "",
            "object_keys": tag_objects(&changes, settings),
        });
    }
    let objects: Value = changes
        .iter()
        .map(|change| object(noun, change, settings))
        .collect();
    json!({ "event_key": event_key, "object_type": noun, "object_keys": objects })
}

fn object(noun: &str, change: &Change, settings: &Settings) -> Value {
    let mut object = json!({ "id": change.id });
    match settings.api_url {
        ApiUrl::Present => {
            let base = "https://api.infusionsoft.com/crm/rest/v1";
            object["apiUrl"] = format!("{base}/{noun}s/{}", change.id).into();
        }
        ApiUrl::Empty => object["apiUrl"] = "".into(),
        ApiUrl::Missing => {}
    }
    if let Some(text) = timestamp(change.at, settings.hook_time) {
        object["timestamp"] = text.into();
    }
    object
}

/// One entry per tag, the contacts nested in it.
fn tag_objects(changes: &[&Change], settings: &Settings) -> Value {
    let mut tags: BTreeMap<u64, Vec<Value>> = BTreeMap::new();
    for change in changes {
        let mut contact = json!({ "id": change.contact });
        if let Some(text) = timestamp(change.at, settings.hook_time) {
            contact["timestamp"] = text.into();
        }
        tags.entry(change.id).or_default().push(contact);
    }
    tags.into_iter()
        .map(|(tag, contacts)| json!({ "tag_id": tag, "contact_details": contacts }))
        .collect()
}

fn timestamp(at: Timestamp, form: HookTime) -> Option<String> {
    let pattern = match form {
        HookTime::Millis => "%Y-%m-%dT%H:%M:%S.%3fZ",
        HookTime::Seconds => "%Y-%m-%dT%H:%M:%SZ",
        HookTime::Compact => "%Y-%m-%dT%H:%M:%S.%3f+0000",
        HookTime::Offset => "%Y-%m-%dT%H:%M:%S+00:00",
        HookTime::Bracketed => "%Y-%m-%dT%H:%M:%SZ[UTC]",
        HookTime::Unreadable => return Some("a while ago".to_owned()),
        HookTime::Missing => return None,
    };
    Some(at.strftime(pattern).to_string())
}
