//! What must not leak does not: into log lines, stored errors, refusals, or addresses of requests.
//!
//! The people carry values that occur nowhere else, so that a single leak is found by its text. A
//! client's id in the portal is no canary: it stands in log lines and paths on purpose.

use std::io;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use clear_relay::sandbox::clinic::{HOOK_SECRET, KEAP_KEY, PORTAL_TOKEN, WEBHOOK_KEY};
use clear_relay::telemetry::{LogConfig, LogFormat, subscriber};
use relay_core::effects::CardRemoval;
use relay_core::facts::Order;
use relay_core::time::ManualClock;
use relay_http_client::{Answer, Call, Transport, TransportError};
use relay_store::{JobState, ReceiptState};
use serde_json::json;

use super::clinic::{ALL, Clinic, Person, at};

/// Values of people and of the configuration, none of which may be seen anywhere.
const CANARIES: [&str; 10] = [
    "Canarina",
    "Hayes",
    "example.test",
    "303-555-0177",
    "a canary's calm week",
    "the canary sings",
    PORTAL_TOKEN,
    KEAP_KEY,
    WEBHOOK_KEY,
    HOOK_SECRET,
];

/// Words of the scripts.
const TEXTS: [&str; 4] = [
    "Your check in was due yesterday",
    "I just wanted to see if you saw",
    "How are you doing today",
    "Beth",
];

#[derive(Debug, Clone, Default)]
struct Memory(Arc<Mutex<Vec<u8>>>);

impl Memory {
    fn text(&self) -> String {
        let bytes = self.0.lock().expect("not poisoned").clone();
        String::from_utf8(bytes).expect("text")
    }
}

impl io::Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .lock()
            .expect("not poisoned")
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes down the address of every request that leaves the relay.
#[derive(Debug)]
struct Listening {
    inner: Arc<dyn Transport>,
    paths: Arc<Mutex<Vec<String>>>,
}

#[async_trait]
impl Transport for Listening {
    async fn send(&self, call: Call) -> Result<Answer, TransportError> {
        let url = call.url.to_string();
        self.paths.lock().expect("not poisoned").push(url);
        self.inner.send(call).await
    }
}

fn canary(id: &'static str, contact: u64, opens: bool) -> Person {
    Person {
        id,
        contact,
        first: Some("Canarina"),
        phone: Some("303-555-0177"),
        opens,
        ..Person::maya()
    }
}

/// Everything that can happen, badly: faults of each class, replies, forgeries, orders, refusals.
async fn a_bad_week() -> Clinic {
    let people = [
        canary("c_mail", 301, true),
        canary("c_call", 302, false),
        canary("c_dead", 303, false),
        canary("c_gone", 304, true),
        canary("c_writes", 305, true),
    ];
    let clinic = Clinic::open().await;
    for person in &people {
        clinic.join(person);
        // Her call gets as far as Keap, which refuses it: the portal has her address, too.
        if person.id != "c_dead" {
            clinic.keap(
                json!({ "act": "edit_contact", "contact": person.contact, "changes": {
                "email_addresses": [{ "email": "canary@example.test", "field": "EMAIL1" }] } }),
            );
        }
        clinic.keap(
            json!({ "act": "edit_contact_field", "contact": person.contact,
            "field": "Skin Goal", "value": "a canary's calm week" }),
        );
    }
    for (vendor, operation, act) in [
        ("portal", "portal_message", json!({ "act": "hang" })),
        (
            "portal",
            "portal_message",
            json!({ "act": "status", "code": 500,
            "body": "no message to canary@example.test, 303-555-0177" }),
        ),
        (
            "keap",
            "email",
            json!({ "act": "status", "code": 429, "retry_after": 60 }),
        ),
        (
            "keap",
            "call_task",
            json!({ "act": "status", "code": 400,
            "body": "{\"message\":\"no task for canary@example.test 303-555-0177\"}" }),
        ),
        ("keap", "contact_note", json!({ "act": "reset" })),
        ("keap", "auto_charge_off", json!({ "act": "hang" })),
    ] {
        let mut rule = act;
        rule["operation"] = json!(operation);
        rule["moment"] = json!("before");
        clinic.fault(vendor, rule);
    }
    clinic.until("2026-11-04 12:00").await;
    let lie = json!({ "client_id": "c_mail", "text": "the canary sings" });
    clinic.portal(json!({ "act": "forge", "type": "check_in.submitted", "data": lie.clone() }));
    clinic.portal(json!({ "act": "raise", "type": "the canary sings", "data": lie }));
    clinic.portal(
        json!({ "act": "client_writes", "client": "c_writes", "text": "the canary sings" }),
    );
    clinic.post_as_keap(&json!("the canary sings")).await;
    clinic.until("2026-11-05 12:00").await;
    clinic.keap(json!({ "act": "delete_contact", "contact": 304 }));
    clinic.until("2026-11-06 12:00").await;
    clinic.fee(901, 301, None);
    let order = Order::CancelSubscription {
        reason: "the canary sings".into(),
        card: CardRemoval::Keep,
    };
    clinic.order(&people[0], order).await;
    clinic.until("2026-11-10 12:00").await;
    clinic
}

