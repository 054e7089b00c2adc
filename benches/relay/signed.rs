//! Webhooks as the portal signs them: Standard Webhooks, random ids.

use clear_relay::sandbox::clinic::WEBHOOK_KEY;
use relay_clear_connection::webhook::WebhookKey;
use relay_core::random::Random;
use relay_core::time::Timestamp;
use secrecy::SecretString;
use serde_json::json;

use crate::{Trouble, load};

/// The length of a body.
pub(crate) const BODY: usize = 300;

/// Signs as the portal of the sandbox does.
#[derive(Debug)]
pub(crate) struct Signer(WebhookKey);

impl Signer {
    pub(crate) fn new() -> Result<Self, Trouble> {
        Ok(Self(WebhookKey::new(
            "first",
            &SecretString::from(WEBHOOK_KEY),
        )?))
    }

    /// A whole request.
    pub(crate) fn request(&self, id: &str, at: Timestamp, body: &[u8]) -> Vec<u8> {
        let signature = self.0.sign(id, at.as_second(), body);
        let headers = [
            ("content-type", "application/json"),
            ("user-agent", "portal-events/1.0"),
            ("webhook-id", id),
            ("webhook-timestamp", &at.as_second().to_string()),
            ("webhook-signature", &signature),
        ];
        load::post("/hooks/clear-connection", &headers, body)
    }

    /// So many requests, each a webhook of its own that nothing follows from.
    pub(crate) fn requests(
        &self,
        count: usize,
        at: Timestamp,
        random: &dyn Random,
    ) -> Vec<Vec<u8>> {
        (0..count)
            .map(|_| self.request(&id(random), at, &body(at, random)))
            .collect()
    }
}

/// A webhook's id, random as a portal's may be: the hardest case for an index.
pub(crate) fn id(random: &dyn Random) -> String {
    format!("msg_{:016x}{:016x}", random.next_u64(), random.next_u64())
}

/// A body of [`BODY`] bytes of a type that nobody knows: it is stored, read and marked as read.
pub(crate) fn body(at: Timestamp, random: &dyn Random) -> Vec<u8> {
    let client = format!("cl_{:016x}", random.next_u64());
    let mut event = json!({
        "type": "bench.nothing",
        "timestamp": at.to_string(),
        "data": { "client_id": client, "padding": "" },
    });
    let missing = BODY.saturating_sub(event.to_string().len());
    event["data"]["padding"] = "x".repeat(missing).into();
    event.to_string().into_bytes()
}
