//! The emulated tenant is built on the kit as every emulator is.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method};
use relay_http_client::Call;
use relay_http_client::emulation::conformance::{Write, check};

use crate::tenant::Tenant;

/// A new tag.
fn tag(number: u32) -> Call {
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("authorization", "Bearer KeapAK-emulated"),
        ("content-type", "application/json"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    Call {
        method: Method::POST,
        url: "http://keap.test/crm/rest/v2/tags"
            .parse()
            .expect("an address"),
        headers,
        body: Bytes::from(format!(r#"{{"name":"Tag {number}"}}"#)),
        timeout: Duration::from_secs(1),
    }
}

#[tokio::test]
async fn the_tenant_keeps_what_every_emulator_promises() {
    let write = Write {
        operation: "create_tag",
        call: Box::new(tag),
    };
    let tenant = Tenant::new();
    assert_eq!(check(Arc::clone(&tenant.keap) as _, write).await, Ok(()));
    let contact = tenant.get("/v2/contacts/1001").await;
    assert_eq!(contact.status, 404, "nobody is left");
}
