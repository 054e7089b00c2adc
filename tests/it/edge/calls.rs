//! What was done already, and by whom: calls, tasks and messages that another way in told of.

use clear_relay::engine::commands::work;
use relay_store::JobState;
use serde_json::json;

use super::clinic::{Clinic, Person};
use crate::support::tools::Tools as _;

async fn with(person: &Person) -> Clinic {
    Clinic::with(std::slice::from_ref(person)).await
}

#[tokio::test]
async fn a_call_task_says_what_she_has_had_and_how_her_three_weeks_stand() {
    let jo = Person::jo();
    let clinic = with(&jo).await;
    clinic.until("2026-11-06 11:00").await;
    let seen = clinic.world.vendors.keap().look(jo.contact);
    let tasks = seen.expect("a contact").tasks;
    let call = tasks.into_iter().find(|task| !task.completed);
    let text = call.expect("a task").description;
    for line in [
        "She has had: the first message in the portal, November 4, 9:00.",
        "Regimen: three-week window ends November 10.",
        "If she wants to leave, has a complaint, is unwell or asks for no contact, write that instead; if she has answered \
         you elsewhere, write replied.",
    ] {
        assert!(text.lines().any(|one| one == line), "{line}\n{text}");
    }
    let ours = |line: &&str| line.is_empty() || line.starts_with("Clear Relay, ref.");
    let last = text.lines().rfind(|line| !ours(line));
    assert_eq!(last, Some("Outcome:"), "{text}");
}

#[tokio::test]
async fn e34_a_call_recorded_by_item_after_a_reply_took_it_back_counts() {
    let jo = Person::jo();
    let clinic = with(&jo).await;
    clinic.until("2026-11-06 11:00").await;
    let asked = clinic.item(&jo, "call_outcome").await;
    clinic.portal(json!({ "act": "client_writes", "client": "jo", "text": "Busy!" }));
    clinic.until("2026-11-06 11:05").await;
    let engine = &clinic.world.relay.engine;
    let told = work::settle_work(engine, asked.id, "Beth", "call_outcome", Some("no answer"));
    told.await.expect("she called before she was told not to");
    let again = work::settle_work(engine, asked.id, "Beth", "skip", None).await;
    assert!(again.is_err(), "anything else is over");
    clinic.done(&jo, "reply", "resume", None).await;
    clinic.until("2026-11-20 12:00").await;
    assert_eq!(clinic.count("call_task"), 1, "{:?}", clinic.story(&jo));
}

#[tokio::test]
async fn whoever_was_called_is_not_called_again_after_her_date_moved_away_and_back() {
    let jo = Person::jo();
    let clinic = with(&jo).await;
    clinic.until("2026-11-06 11:00").await;
    clinic
        .done(&jo, "call_outcome", "call_outcome", Some("no answer"))
        .await;
    clinic.until("2026-11-06 12:00").await;
    for due in ["2026-11-10", "2026-11-03"] {
        clinic.portal(json!({ "act": "reschedule", "check_in": "ci_jo", "due": due }));
        clinic.settle().await;
    }
    clinic.until("2026-11-20 12:00").await;
    assert_eq!(clinic.count("call_task"), 1, "{:?}", clinic.story(&jo));
}

#[tokio::test]
async fn a_closing_of_ours_that_looked_refused_is_not_taken_for_her_call() {
    let jo = Person::jo();
    let clinic = with(&jo).await;
    clinic.until("2026-11-06 11:00").await;
    clinic.fault(
        "keap",
        json!({ "operation": "close_task", "moment": "after", "act": "status", "code": 429,
                "retry_after": 600 }),
    );
    clinic.portal(json!({ "act": "client_writes", "client": "jo", "text": "Busy!" }));
    clinic.until("2026-11-06 12:00").await;
    assert_eq!(clinic.count("close_task"), 1);
    clinic.done(&jo, "reply", "resume", None).await;
    clinic.until("2026-11-10 12:00").await;
    assert_eq!(clinic.count("call_task"), 2, "{:?}", clinic.story(&jo));
}

#[tokio::test]
async fn a_call_between_a_refused_closing_and_its_repetition_counts() {
    let jo = Person::jo();
    let clinic = with(&jo).await;
    clinic.until("2026-11-06 11:00").await;
    clinic.fault(
        "keap",
        json!({ "operation": "close_task", "moment": "before", "act": "status", "code": 429,
                "retry_after": 600 }),
    );
    clinic.portal(json!({ "act": "client_writes", "client": "jo", "text": "Busy!" }));
    clinic.until("2026-11-06 11:05").await;
    clinic.keap(json!({ "act": "complete_task", "contact": jo.contact, "text": "" }));
    clinic.until("2026-11-06 12:00").await;
    assert_eq!(clinic.count("close_task"), 0, "she was first");
    clinic.done(&jo, "reply", "resume", None).await;
    clinic.until("2026-11-20 12:00").await;
    assert_eq!(clinic.count("call_task"), 1, "{:?}", clinic.story(&jo));
}

