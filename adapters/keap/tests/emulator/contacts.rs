//! Contacts, custom fields, filters and pages.

use relay_keap::emulator::{
    Act, Drift, FieldEcho, ListWrite, ModelMetadata, NameFilter, PageEnd, PageToken,
};
use serde_json::{Value, json};

use crate::tenant::{JO, MAYA, Tenant};

const MAYA_FIELDS: &str = "/v2/contacts/1001?fields=custom_fields";
const PATCH_FIELDS: &str =
    "/v2/contacts/1001?update_mask=custom_fields&fields=custom_fields,update_time";

fn in_person() -> Value {
    json!({ "custom_fields": [{ "id": "6", "content": "In-Person" }] })
}

#[tokio::test]
async fn ids_are_text_in_v2_and_integers_in_v1() {
    let tenant = Tenant::new();
    let v2 = tenant.get("/v2/contacts/1001?fields=id,update_time").await;
    assert_eq!(
        v2.json,
        json!({ "id": "1001", "update_time": "2026-11-03T16:00:00Z" })
    );
    let v1 = tenant
        .get("/v1/contacts/1001?optional_properties=custom_fields")
        .await;
    assert_eq!(v1.json["id"], json!(1001));
    assert_eq!(v1.json["owner_id"], json!(1));
    assert_eq!(
        v1.json["last_updated"],
        json!("2026-11-03T16:00:00.000+0000")
    );
    assert_eq!(
        v1.json["custom_fields"][0],
        json!({ "id": 6, "content": "Online" })
    );
}

#[tokio::test]
async fn custom_fields_are_shown_only_when_asked_for() {
    let tenant = Tenant::new();
    let whole = tenant.get("/v2/contacts/1001").await;
    assert_eq!(whole.json["given_name"], json!("Maya"));
    assert_eq!(whole.json.get("custom_fields"), None);
    let v1 = tenant.get("/v1/contacts/1001").await;
    assert_eq!(v1.json.get("custom_fields"), None);
}

#[tokio::test]
async fn every_defined_field_is_echoed_and_an_unset_one_is_null() {
    let tenant = Tenant::new();
    let path = format!("/v2/contacts/{JO}?fields=custom_fields");
    let all = tenant.get(&path).await;
    assert_eq!(
        all.json["custom_fields"],
        json!([
            { "id": "6", "content": null },
            { "id": "8", "content": null },
            { "id": "10", "content": null },
        ])
    );
    tenant.keap.configure(|s| s.field_echo = FieldEcho::OnlySet);
    assert_eq!(tenant.get(&path).await.json["custom_fields"], json!([]));
}

#[tokio::test]
async fn a_single_field_replaces_the_whole_list_in_v2() {
    let tenant = Tenant::new();
    let answer = tenant.patch(PATCH_FIELDS, in_person()).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.json["custom_fields"],
        json!([
            { "id": "6", "content": "In-Person" },
            { "id": "8", "content": null },
            { "id": "10", "content": null },
        ])
    );
    let (operation, who, content) = tenant.accepted().remove(0);
    assert_eq!((operation.as_str(), who.as_str()), ("contact_type", "1001"));
    assert_eq!(content["field"], json!("Contact Type"));
    assert_eq!(content["others_unchanged"], json!(false));
    assert_eq!(
        content["others_changed"],
        json!({ "Skin Type": null, "Visits": null })
    );
}

#[tokio::test]
async fn the_full_list_changes_one_field_and_says_so() {
    let tenant = Tenant::new();
    let list = json!({ "custom_fields": [
        { "id": "6", "content": "In-Person" },
        { "id": "8", "content": "dry" },
        { "id": "10", "content": 3 },
    ] });
    tenant.patch(PATCH_FIELDS, list.clone()).await;
    tenant.patch(PATCH_FIELDS, list).await;
    let accepted = tenant.accepted();
    assert_eq!(
        accepted[0].2,
        json!({
            "field": "Contact Type",
            "value": "In-Person",
            "others_unchanged": true,
            "others_changed": {},
        })
    );
    assert_eq!(accepted[1].0, "contact_type_again");
}

