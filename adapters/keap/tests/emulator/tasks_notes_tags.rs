//! Tasks, notes and tags.

use relay_keap::emulator::{Act, NewUser};
use serde_json::{Value, json};

use crate::tenant::{MAYA, Tenant};

fn call() -> Value {
    json!({
        "title": "CALL Maya R.",
        "description": "last 3 emails unopened\n[relay:01]",
        "assigned_to_user_id": "1",
        "contact_id": "1001",
        "due_time": "2026-11-04T17:00:00Z",
    })
}

async fn task(tenant: &Tenant) -> String {
    let made = tenant.post("/v2/tasks", call()).await;
    assert_eq!(made.status, 201);
    made.json["id"].as_str().expect("an id").to_owned()
}

fn count(list: &Value) -> usize {
    list.as_array().expect("a list").len()
}

#[tokio::test]
async fn a_task_is_made_and_written_down() {
    let tenant = Tenant::new();
    let id = task(&tenant).await;
    assert_eq!(
        tenant.accepted(),
        [(
            "call_task".to_owned(),
            "1001".to_owned(),
            json!({
                "title": "CALL Maya R.",
                "description": "last 3 emails unopened\n[relay:01]",
                "user_id": "1",
                "due": "2026-11-04T17:00:00Z",
            })
        )]
    );
    let read = tenant.get(&format!("/v2/tasks/{id}")).await;
    assert_eq!(read.json["completed"], json!(false));
    assert_eq!(read.json["create_time"], json!("2026-11-03T16:00:00Z"));
    assert_eq!(read.json["created_by_user_id"], json!("1"));
}

#[tokio::test]
async fn a_task_that_is_wrong_is_refused() {
    let tenant = Tenant::new();
    for (member, value) in [
        ("assigned_to_user_id", Value::Null),
        ("assigned_to_user_id", json!("99")),
        ("contact_id", json!("99")),
        ("due_time", json!("tomorrow")),
        ("remind_time_mins", json!("30")),
    ] {
        let mut body = call();
        body[member] = value;
        assert_eq!(tenant.post("/v2/tasks", body).await.status, 400, "{member}");
    }
}

#[tokio::test]
async fn tasks_are_listed_late_but_read_at_once() {
    let tenant = Tenant::with(|s| s.task_delay = 90..=90);
    let id = task(&tenant).await;
    let list = "/v2/tasks?filter=contact_id%3D%3D1001&page_size=100";
    assert_eq!(count(&tenant.get(list).await.json["tasks"]), 0);
    assert_eq!(tenant.get(&format!("/v2/tasks/{id}")).await.status, 200);
    tenant.pass(90);
    assert_eq!(count(&tenant.get(list).await.json["tasks"]), 1);
}

#[tokio::test]
async fn task_filters_do_what_they_say() {
    let tenant = Tenant::new();
    task(&tenant).await;
    for (filter, found) in [
        ("contact_id%3D%3D1001", 1),
        ("contact_id%3D%3D1002", 0),
        ("task_ids%3D%3D30001,30002", 1),
        ("task_ids%3D%3D30002", 0),
        ("user_id%3D%3D1", 1),
        ("user_id%3D%3D2", 0),
        ("since_time%3D%3D2020-01-01T00%3A00%3A00.000Z", 1),
        ("since_time%3D%3D2099-01-01T00%3A00%3A00.000Z", 0),
    ] {
        let list = tenant.get(&format!("/v2/tasks?filter={filter}")).await;
        assert_eq!(count(&list.json["tasks"]), found, "{filter}");
    }
}

