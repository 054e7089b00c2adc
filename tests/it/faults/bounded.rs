//! What never succeeds comes to an end, and to a person.

use super::*;

/// Retries of a day, at most: 12 within the first hour and a half, then one an hour, doubled for
/// the looks in between.
const STORM: usize = 40;

#[tokio::test]
async fn a_vendor_that_fails_for_ever_is_not_stormed_and_somebody_hears_of_it() {
    let storms: [(&str, FaultAct); 4] = [
        ("429", status(429, None)),
        ("500", status(500, None)),
        ("reset", FaultAct::Reset),
        ("refused line", FaultAct::Refuse),
    ];
    for (seed, (what, act)) in (55..).zip(storms) {
        let kind = EffectKind::CallTask;
        let mut story = Story::begin("jo", seed, &[]).await;
        order(&story, kind, Moment::Before, act, u32::MAX);
        let before_the_coach = story.at("2026-11-06 13:00");
        story.play_until(before_the_coach).await;
        let tries = story.tried(kind);
        assert!((2..=12).contains(&tries.len()), "{what}: {tries:?}");
        assert_eq!(story.job_of(kind).await.state, JobState::Ready, "{what}");
    }
}

#[tokio::test]
async fn a_day_of_refusals_ends_in_a_work_item_and_a_replay_still_works() {
    let kind = EffectKind::AddTag;
    let mut story = Story::begin("maya", 59, &[]).await;
    order(&story, kind, Moment::Before, status(429, None), u32::MAX);
    let next_day = story.at("2026-11-07 11:00");
    story.play_until(next_day).await;
    let tries = story.tried(kind);
    assert!((10..=STORM).contains(&tries.len()), "{}", tries.len());
    let job = story.job_of(kind).await;
    assert_eq!(job.state, JobState::Dead);
    assert_eq!(story.open_kinds().await, ["dead_job"]);
    story.world.vendors.keap().faults().clear();
    let replayed = replay::replay(story.engine(), job.id, "Admin").await;
    replayed.expect("a replay");
    story.play().await;
    assert_eq!(story.accepted(kind).len(), 1);
    assert_eq!(story.open_kinds().await, ["by_hand"]);
}

#[tokio::test]
async fn a_guard_that_can_never_read_never_sends_and_is_bounded() {
    let mut story = Story::begin("maya", 60, &[]).await;
    let before = story.at("2026-11-04 08:00");
    story.play_until(before).await;
    let rule = FaultRule {
        operation: "list_messages".to_owned(),
        moment: Moment::Before,
        act: status(500, None),
        skip: 0,
        times: u32::MAX,
    };
    story.world.vendors.order("portal", rule).expect("a vendor");
    let later = story.at("2026-11-05 20:00");
    story.play_until(later).await;
    assert_eq!(story.tried(EffectKind::PortalMessage).len(), 0);
    let job = story.job_of(EffectKind::PortalMessage).await;
    assert_eq!(job.state, JobState::Dead, "{:?}", job.last_error);
    let failed = story.store().attempts(job.id).await.expect("attempts");
    assert!(failed.len() <= STORM, "{}", failed.len());
}
