//! What a coach is told once a day has brought her as many new tasks as it may.

use std::sync::Arc;

use relay_http_client::emulation::Accepted;
use relay_store::JobState;
use serde_json::json;

use crate::edge::clinic::{Clinic, Person};
use crate::support::failpoints::StopAt;

const ID: [&str; 4] = ["ada", "bea", "cora", "dora"];
const FIRST: [&str; 4] = ["Ada", "Bea", "Cora", "Dora"];

/// Four clients of one coach: all of them come to what is done by hand on Monday at nine.
fn four() -> Vec<Person> {
    let person = |number: usize| Person {
        id: ID[number],
        first: Some(FIRST[number]),
        contact: 300 + u64::try_from(number).expect("a small number"),
        ..Person::maya()
    };
    (0..4).map(person).collect()
}

async fn at_most_one_a_day(amend: fn(&str) -> String) -> (Clinic, Vec<Person>) {
    let clinic = Clinic::open_with(|setup| setup.amend = amend).await;
    let four = four();
    for person in &four {
        clinic.join(person);
    }
    (clinic, four)
}

fn one(text: &str) -> String {
    text.replace("coach_tasks_a_day = 100", "coach_tasks_a_day = 1")
}

/// What was made or closed about nobody, with its time.
fn summaries(clinic: &Clinic) -> Vec<(String, Accepted)> {
    let all = clinic.world.vendors.accepted().into_iter();
    let of_nobody = all.filter(|entry| entry.who.is_empty() && entry.operation.ends_with("_task"));
    let zone = clinic.world.zone();
    of_nobody
        .map(|entry| {
            let local = zone.to_datetime(entry.at);
            let when = format!("{} {}", local.strftime("%-d %H:%M"), entry.operation);
            (when, entry)
        })
        .collect()
}

fn times(clinic: &Clinic) -> Vec<String> {
    summaries(clinic)
        .into_iter()
        .map(|(when, _)| when)
        .collect()
}

fn tasks(clinic: &Clinic, people: &[Person]) -> usize {
    let of = |person: &Person| {
        let mut tasks = clinic.tasks(person);
        tasks.retain(|task| !task.title.contains("CALL"));
        tasks.len()
    };
    people.iter().map(of).sum()
}

#[tokio::test]
async fn one_task_says_what_else_waits_until_when_and_is_gone_the_next_morning() {
    let (clinic, four) = at_most_one_a_day(one).await;
    clinic.until("2026-11-09 09:29").await;
    assert_eq!((tasks(&clinic, &four), times(&clinic)), (1, vec![]));
    clinic.until("2026-11-09 12:00").await;
    assert_eq!(times(&clinic), ["9 09:30 work_task"]);
    let told = summaries(&clinic).remove(0).1.content;
    assert_eq!(told["user_id"], "11");
    assert_eq!(
        told["title"],
        "3 more things wait for you until Tuesday, November 10"
    );
    let text = told["description"].as_str().expect("a text");
    let mut lines: Vec<&str> = text.lines().collect();
    assert!(
        lines
            .pop()
            .expect("a marker")
            .starts_with("Clear Relay, ref. ")
    );
    // Whichever of the four came first has a task.
    let waiting: Vec<&&str> = lines.iter().filter(|line| line.starts_with("- ")).collect();
    assert_eq!(waiting.len(), 3);
    for person in &four {
        let name = person.first.expect("a name");
        let line = format!(
            "- {name} H.: continue by hand with a text and an email (check-in due November 3)"
        );
        let has_a_task = tasks(&clinic, std::slice::from_ref(person)) == 1;
        assert_eq!(!has_a_task, waiting.contains(&&line.as_str()), "{text}");
    }
    let others: Vec<&&str> = lines
        .iter()
        .filter(|line| !line.starts_with("- "))
        .collect();
    assert_eq!(
        others,
        [
            &"You get at most 1 new task a day, and more than that came up today. At 9:30 this waits:",
            &"",
            &"It comes in tasks of its own from Tuesday, November 10 on, at most 1 a day. What waits too long goes to \
              the Program Manager. What a client writes to you comes at once.",
            &"If you want to see it today: your admin finds all of it with `clear-relay work list`.",
            &"",
            &"Nothing is asked here, and an answer written here is not read. Complete this task once you have taken \
              note.",
            &"",
        ]
    );
    clinic.until("2026-11-10 12:00").await;
    assert_eq!(tasks(&clinic, &four), 2);
    let days = [
        "9 09:30 work_task",
        "10 09:00 close_task",
        "10 09:30 work_task",
    ];
    assert_eq!(times(&clinic), days);
    let title = summaries(&clinic).remove(2).1.content["title"].clone();
    assert_eq!(
        title,
        "2 more things wait for you until Wednesday, November 11"
    );
    clinic.until("2026-11-13 12:00").await;
    // What was never hers by Wednesday has been handed up.
    assert_eq!(tasks(&clinic, &four), 3);
    let items = clinic.work().await;
    assert!(items.iter().all(|item| item.owner == "program_manager"));
    let closed = times(&clinic)
        .into_iter()
        .filter(|when| when.ends_with("close_task"));
    assert_eq!(
        closed.count() * 2,
        times(&clinic).len(),
        "each told once and closed once"
    );
    assert!(clinic.jobs(JobState::Dead).await.is_empty());
}

