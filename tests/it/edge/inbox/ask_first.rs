//! A coach has a say before a message goes out in her name (A30).

use std::sync::Arc;

use clear_relay::engine::commands::{time_off, work};
use relay_core::time::SignedDuration;
use serde_json::json;

use crate::edge::clinic::{Clinic, Person, at};
use crate::support::failpoints::StopAt;

async fn asking(people: &[Person], amend: fn(&str) -> String) -> Clinic {
    let clinic = Clinic::open_with(|setup| setup.amend = amend).await;
    for person in people {
        clinic.join(person);
    }
    clinic
}

fn both(text: &str) -> String {
    format!("{text}ask_first = [\"portal_message\", \"email_follow_up\"]\n")
}

fn email(text: &str) -> String {
    format!("{text}ask_first = [\"email_follow_up\"]\n")
}

/// Maya, whose coach is asked about the first message on Wednesday at nine.
async fn asked() -> (Clinic, Person) {
    let maya = Person::maya();
    let clinic = asking(std::slice::from_ref(&maya), both).await;
    clinic.until("2026-11-04 09:05").await;
    (clinic, maya)
}

#[tokio::test]
async fn a30_her_task_says_when_it_goes_and_her_silence_lets_it() {
    let (clinic, maya) = asked().await;
    let task = clinic.open_task(&maya);
    assert_eq!(task.owner, "Beth");
    assert_eq!(
        task.title,
        "Maya H.: the first message goes out to her unless you stop it: November 4, 11:15"
    );
    for part in [
        "It goes out: November 4, 11:15 (clinic time).",
        "Hi Maya! Your check in was due yesterday, November 3.",
        "- send: it goes out as it is",
        "- stop: it does not go out",
        "- replied: ",
        "- leave out: ",
        "- done: ",
        "- no contact: ",
        "\nAnswer:\n",
    ] {
        assert!(
            task.description.contains(part),
            "{part}\n{}",
            task.description
        );
    }
    for word in ["_", "`", "ask_first"] {
        assert!(!task.description.contains(word), "{}", task.description);
    }
    assert!(clinic.outreach(&maya).is_empty());
    clinic.until("2026-11-04 11:14").await;
    assert!(clinic.outreach(&maya).is_empty());
    clinic.until("2026-11-04 11:20").await;
    assert_eq!(clinic.outreach(&maya), ["4 11:15 portal_message"]);
    assert!(clinic.tasks(&maya).iter().all(|task| task.completed));
    // Whoever looks for it later sees what became of it.
    assert_eq!(
        clinic.tasks(&maya)[0].title,
        format!("Closed by Clear Relay, it went out: {}", task.title)
    );

    // The same before the email, two days after.
    clinic.until("2026-11-06 12:00").await;
    let task = clinic.open_task(&maya);
    assert!(
        task.title.contains("the follow-up email goes out to her"),
        "{}",
        task.title
    );
    assert!(task.title.ends_with("November 6, 13:30"), "{}", task.title);
    clinic.until("2026-11-06 18:00").await;
    assert_eq!(
        clinic.outreach(&maya),
        ["4 11:15 portal_message", "6 13:30 email"]
    );
    assert_eq!(clinic.tasks(&maya).len(), 2);
}

#[tokio::test]
async fn a30_what_she_writes_decides() {
    for (answer, status, sent) in [
        ("Answer: send", "open", true),
        ("Answer: stop", "paused", false),
        ("Answer: replied", "paused", false),
        ("Answer: wait until Nov 12", "open", false),
        ("Answer: leave out", "open", false),
        ("Answer: done", "open", false),
        ("Answer: complaint", "paused", false),
        ("Answer: close", "closed", false),
    ] {
        let (clinic, maya) = asked().await;
        clinic.answer(&maya, answer).await;
        assert_eq!(clinic.status(&maya).await, status, "{answer}");
        clinic.until("2026-11-04 17:00").await;
        let out = clinic.outreach(&maya);
        assert_eq!(!out.is_empty(), sent, "{answer}: {out:?}");
        let history = clinic.history(clinic.case(&maya).await.id).await;
        assert!(
            history.iter().any(|line| line.contains("Beth")),
            "{answer}: {history:?}"
        );
    }
}

