//! What "continue" is said to come to: nothing is promised that does not come (A1, A9, A30).

use serde_json::json;

use super::{Clinic, Person};

/// The line of "continue" in the open task.
fn promise(clinic: &Clinic, who: &Person) -> String {
    let text = clinic.open_task(who).description;
    let line = text.lines().find(|line| line.starts_with("- continue:"));
    line.unwrap_or_else(|| panic!("{text}")).to_owned()
}

async fn paused_at(moment: &str) -> (Clinic, Person) {
    let maya = Person::maya();
    let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
    clinic.keap(json!({ "act": "apply_tag", "contact": 201, "tag": "Follow-up: pause" }));
    clinic.until(moment).await;
    (clinic, maya)
}

#[tokio::test]
async fn the_first_message_goes_out_where_it_was_promised() {
    let (clinic, maya) = paused_at("2026-11-04 11:00").await;
    let said = promise(&clinic, &maya);
    let wanted = "- continue: the follow-up goes on: if this is answered in time for November 4, the first message goes \
                  out to her; after that it would not be true any more, and her coach is asked how it goes on";
    assert_eq!(said, wanted);
    clinic.answer(&maya, "Answer: continue").await;
    clinic.until("2026-11-04 12:00").await;
    assert_eq!(clinic.outreach(&maya).len(), 1);
}

#[tokio::test]
async fn a_day_later_her_coach_is_asked_as_it_was_said_and_the_fault_is_said_once() {
    let (clinic, maya) = paused_at("2026-11-05 10:00").await;
    let said = promise(&clinic, &maya);
    assert!(
        said.contains("if this is answered in time for November 4"),
        "{said}"
    );
    clinic.answer(&maya, "Answer: continue").await;
    clinic.until("2026-11-05 12:00").await;
    assert!(clinic.outreach(&maya).is_empty());
    let text = clinic.open_task(&maya).description;
    let line = text
        .lines()
        .find(|line| line.starts_with("There is no text ready"));
    let line = line.unwrap_or_else(|| panic!("{text}"));
    assert_eq!(line.matches("yesterday\"").count(), 1, "{line}");
}

#[tokio::test]
async fn asked_a_day_later_it_is_not_promised() {
    let (clinic, maya) = paused_at("2026-11-05 10:00").await;
    clinic.writes(&maya, "About my check-in").await;
    clinic.until("2026-11-05 12:00").await;
    let said = promise(&clinic, &maya);
    let wanted = "- continue: the follow-up goes on: her coach is asked how, since the first message can't be sent as \
                  written: it says \"yesterday\"";
    assert!(said.starts_with(wanted), "{said}");
}

#[tokio::test]
async fn who_is_asked_first_is_asked_before_it_goes_out() {
    let maya = Person::maya();
    let clinic = Clinic::open_with(|setup| {
        setup.amend =
            |text| format!("{text}ask_first = [\"portal_message\", \"email_follow_up\"]\n");
    })
    .await;
    clinic.join(&maya);
    clinic.until("2026-11-05 10:00").await;
    clinic.writes(&maya, "About my check-in").await;
    clinic.until("2026-11-05 11:00").await;
    let said = promise(&clinic, &maya);
    let wanted = "- continue: the follow-up goes on: her coach is asked before the follow-up email goes out to her, or \
                  is asked to call, by what she has opened";
    assert_eq!(said, wanted);
}
