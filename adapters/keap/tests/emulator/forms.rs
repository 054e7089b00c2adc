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

#[tokio::test]
async fn every_described_filter_and_sort_key_is_taken() {
    let tenant = tenant();
    let tag = tenant.post("/v2/tags", json!({ "name": "x" })).await;
    let tag = tag.json["id"].as_str().expect("an id").to_owned();
    let described = description().expect("readable");
    let mut taken = 0;
    for operation in described.operations() {
        let path = operation.path.replace("/rest", "");
        let path = path
            .replace("{contact_id}", "1001")
            .replace("{product_id}", "11")
            .replace("{tag_id}", &tag);
        for filter in operation.filters.iter().flatten() {
            let value = match filter.as_str() {
                name if name.contains("_time") => "2026-11-03T16:00:00.000Z",
                "opted_in" | "paid" | "has_due_date" | "is_completed" | "include_inactive"
                | "include_partners" | "active" => "true",
                "priority" => "CRITICAL",
                "order_type" => "ONLINE",
                "cycle_type" => "MONTHLY",
                "statuses" => "CONFIRMED",
                _ => "7",
            };
            let mut text = format!("{filter}%3D%3D{value}");
            // The one is refused without the other.
            match filter.as_str() {
                "phone_number" => text.push_str("%3Bphone_fields%3D%3DPHONE1"),
                "phone_fields" => text = format!("phone_number%3D%3D7%3B{filter}%3D%3DPHONE1"),
                _ => {}
            }
            let answer = tenant.get(&format!("{path}?filter={text}")).await;
            assert_eq!(
                answer.status,
                200,
                "{} {filter}: {}",
                operation.name(),
                answer.text
            );
            taken += 1;
        }
        for order in operation.orders.iter().flatten() {
            let answer = tenant.get(&format!("{path}?order_by={order}%20desc")).await;
            assert_eq!(
                answer.status,
                200,
                "{} {order}: {}",
                operation.name(),
                answer.text
            );
            taken += 1;
        }
    }
    assert!(taken > 100, "only {taken}");
    assert_eq!(tenant.keap.mismatches(Side::Request), Vec::<String>::new());
}
