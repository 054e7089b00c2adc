//! Goals, fields of tasks, notes of everybody, products, orders, refused tags.

use relay_keap::emulator::{
    Act, NameFilter, NewField, NewGoal, NewOrder, NewPaymentMethod, NewProduct, NewSubscription,
    TagRefusal,
};
use serde_json::{Value, json};

use crate::tenant::{JO, MAYA, Tenant};

const GOAL: &str = "/v2/automations/goals/achieve";

#[tokio::test]
async fn a_goal_is_achieved_by_name_and_200_may_mean_that_there_is_none() {
    let tenant = Tenant::new();
    tenant.act(Act::AddGoal(NewGoal {
        integration: "relay".to_owned(),
        call_name: "unreached".to_owned(),
    }));
    let goal = |contact: u64, name: &str| json!({ "contact_id": contact, "integration": "relay", "call_name": name });
    for _ in 0..2 {
        let done = tenant.post(GOAL, goal(MAYA, "unreached")).await;
        assert_eq!(done.status, 200);
        assert_eq!(done.json["results"][0]["success"], json!(true));
    }
    for body in [goal(MAYA, "nothing"), goal(99, "unreached")] {
        let missed = tenant.post(GOAL, body).await;
        assert_eq!(missed.status, 200);
        assert_eq!(missed.json["results"][0]["success"], json!(false));
    }
    assert_eq!(
        tenant.operations(),
        [
            "achieve_goal",
            "achieve_goal",
            "achieve_goal_missed",
            "achieve_goal_missed"
        ],
        "a second time is a second time"
    );
}

#[tokio::test]
async fn a_goal_wants_integers_and_both_names() {
    let tenant = Tenant::new();
    for body in [
        json!({ "contact_id": "1001", "integration": "relay", "call_name": "x" }),
        json!({ "contact_id": 1001, "integration": "relay" }),
        json!({ "integration": "relay", "call_name": "x" }),
    ] {
        assert_eq!(tenant.post(GOAL, body).await.status, 400);
    }
    assert_eq!(tenant.operations(), Vec::<String>::new());
}

#[tokio::test]
async fn fields_of_tasks_are_shown_only_when_asked_for_and_an_empty_list_resets_them() {
    let tenant = Tenant::new();
    let field = tenant.act(Act::AddTaskField(NewField {
        label: "Urgency".to_owned(),
        ..NewField::default()
    }));
    let value = json!([{ "id": field.to_string(), "content": "high" }]);
    let unset = json!([{ "id": field.to_string(), "content": null }]);
    let body = json!({ "assigned_to_user_id": "1", "title": "Call", "custom_fields": value });
    let made = tenant.post("/v2/tasks", body.clone()).await;
    assert_eq!(made.status, 201);
    assert_eq!(made.json.get("custom_fields"), None);
    let id = made.json["id"].as_str().expect("an id");
    let (task, asked) = (
        format!("/v2/tasks/{id}"),
        format!("/v2/tasks/{id}?fields=title,custom_fields"),
    );
    assert_eq!(tenant.get(&task).await.json.get("custom_fields"), None);
    assert_eq!(tenant.get(&asked).await.json["custom_fields"], value);
    let list = tenant.get("/v2/tasks?fields=custom_fields").await;
    assert_eq!(list.json["tasks"][0]["custom_fields"], value);
    let list = tenant.get("/v2/tasks").await;
    assert_eq!(list.json["tasks"][0].get("custom_fields"), None);
    let mask = format!("{task}?update_mask=custom_fields");
    tenant.patch(&mask, json!({ "custom_fields": [] })).await;
    assert_eq!(tenant.get(&asked).await.json["custom_fields"], unset);
    let unknown = json!({ "custom_fields": [{ "id": "77", "content": "x" }] });
    assert_eq!(tenant.patch(&mask, unknown).await.status, 400);
}