#[tokio::test]
async fn a_call_without_a_word_that_a_restored_copy_forgot_counts() {
    let jo = Person::jo();
    let mut clinic = with(&jo).await;
    let folder = tempfile::tempdir().expect("a folder");
    let copy = folder.path().join("copy.sqlite");
    clinic.until("2026-11-05 17:45").await;
    clinic.world.copy(&copy).expect("a copy");
    clinic.until("2026-11-06 13:00").await;
    clinic.keap(json!({ "act": "complete_task", "contact": jo.contact, "text": "" }));
    clinic.until("2026-11-07 10:00").await;
    let life = clinic.world.forget(Some(&copy)).await;
    life.expect("another life");
    clinic.until("2026-11-09 13:00").await;
    clinic.portal(json!({ "act": "client_writes", "client": "jo", "text": "Busy!" }));
    clinic.until("2026-11-10 11:00").await;
    clinic.done(&jo, "reply", "resume", None).await;
    clinic.until("2026-11-20 12:00").await;
    assert_eq!(clinic.count("call_task"), 1, "{:?}", clinic.story(&jo));
}

#[tokio::test]
async fn a_call_recorded_by_item_that_a_restored_copy_forgot_is_not_asked_for_again() {
    let jo = Person::jo();
    let mut clinic = with(&jo).await;
    let folder = tempfile::tempdir().expect("a folder");
    let copy = folder.path().join("copy.sqlite");
    clinic.until("2026-11-05 17:45").await;
    clinic.world.copy(&copy).expect("a copy");
    clinic.until("2026-11-06 11:00").await;
    clinic
        .done(&jo, "call_outcome", "call_outcome", Some("no answer"))
        .await;
    clinic.until("2026-11-06 12:00").await;
    assert_eq!(clinic.count("close_task"), 1, "the relay completed it");
    let life = clinic.world.forget(Some(&copy)).await;
    life.expect("another life");
    clinic.until("2026-11-20 12:00").await;
    assert_eq!(clinic.count("call_task"), 1, "{:?}", clinic.story(&jo));
}

#[tokio::test]
async fn nobody_is_asked_to_send_again_what_a_date_that_moved_away_and_back_left_behind() {
    let maya = Person::maya();
    let clinic = with(&maya).await;
    clinic.until("2026-11-05 12:00").await;
    for due in ["2026-11-10", "2026-11-03"] {
        clinic.portal(json!({ "act": "reschedule", "check_in": "ci_maya", "due": due }));
        clinic.settle().await;
    }
    assert_eq!(clinic.work_kinds(&maya).await, [""; 0]);
    clinic.until("2026-11-20 12:00").await;
    assert_eq!(clinic.outreach(&maya).len(), 2, "{:?}", clinic.story(&maya));
}

#[tokio::test]
async fn nobody_is_asked_to_send_again_what_a_restored_copy_forgot() {
    let maya = Person::maya();
    let mut clinic = with(&maya).await;
    let folder = tempfile::tempdir().expect("a folder");
    let copy = folder.path().join("copy.sqlite");
    clinic.until("2026-11-03 23:00").await;
    clinic.world.copy(&copy).expect("a copy");
    clinic.until("2026-11-05 12:00").await;
    clinic
        .world
        .forget(Some(&copy))
        .await
        .expect("another life");
    clinic.settle().await;
    clinic.until("2026-11-06 08:00").await;
    assert_eq!(clinic.work_kinds(&maya).await, [""; 0]);
    let case = clinic.case(&maya).await;
    let history = clinic.history(case.id).await;
    let by_hand = history.iter().any(|line| line.contains("by hand"));
    assert!(!by_hand, "what we wrote is ours: {history:?}");
    assert_eq!(clinic.outreach(&maya), ["4 09:00 portal_message"]);
}

#[tokio::test]
async fn each_end_of_a_follow_up_leaves_its_own_note() {
    let maya = Person::maya();
    let clinic = with(&maya).await;
    clinic.until("2026-11-06 12:00").await;
    for due in ["2026-11-10", "2026-11-03"] {
        clinic.portal(json!({ "act": "reschedule", "check_in": "ci_maya", "due": due }));
        clinic.settle().await;
    }
    clinic.until("2026-11-07 12:00").await;
    clinic.portal(json!({ "act": "check_in", "client": "maya" }));
    clinic.until("2026-11-09 12:00").await;
    let notes: Vec<String> = clinic
        .accepted(&maya)
        .iter()
        .filter(|entry| entry.operation == "contact_note")
        .filter_map(|entry| entry.content["text"].as_str().map(str::to_owned))
        .filter(|text| text.contains("has ended"))
        .collect();
    assert_eq!(notes.len(), 2, "{notes:?}");
    assert!(notes[1].contains("submitted"), "{notes:?}");
}

