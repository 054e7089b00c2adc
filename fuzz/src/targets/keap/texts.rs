//! Small things that people and vendors write: times, days, ids, outcomes of calls, names,
//! messages, and the marker that must survive among them.

use http::{HeaderMap, HeaderValue};
use relay_core::outside;
use relay_http_client::{redact, retry_after};
use relay_keap::marker::{Marker, has_merge_field, html_part};
use relay_keap::{outcome, time, types};

use crate::targets::answers::now;
use crate::targets::{CANARY, Target};

/// The target.
pub const TARGET: Target = Target {
    name: "keap_texts",
    run,
    words: &[
        "2026-11-03T16:00:00Z",
        "2026-06-12T09:10:55.000+0000",
        "Z[UTC]",
        "[",
        "+00:00",
        "T",
        "Z",
        "-009999-01-01T00:00:00Z",
        "9999-12-31T23:59:59.999999999Z",
        "2026-11-03",
        "0001-01-01",
        "Outcome:",
        "outcome",
        "spoke",
        "voicemail",
        "no answer",
        "wrong number",
        "-",
        "–",
        "—",
        "[relay:marker_one]",
        "Clear Relay, ref. J2G5-RWRX-FEQR",
        "relay:",
        "<!--",
        "-->",
        "~Contact.FirstName~",
        "~",
        "&",
        "<",
        "\"",
        "{\"id\":",
        "}",
        "null",
        "Tue, 03 Nov 2026 16:01:00 GMT",
        "NaN",
        "n/a",
        "Maya",
        "مايا",
        "kanari.vogel@example.test",
        "303-555-0134",
    ],
    fixtures: &[
        "fixtures/keap/contact.json",
        "fixtures/keap/contact-nulls.json",
    ],
    executions: 5_000,
};

/// Runs one input.
///
/// # Panics
/// If a promise is broken.
pub fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    times(&text);
    words(&text);
    markers(&text);
    waits(data);
    ids(data);
}

fn times(text: &str) {
    if let Some(at) = time::parse(text) {
        let written = time::format(at);
        let again = time::parse(&written);
        // What is written has milliseconds; it must be read, and lie within one of what was.
        let apart = again.map(|again| again.duration_since(at).as_millis().abs());
        assert!(apart.is_some_and(|apart| apart <= 1), "{written}");
        assert_eq!(again.map(time::format), Some(written));
    }
    let _ = time::parse_date(text);
}

fn words(text: &str) {
    let found = outcome::from_description(text);
    // Our own line below what she wrote changes nothing.
    let marked = Marker::new("marker_one").append_to(text);
    assert_eq!(outcome::from_description(&marked), found);
    if let Ok(name) = outside::name(Some(text)) {
        assert_eq!(
            outside::name(Some(&name)).as_deref(),
            Ok(name.as_str()),
            "twice is once"
        );
        assert!(!name.chars().any(char::is_control));
    }
    let said = redact(text);
    assert!(said.chars().count() <= 161);
    assert!(!said.contains('@') && !said.contains(CANARY));
}

fn markers(text: &str) {
    let marker = Marker::new(text);
    let inner = marker.comment();
    let inner = inner.trim_start_matches("<!--").trim_end_matches("-->");
    assert!(!inner.contains("--") && !inner.contains('>'), "{inner}");
    assert!(marker.is_in_html(&marker.comment()));
    assert!(marker.is_in_text(&marker.append_to(text)));
    let one = Marker::new("marker_one");
    let html = html_part(text, &one);
    assert!(one.is_in_html(&html));
    let shown = html
        .trim_end()
        .strip_suffix(&one.comment())
        .unwrap_or_default();
    let tags = shown
        .replace("<div>", "")
        .replace("</div>", "")
        .replace("<br>", "");
    assert!(!tags.contains('<') && !tags.contains('>'), "{tags}");
    let _ = has_merge_field(text);
}

fn waits(data: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(data) else {
        return;
    };
    let mut headers = HeaderMap::new();
    headers.insert("retry-after", value);
    let wait = retry_after(&headers, now());
    assert!(wait.is_none_or(|wait| !wait.is_negative()));
}

fn ids(data: &[u8]) {
    let Ok(contact) = serde_json::from_slice::<types::Contact>(data) else {
        return;
    };
    assert!(
        contact
            .id
            .as_deref()
            .is_none_or(|id| !id.is_empty() && id != "0")
    );
    let phone = contact
        .phone()
        .map(|n| n.chars().filter(char::is_ascii_digit).count());
    assert!(phone.is_none_or(|digits| digits >= 7));
    assert!(contact.email().is_none_or(|email| contact.has_email(email)));
}
