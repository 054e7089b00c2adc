//! What is written where nothing was asked, or is never completed: A33. Nobody understands it, and it may mean that nothing
//! is to go out.

use serde_json::json;

use super::{Clinic, Person, calling, replied};

/// Jo's number is somebody else's: her coach has a task that only says so, while the follow-up waits for the second answer.
async fn with_news() -> (Clinic, Person) {
    let (clinic, jo) = calling().await;
    clinic.answer(&jo, "Outcome: wrong number").await;
    clinic.until("2026-11-06 12:00").await;
    let task = clinic.open_task(&jo);
    assert!(
        task.title.contains("belongs to somebody else"),
        "{}",
        task.title
    );
    (clinic, jo)
}

const SENTENCE: &str = "She called me: she wants to leave and wants no contact any more";

#[tokio::test]
async fn a_sentence_in_a_task_that_asks_nothing_pauses_and_is_asked_about() {
    let (clinic, jo) = with_news().await;
    clinic.answer(&jo, SENTENCE).await;
    assert_eq!(clinic.status(&jo).await, "paused");
    let asked = clinic.open_task(&jo);
    assert!(
        asked
            .title
            .contains("what was written in her task could not be understood"),
        "{}",
        asked.title
    );
    assert!(asked.description.contains("- no contact: "));
    assert_eq!(clinic.work_kinds(&jo).await, ["paused"], "once");
    clinic.answer(&jo, "Answer: no contact").await;
    assert_eq!(clinic.work_kinds(&jo).await, ["stopped"]);
}

#[tokio::test]
async fn who_only_says_that_she_has_read_it_stops_nothing() {
    for text in [None, Some("Thanks!"), Some("ok")] {
        let (clinic, jo) = with_news().await;
        let task = clinic.open_task(&jo).id;
        clinic.completes(task, text).await;
        assert_eq!(clinic.status(&jo).await, "open", "{text:?}");
        assert!(clinic.work_kinds(&jo).await.is_empty(), "{text:?}");
    }
}

/// Neither the hook nor the completion comes: she has written, and gone.
#[tokio::test]
async fn what_is_written_and_never_completed_is_heard_after_an_hour() {
    let (clinic, jo) = with_news().await;
    let task = clinic.open_task(&jo);
    clinic
        .edits(task.id, &format!("{}\n{SENTENCE}", task.description))
        .await;
    assert_eq!(clinic.status(&jo).await, "open", "she may be writing still");
    clinic.until("2026-11-06 13:10").await;
    assert_eq!(clinic.status(&jo).await, "paused");
    // The same of a question: she is asked again in the words of one.
    let (clinic, maya) = replied().await;
    let task = clinic.open_task(&maya);
    clinic
        .edits(task.id, &format!("{}\nask me tomorrow", task.description))
        .await;
    assert_eq!(clinic.open_task(&maya).id, task.id);
    clinic.until("2026-11-05 11:10").await;
    let again = clinic.open_task(&maya);
    assert!(again.title.starts_with("Asked again: "), "{}", again.title);
    assert_eq!(clinic.status(&maya).await, "paused");
}

#[tokio::test]
async fn what_is_corrected_within_the_hour_is_asked_about_by_nobody() {
    let (clinic, maya) = replied().await;
    let task = clinic.open_task(&maya);
    clinic
        .edits(task.id, &format!("{}\nhandl", task.description))
        .await;
    clinic.until("2026-11-05 10:40").await;
    clinic
        .edits(
            task.id,
            &task.description.replace("Answer:", "Answer: handled"),
        )
        .await;
    clinic.until("2026-11-05 16:00").await;
    assert_eq!(clinic.tasks(&maya).len(), 1);
}

#[tokio::test]
async fn a_sentence_in_a_task_that_was_answered_is_not_passed_over_where_the_follow_up_goes_on() {
    let (clinic, maya) = replied().await;
    let first = clinic.open_task(&maya).id;
    clinic.answer(&maya, "Answer: continue").await;
    clinic.until("2026-11-05 12:00").await;
    assert_eq!(clinic.status(&maya).await, "open");
    let task = clinic.tasks(&maya);
    let task = task.iter().find(|task| task.id == first).expect("a task");
    let text = task.description.replace("Answer: continue", SENTENCE);
    clinic.edits(first, &text).await;
    assert_eq!(clinic.status(&maya).await, "paused");
    let sent = clinic.outreach(&maya);
    clinic.until("2026-11-09 12:00").await;
    assert_eq!(clinic.outreach(&maya), sent);
    assert_eq!(clinic.work_kinds(&maya).await, ["paused"]);
}

/// Nobody is followed up any more: she is told that nobody understood her.
#[tokio::test]
async fn a_sentence_about_a_client_whom_nobody_follows_up_is_answered_by_a_note() {
    let (clinic, jo) = with_news().await;
    let task = clinic.open_task(&jo);
    clinic.portal(json!({ "act": "check_in", "client": "jo", "check_in": "ci_jo" }));
    clinic.hooks_arrive().await;
    clinic
        .edits(task.id, &format!("{}\n{SENTENCE}", task.description))
        .await;
    clinic.until("2026-11-06 14:00").await;
    let noted = clinic.noted(&jo);
    assert!(
        noted
            .iter()
            .any(|note| note.starts_with("Not understood: what Beth wrote about Jo")),
        "{noted:?}"
    );
}
