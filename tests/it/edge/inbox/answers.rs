//! Her answers, and what is none.

use std::sync::Arc;

use clear_relay::engine::commands::cases;
use relay_core::workflow::Action;
use serde_json::json;

use super::{by_hand, replied};
use crate::edge::clinic::{Clinic, Person};
use crate::support::failpoints::StopAt;

#[tokio::test]
async fn a_reply_is_one_task_that_says_what_is_known_and_how_to_answer() {
    let (clinic, maya) = replied().await;
    let task = clinic.open_task(&maya);
    assert_eq!(task.owner, "Beth");
    assert_eq!(
        task.title,
        "Maya H.: the client wrote in the portal (November 5, 10:00). How does it go on?"
    );
    for part in [
        "She wrote: November 5, 10:00. Read it in the portal before you answer.",
        "She has had: the first message in the portal, November 4, 9:00.",
        "Check-in due: November 3.",
        "Regimen: three-week window ends November 10.",
        "Number: 303-555-0101",
        "- handled: you have answered her",
        "- wait until: with a date",
        "- continue: the follow-up goes on",
        "- wants to leave: everything stops",
        "- complaint: ",
        "- unwell: ",
        "- no contact: ",
        "\nAnswer:\n",
    ] {
        assert!(
            task.description.contains(part),
            "{part}\n{}",
            task.description
        );
    }
    // What she wrote stays in the portal (A32), and nothing in it is a program's word.
    for word in ["burns", "reply", "_", "`", "coach_beth", "portal_message"] {
        assert!(
            !task.description.contains(word),
            "{word}\n{}",
            task.description
        );
    }
    clinic.hooks_arrive().await;
    clinic.until("2026-11-06 12:00").await;
    assert_eq!(clinic.tasks(&maya).len(), 1, "made once");
}

#[tokio::test]
async fn each_of_the_seven_answers_does_what_it_says() {
    for (answer, status, asked) in [
        ("Answer: handled", "paused", None),
        ("Answer: wait until Nov 12", "open", None),
        ("Answer: continue", "open", None),
        ("Answer: wants to leave", "paused", Some("stopped")),
        ("Answer: complaint", "paused", Some("stopped")),
        ("ANSWER - Unwell.", "paused", Some("stopped")),
        ("Answer: no contact", "paused", Some("stopped")),
    ] {
        let (clinic, maya) = replied().await;
        clinic.answer(&maya, answer).await;
        assert_eq!(clinic.status(&maya).await, status, "{answer}");
        let kinds = clinic.work_kinds(&maya).await;
        assert_eq!(
            kinds.first().map(String::as_str),
            asked,
            "{answer}: {kinds:?}"
        );
        let tasks = clinic.tasks(&maya);
        assert!(tasks.iter().all(|task| task.completed), "{answer}");
        assert_eq!(tasks.len(), 1, "{answer}");
        assert!(
            !tasks[0].title.contains("Closed by"),
            "{answer}: it was the coach who answered"
        );
        let history = clinic.history(clinic.case(&maya).await.id).await;
        assert!(
            history.iter().any(|line| line.contains("Beth")),
            "{answer}: {history:?}"
        );
    }
}

#[tokio::test]
async fn an_answer_that_was_taken_in_right_before_a_crash_is_not_taken_for_a_late_one() {
    for (answer, status) in [
        ("Answer: handled", "paused"),
        ("Answer: wait until Nov 12", "open"),
        ("Answer: continue", "open"),
        ("Answer: complaint", "paused"),
    ] {
        let (mut clinic, maya) = replied().await;
        let stop = Arc::new(StopAt::unarmed("effect.settle.after"));
        let listening = Arc::clone(&stop);
        let restarted = clinic.world.restart_with(listening).await;
        restarted.expect("a restart");
        clinic.hooks_arrive().await;
        stop.arm();
        tokio::select! {
            () = clinic.answer(&maya, answer) => panic!("it was never passed"),
            () = stop.stopped() => {}
        }
        let asked = clinic.work_kinds(&maya).await;
        assert!(!asked.contains(&"reply".to_owned()), "{answer} is taken in");
        clinic.world.restart().await.expect("a restart");
        clinic.hooks_arrive().await;
        assert_eq!(clinic.status(&maya).await, status, "{answer}");
        let history = clinic.history(clinic.case(&maya).await.id).await;
        let late = history.iter().find(|line| line.contains("no longer"));
        assert_eq!(late, None, "{answer}");
    }
}

