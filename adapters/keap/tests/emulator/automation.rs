//! The automation step "Send HTTP Post", and the list of addresses.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use http::StatusCode;
use relay_http_client::{Answer, Call, Transport, TransportError};
use relay_keap::emulator::{Act, AddressList, NewEmailRecord, NewPost, Unset};
use serde_json::{Value, json};

use crate::tenant::{JO, MAYA, Tenant};

const STEP: &str = "https://relay.test/hooks/automation/secret";

/// A receiver that refuses everything.
#[derive(Debug, Default)]
struct Refusing(Mutex<Vec<(String, String, String)>>);

#[async_trait]
impl Transport for Refusing {
    async fn send(&self, call: Call) -> Result<Answer, TransportError> {
        let kind = call.headers["content-type"].to_str().expect("text");
        let body = String::from_utf8(call.body.to_vec()).expect("text");
        let mut seen = self.0.lock().expect("posts");
        seen.push((call.url.to_string(), kind.to_owned(), body));
        Ok(Answer {
            status: StatusCode::SERVICE_UNAVAILABLE,
            headers: http::HeaderMap::new(),
            body: bytes::Bytes::new(),
        })
    }
}

fn step(contact: u64, test: bool) -> Act {
    let pairs = [
        ("contactId", "~Contact.Id~"),
        ("email", "Welcome 3"),
        ("to", "~Contact.Email~"),
    ];
    Act::AutomationPost(NewPost {
        contact,
        url: STEP.to_owned(),
        pairs: pairs.map(|(n, v)| (n.to_owned(), v.to_owned())).into(),
        test,
    })
}

#[tokio::test]
async fn a_step_posts_its_pairs_once_as_a_form_whatever_the_answer() {
    let tenant = Tenant::new();
    let receiver = Arc::new(Refusing::default());
    tenant.keap.set_hook_transport(Arc::clone(&receiver) as _);
    tenant.act(step(MAYA, false));
    tenant.act(step(JO, true));
    assert!(tenant.keap.next_due().is_some());
    assert_eq!(tenant.keap.deliver_due().await, 0, "not at once");
    tenant.pass(30);
    assert_eq!(tenant.keap.deliver_due().await, 2);
    assert_eq!(tenant.keap.next_due(), None, "no second attempt");
    let mut seen = receiver.0.lock().expect("posts").clone();
    seen.sort();
    let form = "application/x-www-form-urlencoded".to_owned();
    let (filled, literal) = (
        "contactId=1001&email=Welcome+3&to=maya%40example.test",
        "contactId=%7EContact.Id%7E&email=Welcome+3&to=%7EContact.Email%7E",
    );
    let expected = [literal, filled];
    let expected = expected.map(|body| (STEP.to_owned(), form.clone(), body.to_owned()));
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn a_step_reaches_ports_80_and_443_only() {
    let tenant = Tenant::new();
    for url in [
        "https://relay.test:8443/hook",
        "http://relay.test:8080/",
        "relay",
    ] {
        let post = NewPost {
            contact: MAYA,
            url: url.to_owned(),
            ..NewPost::default()
        };
        assert!(
            tenant.keap.perform(Act::AutomationPost(post)).is_err(),
            "{url}"
        );
    }
}

fn opened(tenant: &Tenant, contact: u64, at: &str) {
    tenant.act(Act::AddEmailRecord(NewEmailRecord {
        contact,
        subject: "News".to_owned(),
        sent_at: Some("2026-11-02T15:00:00Z".parse().expect("a time")),
        opened_at: None,
        ..NewEmailRecord::default()
    }));
    tenant.act(Act::OpenEmail {
        contact,
        email: None,
        at: Some(at.parse().expect("a time")),
    });
}

async fn listed(tenant: &Tenant, query: &str) -> Vec<Value> {
    let list = tenant.get(&format!("/v2/emailAddresses?{query}")).await;
    let rows = list.json["email_addresses"].as_array().expect("a list");
    rows.iter().map(|row| row["email"].clone()).collect()
}

#[tokio::test]
async fn addresses_are_sorted_and_paged() {
    let tenant = Tenant::new();
    let bounced = "jo@example.test".to_owned();
    tenant.act(Act::SetAddressStatus {
        email: bounced,
        status: "HARD_BOUNCE".to_owned(),
    });
    opened(&tenant, JO, "2026-11-02T16:00:00Z");
    let (maya, jo) = (json!("Maya@example.test"), json!("jo@example.test"));
    for (query, expected) in [
        (
            "order_by=last_open_time%20desc",
            vec![jo.clone(), maya.clone()],
        ),
        (
            "order_by=last_open_time%20desc&page_size=1",
            vec![jo.clone()],
        ),
        (
            "order_by=last_click_time%20asc",
            vec![jo.clone(), maya.clone()],
        ),
    ] {
        assert_eq!(listed(&tenant, query).await, expected, "{query}");
    }
    let odd = tenant
        .get("/v2/emailAddresses?order_by=opened%20desc")
        .await;
    assert_eq!(odd.status, 400);
    tenant
        .keap
        .configure(|settings| settings.unset = Unset::First);
    let rows = listed(&tenant, "order_by=last_open_time%20desc").await;
    assert_eq!(rows, [maya, jo]);
}

#[tokio::test]
async fn a_tenant_may_lack_the_list() {
    let tenant = Tenant::new();
    for (list, status) in [
        (AddressList::NotFound, 404),
        (AddressList::NotImplemented, 501),
    ] {
        tenant
            .keap
            .configure(|settings| settings.address_list = list);
        assert_eq!(tenant.get("/v2/emailAddresses").await.status, status);
    }
}
