//! What clients do: E1–E7, E12.

use relay_core::case::CaseStatus;
use serde_json::json;

use super::clinic::{Clinic, Person};

#[tokio::test]
async fn e01_a_reply_pauses_the_coach_is_reminded_and_the_next_step_follows_her_word() {
    let maya = Person::maya();
    let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
    clinic.until("2026-11-04 12:00").await;
    clinic.portal(json!({ "act": "client_writes", "client": "maya", "text": "Sorry, busy week!" }));
    clinic.until("2026-11-04 12:30").await;
    let item = clinic.item(&maya, "reply").await;
    assert_eq!(item.owner, "coach_beth");

    clinic.until("2026-11-20 12:00").await;
    assert_eq!(clinic.outreach(&maya), ["4 09:00 portal_message"]);
    let case = clinic.case(&maya).await;
    assert!(matches!(case.status, CaseStatus::Paused { .. }), "{case:?}");
    let item = clinic.item(&maya, "reply").await;
    assert_eq!(
        item.reminders, 12,
        "each working day since Thursday the 5th"
    );
    assert_eq!(item.owner, "program_manager", "nobody decided for days");

    clinic.done(&maya, "reply", "resume", None).await;
    assert_eq!(
        clinic.outreach(&maya),
        ["4 09:00 portal_message", "20 12:00 email"],
        "the next step, not the first again"
    );
}

#[tokio::test]
async fn e01_a_reply_that_no_event_told_of_stops_the_send() {
    let maya = Person::maya();
    let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
    clinic.until("2026-11-05 12:00").await;
    clinic.portal(json!({ "act": "switch", "events_off": true }));
    clinic.until("2026-11-06 08:30").await;
    clinic.portal(json!({ "act": "client_writes", "client": "maya", "text": "Tomorrow!" }));
    clinic.until("2026-11-10 12:00").await;
    assert_eq!(clinic.outreach(&maya), ["4 09:00 portal_message"]);
    assert_eq!(clinic.work_kinds(&maya).await, ["reply"]);
}

#[tokio::test]
async fn e02_a_check_in_after_the_call_task_closes_the_case_and_tidies_up() {
    let jo = Person::jo();
    let clinic = Clinic::with(std::slice::from_ref(&jo)).await;
    clinic.until("2026-11-06 12:00").await;
    assert_eq!(clinic.work_kinds(&jo).await, ["call_outcome"]);
    clinic.portal(json!({ "act": "check_in", "client": "jo" }));
    clinic.until("2026-11-16 12:00").await;
    assert_eq!(clinic.closed(&jo).await, "the check-in was submitted");
    assert_eq!(
        clinic.story(&jo),
        [
            "4 portal_message",
            "6 portal_note",
            "6 call_task",
            "6 add_tag",
            "6 close_task",
            "6 remove_tag",
            "6 contact_note",
        ]
    );
    assert!(clinic.work_kinds(&jo).await.is_empty());
}

#[tokio::test]
async fn e03_a_check_in_that_no_event_told_of_is_seen_right_before_the_send() {
    let maya = Person::maya();
    let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
    clinic.until("2026-11-06 08:30").await;
    clinic.portal(json!({ "act": "switch", "events_off": true }));
    clinic.portal(json!({ "act": "check_in", "client": "maya" }));
    clinic.until("2026-11-09 12:00").await;
    assert_eq!(clinic.outreach(&maya), ["4 09:00 portal_message"]);
    assert_eq!(clinic.closed(&maya).await, "the check-in was submitted");
}

#[tokio::test]
async fn e05_an_incomplete_check_in_is_a_check_in() {
    let maya = Person::maya();
    let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
    clinic.until("2026-11-05 12:00").await;
    clinic.portal(json!({ "act": "check_in", "client": "maya", "complete": false }));
    clinic.until("2026-11-12 12:00").await;
    assert_eq!(clinic.outreach(&maya), ["4 09:00 portal_message"]);
    assert!(clinic.closed(&maya).await.contains("incomplete"));
}

#[tokio::test]
async fn e06_a_withdrawn_check_in_ends_the_case_and_opens_none_by_itself() {
    let maya = Person::maya();
    let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
    clinic.until("2026-11-05 12:00").await;
    clinic.portal(json!({ "act": "withdraw", "check_in": "ci_maya" }));
    clinic.until("2026-11-16 12:00").await;
    assert_eq!(clinic.outreach(&maya), ["4 09:00 portal_message"]);
    assert_eq!(clinic.closed(&maya).await, "the check-in was withdrawn");
}

#[tokio::test]
async fn e07_the_next_check_in_supersedes_the_missed_one() {
    let maya = Person::maya();
    let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
    clinic.until("2026-11-05 12:00").await;
    clinic.check_in_due("maya", "ci_next", "2026-11-17");
    clinic.portal(json!({ "act": "check_in", "client": "maya", "check_in": "ci_next" }));
    clinic.until("2026-11-19 12:00").await;
    assert_eq!(clinic.outreach(&maya), ["4 09:00 portal_message"]);
    assert!(clinic.closed(&maya).await.starts_with("superseded"));
}

#[tokio::test]
async fn e12_a_break_pauses_until_its_end_and_then_it_goes_on_by_itself() {
    let maya = Person::maya();
    let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
    clinic.until("2026-11-04 12:00").await;
    clinic.portal(
        json!({ "act": "change_status", "client": "maya", "status": "on_break",
        "break_until": "2026-11-16" }),
    );
    clinic.until("2026-11-15 12:00").await;
    let item = clinic.item(&maya, "break").await;
    assert_eq!(
        item.reminders, 0,
        "she is not bothered before the working day before it goes on"
    );
    // Her status says a day early that it is over: on a Sunday, so the email waits for Monday.
    clinic.portal(json!({ "act": "change_status", "client": "maya", "status": "online" }));
    clinic.until("2026-11-16 12:00").await;
    assert!(clinic.work_kinds(&maya).await.is_empty());
    assert_eq!(
        clinic.outreach(&maya),
        ["4 09:00 portal_message", "16 09:00 email"]
    );
}
