//! What is written where nothing was asked, or is never completed: A33. Nobody understands it, and it may mean that nothing
//! is to go out.

use std::sync::Arc;

use serde_json::json;

use super::{Clinic, Person, calling, replied};
use crate::support::failpoints::StopAt;

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
            .contains("paused by the relay: what Beth wrote in a task could not be understood"),
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

/// What was asked about once is not all that may be written there.
#[tokio::test]
async fn each_sentence_is_heard_and_none_twice() {
    let (clinic, jo) = with_news().await;
    let first = clinic.open_task(&jo);
    clinic.completes(first.id, Some("Why do I get this?")).await;
    assert_eq!(clinic.status(&jo).await, "paused");
    clinic.answer(&jo, "Answer: continue").await;
    assert_eq!(clinic.status(&jo).await, "open");
    // Keap tells of the same once more.
    clinic.completes(first.id, None).await;
    assert_eq!(clinic.status(&jo).await, "open");
    let text = clinic.tasks(&jo);
    let text = text
        .iter()
        .find(|task| task.id == first.id)
        .expect("a task");
    let more = format!("{}\n{SENTENCE}", text.description);
    clinic.edits(first.id, &more).await;
    assert_eq!(clinic.status(&jo).await, "paused");
}

/// She is to be asked again the next morning, and an admin is faster.
#[tokio::test]
async fn a_sentence_is_not_lost_where_its_question_is_settled_before_she_is_asked_again() {
    let (clinic, maya) = replied().await;
    clinic.until("2026-11-05 19:00").await;
    clinic.answer(&maya, SENTENCE).await;
    clinic.done(&maya, "reply", "resume", None).await;
    clinic.settle().await;
    clinic.until("2026-11-06 15:00").await;
    assert_eq!(clinic.status(&maya).await, "paused");
    assert_eq!(clinic.outreach(&maya), ["4 09:00 portal_message"]);
}

#[tokio::test]
async fn who_spoke_with_her_has_heard_from_her_wherever_she_says_so() {
    for text in ["Spoke with her", "Answer: spoke, she has quit"] {
        let (clinic, jo) = with_news().await;
        clinic.answer(&jo, text).await;
        assert_eq!(clinic.work_kinds(&jo).await, ["reply"], "{text}");
    }
}

#[tokio::test]
async fn what_she_has_done_about_the_news_is_no_answer_to_anything() {
    for text in ["Done, number corrected", "done", "Answer: handled"] {
        let (clinic, jo) = with_news().await;
        clinic.answer(&jo, text).await;
        assert_eq!(clinic.status(&jo).await, "open", "{text}");
        let history = clinic.history(clinic.case(&jo).await.id).await;
        assert!(
            !history.iter().any(|line| line.contains("not carried out")),
            "{text}: {history:?}"
        );
    }
}

#[tokio::test]
async fn what_is_added_to_a_call_task_later_is_heard() {
    let (clinic, jo) = calling().await;
    let call = clinic.open_task(&jo);
    clinic.answer(&jo, "Outcome: no answer\nrang twice").await;
    assert_eq!(clinic.status(&jo).await, "open");
    let text = clinic.tasks(&jo);
    let text = text.iter().find(|task| task.id == call.id).expect("a task");
    let more = format!(
        "{}\nShe called back, she stops the treatment",
        text.description
    );
    clinic.edits(call.id, &more).await;
    assert_eq!(clinic.status(&jo).await, "paused");
    assert_eq!(clinic.work_kinds(&jo).await, ["paused"]);
}

#[tokio::test]
async fn what_is_left_in_an_open_call_task_is_heard_after_an_hour() {
    let (clinic, jo) = calling().await;
    let call = clinic.open_task(&jo);
    let more = format!(
        "{}\nShe called me, she stops the treatment",
        call.description
    );
    clinic.edits(call.id, &more).await;
    assert_eq!(clinic.status(&jo).await, "open");
    clinic.until("2026-11-06 12:20").await;
    assert_eq!(clinic.status(&jo).await, "paused");
    let asked = clinic.open_task(&jo).title;
    assert!(
        asked.contains(
            "paused by the relay: what Beth wrote about the call could not be understood"
        ),
        "{asked}"
    );
}

/// The pause and the note that it was heard are one.
#[tokio::test]
async fn a_sentence_is_heard_once_where_the_relay_dies_right_before_or_after() {
    for place in ["effect.settle.before", "effect.settle.after"] {
        let (mut clinic, jo) = with_news().await;
        let stop = Arc::new(StopAt::unarmed(place));
        let restarted = clinic.world.restart_with(Arc::clone(&stop) as _).await;
        restarted.expect("a restart");
        clinic.settle().await;
        stop.arm();
        tokio::select! {
            () = clinic.answer(&jo, SENTENCE) => panic!("{place} was never passed"),
            () = stop.stopped() => {}
        }
        clinic.world.restart().await.expect("a restart");
        clinic.hooks_arrive().await;
        assert_eq!(clinic.status(&jo).await, "paused", "{place}");
        assert_eq!(clinic.work_kinds(&jo).await, ["paused"], "{place}");
        clinic.answer(&jo, "Answer: continue").await;
        clinic.hooks_arrive().await;
        assert_eq!(clinic.status(&jo).await, "open", "{place}");
    }
}
