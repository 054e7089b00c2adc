//! What we write ourselves comes back as hooks: each costs a read at most, and starts nothing.

use relay_core::effects::CardRemoval;
use relay_core::facts::Order;
use relay_store::ReceiptState;
use serde_json::{Value, json};

use super::watched;
use crate::edge::clinic::{Clinic, Person};

/// What must not change when our own writes come back.
#[derive(Debug, PartialEq)]
struct Still {
    accepted: Vec<String>,
    cases: Vec<(String, u64)>,
    work: Vec<String>,
    facts: usize,
}

async fn still(clinic: &Clinic, who: &Person) -> Still {
    let cases = clinic.cases(who).await.into_iter();
    let facts = clinic.store().facts(&who.id.into()).await.expect("facts");
    Still {
        accepted: clinic.story(who),
        cases: cases.map(|case| (case.procedure, case.version)).collect(),
        work: clinic.work_kinds(who).await,
        facts: facts.len(),
    }
}

async fn hooks_of(clinic: &Clinic, event: &str) -> usize {
    let named = format!("\"{event}\"");
    let receipts = clinic.receipts().await.into_iter();
    let read = receipts.filter(|receipt| {
        receipt.state != ReceiptState::New
            && String::from_utf8_lossy(&receipt.body).contains(&named)
    });
    read.count()
}

/// What was just written comes back by `event`, and everything stays as it is.
async fn comes_back(clinic: &Clinic, who: &Person, event: &str) {
    let told = hooks_of(clinic, event).await;
    let before = still(clinic, who).await;
    clinic.pass(15).await;
    assert!(
        hooks_of(clinic, event).await > told,
        "{event} did come back"
    );
    assert_eq!(still(clinic, who).await, before, "{event}");
}

/// Maya, with no check-in due.
fn alone() -> Person {
    Person {
        due: None,
        ..Person::maya()
    }
}

#[tokio::test]
async fn our_own_contact_type_comes_back_and_starts_nothing() {
    let maya = alone();
    let (clinic, _) = watched(1440, |_| ()).await;
    clinic.join(&maya);
    clinic.pass(5).await;
    let order = Order::SetContactType {
        value: "In-Person".into(),
    };
    clinic.order(&maya, order).await;
    assert_eq!(clinic.story(&maya), ["2 contact_type"]);
    comes_back(&clinic, &maya, "contact.edit").await;
}

#[tokio::test]
async fn our_own_stopping_of_a_subscription_comes_back_and_is_no_revival() {
    let maya = alone();
    let (clinic, _) = watched(1440, |_| ()).await;
    clinic.join(&maya);
    clinic.fee(901, 201, None);
    clinic.pass(5).await;
    let order = Order::CancelSubscription {
        reason: "asked for".into(),
        card: CardRemoval::Keep,
    };
    clinic.order(&maya, order).await;
    comes_back(&clinic, &maya, "subscription.edit").await;
    let read = clinic.jobs_of("reread").await;
    assert!(read.len() <= 1, "one read at most: {read:?}");
}

#[tokio::test]
async fn our_own_call_tasks_and_their_closings_come_back_and_start_nothing() {
    let jo = Person::jo();
    let (clinic, _) = watched(1440, |_| ()).await;
    clinic.join(&jo);
    // A new task is told by an event that we don't subscribe to.
    clinic.until("2026-11-06 09:30").await;
    assert_eq!(clinic.count("call_task"), 1);
    clinic.portal(json!({ "act": "change_coach", "client": "jo", "coach": "coach_ruth" }));
    clinic.pass(15).await;
    assert_eq!(hooks_of(&clinic, "task.complete").await, 1);
    assert_eq!(clinic.count("call_task"), 2);
    assert_eq!(clinic.work_kinds(&jo).await, ["call_outcome"]);

    clinic.portal(json!({ "act": "check_in", "client": "jo" }));
    clinic.pass(15).await;
    assert_eq!(hooks_of(&clinic, "task.complete").await, 2);
    assert_eq!(clinic.closed(&jo).await, "the check-in was submitted");
    let story = [
        "4 portal_message",
        "6 portal_note",
        "6 call_task",
        "6 add_tag",
        "6 close_task",
        "6 call_task",
        "6 close_task",
        "6 contact_note",
        "6 remove_tag",
    ];
    let mut told = clinic.story(&jo);
    told.sort();
    let mut wanted = story.map(str::to_owned);
    wanted.sort();
    assert_eq!(
        told, wanted,
        "each once, and the call once for either coach"
    );
    // What came back taught one thing: how the task stands, which its case had no use for.
    let before = still(&clinic, &jo).await;
    clinic.pass(60).await;
    assert_eq!(still(&clinic, &jo).await, before);
}

#[tokio::test]
async fn our_own_tag_comes_back_where_somebody_subscribed_us_to_tags_and_costs_a_read() {
    let maya = Person::maya();
    let (clinic, _) = watched(1440, |_| ()).await;
    clinic.join(&maya);
    clinic.until("2026-11-06 09:30").await;
    assert_eq!(clinic.count("add_tag"), 1);
    for (event, operation) in [
        ("contactGroup.applied", "add_tag"),
        ("contactGroup.removed", "remove_tag"),
    ] {
        if operation == "remove_tag" {
            clinic.portal(json!({ "act": "check_in", "client": "maya" }));
            clinic.pass(5).await;
        }
        assert_eq!(clinic.count(operation), 1);
        let read = clinic.jobs_of("reread").await.len();
        let before = still(&clinic, &maya).await;
        assert_eq!(clinic.post_as_keap(&tagged(event)).await.status, 200);
        clinic.pass(5).await;
        assert_eq!(still(&clinic, &maya).await, before, "{event}");
        assert_eq!(clinic.jobs_of("reread").await.len(), read + 1, "{event}");
    }
}

/// A tag event as Keap sends it.
fn tagged(event: &str) -> Value {
    json!({ "event_key": event, "object_type": "contactGroup", "api_url": "",
        "object_keys": [{ "tag_id": 301, "contact_details": [
            { "id": 201, "timestamp": "2026-11-06T16:00:00.000Z" }] }] })
}

#[tokio::test]
async fn a_tag_taken_off_by_hand_changes_nothing_but_that_ours_need_not_be_taken_off() {
    let maya = Person::maya();
    let (clinic, _) = watched(1440, |_| ()).await;
    clinic.join(&maya);
    clinic.until("2026-11-06 09:30").await;
    clinic.keap(json!({ "act": "remove_tag", "contact": 201, "tag": "Follow-up: email" }));
    clinic.post_as_keap(&tagged("contactGroup.removed")).await;
    clinic.pass(5).await;
    clinic.portal(json!({ "act": "check_in", "client": "maya" }));
    clinic.pass(60).await;
    assert_eq!(clinic.closed(&maya).await, "the check-in was submitted");
    assert_eq!(
        clinic.count("remove_tag") + clinic.count("remove_tag_again"),
        0
    );
}
