//! How a task comes to her, and goes.

use clear_relay::engine::commands::work;
use relay_core::effects::EffectKind;
use relay_core::ids::{ClientId, WorkItemId};
use relay_store::{EffectState, Op, WorkItem};
use serde_json::json;

use super::replied;
use crate::edge::clinic::{Clinic, Person};

#[tokio::test]
async fn a_check_in_takes_the_task_away() {
    let (clinic, maya) = replied().await;
    clinic.portal(json!({ "act": "check_in", "client": "maya", "check_in": "ci_maya" }));
    clinic.settle().await;
    assert!(clinic.tasks(&maya).iter().all(|task| task.completed));
    assert!(
        clinic.tasks(&maya)[0]
            .title
            .starts_with("Closed by Clear Relay")
    );
}

#[tokio::test]
async fn what_is_asked_in_the_night_opens_in_the_morning() {
    let maya = Person::maya();
    let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
    clinic.until("2026-11-06 19:00").await;
    clinic.writes(&maya, "Sorry!").await;
    assert!(clinic.tasks(&maya).is_empty());
    clinic.until("2026-11-09 08:59").await;
    assert!(clinic.tasks(&maya).is_empty(), "over the weekend");
    clinic.until("2026-11-09 09:01").await;
    clinic.open_task(&maya);
}

#[tokio::test]
async fn another_coach_gets_the_task_and_the_old_one_is_closed() {
    let (clinic, maya) = replied().await;
    clinic.portal(json!({ "act": "change_coach", "client": "maya", "coach": "coach_ruth" }));
    clinic.settle().await;
    assert_eq!(clinic.open_task(&maya).owner, "Ruth");
    assert_eq!(clinic.tasks(&maya).len(), 2);
}

#[tokio::test]
async fn an_item_that_is_handed_up_leaves_the_coach_her_task() {
    let (clinic, maya) = replied().await;
    let task = clinic.open_task(&maya).id;
    clinic.until("2026-11-11 12:00").await;
    assert_eq!(clinic.item(&maya, "reply").await.owner, "program_manager");
    assert_eq!(clinic.open_task(&maya).id, task);
    clinic.answer(&maya, "Answer: continue").await;
    assert_eq!(clinic.status(&maya).await, "open");
}

#[tokio::test]
async fn a_coach_without_a_user_in_keap_has_the_list_and_nobody_else_hears_of_it() {
    let maya = Person::maya();
    let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
    clinic.keap(json!({ "act": "set_user_status", "user": 11, "status": "INACTIVE" }));
    clinic.until("2026-11-05 10:00").await;
    clinic.writes(&maya, "Sorry!").await;
    clinic.until("2026-11-05 12:00").await;
    assert!(clinic.tasks(&maya).is_empty());
    assert_eq!(
        clinic.work_kinds(&maya).await,
        ["reply"],
        "no item about the item"
    );
    let client = ClientId::from("maya");
    let kind = EffectKind::WorkTask;
    let effect = clinic
        .store()
        .latest_of_client(&client, kind)
        .await
        .expect("a store");
    assert_eq!(
        effect.map(|effect| effect.state),
        Some(EffectState::Overtaken)
    );
    // She is back: the daily comparison brings it.
    clinic.keap(json!({ "act": "set_user_status", "user": 11, "status": "ACTIVE" }));
    clinic.until("2026-11-06 09:05").await;
    clinic.open_task(&maya);
}

#[tokio::test]
async fn an_outage_of_a_day_makes_no_item_about_the_task_and_the_task_comes_after_it() {
    let (clinic, maya) = {
        let maya = Person::maya();
        let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
        clinic.until("2026-11-05 09:30").await;
        let fault = json!({ "operation": "work_task", "moment": "before", "act": "status",
            "code": 503, "times": 500 });
        clinic.fault("keap", fault);
        clinic.writes(&maya, "Sorry!").await;
        (clinic, maya)
    };
    clinic.until("2026-11-06 22:00").await;
    assert!(clinic.tasks(&maya).is_empty());
    assert_eq!(clinic.work_kinds(&maya).await, ["reply"]);
    clinic
        .world
        .vendors
        .faults("keap")
        .expect("a vendor")
        .clear();
    clinic.until("2026-11-10 09:05").await;
    clinic.open_task(&maya);
    assert_eq!(clinic.work_kinds(&maya).await, ["reply"]);
}

