//! What the tests of this crate share: an emulated list, and who receives its deliveries.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use relay_check_ins::emulator::{ClinicList, Settings};
use relay_check_ins::webhook::{Delivery, KeyRing, WebhookKey, read};
use relay_core::random::SeededRandom;
use relay_core::time::{Clock, Date, ManualClock, Timestamp};
use relay_http_client::emulation::Emulator as _;
use relay_http_client::{Answer, Call, Transport, TransportError};
use secrecy::SecretString;
use serde_json::{Value, json};

pub(crate) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
pub(crate) const OTHER: &str = "whsec_b3RoZXItb3RoZXItb3RoZXItb3RoZXItb3RoZXI=";

/// A receiver that verifies like the relay does, answers as told, and keeps what it accepted.
#[derive(Debug)]
pub(crate) struct Receiver {
    clock: Arc<ManualClock>,
    answer: Mutex<Result<StatusCode, TransportError>>,
    pub(crate) bodies: Mutex<Vec<(String, Vec<u8>)>>,
    pub(crate) refused: Mutex<Vec<&'static str>>,
}

#[async_trait]
impl Transport for Receiver {
    async fn send(&self, call: Call) -> Result<Answer, TransportError> {
        let status = self.answer.lock().expect("an answer").clone()?;
        let verified = ring().verify(&call.headers, &call.body, self.clock.now());
        let status = match verified {
            Ok(signed) if status.is_success() => {
                let mut bodies = self.bodies.lock().expect("bodies");
                bodies.push((signed.id, call.body.to_vec()));
                status
            }
            Ok(_) => status,
            Err(error) => {
                self.refused.lock().expect("refused").push(error.code());
                StatusCode::UNAUTHORIZED
            }
        };
        Ok(Answer {
            status,
            headers: HeaderMap::new(),
            body: Bytes::new(),
        })
    }
}

impl Receiver {
    pub(crate) fn answers(&self, answer: Result<StatusCode, TransportError>) {
        *self.answer.lock().expect("an answer") = answer;
    }

    pub(crate) fn ids(&self) -> Vec<String> {
        let bodies = self.bodies.lock().expect("bodies");
        bodies.iter().map(|(id, _)| id.clone()).collect()
    }

    /// What came in, read.
    pub(crate) fn deliveries(&self) -> Vec<Delivery> {
        let bodies = self.bodies.lock().expect("bodies");
        let read = bodies.iter().map(|(_, body)| read(body).expect("readable"));
        read.collect()
    }

    /// What came in, as JSON.
    pub(crate) fn values(&self) -> Vec<Value> {
        let bodies = self.bodies.lock().expect("bodies");
        let values = bodies
            .iter()
            .map(|(_, body)| serde_json::from_slice(body).expect("JSON"));
        values.collect()
    }
}

/// An emulated list with two coaches and nobody else, and its receiver.
pub(crate) struct World {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) list: Arc<ClinicList>,
    pub(crate) receiver: Arc<Receiver>,
}

impl World {
    pub(crate) fn new() -> Self {
        let clock = Arc::new(ManualClock::new(at("2026-11-04T16:00:00Z")));
        let random = Arc::new(SeededRandom::new(7));
        let list = ClinicList::new(
            Arc::clone(&clock) as Arc<dyn Clock>,
            random,
            Settings::default(),
        );
        let receiver = Arc::new(Receiver {
            clock: Arc::clone(&clock),
            answer: Mutex::new(Ok(StatusCode::OK)),
            bodies: Mutex::default(),
            refused: Mutex::default(),
        });
        list.set_hook_transport(Arc::clone(&receiver) as Arc<dyn Transport>);
        let url = "http://relay.test/hooks/check-ins".parse();
        let secrets = [SecretString::from(OTHER), SecretString::from(SECRET)];
        list.set_hook_target(url.expect("an address"), &secrets)
            .expect("keys");
        let world = Self {
            clock,
            list,
            receiver,
        };
        for (id, name) in [("b1", "Bea Lund"), ("b2", "Cleo Park")] {
            let email = format!("{id}@example.test");
            world.act(&json!({"act": "add_coach", "id": id, "name": name, "email": email}));
        }
        world
    }

    /// Plays an act.
    pub(crate) fn act(&self, act: &Value) -> Value {
        self.list.act(act.clone()).expect("played")
    }

    /// Maya joins.
    pub(crate) fn maya(&self) {
        self.act(
            &json!({"act": "add_client", "id": "1042", "first_name": "Maya",
            "last_name": "Ruiz", "email": "maya@example.test", "phone": "303-555-0134",
            "coach": "b1", "keap_contact_id": "4411", "last_regimen_change": "2026-10-20"}),
        );
    }
}

fn ring() -> KeyRing {
    let key = WebhookKey::new("now", &SecretString::from(SECRET)).expect("a key");
    KeyRing::new(vec![key]).expect("a ring")
}

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

pub(crate) fn day(text: &str) -> Date {
    text.parse().expect("a day")
}