#[tokio::test]
async fn patches_are_named_by_what_they_do() {
    let tenant = Tenant::new();
    tenant.act(Act::AddUser(NewUser {
        id: Some(2),
        ..NewUser::default()
    }));
    let id = task(&tenant).await;
    let reassign = format!("/v2/tasks/{id}?update_mask=assigned_to_user_id");
    tenant
        .patch(&reassign, json!({ "assigned_to_user_id": "2" }))
        .await;
    let close = format!("/v2/tasks/{id}?update_mask=completed&update_mask=completion_time");
    let done = json!({ "completed": true, "completion_time": "2026-11-03T16:00:00Z" });
    let joined = format!("/v2/tasks/{id}?update_mask=completed,completion_time");
    let refused = tenant.patch(&joined, done.clone()).await;
    assert_eq!(refused.status, 400, "a mask is a repeated key");
    let closed = tenant.patch(&close, done).await;
    assert_eq!(closed.json["completed"], json!(true));
    assert_eq!(closed.json["assigned_to_user_id"], json!("2"));
    let later = json!({ "completed": true, "completion_time": "2026-11-03T18:00:00Z" });
    tenant.patch(&close, later).await;
    assert_eq!(
        tenant.operations(),
        [
            "call_task",
            "reassign_task",
            "close_task",
            "close_task_again"
        ]
    );
}

#[tokio::test]
async fn a_coach_completes_edits_and_deletes_a_task() {
    let tenant = Tenant::new();
    let id = task(&tenant).await;
    let number: u64 = id.parse().expect("a number");
    tenant.act(Act::CompleteTask {
        task: None,
        contact: Some(MAYA),
        text: Some("Outcome: voicemail".to_owned()),
    });
    let read = tenant.get(&format!("/v2/tasks/{id}")).await;
    assert_eq!(read.json["completed"], json!(true));
    assert_eq!(read.json["completion_time"], json!("2026-11-03T16:00:00Z"));
    let description = read.json["description"].as_str().expect("a text");
    assert!(description.ends_with("[relay:01]\nOutcome: voicemail"));
    assert_eq!(
        tenant.operations(),
        ["call_task"],
        "people are not written down"
    );
    let reopened = json!({ "act": "edit_task", "task": number, "changes": { "completed": false } });
    tenant.keap.act(reopened).expect("possible");
    let read = tenant.get(&format!("/v2/tasks/{id}")).await;
    assert_eq!(read.json["completed"], json!(false));
    let write = |text: &str, as_html: bool| {
        let (contact, text) = (MAYA, text.to_owned());
        tenant.keap.act(
            json!({ "act": "write_in_task", "contact": contact, "text": text, "as_html": as_html }),
        )
    };
    write("send", false).expect_err("it has no line for an answer");
    let asks = json!({ "act": "edit_task", "task": number, "changes": { "description": "R&B?\nAnswer:\nA line" } });
    tenant.keap.act(asks).expect("possible");
    write("send", false).expect("possible");
    let read = tenant.get(&format!("/v2/tasks/{id}")).await;
    assert_eq!(
        read.json["description"],
        json!("R&B?\nAnswer: send\nA line")
    );
    write("no,", true).expect("possible");
    let read = tenant.get(&format!("/v2/tasks/{id}")).await;
    let html = "<p>R&amp;B?</p><p>Answer: no, send</p><p>A line</p>";
    assert_eq!(read.json["description"], json!(html));
    tenant.act(Act::DeleteTask {
        task: None,
        contact: Some(MAYA),
    });
    assert_eq!(tenant.get(&format!("/v2/tasks/{id}")).await.status, 404);
}

#[tokio::test]
async fn a_note_is_made_and_listed_later() {
    let tenant = Tenant::with(|s| s.note_delay = 5..=5);
    let path = "/v2/contacts/1001/notes";
    let body = json!({ "user_id": "1", "title": "Mailed [relay:02]", "text": "why" });
    let made = tenant.post(path, body).await;
    assert_eq!(made.status, 201);
    assert_eq!(made.json["assigned_to_user"]["id"], json!("1"));
    assert_eq!(
        tenant.accepted(),
        [(
            "contact_note".to_owned(),
            "1001".to_owned(),
            json!({ "title": "Mailed [relay:02]", "text": "why", "type": null, "user_id": "1" })
        )]
    );
    let list = format!("{path}?order_by=create_time%20desc");
    assert_eq!(count(&tenant.get(&list).await.json["notes"]), 0);
    tenant.pass(5);
    assert_eq!(count(&tenant.get(&list).await.json["notes"]), 1);
    for body in [
        json!({ "title": "x" }),
        json!({ "user_id": "1", "text": "x" }),
    ] {
        assert_eq!(tenant.post(path, body).await.status, 400);
    }
    assert_eq!(
        tenant.post("/v2/contacts/99/notes", json!({})).await.status,
        400
    );
    let body = json!({ "user_id": "1", "title": "x" });
    assert_eq!(tenant.post("/v2/contacts/99/notes", body).await.status, 404);
}