#[tokio::test]
async fn nothing_is_made_in_keap_while_the_procedure_only_proposes() {
    let maya = Person::maya();
    let clinic = Clinic::open_with(|setup| {
        setup.amend = |text| text.replace("mode = \"act\"", "mode = \"propose\"");
    })
    .await;
    clinic.join(&maya);
    clinic.until("2026-11-05 10:00").await;
    clinic.writes(&maya, "Sorry!").await;
    clinic.until("2026-11-06 12:00").await;
    assert_eq!(clinic.work_kinds(&maya).await, ["reply"]);
    assert!(clinic.tasks(&maya).is_empty());
    let client = ClientId::from("maya");
    let kind = EffectKind::WorkTask;
    let effect = clinic
        .store()
        .latest_of_client(&client, kind)
        .await
        .expect("a store");
    assert_eq!(
        effect.map(|effect| effect.state),
        Some(EffectState::Proposed)
    );
}

#[tokio::test]
async fn a_coach_gets_so_many_new_tasks_a_day_and_what_clients_wrote_besides() {
    let maya = Person::maya();
    let names = ["ada", "bea", "cora", "dora"];
    let mut nameless: Vec<Person> = Vec::new();
    for (number, id) in (0..).zip(names) {
        nameless.push(Person {
            id,
            contact: 300 + number,
            first: None,
            ..Person::maya()
        });
    }
    let clinic = Clinic::open_with(|setup| {
        setup.amend = |text| text.replace("coach_tasks_a_day = 100", "coach_tasks_a_day = 2");
    })
    .await;
    for person in nameless.iter().chain([&maya]) {
        clinic.join(person);
    }
    clinic.until("2026-11-04 12:00").await;
    let asked = |clinic: &Clinic| -> usize {
        nameless
            .iter()
            .map(|person| clinic.tasks(person).len())
            .sum()
    };
    assert_eq!(asked(&clinic), 2);
    clinic.writes(&maya, "Sorry!").await;
    clinic.open_task(&maya);
    clinic.until("2026-11-05 12:00").await;
    assert_eq!(asked(&clinic), 4, "the others the next morning");
}

#[tokio::test]
async fn a_lost_webhook_of_an_answer_is_made_up_for_by_the_daily_comparison() {
    let (clinic, maya) = replied().await;
    let task = clinic.open_task(&maya).id;
    clinic.keap(json!({ "act": "deactivate_hooks" }));
    clinic.keap(
        json!({ "act": "complete_task", "task": task, "contact": null,
        "text": "Answer: continue" }),
    );
    clinic.until("2026-11-06 12:00").await;
    assert_eq!(clinic.status(&maya).await, "open");
    assert!(
        clinic
            .outreach(&maya)
            .iter()
            .any(|line| line.contains("email"))
    );
}

#[tokio::test]
async fn a_closing_that_was_given_up_is_tried_again_the_next_working_morning() {
    let (clinic, maya) = replied().await;
    let fault = json!({ "operation": "close_task", "moment": "before", "act": "status",
        "code": 400, "times": 1 });
    clinic.fault("keap", fault);
    clinic.portal(json!({ "act": "check_in", "client": "maya", "check_in": "ci_maya" }));
    clinic.settle().await;
    assert!(!clinic.open_task(&maya).completed);
    clinic.until("2026-11-06 09:05").await;
    assert!(clinic.tasks(&maya).iter().all(|task| task.completed));
    assert!(clinic.work_kinds(&maya).await.is_empty());
}

#[tokio::test]
async fn what_can_not_be_delivered_does_not_use_up_the_days_tasks_again_and_again() {
    let strangers = ["ada", "bea"].map(|id| Person {
        id,
        contact: 300 + u64::from(id == "bea"),
        first: None,
        coach: "coach_ruth",
        ..Person::maya()
    });
    let late = Person {
        id: "cora",
        contact: 310,
        first: None,
        coach: "coach_ruth",
        due: Some("2026-11-05"),
        ..Person::maya()
    };
    let clinic = Clinic::open_with(|setup| {
        setup.amend = |text| text.replace("coach_tasks_a_day = 100", "coach_tasks_a_day = 2");
    })
    .await;
    for person in strangers.iter().chain([&late]) {
        clinic.join(person);
    }
    // Neither of the two has an address that the portal knows.
    for person in &strangers {
        clinic.keap(json!({ "act": "edit_contact", "contact": person.contact,
            "changes": { "email_addresses": [{ "email": "other@example.test", "field": "EMAIL1" }] } }));
    }
    clinic.until("2026-11-06 12:00").await;
    for person in &strangers {
        assert!(clinic.tasks(person).is_empty());
    }
    clinic.open_task(&late);
}

