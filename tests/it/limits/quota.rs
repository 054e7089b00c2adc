//! The drill of E70: another integration of the account uses up the quota that is everybody's.
//!
//! Days of the quota end at midnight UTC, which is 17:00 on the clinic's clock. The relay hears of
//! it as it does in life: from the headers of its next call, or from a 429.

use relay_core::effects::EffectKind;
use relay_core::time::{SignedDuration, Timestamp};
use relay_store::{JobState, WorkItem};
use serde_json::json;

use super::crowd::usual_limits;
use crate::support::story::Story;
use crate::support::tools::Tools as _;

/// The account's limit for a day.
const DAY: u32 = 10_000;

/// A story in an account with little to spare, played until that morning.
async fn begin(name: &str, until: &str) -> Story {
    let mut story = Story::begin(name, 70, &[]).await;
    let restarted = story.world.reconfigure(usual_limits).await;
    restarted.expect("another life");
    story.world.vendors.keap().configure(|settings| {
        settings.limits.tenant_per_day = DAY;
        settings.limits.enforced = true;
    });
    let until = story.at(until);
    story.play_until(until).await;
    story
}

/// Another integration calls until so much of the account's day is left. It takes some minutes.
async fn others_leave(story: &mut Story, left: u32) {
    let act = json!({ "act": "use_quota", "requests": DAY - left });
    story.world.vendors.act("keap", act).expect("an act");
    story.play_for(SignedDuration::from_mins(5)).await;
}

fn when(story: &Story, kind: EffectKind) -> Vec<Timestamp> {
    let accepted = story.accepted(kind);
    accepted.into_iter().map(|accepted| accepted.at).collect()
}

/// Everything came as it was written down by hand, once, and nothing is dead.
async fn all_is_done_once(story: &Story) {
    assert_eq!(story.differences(), Vec::<String>::new());
    assert_eq!(story.jobs(&[JobState::Dead, JobState::Parked]).await, []);
}

async fn vendor_items(story: &Story) -> Vec<WorkItem> {
    let mut work = story.open_work().await;
    work.retain(|item| item.kind == "vendor");
    work
}

#[tokio::test]
async fn e70_background_work_waits_first_while_everything_else_goes_on() {
    let mut story = begin("jo", "2026-11-07 05:30").await;
    others_leave(&mut story, DAY * 15 / 100).await;
    // The coach changes a task: it is read, and the answer tells what is left.
    let edit = json!({ "act": "edit_task", "task": 30_001, "changes": { "title": "Call Jo" } });
    story.world.vendors.act("keap", edit).expect("a task");
    let reset = story.at("2026-11-07 17:00");
    story.play_until(story.at("2026-11-07 07:00")).await;

    let jobs = story.jobs(&[JobState::Ready]).await;
    let refresh = jobs.iter().find(|job| job.kind == "refresh");
    let refresh = refresh.expect("the daily look at open cases");
    assert!(refresh.run_at >= reset, "{}", refresh.run_at);
    let note = refresh.note.as_deref().unwrap_or_default();
    assert!(note.contains("kept for messages with a deadline"), "{note}");
    let rereads = story.jobs(&[JobState::Done]).await;
    assert!(rereads.iter().any(|job| job.kind == "reread"));
    assert_eq!(
        vendor_items(&story).await,
        [],
        "nobody need be told of that"
    );

    story.play().await;
    all_is_done_once(&story).await;
    let refreshed = story.jobs(&[JobState::Ready]).await;
    assert!(
        !refreshed.iter().any(|job| job.key == refresh.key),
        "it has run"
    );
}

#[tokio::test]
async fn e70_messages_with_a_deadline_keep_their_reserve_and_the_rest_follows_after_the_reset() {
    let mut story = begin("maya", "2026-11-06 08:30").await;
    others_leave(&mut story, DAY * 8 / 100).await;
    story.play().await;

    let reset = story.at("2026-11-06 17:00");
    let mails = when(&story, EffectKind::Email);
    assert_eq!(mails.len(), 1);
    assert!(mails[0] < story.at("2026-11-06 10:00"), "{}", mails[0]);
    for kind in [EffectKind::ContactNote, EffectKind::AddTag] {
        let made = when(&story, kind);
        assert_eq!(made.len(), 1, "{kind:?}");
        assert!(made[0] >= reset, "{kind:?} {}", made[0]);
    }
    all_is_done_once(&story).await;
    assert_eq!(
        vendor_items(&story).await,
        [],
        "told, and settled by itself"
    );
}

#[tokio::test]
async fn e70_with_nothing_left_everything_waits_an_admin_is_told_and_all_goes_on_after_the_reset() {
    let mut story = begin("maya", "2026-11-06 08:30").await;
    others_leave(&mut story, 0).await;
    let reset = story.at("2026-11-06 17:00");
    story.play_until(story.at("2026-11-06 16:00")).await;

    assert_eq!(story.tried(EffectKind::Email), []);
    let told = vendor_items(&story).await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].owner, "admin");
    let remedy = told[0].detail["remedy"].as_str().expect("a remedy");
    assert!(remedy.contains("another integration"), "{remedy}");
    let waiting = story.jobs(&[JobState::Ready]).await;
    let waiting = waiting.iter().filter(|job| {
        let note = job.note.as_deref().unwrap_or_default();
        note.contains("waits for its turn at keap: the quota is used up")
    });
    let waiting: Vec<_> = waiting.collect();
    assert!(!waiting.is_empty());
    assert!(
        waiting
            .iter()
            .all(|job| job.run_at >= reset && job.failures == 0)
    );

    story.play().await;
    all_is_done_once(&story).await;
    let mails = when(&story, EffectKind::Email);
    assert!(mails[0] >= reset && mails.len() == 1, "{mails:?}");
    assert_eq!(vendor_items(&story).await, [], "settled by itself");
}

#[tokio::test]
async fn e70_a_minute_that_others_use_up_costs_a_minute() {
    let mut story = begin("maya", "2026-11-06 08:30").await;
    story.world.vendors.keap().configure(|settings| {
        settings.limits.tenant_per_minute = 500;
        settings.limits.tenant_per_day = 1_000_000;
    });
    let morning = story.at("2026-11-06 09:00");
    // All morning, every minute.
    for minute in 0..60 {
        let now = morning + SignedDuration::from_mins(minute);
        story.play_until(now).await;
        let act = json!({ "act": "use_quota", "requests": if minute < 30 { 500 } else { 100 } });
        story.world.vendors.act("keap", act).expect("an act");
    }
    story.play().await;
    all_is_done_once(&story).await;
    let mails = when(&story, EffectKind::Email);
    let half_past = morning + SignedDuration::from_mins(30);
    let soon = half_past + SignedDuration::from_mins(10);
    assert!(mails[0] >= half_past && mails[0] < soon, "{}", mails[0]);
}
