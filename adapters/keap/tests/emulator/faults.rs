//! Faults on order: every write before and after, every shape of error.

use http::Method;
use relay_http_client::TransportError;
use relay_http_client::emulation::{FaultAct, FaultRule, Moment};
use relay_keap::emulator::{
    Act, NewPaymentMethod, NewSubscription, WRITES, gateway_fault, html_page,
};
use serde_json::{Value, json};

use crate::tenant::{MAYA, Tenant};

fn order(tenant: &Tenant, operation: &str, moment: Moment, act: FaultAct) {
    tenant.keap.faults().order(FaultRule {
        operation: operation.to_owned(),
        moment,
        act,
        skip: 0,
        times: 1,
    });
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
    let hook = json!({ "eventKey": "task.edit", "hookUrl": "https://relay.test/hook" });
    let hook = tenant.post("/v1/hooks", hook).await;
    assert_eq!(hook.json["key"], json!("1"));
    tenant
}

/// A request for every write in the emulator's registry, by the name it is struck by. Those that
/// two requests carry out stand twice.
fn writes() -> Vec<(&'static str, Method, &'static str, Value)> {
    let mut all = writes_about_people();
    all.extend(writes_about_money_and_hooks());
    all
}

fn writes_about_people() -> Vec<(&'static str, Method, &'static str, Value)> {
    let contacts = json!({ "contact_ids": ["1001"] });
    let letter = json!({ "contacts": ["1001"], "subject": "x", "user_id": "1" });
    let goal = json!({ "contact_id": 1001, "integration": "relay", "call_name": "away" });
    let field = json!({ "custom_fields": [{ "id": "6", "content": "In-Person" }] });
    let field_v1 = json!({ "custom_fields": [{ "id": 6, "content": "In-Person" }] });
    let task = json!({ "assigned_to_user_id": "1" });
    let call = json!({ "assigned_to_user_id": "1", "title": "CALL Maya R." });
    let reassign = "/v2/tasks/30001?update_mask=assigned_to_user_id";
    let note = json!({ "user_id": "1", "title": "x" });
    let (post, patch) = (Method::POST, Method::PATCH);
    vec![
        ("email", post.clone(), "/v2/emails:send", letter),
        (
            "achieve_goal",
            post.clone(),
            "/v2/automations/goals/achieve",
            goal,
        ),
        ("call_task", post.clone(), "/v2/tasks", call),
        ("work_task", post.clone(), "/v2/tasks", task.clone()),
        (
            "close_task",
            patch.clone(),
            "/v2/tasks/30001",
            json!({ "completed": true }),
        ),
        ("reassign_task", patch.clone(), reassign, task),
        (
            "edit_task",
            patch.clone(),
            "/v2/tasks/30001",
            json!({ "title": "y" }),
        ),
        (
            "contact_note",
            post.clone(),
            "/v2/contacts/1001/notes",
            note,
        ),
        (
            "add_tag",
            post.clone(),
            "/v2/tags/302/contacts:applyTags",
            contacts.clone(),
        ),
        (
            "remove_tag",
            post.clone(),
            "/v2/tags/301/contacts:removeTags",
            contacts,
        ),
        ("create_tag", post, "/v2/tags", json!({ "name": "x" })),
        (
            "contact_type",
            patch.clone(),
            "/v2/contacts/1001",
            field.clone(),
        ),
        ("contact_type", patch, "/v1/contacts/1001", field_v1),
    ]
}

fn writes_about_money_and_hooks() -> Vec<(&'static str, Method, &'static str, Value)> {
    let subscription = "/v2/subscriptions/5001";
    let deactivate = "/v2/subscriptions/5001:deactivate";
    let card = "/v2/contacts/1001/paymentMethods/6001";
    let card_off = "/v2/contacts/1001/paymentMethods/6001:deactivate";
    let hook = json!({ "eventKey": "task.edit", "hookUrl": "https://relay.test/hook" });
    let (post, patch, delete) = (Method::POST, Method::PATCH, Method::DELETE);
    vec![
        (
            "auto_charge_off",
            patch.clone(),
            subscription,
            json!({ "auto_charge": false }),
        ),
        (
            "deactivate_subscription",
            post.clone(),
            deactivate,
            json!({}),
        ),
        (
            "deactivate_subscription",
            patch.clone(),
            subscription,
            json!({ "active": false }),
        ),
        (
            "edit_subscription",
            patch,
            subscription,
            json!({ "quantity": 2 }),
        ),
        ("remove_card", delete.clone(), card, Value::Null),
        ("remove_card", post.clone(), card_off, Value::Null),
        ("create_hook", post.clone(), "/v1/hooks", hook.clone()),
        ("update_hook", Method::PUT, "/v1/hooks/1", hook),
        ("verify_hook", post, "/v1/hooks/1/verify", Value::Null),
        ("delete_hook", delete, "/v1/hooks/1", Value::Null),
    ]
}

#[test]
fn every_write_of_the_registry_has_a_request_that_strikes_it() {
    let mut struck: Vec<&str> = writes().into_iter().map(|write| write.0).collect();
    struck.dedup();
    struck.sort_unstable();
    struck.dedup();
    assert_eq!(struck, WRITES);
}

#[tokio::test]
async fn every_write_can_be_struck_before_and_then_nothing_has_changed() {
    for (operation, method, path, body) in writes() {
        let tenant = prepared().await;
        let before = tenant.operations().len();
        order(&tenant, operation, Moment::Before, FaultAct::Reset);
        let answer = tenant.send(method, path, &body).await;
        let error = answer.expect_err(operation);
        assert!(matches!(error, TransportError::Cut), "{operation}");
        assert_eq!(tenant.operations().len(), before, "{operation}");
    }
}

#[tokio::test]
async fn every_write_can_be_struck_after_and_then_the_change_stays() {
    for (operation, method, path, body) in writes() {
        let tenant = prepared().await;
        let before = tenant.operations().len();
        order(&tenant, operation, Moment::After, FaultAct::Hang);
        let answer = tenant.send(method, path, &body).await;
        let error = answer.expect_err(operation);
        assert!(matches!(error, TransportError::TimedOut), "{operation}");
        let added = tenant.operations().split_off(before);
        assert_eq!(added.len(), 1, "{operation}");
        assert!(added[0].starts_with(operation), "{operation}: {added:?}");
    }
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
        order(&tenant, operation, Moment::Before, status(502, None, None));
        assert_eq!(tenant.get(path).await.status, 502, "{operation}");
        assert_eq!(tenant.get(path).await.status, 200, "{operation}: once");
    }
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
        order(&tenant, "*", Moment::Before, act.clone());
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
        order(&tenant, "list_tags", Moment::Before, act);
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
