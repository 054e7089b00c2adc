//! The periodic job: idle connections stay alive, and somebody hears in time of one that won't.

use std::slice;

use clear_relay::engine::{dispatcher, periodic};
use clear_relay::wiring::Relay;
use relay_core::ids::JobId;
use relay_core::time::{Clock as _, SignedDuration};
use relay_http_client::emulation::{FaultAct, Moment};
use relay_keap::emulator::Act;
use relay_store::{
    Claim, CredentialState, Existing, Fence, JobEnd, JobError, JobFilter, JobState, NewJob, Op,
    Page,
};

use super::rig::{Clinic, hours};
use crate::support::tools::Tools as _;

fn days(days: i64) -> SignedDuration {
    hours(24 * days)
}

/// The relay runs for some days, a quarter of a day at a time.
async fn runs(clinic: &Clinic, relay: &Relay, span: SignedDuration) {
    let mut left = span;
    while left > SignedDuration::ZERO {
        clinic.pass(hours(6));
        left -= hours(6);
        dispatcher::drain(&relay.engine, None)
            .await
            .expect("a working store");
    }
}

async fn started(clinic: &Clinic) -> Relay {
    let relay = clinic.relay().await;
    clinic.connect(&relay).await;
    // The other periodic jobs call Keap every day: here nobody does.
    let jobs = vec![periodic::periodic_job(&relay.engine, "credential")];
    relay
        .engine
        .store
        .commit(jobs.into())
        .await
        .expect("queued");
    dispatcher::drain(&relay.engine, None)
        .await
        .expect("a working store");
    relay
}

async fn kinds(clinic: &Clinic) -> Vec<(String, String)> {
    let work = clinic.open_work().await;
    work.into_iter()
        .map(|item| (item.dedupe_key, item.kind))
        .collect()
}

#[tokio::test]
async fn an_idle_connection_is_refreshed_every_twenty_days() {
    let clinic = Clinic::new();
    let relay = started(&clinic).await;
    runs(&clinic, &relay, days(19)).await;
    assert_eq!(clinic.refreshes(), 0);
    runs(&clinic, &relay, days(2)).await;
    assert_eq!(clinic.refreshes(), 1);
    runs(&clinic, &relay, days(60)).await;
    assert_eq!(clinic.refreshes(), 4);
    assert_eq!(clinic.row().await.state, CredentialState::Fresh);
    assert!(kinds(&clinic).await.is_empty());
}

#[tokio::test]
async fn ten_days_before_the_end_somebody_hears_and_a_refresh_takes_it_back() {
    let clinic = Clinic::new();
    let relay = started(&clinic).await;
    clinic.fault("token_refresh", Moment::Before, FaultAct::Refuse, u32::MAX);
    runs(&clinic, &relay, days(34)).await;
    assert!(kinds(&clinic).await.is_empty());
    runs(&clinic, &relay, days(2)).await;
    let alarm = ("credential/keap".to_owned(), "connection".to_owned());
    assert_eq!(kinds(&clinic).await, [alarm]);
    let item = clinic.open_work().await.remove(0);
    assert_eq!(item.detail["ends_at"], "2026-12-18T16:00:00Z");
    assert_eq!(item.detail["remedy"], "clear-relay connect keap --by NAME");

    clinic.vendors.keap().faults().clear();
    runs(&clinic, &relay, hours(6)).await;
    assert!(kinds(&clinic).await.is_empty());
}

#[tokio::test]
async fn a_connection_that_has_ended_is_one_work_item_and_connecting_settles_it() {
    let clinic = Clinic::new();
    let relay = started(&clinic).await;
    clinic
        .vendors
        .keap()
        .perform(Act::RevokeGrants)
        .expect("an act");
    // Idle for long, so that the job finds out by itself; nothing else needs Keap.
    runs(&clinic, &relay, days(21)).await;
    let broken = ("connection/keap/ended".to_owned(), "connection".to_owned());
    assert_eq!(kinds(&clinic).await, [broken]);
    let item = clinic.open_work().await.remove(0);
    let reason = item.detail["reason"].as_str().expect("a reason");
    assert!(reason.contains("not valid any more"), "{reason}");
    assert_eq!(item.detail["remedy"], "clear-relay connect keap --by NAME");
    clinic.connect(&relay).await;
    assert!(kinds(&clinic).await.is_empty());
    runs(&clinic, &relay, days(1)).await;
    assert!(kinds(&clinic).await.is_empty());
}