#[tokio::test]
async fn a_message_by_an_unknown_kind_of_author_is_one_item_however_often_it_is_met() {
    let (maya, jo) = (Person::maya(), Person::jo());
    let clinic = Clinic::with(&[maya, jo.clone()]).await;
    clinic.until("2026-11-04 12:00").await;
    for client in ["maya", "jo"] {
        let made = clinic.portal(json!({ "act": "client_writes", "client": client, "text": "Hi" }));
        let word = json!({ "act": "reword", "id": made["id"], "word": "assistant" });
        clinic.portal(word);
    }
    clinic.until("2026-11-13 12:00").await;
    assert!(clinic.jobs(JobState::Dead).await.len() > 1, "met often");
    let drifts: Vec<_> = clinic
        .work()
        .await
        .into_iter()
        .filter(|item| item.kind == "drift" || item.kind == "dead_job")
        .collect();
    let (item, operation) = (&drifts[0], "portal list messages");
    assert_eq!(drifts.len(), 1, "{drifts:?}");
    assert!(item.title.contains(operation), "{}", item.title);
    let engine = &clinic.world.relay.engine;
    let done = work::settle_work(engine, item.id, "Ola", "done", None).await;
    done.expect("whoever has told the vendor's people says so");
    assert!(item.client.is_none() && jo.linked);
}

#[tokio::test]
async fn a_state_of_a_check_in_that_nobody_knows_is_told_and_forgets_nobody() {
    let maya = Person::maya();
    let clinic = Clinic::open().await;
    // Her event is lost, and the portal has a new word for what was open.
    clinic.portal(json!({ "act": "switch", "events_off": true }));
    clinic.join(&maya);
    clinic.portal(json!({ "act": "reword", "id": "ci_maya", "word": "overdue" }));
    clinic.until("2026-11-06 12:00").await;
    assert_eq!(clinic.outreach(&maya), [""; 0]);
    let told: Vec<_> = clinic
        .work()
        .await
        .into_iter()
        .map(|item| item.title)
        .collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("\"overdue\""), "{told:?}");
    clinic.portal(json!({ "act": "reword", "id": "ci_maya", "word": "" }));
    clinic.until("2026-11-09 12:00").await;
    assert_eq!(clinic.cases(&maya).await.len(), 1);
}

/// What she writes besides the outcome is no less than what she writes anywhere else (A33).
#[tokio::test]
async fn a8_what_a_coach_writes_into_her_call_task_is_read_whatever_it_is() {
    for (text, asked, says) in [
        (
            "Outcome: spoke - she will check in tomorrow",
            "reply",
            "she was reached by phone",
        ),
        (
            "Outcome: spoke. She wants to leave",
            "reply",
            "she was reached by phone",
        ),
        (
            "Outcome: wants to leave",
            "stopped",
            "wants to leave the program",
        ),
        (
            "Outcome: voicemail\nAnswer: complaint",
            "stopped",
            "has a complaint",
        ),
        ("Answer: replied", "reply", "she has answered"),
        (
            "Outcome: left her a message",
            "paused",
            "what Beth wrote about the call could not be understood",
        ),
    ] {
        let jo = Person::jo();
        let clinic = with(&jo).await;
        clinic.until("2026-11-06 11:00").await;
        clinic.keap(json!({ "act": "complete_task", "contact": jo.contact, "text": text }));
        clinic.until("2026-11-06 11:10").await;
        let item = clinic.item(&jo, asked).await;
        assert!(item.title.contains(says), "{text}: {}", item.title);
        // Nothing goes out, and nothing else is asked, until somebody says how it goes on; once.
        clinic.until("2026-11-11 12:00").await;
        let kinds = clinic.work_kinds(&jo).await;
        assert!(!kinds.contains(&"by_hand".to_owned()), "{text}: {kinds:?}");
        assert_eq!(clinic.count("call_task"), 1, "{text}");
    }
}

/// "Voicemail", and then she was called back: no later text may say that she did not answer.
#[tokio::test]
async fn a8_an_outcome_that_is_put_right_counts() {
    let jo = Person::jo();
    let clinic = with(&jo).await;
    clinic.until("2026-11-06 11:00").await;
    clinic.keap(
        json!({ "act": "complete_task", "contact": jo.contact, "text": "Outcome: voicemail" }),
    );
    clinic.until("2026-11-06 12:00").await;
    assert!(clinic.work_kinds(&jo).await.is_empty());
    let calls = clinic
        .world
        .vendors
        .keap()
        .look(jo.contact)
        .expect("a contact")
        .tasks;
    let call = calls.last().expect("a call");
    let spoke = call
        .description
        .replace("Outcome: voicemail", "Outcome: spoke");
    for _ in 0..2 {
        clinic.keap(
            json!({ "act": "edit_task", "task": call.id, "changes": { "description": spoke } }),
        );
        clinic.until("2026-11-06 12:30").await;
    }
    let item = clinic.item(&jo, "reply").await;
    assert!(
        item.title.contains("she was reached by phone"),
        "{}",
        item.title
    );
    clinic.done(&jo, "reply", "resume", None).await;
    clinic.until("2026-11-11 12:00").await;
    let by_hand = clinic.item(&jo, "by_hand").await;
    let check = by_hand.detail["ready"]["check"].to_string();
    assert!(
        check.contains("phone call that she did not answer"),
        "{check}"
    );
}
