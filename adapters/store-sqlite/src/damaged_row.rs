//! A row that is damaged, and what its columns can be set to.

use relay_core::time::Timestamp;
use serde_json::{Value, json};

use crate::scan::Table;

/// A row about which something is done.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DamagedRow<'a> {
    pub(crate) table: Table,
    pub(crate) row: &'a str,
    pub(crate) by: &'a str,
    pub(crate) now: Timestamp,
}

/// Who sets rows aside.
pub(crate) const RELAY: &str = "relay";

/// How a column gets a value again.
#[derive(Debug)]
pub(crate) enum Anew {
    /// Not at all.
    Nothing,
    /// By this part of an `UPDATE`; `?3` is the present moment.
    By(String),
    /// It is this text.
    Value(String),
}

/// A wait for somebody to look.
pub(crate) fn person(now: Timestamp) -> Value {
    let why = "a part of its record was damaged: see what was done, and how it goes on";
    json!({ "wait": "person", "who": "admin", "why": why, "remind_at": now })
}

/// A text as a literal of SQL.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
