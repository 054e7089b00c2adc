//! A thousand objects in one delivery: E36.

use relay_core::ids::ContactId;
use relay_core::time::SignedDuration;
use relay_store::{JobState, Link, Op, ReceiptState};
use serde_json::{Value, json};

use super::{Tap, taken, watched};
use crate::edge::clinic::Clinic;

const FIRST: u64 = 10_000;

/// A thousand contacts of a thousand clients; these of them are not in Keap.
async fn thousand(clinic: &Clinic, gone: &[u64]) {
    let mut links = Vec::new();
    for id in FIRST..FIRST + 1000 {
        if !gone.contains(&id) {
            clinic.keap(json!({ "act": "add_contact", "id": id, "given_name": "Nia" }));
        }
        links.push(Op::PutLink(Link {
            client: format!("client-{id}").into(),
            contact: ContactId::from(id.to_string()),
            source: "portal".to_owned(),
            at: clinic.world.now(),
        }));
    }
    clinic.store().commit(links.into()).await.expect("links");
    clinic.pass(15).await;
}

fn delivery(ids: impl Iterator<Item = u64>) -> Value {
    let objects: Vec<Value> = ids
        .map(|id| json!({ "id": id, "timestamp": "2026-11-02T16:20:00Z" }))
        .collect();
    json!({ "event_key": "contact.edit", "object_type": "contact", "object_keys": objects })
}

async fn facts(clinic: &Clinic, id: u64) -> Vec<String> {
    let client = format!("client-{id}").into();
    let facts = clinic.store().facts(&client).await.expect("facts");
    facts.iter().map(|row| row.fact.kind().to_owned()).collect()
}

#[tokio::test]
async fn e36_a_thousand_contacts_cost_a_handful_of_calls_and_the_missing_ones_two_looks_each() {
    let mut reads = None;
    let (clinic, _) = watched(1440, |setup| reads = Some(Tap::on(setup, None))).await;
    let reads = reads.expect("a tap");
    thousand(&clinic, &[FIRST + 7, FIRST + 500]).await;
    taken(&reads);

    assert_eq!(
        clinic
            .post_as_keap(&delivery(FIRST..FIRST + 1000))
            .await
            .status,
        200
    );
    assert!(taken(&reads).is_empty(), "answered before anything is read");
    clinic.settle().await;

    let read = taken(&reads);
    let (lists, single): (Vec<_>, Vec<_>) = read.iter().partition(|path| path.contains("ids"));
    // A contact that Keap denies is looked for in its list, too.
    assert_eq!((lists.len(), single.len()), (5 + 2, 2), "{single:?}");
    assert_eq!(clinic.jobs_of("reread_batch").await.len(), 1);
    assert_eq!(clinic.jobs_of("reread").await.len(), 2);
    assert!(
        facts(&clinic, FIRST + 7).await.is_empty(),
        "once is not enough"
    );
    clinic.pass(15).await;
    for (id, expected) in [
        (7, vec!["contact_gone"]),
        (8, vec![]),
        (500, vec!["contact_gone"]),
    ] {
        assert_eq!(facts(&clinic, FIRST + id).await, expected, "{id}");
    }
}

#[tokio::test]
async fn a_contact_named_twice_in_a_delivery_is_asked_for_once() {
    let mut reads = None;
    let (clinic, _) = watched(1440, |setup| reads = Some(Tap::on(setup, None))).await;
    let reads = reads.expect("a tap");
    thousand(&clinic, &[]).await;
    taken(&reads);
    let ids = [1, 2, 1, 1, 2].map(|id| FIRST + id);
    clinic.post_as_keap(&delivery(ids.into_iter())).await;
    clinic.settle().await;
    let read = taken(&reads);
    assert_eq!(read.len(), 1, "{read:?}");
    let (one, two) = (
        read[0].matches("10001").count(),
        read[0].matches("10002").count(),
    );
    assert_eq!((one, two), (1, 1), "{read:?}");
}

#[tokio::test]
async fn contacts_that_nobody_watches_are_recorded_and_not_read() {
    let mut reads = None;
    let (clinic, _) = watched(1440, |setup| reads = Some(Tap::on(setup, None))).await;
    let reads = reads.expect("a tap");
    clinic.pass(15).await;
    taken(&reads);
    clinic.post_as_keap(&delivery(1..1001)).await;
    clinic.settle().await;
    assert!(taken(&reads).is_empty());
    let receipts = clinic.receipts().await;
    let receipt = receipts.last().expect("the delivery");
    assert_eq!(receipt.state, ReceiptState::Done);
    let note = receipt.note.as_deref().expect("a note");
    assert!(note.contains("1000 not watched"), "{note}");
}

#[tokio::test]
async fn e36_one_contact_that_cannot_be_asked_for_is_one_dead_job_and_the_others_go_on() {
    let mut reads = None;
    let (clinic, _) = watched(1440, |setup| {
        reads = Some(Tap::on(setup, Some("10500")));
    })
    .await;
    let reads = reads.expect("a tap");
    thousand(&clinic, &[FIRST + 1, FIRST + 999]).await;
    taken(&reads);
    clinic.post_as_keap(&delivery(FIRST..FIRST + 1000)).await;
    clinic.settle().await;

    let dead = clinic.jobs(JobState::Dead).await;
    let [dead] = dead.as_slice() else {
        panic!("one dead job: {dead:?}")
    };
    assert_eq!(dead.client, Some("client-10500".into()));
    let items = clinic.work().await;
    assert_eq!(
        items.iter().filter(|item| item.kind == "dead_job").count(),
        1
    );
    assert!(taken(&reads).len() < 40, "halved, not asked for one by one");
    clinic.pass(15).await;
    for id in [1, 999] {
        assert_eq!(facts(&clinic, FIRST + id).await, ["contact_gone"], "{id}");
    }
    let unfinished = clinic.jobs(JobState::Ready).await;
    let of_batch = unfinished
        .iter()
        .filter(|job| job.kind.starts_with("reread"));
    assert_eq!(of_batch.count(), 0);
    assert!(clinic.world.now().duration_since(dead.created_at) < SignedDuration::from_hours(1));
}
