//! Deliveries as the Standard Webhooks scheme has them: how they are signed, and when they come again.

use std::ops::RangeInclusive;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};
use relay_core::time::Timestamp;

use super::outbox::Ladder;
use crate::standard_webhooks::WebhookKey;

const fn hours(hours: u32) -> RangeInclusive<u32> {
    hours * 3_600..=hours * 3_600
}

/// The pauses between attempts that Standard Webhooks suggests; after the last one, daily.
pub const STANDARD_LADDER: Ladder = Ladder {
    pauses: &[
        5..=5,
        300..=300,
        1_800..=1_800,
        hours(2),
        hours(5),
        hours(10),
        hours(14),
        hours(20),
        hours(24),
    ],
    endless: true,
};

/// The headers of an attempt: signed afresh, with every key.
pub fn signed(keys: &[WebhookKey], id: &str, at: Timestamp, body: &str) -> HeaderMap {
    let timestamp = at.as_second();
    let signatures: Vec<String> = keys
        .iter()
        .map(|key| key.sign(id, timestamp, body.as_bytes()))
        .collect();
    headers(id, timestamp, &signatures.join(" "))
}

/// The headers of an attempt by somebody who doesn't have the key.
pub fn forged(id: &str, at: Timestamp) -> HeaderMap {
    let signature = "v1,Zm9yZ2VkIGZvcmdlZCBmb3JnZWQgZm9yZ2VkIGZvcmc=";
    headers(id, at.as_second(), signature)
}

fn headers(id: &str, timestamp: i64, signatures: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert("webhook-timestamp", HeaderValue::from(timestamp));
    for (name, value) in [("webhook-id", id), ("webhook-signature", signatures)] {
        // Ids and signatures are made here of letters, digits and base64.
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
    headers
}
