//! A small tenant and a hand to send requests with.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method};
use relay_core::random::SeededRandom;
use relay_core::time::{ManualClock, SignedDuration, Timestamp};
use relay_http_client::emulation::described::Side;
use relay_http_client::{Call, RouterTransport, Transport, TransportError};
use relay_keap::emulator::{Act, Keap, NewContact, NewField, NewUser, Settings};
use serde_json::{Value, json};

/// The emulated coach.
pub(crate) const COACH: u64 = 1;
/// A contact whose custom fields are all set.
pub(crate) const MAYA: u64 = 1_001;
/// A contact with neither phone nor fields.
pub(crate) const JO: u64 = 1_002;

/// An answer, read as JSON where it is JSON.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    pub(crate) json: Value,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// A tenant, its clock, and the way to it.
pub(crate) struct Tenant {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) keap: Arc<Keap>,
    transport: RouterTransport,
    _watched: Watched,
}

/// Ends a test in which the emulator answered otherwise than the vendor describes. Requests are not
/// looked at here: wrong ones are sent on purpose.
struct Watched(Arc<Keap>);

impl Drop for Watched {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(self.0.mismatches(Side::Answer), Vec::<String>::new());
        }
    }
}

/// 16:00 UTC on the third of November 2026.
pub(crate) fn start() -> Timestamp {
    "2026-11-03T16:00:00Z".parse().expect("a time")
}

impl Tenant {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings::default();
        change(&mut settings);
        let clock = Arc::new(ManualClock::new(start()));
        let random = Arc::new(SeededRandom::new(7));
        let keap = Keap::new(Arc::clone(&clock) as _, random, settings);
        let transport = RouterTransport::new();
        transport.serve("keap.test", keap.router());
        let tenant = Self {
            clock,
            _watched: Watched(Arc::clone(&keap)),
            keap,
            transport,
        };
        tenant.settle_in();
        tenant
    }

    fn settle_in(&self) {
        self.act(Act::AddUser(NewUser {
            id: Some(COACH),
            email: "coach@example.test".to_owned(),
            given_name: "Cora".to_owned(),
            family_name: "Coach".to_owned(),
            ..NewUser::default()
        }));
        for (id, label, kind, options) in [
            (6, "Contact Type", "DROPDOWN", vec!["Online", "In-Person"]),
            (8, "Skin Type", "TEXT", vec![]),
            (10, "Visits", "WHOLE_NUMBER", vec![]),
        ] {
            self.act(Act::AddField(NewField {
                id: Some(id),
                label: label.to_owned(),
                field_type: Some(kind.to_owned()),
                options: options.into_iter().map(str::to_owned).collect(),
                tab: Some("Clear Connection".to_owned()),
                ..NewField::default()
            }));
        }
        let custom = json!({ "Contact Type": "Online", "Skin Type": "dry", "Visits": 3 });
        self.act(Act::AddContact(NewContact {
            id: Some(MAYA),
            given_name: Some("Maya".to_owned()),
            family_name: Some("Reyes".to_owned()),
            email: Some("Maya@example.test".to_owned()),
            email_status: Some("SINGLE_OPT_IN".to_owned()),
            phone: Some("303-555-0101".to_owned()),
            owner: Some(COACH),
            custom: custom.as_object().cloned().unwrap_or_default(),
        }));
        self.act(Act::AddContact(NewContact {
            id: Some(JO),
            given_name: Some("Jo".to_owned()),
            email: Some("jo@example.test".to_owned()),
            ..NewContact::default()
        }));
    }

    /// The same tenant behind another router.
    pub(crate) fn served_by(self, router: axum::Router) -> Self {
        let transport = RouterTransport::new();
        transport.serve("keap.test", router);
        Self { transport, ..self }
    }

    pub(crate) fn act(&self, act: Act) -> u64 {
        self.keap.perform(act).expect("the act is possible")
    }

    pub(crate) fn pass(&self, seconds: i64) {
        self.clock.advance(SignedDuration::from_secs(seconds));
    }

    /// What was accepted, as operation and content.
    pub(crate) fn accepted(&self) -> Vec<(String, String, Value)> {
        let entries = self.keap.accepted().into_iter();
        entries.map(|e| (e.operation, e.who, e.content)).collect()
    }

    /// The names of what was accepted.
    pub(crate) fn operations(&self) -> Vec<String> {
        self.accepted().into_iter().map(|e| e.0).collect()
    }

    /// Sends a request exactly as given.
    pub(crate) async fn raw(
        &self,
        method: Method,
        path: &str,
        headers: &[(&'static str, &str)],
        body: &str,
    ) -> Result<Seen, TransportError> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().expect("a header"));
        }
        let answer = self
            .transport
            .send(Call {
                method,
                url: format!("http://keap.test{path}")
                    .parse()
                    .expect("an address"),
                headers: map,
                body: Bytes::copy_from_slice(body.as_bytes()),
                timeout: Duration::from_secs(1),
            })
            .await?;
        let text = String::from_utf8(answer.body.to_vec()).expect("text");
        Ok(Seen {
            status: answer.status.as_u16(),
            json: serde_json::from_str(&text).unwrap_or_default(),
            headers: answer.headers,
            text,
        })
    }

    /// Sends a request with the credential, and a body if it isn't null.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        body: &Value,
    ) -> Result<Seen, TransportError> {
        let path = format!("/crm/rest{path}");
        let key = ("authorization", "Bearer KeapAK-emulated");
        if body.is_null() {
            return self.raw(method, &path, &[key], "").await;
        }
        let headers = [key, ("content-type", "application/json")];
        self.raw(method, &path, &headers, &body.to_string()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Seen {
        let answer = self.send(Method::GET, path, &Value::Null).await;
        answer.expect("an answer")
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Seen {
        let answer = self.send(Method::POST, path, &body).await;
        answer.expect("an answer")
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Seen {
        let answer = self.send(Method::PATCH, path, &body).await;
        answer.expect("an answer")
    }

    pub(crate) async fn delete(&self, path: &str) -> Seen {
        let answer = self.send(Method::DELETE, path, &Value::Null).await;
        answer.expect("an answer")
    }
}
