//! The CRM fails while somebody is asked, or has just answered.

use serde_json::json;

use super::replied;
use crate::edge::clinic::{Clinic, Person};

fn keap_fails(clinic: &Clinic) {
    let all = json!({ "operation": "*", "moment": "before", "act": "refuse", "times": 100_000 });
    clinic.fault("keap", all);
}

fn keap_answers(clinic: &Clinic) {
    clinic
        .world
        .vendors
        .faults("keap")
        .expect("a vendor")
        .clear();
}

#[tokio::test]
async fn a_stop_that_keap_told_of_right_before_its_outage_is_not_lost() {
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
        keap_fails(&clinic);
        clinic.until(back).await;
        keap_answers(&clinic);
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
async fn no_task_hands_out_yesterday_on_another_day() {
    let maya = Person::maya();
    let clinic = Clinic::open_with(|setup| {
        setup.amend = |text| format!("{text}ask_first = [\"portal_message\"]\n");
    })
    .await;
    clinic.join(&maya);
    clinic.until("2026-11-04 08:00").await;
    keap_fails(&clinic);
    clinic.until("2026-11-04 18:00").await;
    keap_answers(&clinic);
    clinic.until("2026-11-05 12:00").await;
    let task = clinic.open_task(&maya);
    assert!(
        !task.description.contains("Your check in was due yesterday"),
        "made {:?} (17:00 UTC is 10:00 in Denver)\n{}",
        task.made,
        task.description
    );
}

#[tokio::test]
async fn a_task_whose_question_ended_in_an_outage_is_closed_after_it() {
    let mut left = Vec::new();
    for back in ["2026-11-05 22:00", "2026-11-06 11:00", "2026-11-06 20:00"] {
        let (clinic, maya) = replied().await;
        clinic.hooks_arrive().await;
        keap_fails(&clinic);
        clinic.portal(json!({ "act": "check_in", "client": "maya", "check_in": "ci_maya" }));
        clinic.until(back).await;
        keap_answers(&clinic);
        clinic.until("2026-11-12 12:00").await;
        let open: Vec<_> = clinic
            .tasks(&maya)
            .into_iter()
            .filter(|t| !t.completed)
            .map(|t| t.title)
            .collect();
        // A note that was given up is told, and may be written again.
        let work: Vec<_> = clinic
            .work()
            .await
            .into_iter()
            .filter(|item| !item.title.contains("note"))
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
async fn a_further_question_in_an_outage() {
    let mut left = Vec::new();
    for back in ["2026-11-06 11:00", "2026-11-06 20:00"] {
        let (clinic, maya) = replied().await;
        clinic.hooks_arrive().await;
        keap_fails(&clinic);
        clinic.writes(&maya, "again").await;
        clinic.until(back).await;
        keap_answers(&clinic);
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
