//! How the emulated portal delivers its events.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use relay_clear_connection::emulator::Switches;
use relay_clear_connection::webhook::{FieldMap, PortalChange, read};
use relay_core::time::{Clock, SignedDuration};
use relay_http_client::{Answer, Call, Transport, TransportError};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::events::{OTHER, SECRET, ring};
use crate::support::{World, at, day};

/// A receiver that verifies like the relay does, answers as told, and keeps what it accepted.
#[derive(Debug)]
struct Receiver {
    clock: Arc<dyn Clock>,
    answer: Mutex<Result<StatusCode, TransportError>>,
    events: Mutex<Vec<(String, Value)>>,
    refused: Mutex<Vec<&'static str>>,
}

#[async_trait]
impl Transport for Receiver {
    async fn send(&self, call: Call) -> Result<Answer, TransportError> {
        let keys = ring(&[("now", SECRET)]);
        let status = self.answer.lock().expect("an answer").clone()?;
        let status = match keys.verify(&call.headers, &call.body, self.clock.now()) {
            Ok(delivery) if status.is_success() => {
                let body = serde_json::from_slice(&call.body).expect("JSON");
                self.events
                    .lock()
                    .expect("events")
                    .push((delivery.id, body));
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
    fn answers(&self, answer: Result<StatusCode, TransportError>) {
        *self.answer.lock().expect("an answer") = answer;
    }

    fn kinds(&self) -> Vec<String> {
        let events = self.events.lock().expect("events");
        let kind = |(_, body): &(String, Value)| body["type"].as_str().unwrap_or("?").to_owned();
        events.iter().map(kind).collect()
    }
}

fn listening(world: &World) -> Arc<Receiver> {
    let receiver = Arc::new(Receiver {
        clock: Arc::clone(&world.clock) as Arc<dyn Clock>,
        answer: Mutex::new(Ok(StatusCode::OK)),
        events: Mutex::default(),
        refused: Mutex::default(),
    });
    world
        .portal
        .set_hook_transport(Arc::clone(&receiver) as Arc<dyn Transport>);
    let url = "http://relay.test/hooks/clear-connection".parse();
    let secrets = [SecretString::from(OTHER), SecretString::from(SECRET)];
    world
        .portal
        .set_hook_target(url.expect("an address"), &secrets)
        .expect("keys");
    receiver
}

#[tokio::test]
async fn a_check_in_is_announced_at_the_start_of_its_day_in_the_clinic() {
    let world = World::new();
    let receiver = listening(&world);
    let due = day("2026-11-06");
    world
        .portal
        .add_check_in("c1", "k1", due, None)
        .expect("asked");
    let midnight = at("2026-11-06T07:00:00Z");
    assert_eq!(world.portal.next_due(), Some(midnight));
    assert_eq!(world.portal.deliver_due().await, 0);
    world.clock.set(midnight);
    assert_eq!(world.portal.deliver_due().await, 1);
    assert_eq!(world.portal.next_due(), None);
    let events = receiver.events.lock().expect("events");
    assert_eq!(events[0].1["data"]["check_in_id"], "k1");
    assert_eq!(events[0].1["data"]["due_date"], "2026-11-06");
}

#[tokio::test]
async fn an_event_that_is_not_taken_comes_again_with_its_id_until_it_is() {
    let world = World::new();
    let receiver = listening(&world);
    receiver.answers(Ok(StatusCode::SERVICE_UNAVAILABLE));
    world.portal.client_writes("c1", "Hello").expect("written");
    let start = world.clock.now();
    let mut pauses = Vec::new();
    for attempt in 0..11 {
        if attempt == 5 {
            receiver.answers(Err(TransportError::TimedOut));
        }
        assert_eq!(world.portal.deliver_due().await, 1, "{attempt}");
        let next = world.portal.next_due().expect("never dropped");
        pauses.push(next.duration_since(world.clock.now()).as_secs());
        world.clock.set(next);
    }
    let hours = 3600;
    assert_eq!(pauses[..4], [5, 300, 1800, 2 * hours]);
    assert_eq!(pauses[9..], [24 * hours, 24 * hours]);
    receiver.answers(Ok(StatusCode::OK));
    // Days later it verifies, because each attempt is signed afresh.
    assert!(world.clock.now().duration_since(start) > SignedDuration::from_hours(72));
    assert_eq!(world.portal.deliver_due().await, 1);
    assert_eq!(receiver.kinds(), ["message.received"]);
    assert_eq!(world.portal.next_due(), None);
    assert!(receiver.refused.lock().expect("refused").is_empty());
}

#[tokio::test]
async fn switches_silence_double_delay_and_reorder_events() {
    let world = World::new();
    let receiver = listening(&world);
    world.portal.set_switches(Switches {
        events_off: true,
        ..Switches::default()
    });
    let due = day("2026-11-04");
    let asked = world.portal.add_check_in("c1", "k1", due, None);
    asked.expect("asked");
    world
        .portal
        .client_writes("c1", "unheard")
        .expect("written");
    assert_eq!(world.portal.next_due(), None);
    assert_eq!(world.portal.deliver_due().await, 0);

    world.portal.set_switches(Switches {
        duplicate_events: true,
        reorder_events: true,
        event_delay_seconds: 60,
        ..Switches::default()
    });
    world.portal.check_in("c1").expect("submitted");
    world.portal.change_regimen("c1").expect("changed");
    assert_eq!(world.portal.deliver_due().await, 0);
    world.clock.advance(SignedDuration::from_mins(1));
    assert_eq!(world.portal.deliver_due().await, 4);
    let kinds = receiver.kinds();
    assert_eq!(kinds[..2], ["regimen.changed", "regimen.changed"]);
    assert_eq!(kinds[2..], ["check_in.submitted", "check_in.submitted"]);
    let events = receiver.events.lock().expect("events");
    assert_eq!(events[0].0, events[1].0);
    assert_ne!(events[1].0, events[2].0);
}

#[tokio::test]
async fn a_forged_event_is_refused_and_not_repeated() {
    let world = World::new();
    let receiver = listening(&world);
    let data = json!({"client_id": "c1", "message_id": "m1", "from": "client"});
    world.portal.forge("message.received", &data);
    assert_eq!(world.portal.deliver_due().await, 1);
    assert_eq!(world.portal.next_due(), None);
    assert!(receiver.kinds().is_empty());
    let refused = receiver.refused.lock().expect("refused");
    assert_eq!(*refused, ["signature_mismatch"]);
}

#[tokio::test]
async fn every_act_of_the_clinics_people_can_be_played_as_json() {
    let world = World::new();
    let receiver = listening(&world);
    for act in [
        json!({"act": "add_coach", "id": "b3", "name": "Ida", "email": "ida@example.test"}),
        json!({"act": "add_client", "id": "c3", "first_name": "Ana", "coach": "b3"}),
        json!({"act": "add_check_in", "client": "c3", "id": "k1", "due": "2026-11-03"}),
        json!({"act": "add_check_in", "client": "c3", "id": "k2", "due": "2026-11-17",
            "due_at": "2026-11-17T19:00:00Z"}),
        json!({"act": "reschedule", "check_in": "k2", "due": "2026-11-20"}),
        json!({"act": "check_in", "client": "c3", "complete": false}),
        json!({"act": "withdraw", "check_in": "k2"}),
        json!({"act": "client_writes", "client": "c3", "text": "Hello"}),
        json!({"act": "coach_writes", "client": "c3", "text": "Hello Ana"}),
        json!({"act": "client_reads", "client": "c3"}),
        json!({"act": "change_regimen", "client": "c3"}),
        json!({"act": "change_coach", "client": "c3", "coach": "b1"}),
        json!({"act": "change_status", "client": "c3", "status": "on_break",
            "break_until": "2026-12-01"}),
        json!({"act": "end_program", "client": "c3"}),
        json!({"act": "reactivate", "client": "c3"}),
        json!({"act": "raise", "type": "compliance.flagged",
            "data": {"client_id": "c3", "kind": "low_consistency"}}),
        json!({"act": "forge", "type": "program.ended", "data": {"client_id": "c3"}}),
        json!({"act": "switch", "key_ignored": true}),
    ] {
        let played = world.portal.act(act.clone());
        assert!(played.is_ok(), "{act}: {played:?}");
    }
    assert!(world.portal.switches().key_ignored);
    world.portal.deliver_due().await;
    let mut kinds = receiver.kinds();
    kinds.sort();
    kinds.dedup();
    assert_eq!(
        kinds,
        [
            "check_in.rescheduled",
            "check_in.submitted",
            "check_in.withdrawn",
            "client.updated",
            "compliance.flagged",
            "message.read",
            "message.received",
            "program.ended",
            "program.reactivated",
            "regimen.changed",
        ]
    );
    for (_, event) in receiver.events.lock().expect("events").iter() {
        let event = read(event.to_string().as_bytes(), &FieldMap::default());
        assert_ne!(event.expect("readable").change, PortalChange::Unknown);
    }
    for wrong in [
        json!({"act": "dance"}),
        json!({"act": "check_in", "client": "c9"}),
        json!({"act": "switch", "key_ignore": true}),
        json!({}),
    ] {
        assert!(world.portal.act(wrong.clone()).is_err(), "{wrong}");
    }
}
