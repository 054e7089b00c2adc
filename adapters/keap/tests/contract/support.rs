//! A tenant with a key, a clock that stands still, and a client for it.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use http::Method;
use relay_core::random::SeededRandom;
use relay_core::time::{ManualClock, Timestamp};
use relay_http_client::emulation::described::Side;
use relay_http_client::emulation::{Accepted, FaultAct, FaultRule, Moment};
use relay_http_client::{Answer, Call, RouterTransport, Transport, TransportError};
use relay_keap::emulator::{Act, Keap, NewContact, NewField, NewUser, Settings as Tenant};
use relay_keap::{CustomFieldsMode, HeaderStyle, KeapClient, Settings};
use secrecy::SecretString;
use serde_json::Value;

pub(crate) const KEY: &str = "KeapAK-emulated";
pub(crate) const MAYA: &str = "1001";
pub(crate) const COACH: &str = "7";

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().expect("a valid time")
}

pub(crate) fn now() -> Timestamp {
    at("2026-11-03T16:00:00Z")
}

pub(crate) struct Setup {
    pub(crate) keap: Arc<Keap>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) transport: Arc<Meddling>,
    pub(crate) client: KeapClient,
}

/// A tenant in which `adjust` has turned switches, with Maya and her coach.
pub(crate) fn setup_with(adjust: impl FnOnce(&mut Tenant), mode: CustomFieldsMode) -> Setup {
    let clock = Arc::new(ManualClock::new(now()));
    let mut tenant = Tenant::default();
    adjust(&mut tenant);
    let keap = Keap::new(clock.clone(), Arc::new(SeededRandom::new(7)), tenant);
    let router = RouterTransport::new();
    router.serve("keap.test", keap.router());
    let transport = Arc::new(Meddling::new(router));
    let settings = Settings {
        custom_fields: mode,
        ..settings(KEY, HeaderStyle::Bearer)
    };
    let client = KeapClient::new(transport.clone(), clock.clone(), settings).expect("a client");
    let setup = Setup {
        keap,
        clock,
        transport,
        client,
    };
    setup.does(Act::AddUser(NewUser {
        id: Some(7),
        email: "coach@example.test".to_owned(),
        ..NewUser::default()
    }));
    setup.does(Act::AddContact(NewContact {
        id: Some(1001),
        given_name: Some("Maya".to_owned()),
        family_name: Some("Rivers".to_owned()),
        email: Some("maya@example.test".to_owned()),
        email_status: Some("SINGLE_OPT_IN".to_owned()),
        phone: Some("303-555-0134".to_owned()),
        ..NewContact::default()
    }));
    setup
}

pub(crate) fn setup() -> Setup {
    setup_with(|_| (), CustomFieldsMode::Full)
}

pub(crate) fn settings(key: &str, header: HeaderStyle) -> Settings {
    Settings {
        base: "http://keap.test/crm".parse().expect("a valid address"),
        header,
        ..Settings::live(SecretString::from(key)).expect("settings")
    }
}

/// Ends a test in which an exchange was not as the vendor describes it, on either side.
impl Drop for Setup {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            for side in [Side::Request, Side::Answer] {
                let found = self.keap.mismatches(side);
                assert_eq!(found, Vec::<String>::new(), "{side:?}");
            }
        }
    }
}

impl Setup {
    /// Something happens in the tenant without the API.
    pub(crate) fn does(&self, act: Act) -> u64 {
        self.keap.perform(act).expect("an act that is possible")
    }

    /// The clinic's field on its tab, with id 6, and its namesake elsewhere.
    pub(crate) fn with_contact_type(self) -> Self {
        self.does(Act::AddField(NewField {
            id: Some(6),
            label: "Contact Type".to_owned(),
            field_type: Some("DROPDOWN".to_owned()),
            options: vec!["Online".to_owned(), "In-Person".to_owned()],
            tab: Some("Clear Connection".to_owned()),
            group: Some("Program".to_owned()),
            ..NewField::default()
        }));
        self
    }

    pub(crate) fn add_text_field(&self, id: u64, label: &str) {
        self.does(Act::AddField(NewField {
            id: Some(id),
            label: label.to_owned(),
            ..NewField::default()
        }));
    }

    pub(crate) fn edits(&self, field: &str, value: Value) {
        self.does(Act::EditContactField {
            contact: 1001,
            field: field.to_owned(),
            value,
        });
    }

