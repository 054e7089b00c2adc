//! Promise 2, from outside: nothing reaches a client or a coach twice under another name.
//!
//! Every story here ended with two of something, or with one that nobody knew of, before effects had
//! an identity.

use clear_relay::engine::commands::cases;
use serde_json::json;

use crate::edge::clinic::{Clinic, Person};

/// The vendor does the work and answers that it is busy for an hour.
fn refused_but_done(operation: &str, code: u16) -> serde_json::Value {
    json!({ "operation": operation, "moment": "after", "act": "status", "code": code,
            "retry_after": 3600 })
}

async fn with(person: &Person) -> Clinic {
    Clinic::with(std::slice::from_ref(person)).await
}

#[tokio::test]
async fn an_email_refused_but_sent_a_reply_and_a_resume_are_one_email() {
    for replies in ["2026-11-06 09:10", "2026-11-06 09:59"] {
        for resumes in ["2026-11-06 09:59", "2026-11-06 10:30", "2026-11-09 11:00"] {
            let maya = Person::maya();
            let clinic = with(&maya).await;
            clinic.fault("keap", refused_but_done("email", 429));
            clinic.until(replies).await;
            assert_eq!(
                clinic.outreach(&maya),
                ["4 09:00 portal_message", "6 09:00 email"]
            );
            clinic.portal(json!({ "act": "client_writes", "client": "maya", "text": "Busy!" }));
            clinic.until(resumes).await;
            clinic.settle().await;
            clinic.done(&maya, "reply", "resume", None).await;
            clinic.until("2026-11-20 12:00").await;
            let outreach = clinic.outreach(&maya);
            assert_eq!(
                outreach.len(),
                2,
                "reply {replies}, resume {resumes}: {outreach:?}"
            );
            assert!(!clinic.work_kinds(&maya).await.contains(&"unsettled".into()));
        }
    }
}

#[tokio::test]
async fn an_email_that_was_refused_indeed_goes_out_once_after_the_resume() {
    let maya = Person::maya();
    let clinic = with(&maya).await;
    clinic.fault(
        "keap",
        json!({ "operation": "email", "moment": "before", "act": "status", "code": 429,
                "retry_after": 3600 }),
    );
    clinic.until("2026-11-06 09:10").await;
    clinic.portal(json!({ "act": "client_writes", "client": "maya", "text": "Busy!" }));
    clinic.until("2026-11-09 11:00").await;
    assert!(!clinic.work_kinds(&maya).await.contains(&"unsettled".into()));
    clinic.done(&maya, "reply", "resume", None).await;
    clinic.until("2026-11-20 12:00").await;
    assert_eq!(clinic.count("email"), 1, "{:?}", clinic.outreach(&maya));
}

#[tokio::test]
async fn a_call_task_refused_but_made_a_reply_and_a_resume_leave_one_open_task() {
    for resumes in ["2026-11-06 10:30", "2026-11-09 11:00"] {
        let jo = Person::jo();
        let clinic = with(&jo).await;
        clinic.fault("keap", refused_but_done("call_task", 503));
        clinic.until("2026-11-06 09:10").await;
        clinic.portal(json!({ "act": "client_writes", "client": "jo", "text": "Busy!" }));
        clinic.until(resumes).await;
        clinic.done(&jo, "reply", "resume", None).await;
        clinic.until("2026-11-09 12:00").await;
        let made = clinic.count("call_task");
        let closed = clinic.beside_inbox(&jo);
        let closed = closed.iter().filter(|one| *one == "close_task").count();
        assert_eq!(
            made - closed,
            1,
            "resume {resumes}: {:?}",
            clinic.story(&jo)
        );
        assert_eq!(clinic.work_kinds(&jo).await, ["call_outcome"]);
    }
}

#[tokio::test]
async fn a_case_that_closes_while_a_refused_email_waits_hears_that_it_was_sent() {
    let maya = Person::maya();
    let clinic = with(&maya).await;
    clinic.fault("keap", refused_but_done("email", 429));
    clinic.until("2026-11-06 09:10").await;
    clinic.portal(json!({ "act": "check_in", "client": "maya" }));
    clinic.until("2026-11-09 12:00").await;
    assert_eq!(clinic.closed(&maya).await, "the check-in was submitted");
    assert_eq!(clinic.count("email"), 1);
    let item = clinic
        .work()
        .await
        .into_iter()
        .find(|item| item.kind == "overlap");
    assert_eq!(item.expect("the coach is told").owner, "coach_beth");
}

#[tokio::test]
async fn a_date_that_moves_while_a_refused_email_waits_is_no_second_email() {
    let maya = Person::maya();
    let clinic = with(&maya).await;
    clinic.fault("keap", refused_but_done("email", 429));
    clinic.until("2026-11-06 09:10").await;
    // Still overdue: the follow-up goes on, about another day.
    clinic.portal(json!({ "act": "reschedule", "check_in": "ci_maya", "due": "2026-11-02" }));
    clinic.until("2026-11-20 12:00").await;
    assert_eq!(clinic.count("email"), 1, "{:?}", clinic.outreach(&maya));
}

#[tokio::test]
async fn a_pause_and_a_resume_by_command_are_no_second_email() {
    let maya = Person::maya();
    let clinic = with(&maya).await;
    clinic.fault("keap", refused_but_done("email", 429));
    clinic.until("2026-11-06 09:10").await;
    let case = clinic.case(&maya).await.id;
    let engine = &clinic.world.relay.engine;
    for action in [
        relay_core::workflow::Action::Pause {
            reason: "a call".into(),
        },
        relay_core::workflow::Action::Resume,
    ] {
        cases::decide_case(engine, case, "Beth", action)
            .await
            .expect("a decision");
    }
    clinic.until("2026-11-20 12:00").await;
    assert_eq!(clinic.count("email"), 1, "{:?}", clinic.outreach(&maya));
}

#[tokio::test]
async fn a_message_that_an_earlier_life_sent_in_other_words_is_not_sent_again() {
    // The portal remembers the key and shows it, or only remembers it.
    for shown in [true, false] {
        let maya = Person::maya();
        let clinic = with(&maya).await;
        clinic.fault(
            "portal",
            json!({ "operation": "portal_message", "moment": "after", "act": "status",
                    "code": 429, "retry_after": 3600 }),
        );
        clinic.portal(json!({ "act": "switch", "keys_not_shown": !shown,
                              "list_lag_seconds": 7200 }));
        clinic.until("2026-11-04 09:10").await;
        // Signed by somebody else by the time it is tried again.
        clinic.portal(json!({ "act": "rename_coach", "id": "coach_beth", "name": "Bethany" }));
        clinic.until("2026-11-04 20:00").await;
        assert_eq!(clinic.count("portal_message"), 1, "shown: {shown}");
        let kinds = clinic.work_kinds(&maya).await;
        assert!(!kinds.contains(&"dead_job".into()), "{kinds:?}");
    }
}
