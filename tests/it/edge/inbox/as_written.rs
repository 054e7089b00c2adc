//! Answers as people really write them: none is lost, and none is taken for another.

use std::sync::Arc;

use serde_json::json;

use super::{by_hand, calling, replied};
use crate::edge::clinic::{Clinic, Person};
use crate::support::failpoints::StopAt;

#[tokio::test]
async fn a_stop_in_a_call_task_counts_after_the_follow_up_has_ended() {
    let (clinic, jo) = calling().await;
    let call = clinic.open_task(&jo);
    clinic.portal(json!({ "act": "check_in", "client": "jo", "check_in": "ci_jo" }));
    clinic.hooks_arrive().await;
    let text = call.description.replace("Outcome:", "Outcome: no contact");
    clinic.edits(call.id, &text).await;
    clinic.check_in_due("jo", "ci_jo_2", "2026-11-17");
    clinic.until("2026-11-18 12:00").await;
    let sent: Vec<_> = clinic
        .outreach(&jo)
        .into_iter()
        .filter(|o| o.starts_with("18"))
        .collect();
    assert!(sent.is_empty(), "{sent:?}");
}

#[tokio::test]
async fn what_stands_below_the_line_of_a_call_is_read() {
    let mut lost = Vec::new();
    for (word, asked) in [
        ("no contact", "stopped"),
        ("wants to leave", "stopped"),
        ("spoke", "reply"),
        ("replied", "reply"),
        ("She is pregnant and wants no more calls", "paused"),
    ] {
        let (clinic, jo) = calling().await;
        let call = clinic.open_task(&jo);
        let text = call
            .description
            .replace("Outcome:\n", &format!("Outcome:\n{word}\n"));
        clinic.keap(json!({ "act": "edit_task", "task": call.id,
            "changes": { "description": text, "completed": true } }));
        clinic.hooks_arrive().await;
        let kinds = clinic.work_kinds(&jo).await;
        if kinds != [asked] {
            lost.push(format!("{word}: {} {kinds:?}", clinic.status(&jo).await));
        }
    }
    assert!(lost.is_empty(), "{lost:#?}");
}

#[tokio::test]
async fn replied_beside_an_outcome_is_not_lost() {
    let mut lost = Vec::new();
    for text in [
        "Outcome: voicemail\nAnswer: replied",
        "Outcome: voicemail\nAnswer: she called back, she is pregnant, stop",
    ] {
        let (clinic, jo) = calling().await;
        clinic.answer(&jo, text).await;
        let status = clinic.status(&jo).await;
        clinic.until("2026-11-09 09:30").await;
        if status != "paused" {
            let task = clinic.open_task(&jo);
            let claims = task
                .description
                .contains("I have not received a reply from you");
            lost.push(format!("{text:?}: {status}; then {:?}, hands out \"I have not received a reply\": {claims}", task.title));
        }
    }
    assert!(lost.is_empty(), "{lost:#?}");
}

#[tokio::test]
async fn a_tick_beside_words_that_nobody_understands_is_no_answer() {
    let mut lost = Vec::new();
    for text in [
        "She wants to leave the program.",
        "Answer no contact",
        "NO CONTACT please",
        "Anser: no contact",
        "- no contact: everything stops, and the Program Manager is told  <-- this",
    ] {
        let (clinic, maya) = replied().await;
        clinic.answer(&maya, text).await;
        if clinic.work_kinds(&maya).await.is_empty() {
            lost.push(format!("{text}: {:?}", clinic.case(&maya).await.status));
        }
    }
    let (clinic, maya) = by_hand().await;
    clinic
        .answer(&maya, "She is pregnant, please stop everything")
        .await;
    let history = clinic.history(clinic.case(&maya).await.id).await;
    if clinic.work_kinds(&maya).await.is_empty() {
        lost.push(format!(
            "by hand: {:?}",
            history.iter().find(|l| l.contains("by hand:"))
        ));
    }
    assert!(lost.is_empty(), "{lost:#?}");
}

#[tokio::test]
async fn a_stop_in_a_remark_is_not_lost() {
    let mut lost = Vec::new();
    for text in [
        "Answer: handled, but she wants to leave",
        "Answer: handled - no contact please",
        "Answer: handled; unwell",
    ] {
        let (clinic, maya) = replied().await;
        clinic.answer(&maya, text).await;
        let kinds = clinic.work_kinds(&maya).await;
        if kinds.is_empty() {
            lost.push(format!("{text}: {:?}", clinic.case(&maya).await.status));
        }
    }
    assert!(lost.is_empty(), "{lost:#?}");
}

