//! Faults on order: every write before and after, every shape of error.

use http::Method;
use relay_http_client::TransportError;
use relay_http_client::emulation::{FaultAct, FaultRule, Moment};
use relay_keap::emulator::{Act, NewPaymentMethod, NewSubscription, gateway_fault, html_page};
use serde_json::{Value, json};

use crate::tenant::{MAYA, Tenant};

fn rule(operation: &str, moment: Moment, act: FaultAct) -> FaultRule {
    FaultRule {
        operation: operation.to_owned(),
        moment,
        act,
        skip: 0,
        times: 1,
    }
}

fn status(code: u16, retry_after: Option<u32>, body: Option<&str>) -> FaultAct {
    FaultAct::Status {
        code,
        retry_after,
        body: body.map(str::to_owned),
    }
}

async fn prepared() -> Tenant {
    let tenant = Tenant::new();
    tenant.act(Act::AddPaymentMethod(NewPaymentMethod {
        id: Some(6001),
        contact: MAYA,
        last_four: None,
    }));
    tenant.act(Act::AddSubscription(NewSubscription {
        id: Some(5001),
        contact: MAYA,
        ..NewSubscription::default()
    }));
    let tag = tenant.act(Act::ApplyTag {
        contact: MAYA,
        tag: "On".to_owned(),
    });
    assert_eq!(tag, 301);
    tenant.post("/v2/tags", json!({ "name": "Off" })).await;
    let task = json!({ "assigned_to_user_id": "1", "contact_id": "1001" });
    tenant.post("/v2/tasks", task).await;
    tenant
}

/// Every write that carries out an effect, and the rest of what changes anything.
fn writes() -> Vec<(&'static str, Method, &'static str, Value)> {
    let contacts = json!({ "contact_ids": ["1001"] });
    let letter = json!({ "contacts": ["1001"], "subject": "x", "user_id": "1" });
    vec![
        ("email", Method::POST, "/v2/emails:send", letter),
        (
            "call_task",
            Method::POST,
            "/v2/tasks",
            json!({ "assigned_to_user_id": "1" }),
        ),
        (
            "close_task",
            Method::PATCH,
            "/v2/tasks/30001",
            json!({ "completed": true }),
        ),
        (
            "reassign_task",
            Method::PATCH,
            "/v2/tasks/30001?update_mask=assigned_to_user_id",
            json!({ "assigned_to_user_id": "1" }),
        ),
        (
            "contact_note",
            Method::POST,
            "/v2/contacts/1001/notes",
            json!({ "user_id": "1", "title": "x" }),
        ),
        (
            "add_tag",
            Method::POST,
            "/v2/tags/302/contacts:applyTags",
            contacts.clone(),
        ),
        (
            "remove_tag",
            Method::POST,
            "/v2/tags/301/contacts:removeTags",
            contacts,
        ),
        (
            "create_tag",
            Method::POST,
            "/v2/tags",
            json!({ "name": "x" }),
        ),
        (
            "contact_type",
            Method::PATCH,
            "/v2/contacts/1001",
            json!({ "custom_fields": [{ "id": "6", "content": "In-Person" }] }),
        ),
        (
            "edit_contact",
            Method::PATCH,
            "/v2/contacts/1001",
            json!({ "given_name": "M" }),
        ),
        (
            "auto_charge_off",
            Method::PATCH,
            "/v2/subscriptions/5001",
            json!({ "auto_charge": false }),
        ),
        (
            "deactivate_subscription",
            Method::POST,
            "/v2/subscriptions/5001:deactivate",
            json!({}),
        ),
        (
            "remove_card",
            Method::DELETE,
            "/v2/contacts/1001/paymentMethods/6001",
            Value::Null,
        ),
        (
            "create_hook",
            Method::POST,
            "/v1/hooks",
            json!({ "eventKey": "task.edit", "hookUrl": "https://relay.test/hook" }),
        ),
    ]
}

#[tokio::test]
async fn every_write_can_be_struck_before_and_then_nothing_has_changed() {
    for (operation, method, path, body) in writes() {
        let tenant = prepared().await;
        let before = tenant.operations().len();
        tenant
            .keap
            .faults()
            .order(rule(operation, Moment::Before, FaultAct::Reset));
        let error = tenant.send(method, path, &body).await.expect_err(operation);
        assert!(matches!(error, TransportError::Cut), "{operation}");
        assert_eq!(tenant.operations().len(), before, "{operation}");
    }
}

#[tokio::test]
async fn every_write_can_be_struck_after_and_then_the_change_stays() {
    for (operation, method, path, body) in writes() {
        let tenant = prepared().await;
        let before = tenant.operations().len();
        tenant
            .keap
            .faults()
            .order(rule(operation, Moment::After, FaultAct::Hang));
        let error = tenant.send(method, path, &body).await.expect_err(operation);
        assert!(matches!(error, TransportError::TimedOut), "{operation}");
        let added = tenant.operations().split_off(before);
        assert_eq!(added.len(), 1, "{operation}");
        assert!(added[0].starts_with(operation), "{operation}: {added:?}");
    }
}

