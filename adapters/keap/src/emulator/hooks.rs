//! Hook subscriptions and what waits to be delivered to them.
//!
//! Changes are batched per subscription: the first opens a batch, later ones join it until it is
//! sent, up to [`MAX_OBJECTS`] objects. Only `Verified` subscriptions collect anything; what
//! happens while one is inactive is lost.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use relay_core::time::Timestamp;
use relay_http_client::emulation::{Kit, Ladder, Order, Outbox, Waiting};
use serde_json::{Value, json};

use super::settings::{ApiUrl, Arrival, HookTime, Settings};

/// Changed objects in one delivery.
pub(super) const MAX_OBJECTS: usize = 1_000;

/// Seconds until the first attempt.
const SOON: RangeInclusive<u32> = 30..=60;
/// Seconds until the first attempt for the two slow tag keys.
const SLOW: RangeInclusive<u32> = 300..=600;

/// The pauses after failed attempts. The fourth failure ends the subscription.
const LADDER: Ladder = Ladder {
    pauses: &[SOON, 300..=300, 1_800..=1_800],
    endless: false,
};

/// The keys that can be subscribed to.
const EVENT_KEYS: &str = "appointment.add appointment.delete appointment.edit company.add company.delete company.edit \
    contact.add contact.delete contact.edit contact.redact contactGroup.add contactGroup.applied \
    contactGroup.delete contactGroup.edit contactGroup.removed invoice.add invoice.delete \
    invoice.edit invoice.payment.add invoice.payment.delete invoice.payment.edit leadsource.add \
    leadsource.delete leadsource.edit note.add note.delete note.edit opportunity.add \
    opportunity.delete opportunity.edit opportunity.stage_move order.add order.delete order.edit \
    product.add product.delete product.edit subscription.add subscription.delete \
    subscription.edit task.add task.complete task.delete task.edit task.incomplete user.activate \
    user.add user.edit";

/// The keys that can be subscribed to, one by one.
pub(super) fn event_keys() -> impl Iterator<Item = &'static str> {
    EVENT_KEYS.split(' ')
}

/// A call of the hook resource.
#[derive(Debug, Clone, Copy)]
pub(super) enum HookCall<'a> {
    EventKeys,
    List,
    Create,
    Update(&'a str),
    Delete(&'a str),
    Verify(&'a str),
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
pub(super) struct ChangedObject {
    id: u64,
    /// The contact a tag was put on or taken off.
    contact: Option<u64>,
    at: Timestamp,
}

impl ChangedObject {
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

/// Changes that travel together.
#[derive(Debug, Clone)]
pub(super) struct Batch {
    pub(super) hook: u64,
    /// Whether this is a delivery that already arrived once.
    repeated: bool,
    changes: Vec<ChangedObject>,
}

/// A post that an automation has still to make.
#[derive(Debug, Clone)]
pub(super) struct Post {
    pub(super) url: String,
    pub(super) body: String,
}

/// The subscriptions and what waits for them.
#[derive(Debug, Default)]
pub(super) struct Hooks {
    pub(super) by_key: BTreeMap<u64, Hook>,
    pub(super) queue: Outbox<Batch>,
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
    pub(super) fn raise(&mut self, event_key: &str, change: &ChangedObject, kit: &Kit) {
        let slow = matches!(event_key, "contactGroup.applied" | "contactGroup.delete");
        for (key, hook) in &self.by_key {
            if hook.status != Status::Verified || hook.event_key != event_key {
                continue;
            }
            let open = self.queue.untried().find(|batch| {
                batch.hook == *key && !batch.repeated && batch.changes.len() < MAX_OBJECTS
            });
            if let Some(batch) = open {
                batch.changes.retain(|other| !other.is_same_object(change));
                batch.changes.push(change.clone());
                continue;
            }
            let batch = Batch {
                hook: *key,
                repeated: false,
                changes: vec![change.clone()],
            };
            let due = kit.soon(if slow { &SLOW } else { &SOON });
            self.queue.put(due, batch);
        }
    }

    /// Begins an attempt, and says for whom.
    pub(super) fn attempt(&mut self, number: u64) -> Option<(Waiting<Batch>, Hook)> {
        let waiting = self.queue.attempt(number)?;
        let hook = self.by_key.get(&waiting.what.hook)?.clone();
        Some((waiting, hook))
    }

    /// What follows from an attempt: nothing, another attempt, or the end of the subscription.
    pub(super) fn settle(
        &mut self,
        waiting: Waiting<Batch>,
        status: Option<u16>,
        arrival: Arrival,
        kit: &Kit,
    ) {
        let Waiting { number, what, .. } = waiting;
        let still = self.by_key.get(&what.hook);
        if !still.is_some_and(|hook| hook.status == Status::Verified) {
            return;
        }
        match status {
            Some(410) => self.set_status(what.hook, Status::Inactive),
            Some(200..=399) => {
                self.queue.done(number);
                if arrival == Arrival::Twice && !what.repeated {
                    let repeated = Batch {
                        repeated: true,
                        ..what
                    };
                    self.queue.put(kit.soon(&SOON), repeated);
                }
            }
            _ => match LADDER.after(waiting.attempts, kit) {
                Some(due) => self.queue.again(number, due),
                None => self.set_status(what.hook, Status::Inactive),
            },
        }
    }
}

/// The order in which deliveries that are due arrive.
pub(super) fn order(arrival: Arrival) -> Order {
    match arrival {
        Arrival::Reversed => Order::Reversed,
        Arrival::Orderly | Arrival::Twice => Order::Due,
    }
}

/// The body of a delivery.
pub(super) fn body(event_key: &str, batch: &Batch, settings: &Settings) -> Value {
    let noun = event_key.split('.').next().unwrap_or(event_key);
    let mut changes: Vec<&ChangedObject> = batch.changes.iter().collect();
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

fn object(noun: &str, change: &ChangedObject, settings: &Settings) -> Value {
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
fn tag_objects(changes: &[&ChangedObject], settings: &Settings) -> Value {
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
