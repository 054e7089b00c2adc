//! The stand-in for the CRM: filters, orders, pages, and whole requests. It is served to whoever
//! runs a sandbox, and a stand-in that falls over proves nothing.
//!
//! An input is `METHOD PATH?QUERY`, headers, an empty line, a body; or `LIST` and, in the next
//! line, a filter as it stands before it is encoded.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use relay_core::random::SeededRandom;
use relay_http_client::{Call, RouterTransport, Transport as _};
use relay_keap::emulator::{Act, Keap, NewContact, NewEmailRecord, NewField, NewUser, Settings};
use serde_json::Value;
use url::Url;

use crate::targets::Target;
use crate::targets::answers::{block_on, clock, written};

/// The target.
pub const TARGET: Target = Target {
    name: "emulator",
    run,
    words: &[
        "GET ",
        "POST ",
        "PATCH ",
        "DELETE ",
        "PUT ",
        "LIST ",
        "/v2/contacts",
        "/v2/emails",
        "/v2/tasks",
        "/v2/notes",
        "/v2/tags",
        "/v2/users",
        "/v2/products",
        "/v2/orders",
        "/v2/subscriptions",
        "/v2/emailAddresses",
        "/v1/contacts",
        "/v1/emails",
        "?filter=",
        "&order_by=",
        "&page_size=",
        "&page_token=at",
        "&fields=",
        "?update_mask=",
        "limit=",
        "offset=",
        "contact_id",
        "ids",
        "email",
        "given_name",
        "start_update_time",
        "SkinType",
        "==",
        "!=",
        ">=",
        "<=",
        ";",
        ",",
        "*",
        "%3D%3D",
        "%3B",
        "2026-11-03T16:00:00.000Z",
        "custom_fields",
        "content-type: application/json",
        "\n\n",
        "{}",
        "NaN",
        "inf",
        "18446744073709551615",
        "ffffffffffffffff",
    ],
    fixtures: &[],
    executions: 1_500,
};

/// Statuses that the stand-in may answer of itself.
const STATUSES: &[u16] = &[200, 201, 202, 204, 400, 404, 405, 409, 413];

fn tenant() -> Arc<Keap> {
    let random = Arc::new(SeededRandom::new(7));
    let keap = Keap::new(Arc::new(clock()), random, Settings::default());
    let mut acts = vec![
        Act::AddUser(NewUser {
            id: Some(1),
            email: "coach@example.test".to_owned(),
            ..NewUser::default()
        }),
        Act::AddField(NewField {
            id: Some(6),
            label: "Skin Type".to_owned(),
            ..NewField::default()
        }),
    ];
    for id in 1_001..1_004 {
        acts.push(Act::AddContact(NewContact {
            id: Some(id),
            given_name: Some(format!("Maya {id}")),
            email: Some(format!("maya{id}@example.test")),
            email_status: Some("SINGLE_OPT_IN".to_owned()),
            ..NewContact::default()
        }));
        acts.push(Act::AddEmailRecord(NewEmailRecord {
            contact: id,
            ..NewEmailRecord::default()
        }));
    }
    for act in acts {
        let _ = keap.perform(act);
    }
    keap
}

/// Runs one input.
///
/// # Panics
/// If a promise is broken.
pub fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match text
        .strip_prefix("LIST ")
        .and_then(|rest| rest.split_once('\n'))
    {
        Some((list, filter)) => listed(list.trim(), filter),
        None => whole(data),
    }
}

/// A filter finds some of what there is, or is refused.
fn listed(list: &str, filter: &str) {
    let filter = utf8_percent_encode(filter, NON_ALPHANUMERIC);
    let path = format!("/v2/{list}?page_size=1000&filter={filter}");
    let key = list.rsplit('/').next().unwrap_or_default();
    let Some((status, body)) = ask(Method::GET, &path, &[], &Bytes::new()) else {
        return;
    };
    assert!([200, 400, 404, 405].contains(&status), "{status}");
    let shown = body.get(key).and_then(Value::as_array).map(Vec::len);
    assert!(shown.is_none_or(|shown| shown <= 3), "more than there is");
    let refused = body.get("message").and_then(Value::as_str).is_some();
    assert!(
        status == 200 || refused || body.is_null(),
        "{status} {body}"
    );
}

fn whole(data: &[u8]) {
    let written = written(data);
    let first = String::from_utf8_lossy(written.first).into_owned();
    let (method, path) = first.split_once(' ').unwrap_or(("GET", first.as_str()));
    let Ok(method) = Method::from_bytes(method.as_bytes()) else {
        return;
    };
    let headers: Vec<_> = written.headers.iter().collect();
    let body = Bytes::copy_from_slice(written.body);
    if let Some((status, _)) = ask(method, path, &headers, &body) {
        assert!(STATUSES.contains(&status), "{status}");
    }
}

fn ask(
    method: Method,
    path: &str,
    headers: &[(&http::HeaderName, &HeaderValue)],
    body: &Bytes,
) -> Option<(u16, Value)> {
    let url: Url = format!("http://keap.test/crm/rest{path}").parse().ok()?;
    let transport = RouterTransport::new();
    transport.serve("keap.test", tenant().router());
    let mut map = http::HeaderMap::new();
    for (name, value) in headers {
        map.append((*name).clone(), (*value).clone());
    }
    map.insert(
        "x-keap-api-key",
        HeaderValue::from_static("KeapAK-emulated"),
    );
    map.remove("authorization");
    let answer = block_on(transport.send(Call {
        method,
        url,
        headers: map,
        body: body.clone(),
        timeout: Duration::from_mins(1),
    }));
    let answer = answer.ok()?;
    assert!(answer.headers.contains_key("x-request-id"));
    assert!(
        answer
            .headers
            .contains_key("x-keap-product-quota-available")
    );
    let body = serde_json::from_slice(&answer.body).unwrap_or_default();
    Some((answer.status.as_u16(), body))
}