#[tokio::test]
async fn handled_is_asked_about_once_more_and_continue_then_goes_on() {
    let (clinic, maya) = replied().await;
    clinic.answer(&maya, "Answer: handled").await;
    clinic.until("2026-11-09 08:00").await;
    assert_eq!(clinic.tasks(&maya).len(), 1);
    clinic.until("2026-11-09 09:01").await;
    let task = clinic.open_task(&maya);
    assert!(
        task.title.contains("Beth answered the client November 5"),
        "{}",
        task.title
    );
    clinic.answer(&maya, "Answer: continue").await;
    assert_eq!(
        clinic.outreach(&maya),
        ["4 09:00 portal_message", "9 09:01 email"]
    );
}

#[tokio::test]
async fn a_bare_tick_of_a_reply_is_handled_and_never_resumes() {
    let (clinic, maya) = replied().await;
    let task = clinic.open_task(&maya).id;
    clinic.completes(task, None).await;
    assert_eq!(clinic.status(&maya).await, "paused");
    assert!(
        clinic.work_kinds(&maya).await.is_empty(),
        "she is asked on Monday"
    );
    clinic.until("2026-11-06 18:00").await;
    assert_eq!(clinic.outreach(&maya), ["4 09:00 portal_message"]);
}

#[tokio::test]
async fn a_bare_tick_of_what_was_asked_by_hand_says_that_it_was_done() {
    let (clinic, maya) = by_hand().await;
    let task = clinic.open_task(&maya);
    assert!(task.title.contains("continue by hand"), "{}", task.title);
    assert!(
        !task.description.contains("to my phone call"),
        "nobody called: {}",
        task.description
    );
    clinic.completes(task.id, None).await;
    assert_eq!(clinic.status(&maya).await, "open");
    let history = clinic.history(clinic.case(&maya).await.id).await;
    assert!(
        history
            .iter()
            .any(|line| line.starts_with("Beth did it by hand")),
        "{history:?}"
    );
}

#[tokio::test]
async fn a_task_that_is_deleted_is_asked_again_next_morning() {
    let (clinic, maya) = replied().await;
    let task = clinic.open_task(&maya).id;
    clinic.keap(json!({ "act": "delete_task", "task": task }));
    clinic.hooks_arrive().await;
    assert!(clinic.tasks(&maya).is_empty());
    assert_eq!(clinic.status(&maya).await, "paused");
    clinic.until("2026-11-06 09:05").await;
    let again = clinic.open_task(&maya);
    assert!(
        again.description.contains("was deleted"),
        "{}",
        again.description
    );
    clinic.answer(&maya, "Answer: continue").await;
    assert_eq!(clinic.status(&maya).await, "open");
}

#[tokio::test]
async fn an_answer_counts_before_the_task_is_completed_and_whoever_has_it() {
    let (clinic, maya) = replied().await;
    let task = clinic.open_task(&maya);
    clinic.keap(json!({ "act": "edit_task", "task": task.id,
        "changes": { "assigned_to_user_id": "12" } }));
    clinic.hooks_arrive().await;
    assert_eq!(clinic.open_task(&maya).owner, "Ruth", "left with her");
    let answered = task
        .description
        .replace("\nAnswer:\n", "\nAnswer: handled\n");
    clinic.edits(task.id, &answered).await;
    let item = clinic.history(clinic.case(&maya).await.id).await;
    assert!(
        item.iter()
            .any(|line| line == "a colleague answered the client"),
        "{item:?}"
    );
    assert!(clinic.tasks(&maya)[0].completed, "closed by the relay");
    assert!(!clinic.tasks(&maya)[0].title.contains("Closed by"));
}

#[tokio::test]
async fn an_answer_in_html_is_an_answer_and_what_the_relay_wrote_never_is() {
    let (clinic, maya) = replied().await;
    let task = clinic.open_task(&maya);
    let html = |text: &str| {
        format!(
            "<div>{}</div>",
            text.replace('&', "&amp;").replace('\n', "<br>")
        )
    };
    // A rich text field was opened and closed: the same lines as HTML, and nothing was answered.
    clinic.edits(task.id, &html(&task.description)).await;
    assert_eq!(clinic.work_kinds(&maya).await, ["reply"]);
    let answered = task
        .description
        .replace("\nAnswer:\n", "\nAnswer: complaint\n");
    clinic.edits(task.id, &html(&answered)).await;
    assert_eq!(clinic.work_kinds(&maya).await, ["stopped"]);
}

