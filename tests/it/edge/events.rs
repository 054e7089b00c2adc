//! Webhooks as they come: twice, late, out of order, forged, a thousand at once (E33–E37, E39, E40).

use clear_relay::engine::commands::cases;
use http::{HeaderMap, HeaderValue};
use relay_core::time::SignedDuration;
use relay_store::ReceiptState;
use serde_json::{Value, json};

use super::clinic::{Clinic, Person, at};

fn path() -> &'static str {
    "hooks/clear-connection"
}

#[tokio::test]
async fn e33_the_same_event_twice_and_one_change_in_two_events_act_once() {
    let maya = Person::maya();
    let clinic = Clinic::open().await;
    clinic.portal(json!({ "act": "switch", "duplicate_events": true }));
    clinic.join(&maya);
    clinic.until("2026-11-04 12:00").await;
    let message = json!({ "client_id": "maya", "message_id": "m-7", "from": "client",
        "sent_at": "2026-11-04T19:00:00Z" });
    clinic.portal(json!({ "act": "raise", "type": "message.received", "data": message.clone() }));
    clinic.portal(json!({ "act": "raise", "type": "message.received", "data": message }));
    clinic.until("2026-11-04 13:00").await;
    let receipts = clinic.receipts().await;
    let doubles = receipts
        .iter()
        .filter(|receipt| receipt.state == ReceiptState::Duplicate)
        .inspect(|receipt| assert!(receipt.duplicate_of.is_some()))
        .count();
    assert!(
        doubles >= 3,
        "each event came twice: {doubles} of {}",
        receipts.len()
    );
    assert_eq!(clinic.outreach(&maya), ["4 09:00 portal_message"]);
    clinic.until("2026-11-10 12:00").await;
    assert_eq!(clinic.outreach(&maya), ["4 09:00 portal_message"]);
    assert_eq!(clinic.work_kinds(&maya).await, ["reply"], "one question");
}

#[tokio::test]
async fn e34_an_event_hours_late_and_one_from_the_future_do_not_move_what_was_read() {
    let maya = Person::maya();
    let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
    clinic.until("2026-11-04 12:00").await;
    let from_future = json!({ "client_id": "maya", "message_id": "m-9", "from": "client",
        "sent_at": "2031-01-01T00:00:00Z" });
    clinic.portal(json!({ "act": "raise", "type": "message.received", "data": from_future }));
    clinic.until("2026-11-04 13:00").await;
    assert_eq!(
        clinic.work_kinds(&maya).await,
        ["reply"],
        "a reply is a reply"
    );
    clinic.done(&maya, "reply", "resume", None).await;
    clinic.until("2026-11-09 12:00").await;
    let outreach = clinic.outreach(&maya);
    assert_eq!(
        outreach.len(),
        2,
        "it does not count as new again and again: {outreach:?}"
    );
}

#[tokio::test]
async fn e34_the_order_of_arrival_does_not_matter_where_the_sources_time_does() {
    let maya = Person::maya();
    let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
    clinic.until("2026-11-04 12:00").await;
    // The newer regimen change is told first.
    for day in ["2026-11-03T18:00:00Z", "2026-10-25T18:00:00Z"] {
        let data = json!({ "client_id": "maya", "changed_at": day });
        clinic.portal(json!({ "act": "raise", "type": "regimen.changed", "data": data }));
        clinic.until("2026-11-04 12:30").await;
    }
    let case = clinic.case(&maya).await;
    assert_eq!(
        case.data["client"]["regimen"], "2026-11-03",
        "{}",
        case.data
    );
}

#[tokio::test]
async fn e35_submitted_before_due_opens_no_case() {
    let maya = Person::maya();
    let clinic = Clinic::open().await;
    clinic.portal(json!({ "act": "switch", "event_delay_seconds": 180_000 }));
    clinic.join(&maya);
    clinic.until("2026-11-03 12:00").await;
    clinic.portal(json!({ "act": "switch" }));
    clinic.portal(json!({ "act": "check_in", "client": "maya" }));
    clinic.until("2026-11-12 12:00").await;
    assert!(clinic.story(&maya).is_empty());
    assert!(clinic.cases(&maya).await.is_empty());
}

