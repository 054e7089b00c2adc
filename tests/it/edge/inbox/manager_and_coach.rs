//! What is the manager's, and what is her coach's.

use serde_json::json;

use super::{told, with_manager};
use crate::edge::clinic::{Clinic, Person};

#[tokio::test]
async fn the_manager_can_say_what_came_of_the_call() {
    let jo = Person::jo();
    let clinic = with_manager("alex@clinic.example.test", &jo).await;
    clinic.until("2026-11-10 10:00").await;
    let hers = clinic
        .tasks(&jo)
        .into_iter()
        .find(|t| !t.completed && t.owner == "Alex")
        .expect("hers");
    clinic.completes(hers.id, Some("Answer: voicemail")).await;
    let open: Vec<_> = clinic
        .tasks(&jo)
        .into_iter()
        .filter(|t| !t.completed)
        .map(|t| (t.owner, t.title))
        .collect();
    assert!(open.is_empty(), "{open:#?}");
}

#[tokio::test]
async fn no_key_in_what_the_manager_reads() {
    let maya = Person::maya();
    let clinic = with_manager("alex@clinic.example.test", &maya).await;
    clinic.portal(json!({ "act": "change_status", "client": "maya", "status": "on_break" }));
    clinic.until("2026-11-04 12:00").await;
    clinic.answer(&maya, "Answer: no contact").await;
    let hers = clinic
        .tasks(&maya)
        .into_iter()
        .find(|t| t.owner == "Alex")
        .expect("hers");
    let notes: Vec<_> = clinic
        .accepted(&maya)
        .into_iter()
        .filter(|e| e.operation == "contact_note")
        .map(|e| e.content["text"].to_string())
        .collect();
    assert!(!hers.title.contains("Client maya"), "{}", hers.title);
    assert!(!notes.iter().any(|n| n.contains("..")), "{notes:?}");
}

#[tokio::test]
async fn a_manager_who_is_the_coach_has_one_task() {
    let maya = Person::maya();
    let clinic = with_manager("beth@clinic.example.test", &maya).await;
    clinic.until("2026-11-05 10:00").await;
    clinic.writes(&maya, "hello").await;
    clinic.until("2026-11-10 10:00").await;
    let open: Vec<_> = clinic
        .tasks(&maya)
        .into_iter()
        .filter(|t| !t.completed)
        .map(|t| (t.owner, t.title))
        .collect();
    assert_eq!(open.len(), 1, "{open:#?}");
}

#[tokio::test]
async fn the_manager_is_told_since_when_her_coach_was_asked() {
    let maya = Person::maya();
    let clinic = with_manager("alex@clinic.example.test", &maya).await;
    clinic.until("2026-11-07 11:00").await;
    clinic.writes(&maya, "About my check-in").await;
    clinic.until("2026-11-09 09:05").await;
    assert_eq!(clinic.open_task(&maya).owner, "Beth");
    clinic.until("2026-11-10 12:00").await;
    let alexs: Vec<_> = clinic
        .tasks(&maya)
        .into_iter()
        .filter(|t| t.owner == "Alex")
        .map(|t| {
            (
                t.title,
                t.made,
                t.description.lines().next().unwrap_or_default().to_owned(),
            )
        })
        .collect();
    assert!(
        alexs.is_empty(),
        "asked on Monday the 9th at nine, so two working days are over on Wednesday: {alexs:#?}"
    );
}

#[tokio::test]
async fn what_the_manager_lifted_is_not_said_any_more() {
    let maya = Person::maya();
    let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
    clinic.portal(json!({ "act": "change_status", "client": "maya", "status": "on_break" }));
    clinic.until("2026-11-04 12:00").await;
    clinic.answer(&maya, "Answer: complaint").await;
    clinic.portal(json!({ "act": "change_status", "client": "maya", "status": "online" }));
    clinic.until("2026-11-05 12:00").await;
    clinic.done(&maya, "stopped", "resume", None).await;
    let titles: Vec<_> = clinic.work().await.into_iter().map(|i| i.title).collect();
    assert!(
        !titles.iter().any(|t| t.contains("Nothing goes out to her")),
        "{titles:#?}"
    );
}

#[tokio::test]
async fn the_manager_says_handled() {
    let maya = Person::maya();
    let clinic = with_manager("alex@clinic.example.test", &maya).await;
    clinic.until("2026-11-05 10:00").await;
    clinic.writes(&maya, "About my check-in").await;
    clinic.until("2026-11-09 10:00").await;
    let hers = clinic
        .tasks(&maya)
        .into_iter()
        .find(|t| !t.completed && t.owner == "Alex")
        .expect("hers");
    let said = "- handled: she is answered; nothing goes out, and her coach is asked how it goes on in two working days";
    assert!(hers.description.contains(said), "{}", hers.description);
    clinic.completes(hers.id, Some("Answer: handled")).await;
    clinic.until("2026-11-11 10:00").await;
    assert_eq!(clinic.open_task(&maya).owner, "Beth");
}

#[tokio::test]
async fn what_reaches_no_coach_reaches_the_manager() {
    let maya = Person::maya();
    let clinic = with_manager("alex@clinic.example.test", &maya).await;
    clinic.until("2026-11-06 12:00").await;
    clinic.keap(json!({ "act": "set_user_status", "user": 11, "status": "INACTIVE" }));
    clinic.until("2026-11-20 12:00").await;
    let open: Vec<_> = clinic
        .tasks(&maya)
        .into_iter()
        .filter(|t| !t.completed)
        .collect();
    assert!(
        !open.is_empty(),
        "nobody is asked in Keap: {:?}",
        clinic
            .work()
            .await
            .into_iter()
            .map(|i| format!("[{}] {}: {}", i.owner, i.kind, i.title))
            .collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn nobody_is_said_not_to_have_answered_what_she_was_not_asked() {
    let people =
        [("ann", 301u64), ("bea", 302), ("cat", 303), ("dot", 304)].map(|(id, contact)| Person {
            id,
            contact,
            first: None,
            ..Person::maya()
        });
    let clinic = Clinic::open_with(|setup| {
        setup.amend =
            |text| told(&text.replace("coach_tasks_a_day = 100", "coach_tasks_a_day = 1"));
    })
    .await;
    clinic.keap(json!({ "act": "add_user", "id": 13, "email": "alex@clinic.example.test", "given_name": "Alex" }));
    for person in &people {
        clinic.join(person);
    }
    clinic.until("2026-11-06 12:00").await;
    let mut blamed = 0;
    for person in &people {
        let tasks = clinic.tasks(person);
        let asked = tasks.iter().find(|task| task.owner == "Beth");
        for task in tasks.iter().filter(|task| task.owner == "Alex") {
            let says = task.title.contains("has not answered");
            assert_eq!(says, asked.is_some(), "{}: {}", person.id, task.title);
            blamed += usize::from(says);
        }
    }
    assert!(blamed > 0, "somebody was asked");
}
