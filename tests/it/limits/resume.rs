//! What ends a pause that nobody wants, and one refused call that comes back forever.

use clear_relay::engine::{EngineError, wake};
use relay_core::effects::EffectKind;
use relay_core::time::SignedDuration;
use relay_http_client::emulation::{FaultAct, FaultRule, Moment};
use relay_store::{Job, JobState};

use crate::support::story::Story;

/// 429 with a `Retry-After`, for what is asked of `operation`.
fn too_many(operation: &str, times: u32, retry_after: u32) -> FaultRule {
    FaultRule {
        operation: operation.to_owned(),
        moment: Moment::Before,
        act: FaultAct::Status {
            code: 429,
            retry_after: Some(retry_after),
            body: None,
        },
        skip: 0,
        times,
    }
}

/// Maya's story to the morning on which her email is due, with the limits of a clinic.
async fn morning(rule: FaultRule) -> Story {
    let mut story = Story::begin("maya", 71, &[]).await;
    let restarted = story.world.reconfigure(super::crowd::usual_limits).await;
    restarted.expect("another life");
    let begins = story.at("2026-11-06 08:00");
    story.play_until(begins).await;
    story.world.vendors.order("keap", rule).expect("a vendor");
    story
}

fn of_email(jobs: Vec<Job>) -> Vec<Job> {
    let mut jobs = jobs;
    jobs.retain(|job| job.key.contains("email"));
    jobs
}

#[tokio::test]
async fn a_retry_after_that_can_not_be_meant_stops_nobody() {
    // A point in time, in seconds since 1970: half a century as a wait.
    let mut story = morning(too_many("*", 1, 1_793_721_600)).await;
    story.play_until(story.at("2026-11-06 12:00")).await;
    assert_eq!(story.accepted(EffectKind::Email).len(), 1);
}

#[tokio::test]
async fn one_call_that_is_always_refused_ends_as_a_dead_job_with_a_work_item() {
    let mut story = morning(too_many("email", u32::MAX, 300)).await;
    story.play_until(story.at("2026-11-11 12:00")).await;
    // Put off over the weekend, and given up on Monday.
    let kinds = story.kinds_ever().await;
    let dead = of_email(story.jobs(&[JobState::Dead]).await);
    assert_eq!(dead.len(), 1, "given up within its budget: {kinds:?}");
    assert!(kinds.contains(&"dead_job".to_owned()), "{kinds:?}");
    assert_eq!(story.accepted(EffectKind::Email), []);
}

#[tokio::test]
async fn a_person_ends_a_pause_and_what_waits_goes_on_at_once() {
    let mut story = morning(too_many("*", 1, 20 * 3_600)).await;
    story.play_until(story.at("2026-11-06 10:30")).await;
    assert_eq!(story.accepted(EffectKind::Email), [], "it waits");
    let work = story.open_work().await;
    let item = work.iter().find(|item| item.kind == "vendor");
    let remedy = item.expect("a work item").detail["remedy"].to_string();
    assert!(remedy.contains("vendors resume keap --by NAME"), "{remedy}");

    let unknown = wake::resume_vendor(story.engine(), "acme", "Ana Ops").await;
    let refused = matches!(&unknown, Err(EngineError::Refused(why)) if why.contains("keap"));
    assert!(refused, "{unknown:?}");
    let shown = wake::preview_resume(story.engine(), "keap")
        .await
        .expect("a store");
    assert!(shown.closed.is_some() && shown.jobs > 0, "{shown:?}");
    story.play_until(story.at("2026-11-06 11:00")).await;
    assert_eq!(story.accepted(EffectKind::Email), [], "only looked at");

    let done = wake::resume_vendor(story.engine(), "keap", "Ana Ops").await;
    let done = done.expect("a store");
    assert!(done.closed.is_some() && done.jobs > 0, "{done:?}");
    story.play_until(story.at("2026-11-06 11:15")).await;
    assert_eq!(story.accepted(EffectKind::Email).len(), 1);
    story.play_for(SignedDuration::from_hours(24)).await;
    let kinds = story.open_kinds().await;
    assert!(!kinds.contains(&"vendor".to_owned()), "{kinds:?}");
}
