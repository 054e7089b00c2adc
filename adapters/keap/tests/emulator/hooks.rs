//! Hooks: the handshake, the batches, the ladder of attempts.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use relay_core::time::{SignedDuration, Timestamp};
use relay_http_client::{Answer, Call, Transport, TransportError};
use relay_keap::emulator::{Act, ApiUrl, Arrival, HookTime, NewContact};
use serde_json::{Value, json};

use crate::tenant::{JO, MAYA, Tenant, start};

/// What the receiver does with one request.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Reaction {
    Status(u16),
    Echo(u16),
    WrongEcho,
    Silence,
}

/// A receiver that follows a script and then goes on with 200 and the echo.
#[derive(Debug, Default)]
struct Receiver {
    script: Mutex<VecDeque<Reaction>>,
    handshakes: Mutex<Vec<String>>,
    bodies: Mutex<Vec<Value>>,
}

impl Receiver {
    fn plan(&self, reactions: &[Reaction]) {
        self.script.lock().expect("a script").extend(reactions);
    }

    fn bodies(&self) -> Vec<Value> {
        std::mem::take(&mut *self.bodies.lock().expect("bodies"))
    }

    fn handshakes(&self) -> Vec<String> {
        self.handshakes.lock().expect("handshakes").clone()
    }
}

#[async_trait]
impl Transport for Receiver {
    async fn send(&self, call: Call) -> Result<Answer, TransportError> {
        assert_eq!(call.method, Method::POST);
        assert_eq!(call.url.as_str(), "https://relay.test/hook");
        assert_eq!(call.timeout.as_secs(), 30);
        let secret = call.headers.get("x-hook-secret").cloned();
        if let Some(secret) = &secret {
            let text = secret.to_str().expect("text").to_owned();
            self.handshakes.lock().expect("handshakes").push(text);
        } else {
            let body = serde_json::from_slice(&call.body).expect("JSON");
            self.bodies.lock().expect("bodies").push(body);
        }
        let next = self.script.lock().expect("a script").pop_front();
        let (status, echo) = match next.unwrap_or(Reaction::Echo(200)) {
            Reaction::Silence => return Err(TransportError::TimedOut),
            Reaction::Status(status) => (status, None),
            Reaction::Echo(status) => (status, secret),
            Reaction::WrongEcho => (200, Some(HeaderValue::from_static("something"))),
        };
        let mut headers = HeaderMap::new();
        if let Some(echo) = echo {
            headers.insert("x-hook-secret", echo);
        }
        let status = StatusCode::from_u16(status).expect("a status");
        let body = Bytes::new();
        Ok(Answer {
            status,
            headers,
            body,
        })
    }
}

fn listening() -> (Tenant, Arc<Receiver>) {
    let tenant = Tenant::new();
    let receiver = Arc::new(Receiver::default());
    tenant.keap.set_hook_transport(Arc::clone(&receiver) as _);
    (tenant, receiver)
}

async fn subscribe(tenant: &Tenant, event_key: &str) -> Value {
    let body = json!({ "eventKey": event_key, "hookUrl": "https://relay.test/hook" });
    let answer = tenant.post("/v1/hooks", body).await;
    assert_eq!(answer.status, 200);
    answer.json
}

#[tokio::test]
async fn an_answer_may_be_older_than_its_handshake() {
    let (tenant, receiver) = listening();
    tenant
        .keap
        .configure(|settings| settings.verified_late = true);
    let hook = subscribe(&tenant, "contact.edit").await;
    assert_eq!(hook["status"], json!("Unverified"));
    assert_eq!(receiver.handshakes().len(), 1);
    assert_eq!(status(&tenant, "1").await, json!("Verified"));
}

async fn status(tenant: &Tenant, key: &str) -> Value {
    let hooks = tenant.get("/v1/hooks").await.json;
    let mut hooks = hooks.as_array().expect("a list").iter();
    let hook = hooks.find(|hook| hook["key"] == key);
    hook.map_or(Value::Null, |hook| hook["status"].clone())
}

fn edit(tenant: &Tenant, contact: u64) {
    tenant.act(Act::SetPhone {
        contact,
        phone: None,
    });
}

/// Moves the clock to the next delivery and lets it be tried. Returns the seconds it took.
async fn next(tenant: &Tenant) -> i64 {
    let due = tenant.keap.next_due().expect("something waits");
    let now = relay_core::time::Clock::now(&*tenant.clock);
    tenant.clock.set(due);
    assert_eq!(tenant.keap.deliver_due().await, 1);
    due.duration_since(now).as_secs()
}

