//! What she wrote, told late, before, or while the coach was looking: A40, A41, E1, E34.

use clear_relay::engine::EngineError;
use clear_relay::engine::commands::{cases, preview};
use relay_core::case::CaseStatus;
use relay_core::ids::CaseId;
use relay_core::workflow::Action;
use serde_json::json;

use super::clinic::{Clinic, Person};

fn writes(clinic: &Clinic, text: &str) {
    clinic.portal(json!({ "act": "client_writes", "client": "maya", "text": text }));
}

/// What resuming is refused with.
async fn refused(clinic: &Clinic, case: CaseId) -> String {
    let engine = &clinic.world.relay.engine;
    let preview = preview::preview_decision(engine, case, "Beth", &Action::Resume).await;
    assert!(
        matches!(
            preview,
            Err(EngineError::Refused(_) | EngineError::Unread(_))
        ),
        "a dry run promises nothing else"
    );
    match cases::decide_case(engine, case, "Beth", Action::Resume).await {
        Err(EngineError::Refused(why)) => why,
        Err(error @ EngineError::Unread(_)) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_message_that_no_event_told_of_is_shown_to_the_coach_before_she_can_resume() {
    let maya = Person::maya();
    let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
    clinic.until("2026-11-05 10:00").await;
    writes(&clinic, "Sorry, busy week!");
    clinic.until("2026-11-05 10:30").await;
    let first = clinic.item(&maya, "reply").await;
    clinic.portal(json!({ "act": "switch", "events_off": true }));
    writes(&clinic, "Please stop, I am unwell");
    clinic.until("2026-11-05 11:00").await;
    let case = clinic.case(&maya).await.id;

    let why = refused(&clinic, case).await;
    assert!(why.contains("November 5, 10:30"), "{why}");
    let item = clinic.item(&maya, "reply").await;
    assert_ne!(item.id, first.id, "the old question is settled");
    let named = item.detail["messages"].as_array().expect("messages").len();
    assert_eq!(named, 2, "{}", item.detail);
    assert!(item.title.contains("10:30"), "{}", item.title);
    clinic.until("2026-11-10 12:00").await;
    assert_eq!(clinic.outreach(&maya), ["4 09:00 portal_message"]);

    // Whoever acts on the new item has read its title.
    clinic.done(&maya, "reply", "resume", None).await;
    assert_eq!(clinic.case(&maya).await.status, CaseStatus::Open);
}

#[tokio::test]
async fn a_message_that_came_after_the_coach_looked_is_shown_before_she_can_resume() {
    let maya = Person::maya();
    let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
    clinic.until("2026-11-05 10:00").await;
    writes(&clinic, "Sorry, busy week!");
    clinic.until("2026-11-05 10:30").await;
    writes(&clinic, "Please stop, I am unwell");
    clinic.until("2026-11-05 11:00").await;
    let case = clinic.case(&maya).await.id;
    let why = refused(&clinic, case).await;
    assert!(why.contains("November 5, 10:30"), "{why}");
    let engine = &clinic.world.relay.engine;
    let again = cases::decide_case(engine, case, "Beth", Action::Resume).await;
    again.expect("she has been told");
    assert_eq!(clinic.case(&maya).await.status, CaseStatus::Open);
}

#[tokio::test]
async fn nobody_resumes_while_the_portal_cant_be_read() {
    let maya = Person::maya();
    let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
    clinic.until("2026-11-05 10:00").await;
    writes(&clinic, "Sorry, busy week!");
    clinic.until("2026-11-05 10:30").await;
    let case = clinic.case(&maya).await.id;
    clinic.fault(
        "portal",
        json!({ "operation": "list_messages", "moment": "before", "act": "status", "code": 503,
            "times": 2 }),
    );
    let why = refused(&clinic, case).await;
    assert!(why.contains("portal can't be read"), "{why}");
}

#[tokio::test]
async fn a40_a_message_of_the_due_day_is_a_reply_and_the_case_opens_paused() {
    for told in [true, false] {
        let maya = Person::maya();
        let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
        clinic.until("2026-11-03 23:30").await;
        clinic.portal(json!({ "act": "switch", "events_off": !told }));
        writes(&clinic, "I can't do it before Friday");
        clinic.until("2026-11-04 00:10").await;
        let case = clinic.case(&maya).await;
        assert!(matches!(case.status, CaseStatus::Paused { .. }), "{case:?}");
        clinic.until("2026-11-06 12:00").await;
        assert!(
            clinic.outreach(&maya).is_empty(),
            "{:?}",
            clinic.outreach(&maya)
        );
        assert_eq!(clinic.work_kinds(&maya).await, ["reply"]);
        let history = clinic.history(case.id).await.join("\n");
        assert!(!history.contains("no reply"), "{history}");
    }
}

#[tokio::test]
async fn a41_continue_an_hour_after_the_first_message_sends_nothing_for_a_day() {
    let maya = Person::maya();
    let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
    clinic.until("2026-11-04 09:30").await;
    writes(&clinic, "Soon!");
    clinic.until("2026-11-04 10:00").await;
    clinic.done(&maya, "reply", "resume", None).await;
    clinic.until("2026-11-04 23:00").await;
    assert_eq!(clinic.outreach(&maya), ["4 09:00 portal_message"]);
    clinic.until("2026-11-05 12:00").await;
    assert_eq!(
        clinic.outreach(&maya),
        ["4 09:00 portal_message", "5 09:00 email"]
    );
    let history = clinic.history(clinic.case(&maya).await.id).await.join("\n");
    assert!(!history.contains("no reply"), "{history}");
}

#[tokio::test]
async fn e34_a_call_that_was_completed_before_the_reply_is_not_asked_for_again() {
    let jo = Person {
        id: "maya",
        opens: false,
        ..Person::maya()
    };
    let clinic = Clinic::with(std::slice::from_ref(&jo)).await;
    clinic.until("2026-11-06 11:00").await;
    // Keap's hook is held up; the portal's event is not.
    clinic.fault(
        "keap",
        json!({ "operation": "get_task", "moment": "before",
        "act": "status", "code": 503, "times": 3 }),
    );
    clinic.keap(json!({ "act": "complete_task", "contact": 201, "text": "Outcome: no answer" }));
    writes(&clinic, "Hi! Sorry!");
    clinic.until("2026-11-06 12:00").await;
    clinic.done(&jo, "reply", "resume", None).await;
    clinic.until("2026-11-20 12:00").await;
    assert_eq!(clinic.count("call_task"), 1, "{:?}", clinic.story(&jo));
    let history = clinic.history(clinic.case(&jo).await.id).await.join("\n");
    assert!(history.contains("no answer"), "{history}");
}
