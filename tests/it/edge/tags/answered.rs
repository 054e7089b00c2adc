//! What the note says that answers a tag, and where none is written.

use serde_json::json;

use super::{PAUSE, REPLIED, RESUME, thursday};
use crate::edge::clinic::{Clinic, Person};

#[tokio::test]
async fn what_is_asked_already_is_not_promised_anew() {
    let maya = Person::maya();
    let clinic = thursday(&maya).await;
    clinic.writes(&maya, "I am on holiday").await;
    clinic.tags(&maya, REPLIED);
    clinic.tag_hooks_arrive().await;
    assert_eq!(
        clinic.answers(&maya),
        ["Noted: Maya H. answered elsewhere. It was paused already, and nothing goes out."]
    );
    assert_eq!(clinic.work_kinds(&maya).await, ["reply"]);
}

#[tokio::test]
async fn a39_for_other_coaches_clients_a_word_counts_and_nothing_is_written() {
    let maya = Person::maya();
    let jo = Person::jo();
    let hers = Person {
        id: "hers",
        contact: 203,
        coach: "coach_ruth",
        ..Person::maya()
    };
    let clinic = Clinic::open_with(|setup| {
        setup.amend = |text| format!("{text}act_for = [\"coach_beth\"]\n");
    })
    .await;
    for who in [&maya, &jo, &hers] {
        clinic.join(who);
    }
    clinic.until("2026-11-03 14:00").await;
    for who in [&maya, &hers] {
        clinic.linked(who).await;
        clinic.tags(who, PAUSE);
    }
    clinic.tag_hooks_arrive().await;
    assert_eq!(clinic.answers(&maya).len(), 1);
    assert!(clinic.words_on(&maya).is_empty());
    assert!(
        clinic.answers(&hers).is_empty(),
        "{:?}",
        clinic.story(&hers)
    );
    assert_eq!(clinic.words_on(&hers), [PAUSE]);
    clinic.until("2026-11-05 12:00").await;
    assert_eq!(clinic.state_of(&hers).await, "paused");
    // Jo's follow-up acts, and waits once her coach is another.
    clinic.portal(json!({ "act": "change_coach", "client": "jo", "coach": "coach_ruth" }));
    clinic.until("2026-11-05 13:00").await;
    clinic.tags(&jo, PAUSE);
    clinic.tag_hooks_arrive().await;
    assert_eq!(clinic.state_of(&jo).await, "paused");
    assert!(clinic.answers(&jo).is_empty());
    assert_eq!(clinic.words_on(&jo), [PAUSE]);
}

#[tokio::test]
async fn resume_points_at_the_question_about_an_email_that_may_have_gone_out() {
    let maya = Person::maya();
    let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
    clinic.fault(
        "keap",
        json!({ "operation": "email", "moment": "before", "act": "hang" }),
    );
    clinic.until("2026-11-09 12:00").await;
    assert_eq!(clinic.state_of(&maya).await, "held");
    clinic.tags(&maya, RESUME);
    clinic.tag_hooks_arrive().await;
    assert_eq!(clinic.state_of(&maya).await, "held");
    assert_eq!(
        clinic.answers(&maya),
        [
            "The follow-up of Maya H. was not resumed: there is an open question about it that the tag does not \
             answer. Please answer it in your task."
        ]
    );
}

#[tokio::test]
async fn what_is_heard_late_is_kept_for_as_long_as_its_note_says() {
    let mona = Person {
        id: "mona",
        contact: 203,
        due: Some("2026-11-18"),
        ..Person::maya()
    };
    let clinic = Clinic::with(std::slice::from_ref(&mona)).await;
    clinic.until("2026-11-03 14:00").await;
    clinic.tags(&mona, PAUSE);
    // Whose contact it is, somebody says fifteen days later.
    clinic.until("2026-11-18 15:00").await;
    clinic.linked(&mona).await;
    clinic.tag_hooks_arrive().await;
    let said = clinic.answers(&mona);
    assert!(
        said[0].contains("within two weeks asks you first"),
        "{said:?}"
    );
    clinic.until("2026-11-19 12:00").await;
    assert_eq!(clinic.state_of(&mona).await, "paused");
    assert!(clinic.outreach(&mona).is_empty());
}

#[tokio::test]
async fn resume_takes_nothing_back_that_was_said_at_its_very_moment_and_heard_before() {
    let maya = Person::maya();
    let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
    clinic.linked(&maya).await;
    clinic.until("2026-11-03 14:00").await;
    clinic.command(&maya).await;
    clinic.tags(&maya, RESUME);
    clinic.tag_hooks_arrive().await;
    let said = clinic.answers(&maya);
    assert!(said[0].contains("somebody said otherwise"), "{said:?}");
    clinic.until("2026-11-04 12:00").await;
    assert_eq!(clinic.state_of(&maya).await, "paused");
    assert!(clinic.outreach(&maya).is_empty());
}

#[tokio::test]
async fn a_coach_without_a_user_in_keap_gets_no_note_and_nobody_an_item_for_each_tag() {
    let maya = Person::maya();
    let clinic = thursday(&maya).await;
    clinic.keap(json!({ "act": "set_user_status", "user": 11, "status": "INACTIVE" }));
    for tag in [PAUSE, REPLIED] {
        clinic.tags(&maya, tag);
        clinic.tag_hooks_arrive().await;
    }
    clinic.until("2026-11-05 16:00").await;
    assert_eq!(clinic.state_of(&maya).await, "paused");
    assert!(clinic.answers(&maya).is_empty());
    assert!(clinic.words_on(&maya).is_empty());
    let work = clinic.work().await;
    let about_notes = work.iter().filter(|item| item.title.contains("note"));
    let titles: Vec<_> = work.iter().map(|item| &item.title).collect();
    assert_eq!(about_notes.count(), 0, "{titles:?}");
    assert_eq!(work.len(), 1, "{titles:?}");
}

#[tokio::test]
async fn the_first_message_waits_although_the_tags_can_be_read_only_once() {
    for tag in [REPLIED, PAUSE] {
        let maya = Person {
            due: None,
            ..Person::maya()
        };
        let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
        clinic.tags(&maya, tag);
        clinic.until("2026-11-04 11:00").await;
        // It is read as her follow-up opens, and fails after that.
        clinic.fault(
            "keap",
            json!({ "operation": "list_contact_tags", "moment": "before", "act": "status", "code": 503,
                "skip": 1, "times": 5 }),
        );
        clinic.check_in_due("maya", "ci_late", "2026-11-03");
        clinic.until("2026-11-04 15:00").await;
        assert_eq!(clinic.state_of(&maya).await, "paused", "{tag}");
        assert!(clinic.outreach(&maya).is_empty(), "{tag}");
        clinic.until("2026-11-05 12:00").await;
        assert!(clinic.words_on(&maya).is_empty(), "{tag}");
        let said = clinic.answers(&maya);
        assert_eq!(said.len(), 1, "{tag}");
        assert!(
            said[0].contains("Nothing more goes out until you say so"),
            "{said:?}"
        );
    }
}
