//! What the emulated tenant holds: tables of rows in the v2 shape, and what joins them.

use std::collections::BTreeMap;

use relay_core::time::Timestamp;
use relay_http_client::emulation::Outbox;
use serde_json::Value;

use super::hooks::{Hooks, Post};
use super::quota::Usage;
use super::tokens::Issued;

/// One object, in the v2 shape without its id.
pub(super) use relay_http_client::emulation::listing::Row;

/// A row with its id, and the time from which lists show it.
#[derive(Debug, Clone)]
pub(super) struct Record {
    pub(super) id: u64,
    pub(super) row: Row,
    pub(super) listed_from: Timestamp,
}

impl Record {
    /// A member as text, if it is text.
    pub(super) fn text(&self, member: &str) -> Option<&str> {
        self.row.get(member)?.as_str()
    }

    /// A member as a flag; unset is false.
    pub(super) fn flag(&self, member: &str) -> bool {
        self.row
            .get(member)
            .and_then(Value::as_bool)
            .unwrap_or(false)
    }

    /// Whether the row's `contact_id` is this contact.
    pub(super) fn belongs_to(&self, contact: u64) -> bool {
        self.text("contact_id") == Some(contact.to_string().as_str())
    }

    /// Sets a member.
    pub(super) fn set(&mut self, member: &str, value: impl Into<Value>) {
        self.row.insert(member.to_owned(), value.into());
    }
}

/// Objects of one kind, by id.
#[derive(Debug)]
pub(super) struct Table {
    rows: BTreeMap<u64, Record>,
    next: u64,
}

impl Table {
    /// An empty table. Tables begin at different numbers so that an id of the wrong kind finds
    /// nothing instead of something else.
    fn starting_at(next: u64) -> Self {
        Self {
            rows: BTreeMap::new(),
            next,
        }
    }

    /// Adds a row under a new id, or under the one asked for.
    pub(super) fn insert(&mut self, id: Option<u64>, row: Row, listed_from: Timestamp) -> u64 {
        let id = id.unwrap_or(self.next);
        self.next = self.next.max(id.saturating_add(1));
        let record = Record {
            id,
            row,
            listed_from,
        };
        self.rows.insert(id, record);
        id
    }

    pub(super) fn get(&self, id: u64) -> Option<&Record> {
        self.rows.get(&id)
    }

    pub(super) fn get_mut(&mut self, id: u64) -> Option<&mut Record> {
        self.rows.get_mut(&id)
    }

    /// The record whose id is written in a path or a body.
    pub(super) fn find(&self, id: &str) -> Option<&Record> {
        self.get(id.parse().ok()?)
    }

    pub(super) fn remove(&mut self, id: u64) -> Option<Record> {
        self.rows.remove(&id)
    }

    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &Record> {
        self.rows.values()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Record> {
        self.rows.values_mut()
    }
}

/// A custom field of contacts.
#[derive(Debug, Clone)]
pub(super) struct CustomField {
    pub(super) id: u64,
    pub(super) label: String,
    pub(super) name: String,
    /// In the v2 spelling: `DROPDOWN`.
    pub(super) kind: String,
    pub(super) options: Vec<String>,
    pub(super) group: u64,
}

/// A header that custom fields stand under, on a tab.
#[derive(Debug, Clone)]
pub(super) struct FieldGroup {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) tab: u64,
}

/// Everything that the account holds.
#[derive(Debug)]
pub(super) struct State {
    pub(super) users: Table,
    pub(super) contacts: Table,
    pub(super) emails: Table,
    pub(super) tasks: Table,
    pub(super) notes: Table,
    pub(super) tags: Table,
    pub(super) subscriptions: Table,
    pub(super) payment_methods: Table,
    pub(super) products: Table,
    pub(super) orders: Table,
    /// Contacts on whom no tag can be put, with the word that says so.
    pub(super) refused_tags: BTreeMap<u64, String>,
    /// Custom fields as reads still show them, by contact, and until when.
    pub(super) stale: BTreeMap<u64, (Timestamp, BTreeMap<u64, Value>)>,
    pub(super) fields: Vec<CustomField>,
    pub(super) groups: Vec<FieldGroup>,
    pub(super) tabs: Vec<(u64, String)>,
    /// Values of custom fields by contact and field.
    pub(super) custom: BTreeMap<(u64, u64), Value>,
    /// Tags on contacts, by contact and tag, with the time they were put on.
    pub(super) applied: BTreeMap<(u64, u64), Timestamp>,
    /// Status rows of addresses in lower case. A new address may have none yet.
    pub(super) addresses: BTreeMap<String, Row>,
    pub(super) hooks: Hooks,
    /// Posts that automations have still to make.
    pub(super) posts: Outbox<Post>,
    pub(super) usage: Usage,
    pub(super) issued: Issued,
}

impl Default for State {
    fn default() -> Self {
        Self {
            users: Table::starting_at(1),
            contacts: Table::starting_at(1_001),
            emails: Table::starting_at(20_001),
            tasks: Table::starting_at(30_001),
            notes: Table::starting_at(40_001),
            tags: Table::starting_at(301),
            subscriptions: Table::starting_at(5_001),
            payment_methods: Table::starting_at(6_001),
            products: Table::starting_at(701),
            orders: Table::starting_at(8_001),
            refused_tags: BTreeMap::new(),
            stale: BTreeMap::new(),
            fields: Vec::new(),
            groups: Vec::new(),
            tabs: Vec::new(),
            custom: BTreeMap::new(),
            applied: BTreeMap::new(),
            addresses: BTreeMap::new(),
            hooks: Hooks::default(),
            posts: Outbox::default(),
            usage: Usage::default(),
            issued: Issued::default(),
        }
    }
}

impl State {
    /// Marks a contact as changed.
    pub(super) fn touch_contact(&mut self, contact: u64, now: Timestamp) {
        if let Some(record) = self.contacts.get_mut(contact) {
            record.set("update_time", v2_time(now));
        }
    }

    /// The contact's first address, in lower case.
    pub(super) fn address(&self, contact: u64) -> Option<String> {
        let record = self.contacts.get(contact)?;
        let first = record.row.get("email_addresses")?.as_array()?.first()?;
        Some(first.get("email")?.as_str()?.to_lowercase())
    }

    /// Sets a time of an address's status row, if it has one.
    pub(super) fn stamp_address(&mut self, address: &str, member: &str, at: Timestamp) {
        if let Some(row) = self.addresses.get_mut(address) {
            row.insert(member.to_owned(), v2_time(at).into());
        }
    }

    /// The custom field with this label, this field name or this id.
    pub(super) fn field(&self, name: &str) -> Option<&CustomField> {
        self.fields
            .iter()
            .find(|field| field.label == name || field.name == name || field.id.to_string() == name)
    }
}

/// A v2 time: `Z`, with a fraction only where there is one.
pub(super) fn v2_time(at: Timestamp) -> String {
    Timestamp::from_millisecond(at.as_millisecond())
        .unwrap_or(at)
        .to_string()
}

/// A v1 time: milliseconds and an offset without a colon.
pub(super) fn v1_time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3f+0000").to_string()
}