#[tokio::test]
async fn nothing_that_is_written_in_it_is_an_answer_and_a_ticked_one_is_left_alone() {
    let (clinic, four) = at_most_one_a_day(one).await;
    clinic.until("2026-11-09 09:31").await;
    let before = clinic.work().await;
    let task = clinic
        .world
        .vendors
        .accepted()
        .into_iter()
        .filter(|entry| entry.operation == "work_task")
        .count();
    assert_eq!(task, 2);
    let newest = newest_task(&clinic).await;
    clinic.completes(newest, Some("Answer: no contact")).await;
    let after = clinic.work().await;
    let ids =
        |items: &[relay_store::WorkItem]| items.iter().map(|item| item.id).collect::<Vec<_>>();
    assert_eq!(ids(&before), ids(&after));
    for person in &four {
        assert_eq!(clinic.status(person).await, "open");
    }
    clinic.until("2026-11-09 18:00").await;
    clinic.until("2026-11-10 09:10").await;
    assert_eq!(times(&clinic), ["9 09:30 work_task"], "hers to complete");
    assert!(clinic.jobs(JobState::Dead).await.is_empty());
}

/// The id of the task that was made last, as the relay knows it.
async fn newest_task(clinic: &Clinic) -> u64 {
    let day = "2026-11-09".parse().expect("a date");
    let about = relay_core::effects::About::new("coach_beth", day);
    let planned = relay_core::effects::PlannedEffect {
        key: relay_core::ids::EffectKey(String::new()),
        scope: relay_core::effects::Scope::Installation,
        blocking: false,
        not_before: clinic.world.now(),
        input: relay_core::effects::EffectInput::WorkTask {
            of: None,
            items: Vec::new(),
            coach: "coach_beth".into(),
            again: None,
            about,
        },
    };
    let identity = planned.identity().expect("one");
    let made = clinic.store().effects_of_identity(&identity).await;
    let made = made.expect("a store");
    let done = made.iter().find_map(|effect| match &effect.settled {
        Some(relay_core::effects::Settled::Done { vendor_ref, .. }) => vendor_ref.clone(),
        _ => None,
    });
    done.expect("made").parse().expect("a number")
}

#[tokio::test]
async fn where_nothing_waits_any_more_it_is_left_out_and_told_when_something_does() {
    let (clinic, four) = at_most_one_a_day(one).await;
    clinic.until("2026-11-09 09:10").await;
    for person in &four {
        if tasks(&clinic, std::slice::from_ref(person)) == 0 {
            let check_in = format!("ci_{}", person.id);
            clinic.portal(json!({ "act": "check_in", "client": person.id, "check_in": check_in }));
        }
    }
    clinic.until("2026-11-09 11:00").await;
    assert_eq!(times(&clinic), Vec::<String>::new());
    // Later that day something does.
    let late = Person {
        id: "eve",
        first: None,
        contact: 310,
        due: Some("2026-11-08"),
        ..Person::maya()
    };
    clinic.join(&late);
    clinic.until("2026-11-09 11:29").await;
    assert_eq!(clinic.work_kinds(&late).await.len(), 1);
    clinic.until("2026-11-09 12:00").await;
    assert_eq!(times(&clinic).len(), 1, "{:?}", times(&clinic));
    let title = summaries(&clinic).remove(0).1.content["title"].clone();
    assert_eq!(
        title,
        "One more thing waits for you until Tuesday, November 10"
    );
}

#[tokio::test]
async fn an_answer_that_is_lost_and_a_crash_at_any_place_make_no_second_one() {
    let (clinic, _) = at_most_one_a_day(one).await;
    clinic.until("2026-11-09 09:29").await;
    clinic.fault(
        "keap",
        json!({ "operation": "work_task", "moment": "after", "act": "hang", "times": 1 }),
    );
    clinic.until("2026-11-09 12:00").await;
    assert_eq!(times(&clinic), ["9 09:30 work_task"]);
    for place in [
        "effect.intent.before",
        "effect.intent.after",
        "effect.attempt.before",
        "effect.attempt.after",
        "effect.settle.before",
        "effect.settle.after",
    ] {
        let (mut clinic, _) = at_most_one_a_day(one).await;
        clinic.until("2026-11-09 09:29").await;
        let stop = Arc::new(StopAt::name(place));
        let listening = Arc::clone(&stop);
        clinic
            .world
            .restart_with(listening)
            .await
            .expect("a restart");
        tokio::select! {
            () = clinic.until("2026-11-09 09:40") => panic!("{place} was not passed"),
            () = stop.stopped() => {}
        }
        clinic.world.restart().await.expect("a restart");
        clinic.until("2026-11-09 12:00").await;
        assert_eq!(times(&clinic).len(), 1, "{place}: {:?}", times(&clinic));
    }
}

#[tokio::test]
async fn nothing_is_told_while_the_procedure_only_proposes() {
    let (clinic, _) =
        at_most_one_a_day(|text| one(text).replace("mode = \"act\"", "mode = \"propose\"")).await;
    clinic.until("2026-11-10 12:00").await;
    assert_eq!(times(&clinic), Vec::<String>::new());
    assert!(clinic.jobs(JobState::Dead).await.is_empty());
    assert!(clinic.jobs(JobState::Parked).await.is_empty());
}

#[tokio::test]
async fn a_coach_without_a_user_and_an_outage_of_the_day_open_no_item_about_it() {
    let (clinic, _) = at_most_one_a_day(one).await;
    clinic.until("2026-11-09 09:10").await;
    let kinds = |items: Vec<relay_store::WorkItem>| {
        let mut kinds: Vec<_> = items.into_iter().map(|item| item.kind).collect();
        kinds.sort();
        kinds
    };
    let before = kinds(clinic.work().await);
    clinic.fault(
        "keap",
        json!({ "operation": "work_task", "moment": "before", "act": "status", "code": 400,
                "times": 500 }),
    );
    clinic.until("2026-11-09 17:30").await;
    assert_eq!(kinds(clinic.work().await), before);
    assert_eq!(times(&clinic), Vec::<String>::new());
}
