//! What a vendor answers definitely: an admin learns what it was, nobody is held for ever by it, and nothing else that
//! people were asked is taken back.

use relay_core::ids::WorkItemId;
use relay_core::random::SeededRandom;
use relay_core::time::SignedDuration;
use relay_http_client::emulation::FaultAct;
use relay_store::{CaseFilter, Op, Page, WorkItem};

use super::day::{Outage, status};
use crate::support::tools::Tools as _;

const ALL: Page = Page {
    offset: 0,
    limit: 10_000,
};

#[tokio::test]
async fn an_admin_learns_what_the_vendor_was_asked_and_where_its_words_stand() {
    let inactive = FaultAct::Status {
        code: 400,
        retry_after: None,
        body: Some(r#"{"message":"user_id 12 is inactive"}"#.to_owned()),
    };
    let outage = Outage::at_the_decision("keap", "email", inactive).await;
    outage.lasts(2).await;
    let item = outage.only_the_incident().await;
    let technical = item.detail["technical"].as_str().expect("what was asked");
    assert!(technical.contains("status 400"), "{technical}");
    assert!(!item.detail.to_string().contains("inactive"), "{item:?}");
    let remedy = item.detail["remedy"].as_str().expect("a remedy");
    let (_, named) = remedy.split_once("clear-relay jobs show ").expect(remedy);
    let named = named.split('`').next().expect("a job");
    let job = named.parse().expect(named);
    let attempts = outage.world.store().attempts(job).await.expect("a store");
    let notes: Vec<_> = attempts
        .iter()
        .filter_map(|one| one.note.as_deref())
        .collect();
    assert!(
        notes.iter().any(|note| note.contains("status 400")),
        "{notes:#?}"
    );
}

#[tokio::test]
async fn what_else_was_asked_of_a_case_stands_when_it_is_taken_up() {
    let outage = Outage::at_the_decision("keap", "email", status(403)).await;
    let store = outage.world.store();
    let cases = store.cases(&CaseFilter::default(), ALL).await;
    let cases = cases.expect("a store");
    let random = SeededRandom::new(5);
    let now = outage.world.now();
    let alarms = cases.iter().map(|case| {
        Op::OpenWork(WorkItem {
            id: WorkItemId::new(&random, now),
            dedupe_key: format!("alarm/{}", case.id),
            kind: "alarm".to_owned(),
            owner: "admin".to_owned(),
            title: "Something else".to_owned(),
            detail: serde_json::json!({}),
            actions: vec!["done".to_owned()],
            client: Some(case.client.clone()),
            case: Some(case.id),
            effect: None,
            opened_at: now,
            due: now,
            remind_at: now + SignedDuration::from_hours(200),
            reminders: 0,
            settled: None,
        })
    });
    let alarms: Vec<Op> = alarms.collect();
    assert_eq!(alarms.len(), 6);
    store.commit(alarms.into()).await.expect("stored");
    outage.lasts(3).await;
    let open = outage.open().await;
    let of = |kind: &str| open.iter().filter(|item| item.kind == kind).count();
    assert_eq!((of("incident"), of("hold"), of("dead_job")), (1, 0, 0));
    assert_eq!(of("alarm"), 6, "{open:#?}");
}

#[tokio::test]
async fn what_is_refused_for_longer_than_a_day_is_told_of_each_client() {
    let outage = Outage::at_the_decision("keap", "email", status(403)).await;
    // Friday's incident, and two working days on which nobody gives the right that is missing.
    outage.lasts(27).await;
    outage.only_the_incident().await;
    outage.lasts(92).await;
    let open = outage.open().await;
    let of = |kind: &str| open.iter().filter(|item| item.kind == kind).count();
    assert_eq!(of("hold"), 6, "{open:#?}");
    assert_eq!(outage.accepted("email"), 0);
    let tried = outage.world.vendors.keap().faults().left();
    let tried = tried.first().map(|left| u32::MAX - left.times);
    outage.lasts(72).await;
    let later = outage.world.vendors.keap().faults().left();
    let later = later.first().map(|left| u32::MAX - left.times);
    assert_eq!(tried, later, "it is asked for no longer");
    let open = outage.open().await;
    assert!(open.iter().all(|item| item.kind != "incident"), "{open:#?}");
    let over = open.iter().find(|item| item.kind == "incident_over");
    let over = over.expect("a notice");
    assert_eq!(over.detail["need_a_person"], 6, "{}", over.title);
    assert_eq!(over.detail["went_on"], 0, "{}", over.title);
    assert!(!over.title.contains("lasted"), "{}", over.title);
}