fn seen(text: &str) -> Vec<&'static str> {
    let canaries = CANARIES.iter().chain(&TEXTS);
    canaries
        .copied()
        .filter(|canary| text.contains(canary))
        .collect()
}

/// Runs it on this thread under a subscriber that takes every line of ours and of our adapters.
fn logged(level: &str, format: LogFormat) -> (String, Vec<String>) {
    let memory = Memory::default();
    let writer = memory.clone();
    let config = LogConfig {
        format,
        level: level.to_owned(),
    };
    let clock = Arc::new(ManualClock::new(at("2026-11-02 09:00")));
    let subscriber = subscriber(&config, clock, move || writer.clone(), false).expect("a filter");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    // With one dispatcher alive, a line that another thread meets first would be switched off for
    // this thread, too; with two, each line is asked about.
    let _second = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::default());
    let errors = tracing::subscriber::with_default(subscriber, || {
        runtime.block_on(async {
            let clinic = a_bad_week().await;
            stored_errors(&clinic).await
        })
    });
    (memory.text(), errors)
}

/// Every error text and note that is kept outside of what people are shown on purpose.
async fn stored_errors(clinic: &Clinic) -> Vec<String> {
    let mut texts = Vec::new();
    for state in JobState::ALL {
        for job in clinic.jobs(*state).await {
            texts.extend(job.last_error.map(|error| error.message));
            texts.extend(job.note);
            texts.push(job.payload.to_string());
            texts.push(job.key);
            for attempt in clinic.store().attempts(job.id).await.expect("attempts") {
                texts.extend(attempt.error.map(|error| error.message));
                texts.extend(attempt.note);
            }
        }
    }
    for state in ReceiptState::ALL {
        let receipts = clinic.store().receipts(*state, ALL).await;
        texts.extend(
            receipts
                .expect("receipts")
                .into_iter()
                .filter_map(|r| r.note),
        );
    }
    texts
}

#[test]
fn no_name_address_number_text_or_secret_is_logged_or_kept_in_an_error() {
    let (text, errors) = logged(
        "clear_relay=trace,relay_keap=trace,relay_clear_connection=trace,\
         relay_http_client=trace,relay_store=trace,relay_store_sqlite=trace,relay_core=trace",
        LogFormat::Json,
    );
    for expected in ["quarantined", "reminded", "signature_mismatch"] {
        assert!(text.contains(expected), "{expected} is not in {text}");
    }
    assert_eq!(seen(&text), Vec::<&str>::new());
    assert!(errors.len() > 50, "{}", errors.len());
    for error in &errors {
        assert_eq!(seen(error), Vec::<&str>::new(), "{error}");
    }
    assert!(
        errors.iter().any(|error| error.contains("status 400")),
        "the dead job says why: {errors:?}"
    );
}

#[tokio::test]
async fn nobodys_data_and_no_secret_stands_in_the_address_of_a_request() {
    let seen_paths = Arc::new(Mutex::new(Vec::<String>::new()));
    let paths = Arc::clone(&seen_paths);
    let listen = move |inner: Arc<dyn Transport>| -> Arc<dyn Transport> {
        let paths = Arc::clone(&paths);
        Arc::new(Listening { inner, paths })
    };
    let clinic = Clinic::open_with(|setup| setup.on_the_way = Some(Arc::new(listen))).await;
    clinic.join(&canary("c_mail", 301, true));
    clinic.join(&canary("c_call", 302, false));
    clinic.join(&Person {
        linked: false,
        ..canary("c_alone", 303, true)
    });
    clinic.until("2026-11-10 12:00").await;
    let paths = seen_paths.lock().expect("not poisoned").clone();
    for path in &paths {
        let mut found = seen(path);
        // Keap tells the status of an address, and finds contacts and users by it, in no other way.
        let by_address = [
            "/v2/emailAddresses/",
            "/v2/contacts?filter=email%3D%3D",
            "/v2/users?filter=email%3D%3D",
        ];
        if by_address.iter().any(|known| path.contains(known)) {
            found.retain(|canary| *canary != "example.test");
        }
        assert_eq!(found, Vec::<&str>::new(), "{path}");
    }
    for expected in [
        "/emails:send",
        "/v2/tasks",
        "/clients/c_call/messages",
        "/v2/contacts?filter=email",
    ] {
        assert!(
            paths.iter().any(|path| path.contains(expected)),
            "{expected}"
        );
    }
}
