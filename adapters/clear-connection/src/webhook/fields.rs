//! Where a portal that spells differently keeps its members: names of ours → JSON pointers.
//!
//! ```toml
//! [clear_connection.fields]
//! type = "/event"
//! client_id = "/payload/patient/id"
//! ```

use std::collections::BTreeMap;

use serde_json::Value;
use thiserror::Error;

/// The members an event may have, by our names. All but `type` and `timestamp` stand in `data`
/// unless they are mapped.
pub const FIELDS: &[&str] = &[
    "type",
    "timestamp",
    "client_id",
    "check_in_id",
    "due_date",
    "due_at",
    "submitted_at",
    "complete",
    "message_id",
    "sent_at",
    "from",
    "read_at",
    "changed_at",
    "coach_id",
    "first_name",
    "last_name",
    "status",
    "transition_call_only",
    "email",
    "phone",
    "time_zone",
    "last_regimen_change",
    "keap_contact_id",
    "break_until",
    "minor",
    "guardian",
    "at",
    "by",
    "kind",
];

/// Names of ours → JSON pointers into the event's body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldMap(BTreeMap<String, String>);

/// A mapping that can't work.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FieldMapError {
    /// We have no such member.
    #[error("there is no member {0:?} to map")]
    UnknownField(String),
    /// Not a JSON pointer.
    #[error("{0:?} is mapped to something that is no JSON pointer: it must begin with `/`")]
    BadPointer(String),
}

impl FieldMap {
    /// Checks the mapping; the error lists the first mistake.
    pub fn new(map: BTreeMap<String, String>) -> Result<Self, FieldMapError> {
        for (name, pointer) in &map {
            if !FIELDS.contains(&name.as_str()) {
                return Err(FieldMapError::UnknownField(name.clone()));
            }
            if !pointer.starts_with('/') {
                return Err(FieldMapError::BadPointer(name.clone()));
            }
        }
        Ok(Self(map))
    }

    /// The member `name` of an event. A mapped one is looked for where it is mapped to, and where
    /// the contract has it if it isn't there.
    pub(crate) fn find<'a>(&self, body: &'a Value, name: &str) -> Option<&'a Value> {
        let mapped = self.0.get(name).and_then(|pointer| body.pointer(pointer));
        mapped.or_else(|| match name {
            "type" | "timestamp" => body.get(name),
            _ => body.get("data")?.get(name),
        })
    }
}
