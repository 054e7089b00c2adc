//! The rarer readings: each switch, both ways.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use relay_keap::emulator::{
    Act, CardInUse, Drift, ErrorShape, HtmlComment, ListBox, NewField, NewPaymentMethod,
    NewSubscription, Words, WriteBack,
};
use serde_json::{Value, json};

use crate::tenant::{MAYA, Tenant};

const FIELDS: &str = "/v2/contacts/1001?fields=custom_fields";
const PATCH: &str = "/v2/contacts/1001?update_mask=custom_fields&fields=custom_fields";

/// A mail to Maya from the coach.
fn letter(text: &str, html: &str) -> Value {
    json!({
        "contacts": ["1001"],
        "subject": "Your check-in",
        "user_id": "1",
        "plain_content": STANDARD.encode(text),
        "html_content": STANDARD.encode(html),
    })
}

/// Both parts of the mail that was sent last, once it is listed.
async fn content_of_the_last_mail(tenant: &Tenant) -> (String, String) {
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
async fn a_comment_in_mail_is_kept_or_stripped_but_was_accepted_either_way() {
    let html = "<p>Hi</p><!-- relay:k7q2w9x1 --><i>x</i><!-- open";
    for (switch, stored) in [
        (HtmlComment::Kept, html),
        (HtmlComment::Stripped, "<p>Hi</p><i>x</i>"),
    ] {
        let tenant = Tenant::with(|s| s.oddities.html_comment = switch);
        tenant.post("/v2/emails:send", letter("Hi", html)).await;
        assert_eq!(tenant.accepted()[0].2["html"], json!(html));
        let (text, shown) = content_of_the_last_mail(&tenant).await;
        assert_eq!(
            (text.as_str(), shown.as_str()),
            ("Hi", stored),
            "{switch:?}"
        );
    }
}

fn with_list_box(tenant: &Tenant) {
    tenant.act(Act::AddField(NewField {
        id: Some(12),
        label: "Concerns".to_owned(),
        field_type: Some("LIST_BOX".to_owned()),
        ..NewField::default()
    }));
    tenant.act(Act::EditContactField {
        contact: MAYA,
        field: "Concerns".to_owned(),
        value: json!(["chin", "jaw"]),
    });
}

fn content(answer: &Value, id: &str) -> Value {
    let fields = answer["custom_fields"].as_array().expect("a list");
    let field = fields.iter().find(|field| field["id"] == id);
    field.expect("the field")["content"].clone()
}

#[tokio::test]
async fn several_choices_are_read_as_a_list_or_as_one_text() {
    for (switch, shown) in [
        (ListBox::List, json!(["chin", "jaw"])),
        (ListBox::Joined, json!("chin,jaw")),
    ] {
        let tenant = Tenant::with(|s| s.oddities.list_box = switch);
        with_list_box(&tenant);
        assert_eq!(content(&tenant.get(FIELDS).await.json, "12"), shown);
    }
}

#[tokio::test]
async fn a_value_written_back_as_it_was_read_is_kept_altered_or_refused() {
    let back = json!({ "custom_fields": [{ "id": "12", "content": "chin,jaw" }] });
    for (switch, status, stored) in [
        (WriteBack::Kept, 200, "chin,jaw"),
        (WriteBack::Altered, 200, "CHIN,JAW"),
        (WriteBack::Refused, 400, "chin,jaw"),
    ] {
        let tenant = Tenant::with(|s| {
            s.oddities.list_box = ListBox::Joined;
            s.oddities.write_back = switch;
        });
        with_list_box(&tenant);
        assert_eq!(tenant.patch(PATCH, back.clone()).await.status, status);
        assert_eq!(content(&tenant.get(FIELDS).await.json, "12"), json!(stored));
    }
}

#[tokio::test]
async fn a_card_that_is_charged_goes_or_stays() {
    for (switch, status, left) in [(CardInUse::Orphaned, 204, 0), (CardInUse::Refused, 409, 1)] {
        let tenant = Tenant::with(|s| s.oddities.card_in_use = switch);
        tenant.act(Act::AddPaymentMethod(NewPaymentMethod {
            id: Some(6001),
            contact: MAYA,
            last_four: None,
        }));
        tenant.act(Act::AddSubscription(NewSubscription {
            id: Some(5001),
            contact: MAYA,
            payment_method: Some(6001),
            ..NewSubscription::default()
        }));
        let card = "/v2/contacts/1001/paymentMethods/6001";
        assert_eq!(tenant.delete(card).await.status, status);
        let list = tenant.get("/v2/contacts/1001/paymentMethods").await;
        assert_eq!(list.json["records"].as_array().map(Vec::len), Some(left));
        let read = tenant.get("/v2/subscriptions/5001").await;
        assert_eq!(
            read.json["payment_method_id"],
            json!("6001"),
            "it keeps the id"
        );
        tenant
            .post("/v2/subscriptions/5001:deactivate", json!({}))
            .await;
        let after = tenant.delete(card).await.status;
        assert_eq!(
            after,
            if left == 1 { 204 } else { 404 },
            "no longer charged"
        );
    }
}

#[tokio::test]
async fn reads_may_show_the_fields_as_they_were_and_the_writes_own_answer_never_does() {
    let tenant = Tenant::with(|s| s.oddities.field_delay = 2..=2);
    let body = json!({ "custom_fields": [
        { "id": "6", "content": "In-Person" },
        { "id": "8", "content": "dry" },
        { "id": "10", "content": 3 },
    ] });
    let answer = tenant.patch(PATCH, body).await;
    assert_eq!(content(&answer.json, "6"), json!("In-Person"));
    assert_eq!(
        content(&tenant.get(FIELDS).await.json, "6"),
        json!("Online")
    );
    tenant.pass(2);
    assert_eq!(
        content(&tenant.get(FIELDS).await.json, "6"),
        json!("In-Person")
    );
}

#[tokio::test]
async fn everything_is_null_but_ids() {
    let tenant = Tenant::with(|s| s.drift = Drift::NullsEverywhere);
    let contact = tenant
        .get("/v2/contacts/1001?fields=custom_fields,id,given_name")
        .await;
    assert_eq!(
        contact.json,
        json!({
            "id": "1001",
            "given_name": null,
            "custom_fields": [
                { "id": "6", "content": null },
                { "id": "8", "content": null },
                { "id": "10", "content": null },
            ],
        })
    );
    let tags = tenant.get("/v2/tags").await;
    assert_eq!(tags.json["tags"], Value::Null, "an empty list, too");
    let page = tenant.get("/v2/contacts?page_size=1").await;
    assert!(page.json["next_page_token"].is_string(), "pages go on");
    assert_eq!(
        page.json["contacts"][0]["email_addresses"][0]["email"],
        Value::Null
    );
}

#[tokio::test]
async fn words_that_no_list_has_stand_for_those_that_it_has() {
    let tenant = Tenant::with(|s| s.oddities.words = Words::New);
    tenant.post("/v2/tags", json!({ "name": "x" })).await;
    let applied = tenant
        .post(
            "/v2/tags/301/contacts:applyTags",
            json!({ "contact_ids": ["1001"] }),
        )
        .await;
    assert_eq!(applied.json, json!({ "results": { "1001": "A_NEW_WORD" } }));
    let has = tenant.get("/v2/contacts/1001/tags").await;
    assert_eq!(
        has.json["tags"][0]["tag"]["id"],
        json!("301"),
        "it was applied"
    );
    let user = tenant.get("/v2/users").await;
    assert_eq!(user.json["users"][0]["status"], json!("A_NEW_WORD"));
    let status = tenant
        .get("/v2/emailAddresses/maya%40example.test/status")
        .await;
    assert_eq!(status.json["status"], json!("A_NEW_WORD"));
    let missing = tenant.get("/v2/contacts/99").await;
    assert_eq!(
        missing.json["status"],
        json!("NOT_FOUND"),
        "errors keep theirs"
    );
}

#[tokio::test]
async fn an_error_is_as_described_bare_or_wrapped_in_a_trace() {
    let message = json!("Unable to find this Contact");
    for (shape, members) in [
        (
            ErrorShape::Described,
            vec!["code", "details", "message", "status"],
        ),
        (ErrorShape::Bare, vec!["message"]),
        (
            ErrorShape::Trace,
            vec![
                "cause",
                "localizedMessage",
                "message",
                "stackTrace",
                "suppressed",
            ],
        ),
    ] {
        let tenant = Tenant::with(|s| s.oddities.error_shape = shape);
        let answer = tenant.get("/v2/contacts/99").await;
        assert_eq!(answer.status, 404);
        assert_eq!(answer.json["message"], message);
        let object = answer.json.as_object().expect("an object");
        let mut names: Vec<&str> = object.keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, members, "{shape:?}");
    }
    let tenant = Tenant::with(|s| s.oddities.error_shape = ErrorShape::Bare);
    tenant.act(Act::RevokeKeys);
    let fault = tenant.get("/v2/contacts/1001").await;
    assert!(
        fault.json["fault"].is_object(),
        "the gateway has its own shape"
    );
}
