//! The emulated portal is built on the kit as every emulator is.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method};
use relay_http_client::Call;
use relay_http_client::emulation::conformance::{Write, check};

use crate::support::{TOKEN, World};

/// A message to Maya.
fn message(number: u32) -> Call {
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("authorization", format!("Bearer {TOKEN}")),
        ("idempotency-key", format!("key-{number}")),
    ] {
        headers.insert(name, HeaderValue::try_from(value).expect("a header"));
    }
    Call {
        method: Method::POST,
        url: "http://portal.test/clients/c1/messages"
            .parse()
            .expect("an address"),
        headers,
        body: Bytes::from(format!(r#"{{"author":"b1","text":"Message {number}"}}"#)),
        timeout: Duration::from_secs(1),
    }
}

#[tokio::test]
async fn the_portal_keeps_what_every_emulator_promises() {
    let write = Write {
        operation: "portal_message",
        call: Box::new(message),
    };
    let portal = World::new().portal;
    assert_eq!(check(Arc::clone(&portal) as _, write).await, Ok(()));
    assert_eq!(portal.clients(), Vec::<String>::new(), "nobody is left");
}