#[tokio::test]
async fn tag_names_are_unique() {
    let tenant = Tenant::new();
    let made = tenant
        .post("/v2/tags", json!({ "name": "Follow-up: phone" }))
        .await;
    assert_eq!((made.status, &made.json["id"]), (201, &json!("301")));
    let again = tenant
        .post("/v2/tags", json!({ "name": "follow-up: phone" }))
        .await;
    assert_eq!(again.status, 409);
    assert_eq!(tenant.operations(), ["create_tag"]);
}

#[tokio::test]
async fn applying_answers_200_with_a_status_for_each_contact() {
    let tenant = Tenant::new();
    tenant
        .post("/v2/tags", json!({ "name": "Follow-up: phone" }))
        .await;
    let apply = "/v2/tags/301/contacts:applyTags";
    let first = tenant
        .post(apply, json!({ "contact_ids": ["1001", "99"] }))
        .await;
    assert_eq!(first.status, 200);
    assert_eq!(
        first.json,
        json!({ "results": { "1001": "SUCCESS", "99": "CONTACT_NOT_FOUND" } })
    );
    let again = tenant.post(apply, json!({ "contact_ids": ["1001"] })).await;
    assert_eq!(again.json, json!({ "results": { "1001": "DUPLICATE" } }));
    let has = tenant
        .get("/v2/contacts/1001/tags?filter=name%3D%3DFollow-up%3A%20phone")
        .await;
    assert_eq!(has.json["tags"][0]["tag"]["id"], json!("301"));
    assert_eq!(
        has.json["tags"][0]["applied_time"],
        json!("2026-11-03T16:00:00Z")
    );
    assert_eq!(
        tenant.get("/v2/contacts/1001").await.json["tag_ids"],
        json!(["301"])
    );

    let remove = "/v2/tags/301/contacts:removeTags";
    for _ in 0..2 {
        let removed = tenant
            .post(remove, json!({ "contact_ids": ["1001"] }))
            .await;
        assert_eq!((removed.status, removed.text.as_str()), (204, ""));
    }
    assert_eq!(
        tenant.operations(),
        [
            "create_tag",
            "add_tag",
            "add_tag_again",
            "remove_tag",
            "remove_tag_again"
        ]
    );
    assert_eq!(tenant.accepted()[1].2, json!({ "tag": "Follow-up: phone" }));
}

#[tokio::test]
async fn who_has_a_tag_is_listed_in_pages_with_little_of_each() {
    let tenant = Tenant::new();
    tenant.act(Act::AddTag {
        name: "Check-in missed".to_owned(),
    });
    let list = "/v2/tags/301/contacts";
    assert_eq!(count(&tenant.get(list).await.json["contacts"]), 0);
    tenant.act(Act::ApplyTag {
        contact: MAYA,
        tag: "Check-in missed".to_owned(),
    });
    let page = tenant.get(&format!("{list}?page_size=1")).await;
    let row = &page.json["contacts"][0];
    assert_eq!(row["id"], json!("1001"));
    assert_eq!(row["applied_time"], json!("2026-11-03T16:00:00Z"));
    assert!(row.get("tag_ids").is_none() && row.get("phone_numbers").is_none());
    let filter = |text: &str| format!("{list}?filter={text}");
    let since = filter("since_applied_time%3D%3D2026-11-03T16:00:01.000Z");
    assert_eq!(count(&tenant.get(&since).await.json["contacts"]), 0);
    let unknown = filter("owner_id%3D%3D7");
    assert_eq!(tenant.get(&unknown).await.status, 400);
    assert_eq!(tenant.get("/v2/tags/999/contacts").await.status, 404);
    tenant.act(Act::DeleteTag {
        name: "Check-in missed".to_owned(),
    });
    assert_eq!(tenant.get(list).await.status, 404);
    let tags = tenant.get("/v2/contacts/1001/tags").await;
    assert_eq!(count(&tags.json["tags"]), 0);
}