#[tokio::test]
async fn a_subscription_is_verified_by_exactly_200_and_the_same_secret() {
    for (reaction, expected) in [
        (Reaction::Echo(200), "Verified"),
        (Reaction::Echo(204), "Unverified"),
        (Reaction::Status(200), "Unverified"),
        (Reaction::WrongEcho, "Unverified"),
        (Reaction::Silence, "Unverified"),
    ] {
        let (tenant, receiver) = listening();
        receiver.plan(&[reaction]);
        let hook = subscribe(&tenant, "contact.edit").await;
        assert_eq!(
            hook,
            json!({
                "key": "1",
                "eventKey": "contact.edit",
                "hookUrl": "https://relay.test/hook",
                "status": expected,
            }),
            "{reaction:?}"
        );
        let verified = tenant.post("/v1/hooks/1/verify", Value::Null).await;
        assert_eq!(
            verified.json["status"],
            json!("Verified"),
            "a failure does no harm"
        );
        let secrets = receiver.handshakes();
        assert_eq!(secrets.len(), 2);
        assert_ne!(secrets[0], secrets[1], "a new secret each time");
    }
}

#[tokio::test]
async fn the_resource_is_read_changed_and_deleted() {
    let (tenant, receiver) = listening();
    subscribe(&tenant, "contact.edit").await;
    subscribe(&tenant, "contact.edit").await;
    let list = tenant.get("/v1/hooks").await;
    assert_eq!(
        list.json.as_array().map(Vec::len),
        Some(2),
        "the same pair makes two"
    );
    let put = json!({ "eventKey": "task.edit", "hookUrl": "https://relay.test/hook" });
    let put = tenant
        .send(Method::PUT, "/v1/hooks/1", &put)
        .await
        .expect("an answer");
    assert_eq!(
        put.json["status"],
        json!("Unverified"),
        "a change needs a new handshake"
    );
    tenant.post("/v1/hooks/1/verify", Value::Null).await;
    assert_eq!(receiver.handshakes().len(), 3);
    assert_eq!(status(&tenant, "1").await, json!("Verified"));
    assert_eq!(tenant.delete("/v1/hooks/1").await.status, 204);
    assert_eq!(status(&tenant, "1").await, Value::Null, "it is gone");
    assert_eq!(
        tenant.operations(),
        [
            "create_hook",
            "create_hook",
            "update_hook",
            "verify_hook",
            "delete_hook"
        ]
    );
}

#[tokio::test]
async fn only_known_keys_can_be_subscribed_to_and_none_is_about_email() {
    let (tenant, _) = listening();
    let keys = tenant.get("/v1/hooks/event_keys").await.json;
    let keys: Vec<String> = serde_json::from_value(keys).expect("a plain array");
    for key in [
        "contact.edit",
        "task.complete",
        "subscription.edit",
        "contactGroup.applied",
    ] {
        assert!(keys.iter().any(|k| k == key), "{key}");
    }
    assert!(!keys.iter().any(|key| key.contains("email")));
    for body in [
        json!({ "eventKey": "email.opened", "hookUrl": "https://relay.test/hook" }),
        json!({ "eventKey": "contact.edit", "hookUrl": "nowhere" }),
        json!({ "event_key": "contact.edit" }),
    ] {
        let answer = tenant.post("/v1/hooks", body).await;
        assert_eq!(answer.status, 400);
        let message = json!({ "message": "Input could not be converted to a valid request" });
        assert_eq!(answer.json, message);
    }
}

#[tokio::test]
async fn a_new_address_needs_a_new_handshake_and_loses_what_waited() {
    let (tenant, _) = listening();
    subscribe(&tenant, "contact.edit").await;
    edit(&tenant, MAYA);
    let body = json!({ "eventKey": "contact.edit", "hookUrl": "https://relay.test/hook" });
    let moved = tenant.send(Method::PUT, "/v1/hooks/1", &body).await;
    assert_eq!(moved.expect("seen").json["status"], json!("Unverified"));
    assert_eq!(tenant.keap.next_due(), None);
    tenant.post("/v1/hooks/1/verify", Value::Null).await;
    assert_eq!(tenant.keap.next_due(), None, "not told later either");
}

