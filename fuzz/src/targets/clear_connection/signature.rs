//! Standard Webhooks: headers and body of a delivery from the portal.
//!
//! An input is `anything`, headers, an empty line, a body. Besides what it holds, the same body is
//! signed as it should be, and that must pass; one bit more, and it must not.

use http::HeaderMap;
use relay_clear_connection::webhook::{KeyRing, WebhookKey};
use secrecy::SecretString;

use crate::targets::answers::{now, written};
use crate::targets::{Target, check_words};

/// The target.
pub const TARGET: Target = Target {
    name: "signature",
    run,
    words: &[
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
        "v1,",
        "v1a,",
        "v2,",
        " ",
        "=",
        "1793721600",
        "1793721300",
        "1793721299",
        "evt_1",
        "\n",
        ":",
        ".",
        "AAAA",
        ",",
        "\n\n",
        "kanari.vogel@example.test",
    ],
    fixtures: &[],
    executions: 4_000,
};

/// An invented key.
const SECRET: &str = "whsec_ZnV6emVkLWZ1enplZC1mdXp6ZWQtZnV6emVk";

fn key() -> Option<WebhookKey> {
    WebhookKey::new("k1", &SecretString::from(SECRET)).ok()
}

/// Runs one input.
///
/// # Panics
/// If a promise is broken.
pub fn run(data: &[u8]) {
    let written = written(data);
    let ring = KeyRing::new(key().into_iter().collect()).unwrap_or_default();
    match ring.verify(&written.headers, written.body, now()) {
        Err(error) => {
            check_words(&error.to_string(), 200);
            assert!(!error.code().is_empty());
        }
        Ok(delivery) => {
            let header = |name: &str| written.headers.get(name).map(|v| v.as_bytes().to_vec());
            assert_eq!(header("webhook-id"), Some(delivery.id.clone().into_bytes()));
            let second = delivery.sent_at.as_second();
            let expected = key().map(|key| key.sign(&delivery.id, second, written.body));
            let signatures = header("webhook-signature").unwrap_or_default();
            let signatures = String::from_utf8_lossy(&signatures).into_owned();
            // A timestamp may be written with leading zeros; then it is signed as it is written.
            let plain = header("webhook-timestamp") == Some(second.to_string().into_bytes());
            let found = expected.is_some_and(|expected| signatures.contains(&expected));
            assert!(found || !plain, "it passed without its signature");
        }
    }
    genuine(&ring, written.body);
}

/// A delivery signed as it should be passes, and no other body under its signature does.
fn genuine(ring: &KeyRing, body: &[u8]) {
    let Some(key) = key() else { return };
    let second = now().as_second();
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("webhook-id", "evt_7".to_owned()),
        ("webhook-timestamp", second.to_string()),
        (
            "webhook-signature",
            format!("v1,AAAA {}", key.sign("evt_7", second, body)),
        ),
    ] {
        if let Ok(value) = value.parse() {
            headers.insert(name, value);
        }
    }
    assert!(
        ring.verify(&headers, body, now()).is_ok(),
        "genuine and refused"
    );
    let longer = [body, b"\n"].concat();
    assert!(
        ring.verify(&headers, &longer, now()).is_err(),
        "forged and let in"
    );
}