#[tokio::test]
async fn merging_keeps_the_other_fields() {
    let tenant = Tenant::with(|s| s.custom_fields = ListWrite::Merge);
    let answer = tenant.patch(PATCH_FIELDS, in_person()).await;
    assert_eq!(
        answer.json["custom_fields"][1],
        json!({ "id": "8", "content": "dry" })
    );
}

#[tokio::test]
async fn v1_has_its_own_semantics() {
    let path = "/v1/contacts/1001?update_mask=custom_fields";
    let body = json!({ "custom_fields": [{ "id": 6, "content": "In-Person" }] });
    let tenant = Tenant::new();
    assert_eq!(tenant.patch(path, body.clone()).await.status, 200);
    let read = tenant.get(MAYA_FIELDS).await;
    assert_eq!(read.json["custom_fields"][1]["content"], json!("dry"));

    let tenant = Tenant::with(|s| s.v1_custom_fields = ListWrite::Replace);
    tenant.patch(path, body).await;
    let read = tenant.get(MAYA_FIELDS).await;
    assert_eq!(read.json["custom_fields"][1]["content"], Value::Null);
}

#[tokio::test]
async fn an_option_the_field_does_not_have_is_refused() {
    let odd = json!({ "custom_fields": [{ "id": "6", "content": "In Person" }] });
    let tenant = Tenant::new();
    assert_eq!(tenant.patch(PATCH_FIELDS, odd.clone()).await.status, 400);
    assert_eq!(tenant.operations(), Vec::<String>::new());
    let read = tenant.get(MAYA_FIELDS).await;
    assert_eq!(read.json["custom_fields"][0]["content"], json!("Online"));
}

#[tokio::test]
async fn an_unknown_field_id_is_refused() {
    let tenant = Tenant::new();
    let body = json!({ "custom_fields": [{ "id": "7", "content": "x" }] });
    assert_eq!(tenant.patch(PATCH_FIELDS, body).await.status, 400);
}

#[tokio::test]
async fn a_missing_contact_is_404_in_the_shape_of_its_version() {
    let tenant = Tenant::new();
    let v2 = tenant.get("/v2/contacts/99").await;
    assert_eq!((v2.status, &v2.json["code"]), (404, &json!(404)));
    assert_eq!(v2.json["message"], json!("Unable to find this Contact"));
    let v1 = tenant.get("/v1/contacts/99").await;
    assert_eq!(v1.status, 404);
    assert_eq!(v1.json, json!({ "message": "Unable to find this Contact" }));
}

fn ids(list: &Value) -> Vec<&str> {
    let items = list.as_array().expect("a list").iter();
    items
        .map(|item| item["id"].as_str().expect("an id"))
        .collect()
}

#[tokio::test]
async fn filters_find_by_address_ids_and_time() {
    let tenant = Tenant::new();
    tenant.pass(60);
    tenant.act(Act::EditContactField {
        contact: JO,
        field: "Skin Type".to_owned(),
        value: json!("oily"),
    });
    for (filter, found) in [
        ("email%3D%3Dmaya%40example.test", vec!["1001"]),
        ("ids%3D%3D1001,1002,77", vec!["1001", "1002"]),
        (
            "start_update_time%3D%3D2026-11-03T16:00:30.000Z",
            vec!["1002"],
        ),
    ] {
        let answer = tenant
            .get(&format!("/v2/contacts?filter={filter}&page_size=100"))
            .await;
        assert_eq!(answer.status, 200, "{filter}");
        assert_eq!(ids(&answer.json["contacts"]), found, "{filter}");
    }
}