#[tokio::test]
async fn news_about_no_case_is_not_made_in_keap_while_the_procedure_only_proposes() {
    let maya = Person::maya();
    let clinic = Clinic::open_with(|setup| {
        setup.amend = |text| text.replace("mode = \"act\"", "mode = \"propose\"");
    })
    .await;
    clinic.join(&maya);
    clinic.portal(json!({ "act": "change_status", "client": "maya", "status": "on_break" }));
    clinic.until("2026-11-05 12:00").await;
    assert_eq!(clinic.work_kinds(&maya).await, ["open_break"]);
    assert!(clinic.tasks(&maya).is_empty());
}

#[tokio::test]
async fn what_a_coach_is_asked_and_whom_she_calls_has_the_way_to_the_clients_page() {
    let (maya, jo) = (Person::maya(), Person::jo());
    let clinic = Clinic::open_with(|setup| {
        setup.amend = |text| {
            let page = "client_page = \"https://portal.example.test/clients\"";
            text.replace("[people]\n", &format!("[people]\n{page}\n"))
        };
    })
    .await;
    for person in [&maya, &jo] {
        clinic.join(person);
    }
    clinic.until("2026-11-05 10:00").await;
    clinic.writes(&maya, "On it!").await;
    clinic.until("2026-11-06 12:00").await;
    for person in [&maya, &jo] {
        let task = clinic.open_task(person).description;
        let page = format!(
            "Her page in the portal: https://portal.example.test/clients/{}",
            person.id
        );
        assert!(task.lines().any(|line| line == page), "{task}");
    }
}

/// News comes to be told with the question, and she has answered that meanwhile, where nobody told of it: her answer is
/// taken before the task is closed for one with both.
#[tokio::test]
async fn an_answer_is_read_before_its_task_is_closed_for_another() {
    let (clinic, maya) = replied().await;
    let task = clinic.open_task(&maya);
    let answered = task
        .description
        .replace("\nAnswer:\n", "\nAnswer: handled\n");
    clinic.keap(
        json!({ "act": "edit_task", "task": task.id, "changes": { "description": answered } }),
    );
    let reply = clinic.item(&maya, "reply").await;
    let engine = &clinic.world.relay.engine;
    let news = |key: &str| WorkItem {
        id: WorkItemId::new(engine.random.as_ref(), clinic.world.now()),
        dedupe_key: key.to_owned(),
        kind: "overlap".to_owned(),
        title: "Maya H.: something to know".to_owned(),
        detail: json!({}),
        actions: vec!["done".to_owned()],
        case: None,
        ..reply.clone()
    };
    let (one, other) = (news("one"), news("other"));
    let ops = vec![Op::OpenWork(one.clone()), Op::OpenWork(other)];
    clinic.store().commit(ops.into()).await.expect("stored");
    // One of the two is noted at once: the other is to come into her task now, before Keap has told of anything.
    work::settle_work(engine, one.id, "Beth", "done", None)
        .await
        .expect("noted");
    clinic.until("2026-11-05 10:20").await;
    let settled = clinic.store().work_item(reply.id).await.expect("read");
    let settled = settled.and_then(|item| item.settled).expect("settled");
    assert_eq!(
        (settled.action.as_str(), settled.by.as_str()),
        ("handled", "Beth")
    );
    assert_eq!(clinic.outreach(&maya), ["4 09:00 portal_message"]);
}

/// A word that is an answer elsewhere, in a task that is completed: it holds nothing back, and she is asked again.
#[tokio::test]
async fn a_word_that_a_task_does_not_offer_is_asked_about_at_once_and_read_once() {
    let mut nameless = Person::maya();
    nameless.first = None;
    let clinic = Clinic::with(std::slice::from_ref(&nameless)).await;
    clinic.until("2026-11-04 12:00").await;
    let first = clinic.open_task(&nameless).id;
    clinic.completes(first, Some("Answer: handled")).await;
    clinic.until("2026-11-05 09:01").await;
    let again = clinic.open_task(&nameless);
    assert_ne!(again.id, first);
    assert!(
        again.description.contains("is not one of the answers"),
        "{}",
        again.description
    );
    clinic.answer(&nameless, "Answer: leave out").await;
    assert_eq!(clinic.status(&nameless).await, "open");
}
