//! The relay's line, made of what is stored.

use relay_core::case::Mode;
use relay_core::effects::{EffectKind, Scope};
use relay_core::ids::{CaseId, JobId, WorkItemId};
use relay_core::random::SeededRandom;
use relay_core::time::Timestamp;
use relay_store::JobError;
use serde_json::json;

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn noon() -> Timestamp {
    at("2026-11-06T12:00:00Z")
}

fn missed(step: &str, status: CaseStatus, wait: Option<Wait>) -> Case {
    Case {
        id: CaseId::new(&SeededRandom::new(1), noon()),
        client: ClientId::from("maya"),
        procedure: "missed_check_in".to_owned(),
        procedure_hash: String::new(),
        logic: 1,
        mode: Mode::Act,
        version: 1,
        status,
        step: step.to_owned(),
        visit: 1,
        generation: 1,
        wait,
        data: Value::Null,
        opened_at: noon(),
        changed_at: noon(),
    }
}

fn line(step: &str, detail: Option<Value>) -> TimelineEntry {
    TimelineEntry {
        at: noon(),
        step: step.to_owned(),
        text: format!("something in {step}"),
        sop: None,
        detail,
    }
}

fn states(case: &CaseView) -> Vec<(&str, &str)> {
    let steps = case.steps.iter();
    steps.map(|step| (step.name.as_str(), step.state)).collect()
}

#[test]
fn a_case_shows_how_far_each_step_has_come_and_leaves_the_other_scenario_out() {
    let until = at("2026-11-08T16:00:00Z");
    let why = "time to respond".to_owned();
    let wait = Wait::Timer { until, why };
    let case_now = missed("email_follow_up", CaseStatus::Open, Some(wait));
    let decision = json!({ "decision": { "would_change": "no open at all",
                                           "cautions": ["newsletters only, it seems"] } });
    let told = [
        line("portal_message", None),
        line("choose_channel", Some(decision)),
        line("email_follow_up", None),
    ];
    let shown = case(&case_now, &told, &TimeZone::UTC);
    assert_eq!(
        states(&shown),
        [
            ("open", "done"),
            ("portal message", "done"),
            ("choose channel", "done"),
            ("email follow-up", "now"),
            ("phone follow-up", "not taken"),
            ("by hand", "to come"),
        ]
    );
    assert_eq!(shown.until.as_deref(), Some("Sun Nov 8 16:00"));
    assert_eq!(shown.now, "time to respond");
    let decision = shown.decision.as_deref();
    assert_eq!(decision, Some("something in choose_channel"));
    assert_eq!(shown.would_change.as_deref(), Some("no open at all"));
    assert_eq!(shown.cautions, ["newsletters only, it seems"]);
    assert!(shown.steps[1].sentences[0].starts_with("Log into Clear Connection"));
}

#[test]
fn a_closed_case_has_nothing_to_come() {
    let reason = "the check-in was submitted".to_owned();
    let over = missed("portal_message", CaseStatus::Closed { reason }, None);
    let shown = case(&over, &[line("portal_message", None)], &TimeZone::UTC);
    assert_eq!(shown.now, "the check-in was submitted");
    assert!(
        shown
            .steps
            .iter()
            .all(|step| step.state != "to come" && step.state != "now")
    );
}

#[test]
fn what_is_being_carried_out_is_named_without_its_key() {
    let mut waiting = missed("email_follow_up", CaseStatus::Open, None);
    let scope = Scope::Case {
        case: waiting.id,
        client: waiting.client.clone(),
    };
    let key = scope.key("email_follow_up", 1, "contact_note");
    waiting.wait = Some(Wait::Effect { key });
    let shown = case(&waiting, &[], &TimeZone::UTC);
    assert_eq!(shown.now, "being carried out: contact note");
}

#[test]
fn who_is_waited_for_is_named_as_people_name_her() {
    let wait = |who: &str| {
        let wait = Wait::Person {
            who: who.to_owned(),
            why: "what came of the call?".to_owned(),
            remind_at: noon(),
        };
        case(
            &missed("phone_follow_up", CaseStatus::Open, Some(wait)),
            &[],
            &TimeZone::UTC,
        )
        .now
    };
    assert_eq!(wait("coach_beth"), "Beth: what came of the call?");
    assert_eq!(
        wait("program_manager"),
        "the program manager: what came of the call?"
    );
}

fn item(detail: Value) -> WorkItem {
    WorkItem {
        id: WorkItemId::new(&SeededRandom::new(2), noon()),
        dedupe_key: "k".to_owned(),
        kind: "by_hand".to_owned(),
        owner: "coach_beth".to_owned(),
        title: "Ana C.: continue by hand".to_owned(),
        detail,
        actions: vec!["done_by_hand".to_owned()],
        client: None,
        case: None,
        effect: None,
        opened_at: noon(),
        due: noon(),
        remind_at: noon(),
        reminders: 0,
        settled: None,
    }
}

fn today() -> relay_core::time::Date {
    "2026-11-09".parse().expect("a date")
}

#[test]
fn a_work_item_shows_the_text_that_is_ready_or_what_of_it_is_not_so() {
    let shown = work(
        &item(json!({
            "ready": { "script": "S4", "text": "Hi Ana", "check": ["nobody called"] }
        })),
        today(),
    );
    assert_eq!(shown.ready, None);
    assert_eq!(shown.check, ["nobody called"]);
    assert_eq!(shown.owner, "Beth");
    let both = work(
        &item(
            json!({ "ready": [{ "text": "by mail" }, { "text": "by phone", "only_on": "2026-11-09" }] }),
        ),
        today(),
    );
    assert_eq!(both.ready.as_deref(), Some("by mail\n\nby phone"));
    let none = work(
        &item(json!({ "ready": { "missing": "a name" }, "reason": "no name" })),
        today(),
    );
    let over = work(
        &item(json!({ "ready": { "text": "Hi", "only_on": "2026-11-08" } })),
        today(),
    );
    assert_eq!((over.ready, over.check.len()), (None, 1));
    assert_eq!(
        (none.ready, none.reason.as_deref()),
        (None, Some("no name"))
    );
}

fn job(state: JobState, failures: u32) -> Job {
    Job {
        id: JobId::new(&SeededRandom::new(3), noon()),
        key: "k".to_owned(),
        kind: "effect".to_owned(),
        lane: "maya".to_owned(),
        seq: 1,
        state,
        run_at: noon(),
        fence: 1,
        failures,
        failing_since: None,
        leased_by: None,
        lease_until: None,
        client: None,
        case: None,
        payload: json!({ "effect": "client/inbox/1/task/maya", "kind": EffectKind::WorkTask }),
        last_error: Some(JobError::new("retryable", "answered 503")),
        note: None,
        deferred_by: None,
        refused: false,
        rescues: 0,
        created_at: noon(),
        changed_at: noon(),
    }
}

#[test]
fn a_job_shows_only_while_it_fails() {
    let shown = |state, failures| failing(&job(state, failures), &TimeZone::UTC);
    assert_eq!(shown(JobState::Ready, 0), None);
    let again = shown(JobState::Ready, 2).expect("a line");
    assert_eq!(
        again.text,
        "work task: failed 2 times, tries again Fri Nov 6 12:00. answered 503"
    );
    assert!(!again.dead);
    let dead = shown(JobState::Dead, 9).expect("a line");
    assert_eq!(
        (dead.text.as_str(), dead.dead),
        ("work task: given up. answered 503", true)
    );
}