#[tokio::test]
async fn changes_travel_together_half_a_minute_to_a_minute_later() {
    let (tenant, receiver) = listening();
    subscribe(&tenant, "contact.edit").await;
    edit(&tenant, MAYA);
    tenant.pass(10);
    edit(&tenant, JO);
    edit(&tenant, MAYA);
    let due = tenant.keap.next_due().expect("something waits");
    let wait = due.duration_since(start()).as_secs();
    assert!((30..=60).contains(&wait), "{wait}");
    assert_eq!(tenant.keap.deliver_due().await, 0, "not yet");
    tenant.clock.set(due);
    assert_eq!(tenant.keap.deliver_due().await, 1);
    let base = "https://api.infusionsoft.com/crm/rest/v1/contacts";
    assert_eq!(
        receiver.bodies(),
        [json!({
            "event_key": "contact.edit",
            "object_type": "contact",
            "object_keys": [
                {
                    "id": 1002,
                    "apiUrl": format!("{base}/1002"),
                    "timestamp": "2026-11-03T16:00:10.000Z",
                },
                {
                    "id": 1001,
                    "apiUrl": format!("{base}/1001"),
                    "timestamp": "2026-11-03T16:00:10.000Z",
                },
            ],
        })]
    );
    assert_eq!(tenant.keap.next_due(), None);
}

#[tokio::test]
async fn a_delivery_holds_a_thousand_objects_at_most() {
    let (tenant, receiver) = listening();
    subscribe(&tenant, "contact.add").await;
    for _ in 0..1_001 {
        tenant.act(Act::AddContact(NewContact::default()));
    }
    tenant.pass(60);
    assert_eq!(tenant.keap.deliver_due().await, 2);
    let sizes: Vec<_> = receiver
        .bodies()
        .iter()
        .map(|body| body["object_keys"].as_array().expect("a list").len())
        .collect();
    assert_eq!(sizes.iter().sum::<usize>(), 1_001);
    assert_eq!(sizes.iter().max(), Some(&1_000));
}

#[tokio::test]
async fn four_failures_climb_the_ladder_and_end_the_subscription() {
    let (tenant, receiver) = listening();
    subscribe(&tenant, "contact.edit").await;
    receiver.plan(&[
        Reaction::Silence,
        Reaction::Status(400),
        Reaction::Status(500),
        Reaction::Status(503),
    ]);
    edit(&tenant, MAYA);
    assert!((30..=60).contains(&next(&tenant).await));
    assert!((30..=60).contains(&next(&tenant).await));
    assert_eq!(next(&tenant).await, 5 * 60);
    assert_eq!(status(&tenant, "1").await, json!("Verified"));
    assert_eq!(next(&tenant).await, 30 * 60);
    assert_eq!(status(&tenant, "1").await, json!("Inactive"));
    let bodies = receiver.bodies();
    assert_eq!(bodies.len(), 4);
    assert!(
        bodies.iter().all(|body| *body == bodies[0]),
        "the same batch again"
    );

    edit(&tenant, MAYA);
    assert_eq!(
        tenant.keap.next_due(),
        None,
        "what happens while inactive is lost"
    );
    tenant.post("/v1/hooks/1/verify", Value::Null).await;
    edit(&tenant, MAYA);
    next(&tenant).await;
    assert_eq!(receiver.bodies().len(), 1);
}

#[tokio::test]
async fn a_redirect_is_a_success_and_410_ends_it_at_once() {
    let (tenant, receiver) = listening();
    subscribe(&tenant, "contact.edit").await;
    receiver.plan(&[Reaction::Status(302), Reaction::Status(410)]);
    edit(&tenant, MAYA);
    next(&tenant).await;
    assert_eq!(tenant.keap.next_due(), None);
    edit(&tenant, MAYA);
    next(&tenant).await;
    assert_eq!(status(&tenant, "1").await, json!("Inactive"));
    assert_eq!(tenant.keap.next_due(), None);
}

#[tokio::test]
async fn tags_have_a_shape_of_their_own_and_the_applied_one_is_slow() {
    let (tenant, receiver) = listening();
    subscribe(&tenant, "contactGroup.applied").await;
    for contact in [MAYA, JO] {
        tenant.act(Act::ApplyTag {
            contact,
            tag: "Follow-up: phone".to_owned(),
        });
    }
    let wait = next(&tenant).await;
    assert!((300..=600).contains(&wait), "{wait}");
    assert_eq!(
        receiver.bodies(),
        [json!({
            "event_key": "contactGroup.applied",
            "object_type": "contactGroup",
            "api_url": "",
            "object_keys": [{
                "tag_id": 301,
                "contact_details": [
                    { "id": 1001, "timestamp": "2026-11-03T16:00:00.000Z" },
                    { "id": 1002, "timestamp": "2026-11-03T16:00:00.000Z" },
                ],
            }],
        })]
    );
}

