//! A portal that costs almost nothing: a transport in this process that answers for any client.
//!
//! Every client has one check-in, due yesterday and open, and a coach; and no email address, so that the
//! CRM is not asked who she is, at the CRM's own pace. What is accepted is remembered with the moment,
//! for the judge; nothing here knows the relay's own opinion.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use relay_core::time::Date;
use relay_http_client::{Answer, Call, Transport, TransportError};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::clock;

/// The day every check-in was due.
pub(crate) const DUE: &str = "2026-11-03";

/// The portal.
#[derive(Debug, Default)]
pub(crate) struct Portal {
    accepted: Mutex<HashMap<String, Vec<Instant>>>,
    /// Rung at each accepted message.
    pub(crate) rung: Notify,
}

impl Portal {
    /// When a message was accepted for each client, as often as one was.
    pub(crate) fn accepted(&self) -> MutexGuard<'_, HashMap<String, Vec<Instant>>> {
        self.accepted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, call: &Call) -> Option<Value> {
        let mut path = call.url.path_segments()?;
        match (path.next()?, path.next(), path.next()) {
            ("coaches", None, None) => Some(json!({ "data": [
                { "id": "dana", "name": "Dana Reed", "email": "dana@example.test" },
            ] })),
            ("clients", Some(id), None) => Some(client(id)),
            ("clients", Some(id), Some("check-ins")) => {
                let due: Date = DUE.parse().ok()?;
                Some(json!({ "data": [
                    { "id": check_in(id), "client_id": id, "due_date": due, "status": "open" },
                ] }))
            }
            ("clients", Some(id), Some("messages")) if call.method == Method::POST => {
                self.accepted()
                    .entry(id.to_owned())
                    .or_default()
                    .push(clock::now());
                self.rung.notify_one();
                Some(json!({ "id": format!("m-{id}") }))
            }
            ("check-ins", None, None) | ("clients", Some(_), Some("messages")) => {
                Some(json!({ "data": [] }))
            }
            _ => None,
        }
    }
}

/// The check-in of a client.
pub(crate) fn check_in(client: &str) -> String {
    format!("ci-{client}")
}

fn client(id: &str) -> Value {
    json!({
        "id": id,
        "first_name": "Maya",
        "last_name": "Reyes",
        "status": "online",
        "coach_id": "dana",
        "last_regimen_change": "2026-10-20",
    })
}

#[async_trait]
impl Transport for Portal {
    async fn send(&self, call: Call) -> Result<Answer, TransportError> {
        let (status, body) = match self.answer(&call) {
            Some(body) => (StatusCode::OK, body),
            None => (StatusCode::NOT_FOUND, json!({})),
        };
        Ok(Answer {
            status,
            headers: HeaderMap::new(),
            body: Bytes::from(body.to_string()),
        })
    }
}
