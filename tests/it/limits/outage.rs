//! The CRM does not answer: it is left alone, tried now and then, and all goes on when it is back.

use crate::support::tools::Tools as _;
use relay_core::time::SignedDuration;
use relay_http_client::emulation::{FaultAct, FaultRule, Moment};
use relay_store::Page;

#[tokio::test]
async fn a_vendor_that_is_down_is_asked_now_and_then_by_one_job_and_all_goes_on_when_it_is_back() {
    const PEOPLE: usize = 10;
    let folder = tempfile::tempdir().expect("a folder");
    let (world, tap) = super::crowd::world(folder.path(), PEOPLE, SignedDuration::ZERO).await;
    let morning = super::crowd::decision_day(&world);
    world.run_until(morning).await.expect("a store");
    let down = FaultRule {
        operation: "*".to_owned(),
        moment: Moment::Before,
        act: FaultAct::Refuse,
        skip: 0,
        times: u32::MAX,
    };
    world.vendors.order("keap", down).expect("a vendor");
    let three_hours = morning + SignedDuration::from_hours(3);
    world.run_until(three_hours).await.expect("a store");
    // Five to see it, then a trial after 30 s, 1, 2, 4, 8 and every 15 to 18 minutes.
    let calls = tap.between(morning, three_hours);
    assert!((10..=30).contains(&calls), "{calls} calls");
    let work = world.store().open_work(None, Page::default()).await;
    let work = work.expect("a store");
    let told: Vec<_> = work.iter().filter(|item| item.kind == "incident").collect();
    assert_eq!(told.len(), 1);
    let remedy = told[0].detail["remedy"].as_str().expect("a remedy");
    assert!(remedy.contains("status page"), "{remedy}");

    world.vendors.keap().faults().clear();
    let evening = morning + SignedDuration::from_hours(8);
    world.run_until(evening).await.expect("a store");
    super::crowd::all_is_done(&world, PEOPLE).await;
    let work = world.store().open_work(None, Page::default()).await;
    let work = work.expect("a store");
    assert!(
        work.iter()
            .all(|item| item.kind != "incident" && item.kind != "vendor"),
        "settled by itself"
    );
}

#[tokio::test]
async fn a_refused_credential_leaves_the_vendor_open_for_the_next_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let (world, tap) = super::crowd::world(folder.path(), 8, SignedDuration::ZERO).await;
    let morning = super::crowd::decision_day(&world);
    world.run_until(morning).await.expect("a store");
    let refused = FaultRule {
        operation: "*".to_owned(),
        moment: Moment::Before,
        act: FaultAct::Status {
            code: 401,
            retry_after: None,
            body: None,
        },
        skip: 0,
        times: 8,
    };
    world.vendors.order("keap", refused).expect("a vendor");
    let noon = morning + SignedDuration::from_hours(4);
    world.run_until(noon).await.expect("a store");
    let refused = tap.seen();
    let refused = refused.iter().filter(|seen| seen.status == Some(401));
    assert_eq!(refused.count(), 8, "each was asked");
    super::crowd::all_is_done(&world, 8).await;
}
