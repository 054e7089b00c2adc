//! A vendor fails while the machine's clock is ahead, and the clock is corrected.

use crate::support::tools::Tools as _;
use clear_relay::sandbox::world::World;
use relay_core::time::{Clock as _, SignedDuration};
use relay_http_client::emulation::{FaultAct, FaultRule, Moment};
use relay_store::{Job, JobFilter, JobState, Page};

const PEOPLE: usize = 6;

fn set(world: &World, by: SignedDuration) {
    for clock in [&world.clock, &world.real] {
        clock.set(clock.now().saturating_add(by).expect("a time"));
    }
}

fn always(act: FaultAct) -> FaultRule {
    FaultRule {
        operation: "*".to_owned(),
        moment: Moment::Before,
        act,
        skip: 0,
        times: u32::MAX,
    }
}

fn asks_for_a_pause() -> FaultAct {
    FaultAct::Status {
        code: 429,
        retry_after: Some(7_200),
        body: None,
    }
}

/// The jobs that wait for a vendor or have failed, and come back later than in half an hour.
async fn put_off_for_long(world: &World) -> Vec<Job> {
    let ready = JobFilter {
        states: vec![JobState::Ready],
        ..JobFilter::default()
    };
    let all = Page {
        offset: 0,
        limit: 10_000,
    };
    let soon = world.now() + SignedDuration::from_mins(30);
    let mut jobs = world.store().jobs(&ready, all).await.expect("a store");
    jobs.retain(|job| {
        let waits = job
            .note
            .as_ref()
            .is_some_and(|note| note.starts_with("waits for its turn"));
        (waits || job.failures > 0) && job.run_at > soon
    });
    jobs
}

#[tokio::test]
async fn a_vendor_that_failed_while_the_clock_was_a_day_ahead_stops_nobody_once_it_is_right() {
    for (act, restarts) in [
        (FaultAct::Refuse, false),
        (FaultAct::Refuse, true),
        (asks_for_a_pause(), false),
    ] {
        let told = format!("{act:?}, restarts: {restarts}");
        let folder = tempfile::tempdir().expect("a folder");
        let (mut world, tap) =
            super::crowd::world(folder.path(), PEOPLE, SignedDuration::ZERO).await;
        let morning = super::crowd::decision_day(&world);
        world.run_until(morning).await.expect("a store");
        let day = SignedDuration::from_hours(24);
        world.vendors.order("keap", always(act)).expect("a vendor");
        set(&world, day);
        let hour = SignedDuration::from_hours(1);
        world.run_for(hour).await.expect("a store");
        assert!(!put_off_for_long_by(&world, day).await.is_empty(), "{told}");

        world.vendors.keap().faults().clear();
        set(&world, -day);
        let right = world.now();
        if restarts {
            world.restart().await.expect("another life");
        }
        world.run_for(hour).await.expect("a store");
        assert_eq!(put_off_for_long(&world).await, [], "{told}");
        assert!(tap.between(right, right + hour) > PEOPLE, "{told}");
        let evening = morning + SignedDuration::from_hours(36);
        world.run_until(evening).await.expect("a store");
        super::crowd::all_is_done(&world, PEOPLE).await;
    }
}

/// The same, seen with the clock corrected.
async fn put_off_for_long_by(world: &World, ahead: SignedDuration) -> Vec<Job> {
    set(world, -ahead);
    let jobs = put_off_for_long(world).await;
    set(world, ahead);
    jobs
}
