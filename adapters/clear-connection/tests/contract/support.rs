//! What the tests of this crate share: an emulated clinic and a client that calls it.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use relay_clear_connection::emulator::{NewClient, Portal, Settings};
use relay_clear_connection::{Capabilities, PortalClient};
use relay_core::random::SeededRandom;
use relay_core::time::{Clock, ManualClock, Timestamp};
use relay_http_client::{Answer, Call, RouterTransport, Transport, TransportError};
use secrecy::SecretString;

pub(crate) const TOKEN: &str = "token-for-tests";

/// A transport that writes down what is called.
#[derive(Debug)]
pub(crate) struct Recording {
    inner: RouterTransport,
    pub(crate) calls: Mutex<Vec<(String, String)>>,
}

#[async_trait]
impl Transport for Recording {
    async fn send(&self, call: Call) -> Result<Answer, TransportError> {
        let line = (call.method.to_string(), call.url.path().to_owned());
        self.calls.lock().expect("no panic elsewhere").push(line);
        self.inner.send(call).await
    }
}

/// An emulated clinic: coaches Bea and Cleo, clients Maya (coach Bea) and Jo (coach Cleo).
pub(crate) struct World {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) portal: Arc<Portal>,
    pub(crate) transport: Arc<Recording>,
    pub(crate) client: PortalClient,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(TOKEN, 100, Capabilities::default())
    }

    pub(crate) fn with(shown_token: &str, page_size: usize, capabilities: Capabilities) -> Self {
        let clock = Arc::new(ManualClock::new(at("2026-11-04T16:00:00Z")));
        let mut settings = Settings::new(SecretString::from(TOKEN));
        settings.page_size = page_size;
        let random = Arc::new(SeededRandom::new(7));
        let portal = Portal::new(Arc::clone(&clock) as Arc<dyn Clock>, random, settings);
        people(&portal);
        let inner = RouterTransport::new();
        inner.serve("portal.test", portal.router());
        let transport = Arc::new(Recording {
            inner,
            calls: Mutex::default(),
        });
        let client = PortalClient::new(
            Arc::clone(&transport) as Arc<dyn Transport>,
            "http://portal.test".parse().expect("an address"),
            SecretString::from(shown_token),
            Arc::clone(&clock) as Arc<dyn Clock>,
        )
        .with_capabilities(capabilities);
        Self {
            clock,
            portal,
            transport,
            client,
        }
    }
}

fn people(portal: &Portal) {
    for (id, name) in [("b1", "Bea Lund"), ("b2", "Cleo Park")] {
        let email = format!("{id}@example.test");
        portal.add_coach(id, name, &email).expect("a coach");
    }
    for (id, first, last, coach) in [("c1", "Maya", "Ruiz", "b1"), ("c2", "Jo", "Berg", "b2")] {
        portal
            .add_client(NewClient {
                id: id.to_owned(),
                first_name: Some(first.to_owned()),
                last_name: Some(last.to_owned()),
                coach: Some(coach.to_owned()),
                email: Some(format!("{}@example.test", first.to_lowercase())),
                phone: Some("303-555-0134".to_owned()),
                keap_contact_id: Some("4411".to_owned()),
                last_regimen_change: "2026-10-20".parse().ok(),
                ..NewClient::default()
            })
            .expect("a client");
    }
}

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

pub(crate) fn day(text: &str) -> relay_core::time::Date {
    text.parse().expect("a day")
}
