//! What is no silence of a coach who has a say in what goes out in her name (A30).

use clear_relay::engine::commands::{cases, time_off};
use serde_json::json;

use crate::edge::clinic::{Clinic, Person, at};

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

async fn away(clinic: &Clinic, from: &str, until: &str) {
    let away = time_off::Asked {
        coach: "coach_beth".into(),
        from: Some(from.parse().expect("a date")),
        until: until.parse().expect("a date"),
        deputy: Some("coach_ruth".into()),
    };
    time_off::away(&clinic.world.relay.engine, &away, "Robin")
        .await
        .expect("entered");
    clinic.settle().await;
}

/// "leave out" and "done" in the task before, which a deputy's has replaced.
#[tokio::test]
async fn a30_what_she_answers_in_a_task_that_was_replaced_keeps_it_back() {
    for answer in ["Answer: leave out", "Answer: done"] {
        let maya = Person::maya();
        let clinic = asking(std::slice::from_ref(&maya), both).await;
        clinic.until("2026-11-04 10:00").await;
        let task = clinic.open_task(&maya);
        away(&clinic, "2026-11-04", "2026-11-06").await;
        let text = task
            .description
            .replace("\nAnswer:\n", &format!("\n{answer}\n"));
        assert_ne!(text, task.description);
        clinic.edits(task.id, &text).await;
        clinic.until("2026-11-04 17:00").await;
        assert!(
            clinic.outreach(&maya).is_empty(),
            "{answer}: {:?}",
            clinic.outreach(&maya)
        );
    }
}

/// Asked where only her word counts; then the channel is Keap's tasks.
#[tokio::test]
async fn a30_a_task_that_says_that_it_waits_for_her_answer_waits() {
    let maya = Person::maya();
    let amend =
        |text: &str| email(&text.replace("coach_tasks_a_day = 100", "coaches = \"work_list\""));
    let mut clinic = asking(std::slice::from_ref(&maya), amend).await;
    clinic.until("2026-11-06 12:00").await;
    let to_tasks = |text: &str| text.replace("coaches = \"work_list\"", "coaches = \"crm_tasks\"");
    clinic.world.reconfigure(to_tasks).await.expect("again");
    clinic.until("2026-11-06 13:00").await;
    let task = clinic.open_task(&maya);
    clinic.until("2026-11-10 17:00").await;
    let out = clinic.outreach(&maya);
    assert!(
        !task.description.contains("It waits for your answer") || out.len() == 1,
        "{} {out:?}",
        task.title
    );
}

/// She is away from Monday on; the relay stood still from Friday to Monday.
#[tokio::test]
async fn a30_a_deputy_who_was_not_told_has_nothing_sent_in_her_name() {
    let maya = Person::maya();
    let mut clinic = asking(std::slice::from_ref(&maya), email).await;
    clinic.until("2026-11-06 09:20").await;
    away(&clinic, "2026-11-07", "2026-11-13").await;
    clinic.world.jump(at("2026-11-09 10:00"));
    clinic.world.restart().await.expect("a restart");
    clinic.settle().await;
    let mails = clinic.accepted(&maya);
    let mail = mails.iter().find(|entry| entry.operation == "email");
    let by = mail.map(|mail| mail.content["user_id"].clone());
    let told = clinic.tasks(&maya).iter().any(|task| task.owner == "Ruth");
    assert!(
        by != Some(json!("12")) || told,
        "sent as Ruth, who was told nothing"
    );
}

/// Her coach is another, and no event told.
#[tokio::test]
async fn a30_a_new_coach_who_was_not_told_has_nothing_sent_in_her_name() {
    let maya = Person::maya();
    let clinic = asking(std::slice::from_ref(&maya), both).await;
    clinic.until("2026-11-04 09:30").await;
    clinic.portal(json!({ "act": "switch", "events_off": true }));
    clinic.portal(json!({ "act": "change_coach", "client": "maya", "coach": "coach_ruth" }));
    clinic.until("2026-11-04 12:00").await;
    let all = clinic.accepted(&maya);
    let sent = all.iter().find(|entry| entry.operation == "portal_message");
    let by = sent.map(|sent| sent.content["author"].clone());
    assert_ne!(
        by,
        Some(json!("coach_ruth")),
        "sent as Ruth, who was told nothing"
    );
}

/// A Friday's check-in is held on Saturday; what is ready on Monday says "yesterday".
#[tokio::test]
async fn a30_what_is_ready_on_monday_is_true_on_monday() {
    let mut maya = Person::maya();
    maya.due = Some("2026-11-06");
    let clinic = asking(std::slice::from_ref(&maya), both).await;
    clinic.until("2026-11-09 10:00").await;
    let task = clinic.open_task(&maya).description;
    assert!(
        !task.contains("Your check in was due yesterday, November 6"),
        "{task}"
    );
}

/// More emails than tasks a day: those that were handed up before their task came never get one.
#[tokio::test]
async fn a30_no_client_is_forgotten_behind_the_number_of_tasks_a_day() {
    let ids = ["a1", "b2", "c3", "d4", "e5", "f6", "g7"];
    let people: Vec<Person> = (300..)
        .zip(ids)
        .map(|(contact, id)| Person {
            id,
            contact,
            ..Person::maya()
        })
        .collect();
    let amend =
        |text: &str| email(&text.replace("coach_tasks_a_day = 100", "coach_tasks_a_day = 1"));
    let clinic = asking(&people, amend).await;
    clinic.until("2026-11-30 18:00").await;
    for one in &people {
        assert!(
            !clinic.tasks(one).is_empty(),
            "nobody was ever asked about {}",
            one.id
        );
    }
}

