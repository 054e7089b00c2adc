//! What a handler and an act have in hand: the tenant, its clock, its dice.

use std::fmt;
use std::ops::RangeInclusive;

use relay_core::time::Timestamp;
use relay_http_client::emulation::Kit;
use relay_http_client::emulation::listing::Item;
use serde_json::{Value, json};

use super::drift::NEWS;
use super::hooks::ChangedObject;
use super::settings::{Drift, Settings};
use super::state::{Record, Row, State};

/// The tenant at one instant.
pub(super) struct World<'a> {
    pub(super) state: &'a mut State,
    pub(super) settings: &'a Settings,
    pub(super) kit: &'a Kit,
    pub(super) now: Timestamp,
}

impl World<'_> {
    /// Writes down an accepted request.
    pub(super) fn accept(&self, operation: &str, who: &dyn fmt::Display, content: Value) {
        self.kit.accept(operation, who, content);
    }

    /// Tells the hooks that an object changed.
    pub(super) fn raise(&mut self, event_key: &str, id: u64) {
        let change = ChangedObject::of(id, self.now);
        self.state.hooks.raise(event_key, &change, self.kit);
    }

    /// Tells the hooks that a tag was put on a contact or taken off.
    pub(super) fn raise_tag(&mut self, event_key: &str, tag: u64, contact: u64) {
        let change = ChangedObject::of_tag(tag, contact, self.now);
        self.state.hooks.raise(event_key, &change, self.kit);
    }

    /// An instant some seconds from now, drawn from the range.
    pub(super) fn soon(&self, seconds: &RangeInclusive<u32>) -> Timestamp {
        self.kit.soon(seconds)
    }

    /// A row as it is shown: with its id, and with what `Drift` adds or takes away.
    pub(super) fn shown(&self, record: &Record, optional: &[&str]) -> Row {
        let mut row = record.row.clone();
        row.insert("id".to_owned(), record.id.to_string().into());
        if self.settings.drift == Drift::Tidy {
            row.retain(|_, value| !value.is_null());
            return row;
        }
        for member in optional {
            row.entry(*member).or_insert(Value::Null);
        }
        if self.settings.drift == Drift::NullsAndNews {
            row.insert(NEWS.to_owned(), json!({ "since": ["nobody knows"] }));
        }
        row
    }

    /// A record as a filter and a sort key see it: with its id as a number.
    pub(super) fn index(record: &Record) -> Row {
        let mut row = record.row.clone();
        row.insert("id".to_owned(), record.id.into());
        row
    }

    /// A record in a list.
    pub(super) fn item(record: &Record, shown: impl Into<Value>) -> Item {
        Item {
            index: Self::index(record),
            shown: shown.into(),
        }
    }

    /// Whether lists show the record yet.
    pub(super) fn is_listed(&self, record: &Record) -> bool {
        record.listed_from <= self.now
    }
}

/// What an act is about, or the words that say that it is not there.
pub(super) fn known<T>(found: Option<T>, what: &str) -> Result<T, String> {
    found.ok_or_else(|| format!("no such {what}"))
}