#[tokio::test]
async fn a_filter_that_the_list_does_not_know_is_refused() {
    let tenant = Tenant::new();
    for filter in [
        "nickname%3D%3Dmay",
        "email%3Emay",
        "email%3D%3Dmay%2A",
        "email",
        "start_update_time%3D%3D2026-11-03",
        "start_update_time%3D%3D2026-11-03T16:00:30Z",
    ] {
        let answer = tenant.get(&format!("/v2/contacts?filter={filter}")).await;
        assert_eq!(answer.status, 400, "{filter}");
        for member in ["code", "message", "status", "details"] {
            assert!(answer.json.get(member).is_some(), "{filter}: {member}");
        }
    }
}

#[tokio::test]
async fn unknown_parameters_are_ignored_and_return_everything() {
    let tenant = Tenant::new();
    let answer = tenant
        .get("/v2/contacts?email=maya%40example.test&page_size=100")
        .await;
    assert_eq!(ids(&answer.json["contacts"]), ["1001", "1002"]);
}

#[tokio::test]
async fn pages_follow_a_token_or_an_address_and_end_in_three_ways() {
    let tenant = Tenant::new();
    let first = tenant
        .get("/v2/contacts?page_size=1&order_by=id%20desc")
        .await;
    assert_eq!(ids(&first.json["contacts"]), ["1002"]);
    let token = first.json["next_page_token"]
        .as_str()
        .expect("a token")
        .to_owned();
    let rest = format!("/v2/contacts?page_size=1&order_by=id%20desc&page_token={token}");
    let last = tenant.get(&rest).await;
    assert_eq!(ids(&last.json["contacts"]), ["1001"]);
    assert_eq!(last.json.get("next_page_token"), None);

    tenant.keap.configure(|s| s.page_end = PageEnd::Null);
    let last = tenant.get(&rest).await;
    assert_eq!(last.json.get("next_page_token"), Some(&Value::Null));
    tenant.keap.configure(|s| s.page_end = PageEnd::Empty);
    assert_eq!(tenant.get(&rest).await.json["next_page_token"], json!(""));

    tenant.keap.configure(|s| s.page_token = PageToken::Url);
    let first = tenant.get("/v2/contacts?page_size=1").await;
    let url = first.json["next_page_token"].as_str().expect("an address");
    assert_eq!(
        url,
        format!(
            "https://api.infusionsoft.com/crm/rest/v2/contacts/?page_size=1&page_token={token}"
        )
    );
    assert_eq!(
        tenant.get("/v2/contacts?page_token=elsewhere").await.status,
        400
    );
    assert_eq!(tenant.get("/v2/contacts?page_size=1001").await.status, 400);
}

#[tokio::test]
async fn v1_lists_have_a_next_address_even_on_an_empty_page() {
    let tenant = Tenant::new();
    let answer = tenant.get("/v1/contacts?limit=10&offset=50").await;
    assert_eq!(answer.json["contacts"], json!([]));
    assert_eq!(answer.json["count"], json!(2));
    assert!(
        answer.json["next"]
            .as_str()
            .expect("an address")
            .contains("offset=60")
    );
}

#[tokio::test]
async fn the_model_tells_all_or_next_to_nothing() {
    let tenant = Tenant::new();
    let full = tenant.get("/v2/contacts/model").await;
    let field = &full.json["custom_fields"][0];
    assert_eq!(field["label"], json!("Contact Type"));
    assert_eq!(field["options"][1]["label"], json!("In-Person"));
    let tabs = tenant.get("/v2/contacts/model/customFields/tabs").await;
    let tab = tabs.json["tabs"][0]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    assert_eq!(tabs.json["tabs"][0]["name"], json!("Clear Connection"));
    let groups = format!("/v2/contacts/model/customFields/groups?tab_id={tab}");
    let groups = tenant.get(&groups).await;
    assert_eq!(groups.json["groups"][0]["id"], field["group_id"]);

    tenant.keap.configure(|s| s.model = ModelMetadata::Null);
    let bare = tenant.get("/v2/contacts/model").await;
    let field = &bare.json["custom_fields"][0];
    assert_eq!(field["label"], json!("ContactType"));
    for member in ["options", "record_type", "group_id", "field_name"] {
        assert_eq!(field.get(member), Some(&Value::Null), "{member}");
    }
    let v1 = tenant.get("/v1/contacts/model").await;
    let field = &v1.json["custom_fields"][0];
    assert_eq!(field["id"], json!(6));
    assert_eq!(field["label"], json!("Contact Type"));
    assert_eq!(field["field_type"], json!("Dropdown"));
    assert_eq!(field["options"][0]["label"], json!("Online"));
}

