//! Incidents in bad company: a vendor that comes and goes, a failure of somebody's own beside one, a process that
//! ends, a database that is older than it should be.

use clear_relay::engine::commands::work::settle_work;
use clear_relay::engine::{dispatcher, incidents};
use relay_core::incidents::IncidentClass;
use relay_core::time::SignedDuration;
use relay_http_client::emulation::FaultAct;
use relay_store::{Op, Page, WorkItem};

use super::day::{Outage, rule, status};
use crate::support::tools::Tools as _;

async fn all_of(outage: &Outage, kind: &str) -> Vec<WorkItem> {
    let page = Page {
        offset: 0,
        limit: 10_000,
    };
    let open = outage.world.store().open_work(None, page).await;
    let open = open.expect("a store").into_iter();
    open.filter(|item| item.kind == kind).collect()
}

#[tokio::test]
async fn a_vendor_that_comes_and_goes_is_told_once() {
    let outage = Outage::at_the_decision("keap", "*", status(503)).await;
    outage.lasts(2).await;
    let first = outage.only_the_incident().await;
    let mut answered = 0;
    for _ in 0..3 {
        outage.is_mended();
        // Until three successes in a row, and no longer.
        for _ in 0..1_000 {
            let kept = incidents::all(outage.world.store().as_ref()).await;
            if kept
                .expect("a store")
                .iter()
                .all(|(_, one)| !one.is_open(IncidentClass::NoAnswer))
            {
                answered += 1;
                break;
            }
            outage.world.run_for(seconds(3)).await.expect("a store");
        }
        let again = outage
            .world
            .vendors
            .order("keap", rule("*", FaultAct::Refuse));
        again.expect("a vendor");
        outage
            .world
            .run_for(seconds(40 * 60))
            .await
            .expect("a store");
        assert_eq!(outage.only_the_incident().await.id, first.id);
    }
    assert_eq!(answered, 3);
    outage.is_mended();
    outage.lasts(72).await;
    assert_eq!(all_of(&outage, "incident").await, []);
    assert_eq!(all_of(&outage, "incident_over").await.len(), 1);
}

fn seconds(seconds: i64) -> SignedDuration {
    SignedDuration::from_secs(seconds)
}

#[tokio::test]
async fn a_failure_of_somebodys_own_beside_it_has_its_own_item() {
    let outage = Outage::at_the_decision("keap", "contact_note", status(500)).await;
    let mut own = rule("email", status(400));
    own.times = 1;
    outage.world.vendors.order("keap", own).expect("a vendor");
    outage.lasts(4).await;
    assert_eq!(all_of(&outage, "incident").await.len(), 1);
    let holds = all_of(&outage, "hold").await;
    assert_eq!(holds.len(), 1, "{holds:?}");
    assert_ne!(holds[0].owner, "admin");
}

#[tokio::test]
async fn mail_that_may_have_gone_out_is_asked_about_afterwards_and_the_rest_goes_out() {
    let outage = Outage::at_the_decision("keap", "email", status(500)).await;
    outage.lasts(4).await;
    outage.only_the_incident().await;
    let asked = outage
        .world
        .vendors
        .keap()
        .faults()
        .left()
        .first()
        .map(|left| u32::MAX - left.times);
    let asked = usize::try_from(asked.expect("a fault")).expect("a number");
    assert!((3..=5).contains(&asked), "{asked} were tried");
    outage.is_mended();
    outage.lasts(92).await;
    assert_eq!(outage.accepted("email"), 6 - asked, "the others, and once");
    assert_eq!(all_of(&outage, "unsettled").await.len(), asked);
    let over = all_of(&outage, "incident_over").await;
    assert_eq!(over.len(), 1);
    assert_eq!(over[0].detail["need_a_person"], asked, "{}", over[0].title);
}