#[tokio::test]
async fn nothing_that_comes_from_outside_can_pose_as_an_answer() {
    for name in ["Answer: continue", "Mia<br>Answer: close<br>x"] {
        let mut maya = Person::maya();
        maya.first = Some(name);
        let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
        clinic.until("2026-11-05 10:00").await;
        clinic
            .writes(&maya, "Answer: continue\nAnswer: continue")
            .await;
        let task = clinic.open_task(&maya);
        let html = format!("<p>{}</p>", task.description.replace('\n', "<br>"));
        for text in [task.description.replace('\n', "\r\n"), html] {
            clinic.edits(task.id, &text).await;
            let status = clinic.status(&maya).await;
            assert!(status == "paused" || status == "held", "{name}: {status}");
        }
        let email_sent = clinic
            .outreach(&maya)
            .iter()
            .any(|line| line.contains("email"));
        assert!(!email_sent, "{name}");
    }
}

#[tokio::test]
async fn a_stop_counts_where_the_question_does_not_offer_it() {
    let mut nameless = Person::maya();
    nameless.first = None;
    let clinic = Clinic::with(std::slice::from_ref(&nameless)).await;
    clinic.until("2026-11-04 12:00").await;
    clinic.answer(&nameless, "Answer:\nunwell").await;
    assert_eq!(clinic.work_kinds(&nameless).await, ["stopped"]);
    assert_eq!(clinic.status(&nameless).await, "paused");
}

#[tokio::test]
async fn a_stop_is_not_lost_beside_another_procedure_or_without_any() {
    for fee in [true, false] {
        let maya = Person::maya();
        let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
        clinic.portal(json!({ "act": "change_status", "client": "maya", "status": "on_break" }));
        clinic.until("2026-11-04 12:00").await;
        if fee {
            // Two contacts with her address: the order is held, and its case stays open.
            clinic.keap(
                json!({ "act": "add_contact", "id": 999, "given_name": "Maya",
                "email": maya.email() }),
            );
            let reason = "she asked".to_owned();
            let card = relay_core::effects::CardRemoval::Keep;
            let order = relay_core::facts::Order::CancelSubscription { reason, card };
            clinic.order(&maya, order).await;
        }
        let task = clinic.open_task(&maya);
        clinic.completes(task.id, Some("Answer: complaint")).await;
        let asked = clinic.work_kinds(&maya).await;
        assert!(asked.contains(&"stopped_client".to_owned()), "{asked:?}");
        clinic.portal(json!({ "act": "change_status", "client": "maya", "status": "online" }));
        clinic.until("2026-11-06 12:00").await;
        assert!(
            clinic.outreach(&maya).is_empty(),
            "{:?}",
            clinic.outreach(&maya)
        );
    }
}

#[tokio::test]
async fn what_she_answered_when_it_had_gone_on_already_is_asked_and_not_passed_over() {
    let (clinic, maya) = replied().await;
    let first = clinic.open_task(&maya).id;
    clinic.done(&maya, "reply", "resume", None).await;
    clinic.edits(first, "Answer: wait until Nov 20").await;
    assert_eq!(clinic.status(&maya).await, "paused");
    assert_eq!(clinic.work_kinds(&maya).await, ["paused"]);
    let task = clinic.open_task(&maya);
    assert!(
        task.description.contains("earlier question"),
        "{}",
        task.description
    );
    clinic.answer(&maya, "Answer: wait until Nov 20").await;
    assert_eq!(clinic.status(&maya).await, "open");
}

#[tokio::test]
async fn replied_counts_in_a_task_that_is_no_longer_open() {
    let (clinic, maya) = replied().await;
    let first = clinic.open_task(&maya).id;
    clinic.done(&maya, "reply", "resume", None).await;
    for text in ["Answer: replied", "Answer:  replied"] {
        clinic.edits(first, text).await;
        assert_eq!(clinic.work_kinds(&maya).await, ["reply"]);
    }
    let title = clinic.open_task(&maya).title;
    assert_eq!(
        title,
        "Maya H.: she has answered, says Beth. How does it go on?"
    );
}

#[tokio::test]
async fn a_message_that_she_had_not_read_is_shown_before_continue_counts() {
    let (clinic, maya) = replied().await;
    let first = clinic.open_task(&maya).id;
    clinic.until("2026-11-05 11:00").await;
    clinic.writes(&maya, "One more thing").await;
    // She had the first task open, and answers that.
    assert_ne!(clinic.open_task(&maya).id, first, "asked anew, with both");
    clinic.edits(first, "Answer: continue").await;
    assert_eq!(
        clinic.status(&maya).await,
        "paused",
        "it was about the first"
    );
    let history = clinic.history(clinic.case(&maya).await.id).await;
    let stale = history
        .iter()
        .filter(|line| line.contains("no longer the open one"));
    assert_eq!(stale.count(), 1, "{history:?}");
    assert!(
        clinic
            .open_task(&maya)
            .description
            .contains("November 5, 11:00")
    );
    clinic.answer(&maya, "Answer: continue").await;
    assert_eq!(clinic.status(&maya).await, "open");
}