#[tokio::test]
async fn the_alarm_does_not_wait_for_the_next_look_when_work_finds_out_first() {
    let clinic = Clinic::new();
    let relay = started(&clinic).await;
    clinic.pass(hours(23));
    dispatcher::drain(&relay.engine, None)
        .await
        .expect("a working store");
    clinic.fault(
        "token_refresh",
        Moment::Before,
        super::rig::invalid_grant(),
        2,
    );
    // The access token is good for another hour, so this call succeeds; its refresh doesn't.
    let found = relay
        .engine
        .ports
        .staff
        .user_by_email("nobody@example.test")
        .await;
    assert!(found.is_ok(), "{found:?}");
    assert_eq!(clinic.row().await.state, CredentialState::Dead);
    dispatcher::drain(&relay.engine, None)
        .await
        .expect("a working store");
    let broken = ("connection/keap/ended".to_owned(), "connection".to_owned());
    assert_eq!(kinds(&clinic).await, slice::from_ref(&broken));

    // What is left of its access still opens: that is no renewal, and the item stays.
    let found = relay
        .engine
        .ports
        .staff
        .user_by_email("nobody@example.test")
        .await;
    assert!(found.is_ok(), "{found:?}");
    assert_eq!(kinds(&clinic).await, [broken]);
}

/// A job that `vendor` has turned away comes again in a quarter of an hour.
pub(crate) async fn turned_away(clinic: &Clinic, relay: &Relay, vendor: &str) -> JobId {
    let (store, now) = (&relay.engine.store, clinic.clock.now());
    let job = NewJob {
        id: JobId::new(&*relay.engine.random, now),
        key: format!("reread/{vendor}"),
        kind: "reread".to_owned(),
        lane: vendor.to_owned(),
        run_at: now,
        client: None,
        case: None,
        payload: serde_json::json!({}),
    };
    let existing = Existing::Keep;
    let id = job.id;
    let queued = store
        .commit(vec![Op::Enqueue { job, existing }].into())
        .await;
    queued.expect("queued");
    let claim = Claim {
        worker: "w".to_owned(),
        now,
        lease_until: now + hours(1),
        limit: 1,
        lane: Some(vendor.to_owned()),
        case: None,
        kinds: Vec::new(),
    };
    let claimed = store.claim(claim).await.expect("a store").remove(0);
    let fence = Fence {
        job: id,
        fence: claimed.fence,
    };
    let error = JobError {
        class: "unauthorised".to_owned(),
        message: format!("{vendor} list tags failed with status 401: no"),
        vendor: Some(vendor.to_owned()),
    };
    let end = JobEnd::again(now + SignedDuration::from_mins(15), error);
    let ended = Op::FinishJob {
        fence,
        end,
        at: now,
    };
    store.commit(vec![ended].into()).await.expect("ended");
    id
}

#[tokio::test]
async fn what_a_vendor_has_turned_away_is_due_as_soon_as_it_is_connected_again() {
    let clinic = Clinic::new();
    let relay = started(&clinic).await;
    let ours = turned_away(&clinic, &relay, "keap").await;
    let others = turned_away(&clinic, &relay, "other").await;
    clinic.connect(&relay).await;
    let now = clinic.clock.now();
    let store = &relay.engine.store;
    let run_at = async |id| store.job(id).await.expect("a store").expect("a job").run_at;
    assert_eq!(run_at(ours).await, now);
    assert_eq!(run_at(others).await, now + SignedDuration::from_mins(15));
}

#[tokio::test]
async fn a_relay_with_a_key_has_no_such_job() {
    let clinic = Clinic::new();
    let relay = started(&clinic).await;
    let jobs = |kind: &str| JobFilter {
        kind: Some(kind.to_owned()),
        ..JobFilter::default()
    };
    let store = &relay.engine.store;
    let found = store.jobs(&jobs("credential"), Page::default()).await;
    let found = found.expect("a store");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].state, JobState::Ready);

    let start = clinic.clock.as_ref();
    let setup = clear_relay::sandbox::world::Setup::new(start.now(), 1);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("relay.db");
    let world = clear_relay::sandbox::world::World::new(setup, &path).await;
    let world = world.expect("a world");
    let found = world
        .store()
        .jobs(&jobs("credential"), Page::default())
        .await;
    assert!(found.expect("a store").is_empty());
}
