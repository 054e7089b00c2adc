//! What Keap's description forbids, the emulator refuses; what it offers, the emulator takes.

use http::Method;
use relay_http_client::emulation::described::Side;
use relay_keap::emulator::{
    Act, NewContact, NewPaymentMethod, NewProduct, NewSubscription, description,
};
use serde_json::{Value, json};

use crate::tenant::{MAYA, Tenant};

/// Values of every type that a member doesn't have.
fn wrong(value: &Value) -> Vec<Value> {
    let all = [
        json!("x"),
        json!(7),
        json!(7.5),
        json!(true),
        json!([7]),
        json!({"x": 7}),
    ];
    let differs = |other: &Value| match (value, other) {
        (Value::String(_), Value::String(_))
        | (Value::Bool(_), Value::Bool(_))
        | (Value::Array(_), Value::Array(_))
        | (Value::Object(_), Value::Object(_)) => false,
        (Value::Number(_), Value::Number(other)) => other.is_f64(),
        _ => true,
    };
    all.into_iter().filter(differs).collect()
}

fn tenant() -> Tenant {
    let tenant = Tenant::new();
    tenant.act(Act::AddProduct(NewProduct {
        id: Some(11),
        name: "Fee".to_owned(),
        plan: Some(61),
    }));
    tenant.act(Act::AddPaymentMethod(NewPaymentMethod {
        id: Some(6001),
        contact: MAYA,
        ..NewPaymentMethod::default()
    }));
    tenant.act(Act::AddSubscription(NewSubscription {
        id: Some(5001),
        contact: MAYA,
        product: Some(11),
        ..NewSubscription::default()
    }));
    tenant
}

/// A body that is right, for every write that has one.
fn rights() -> Vec<(Method, String, Value)> {
    let contact = format!("/v2/contacts/{MAYA}");
    vec![
        (
            Method::PATCH,
            contact.clone(),
            json!({
                "given_name": "Maya", "email_addresses": [{"email": "m@example.test", "field": "EMAIL1"}],
                "phone_numbers": [{"number": "1", "field": "PHONE1"}],
                "custom_fields": [{"id": "8", "content": "dry"}],
            }),
        ),
        (
            Method::POST,
            format!("{contact}/notes"),
            json!({
                "user_id": "1", "title": "x", "text": "y", "type": "Call", "is_pinned": true,
            }),
        ),
        (
            Method::POST,
            "/v2/tasks".to_owned(),
            json!({
                "assigned_to_user_id": "1", "title": "x", "description": "y", "priority": "CRITICAL",
                "completed": false, "contact_id": "1001", "remind_time_mins": 30,
            }),
        ),
        (
            Method::POST,
            "/v2/emails:send".to_owned(),
            json!({
                "contacts": ["1001"], "user_id": "1", "subject": "x", "html_content": "eA==",
                "plain_content": "eA==", "address_field": "Email",
            }),
        ),
        (
            Method::POST,
            "/v2/tags".to_owned(),
            json!({"name": "x", "description": "y"}),
        ),
        (
            Method::PATCH,
            "/v2/subscriptions/5001".to_owned(),
            json!({
                "active": false, "auto_charge": false, "reason_stopped": "x", "quantity": 1,
                "billing_cycle": "MONTH",
            }),
        ),
        (
            Method::POST,
            "/v2/subscriptions/5001:deactivate".to_owned(),
            json!({"reason": "x"}),
        ),
        (
            Method::POST,
            "/v1/hooks".to_owned(),
            json!({
                "eventKey": "contact.edit", "hookUrl": "https://relay.test/x",
            }),
        ),
        (
            Method::PATCH,
            format!("/v1/contacts/{MAYA}"),
            json!({
                "given_name": "Maya", "custom_fields": [{"id": 8, "content": "dry"}],
            }),
        ),
    ]
}