#[tokio::test]
async fn a_task_takes_listed_priorities_and_reminders_and_is_deleted_once() {
    let tenant = Tenant::new();
    for (member, value, status) in [
        ("priority", json!("ESSENTIAL"), 201),
        ("priority", json!("URGENT"), 400),
        ("remind_time_mins", json!(30), 201),
        ("remind_time_mins", json!(31), 400),
        ("remind_time_mins", json!("30"), 400),
    ] {
        let mut body = json!({ "assigned_to_user_id": "1" });
        body[member] = value;
        assert_eq!(
            tenant.post("/v2/tasks", body).await.status,
            status,
            "{member}"
        );
    }
    let gone = tenant.delete("/v2/tasks/30001").await;
    assert_eq!((gone.status, gone.text.as_str()), (204, ""));
    assert_eq!(tenant.delete("/v2/tasks/30001").await.status, 404);
    assert_eq!(
        tenant.operations(),
        ["call_task", "call_task", "delete_task"]
    );
}

#[tokio::test]
async fn everybodys_notes_are_listed_unless_a_filter_names_a_contact() {
    let tenant = Tenant::new();
    for contact in [MAYA, JO] {
        let body = json!({ "user_id": "1", "title": format!("Mailed {contact} [relay:02]") });
        let path = format!("/v2/contacts/{contact}/notes");
        assert_eq!(tenant.post(&path, body).await.status, 201);
    }
    for (query, found) in [
        ("page_size=100", 2),
        ("filter=contact_id%3D%3D1001", 1),
        ("filter=title%3D%3Drelay:02", 2),
        ("filter=title%3D%3DMailed%2A", 2),
        ("filter=title%3D%3Drelay%2A", 0),
        ("filter=ids%3D%3D40001,40002", 2),
        ("filter=id%3E40001", 1),
    ] {
        let list = tenant.get(&format!("/v2/notes?{query}")).await;
        assert_eq!(
            list.json["notes"].as_array().map(Vec::len),
            Some(found),
            "{query}"
        );
    }
    for filter in [
        "id%3E1%3Bids%3D%3D40001",
        "title%3D%3D%2Arelay",
        "contact_id%3D%3D1%2A",
    ] {
        let answer = tenant.get(&format!("/v2/notes?filter={filter}")).await;
        assert_eq!(answer.status, 400, "{filter}");
    }
}

#[tokio::test]
async fn products_are_found_by_their_whole_name_or_by_part_of_it() {
    let tenant = Tenant::new();
    for name in ["Monthly Coaching Support Fee", "Coaching", "Starter kit"] {
        tenant.act(Act::AddProduct(NewProduct {
            name: name.to_owned(),
            ..NewProduct::default()
        }));
    }
    let found = async |name: &str| {
        let list = tenant
            .get(&format!("/v2/products?filter=name%3D%3D{name}"))
            .await;
        list.json["products"].as_array().map(Vec::len)
    };
    assert_eq!(found("coaching").await, Some(2), "any part of it");
    tenant
        .keap
        .configure(|s| s.name_filter = NameFilter::Equals);
    assert_eq!(found("coaching").await, Some(1));
    assert_eq!(found("Monthly%2A").await, Some(1));
    assert_eq!(found("Nothing").await, Some(0));
}

#[tokio::test]
async fn an_order_is_read_alone_too() {
    let tenant = Tenant::new();
    let order = tenant.act(Act::AddOrder(NewOrder {
        contact: MAYA,
        title: "Starter kit".to_owned(),
        total_due: 4_500,
        ..NewOrder::default()
    }));
    let read = tenant.get(&format!("/v2/orders/{order}")).await;
    assert_eq!(read.json["title"], json!("Starter kit"));
    assert_eq!(read.json["payment_plan"], Value::Null);
    assert_eq!(tenant.get("/v2/orders/99").await.status, 404);
}

