//! Hook subscriptions, and deliveries as the emulator writes them.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use http::{HeaderMap, StatusCode};
use relay_core::time::SignedDuration;
use relay_http_client::{Answer, Call, Transport, TransportError};
use relay_keap::CustomFieldsMode;
use relay_keap::emulator::{Act, ApiUrl, HookTime};
use relay_keap::webhook::{self, Delivery};
use serde_json::json;

use super::support::{now, setup_with};

/// A receiver that answers handshakes and keeps deliveries.
#[derive(Debug, Default)]
struct Receiver(Mutex<Vec<Delivery>>);

#[async_trait]
impl Transport for Receiver {
    async fn send(&self, call: Call) -> Result<Answer, TransportError> {
        let mut headers = HeaderMap::new();
        if let Some(secret) = webhook::handshake(&call.headers) {
            headers.insert(webhook::HOOK_SECRET, secret);
        } else {
            let delivery = webhook::parse(&call.body).expect("readable");
            self.0.lock().expect("not poisoned").push(delivery);
        }
        Ok(Answer {
            status: StatusCode::OK,
            headers,
            body: bytes::Bytes::new(),
        })
    }
}

#[tokio::test]
async fn a_subscription_is_verified_delivers_in_every_form_and_ends() {
    for (time, api_url) in [
        (HookTime::Millis, ApiUrl::Present),
        (HookTime::Seconds, ApiUrl::Empty),
        (HookTime::Compact, ApiUrl::Missing),
        (HookTime::Offset, ApiUrl::Present),
        (HookTime::Bracketed, ApiUrl::Present),
        (HookTime::Unreadable, ApiUrl::Present),
        (HookTime::Missing, ApiUrl::Missing),
    ] {
        let adjust = |tenant: &mut relay_keap::emulator::Settings| {
            tenant.hook_time = time;
            tenant.api_url = api_url;
        };
        let setup = setup_with(adjust, CustomFieldsMode::Full);
        let receiver = Arc::new(Receiver::default());
        setup.keap.set_hook_transport(receiver.clone());
        let keys = setup.client.hook_event_keys().await.expect("an answer");
        assert!(keys.iter().any(|key| key == "contact.edit"));

        let url = "https://relay.test/hooks/keap/a-secret"
            .parse()
            .expect("a valid address");
        let hook = setup
            .client
            .create_hook("contact.edit", &url)
            .await
            .expect("made");
        assert_eq!(hook.status.as_deref(), Some("Verified"));
        assert_eq!(setup.client.hooks().await.expect("an answer").len(), 1);

        setup.does(Act::SetPhone {
            contact: 1001,
            phone: Some("303-555-0199".to_owned()),
        });
        setup.clock.advance(SignedDuration::from_mins(2));
        setup.keap.deliver_due().await;
        let told = receiver.0.lock().expect("not poisoned").clone();
        assert_eq!(told.len(), 1, "{time:?}");
        assert_eq!(told[0].changes[0].id, "1001");
        let readable = !matches!(time, HookTime::Unreadable | HookTime::Missing);
        assert_eq!(told[0].changes[0].at, readable.then(now), "{time:?}");

        let key = hook.key.expect("a key");
        setup.client.delete_hook(&key).await.expect("ended");
        setup.client.delete_hook(&key).await.expect("gone is done");
        assert!(setup.client.hooks().await.expect("an answer").is_empty());
    }
}

#[tokio::test]
async fn a_switched_off_subscription_wakes_when_it_is_verified() {
    let setup = setup_with(|_| (), CustomFieldsMode::Full);
    setup.keap.set_hook_transport(Arc::new(Receiver::default()));
    let url = "https://relay.test/hooks/keap/a-secret"
        .parse()
        .expect("a valid address");
    let hook = setup
        .client
        .create_hook("task.edit", &url)
        .await
        .expect("made");
    setup.does(Act::DeactivateHooks);
    let listed = setup.client.hooks().await.expect("an answer");
    assert_eq!(listed[0].status.as_deref(), Some("Inactive"));
    let woken = setup
        .client
        .verify_hook(&hook.key.expect("a key"))
        .await
        .expect("verified");
    assert_eq!(woken.status.as_deref(), Some("Verified"));
}

#[tokio::test]
async fn a_tag_event_names_the_contact_and_the_tag() {
    let setup = setup_with(|_| (), CustomFieldsMode::Full);
    let receiver = Arc::new(Receiver::default());
    setup.keap.set_hook_transport(receiver.clone());
    let url = "https://relay.test/hooks/keap/a-secret"
        .parse()
        .expect("a valid address");
    setup
        .client
        .create_hook("contactGroup.applied", &url)
        .await
        .expect("made");
    setup
        .keap
        .act(json!({"act": "apply_tag", "contact": 1001, "tag": "VIP"}))
        .expect("possible");
    setup.clock.advance(SignedDuration::from_mins(11));
    setup.keap.deliver_due().await;
    let told = receiver.0.lock().expect("not poisoned").clone();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].changes[0].id, "1001");
    assert!(told[0].changes[0].tag.is_some());
}
