//! The forms that mail is asked for in: attachments, slots, templates, v1.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use relay_keap::emulator::{Act, NewEmailRecord, NewTemplate};
use serde_json::{Value, json};

use crate::tenant::{JO, MAYA, Tenant};

/// A mail to Maya from the coach.
pub(crate) fn letter(text: &str, html: &str) -> Value {
    json!({
        "contacts": ["1001"],
        "subject": "Your check-in",
        "user_id": "1",
        "plain_content": STANDARD.encode(text),
        "html_content": STANDARD.encode(html),
    })
}

/// Both parts of the mail that was sent last, once it is listed.
pub(crate) async fn content_of_the_last_mail(tenant: &Tenant) -> (String, String) {
    tenant.pass(120);
    let list = tenant.get("/v2/emails?order_by=created_time%20desc").await;
    let id = list.json["emails"][0]["id"].as_str().expect("a mail");
    let mail = tenant.get(&format!("/v2/emails/{id}")).await;
    let part = |name: &str| {
        let encoded = mail.json[name].as_str().unwrap_or_default();
        String::from_utf8(STANDARD.decode(encoded).expect("Base64")).expect("text")
    };
    (part("plain_content"), part("html_content"))
}

#[tokio::test]
async fn attachments_are_few_small_and_of_known_kinds() {
    let file = |name: &str, data: &str| json!({ "file_name": name, "file_data": data });
    let small = STANDARD.encode("plan");
    let exact = STANDARD.encode(vec![0_u8; 1024 * 1024]);
    let large = STANDARD.encode(vec![0_u8; 1024 * 1024 + 1]);
    for (files, status) in [
        (vec![file("plan.PDF", &small)], 202),
        (vec![file("plan.pdf", &small); 10], 202),
        (vec![file("plan.pdf", &small); 11], 400),
        (vec![file("plan.exe", &small)], 400),
        (vec![file("plan", &small)], 400),
        (vec![file("plan.pdf mp3", &small)], 400),
        (vec![file("plan.pdf", "no base64!")], 400),
        (vec![file("plan.zip", &exact)], 202),
        (vec![file("plan.zip", &large)], 400),
    ] {
        let tenant = Tenant::new();
        let mut body = letter("Hi", "Hi");
        body["attachments"] = files.into();
        let answer = tenant.post("/v2/emails:send", body).await;
        assert_eq!(answer.status, status);
        assert_eq!(tenant.operations().len(), usize::from(status == 202));
    }
}

#[tokio::test]
async fn an_address_may_stand_in_a_custom_field_and_its_name_is_read_to_the_letter() {
    let tenant = Tenant::new();
    tenant.act(Act::EditContactField {
        contact: MAYA,
        field: "Skin Type".to_owned(),
        value: json!("maya.second@example.test"),
    });
    let to = |slot: &str| {
        let mut body = letter("Hi", "Hi");
        body["address_field"] = slot.into();
        body
    };
    for slot in ["_skintype", "SkinType", "_Nothing", "email"] {
        assert_eq!(
            tenant.post("/v2/emails:send", to(slot)).await.status,
            400,
            "{slot}"
        );
    }
    assert_eq!(
        tenant.post("/v2/emails:send", to("_SkinType")).await.status,
        202
    );
    tenant.pass(120);
    let list = tenant.get("/v2/emails").await;
    assert_eq!(
        list.json["emails"][0]["sent_to_address"],
        json!("maya.second@example.test")
    );
    tenant.post("/v2/emails:send", to("EmailAddress2")).await;
    assert_eq!(
        tenant.operations(),
        ["email", "email_dropped"],
        "she has no second"
    );
}

#[tokio::test]
async fn a_template_is_sent_under_other_names_of_the_same_things() {
    let tenant = Tenant::new();
    let template = tenant.act(Act::AddTemplate(NewTemplate {
        id: None,
        subject: "Welcome".to_owned(),
        html: "<p>Hello</p>".to_owned(),
    }));
    let path = "/v2/emails/templates:send";
    let body = json!({
        "contact_ids": ["1001"], "template_id": template.to_string(), "user_id": "1",
    });
    let answer = tenant.post(path, body.clone()).await;
    assert_eq!((answer.status, answer.text.as_str()), (202, ""));
    let (operation, who, content) = tenant.accepted().remove(0);
    assert_eq!(
        (operation.as_str(), who.as_str()),
        ("email_template", "1001")
    );
    assert_eq!(content["subject"], json!("Welcome"));
    let (_, html) = content_of_the_last_mail(&tenant).await;
    assert_eq!(html, "<p>Hello</p>");
    for member in ["contact_ids", "template_id", "user_id"] {
        let mut short = body.clone();
        short[member] = Value::Null;
        assert_eq!(tenant.post(path, short).await.status, 400, "{member}");
    }
    let mut renamed = body;
    renamed["contacts"] = renamed["contact_ids"].take();
    assert_eq!(tenant.post(path, renamed).await.status, 400);
}

#[tokio::test]
async fn v1_queues_mail_with_integers_and_lists_it_with_whole_times() {
    let tenant = Tenant::new();
    let body = json!({
        "contacts": [MAYA],
        "subject": "Hello",
        "user_id": 1,
        "content": { "plain": STANDARD.encode("Hi"), "html": STANDARD.encode("<p>Hi</p>") },
    });
    let answer = tenant.post("/v1/emails/queue", body.clone()).await;
    assert_eq!((answer.status, answer.text.as_str()), (202, ""));
    assert_eq!(tenant.accepted()[0].2["text"], json!("Hi"));
    for (member, value) in [("contacts", json!(["1001"])), ("user_id", json!("1"))] {
        let mut text = body.clone();
        text[member] = value;
        let refused = tenant.post("/v1/emails/queue", text).await;
        assert_eq!(refused.status, 400, "{member} as text");
        assert_eq!(refused.json.get("code"), None, "v1's own shape");
    }
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
