//! What each tag does, with a follow-up and without one.

use serde_json::json;

use super::{PAUSE, REPLIED, RESUME, thursday};
use crate::edge::clinic::{Clinic, Person};

#[tokio::test]
async fn e8_a_client_who_answered_elsewhere_is_paused_by_a_tag_and_her_coach_is_asked() {
    let maya = Person::maya();
    let clinic = thursday(&maya).await;
    clinic.tags(&maya, REPLIED);
    clinic.tag_hooks_arrive().await;
    assert_eq!(clinic.state_of(&maya).await, "paused");
    assert!(clinic.words_on(&maya).is_empty(), "it is taken off again");
    assert_eq!(
        clinic.answers(&maya),
        ["Noted: Maya H. answered elsewhere. Nothing more goes out until you say so in your task."]
    );
    let task = clinic.open_task(&maya);
    assert_eq!(
        task.title,
        "Maya H.: she answered elsewhere, says the tag \"Follow-up: replied\". How does it go on?"
    );
    for part in [
        "- handled: ",
        "- wait until: ",
        "- continue: ",
        "- unwell: ",
    ] {
        assert!(task.description.contains(part), "{}", task.description);
    }
    clinic.until("2026-11-06 16:00").await;
    assert_eq!(clinic.outreach(&maya), ["4 09:00 portal_message"]);
    clinic.answer(&maya, "Answer: continue").await;
    clinic.until("2026-11-06 16:30").await;
    assert_eq!(clinic.outreach(&maya).len(), 2, "the email went out then");
    assert_eq!(clinic.answers(&maya).len(), 1, "noted once");
}

#[tokio::test]
async fn a_pause_is_asked_about_and_ended_by_the_other_tag() {
    let maya = Person::maya();
    let clinic = thursday(&maya).await;
    clinic.tags(&maya, PAUSE);
    clinic.tag_hooks_arrive().await;
    assert_eq!(clinic.state_of(&maya).await, "paused");
    let task = clinic.open_task(&maya);
    assert_eq!(
        task.title,
        "Maya H.: paused by the tag \"Follow-up: pause\": nothing goes out until you say so"
    );
    for part in ["- wait until: ", "- continue: ", "- wants to leave: "] {
        assert!(task.description.contains(part), "{}", task.description);
    }
    clinic.until("2026-11-06 14:00").await;
    assert_eq!(clinic.outreach(&maya), ["4 09:00 portal_message"]);
    clinic.tags(&maya, RESUME);
    clinic.tag_hooks_arrive().await;
    assert_eq!(clinic.state_of(&maya).await, "open");
    assert!(clinic.words_on(&maya).is_empty());
    assert_eq!(
        clinic.answers(&maya),
        [
            "Noted: the follow-up of Maya H. is to pause. Nothing more goes out until you say so in your task.",
            "Noted: the follow-up of Maya H. goes on.",
        ]
    );
    assert!(clinic.tasks(&maya).iter().all(|task| task.completed));
    clinic.until("2026-11-06 15:00").await;
    assert_eq!(clinic.outreach(&maya).len(), 2);
}

#[tokio::test]
async fn a_tag_stops_an_email_and_a_call_although_its_hook_has_not_come() {
    for who in [Person::maya(), Person::jo()] {
        for tag in [REPLIED, PAUSE] {
            let clinic = Clinic::with(std::slice::from_ref(&who)).await;
            clinic.until("2026-11-06 08:58").await;
            clinic.tags(&who, tag);
            clinic.until("2026-11-06 09:03").await;
            assert_eq!(clinic.state_of(&who).await, "paused", "{} {tag}", who.id);
            assert_eq!(clinic.outreach(&who), ["4 09:00 portal_message"], "{tag}");
            clinic.until("2026-11-06 12:00").await;
            assert_eq!(clinic.outreach(&who), ["4 09:00 portal_message"], "{tag}");
            assert_eq!(clinic.answers(&who).len(), 1, "the hook tells nothing new");
        }
    }
}

#[tokio::test]
async fn a_tag_that_asks_for_nothing_delays_an_email_by_a_minute_at_most() {
    let maya = Person::maya();
    let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
    clinic.until("2026-11-06 08:58").await;
    clinic.tags(&maya, RESUME);
    clinic.until("2026-11-06 09:30").await;
    assert_eq!(
        clinic.outreach(&maya),
        ["4 09:00 portal_message", "6 09:01 email"]
    );
    assert_eq!(
        clinic.answers(&maya),
        ["There is nothing to resume: the follow-up of Maya H. is not paused."]
    );
}

#[tokio::test]
async fn what_was_said_before_a_follow_up_begins_counts_for_it_and_for_no_later_one() {
    for tag in [REPLIED, PAUSE] {
        let maya = Person::maya();
        let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
        clinic.linked(&maya).await;
        clinic.until("2026-11-03 14:00").await;
        clinic.tags(&maya, tag);
        clinic.tag_hooks_arrive().await;
        let said = clinic.answers(&maya);
        assert_eq!(said.len(), 1);
        assert!(said[0].contains("No follow-up is open now"), "{said:?}");
        clinic.until("2026-11-04 12:00").await;
        assert_eq!(clinic.state_of(&maya).await, "paused", "{tag}");
        assert!(clinic.outreach(&maya).is_empty(), "{tag}");
        assert!(clinic.open_task(&maya).title.contains(tag));
        // She checks in; the next one that is missed is another story.
        clinic.portal(json!({ "act": "check_in", "client": "maya", "check_in": "ci_maya" }));
        clinic.check_in_due("maya", "ci_next", "2026-11-10");
        clinic.until("2026-11-11 12:00").await;
        let open = clinic.store().open_cases(&"maya".into()).await;
        let open = open.expect("cases");
        assert_eq!(open[0].status.as_str(), "open", "{tag}");
    }
}

#[tokio::test]
async fn what_was_said_two_weeks_before_or_taken_back_does_not_count() {
    let taken_back = Person::maya();
    let long_ago = Person {
        id: "mona",
        contact: 203,
        due: Some("2026-11-18"),
        ..Person::maya()
    };
    let clinic = Clinic::with(&[taken_back.clone(), long_ago.clone()]).await;
    for who in [&taken_back, &long_ago] {
        clinic.linked(who).await;
        clinic.tags(who, PAUSE);
    }
    clinic.tag_hooks_arrive().await;
    clinic.tags(&taken_back, RESUME);
    clinic.tag_hooks_arrive().await;
    assert_eq!(
        clinic.answers(&taken_back)[1],
        "Noted: the next follow-up of Maya H. begins as usual, without asking you first."
    );
    clinic.until("2026-11-04 09:30").await;
    assert_eq!(clinic.outreach(&taken_back), ["4 09:00 portal_message"]);
    clinic.until("2026-11-19 09:30").await;
    assert_eq!(clinic.outreach(&long_ago), ["19 09:00 portal_message"]);
}

#[tokio::test]
async fn the_command_says_the_same_as_the_tag() {
    let maya = Person::maya();
    let clinic = thursday(&maya).await;
    clinic.command(&maya).await;
    assert_eq!(clinic.state_of(&maya).await, "paused");
    assert_eq!(
        clinic.open_task(&maya).title,
        "Maya H.: she answered elsewhere, says Dana. How does it go on?"
    );
    // Said again, it is the same question.
    clinic.command(&maya).await;
    assert_eq!(clinic.work_kinds(&maya).await, ["reply"]);
    clinic.until("2026-11-06 12:00").await;
    assert_eq!(clinic.outreach(&maya), ["4 09:00 portal_message"]);
}
