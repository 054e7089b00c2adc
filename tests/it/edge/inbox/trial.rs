//! What a week of a coach's, and a day of a manager's, brought to light.

use serde_json::json;

use super::{by_hand, replied};
use crate::edge::clinic::{Clinic, Person};

async fn calling() -> (Clinic, Person) {
    let jo = Person::jo();
    let clinic = Clinic::with(std::slice::from_ref(&jo)).await;
    clinic.until("2026-11-06 11:00").await;
    (clinic, jo)
}

fn told(text: &str) -> String {
    let line = "[people]\nprogram_manager = \"Alex\"\nprogram_manager_user = \"alex@clinic.example.test\"\n";
    text.replace("[people]\n", line)
}

#[tokio::test]
async fn z01_a_stop_in_a_call_task_counts_after_the_follow_up_has_ended() {
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
async fn z02_what_stands_below_the_line_of_a_call_is_read() {
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
async fn z03_replied_beside_an_outcome_is_not_lost() {
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
async fn z04_a_tick_beside_words_that_nobody_understands_is_no_answer() {
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
async fn z05_a_stop_in_a_remark_is_not_lost() {
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
async fn z06_a_call_task_that_is_deleted_is_asked_again() {
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
async fn z09_a_tag_counts_where_the_guard_reads_keap_for_her_task() {
    let maya = Person::maya();
    let clinic = Clinic::open_with(|setup| {
        setup.amend = |text| format!("{text}ask_first = [\"portal_message\"]\n")
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

async fn with_manager(address: &'static str, person: &Person) -> Clinic {
    let clinic = if address.starts_with("beth") {
        Clinic::open_with(|setup| setup.amend = |text| text.replace("[people]\n",
            "[people]\nprogram_manager = \"Beth\"\nprogram_manager_user = \"beth@clinic.example.test\"\n")).await
    } else {
        Clinic::open_with(|setup| setup.amend = told).await
    };
    if !address.starts_with("beth") {
        clinic.keap(json!({ "act": "add_user", "id": 13, "email": address, "given_name": "Alex" }));
    }
    clinic.join(person);
    clinic
}

#[tokio::test]
async fn z10_the_manager_can_say_what_came_of_the_call() {
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
async fn z11_no_key_in_what_the_manager_reads() {
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
async fn z12_a_manager_who_is_the_coach_has_one_task() {
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
async fn z14_a_word_that_is_understood_is_not_said_to_be_not_understood() {
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
async fn z17_a_tick_on_a_first_message_is_asked_again_while_it_can_still_go() {
    let maya = Person::maya();
    let clinic = Clinic::open_with(|setup| {
        setup.amend = |text| format!("{text}ask_first = [\"portal_message\"]\n")
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
async fn z18_the_manager_is_told_since_when_her_coach_was_asked() {
    let maya = Person::maya();
    let clinic = with_manager("alex@clinic.example.test", &maya).await;
    clinic.until("2026-11-07 11:00").await;
    clinic.writes(&maya, "About my check-in").await;
    clinic.until("2026-11-09 09:05").await;
    let beths = clinic
        .tasks(&maya)
        .into_iter()
        .find(|t| t.owner == "Beth")
        .expect("hers");
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
async fn z19_what_the_manager_lifted_is_not_said_any_more() {
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
async fn z21_the_manager_says_handled() {
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
    clinic.completes(hers.id, Some("Answer: handled")).await;
    clinic.until("2026-11-11 10:00").await;
    let open: Vec<_> = clinic
        .tasks(&maya)
        .into_iter()
        .filter(|t| !t.completed)
        .map(|t| (t.owner, t.title))
        .collect();
    assert!(open.iter().any(|(o, _)| o == "Alex"), "{open:#?}");
}

#[tokio::test]
async fn z25_replied_in_a_hold_keeps_the_email_back() {
    let maya = Person::maya();
    let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
    clinic.until("2026-11-05 12:00").await;
    clinic.portal(json!({ "act": "coach_writes", "client": "maya", "text": "hi" }));
    clinic.until("2026-11-06 09:30").await;
    let t = clinic.open_task(&maya);
    let written = t.description.replace("\nAnswer:\n", "\nAnswer: replied\n");
    clinic.edits(t.id, &written).await;
    clinic.done(&maya, "hold", "send_anyway", None).await;
    clinic.until("2026-11-06 17:00").await;
    assert!(
        !clinic.outreach(&maya).iter().any(|o| o.contains("email")),
        "an email went out although her open task says that she has replied: {:?}",
        clinic.outreach(&maya)
    );
}

#[tokio::test]
async fn z30_a_stop_that_keap_told_of_right_before_its_outage_is_not_lost() {
    let mut lost = Vec::new();
    for back in [
        "2026-11-05 14:00",
        "2026-11-05 22:00",
        "2026-11-06 11:00",
        "2026-11-06 20:00",
    ] {
        let (clinic, maya) = replied().await;
        clinic.answer(&maya, "Answer: wait until Nov 8").await;
        let t = clinic.tasks(&maya).pop().expect("a task");
        clinic.keap(json!({ "act": "edit_task", "task": t.id,
            "changes": { "description": t.description.replace("Answer: wait until Nov 8", "Answer: no contact") } }));
        clinic.fault(
            "keap",
            json!({ "operation": "*", "moment": "before", "act": "refuse", "times": 100000 }),
        );
        clinic.until(back).await;
        clinic
            .world
            .vendors
            .faults("keap")
            .expect("a vendor")
            .clear();
        clinic.until("2026-11-12 12:00").await;
        let out = clinic.outreach(&maya);
        if out.len() > 1 {
            let work: Vec<_> = clinic
                .work()
                .await
                .into_iter()
                .map(|i| format!("[{}] {}: {}", i.owner, i.kind, i.title))
                .collect();
            lost.push(format!("back {back}: {out:?} {work:?}"));
        }
    }
    assert!(lost.is_empty(), "{lost:#?}");
}

#[tokio::test]
async fn z31_no_task_hands_out_yesterday_on_another_day() {
    let maya = Person::maya();
    let clinic = Clinic::open_with(|setup| {
        setup.amend = |text| format!("{text}ask_first = [\"portal_message\"]\n")
    })
    .await;
    clinic.join(&maya);
    clinic.until("2026-11-04 08:00").await;
    clinic.fault(
        "keap",
        json!({ "operation": "*", "moment": "before", "act": "refuse", "times": 100000 }),
    );
    clinic.until("2026-11-04 18:00").await;
    clinic
        .world
        .vendors
        .faults("keap")
        .expect("a vendor")
        .clear();
    clinic.until("2026-11-05 12:00").await;
    let task = clinic.open_task(&maya);
    assert!(
        !task.description.contains("due yesterday"),
        "made {:?} (17:00 UTC is 10:00 in Denver)\n{}",
        task.made,
        task.description
    );
}

#[tokio::test]
async fn z33_what_reaches_no_coach_reaches_the_manager() {
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
async fn z35_a_task_whose_question_ended_in_an_outage_is_closed_after_it() {
    let mut left = Vec::new();
    for back in ["2026-11-05 22:00", "2026-11-06 11:00", "2026-11-06 20:00"] {
        let (clinic, maya) = replied().await;
        clinic.hooks_arrive().await;
        clinic.fault(
            "keap",
            json!({ "operation": "*", "moment": "before", "act": "refuse", "times": 100000 }),
        );
        clinic.portal(json!({ "act": "check_in", "client": "maya", "check_in": "ci_maya" }));
        clinic.until(back).await;
        clinic
            .world
            .vendors
            .faults("keap")
            .expect("a vendor")
            .clear();
        clinic.until("2026-11-12 12:00").await;
        let open: Vec<_> = clinic
            .tasks(&maya)
            .into_iter()
            .filter(|t| !t.completed)
            .map(|t| t.title)
            .collect();
        let work: Vec<_> = clinic
            .work()
            .await
            .into_iter()
            .map(|i| format!("[{}] {}: {}", i.owner, i.kind, i.title))
            .collect();
        if !open.is_empty() || !work.is_empty() {
            left.push(format!(
                "back {back}: open {open:?} work {work:?} {}",
                clinic.status(&maya).await
            ));
        }
    }
    assert!(left.is_empty(), "{left:#?}");
}

#[tokio::test]
async fn z36_a_further_question_in_an_outage() {
    let mut left = Vec::new();
    for back in ["2026-11-06 11:00", "2026-11-06 20:00"] {
        let (clinic, maya) = replied().await;
        clinic.hooks_arrive().await;
        clinic.fault(
            "keap",
            json!({ "operation": "*", "moment": "before", "act": "refuse", "times": 100000 }),
        );
        clinic.writes(&maya, "again").await;
        clinic.until(back).await;
        clinic
            .world
            .vendors
            .faults("keap")
            .expect("a vendor")
            .clear();
        clinic.until("2026-11-12 12:00").await;
        let open: Vec<_> = clinic
            .tasks(&maya)
            .into_iter()
            .filter(|t| !t.completed)
            .map(|t| t.title)
            .collect();
        let work: Vec<_> = clinic
            .work()
            .await
            .into_iter()
            .map(|i| format!("[{}] {}: {}", i.owner, i.kind, i.title))
            .collect();
        left.push(format!("back {back}: open {open:?} work {work:?}"));
    }
    assert!(!left.iter().any(|l| l.contains("dead_job")), "{left:#?}");
}

#[tokio::test]
async fn z37_nobody_is_said_not_to_have_answered_what_she_was_not_asked() {
    let people =
        [("ann", 301u64), ("bea", 302), ("cat", 303), ("dot", 304)].map(|(id, contact)| Person {
            id,
            contact,
            first: None,
            ..Person::maya()
        });
    let clinic = Clinic::open_with(|setup| {
        setup.amend = |text| told(&text.replace("coach_tasks_a_day = 100", "coach_tasks_a_day = 1"))
    })
    .await;
    clinic.keap(json!({ "act": "add_user", "id": 13, "email": "alex@clinic.example.test", "given_name": "Alex" }));
    for person in &people {
        clinic.join(person);
    }
    clinic.until("2026-11-06 12:00").await;
    let mut blamed = Vec::new();
    for person in &people {
        let tasks = clinic.tasks(person);
        let beths: Vec<_> = tasks
            .iter()
            .filter(|t| t.owner == "Beth")
            .map(|t| t.made)
            .collect();
        for t in tasks.iter().filter(|t| t.owner == "Alex") {
            blamed.push(format!(
                "{}: {} | Beth's tasks about her were made {beths:?}",
                person.id,
                t.description.lines().next().unwrap_or_default()
            ));
        }
    }
    assert!(
        blamed.iter().all(|b| b.contains("2026-11-04")),
        "{blamed:#?}"
    );
}