#[tokio::test]
async fn v1_shows_subscriptions_with_integers_and_without_names() {
    let tenant = Tenant::new();
    tenant.act(Act::AddPaymentMethod(NewPaymentMethod {
        id: Some(6001),
        contact: MAYA,
        last_four: None,
    }));
    tenant.act(Act::AddSubscription(NewSubscription {
        id: Some(5001),
        contact: MAYA,
        product: Some(701),
        payment_method: Some(6001),
        ..NewSubscription::default()
    }));
    let list = tenant.get("/v1/subscriptions?contact_id=1001").await;
    let subscription = &list.json["subscriptions"][0];
    assert_eq!(subscription["id"], json!(5001));
    assert_eq!(subscription["product_id"], json!(701));
    assert_eq!(subscription.get("payment_method_id"), None);
    let none = tenant.get("/v1/subscriptions?contact_id=1002").await;
    assert_eq!(none.json["subscriptions"], json!([]));
}

#[tokio::test]
async fn a_tag_that_is_refused_for_one_contact_is_200_and_not_applied() {
    let tenant = Tenant::new();
    tenant.post("/v2/tags", json!({ "name": "x" })).await;
    let apply = "/v2/tags/301/contacts:applyTags";
    for word in ["NO_PERMISSION", "FAILURE", "SOMETHING_NEW"] {
        tenant.act(Act::RefuseTags(TagRefusal {
            contact: JO,
            word: Some(word.to_owned()),
        }));
        let answer = tenant
            .post(apply, json!({ "contact_ids": ["1001", "1002"] }))
            .await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.json["results"]["1002"], json!(word));
    }
    let has = tenant.get("/v2/contacts/1002/tags").await;
    assert_eq!(has.json["tags"], json!([]));
    let act = json!({ "act": "refuse_tags", "contact": JO, "word": null });
    tenant.keap.act(act).expect("possible");
    let answer = tenant.post(apply, json!({ "contact_ids": ["1002"] })).await;
    assert_eq!(answer.json["results"]["1002"], json!("SUCCESS"));
}

#[tokio::test]
async fn the_built_in_contact_types_are_listed() {
    let tenant = Tenant::new();
    let list = tenant.get("/v2/settings/contactOptionTypes").await;
    assert_eq!(list.status, 200);
    assert!(list.json["option_types"].is_array());
}

#[tokio::test]
async fn users_come_in_pages_of_one_to_a_hundred_and_have_no_filter_by_family_name() {
    let tenant = Tenant::new();
    for (query, status) in [
        ("page_size=0", 400),
        ("page_size=1", 200),
        ("page_size=100", 200),
        ("page_size=101", 400),
        ("filter=family_name%3D%3DCoach", 400),
        ("filter=given_name%3D%3DCora", 200),
    ] {
        let answer = tenant.get(&format!("/v2/users?{query}")).await;
        assert_eq!(answer.status, status, "{query}");
    }
}

#[tokio::test]
async fn fields_are_joined_by_commas_in_one_parameter() {
    let tenant = Tenant::new();
    let joined = tenant.get("/v2/contacts/1001?fields=id,given_name").await;
    assert_eq!(joined.json, json!({ "id": "1001", "given_name": "Maya" }));
    let repeated = tenant
        .get("/v2/contacts/1001?fields=id&fields=given_name")
        .await;
    assert_eq!(
        repeated.json,
        json!({ "id": "1001" }),
        "the second is not read"
    );
}

#[tokio::test]
async fn an_edition_without_an_event_neither_lists_nor_takes_it() {
    let tenant = Tenant::new();
    let withheld = vec!["task.complete".to_owned()];
    tenant
        .keap
        .configure(|settings| settings.unoffered_events = withheld);
    let keys = tenant.get("/v1/hooks/event_keys").await.json;
    let keys: Vec<String> = serde_json::from_value(keys).expect("a plain array");
    assert!(!keys.contains(&"task.complete".to_owned()) && keys.contains(&"task.edit".to_owned()));
    let body = json!({ "eventKey": "task.complete", "hookUrl": "https://relay.test/hook" });
    let answer = tenant.post("/v1/hooks", body).await;
    assert_eq!(answer.status, 400);
}
