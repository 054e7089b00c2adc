//! No job and no case goes by the words of a message.
//!
//! Stories are played twice, the second time with every text made meaningless that the code stores for
//! people or hears from a vendor's refusal (`support/rewording.rs`). Vendors, cases, jobs and work items
//! end up the same.

use std::sync::Arc;

use clear_relay::engine::commands::replay;
use clear_relay::engine::wake;
use clear_relay::failpoint::{ATTEMPT, INTENT, SETTLE};
use relay_core::case::{Case, Wait};
use relay_core::effects::EffectKind;
use relay_core::time::{Clock as _, SignedDuration, Timestamp};
use relay_http_client::emulation::{Accepted, FaultAct, FaultRule, Moment};
use relay_store::{Job, JobState, Page, Store, WorkItem};

use crate::credentials::rig::Clinic;
use crate::credentials::watching::turned_away;
use crate::limits::crowd::usual_limits;
use crate::support::crash::Death;
use crate::support::rewording;
use crate::support::story::{STORIES, Story};

const ALL: Page = Page {
    offset: 0,
    limit: 1000,
};

/// What must be the same.
#[derive(Debug, PartialEq)]
struct Outcome {
    accepted: Vec<Accepted>,
    cases: Vec<String>,
    jobs: Vec<String>,
    work: Vec<String>,
}

fn case(case: &Case) -> String {
    let wait = match &case.wait {
        None => "nothing".to_owned(),
        Some(Wait::Timer { until, .. }) => format!("{until}"),
        Some(Wait::Person { who, remind_at, .. }) => format!("{who} {remind_at}"),
        Some(Wait::Effect { key }) => key.to_string(),
        Some(Wait::Read { what }) => what.clone(),
    };
    format!(
        "{} {} {} visit {} version {} generation {} waits for {wait}",
        case.client,
        case.step,
        case.status.as_str(),
        case.visit,
        case.version,
        case.generation
    )
}

async fn job(store: &dyn Store, job: &Job) -> String {
    let tries = store.attempts(job.id).await.expect("attempts");
    let results: Vec<_> = tries
        .iter()
        .map(|one| (one.ended_at, &one.result))
        .collect();
    let error = job.last_error.as_ref();
    format!(
        "{} {} {} at {} failures {} since {:?} deferred by {:?} refused {} error {:?} of {:?} \
         noted {}: {results:?}",
        job.key,
        job.lane,
        job.state.as_str(),
        job.run_at,
        job.failures,
        job.failing_since,
        job.deferred_by,
        job.refused,
        error.map(|error| &error.class),
        error.map(|error| &error.vendor),
        job.note.is_some(),
    )
}

fn item(item: &WorkItem) -> String {
    format!(
        "{} {} for {} about {:?} {:?} due {} reminded {} settled {:?}",
        item.dedupe_key,
        item.kind,
        item.owner,
        item.client,
        item.case,
        item.due,
        item.reminders,
        item.settled
            .as_ref()
            .map(|settled| (&settled.by, settled.at))
    )
}

/// A coach's task says what its item says: here, words. Only whose it is and when counts.
fn without_words(mut entry: Accepted) -> Accepted {
    let content = &mut entry.content;
    let is_call = content["title"]
        .as_str()
        .is_some_and(|title| title.contains("CALL "));
    if (entry.operation == "work_task" || entry.operation == "close_task") && !is_call {
        content["title"] = serde_json::Value::Null;
        content["description"] = serde_json::Value::Null;
    }
    entry
}

async fn outcome(played: &Story) -> Outcome {
    let store = played.store();
    let mut jobs = Vec::new();
    for one in played.jobs(JobState::ALL).await {
        jobs.push(job(store, &one).await);
    }
    let mut work = store.open_work(None, ALL).await.expect("work items");
    let cases = played.cases().await;
    for one in &cases {
        work.extend(store.case_work(one.id).await.expect("work items"));
    }
    Outcome {
        accepted: played
            .world
            .vendors
            .accepted()
            .into_iter()
            .map(without_words)
            .collect(),
        cases: cases.iter().map(case).collect(),
        jobs,
        work: work.iter().map(item).collect(),
    }
}

/// Plays a scene twice, once with words and once without.
async fn same(name: &str, seed: u64, death: Option<Death>, scene: impl AsyncFn(&mut Story)) {
    let mut told = Story::reworded(name, seed, death, false).await;
    scene(&mut told).await;
    let mut untold = Story::reworded(name, seed, death, true).await;
    scene(&mut untold).await;
    assert_eq!(told.deaths, untold.deaths, "{name}");
    let (expected, found) = (outcome(&told).await, outcome(&untold).await);
    assert!(!expected.accepted.is_empty() && !expected.jobs.is_empty());
    // Not by one line: a difference should be read where it is.
    assert_eq!(expected.accepted, found.accepted, "{name}");
    assert_eq!(expected.cases, found.cases, "{name}");
    assert_eq!(expected.jobs, found.jobs, "{name}");
    assert_eq!(expected.work, found.work, "{name}");
}

fn rule(operation: &str, moment: Moment, code: u16, times: u32, after: Option<u32>) -> FaultRule {
    FaultRule {
        operation: operation.to_owned(),
        moment,
        act: FaultAct::Status {
            code,
            retry_after: after,
            body: None,
        },
        skip: 0,
        times,
    }
}