/// Where nothing goes out by itself, nobody is told that it does, and to do nothing.
#[tokio::test]
async fn a30_what_waits_says_that_it_waits() {
    let maya = Person::maya();
    let mut clinic = asking(std::slice::from_ref(&maya), email).await;
    clinic.until("2026-11-06 10:00").await;
    let to_list = |text: &str| text.replace("coach_tasks_a_day = 100", "coaches = \"work_list\"");
    clinic.world.reconfigure(to_list).await.expect("again");
    clinic.until("2026-11-12 17:00").await;
    let item = clinic.item(&maya, "ask_first").await;
    assert_eq!(item.owner, "program_manager");
    assert!(
        !item.title.contains("goes out to her unless you stop it"),
        "{} ({})",
        item.title,
        item.detail["remedy"]
    );
}

/// An older copy of the database: her first task is nobody's, and she stops it there.
#[tokio::test]
async fn a30_after_an_older_copy_only_a_word_lets_it_go() {
    let maya = Person::maya();
    let mut clinic = asking(std::slice::from_ref(&maya), both).await;
    clinic.until("2026-11-04 08:30").await;
    let folder = tempfile::tempdir().expect("a folder");
    let copy = folder.path().join("copy.sqlite");
    clinic.world.copy(&copy).expect("a copy");
    clinic.until("2026-11-04 09:30").await;
    let first = clinic.open_task(&maya).id;
    clinic.world.forget(Some(&copy)).await.expect("a restore");
    clinic.until("2026-11-04 09:45").await;
    clinic.completes(first, Some("Answer: stop")).await;
    clinic.until("2026-11-04 17:00").await;
    assert!(
        clinic.outreach(&maya).is_empty(),
        "{:?}",
        clinic.outreach(&maya)
    );
}

/// What somebody did to the task besides writing into its description.
#[tokio::test]
async fn a30_a_task_that_was_changed_is_no_silence() {
    let mut out = Vec::new();
    for changes in [
        json!({ "title": "STOP, she called me" }),
        json!({ "description": "" }),
        json!({ "assigned_to_user_id": "12" }),
        json!({ "due_time": "2026-11-12T18:00:00Z" }),
    ] {
        let maya = Person::maya();
        let clinic = asking(std::slice::from_ref(&maya), both).await;
        clinic.until("2026-11-04 10:00").await;
        let task = clinic.open_task(&maya).id;
        clinic.keap(json!({ "act": "edit_task", "task": task, "changes": changes }));
        clinic.until("2026-11-04 17:00").await;
        if !clinic.outreach(&maya).is_empty() {
            out.push(changes);
        }
    }
    assert!(out.is_empty(), "sent all the same: {out:?}");
}

/// In a list by due dates she sees it in time.
#[tokio::test]
async fn a30_her_task_is_due_when_it_goes_out() {
    let maya = Person::maya();
    let clinic = asking(std::slice::from_ref(&maya), both).await;
    clinic.until("2026-11-04 09:10").await;
    let task = clinic.open_task(&maya);
    assert_eq!(task.due, Some(at("2026-11-04 11:15")), "{}", task.title);
}

/// Outreach was stopped for five days: her task says a moment that is long over when it goes out.
#[tokio::test]
async fn a30_what_would_go_out_days_after_its_moment_is_asked_about_anew() {
    let maya = Person::maya();
    let clinic = asking(std::slice::from_ref(&maya), email).await;
    clinic.until("2026-11-06 10:00").await;
    let engine = &clinic.world.relay.engine;
    cases::set_stopped(engine, true, "Robin", Some("x"))
        .await
        .expect("stopped");
    clinic.until("2026-11-11 12:00").await;
    let title = clinic.open_task(&maya).title;
    cases::set_stopped(engine, false, "Robin", None)
        .await
        .expect("on");
    clinic.until("2026-11-11 12:30").await;
    assert_eq!(
        clinic.outreach(&maya).len(),
        1,
        "{title}: {:?}",
        clinic.outreach(&maya)
    );
}

/// The setting is taken away while her task holds a "no".
#[tokio::test]
async fn a30_her_no_outlasts_the_setting() {
    let maya = Person::maya();
    let mut clinic = asking(std::slice::from_ref(&maya), email).await;
    clinic.until("2026-11-06 09:20").await;
    let task = clinic.open_task(&maya);
    let text = task
        .description
        .replace("\nAnswer:\n", "\nAnswer: no, please not\n");
    clinic.edits(task.id, &text).await;
    clinic.until("2026-11-06 10:30").await;
    let off = |text: &str| text.replace("ask_first = [\"email_follow_up\"]\n", "");
    clinic.world.reconfigure(off).await.expect("again");
    clinic.until("2026-11-06 17:00").await;
    assert_eq!(
        clinic.outreach(&maya).len(),
        1,
        "{:?}",
        clinic.outreach(&maya)
    );
}

/// On the day after it was due, nobody is told that it was not due yesterday.
#[tokio::test]
async fn a30_the_reason_of_a_hold_is_true() {
    let maya = Person::maya();
    let clinic = asking(std::slice::from_ref(&maya), both).await;
    clinic.until("2026-11-04 09:30").await;
    clinic.completes(clinic.open_task(&maya).id, None).await;
    clinic.until("2026-11-04 15:20").await;
    let mut open = clinic.tasks(&maya);
    open.retain(|task| !task.completed);
    assert!(
        !open[0].title.contains("was not due yesterday"),
        "on November 4, due November 3: {}",
        open[0].title
    );
}