#[tokio::test]
async fn e36_of_a_thousand_objects_one_is_broken_and_nine_hundred_ninety_nine_are_used() {
    let maya = Person::maya();
    let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
    // She is followed up, so that her contact is one of ours; then it is deleted.
    clinic.until("2026-11-06 12:00").await;
    let mut objects: Vec<Value> = (10_000..11_000)
        .map(|id| json!({ "id": id, "apiUrl": "", "timestamp": "2026-11-06T19:00:00Z" }))
        .collect();
    objects[3] = json!({ "id": { "not": "an id" } });
    objects[999] = json!({ "id": 201, "timestamp": "2026-11-06T19:00:00Z" });
    let before = clinic.receipts().await.len();
    let gone = json!({ "act": "delete_contact", "contact": 201 });
    clinic.keap(gone);
    let body = json!({ "event_key": "contact.delete", "object_type": "contact",
        "object_keys": objects });
    let answer = clinic.post_as_keap(&body).await;
    assert_eq!(answer.status, 200);
    // Answered before anything was read of it.
    let receipts = clinic.receipts().await;
    assert_eq!(receipts.len(), before + 1);
    clinic.settle().await;
    let receipts = clinic.receipts().await;
    let receipt = receipts
        .iter()
        .find(|receipt| receipt.body.len() > 10_000)
        .expect("the delivery");
    assert_eq!(receipt.state, ReceiptState::Quarantined);
    let note = receipt.note.as_deref().expect("a note");
    assert!(note.contains("1 broken objects"), "{note}");
    assert!(note.contains("the first at 3"), "{note}");
    assert!(note.contains("998 not watched"), "{note}");
    // Once is not enough.
    let case = clinic.case(&maya).await;
    let history = clinic.history(case.id).await.join("\n");
    assert!(!history.contains("contact in the CRM"), "{history}");
    clinic.until("2026-11-06 12:30").await;
    let history = clinic.history(case.id).await.join("\n");
    assert!(
        history.contains("Her contact in the CRM is gone"),
        "{history}"
    );
}

#[tokio::test]
async fn e37_a_forged_event_is_refused_counted_and_changes_nothing() {
    let maya = Person::maya();
    let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
    clinic.until("2026-11-03 12:00").await;
    let before = clinic.receipts().await.len();
    let lie = json!({ "client_id": "maya", "check_in_id": "ci_maya", "complete": true });
    clinic.portal(json!({ "act": "forge", "type": "check_in.submitted", "data": lie }));
    clinic.until("2026-11-03 12:30").await;
    assert_eq!(clinic.receipts().await.len(), before);
    clinic.until("2026-11-04 12:00").await;
    assert_eq!(clinic.outreach(&maya), ["4 09:00 portal_message"]);
}

#[tokio::test]
async fn e37_a_replayed_event_is_a_duplicate_at_once_and_refused_after_five_minutes() {
    use relay_clear_connection::webhook::WebhookKey;
    let clinic = Clinic::open().await;
    let key = secrecy::SecretString::from(clear_relay::sandbox::clinic::WEBHOOK_KEY);
    let key = WebhookKey::new("first", &key).expect("a key");
    let body = json!({ "type": "regimen.changed", "timestamp": "2026-11-02T16:00:00Z",
        "data": { "client_id": "maya", "changed_at": "2026-11-01T18:00:00Z" } });
    let body = body.to_string();
    let stamp = clinic.world.now().as_second();
    let mut headers = HeaderMap::new();
    headers.insert("webhook-id", HeaderValue::from_static("evt-1"));
    headers.insert("webhook-timestamp", HeaderValue::from(stamp));
    let signature = key.sign("evt-1", stamp, body.as_bytes());
    headers.insert(
        "webhook-signature",
        HeaderValue::from_str(&signature).expect("a header"),
    );
    assert!(
        clinic
            .post(path(), headers.clone(), &body)
            .await
            .status
            .is_success()
    );
    assert!(
        clinic
            .post(path(), headers.clone(), &body)
            .await
            .status
            .is_success()
    );
    let states: Vec<_> = clinic.receipts().await.iter().map(|r| r.state).collect();
    assert_eq!(states, [ReceiptState::New, ReceiptState::Duplicate]);

    let later = SignedDuration::from_secs(301);
    clinic
        .world
        .jump(clinic.world.now().checked_add(later).expect("a time"));
    let answer = clinic.post(path(), headers, &body).await;
    assert!(answer.status.is_client_error(), "{}", answer.status);
    assert_eq!(clinic.receipts().await.len(), 2);
}

