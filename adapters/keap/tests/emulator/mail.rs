//! Emails: sent without an answer, listed late, opened later still.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use relay_keap::emulator::{Act, NewEmailRecord};
use serde_json::{Value, json};

use crate::tenant::{JO, MAYA, Tenant};

const HISTORY: &str =
    "/v2/emails?filter=contact_id%3D%3D1001&order_by=created_time%20desc&page_size=100";

fn letter() -> Value {
    json!({
        "contacts": ["1001"],
        "subject": "Your check-in",
        "user_id": "1",
        "plain_content": STANDARD.encode("Hi Maya"),
        "html_content": STANDARD.encode("<p>Hi Maya</p>"),
    })
}

fn with(member: &str, value: Value) -> Value {
    let mut letter = letter();
    letter[member] = value;
    letter
}

fn record(id: u64, sent_at: &str) -> NewEmailRecord {
    NewEmailRecord {
        id: Some(id),
        contact: MAYA,
        subject: format!("Email {id}"),
        sent_at: Some(sent_at.parse().expect("a time")),
        ..NewEmailRecord::default()
    }
}

#[tokio::test]
async fn sending_answers_202_without_a_word_and_the_record_comes_later() {
    let tenant = Tenant::new();
    let answer = tenant.post("/v2/emails:send", letter()).await;
    assert_eq!((answer.status, answer.text.as_str()), (202, ""));
    assert_eq!(
        tenant.accepted(),
        [(
            "email".to_owned(),
            "1001".to_owned(),
            json!({
                "user_id": "1",
                "subject": "Your check-in",
                "text": "Hi Maya",
                "html": "<p>Hi Maya</p>",
            })
        )]
    );
    tenant.pass(59);
    assert_eq!(tenant.get(HISTORY).await.json["emails"], json!([]));
    tenant.pass(61);
    let list = tenant.get(HISTORY).await;
    let email = &list.json["emails"][0];
    assert_eq!(email["sent_time"], json!("2026-11-03T16:00:00Z"));
    assert_eq!(email["sent_to_address"], json!("Maya@example.test"));
    assert_eq!(email["sent_from_address"], json!("coach@example.test"));
    assert_eq!(email["original_provider"], json!("INFUSIONSOFT"));
    assert_eq!(email["opened_time"], Value::Null);
    assert_eq!(email.get("html_content"), None);
    let id = email["id"].as_str().expect("an id");
    let whole = tenant.get(&format!("/v2/emails/{id}")).await;
    assert_eq!(
        whole.json["html_content"],
        json!(STANDARD.encode("<p>Hi Maya</p>"))
    );
    assert_eq!(
        whole.json["plain_content"],
        json!(STANDARD.encode("Hi Maya"))
    );
}

#[tokio::test]
async fn a_form_that_is_wrong_is_refused() {
    let tenant = Tenant::new();
    for body in [
        with("contacts", json!([])),
        with("contacts", json!([1001])),
        with("subject", Value::Null),
        with("user_id", Value::Null),
        with("user_id", json!("99")),
        with("from_address", json!("desk@example.test")),
        with("address_field", json!("email")),
        // Keap takes these, and its emulator does not.
        with("address_field", json!("EmailAddress2")),
        with(
            "attachments",
            json!([{ "file_name": "plan.pdf", "file_data": "" }]),
        ),
    ] {
        let answer = tenant.post("/v2/emails:send", body.clone()).await;
        assert_eq!(answer.status, 400, "{body}");
    }
    assert_eq!(tenant.operations(), Vec::<String>::new());
}

#[tokio::test]
async fn content_that_is_not_encoded_is_sent_as_it_is() {
    let tenant = Tenant::new();
    let raw = with("html_content", json!("<p>raw</p>"));
    assert_eq!(tenant.post("/v2/emails:send", raw).await.status, 202);
    assert_eq!(tenant.accepted()[0].2["html"], json!("<p>raw</p>"));
}

#[tokio::test]
async fn mail_that_cannot_arrive_is_accepted_and_dropped_in_silence() {
    let tenant = Tenant::new();
    for status in ["HARD_BOUNCE", "LIST_UNSUBSCRIBE"] {
        tenant.act(Act::SetAddressStatus {
            email: "maya@example.test".to_owned(),
            status: status.to_owned(),
        });
        let answer = tenant.post("/v2/emails:send", letter()).await;
        assert_eq!((answer.status, answer.text.as_str()), (202, ""), "{status}");
    }
    let unknown = with("contacts", json!(["99"]));
    assert_eq!(tenant.post("/v2/emails:send", unknown).await.status, 202);
    assert_eq!(tenant.operations(), ["email_dropped"; 3]);
}

#[tokio::test]
async fn history_is_filtered_by_time_and_sorted() {
    let tenant = Tenant::new();
    for (id, at) in [
        (501, "2026-10-20T10:00:00Z"),
        (502, "2026-10-27T10:00:00.500Z"),
        (503, "2026-10-27T10:00:00Z"),
    ] {
        tenant.act(Act::AddEmailRecord(record(id, at)));
    }
    let path = "/v2/emails?filter=contact_id%3D%3D1001%3Bstart_created_time%3D%3D2026-10-27T00%3A00%3A00.000Z&order_by=created_time%20desc";
    let list = tenant.get(path).await;
    let emails = list.json["emails"].as_array().expect("a list");
    let ids: Vec<_> = emails.iter().map(|email| &email["id"]).collect();
    assert_eq!(ids, ["502", "503"]);
    let v1 = tenant.get("/v1/emails?contact_id=1001").await;
    assert_eq!(v1.json["emails"][0]["id"], json!(501));
    assert_eq!(
        v1.json["emails"][0]["sent_date"],
        json!("2026-10-20T10:00:00.000+0000")
    );
    assert_eq!(
        tenant
            .get("/v2/emails?order_by=opened_time%20desc")
            .await
            .status,
        400
    );
}

