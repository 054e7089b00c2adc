//! The body of a hook delivery from the CRM. Nobody signs it.

use clear_relay::receipts::{Parsed, Source as _};
use clear_relay::wiring::keap::KeapSource;
use clear_relay::wiring::keap::hook_paths::ClosedPaths;
use relay_keap::webhook::{MAX_OBJECTS, PathSecrets, dedupe_key, parse};

use crate::targets::answers::receipt;
use crate::targets::{Target, check_words, unexpected};

/// The target.
pub const TARGET: Target = Target {
    name: "keap_delivery",
    run,
    words: &[
        "event_key",
        "object_type",
        "object_keys",
        "contact.edit",
        "contactGroup.applied",
        "task.edit",
        "id",
        "tag_id",
        "contact_details",
        "apiUrl",
        "api_url",
        "timestamp",
        "2026-06-12T09:10:55.000Z",
        "2026-06-12T09:10:55.000+0000",
        "2026-06-12T09:10:55Z[UTC]",
        "[",
        "]",
        "{",
        "}",
        "\"",
        "\\",
        "../",
        "?x=",
        "kanari.vogel@example.test",
    ],
    fixtures: &[
        "fixtures/keap/hook-contact-edit.json",
        "fixtures/keap/hook-tag-applied.json",
    ],
    executions: 2_000,
};

/// Runs one input.
///
/// # Panics
/// If a promise is broken.
pub fn run(data: &[u8]) {
    assert_eq!(dedupe_key(data).len(), 64);
    match parse(data) {
        Err(error) => check_words(&error.to_string(), 100),
        Ok(delivery) => {
            let read = delivery.changes.len() + delivery.broken.len();
            assert!(read <= MAX_OBJECTS, "{read} objects");
            check_words(&delivery.event_key, 64);
            for change in &delivery.changes {
                let ids = [Some(&change.id), change.tag.as_ref()];
                for id in ids.into_iter().flatten() {
                    assert!((1..=20).contains(&id.len()), "{id}");
                    assert!(id.bytes().all(|byte| byte.is_ascii_digit()), "{id}");
                }
            }
        }
    }
    let source = KeapSource::new(PathSecrets::default(), ClosedPaths::default());
    match source.parse(&receipt("keap", data)) {
        Parsed::Quarantine { reason, hints, .. } => {
            check_words(&reason, 300);
            assert!(hints.len() <= MAX_OBJECTS);
        }
        Parsed::Content { note, hints, .. } => {
            check_words(note.as_deref().unwrap_or_default(), 300);
            assert!(hints.len() <= MAX_OBJECTS);
        }
        Parsed::Engagement { .. } => unexpected("a delivery tells of no email"),
    }
}