/// No webhook tells of what she wrote: the guard reads her task itself.
#[tokio::test]
async fn a30_what_nobody_told_of_is_read_before_it_goes_and_whatever_it_is_is_no_silence() {
    for (written, status) in [
        ("Answer: stop", "paused"),
        ("Answer: No, she called me!\n", "open"),
        ("please not yet\nAnswer:", "open"),
        // An answer to another question.
        ("Answer: handled", "open"),
    ] {
        let maya = Person::maya();
        let clinic = asking(std::slice::from_ref(&maya), email).await;
        clinic.until("2026-11-06 11:14").await;
        let task = clinic.open_task(&maya);
        let written = task.description.replace("Answer:", written);
        clinic.keap(
            json!({ "act": "edit_task", "task": task.id, "changes": { "description": written } }),
        );
        clinic.until("2026-11-08 18:00").await;
        assert_eq!(
            clinic.outreach(&maya),
            ["4 09:00 portal_message"],
            "{written}"
        );
        assert_eq!(clinic.status(&maya).await, status, "{written}");
        if status == "open" {
            clinic.until("2026-11-09 09:05").await;
            let again = clinic.open_task(&maya);
            let why = [
                "could not be understood",
                "is not one of the answers that it offers",
            ];
            assert!(
                why.iter().any(|why| again.description.contains(why)),
                "{}",
                again.description
            );
            clinic.until("2026-11-09 15:00").await;
            assert_eq!(clinic.outreach(&maya).len(), 1, "{written}");
            assert!(
                again.description.contains("It waits for your answer"),
                "{}",
                again.description
            );
            clinic.answer(&maya, "Answer: send").await;
            assert_eq!(clinic.outreach(&maya)[1..], ["9 15:00 email"], "{written}");
        }
    }
}

#[tokio::test]
async fn a30_a_tick_without_a_word_and_a_deleted_task_send_nothing_until_she_is_asked_again() {
    let (clinic, maya) = asked().await;
    clinic.completes(clinic.open_task(&maya).id, None).await;
    clinic.until("2026-11-04 17:00").await;
    assert!(clinic.outreach(&maya).is_empty());
    // "Yesterday" is not so any more on the next day: what is asked then is how it goes on.
    clinic.until("2026-11-05 09:30").await;
    assert!(clinic.outreach(&maya).is_empty());
    assert_eq!(clinic.status(&maya).await, "held");

    let maya = Person::maya();
    let clinic = asking(std::slice::from_ref(&maya), email).await;
    clinic.until("2026-11-06 09:05").await;
    let task = clinic.open_task(&maya).id;
    clinic.keap(json!({ "act": "delete_task", "task": task }));
    clinic.until("2026-11-06 11:20").await;
    assert_eq!(clinic.outreach(&maya), ["4 09:00 portal_message"]);
    let again = clinic.open_task(&maya);
    assert!(
        again.id != task && again.description.contains("was deleted"),
        "{}",
        again.description
    );
    // Somebody meant something by it: now only a word lets it go, and it says so.
    assert_eq!(
        again.title,
        "Asked again: Maya H.: may the follow-up email go out to her?"
    );
    clinic.until("2026-11-06 17:00").await;
    assert_eq!(clinic.outreach(&maya), ["4 09:00 portal_message"]);
    clinic.answer(&maya, "Answer: send").await;
    assert_eq!(clinic.outreach(&maya)[1..], ["6 17:00 email"]);
}

/// Keap takes no tasks for four hours: nobody could see the question.
#[tokio::test]
async fn a30_what_could_not_be_delivered_is_not_sent_and_her_two_hours_begin_with_her_task() {
    let maya = Person::maya();
    let clinic = asking(std::slice::from_ref(&maya), email).await;
    clinic.fault(
        "keap",
        json!({ "operation": "work_task", "moment": "before", "act": "status", "code": 429,
                "retry_after": 4 * 3600 }),
    );
    clinic.until("2026-11-06 13:00").await;
    assert_eq!(clinic.outreach(&maya), ["4 09:00 portal_message"]);
    assert!(clinic.tasks(&maya).is_empty());
    clinic.until("2026-11-06 13:20").await;
    let task = clinic.open_task(&maya);
    clinic.until("2026-11-06 18:00").await;
    let out = clinic.outreach(&maya);
    let goes = task.title.rsplit(", ").next().expect("a time").to_owned();
    assert_eq!(out[1..], [format!("6 {goes} email")], "{}", task.title);
}

#[tokio::test]
async fn a30_her_deputy_has_two_hours_of_her_own() {
    let (clinic, maya) = asked().await;
    clinic.until("2026-11-04 11:00").await;
    let engine = &clinic.world.relay.engine;
    let away = time_off::Asked {
        coach: "coach_beth".into(),
        from: Some("2026-11-04".parse().expect("a date")),
        until: "2026-11-06".parse().expect("a date"),
        deputy: Some("coach_ruth".into()),
    };
    time_off::away(engine, &away, "Robin")
        .await
        .expect("entered");
    clinic.settle().await;
    let task = clinic.open_task(&maya);
    assert_eq!(task.owner, "Ruth");
    assert!(task.title.ends_with("November 4, 13:15"), "{}", task.title);
    clinic.until("2026-11-04 13:10").await;
    assert!(clinic.outreach(&maya).is_empty());
    clinic.until("2026-11-04 13:20").await;
    assert_eq!(clinic.outreach(&maya), ["4 13:15 portal_message"]);
}