    /// Orders a fault for the next request of an operation.
    pub(crate) fn fault(&self, operation: &str, moment: Moment, act: FaultAct) {
        self.keap.faults().order(FaultRule {
            operation: operation.to_owned(),
            moment,
            act,
            skip: 0,
            times: 1,
        });
    }

    /// What was accepted under a name.
    pub(crate) fn accepted(&self, operation: &str) -> Vec<Accepted> {
        let mut all = self.keap.accepted();
        all.retain(|entry| entry.operation == operation);
        all
    }

    /// The names of everything accepted, in order.
    pub(crate) fn operations(&self) -> Vec<String> {
        self.keap
            .accepted()
            .into_iter()
            .map(|entry| entry.operation)
            .collect()
    }

    /// Maya's custom fields that have a value, by id, as another reader of the API sees them.
    pub(crate) async fn fields(&self) -> Value {
        let url = "http://keap.test/crm/rest/v2/contacts/1001?fields=custom_fields";
        let mut headers = http::HeaderMap::new();
        headers.insert("x-keap-api-key", http::HeaderValue::from_static(KEY));
        let answer = self.transport.router.send(Call {
            method: Method::GET,
            url: url.parse().expect("a valid address"),
            headers,
            body: bytes::Bytes::new(),
            timeout: std::time::Duration::from_secs(30),
        });
        let body: Value =
            serde_json::from_slice(&answer.await.expect("an answer").body).expect("JSON");
        let entries = body["custom_fields"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let set = entries
            .into_iter()
            .filter(|entry| !entry["content"].is_null());
        set.map(|entry| {
            (
                entry["id"].as_str().expect("an id").to_owned(),
                entry["content"].clone(),
            )
        })
        .collect::<serde_json::Map<_, _>>()
        .into()
    }
}

type Meddle = Box<dyn FnOnce() + Send>;

/// A way to the emulator on which something may happen right before the next `PATCH` arrives, and
/// which remembers what was asked.
pub(crate) struct Meddling {
    router: RouterTransport,
    before_patch: Mutex<Option<Meddle>>,
    asked: Mutex<Vec<(Method, url::Url)>>,
}

impl std::fmt::Debug for Meddling {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Meddling").finish_non_exhaustive()
    }
}

impl Meddling {
    fn new(router: RouterTransport) -> Self {
        Self {
            router,
            before_patch: Mutex::new(None),
            asked: Mutex::default(),
        }
    }

    /// Lets `meddle` happen right before the next `PATCH` arrives.
    pub(crate) fn before_patch(&self, meddle: impl FnOnce() + Send + 'static) {
        *self.before_patch.lock().expect("not poisoned") = Some(Box::new(meddle));
    }

    /// Everything asked so far.
    pub(crate) fn asked(&self) -> Vec<(Method, url::Url)> {
        self.asked.lock().expect("not poisoned").clone()
    }

    /// How many requests could have changed something.
    pub(crate) fn mutating(&self) -> usize {
        self.asked()
            .iter()
            .filter(|(method, _)| *method != Method::GET)
            .count()
    }
}

#[async_trait]
impl Transport for Meddling {
    async fn send(&self, call: Call) -> Result<Answer, TransportError> {
        let asked = (call.method.clone(), call.url.clone());
        self.asked.lock().expect("not poisoned").push(asked);
        if call.method == Method::PATCH {
            let meddle = self.before_patch.lock().expect("not poisoned").take();
            if let Some(meddle) = meddle {
                meddle();
            }
        }
        self.router.send(call).await
    }
}

/// A status fault with the vendor's usual body.
pub(crate) fn status(code: u16) -> FaultAct {
    FaultAct::Status {
        code,
        retry_after: None,
        body: None,
    }
}

/// A 404 with this body.
pub(crate) fn not_found(body: &str) -> FaultAct {
    FaultAct::Status {
        code: 404,
        retry_after: None,
        body: Some(body.to_owned()),
    }
}

/// Whether a contact has the tag with this name.
pub(crate) async fn has_tag(client: &KeapClient, contact: &str, name: &str) -> bool {
    let tags = client.contact_tags(contact, Some(name)).await;
    let tags = tags.expect("an answer");
    let mut tags = tags.iter().filter_map(|applied| applied.tag.as_ref());
    tags.any(|tag| relay_keap::client::is_named(tag, name))
}
