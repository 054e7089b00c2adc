//! Replaying what was given up: once, whoever asks and however often, and never blindly.

use clear_relay::engine::commands::replay;
use clear_relay::engine::commands::replay::Preview;
use clear_relay::engine::dispatcher;
use relay_core::effects::EffectKind;
use relay_core::time::SignedDuration;
use relay_http_client::emulation::{Accepted, FaultAct, FaultRule, Moment};
use relay_store::{EffectState, Job, JobState};

use super::support::story::Story;
use crate::support::tools::Tools as _;

fn order(story: &Story, kind: EffectKind, moment: Moment, act: FaultAct) {
    let rule = FaultRule {
        operation: kind.as_str().to_owned(),
        moment,
        act,
        skip: 0,
        times: 1,
    };
    story.world.vendors.order("keap", rule).expect("a vendor");
}

fn refused() -> FaultAct {
    FaultAct::Status {
        code: 400,
        retry_after: None,
        body: None,
    }
}

/// Played until shortly after the effect met its fault.
async fn struck(name: &str, seed: u64, kind: EffectKind, moment: Moment, act: FaultAct) -> Story {
    let mut story = Story::begin(name, seed, &[]).await;
    order(&story, kind, moment, act);
    let over = story.at("2026-11-06 09:40");
    story.play_until(over).await;
    story
}

async fn preview(story: &Story, job: &Job) -> Preview {
    replay::preview(story.engine(), job)
        .await
        .expect("a preview")
}

#[tokio::test]
async fn two_admins_who_replay_at_once_send_one_task() {
    for seed in 70..78 {
        let kind = EffectKind::CallTask;
        let mut story = struck("gail", seed, kind, Moment::Before, refused()).await;
        let job = story.job_of(kind).await;
        assert_eq!(job.state, JobState::Dead);
        let other = story.world.second().await.expect("a second relay").engine;
        let (ann, bob) = tokio::join!(
            replay::replay(story.engine(), job.id, "Ann"),
            replay::replay(&other, job.id, "Bob")
        );
        let both = [&ann, &bob];
        let sends = |result: &&Result<Preview, _>| matches!(result, Ok(Preview::WillSend));
        let sent = both.into_iter().filter(|result| sends(result)).count();
        assert!((1..=2).contains(&sent), "seed {seed}: {ann:?} {bob:?}");
        let (one, two) = tokio::join!(
            dispatcher::drain(story.engine(), None),
            dispatcher::drain(&other, None)
        );
        one.expect("a store");
        two.expect("a store");
        story.play().await;
        assert_eq!(
            story.tried(kind).len(),
            2,
            "seed {seed}: refused, then made"
        );
        assert_eq!(story.differences(), Vec::<String>::new(), "seed {seed}");
    }
}

#[tokio::test]
async fn a_preview_that_says_will_send_sends_once() {
    let kind = EffectKind::CallTask;
    let mut story = struck("gail", 80, kind, Moment::Before, refused()).await;
    let job = story.job_of(kind).await;
    let before = story.wire.sent().len();
    assert_eq!(preview(&story, &job).await, Preview::WillSend);
    assert_eq!(story.wire.sent().len(), before, "a preview changes nothing");
    let said = replay::replay(story.engine(), job.id, "Ann").await;
    assert_eq!(said.expect("a replay"), Preview::WillSend);
    story.play().await;
    assert_eq!(story.differences(), Vec::<String>::new());
}

/// The email was sent, its answer lost, and Keap lists it only after the last look.
async fn sent_and_shown_late(seed: u64) -> Story {
    let mut story = Story::begin("maya", seed, &[]).await;
    let late = |settings: &mut relay_keap::emulator::Settings| {
        settings.email_delay = 7_200..=7_200;
    };
    story.world.vendors.keap().configure(late);
    order(&story, EffectKind::Email, Moment::After, FaultAct::Reset);
    let over = story.at("2026-11-06 09:40");
    story.play_until(over).await;
    story
}

#[tokio::test]
async fn a_preview_that_says_needs_you_sends_nothing() {
    let mut story = sent_and_shown_late(81).await;
    let job = story.job_of(EffectKind::Email).await;
    assert_eq!(job.state, JobState::Parked);
    let needs_you = |said: &Preview| matches!(said, Preview::NeedsYou { .. });
    assert!(needs_you(&preview(&story, &job).await));
    let said = replay::replay(story.engine(), job.id, "Ann").await;
    assert!(needs_you(&said.expect("an answer")));
    story.play_for(SignedDuration::from_mins(30)).await;
    assert_eq!(story.tried(EffectKind::Email).len(), 1);
    let effect = story.effect(EffectKind::Email).await.expect("an effect");
    assert_eq!(effect.state, EffectState::Unsettled);
    let asked = story.open_kinds().await;
    assert!(asked.iter().any(|kind| kind == "unsettled"), "{asked:?}");
}

#[tokio::test]
async fn a_preview_that_says_already_done_sends_nothing_and_the_case_goes_on() {
    let mut story = sent_and_shown_late(82).await;
    // By now Keap lists it.
    story.play_for(SignedDuration::from_hours(3)).await;
    let job = story.job_of(EffectKind::Email).await;
    let already = |said: &Preview| matches!(said, Preview::AlreadyDone { .. });
    assert!(already(&preview(&story, &job).await));
    let said = replay::replay(story.engine(), job.id, "Ann").await;
    assert!(already(&said.expect("a replay")));
    story.play().await;
    assert_eq!(story.tried(EffectKind::Email).len(), 1);
    assert_eq!(story.differences(), Vec::<String>::new());
    assert_eq!(story.open_kinds().await, ["by_hand"]);
}

#[tokio::test]
async fn replaying_everything_twice_changes_nothing() {
    for (seed, name) in (83..).zip(["maya", "jo", "gail", "tina", "cora"]) {
        let mut story = Story::begin(name, seed, &[]).await;
        story.play().await;
        let effects = |story: &Story| -> Vec<Accepted> { story.world.vendors.accepted() };
        let (books, wire) = (effects(&story), story.wire.sent().len());
        for _ in 0..2 {
            for job in story.jobs(&[]).await {
                let said = replay::replay(story.engine(), job.id, "Ann").await;
                let nothing = matches!(
                    said,
                    Ok(Preview::Nothing { .. } | Preview::AlreadyDone { .. })
                );
                assert!(nothing, "{name} {}: {said:?}", job.key);
            }
            story.play_for(SignedDuration::from_mins(30)).await;
        }
        assert_eq!(effects(&story), books, "{name}");
        assert_eq!(story.wire.sent().len(), wire, "{name}");
        assert_eq!(story.differences(), Vec::<String>::new(), "{name}");
    }
}
