//! The CRM takes its time while a message is being guarded, and the client acts meanwhile: E3.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use clear_relay::sandbox::vendors::Vendors;
use relay_core::time::{Clock as _, ManualClock, SignedDuration};
use relay_http_client::{Answer, Call, Transport, TransportError};
use serde_json::{Value, json};

use super::clinic::{Clinic, Person};
use crate::support::tools::Tools as _;

/// What happens while the CRM looks up a user, once.
#[derive(Debug)]
struct Deed {
    vendors: Vendors,
    clocks: [Arc<ManualClock>; 2],
    what: Value,
}

/// A way on which the next look-up of a user takes a minute, and nobody's event gets through.
#[derive(Debug)]
struct Slow {
    inner: Arc<dyn Transport>,
    deed: Arc<Mutex<Option<Deed>>>,
}

#[async_trait]
impl Transport for Slow {
    async fn send(&self, call: Call) -> Result<Answer, TransportError> {
        if call.url.path().ends_with("/v2/users") {
            let deed = self
                .deed
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take();
            if let Some(deed) = deed {
                deed.vendors.portal().act(deed.what).expect("an act");
                for clock in deed.clocks {
                    clock.set(clock.now() + SignedDuration::from_mins(1));
                }
            }
        }
        self.inner.send(call).await
    }
}

/// A clinic where she does `what` during the minute in which the CRM looks up her coach.
async fn meanwhile(who: &Person, what: Value) -> Clinic {
    let deed = Arc::new(Mutex::new(None));
    let waiting = Arc::clone(&deed);
    let clinic = Clinic::open_with(move |setup| {
        setup.on_the_way = Some(Arc::new(move |inner| -> Arc<dyn Transport> {
            let deed = Arc::clone(&waiting);
            Arc::new(Slow { inner, deed })
        }));
    })
    .await;
    clinic.join(who);
    clinic.until("2026-11-06 08:59").await;
    let world = &clinic.world;
    *deed.lock().unwrap_or_else(PoisonError::into_inner) = Some(Deed {
        vendors: world.vendors.clone(),
        clocks: [Arc::clone(&world.clock), Arc::clone(&world.real)],
        what,
    });
    clinic.until("2026-11-06 12:00").await;
    let done = deed
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .is_none();
    assert!(done, "the guard looks up the coach");
    clinic
}

#[tokio::test]
async fn e03_a_check_in_while_the_crm_is_slow_to_answer_the_guard_stops_the_send() {
    for (who, kind) in [(Person::maya(), "email"), (Person::jo(), "call_task")] {
        let clinic = meanwhile(&who, json!({ "act": "check_in", "client": who.id })).await;
        assert_eq!(clinic.count(kind), 0, "{kind}");
        assert_eq!(clinic.closed(&who).await, "the check-in was submitted");
    }
}

#[tokio::test]
async fn e03_a_reply_while_the_crm_is_slow_to_answer_the_guard_stops_the_send() {
    let maya = Person::maya();
    let reply = json!({ "act": "client_writes", "client": "maya", "text": "I was away" });
    let clinic = meanwhile(&maya, reply).await;
    assert_eq!(clinic.count("email"), 0);
    assert_eq!(clinic.work_kinds(&maya).await, ["reply"]);
}