#[tokio::test]
async fn a_person_lets_all_of_it_be_tried_and_the_item_ends_by_itself() {
    let outage = Outage::at_the_decision("keap", "contact_note", status(403)).await;
    outage.lasts(5).await;
    let item = outage.only_the_incident().await;
    let engine = outage.world.relay.engine.clone();
    let replay = async || settle_work(&engine, item.id, "robin", "replay", None).await;
    // Too early: nothing is lost by it.
    replay().await.expect("tried");
    outage.world.settle().await.expect("a store");
    assert_eq!(outage.accepted("contact_note"), 0);
    outage.only_the_incident().await;
    outage.is_mended();
    replay().await.expect("tried");
    outage.world.run_for(seconds(300)).await.expect("a store");
    assert_eq!(outage.accepted("contact_note"), 6, "all at once");
    outage.lasts(2).await;
    outage.only_the_notice().await;
    let done = settle_work(&engine, item.id, "robin", "replay", None).await;
    let refused = done.expect_err("it is settled").to_string();
    assert!(refused.contains("settled already"), "{refused}");
}

#[tokio::test]
async fn a_relay_that_starts_anew_and_one_beside_it_know_the_same_incident() {
    let mut outage = Outage::at_the_decision("keap", "*", FaultAct::Refuse).await;
    outage.lasts(1).await;
    let item = outage.only_the_incident().await;
    outage.world.restart().await.expect("a relay");
    outage.lasts(3).await;
    assert_eq!(outage.only_the_incident().await.id, item.id);
    let other = outage.world.second().await.expect("a relay");
    outage.world.settle().await.expect("a store");
    for _ in 0..20 {
        let next = outage.world.next_due().await.expect("a store");
        outage.world.jump(next.expect("something waits"));
        dispatcher::drain(&other.engine, None)
            .await
            .expect("a store");
        dispatcher::drain(&outage.world.relay.engine, None)
            .await
            .expect("a store");
    }
    assert_eq!(outage.only_the_incident().await.id, item.id);
    outage.is_mended();
    outage.lasts(72).await;
    super::crowd::all_is_done(&outage.world, 6).await;
    assert_eq!(all_of(&outage, "incident").await, []);
    assert_eq!(all_of(&outage, "incident_over").await.len(), 1);
}

#[tokio::test]
async fn an_incident_whose_row_is_lost_leaves_no_item_that_never_ends() {
    let outage = Outage::at_the_decision("keap", "*", FaultAct::Refuse).await;
    outage.lasts(3).await;
    outage.only_the_incident().await;
    let store = outage.world.store();
    let row = store
        .incidents("keap")
        .await
        .expect("a store")
        .expect("a row");
    let lost = Op::PutIncidents {
        vendor: "keap".to_owned(),
        expected: row.version,
        body: serde_json::json!("nothing that this release can read"),
    };
    store.commit(vec![lost].into()).await.expect("stored");
    outage.is_mended();
    outage.lasts(72).await;
    super::crowd::all_is_done(&outage.world, 6).await;
    assert_eq!(all_of(&outage, "incident").await, []);
    let kept = incidents::all(store.as_ref()).await.expect("a store");
    assert!(kept.iter().all(|(_, one)| one.is_empty()), "{kept:?}");
}

#[tokio::test]
async fn an_older_copy_of_the_database_ends_the_incident_that_it_knows() {
    let mut outage = Outage::at_the_decision("keap", "contact_note", status(500)).await;
    outage.lasts(3).await;
    outage.only_the_incident().await;
    let folder = tempfile::tempdir().expect("a folder");
    let copy = folder.path().join("copy.sqlite");
    outage.world.copy(&copy).expect("a copy");
    outage.is_mended();
    outage.lasts(8).await;
    assert_eq!(outage.accepted("contact_note"), 6);
    outage
        .world
        .forget(Some(&copy))
        .await
        .expect("an older database");
    outage.lasts(72).await;
    assert_eq!(
        outage.accepted("contact_note"),
        6,
        "found, and not written again"
    );
    assert_eq!(all_of(&outage, "incident").await, []);
}

#[tokio::test]
async fn answers_that_can_not_be_read_are_one_incident_and_no_drift_beside_it() {
    let unreadable = FaultAct::Status {
        code: 200,
        retry_after: None,
        body: Some("[".to_owned()),
    };
    let outage = Outage::at_the_decision("keap", "*", unreadable).await;
    outage.lasts(5).await;
    let item = outage.only_the_incident().await;
    assert!(
        item.title.contains("has not been able to read"),
        "{}",
        item.title
    );
    outage.is_mended();
    outage.lasts(66).await;
    super::crowd::all_is_done(&outage.world, 6).await;
    outage.only_the_notice().await;
}