#[tokio::test]
async fn addresses_and_times_take_every_form() {
    let (tenant, receiver) = listening();
    subscribe(&tenant, "contact.edit").await;
    for (api_url, form, expected_url, expected_time) in [
        (
            ApiUrl::Empty,
            HookTime::Seconds,
            json!(""),
            json!("2026-11-03T16:00:00Z"),
        ),
        (
            ApiUrl::Missing,
            HookTime::Compact,
            Value::Null,
            json!("2026-11-03T16:00:00.000+0000"),
        ),
        (
            ApiUrl::Missing,
            HookTime::Offset,
            Value::Null,
            json!("2026-11-03T16:00:00+00:00"),
        ),
        (
            ApiUrl::Missing,
            HookTime::Bracketed,
            Value::Null,
            json!("2026-11-03T16:00:00Z[UTC]"),
        ),
        (
            ApiUrl::Missing,
            HookTime::Unreadable,
            Value::Null,
            json!("a while ago"),
        ),
        (ApiUrl::Missing, HookTime::Missing, Value::Null, Value::Null),
    ] {
        tenant.clock.set(start());
        tenant.keap.configure(|s| {
            s.api_url = api_url;
            s.hook_time = form;
        });
        edit(&tenant, MAYA);
        next(&tenant).await;
        let object = receiver.bodies()[0]["object_keys"][0].clone();
        assert_eq!(object["apiUrl"], expected_url, "{api_url:?}");
        assert_eq!(object["timestamp"], expected_time, "{form:?}");
    }
}

#[tokio::test]
async fn deliveries_may_come_twice_or_backwards() {
    let (tenant, receiver) = listening();
    subscribe(&tenant, "contact.edit").await;
    tenant.keap.configure(|s| s.arrival = Arrival::Twice);
    edit(&tenant, MAYA);
    next(&tenant).await;
    next(&tenant).await;
    let bodies = receiver.bodies();
    assert_eq!(bodies[0], bodies[1]);
    assert_eq!(tenant.keap.next_due(), None, "twice, not forever");

    subscribe(&tenant, "task.add").await;
    tenant.keap.configure(|s| s.arrival = Arrival::Reversed);
    edit(&tenant, MAYA);
    edit(&tenant, JO);
    tenant.pass(61);
    tenant
        .post("/v2/tasks", json!({ "assigned_to_user_id": "1" }))
        .await;
    tenant.pass(61);
    assert_eq!(tenant.keap.deliver_due().await, 2);
    let bodies = receiver.bodies();
    assert_eq!(
        bodies[0]["event_key"],
        json!("task.add"),
        "the later one first"
    );
    assert_eq!(bodies[1]["object_keys"][0]["id"], json!(1002));
}

#[tokio::test]
async fn changes_by_the_api_and_by_people_both_raise_events() {
    let (tenant, receiver) = listening();
    for key in ["contact.edit", "task.edit", "task.complete", "note.add"] {
        subscribe(&tenant, key).await;
    }
    let task = json!({ "assigned_to_user_id": "1", "contact_id": "1001" });
    tenant.post("/v2/tasks", task).await;
    tenant.act(Act::CompleteTask {
        task: None,
        contact: Some(MAYA),
        text: None,
    });
    let note = json!({ "user_id": "1", "title": "x" });
    tenant.post("/v2/contacts/1001/notes", note).await;
    tenant
        .patch("/v2/contacts/1001", json!({ "custom_fields": [] }))
        .await;
    tenant.pass(60);
    assert_eq!(tenant.keap.deliver_due().await, 4);
    let bodies = receiver.bodies();
    let mut keys: Vec<_> = bodies
        .iter()
        .map(|body| body["event_key"].as_str())
        .collect();
    keys.sort_unstable();
    let expected = ["contact.edit", "note.add", "task.complete", "task.edit"];
    assert_eq!(keys, expected.map(Some));
}

#[tokio::test]
async fn a_subscription_can_be_switched_off_overnight() {
    let (tenant, _) = listening();
    subscribe(&tenant, "contact.edit").await;
    edit(&tenant, MAYA);
    tenant.act(Act::DeactivateHooks);
    assert_eq!(status(&tenant, "1").await, json!("Inactive"));
    assert_eq!(tenant.keap.next_due(), None::<Timestamp>);
    tenant.clock.advance(SignedDuration::from_hours(8));
    assert_eq!(tenant.keap.deliver_due().await, 0);
}
