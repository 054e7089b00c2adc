//! 429: the whole vendor waits, in full; no job dies of it; and if it lasts, a person hears.

use relay_core::effects::EffectKind;
use relay_core::time::SignedDuration;
use relay_http_client::emulation::{FaultAct, FaultRule, Moment};
use relay_store::JobState;

use super::tap::Tap;
use crate::support::story::Story;
use crate::support::tools::Tools as _;

fn too_many(times: u32, retry_after: Option<u32>) -> FaultRule {
    FaultRule {
        operation: "*".to_owned(),
        moment: Moment::Before,
        act: FaultAct::Status {
            code: 429,
            retry_after,
            body: None,
        },
        skip: 0,
        times,
    }
}

#[tokio::test]
async fn a_retry_after_of_one_job_is_obeyed_in_full_by_all_of_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let (world, tap) = super::crowd::world(folder.path(), 12, SignedDuration::ZERO).await;
    let morning = super::crowd::decision_day(&world);
    world.run_until(morning).await.expect("a store");
    world
        .vendors
        .order("keap", too_many(1, Some(900)))
        .expect("a vendor");
    let day_over = morning + SignedDuration::from_hours(12);
    world.run_until(day_over).await.expect("a store");
    let seen = tap.seen();
    let refused: Vec<_> = seen.iter().filter(|s| s.status == Some(429)).collect();
    assert_eq!(refused.len(), 1);
    let from = refused[0].at + SignedDuration::from_nanos(1);
    let until = refused[0].at + SignedDuration::from_secs(900);
    assert_eq!(tap.between(from, until), 0, "somebody called meanwhile");
    super::crowd::all_is_done(&world, 12).await;
}

#[tokio::test]
async fn a_week_of_429_kills_no_job_and_an_admin_hears_of_it_within_an_hour_or_so() {
    let mut story = Story::begin("maya", 71, &[]).await;
    let restarted = story.world.reconfigure(super::crowd::usual_limits).await;
    restarted.expect("another life");
    let begins = story.at("2026-11-06 08:00");
    story.play_until(begins).await;
    story
        .world
        .vendors
        .order("keap", too_many(u32::MAX, None))
        .expect("a vendor");
    story.play_until(story.at("2026-11-06 10:30")).await;
    let told = story.open_work().await;
    let told: Vec<_> = told.iter().filter(|item| item.kind == "vendor").collect();
    assert_eq!(told.len(), 1, "one item, however many jobs wait");
    let remedy = told[0].detail["remedy"].as_str().expect("a remedy");
    assert!(remedy.contains("another integration uses the account's quota"));

    story.play_for(SignedDuration::from_hours(7 * 24)).await;
    assert_eq!(story.jobs(&[JobState::Dead, JobState::Parked]).await, []);
    let waiting = story.jobs(&[JobState::Ready]).await;
    let waiting: Vec<_> = waiting.iter().filter(|job| job.note.is_some()).collect();
    // The first refusal may have been its own; every further one was everybody's.
    assert!(waiting.iter().all(|job| job.failures <= 1), "{waiting:?}");
    assert!(story.tried(EffectKind::Email).is_empty());

    story.world.vendors.keap().faults().clear();
    story.play_for(SignedDuration::from_hours(2)).await;
    let kinds = story.open_kinds().await;
    assert!(
        !kinds.contains(&"vendor".to_owned()),
        "settled by itself: {kinds:?}"
    );
    assert_eq!(story.jobs(&[JobState::Dead]).await, []);
}

#[tokio::test]
async fn without_retry_after_the_pauses_grow_and_the_vendor_is_not_hammered() {
    let folder = tempfile::tempdir().expect("a folder");
    let (world, tap) = super::crowd::world(folder.path(), 8, SignedDuration::ZERO).await;
    let morning = super::crowd::decision_day(&world);
    world.run_until(morning).await.expect("a store");
    world
        .vendors
        .order("keap", too_many(u32::MAX, None))
        .expect("a vendor");
    let hour = morning + SignedDuration::from_hours(2);
    world.run_until(hour).await.expect("a store");
    // 1, 2, 4 … 256 s, then one call every five minutes or a little more, whoever's turn it is.
    let calls = tap.between(morning, hour);
    assert!((10..=40).contains(&calls), "{calls} calls in two hours");
    world.vendors.keap().faults().clear();
    let evening = morning + SignedDuration::from_hours(12);
    world.run_until(evening).await.expect("a store");
    super::crowd::all_is_done(&world, 8).await;
}

#[test]
fn a_tap_sees_nothing_before_it_is_told_to_watch() {
    assert!(Tap::taking(SignedDuration::ZERO).seen().is_empty());
}