#[tokio::test]
async fn e37_whoever_knows_keaps_path_can_at_most_cause_a_read() {
    let jo = Person::jo();
    let clinic = Clinic::with(std::slice::from_ref(&jo)).await;
    clinic.until("2026-11-06 12:00").await;
    let task = clinic.accepted(&jo);
    let task = task
        .iter()
        .find(|entry| entry.operation == "call_task")
        .expect("a task");
    let id = &task.content["task"];
    for body in [
        json!({ "event_key": "contact.delete", "object_keys": [{ "id": 202 }] }),
        json!({ "event_key": "task.complete", "object_keys": [{ "id": id }, { "id": 1 }] }),
        json!({ "event_key": "subscription.edit", "object_keys": [{ "id": 901 }] }),
    ] {
        assert_eq!(clinic.post_as_keap(&body).await.status, 200);
    }
    clinic.until("2026-11-06 13:00").await;
    assert_eq!(
        clinic.work_kinds(&jo).await,
        ["call_outcome"],
        "still waiting for the call"
    );
    assert_eq!(clinic.count("call_task"), 1);
}

#[tokio::test]
async fn e39_odd_shapes_are_understood_and_an_unknown_event_is_kept() {
    let maya = Person::maya();
    let clinic = Clinic::open().await;
    clinic.portal(json!({ "act": "switch", "odd_shapes": true }));
    clinic.join(&maya);
    clinic.until("2026-11-04 12:00").await;
    assert_eq!(clinic.outreach(&maya), ["4 09:00 portal_message"]);
    clinic.portal(json!({ "act": "raise", "type": "horoscope.changed",
        "data": { "client_id": "maya" } }));
    clinic.until("2026-11-04 12:30").await;
    let kept = clinic.receipts().await;
    let kept = kept
        .iter()
        .find(|receipt| String::from_utf8_lossy(&receipt.body).contains("horoscope"))
        .expect("it is stored");
    assert_ne!(kept.state, ReceiptState::New);
    assert!(kept.note.is_some(), "what became of it is said");
    clinic.portal(json!({ "act": "check_in", "client": "maya" }));
    clinic.until("2026-11-06 12:00").await;
    assert_eq!(clinic.closed(&maya).await, "the check-in was submitted");
}

/// A 404 for the next reads of a contact, with this body.
fn denied(clinic: &Clinic, times: u32, body: &str) {
    clinic.fault(
        "keap",
        json!({ "operation": "get_contact", "moment": "before", "times": times,
                "act": "status", "code": 404, "body": body }),
    );
}

/// Somebody edits Jo's contact in Keap, so that it is read again.
fn edited(clinic: &Clinic) {
    let changes = json!({ "family_name": "Hayes-Lee" });
    clinic.keap(json!({ "act": "edit_contact", "contact": 202, "changes": changes }));
}

#[tokio::test]
async fn e40_a_page_in_keaps_place_is_no_deletion() {
    let jo = Person::jo();
    let own =
        r#"{"code":404,"message":"Unable to find this Contact","status":"NOT_FOUND","details":[]}"#;
    let unharmed = Clinic::with(std::slice::from_ref(&jo)).await;
    unharmed.until("2026-11-12 12:00").await;
    // A page, nothing, and Keap's own word, which its list contradicts.
    for body in ["<!DOCTYPE html><title>Page not found</title>", "", own] {
        let clinic = Clinic::with(std::slice::from_ref(&jo)).await;
        clinic.until("2026-11-05 12:00").await;
        denied(&clinic, 1, body);
        edited(&clinic);
        clinic.until("2026-11-12 12:00").await;
        assert_eq!(clinic.outreach(&jo), unharmed.outreach(&jo), "{body}");
        let case = clinic.case(&jo).await;
        let history = clinic.history(case.id).await.join("\n");
        assert!(!history.contains("contact in the CRM"), "{history}");
        let dead = clinic.jobs(relay_store::JobState::Dead).await;
        assert!(dead.is_empty(), "{dead:?}");
    }
}

