//! What a coach reads where she continues by hand: E13, E14, E15, A9.

use serde_json::json;

use super::{Clinic, Person};

/// Jo's call has had this outcome, and it is Monday the 9th.
async fn after_call(outcome: &str) -> (Clinic, Person) {
    let jo = Person::jo();
    let clinic = Clinic::with(std::slice::from_ref(&jo)).await;
    clinic.until("2026-11-06 11:00").await;
    clinic.answer(&jo, &format!("Outcome: {outcome}")).await;
    clinic.until("2026-11-09 09:30").await;
    (clinic, jo)
}

#[tokio::test]
async fn who_has_a_wrong_number_is_not_texted_there() {
    let (clinic, jo) = after_call("wrong number").await;
    let task = clinic.open_task(&jo);
    assert!(
        task.title.contains("continue by hand with an email alone"),
        "{}",
        task.title
    );
    let text = task.description;
    let why = "Note: the number on file is wrong, so send her the email alone.";
    assert!(text.contains(why), "{text}");
    assert!(
        !text.contains("Number:") && !text.contains("She has had: a call"),
        "{text}"
    );
    // Nor is whoever is asked next.
    clinic.answer(&jo, "Answer: done").await;
    clinic.until("2026-11-12 09:30").await;
    let text = clinic.open_task(&jo).description;
    assert!(!text.contains("Number:"), "{text}");
}

#[tokio::test]
async fn who_did_not_answer_is_texted() {
    let (clinic, jo) = after_call("no answer").await;
    let task = clinic.open_task(&jo);
    assert!(
        task.title.contains("with a text and an email"),
        "{}",
        task.title
    );
    let text = task.description;
    assert!(text.contains("Number: 303-555-0102"), "{text}");
    assert!(
        text.contains("She has had: a call that she did not answer"),
        "{text}"
    );
}

/// What Keap was told of, beside what the tests above look at.
fn tasks_of(clinic: &Clinic) -> Vec<String> {
    let all = clinic.world.vendors.accepted().into_iter();
    let tasks = all.filter(|entry| entry.operation == "work_task");
    let text = |entry: relay_http_client::emulation::Accepted| entry.content["description"].clone();
    tasks
        .filter_map(|entry| text(entry).as_str().map(str::to_owned))
        .collect()
}

#[tokio::test]
async fn whose_contact_is_gone_reads_no_command() {
    let maya = Person::maya();
    let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
    clinic.until("2026-11-05 12:00").await;
    clinic.keap(json!({ "act": "delete_contact", "contact": 201 }));
    clinic.until("2026-11-06 12:00").await;
    let tasks = tasks_of(&clinic);
    let remedy = "What to do: restore it, and her follow-up goes on by itself; if she has another contact, tell your \
                  admin.";
    assert!(tasks.iter().any(|text| text.contains(remedy)), "{tasks:#?}");
    assert!(
        !tasks.iter().any(|text| text.contains("clients link")),
        "{tasks:#?}"
    );
    let command = clinic.item(&maya, "hold").await.detail["command"].clone();
    let command = command.as_str().expect("for the admin");
    assert!(command.contains("clients link CLIENT CONTACT"), "{command}");
}

#[tokio::test]
async fn a_call_is_told_as_a_colleague_would() {
    let jo = Person::jo();
    let clinic = Clinic::open().await;
    clinic.keap(
        json!({ "act": "add_contact", "id": jo.contact, "given_name": jo.first,
            "family_name": "Hayes", "email": jo.email(), "email_status": "SINGLE_OPT_IN",
            "phone": jo.phone }),
    );
    clinic.portal(
        json!({ "act": "add_client", "id": jo.id, "first_name": jo.first, "last_name": "Hayes",
            "status": "online", "coach": jo.coach, "email": jo.email(),
            "last_regimen_change": jo.regimen, "keap_contact_id": jo.contact.to_string(),
            "time_zone": "Pacific/Honolulu" }),
    );
    clinic.check_in_due(jo.id, "ci_jo", "2026-11-03");
    clinic.until("2026-11-06 15:00").await;
    let call = clinic.open_task(&jo);
    let line = "Where she lives (Honolulu) it was Thursday, 9:00 when this task was made.";
    assert!(call.description.contains(line), "{}", call.description);
    clinic.answer(&jo, "Outcome: spoke").await;
    let text = clinic.open_task(&jo).description;
    assert!(
        text.contains("She has had: a call, and you spoke, November 6, "),
        "{text}"
    );
    assert!(
        text.contains("Where she lives (Honolulu) it was "),
        "{text}"
    );
}

#[tokio::test]
async fn where_no_text_is_true_she_writes_in_her_own_words() {
    let maya = Person::maya();
    let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
    clinic.until("2026-11-09 09:30").await;
    let text = clinic.open_task(&maya).description;
    let line = text
        .lines()
        .find(|line| line.starts_with("There is no text ready"));
    let line = line.unwrap_or_else(|| panic!("{text}"));
    let remedy = "Write to her in your own words, and leave out what is not so.";
    assert!(line.ends_with(remedy), "{line}");
}

#[tokio::test]
async fn who_has_no_number_is_not_to_be_texted() {
    let nan = Person {
        phone: None,
        ..Person::maya()
    };
    let clinic = Clinic::with(std::slice::from_ref(&nan)).await;
    clinic.until("2026-11-09 09:30").await;
    let task = clinic.open_task(&nan);
    assert!(
        task.title.contains("continue by hand with an email alone"),
        "{}",
        task.title
    );
    let why = "Note: no number is on file, so send her the email alone.";
    assert!(task.description.contains(why), "{}", task.description);
}

#[tokio::test]
async fn whom_neither_text_nor_email_reaches_is_written_to_in_the_portal() {
    let jo = Person::jo();
    let clinic = Clinic::with(std::slice::from_ref(&jo)).await;
    clinic.keap(
        json!({ "act": "set_address_status", "email": "jo@example.test",
        "status": "HARD_BOUNCE" }),
    );
    clinic.until("2026-11-06 11:00").await;
    clinic.answer(&jo, "Outcome: wrong number").await;
    clinic.until("2026-11-09 09:30").await;
    let task = clinic.open_task(&jo);
    assert!(
        task.title.contains("continue by hand in the portal alone"),
        "{}",
        task.title
    );
    let why = "Note: neither a text nor an email can reach her (the number on file is wrong; her address bounced), so \
               write to her in the portal.";
    assert!(task.description.contains(why), "{}", task.description);
}