#[tokio::test]
async fn objects_drift_with_nulls_and_members_nobody_announced() {
    let path = format!("/v2/contacts/{JO}");
    let tenant = Tenant::with(|s| s.drift = Drift::Tidy);
    assert_eq!(tenant.get(&path).await.json.get("family_name"), None);
    tenant.keap.configure(|s| s.drift = Drift::Nulls);
    let nulls = tenant.get(&path).await;
    assert_eq!(nulls.json.get("family_name"), Some(&Value::Null));
    assert_eq!(nulls.json.get("x_news"), None);
    tenant.keap.configure(|s| s.drift = Drift::NullsAndNews);
    assert!(tenant.get(&path).await.json["x_news"].is_object());
}

#[tokio::test]
async fn users_are_found_by_address_and_inactive_ones_only_on_request() {
    let tenant = Tenant::new();
    let by_email = "/v2/users?filter=email%3D%3Dcoach%40example.test&page_size=100";
    let found = tenant.get(by_email).await;
    assert_eq!(found.json["users"][0]["id"], json!("1"));
    assert_eq!(found.json["users"][0]["status"], json!("ACTIVE"));
    tenant.act(Act::SetUserStatus {
        user: 1,
        status: "INACTIVE".to_owned(),
    });
    assert_eq!(tenant.get(by_email).await.json["users"], json!([]));
    let all = format!("{by_email}&x=1").replace("test&", "test%3Binclude_inactive%3D%3Dtrue&");
    assert_eq!(
        tenant.get(&all).await.json["users"][0]["status"],
        json!("INACTIVE")
    );
    assert_eq!(tenant.get("/v2/users?page_size=101").await.status, 400);
}

#[tokio::test]
async fn a_deleted_contact_is_gone_and_a_merged_one_leaves_its_mail() {
    let tenant = Tenant::new();
    let email = tenant.keap.act(json!({
        "act": "add_email_record", "contact": JO, "subject": "Hello",
    }));
    assert_eq!(email, Ok(json!({ "id": 20_001 })));
    tenant.act(Act::MergeContacts {
        keep: MAYA,
        gone: JO,
    });
    assert_eq!(tenant.get(&format!("/v2/contacts/{JO}")).await.status, 404);
    let emails = tenant.get("/v2/emails?filter=contact_id%3D%3D1001").await;
    assert_eq!(ids(&emails.json["emails"]), ["20001"]);
}

#[tokio::test]
async fn an_act_that_is_not_possible_says_why() {
    let tenant = Tenant::new();
    let act = json!({ "act": "open_email", "contact": JO });
    assert_eq!(tenant.keap.act(act), Err("no such email".to_owned()));
    let act = json!({ "act": "dance" });
    assert!(
        tenant
            .keap
            .act(act)
            .expect_err("no act")
            .contains("unknown variant")
    );
}

#[tokio::test]
async fn names_match_in_part_or_whole() {
    let tenant = Tenant::new();
    tenant
        .post("/v2/tags", json!({ "name": "Follow-up: email" }))
        .await;
    let part = "/v2/tags?filter=name%3D%3Dfollow-up";
    assert_eq!(
        tenant.get(part).await.json["tags"].as_array().map(Vec::len),
        Some(1)
    );
    tenant
        .keap
        .configure(|s| s.name_filter = NameFilter::Equals);
    assert_eq!(tenant.get(part).await.json["tags"], json!([]));
}