#[tokio::test]
async fn e40_a_contact_that_is_seen_again_is_followed_up_again() {
    for by_link in [false, true] {
        let jo = Person::jo();
        let clinic = Clinic::with(std::slice::from_ref(&jo)).await;
        clinic.until("2026-11-05 12:00").await;
        clinic.keap(json!({ "act": "delete_contact", "contact": 202 }));
        clinic.until("2026-11-06 12:00").await;
        let kinds = clinic.work_kinds(&jo).await;
        assert!(kinds.contains(&"hold".to_owned()), "{kinds:?}");
        let item = clinic.item(&jo, "hold").await;
        assert!(
            item.title.contains("contact in the CRM is gone"),
            "{}",
            item.title
        );
        clinic.keap(
            json!({ "act": "add_contact", "id": 202, "given_name": "Jo", "family_name": "Hayes",
                    "email": jo.email(), "email_status": "SINGLE_OPT_IN", "phone": jo.phone }),
        );
        if by_link {
            let engine = &clinic.world.relay.engine;
            let linked = cases::link_client(engine, &jo.id.into(), &"202".into(), "Ada").await;
            linked.expect("the remedy that is offered");
        } else {
            edited(&clinic);
        }
        clinic.until("2026-11-06 16:00").await;
        let kinds = clinic.work_kinds(&jo).await;
        assert!(!kinds.contains(&"hold".to_owned()), "{by_link} {kinds:?}");
        let outreach = clinic.outreach(&jo).join(", ");
        assert!(outreach.contains("call_task"), "{by_link} {outreach}");
    }
}

#[tokio::test]
async fn e40_a_contact_denied_by_the_guard_once_is_looked_at_again_before_anything_is_held() {
    let jo = Person::jo();
    let unharmed = Clinic::with(std::slice::from_ref(&jo)).await;
    unharmed.until("2026-11-12 12:00").await;
    let clinic = Clinic::with(std::slice::from_ref(&jo)).await;
    // Over the reads of the follow-up's morning Keap denies her, in both of its words, and no hook
    // has told of it before.
    clinic.until("2026-11-05 12:00").await;
    clinic.keap(json!({ "act": "deactivate_hooks" }));
    clinic.keap(json!({ "act": "delete_contact", "contact": 202 }));
    clinic.until("2026-11-06 09:05").await;
    let held = clinic.work_kinds(&jo).await;
    assert!(
        !held.contains(&"hold".to_owned()),
        "one look is not enough: {held:?}"
    );
    clinic.keap(
        json!({ "act": "add_contact", "id": 202, "given_name": "Jo", "family_name": "Hayes",
                "email": jo.email(), "email_status": "SINGLE_OPT_IN", "phone": jo.phone }),
    );
    clinic.until("2026-11-12 12:00").await;
    let kinds = |story: Vec<String>| -> Vec<String> {
        let kind = |line: &String| line.rsplit(' ').next().map(str::to_owned);
        story.iter().filter_map(kind).collect()
    };
    assert_eq!(kinds(clinic.outreach(&jo)), kinds(unharmed.outreach(&jo)));
}

#[tokio::test]
async fn e40_a_contact_deleted_since_holds_what_is_left_and_keeps_the_record() {
    let jo = Person::jo();
    let clinic = Clinic::with(std::slice::from_ref(&jo)).await;
    clinic.until("2026-11-05 12:00").await;
    clinic.keap(json!({ "act": "delete_contact", "contact": 202 }));
    clinic.until("2026-11-10 12:00").await;
    assert_eq!(clinic.outreach(&jo), ["4 09:00 portal_message"]);
    let kinds = clinic.work_kinds(&jo).await;
    assert!(kinds.contains(&"hold".to_owned()), "{kinds:?}");
    let dead = clinic.jobs(relay_store::JobState::Dead).await;
    assert!(dead.is_empty(), "{dead:?}");
    clinic
        .done(&jo, "hold", "close", Some("she has left"))
        .await;
    assert_eq!(clinic.closed(&jo).await, "closed by Beth: she has left");
    assert!(clinic.store().link(&jo.id.into()).await.is_ok());
    assert!(clinic.world.now() >= at("2026-11-10 12:00"));
}
