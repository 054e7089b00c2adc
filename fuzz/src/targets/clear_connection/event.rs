//! The body of a verified event of the portal, with members where a clinic's map says.
//!
//! An input is a body, or a map (JSON: our name → pointer), an empty line, and a body.

use std::collections::BTreeMap;

use clear_relay::receipts::{Parsed, Source as _};
use clear_relay::wiring::clear_connection::ClearConnectionSource;
use relay_clear_connection::webhook::{FieldMap, KeyRing, read};
use relay_core::time::TimeZone;

use crate::json::split_body;
use crate::targets::answers::receipt;
use crate::targets::{Target, check_words, unexpected};

/// The target.
pub const TARGET: Target = Target {
    name: "portal_event",
    run,
    words: &[
        "check_in.due",
        "check_in.submitted",
        "check_in.missed",
        "check_in.rescheduled",
        "message.received",
        "regimen.changed",
        "client.updated",
        "program.ended",
        "type",
        "data",
        "timestamp",
        "client_id",
        "check_in_id",
        "due_date",
        "due_at",
        "submitted_at",
        "complete",
        "from",
        "coach",
        "client",
        "status",
        "online",
        "in_person",
        "time_zone",
        "America/Denver",
        "2026-11-03",
        "2026-11-03T09:00:00-07:00",
        "-9999-01-01T00:00:00Z",
        "9999-12-31",
        "9999-12-31T23:59:59Z",
        "2026-02-30",
        "2026-03-08T02:30:00",
        "/data/x",
        "/",
        "~1",
        "~01",
        "kanari.vogel@example.test",
    ],
    fixtures: &["fixtures/clear-connection/events"],
    executions: 4_000,
};

/// Runs one input.
///
/// # Panics
/// If a promise is broken.
pub fn run(data: &[u8]) {
    let (map, body) = split_body(data);
    let map: BTreeMap<String, String> = serde_json::from_slice(map).unwrap_or_default();
    let map = match FieldMap::new(map) {
        Ok(map) => map,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            FieldMap::default()
        }
    };
    let event = read(body, &map);
    assert_eq!(event, read(body, &map), "the same bytes say the same");
    if let Err(trouble) = &event {
        check_words(&trouble.to_string(), 200);
    }
    let source = ClearConnectionSource::new(KeyRing::default(), map, TimeZone::UTC);
    match source.parse(&receipt("clear-connection", body)) {
        Parsed::Quarantine { reason, hints, .. } => {
            check_words(&reason, 200);
            assert!(hints.is_empty());
        }
        Parsed::Engagement { .. } => unexpected("the portal tells of no email"),
        Parsed::Content { note, .. } => check_words(note.as_deref().unwrap_or_default(), 300),
    }
}
