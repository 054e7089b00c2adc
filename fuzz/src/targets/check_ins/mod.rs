//! The clinic's check-ins: a delivery, and a file.

pub mod file;
pub mod hook;

use std::sync::Arc;

use clear_relay::receipts::Source;
use clear_relay::wiring::check_ins::CheckInSource;
use http::{HeaderMap, HeaderValue};
use relay_check_ins::webhook::{KeyRing, WebhookKey};
use secrecy::SecretString;

use super::answers::now;
use super::{Sign, Vendor};

/// An invented key.
const KEY: &str = "whsec_bGlzdGVkLWZ1enplZC1mdXp6ZWQtZnV6emVk";

/// What of them is run.
pub const VENDOR: Vendor = Vendor {
    targets: &[hook::TARGET, file::TARGET],
    source,
    sign: Some(Sign {
        path: "/hooks/check-ins",
        with: sign,
    }),
    words: &["/hooks/check-ins"],
};

fn key() -> Option<WebhookKey> {
    WebhookKey::new("k1", &SecretString::from(KEY)).ok()
}

fn source() -> Option<Arc<dyn Source>> {
    let keys = KeyRing::new(vec![key()?]).ok()?;
    Some(Arc::new(CheckInSource::new(keys)))
}

fn sign(headers: &mut HeaderMap, body: &[u8]) {
    let Some(key) = key() else {
        return;
    };
    let second = now().as_second();
    for (name, value) in [
        ("webhook-id", "rows_9".to_owned()),
        ("webhook-timestamp", second.to_string()),
        ("webhook-signature", key.sign("rows_9", second, body)),
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
        no_delivery_of_rows_breaks_its_reader: "check_ins_hook",
        no_file_of_rows_breaks_its_reader: "check_ins_file",
    }
}