#[tokio::test]
async fn a_body_of_a_wrong_shape_is_refused_and_changes_nothing() {
    let mut tried = 0;
    for (method, path, right) in rights() {
        let tenant = tenant();
        let before = tenant.accepted();
        let members = right.as_object().expect("an object").clone();
        for (name, value) in &members {
            let mut bodies: Vec<Value> = wrong(value)
                .into_iter()
                .map(|wrong| {
                    let mut body = right.clone();
                    body[name] = wrong;
                    body
                })
                .collect();
            // Words of closed lists, and the members of what a list holds.
            if ["priority", "billing_cycle"].contains(&name.as_str()) {
                let mut body = right.clone();
                body[name] = json!("SOMETIMES");
                bodies.push(body);
            }
            if let Some(Value::Object(item)) = value.get(0) {
                for member in item.keys().filter(|member| *member != "content") {
                    let mut body = right.clone();
                    body[name][0][member] = json!([7]);
                    bodies.push(body);
                }
            }
            for body in bodies {
                let answer = tenant.send(method.clone(), &path, &body).await;
                let answer = answer.expect("an answer");
                assert_eq!(answer.status, 400, "{method} {path} {body}");
                tried += 1;
            }
        }
        for body in [json!([]), json!("x"), json!(7)] {
            let answer = tenant.send(method.clone(), &path, &body).await;
            assert_eq!(
                answer.expect("an answer").status,
                400,
                "{method} {path} {body}"
            );
            tried += 1;
        }
        assert_eq!(tenant.accepted(), before, "{method} {path}");
        let answer = tenant.send(method.clone(), &path, &right).await;
        let status = answer.expect("an answer").status;
        assert!((200..300).contains(&status), "{method} {path}: {status}");
    }
    assert!(tried > 200, "only {tried}");
}

#[tokio::test]
async fn addresses_that_are_none_are_refused_and_the_list_stays_whole() {
    let tenant = Tenant::new();
    tenant.act(Act::AddContact(NewContact {
        id: Some(501),
        ..NewContact::default()
    }));
    let path = "/v2/contacts/501?update_mask=email_addresses";
    let refused = tenant.patch(path, json!({"email_addresses": ["x"]})).await;
    assert_eq!(refused.status, 400);
    let list = tenant.get("/v2/contacts?page_size=100").await;
    assert_eq!(list.status, 200);
    assert_eq!(list.json["contacts"].as_array().map(Vec::len), Some(3));
}

/// The filters and sort keys of each list that the client asks for.
const ASKED: [(&str, &[&str], &[&str]); 8] = [
    ("contacts", &["email", "ids", "start_update_time"], &["id"]),
    (
        "emails",
        &["contact_id", "start_created_time"],
        &["created_time"],
    ),
    (
        "emailAddresses",
        &[],
        &["last_open_time", "last_click_time"],
    ),
    ("orders", &["contact_id"], &[]),
    ("products", &["name"], &[]),
    ("subscriptions", &["contact_id", "ids"], &[]),
    (
        "tasks",
        &["contact_id", "task_ids", "user_id", "since_time"],
        &["create_time"],
    ),
    ("users", &["email", "include_inactive"], &[]),
];

#[tokio::test]
async fn the_filters_and_sort_keys_that_the_client_asks_for_are_described_and_no_others_are_taken()
{
    let tenant = tenant();
    let mut refused = 0;
    for operation in description().expect("readable").operations() {
        let path = operation.path.replace("/rest", "");
        let Some((_, filters, orders)) = ASKED
            .iter()
            .find(|asked| path == format!("/v2/{}", asked.0))
        else {
            continue;
        };
        if operation.method != "GET" {
            continue;
        }
        for (described, asked, query) in [
            (&operation.filters, filters, "filter"),
            (&operation.orders, orders, "order_by"),
        ] {
            let described = described.as_deref().unwrap_or_default();
            for name in *asked {
                assert!(described.iter().any(|one| one == name), "{path} {name}");
            }
            for name in described {
                let value = match (query, name.contains("_time")) {
                    ("order_by", _) => "%20desc",
                    (_, true) => "%3D%3D2026-11-03T16:00:00.000Z",
                    (_, false) => "%3D%3Dtrue",
                };
                let answer = tenant.get(&format!("{path}?{query}={name}{value}")).await;
                let taken = asked.contains(&name.as_str());
                assert_eq!(answer.status == 200, taken, "{path} {name}");
                let told = answer.text.contains("none of the emulator's");
                assert_eq!(told, !taken, "{path} {name}: {}", answer.text);
                refused += usize::from(told);
            }
        }
    }
    assert!(refused > 60, "only {refused}");
    assert_eq!(tenant.keap.mismatches(Side::Request), Vec::<String>::new());
}
