//! Incidents, and a process or a database that fails while they are looked after.

use clear_relay::engine::dispatcher;
use relay_core::time::{SignedDuration, Timestamp};
use relay_http_client::emulation::FaultAct;
use relay_store::Claim;
use relay_store_sqlite::spoil;

use super::day::{Outage, status};

#[tokio::test]
async fn a_relay_that_ended_while_it_looked_after_an_incident_starts_again() {
    let mut outage = Outage::at_the_decision("keap", "*", FaultAct::Refuse).await;
    outage.lasts(1).await;
    let item = outage.only_the_incident().await;
    // Claimed, and never finished.
    let now = outage.world.now();
    let claim = Claim {
        worker: "one that has ended".to_owned(),
        now: now + SignedDuration::from_mins(30),
        lease_until: Timestamp::UNIX_EPOCH,
        limit: 1,
        lane: Some("incident/keap".to_owned()),
        case: None,
        kinds: Vec::new(),
    };
    let claimed = outage.world.store().claim(claim).await.expect("a store");
    assert_eq!(claimed.len(), 1);
    let beside = outage.world.second().await.expect("one beside it starts");
    dispatcher::drain(&beside.engine, None)
        .await
        .expect("a store");
    outage.world.restart().await.expect("it starts again");
    outage.lasts(3).await;
    assert_eq!(outage.only_the_incident().await.id, item.id);
    outage.is_mended();
    outage.lasts(72).await;
    super::crowd::all_is_done(&outage.world, 6).await;
    let open = outage.open().await;
    let of = |kind: &str| open.iter().filter(|item| item.kind == kind).count();
    assert_eq!((of("incident"), of("incident_over")), (0, 1), "{open:#?}");
}

#[tokio::test]
async fn what_was_plainly_refused_is_known_not_to_have_gone_out_although_no_incident_can_be_stored()
{
    let outage = Outage::at_the_decision("keap", "email", status(400)).await;
    spoil::run(
        outage.folder.path().join("relay.sqlite"),
        "CREATE TRIGGER no_incidents BEFORE INSERT ON incidents
         BEGIN SELECT RAISE(ABORT, 'not now'); END",
    )
    .await
    .expect("a database");
    outage.lasts(4).await;
    let open = outage.open().await;
    let of = |kind: &str| open.iter().filter(|item| item.kind == kind).count();
    assert_eq!((of("hold"), of("unsettled")), (6, 0), "{open:#?}");
    let unclear = open
        .iter()
        .filter(|item| item.detail.get("evidence").is_some());
    assert_eq!(unclear.count(), 0, "{open:#?}");
}
