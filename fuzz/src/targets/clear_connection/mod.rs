//! Clear Connection: its answers, its events, and their signatures.

pub mod answer;
pub mod event;
pub mod signature;

use std::sync::Arc;

use clear_relay::receipts::Source;
use clear_relay::wiring::clear_connection::ClearConnectionSource;
use http::{HeaderMap, HeaderValue};
use relay_clear_connection::webhook::{FieldMap, KeyRing, WebhookKey};
use relay_core::time::TimeZone;
use secrecy::SecretString;

use super::answers::now;
use super::{Sign, Vendor};

/// An invented key.
const KEY: &str = "whsec_ZnV6emVkLWZ1enplZC1mdXp6ZWQtZnV6emVk";

/// What of Clear Connection is run.
pub const VENDOR: Vendor = Vendor {
    targets: &[answer::TARGET, event::TARGET, signature::TARGET],
    source,
    sign: Some(Sign {
        path: "/hooks/clear-connection",
        with: sign,
    }),
    words: &[
        "/hooks/clear-connection",
        "webhook-id: evt_1",
        "webhook-timestamp: 1793721600",
        "webhook-signature: v1,AAAA",
    ],
};

fn key() -> Option<WebhookKey> {
    WebhookKey::new("k1", &SecretString::from(KEY)).ok()
}

fn source() -> Option<Arc<dyn Source>> {
    let keys = KeyRing::new(vec![key()?]).ok()?;
    let source = ClearConnectionSource::new(keys, FieldMap::default(), TimeZone::UTC);
    Some(Arc::new(source))
}

fn sign(headers: &mut HeaderMap, body: &[u8]) {
    let Some(key) = key() else {
        return;
    };
    let second = now().as_second();
    for (name, value) in [
        ("webhook-id", "evt_9".to_owned()),
        ("webhook-timestamp", second.to_string()),
        ("webhook-signature", key.sign("evt_9", second, body)),
    ] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    crate::replay::fuzzed! {
        super::VENDOR.targets;
        no_answer_of_the_portal_breaks_a_call: "portal_answer",
        no_event_of_the_portal_breaks_its_reader: "portal_event",
        no_headers_pass_without_their_signature: "signature",
    }
}