#[tokio::test]
async fn a_call_task_that_is_deleted_is_asked_again() {
    let (clinic, jo) = calling().await;
    let call = clinic.open_task(&jo).id;
    clinic.keap(json!({ "act": "delete_task", "task": call }));
    clinic.until("2026-11-13 12:00").await;
    assert!(
        !clinic.tasks(&jo).is_empty(),
        "{:?}",
        clinic
            .work()
            .await
            .into_iter()
            .map(|i| (i.owner, i.kind))
            .collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn a_tag_counts_where_the_guard_reads_keap_for_her_task() {
    let maya = Person::maya();
    let clinic = Clinic::open_with(|setup| {
        setup.amend = |text| format!("{text}ask_first = [\"portal_message\"]\n");
    })
    .await;
    clinic.join(&maya);
    clinic.until("2026-11-04 11:10").await;
    clinic.keap(json!({ "act": "apply_tag", "contact": 201, "tag": "Follow-up: replied" }));
    clinic.until("2026-11-04 11:30").await;
    assert!(
        clinic.outreach(&maya).is_empty(),
        "{:?}",
        clinic.outreach(&maya)
    );
}

#[tokio::test]
async fn a_word_that_is_understood_is_not_said_to_be_not_understood() {
    let mut nameless = Person::maya();
    nameless.first = None;
    let clinic = Clinic::with(std::slice::from_ref(&nameless)).await;
    clinic.until("2026-11-04 12:00").await;
    clinic.answer(&nameless, "Answer: replied").await;
    clinic.until("2026-11-05 12:00").await;
    let kinds = clinic.work_kinds(&nameless).await;
    let task = clinic.open_task(&nameless);
    assert!(
        !task.description.contains("could not be understood"),
        "{kinds:?} {}",
        task.description
    );
}

#[tokio::test]
async fn a_tick_on_a_first_message_is_asked_again_while_it_can_still_go() {
    let maya = Person::maya();
    let clinic = Clinic::open_with(|setup| {
        setup.amend = |text| format!("{text}ask_first = [\"portal_message\"]\n");
    })
    .await;
    clinic.join(&maya);
    clinic.until("2026-11-04 09:20").await;
    let task = clinic.open_task(&maya).id;
    clinic.completes(task, None).await;
    clinic.until("2026-11-04 14:00").await;
    assert_eq!(clinic.tasks(&maya).len(), 2, "asked again on the day");
}

#[tokio::test]
async fn replied_in_a_hold_keeps_the_email_back() {
    let maya = Person::maya();
    let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
    clinic.until("2026-11-05 12:00").await;
    clinic.portal(json!({ "act": "coach_writes", "client": "maya", "text": "hi" }));
    clinic.until("2026-11-06 09:30").await;
    let t = clinic.open_task(&maya);
    let written = t.description.replace("\nAnswer:\n", "\nAnswer: replied\n");
    clinic.edits(t.id, &written).await;
    // The hold is over: it is a reply, and asked as one.
    assert_eq!(clinic.work_kinds(&maya).await, ["reply"]);
    clinic.until("2026-11-06 17:00").await;
    assert!(
        !clinic.outreach(&maya).iter().any(|o| o.contains("email")),
        "an email went out although her open task says that she has replied: {:?}",
        clinic.outreach(&maya)
    );
}

/// The relay dies between what she said and the note that it was taken in.
#[tokio::test]
async fn replied_in_a_hold_counts_once_where_the_relay_dies_right_after() {
    let maya = Person::maya();
    let mut clinic = Clinic::with(std::slice::from_ref(&maya)).await;
    clinic.until("2026-11-05 12:00").await;
    clinic.portal(json!({ "act": "coach_writes", "client": "maya", "text": "hi" }));
    clinic.until("2026-11-06 09:30").await;
    let stop = Arc::new(StopAt::unarmed("reread.commit.before"));
    let listening = Arc::clone(&stop);
    let restarted = clinic.world.restart_with(listening).await;
    restarted.expect("a restart");
    clinic.hooks_arrive().await;
    stop.arm();
    tokio::select! {
        () = clinic.answer(&maya, "Answer: replied") => panic!("it was never passed"),
        () = stop.stopped() => {}
    }
    clinic.world.restart().await.expect("a restart");
    clinic.hooks_arrive().await;
    clinic.until("2026-11-06 12:00").await;
    assert_eq!(clinic.work_kinds(&maya).await, ["reply"]);
    let history = clinic.history(clinic.case(&maya).await.id).await;
    let said = history
        .iter()
        .filter(|line| line.contains("she has answered, says Beth"));
    assert_eq!(said.count(), 1, "{history:#?}");
    assert_eq!(clinic.open_task(&maya).owner, "Beth");
}