#[tokio::test]
async fn opens_and_clicks_show_when_they_have_happened() {
    let tenant = Tenant::new();
    let later = "2026-11-03T17:00:00Z".parse().expect("a time");
    tenant.act(Act::AddEmailRecord(NewEmailRecord {
        opened_at: Some(later),
        clicked_at: Some(later),
        ..record(501, "2026-11-03T15:00:00Z")
    }));
    let opened = async || tenant.get("/v2/emails/501").await.json["opened_time"].clone();
    assert_eq!(opened().await, Value::Null);
    tenant.pass(3600);
    assert_eq!(opened().await, json!("2026-11-03T17:00:00Z"));
    let email = tenant.get("/v2/emails/501").await;
    assert_eq!(email.json["clicked_time"], json!("2026-11-03T17:00:00Z"));
}

#[tokio::test]
async fn an_open_keeps_its_first_time_and_the_address_its_latest() {
    let tenant = Tenant::new();
    tenant.act(Act::AddEmailRecord(record(501, "2026-11-03T15:00:00Z")));
    for _ in 0..2 {
        tenant.pass(60);
        tenant.act(Act::OpenEmail {
            contact: MAYA,
            email: Some(501),
            at: None,
        });
    }
    let email = tenant.get("/v2/emails/501").await;
    assert_eq!(email.json["opened_time"], json!("2026-11-03T16:01:00Z"));
    let status = tenant
        .get("/v2/emailAddresses/maya%40example.test/status")
        .await;
    assert_eq!(status.json["last_open_time"], json!("2026-11-03T16:02:00Z"));
}

#[tokio::test]
async fn an_address_has_a_status_or_none_at_all() {
    let tenant = Tenant::new();
    let status = tenant
        .get("/v2/emailAddresses/maya%40example.test/status")
        .await;
    assert_eq!(status.json["status"], json!("SINGLE_OPT_IN"));
    assert_eq!(status.json["opted_in"], json!(true));
    assert_eq!(status.json["email"], json!("Maya@example.test"));
    let none = tenant
        .get("/v2/emailAddresses/jo%40example.test/status")
        .await;
    assert_eq!(none.status, 404);
    tenant.act(Act::SetAddressStatus {
        email: "jo@example.test".to_owned(),
        status: "A_NEW_WORD".to_owned(),
    });
    let list = tenant.get("/v2/emailAddresses").await;
    let rows = list.json["email_addresses"].as_array().expect("a list");
    let shown: Vec<_> = rows
        .iter()
        .map(|row| (&row["status"], &row["opted_in"]))
        .collect();
    assert_eq!(
        shown,
        [
            (&json!("A_NEW_WORD"), &json!(false)),
            (&json!("SINGLE_OPT_IN"), &json!(true)),
        ]
    );
    let contact = tenant.get(&format!("/v2/contacts/{JO}")).await;
    let address = &contact.json["email_addresses"][0];
    assert_eq!(address["email_opt_status"], json!("A_NEW_WORD"));
}

#[tokio::test]
async fn v1_mail_is_listed_by_a_window_whose_times_are_whole() {
    let tenant = Tenant::new();
    for (id, contact, at) in [
        (501, MAYA, "2026-10-20T10:00:00Z"),
        (502, MAYA, "2026-10-27T10:00:00Z"),
        (503, JO, "2026-10-27T10:00:00Z"),
    ] {
        tenant.act(Act::AddEmailRecord(NewEmailRecord {
            id: Some(id),
            contact,
            sent_at: Some(at.parse().expect("a time")),
            ..NewEmailRecord::default()
        }));
    }
    let (since, until) = ("2026-10-21T00:00:00.000Z", "2026-10-28T00:00:00.000Z");
    for (query, found) in [
        (
            format!("contact_id=1001&since_sent_date={since}"),
            vec![502],
        ),
        (
            format!("since_sent_date={since}&until_sent_date={until}"),
            vec![502, 503],
        ),
        ("email=JO@example.test".to_owned(), vec![503]),
    ] {
        let list = tenant.get(&format!("/v1/emails?{query}")).await;
        let emails = list.json["emails"].as_array().expect("a list");
        let ids: Vec<_> = emails.iter().map(|email| email["id"].as_u64()).collect();
        let found: Vec<_> = found.into_iter().map(Some).collect();
        assert_eq!(ids, found, "{query}");
    }
    for query in [
        format!("until_sent_date={until}"),
        "since_sent_date=2026-10-21T00:00:00Z".to_owned(),
        "since_sent_date=2026-10-21".to_owned(),
    ] {
        let answer = tenant.get(&format!("/v1/emails?{query}")).await;
        assert_eq!(answer.status, 400, "{query}");
    }
}
