//! Goals, notes of everybody, products, refused tags.

use relay_keap::emulator::{Act, NameFilter, NewProduct, TagRefusal};
use serde_json::json;

use crate::tenant::{JO, MAYA, Tenant};

const GOAL: &str = "/v2/automations/goals/achieve";

#[tokio::test]
async fn a_goal_that_is_not_there_is_200() {
    let tenant = Tenant::new();
    let goal = json!({ "contact_id": MAYA, "integration": "relay", "call_name": "away" });
    let missed = tenant.post(GOAL, goal).await;
    assert_eq!(missed.status, 200);
    assert_eq!(missed.json["results"][0]["success"], json!(false));
    assert_eq!(tenant.operations(), ["achieve_goal_missed"]);
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
async fn everybodys_notes_are_listed() {
    let tenant = Tenant::new();
    for contact in [MAYA, JO] {
        let body = json!({ "user_id": "1", "title": format!("Mailed {contact} [relay:02]") });
        let path = format!("/v2/contacts/{contact}/notes");
        assert_eq!(tenant.post(&path, body).await.status, 201);
    }
    let list = tenant.get("/v2/notes?page_size=100").await;
    assert_eq!(list.json["notes"].as_array().map(Vec::len), Some(2));
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
    assert_eq!(found("Nothing").await, Some(0));
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
async fn users_come_in_pages_of_one_to_a_hundred() {
    let tenant = Tenant::new();
    for (query, status) in [
        ("page_size=0", 400),
        ("page_size=1", 200),
        ("page_size=100", 200),
        ("page_size=101", 400),
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