/// To the morning on which Maya's email is due, in an account that keeps its limits; then the fault.
async fn morning(story: &mut Story, rule: FaultRule) {
    let restarted = story.world.reconfigure(usual_limits).await;
    restarted.expect("another life");
    story.play_until(story.at("2026-11-06 08:00")).await;
    story.world.vendors.order("keap", rule).expect("a vendor");
}

async fn email_job(story: &Story) -> Job {
    story.job_of(EffectKind::Email).await
}

#[tokio::test]
async fn a_story_goes_the_same_way_without_a_word_that_can_be_read() {
    for name in STORIES {
        same(name, 11, None, async |story| story.play().await).await;
    }
}

#[tokio::test]
async fn the_words_are_gone_in_the_second_playing() {
    let mut story = Story::reworded("maya", 11, None, true).await;
    story.play().await;
    for case in story.cases().await {
        let lines = story.store().timeline(case.id).await.expect("a timeline");
        assert!(!lines.is_empty());
        assert!(lines.iter().all(|line| line.text.starts_with("zq")));
        let work = story.store().case_work(case.id).await.expect("work items");
        assert!(work.iter().all(|item| item.title.starts_with("zq")));
    }
    let jobs = story.jobs(JobState::ALL).await.into_iter();
    let notes: Vec<_> = jobs.filter_map(|job| job.note).collect();
    assert!(!notes.is_empty() && notes.iter().all(|note| note.starts_with("zq")));
}

#[tokio::test]
async fn a_job_that_is_refused_alone_comes_to_its_end_without_words() {
    let scene = async |story: &mut Story| {
        morning(
            story,
            rule("email", Moment::Before, 429, u32::MAX, Some(300)),
        )
        .await;
        story.play_until(story.at("2026-11-06 14:00")).await;
        let job = email_job(story).await;
        assert!(job.refused && job.failures > 0, "{job:?}");
        story.play_until(story.at("2026-11-11 12:00")).await;
        let job = email_job(story).await;
        assert_eq!((job.state, job.refused), (JobState::Dead, false));
    };
    Box::pin(same("maya", 71, None, scene)).await;
}

#[tokio::test]
async fn what_waits_for_a_vendor_is_found_without_words() {
    let scene = async |story: &mut Story| {
        morning(story, rule("*", Moment::Before, 429, 1, Some(20 * 3_600))).await;
        story.play_until(story.at("2026-11-06 10:30")).await;
        let waiting = story.jobs(&[JobState::Ready]).await;
        let mut by = waiting.iter().filter_map(|job| job.deferred_by.as_deref());
        assert_eq!(by.next(), Some("keap"));
        let resumed = wake::resume_vendor(story.engine(), "keap", "Ana Ops").await;
        assert!(resumed.expect("a store").jobs > 0);
        story.play_until(story.at("2026-11-06 11:15")).await;
        assert_eq!(story.accepted(EffectKind::Email).len(), 1);
        story.play_for(SignedDuration::from_hours(24)).await;
    };
    same("maya", 71, None, scene).await;
}

#[tokio::test]
async fn what_a_fault_means_is_decided_without_words() {
    // An outage; a refused credential; an answer that is lost; a refusal for good, and the replay.
    let faults = [
        (Moment::Before, 503, 4, Some(60)),
        (Moment::Before, 401, 3, None),
        (Moment::After, 500, 1, None),
        (Moment::Before, 422, 1, None),
    ];
    for (moment, code, times, after) in faults {
        let scene = async |story: &mut Story| {
            morning(story, rule("email", moment, code, times, after)).await;
            story.play_until(story.at("2026-11-06 10:05")).await;
            let job = email_job(story).await;
            let vendor = job.last_error.and_then(|error| error.vendor);
            let named = vendor.as_deref() == Some("keap");
            assert_eq!(named, code != 500, "{code}");
            if job.state == JobState::Dead {
                let replayed = replay::replay(story.engine(), job.id, "Ana Ops").await;
                replayed.expect("a replay");
            }
            story.play_until(story.at("2026-11-09 12:00")).await;
            assert_eq!(story.accepted(EffectKind::Email).len(), 1, "{code}");
        };
        Box::pin(same("maya", 71, None, scene)).await;
    }
}

#[tokio::test]
async fn what_was_cut_off_is_found_again_without_words() {
    for name in [INTENT.after, ATTEMPT.after, SETTLE.before] {
        let death = Some(Death { name, hit: 2 });
        same("maya", 5, death, async |story| {
            story.play().await;
            assert_eq!(story.deaths, 1, "{name}");
        })
        .await;
    }
}

#[tokio::test]
async fn connecting_again_wakes_what_waits_without_words() {
    let clinic = Clinic::new();
    let store: Arc<dyn Store> = Arc::new(clinic.store().await);
    let relay = clinic.relay_on(rewording::store(store));
    clinic.connect(&relay).await;
    let ours = turned_away(&clinic, &relay, "keap").await;
    let others = turned_away(&clinic, &relay, "other").await;
    clinic.connect(&relay).await;
    let now = clinic.clock.now();
    let due = async |id| -> (Timestamp, String) {
        let job = relay.engine.store.job(id).await.expect("a store");
        let job = job.expect("a job");
        (job.run_at, job.last_error.expect("an error").message)
    };
    let (at, message) = due(ours).await;
    assert!(message.starts_with("zq"), "{message}");
    assert_eq!(at, now);
    assert_eq!(due(others).await.0, now + SignedDuration::from_mins(15));
}