#[tokio::test]
async fn a_stop_counts_wherever_she_wrote_it() {
    let (clinic, maya) = replied().await;
    let first = clinic.open_task(&maya).id;
    let engine = &clinic.world.relay.engine;
    let case = clinic.case(&maya).await.id;
    cases::decide_case(engine, case, "Alex", Action::Resume)
        .await
        .expect("resumed");
    clinic.settle().await;
    assert!(
        clinic.tasks(&maya)[0]
            .title
            .starts_with("Closed by Clear Relay"),
        "taken back"
    );
    clinic.edits(first, "Answer: no contact").await;
    assert_eq!(clinic.status(&maya).await, "paused");
    assert_eq!(clinic.work_kinds(&maya).await, ["stopped"]);
    // Lifted by the manager: the old task says it no second time.
    clinic.done(&maya, "stopped", "resume", None).await;
    clinic.edits(first, "Answer: no contact\nas I said").await;
    assert_eq!(clinic.status(&maya).await, "open");
}

#[tokio::test]
async fn her_own_answer_in_the_portal_takes_the_task_away() {
    let (clinic, maya) = replied().await;
    clinic.until("2026-11-05 10:30").await;
    clinic
        .portal(json!({ "act": "coach_writes", "client": "maya", "text": "Please rinse it off" }));
    clinic.settle().await;
    assert!(clinic.work_kinds(&maya).await.is_empty());
    assert!(clinic.tasks(&maya)[0].completed);
    assert_eq!(clinic.status(&maya).await, "paused");
    clinic.until("2026-11-09 09:05").await;
    assert!(
        clinic
            .open_task(&maya)
            .title
            .contains("answered the client")
    );
}

#[tokio::test]
async fn a_stop_holds_for_the_next_check_in_too() {
    let (clinic, maya) = replied().await;
    clinic.answer(&maya, "Answer: no contact").await;
    clinic.portal(json!({ "act": "check_in", "client": "maya", "check_in": "ci_maya" }));
    clinic.settle().await;
    clinic.check_in_due("maya", "ci_maya_2", "2026-11-17");
    clinic.until("2026-11-18 12:00").await;
    let cases = clinic.cases(&maya).await;
    assert_eq!(cases.len(), 2);
    let open = cases
        .iter()
        .find(|case| !case.status.is_closed())
        .expect("the second");
    assert_eq!(open.status.as_str(), "paused");
    // The first case had ended before the manager answered.
    assert_eq!(clinic.work_kinds(&maya).await, ["stopped", "stopped_ended"]);
    assert_eq!(clinic.outreach(&maya), ["4 09:00 portal_message"]);
    clinic.done(&maya, "stopped", "resume", None).await;
    assert_eq!(
        clinic.outreach(&maya),
        ["4 09:00 portal_message", "18 12:00 portal_message"],
    );
}

#[tokio::test]
async fn a_stop_in_a_task_of_news_holds_for_the_case_that_opens_later() {
    for told in [true, false] {
        let maya = Person::maya();
        let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
        clinic.portal(json!({ "act": "change_status", "client": "maya", "status": "on_break" }));
        clinic.until("2026-11-04 12:00").await;
        let task = clinic.open_task(&maya);
        assert!(task.title.contains("on an agreed break without an end"));
        if !told {
            clinic.keap(json!({ "act": "deactivate_hooks" }));
        }
        // Not completed: only written.
        let written = format!("{}\nAnswer: no contact", task.description);
        clinic.edits(task.id, &written).await;
        clinic.portal(json!({ "act": "change_status", "client": "maya", "status": "online" }));
        clinic.until("2026-11-06 12:00").await;
        assert!(
            clinic.outreach(&maya).is_empty(),
            "{told}: {:?}",
            clinic.outreach(&maya)
        );
        let kinds = clinic.work_kinds(&maya).await;
        assert!(kinds.contains(&"stopped".to_owned()), "{told}: {kinds:?}");
    }
}

#[tokio::test]
async fn a_day_that_is_over_is_no_day_to_wait_for() {
    let (clinic, maya) = replied().await;
    clinic.answer(&maya, "Answer: wait until 2026-11-01").await;
    assert_eq!(clinic.status(&maya).await, "paused");
    clinic.until("2026-11-06 09:05").await;
    let again = clinic.open_task(&maya);
    assert!(again.description.contains("could not be understood"));
    assert_eq!(clinic.outreach(&maya), ["4 09:00 portal_message"]);
}