/// Her coach has no tasks in Keap: nobody knows whether she has looked into the list.
#[tokio::test]
async fn a30_where_the_list_of_work_is_all_there_is_it_waits_for_her_word() {
    let maya = Person::maya();
    let amend =
        |text: &str| both(&text.replace("coach_tasks_a_day = 100", "coaches = \"work_list\""));
    let clinic = asking(std::slice::from_ref(&maya), amend).await;
    clinic.until("2026-11-04 17:00").await;
    assert!(clinic.outreach(&maya).is_empty() && clinic.tasks(&maya).is_empty());
    let item = clinic.item(&maya, "ask_first").await;
    assert_eq!(item.title, "Maya H.: may the first message go out to her?");
    // She is reminded of it, and then the manager is.
    assert_eq!(item.remind_at, at("2026-11-05 09:00"));
    let engine = &clinic.world.relay.engine;
    work::settle_work(engine, item.id, "Beth", "send_anyway", None)
        .await
        .expect("settled");
    clinic.until("2026-11-04 17:10").await;
    assert_eq!(clinic.outreach(&maya), ["4 17:00 portal_message"]);
}

/// One task a day: a message would wait for its task, and so it does not.
#[tokio::test]
async fn a30_no_message_waits_for_the_tasks_of_another_day() {
    let (maya, mut eva) = (Person::maya(), Person::maya());
    (eva.id, eva.contact, eva.first) = ("eva", 203, Some("Eva"));
    let amend =
        |text: &str| both(&text.replace("coach_tasks_a_day = 100", "coach_tasks_a_day = 1"));
    let clinic = asking(&[maya.clone(), eva.clone()], amend).await;
    clinic.until("2026-11-06 18:00").await;
    for who in [&maya, &eva] {
        let out = clinic.outreach(who);
        assert_eq!(out, ["4 11:15 portal_message", "6 13:30 email"]);
    }
}

#[tokio::test]
async fn a30_a_check_in_or_a_reply_takes_the_question_back() {
    let (clinic, maya) = asked().await;
    clinic.portal(json!({ "act": "check_in", "client": maya.id }));
    clinic.until("2026-11-04 12:00").await;
    assert_eq!(clinic.status(&maya).await, "closed");
    assert!(clinic.outreach(&maya).is_empty());
    assert!(clinic.tasks(&maya).iter().all(|task| task.completed));

    let (clinic, maya) = asked().await;
    clinic.writes(&maya, "I will do it tonight").await;
    clinic.until("2026-11-04 12:00").await;
    assert!(clinic.outreach(&maya).is_empty());
    assert_eq!(clinic.work_kinds(&maya).await, ["reply"]);
    let task = clinic.open_task(&maya);
    assert!(task.title.contains("the client wrote"), "{}", task.title);
}

/// The process ends at each place of the way: she is asked once, and it goes out once, after her two hours.
#[tokio::test]
async fn a30_a_crash_asks_her_once_and_sends_it_once() {
    for place in [
        "effect.guard.before",
        "effect.guard.after",
        "effect.settle.before",
        "effect.settle.after",
        "effect.intent.after",
        "effect.attempt.after",
    ] {
        let maya = Person::maya();
        let mut clinic = asking(std::slice::from_ref(&maya), both).await;
        clinic.until("2026-11-04 08:59").await;
        let stop = Arc::new(StopAt::unarmed(place));
        let restarted = clinic.world.restart_with(Arc::clone(&stop) as _).await;
        restarted.expect("a restart");
        stop.arm();
        tokio::select! {
            () = clinic.until("2026-11-04 11:20") => panic!("{place} was never passed"),
            () = stop.stopped() => {}
        }
        clinic.world.restart().await.expect("a restart");
        clinic.until("2026-11-04 16:00").await;
        let out = clinic.accepted(&maya);
        let made = |what: &str| {
            let mut all = out.iter().filter(|entry| entry.operation == what);
            let first = all.next().map(|entry| entry.at);
            assert_eq!(
                all.next().map(|entry| entry.at),
                None,
                "{place}: {what} twice"
            );
            first.unwrap_or_else(|| panic!("{place}: no {what}"))
        };
        let (asked, sent) = (made("work_task"), made("portal_message"));
        assert!(
            sent.duration_since(asked) >= SignedDuration::from_hours(2),
            "{place}"
        );
    }
}