#[tokio::test]
async fn what_was_refused_was_never_carried_out() {
    let tenant = prepared().await;
    let before = tenant.operations().len();
    tenant
        .keap
        .faults()
        .order(rule("create_tag", Moment::After, FaultAct::Refuse));
    let answer = tenant
        .send(Method::POST, "/v2/tags", &json!({ "name": "x" }))
        .await;
    let error = answer.expect_err("refused");
    assert!(matches!(error, TransportError::NotSent(_)), "{error}");
    assert_eq!(tenant.operations().len(), before);
}

#[tokio::test]
async fn reads_can_be_struck_and_a_star_strikes_everything() {
    let tenant = prepared().await;
    for (operation, path) in [
        ("list_emails", "/v2/emails"),
        ("get_contact", "/v2/contacts/1001"),
        ("get_task", "/v2/tasks/30001"),
        ("list_tasks", "/v2/tasks"),
        ("list_notes", "/v2/contacts/1001/notes"),
        ("list_tags", "/v2/tags"),
        ("list_contact_tags", "/v2/contacts/1001/tags"),
        ("get_subscription", "/v2/subscriptions/5001"),
        ("list_payment_methods", "/v2/contacts/1001/paymentMethods"),
        (
            "get_address_status",
            "/v2/emailAddresses/maya%40example.test/status",
        ),
        ("contact_model", "/v2/contacts/model"),
        ("list_hooks", "/v1/hooks"),
        ("*", "/v2/users"),
    ] {
        tenant
            .keap
            .faults()
            .order(rule(operation, Moment::Before, status(502, None, None)));
        assert_eq!(tenant.get(path).await.status, 502, "{operation}");
        assert_eq!(tenant.get(path).await.status, 200, "{operation}: once");
    }
}

#[tokio::test]
async fn a_slow_list_is_no_list() {
    let tenant = Tenant::new();
    tenant
        .keap
        .faults()
        .order(rule("list_emails", Moment::Before, FaultAct::Hang));
    let answer = tenant.send(Method::GET, "/v2/emails", &Value::Null).await;
    assert!(matches!(
        answer.expect_err("no answer"),
        TransportError::TimedOut
    ));
}

#[tokio::test]
async fn errors_come_in_every_shape() {
    let html = html_page("502 Bad Gateway");
    let expired = gateway_fault(
        "Access Token expired",
        "keymanagement.service.access_token_expired",
    );
    let expired = expired.to_string();
    let no_key = gateway_fault("Invalid Access Token", "oauth.v2.InvalidAccessToken").to_string();
    for (act, path, check) in [
        (status(500, None, None), "/v2/tags", "/code=500"),
        (
            status(500, None, None),
            "/v1/hooks",
            "/message=\"Something went wrong\"",
        ),
        (
            status(401, None, None),
            "/v2/tags",
            "keymanagement.service.invalid_access_token",
        ),
        (
            status(401, None, Some(&expired)),
            "/v2/tags",
            "access_token_expired",
        ),
        (
            status(401, None, Some(&no_key)),
            "/v2/tags",
            "oauth.v2.InvalidAccessToken",
        ),
        (
            status(502, None, Some(&html)),
            "/v2/tags",
            "<!DOCTYPE html>",
        ),
        (status(504, None, Some("")), "/v2/tags", ""),
    ] {
        let tenant = Tenant::new();
        tenant
            .keap
            .faults()
            .order(rule("*", Moment::Before, act.clone()));
        let answer = tenant.get(path).await;
        let FaultAct::Status { code, .. } = act else {
            unreachable!("only statuses are listed");
        };
        assert_eq!(answer.status, code);
        match check.strip_prefix('/').and_then(|c| c.split_once('=')) {
            Some((member, value)) => assert_eq!(answer.json[member].to_string(), value),
            None if check.is_empty() => assert_eq!(answer.text, ""),
            None => assert!(answer.text.contains(check), "{check}: {}", answer.text),
        }
        assert!(answer.header("x-request-id").is_some());
    }
}

#[tokio::test]
async fn too_many_requests_come_with_and_without_an_end() {
    let tenant = Tenant::new();
    for (retry_after, header) in [(Some(7), Some("7")), (None, None)] {
        let act = status(429, retry_after, None);
        tenant
            .keap
            .faults()
            .order(rule("list_tags", Moment::Before, act));
        let answer = tenant.get("/v2/tags").await;
        assert_eq!(answer.status, 429);
        assert_eq!(
            answer.json["code"],
            json!("429"),
            "text here, a number elsewhere"
        );
        assert_eq!(answer.header("retry-after"), header);
    }
}
