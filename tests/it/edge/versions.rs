//! Two cases of one client, and a rule that changes under an open case: E66, E72.

use std::path::Path;

use clear_relay::engine::commands::repin;
use clear_relay::engine::commands::repin::Repin;
use serde_json::json;

use super::clinic::{Clinic, Person, at};

/// Maya whose email goes out late on Friday, and who then checks in.
async fn mailed_on_friday_afternoon() -> (Clinic, Person) {
    let maya = Person::maya();
    let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
    clinic.until("2026-11-06 08:00").await;
    // Nobody works until three in the afternoon.
    clinic.world.jump(at("2026-11-06 15:00"));
    clinic.settle().await;
    assert_eq!(
        clinic.outreach(&maya),
        ["4 09:00 portal_message", "6 15:00 email"]
    );
    clinic.portal(json!({ "act": "check_in", "client": "maya" }));
    clinic.until("2026-11-06 15:30").await;
    assert_eq!(clinic.closed(&maya).await, "the check-in was submitted");
    (clinic, maya)
}

#[tokio::test]
async fn e66_a_message_of_the_next_case_waits_until_the_last_one_is_a_day_old() {
    let (clinic, maya) = mailed_on_friday_afternoon().await;
    clinic.check_in_due("maya", "ci_next", "2026-11-06");
    clinic.until("2026-11-07 14:59").await;
    assert_eq!(clinic.cases(&maya).await.len(), 2, "the next case is open");
    assert_eq!(clinic.outreach(&maya).len(), 2, "she has had one today");
    clinic.until("2026-11-07 18:00").await;
    assert_eq!(
        clinic.outreach(&maya).last().map(String::as_str),
        Some("7 15:00 portal_message")
    );
}

#[tokio::test]
async fn e66_a_text_that_is_false_after_the_wait_is_held_and_never_sent_on_the_same_day() {
    let (clinic, maya) = mailed_on_friday_afternoon().await;
    clinic.check_in_due("maya", "ci_next", "2026-11-05");
    clinic.until("2026-11-08 12:00").await;
    assert_eq!(clinic.outreach(&maya).len(), 2);
    let held = clinic.item(&maya, "hold").await;
    assert!(held.detail.to_string().contains("S1"), "{}", held.detail);
}

#[tokio::test]
async fn e66_the_gap_is_a_setting() {
    let (mut clinic, maya) = mailed_on_friday_afternoon().await;
    clinic
        .world
        .reconfigure(|text| format!("{text}\n[procedures]\nhours_between_cases = 0\n"))
        .await
        .expect("a restart");
    clinic.check_in_due("maya", "ci_next", "2026-11-06");
    clinic.until("2026-11-07 12:00").await;
    assert_eq!(
        clinic.outreach(&maya).last().map(String::as_str),
        Some("7 09:00 portal_message")
    );
}

/// The shipped procedure with a shorter wait and another subject, in a folder of its own.
fn write_another_version(folder: &Path) {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("procedures");
    std::fs::create_dir_all(folder.join("scripts")).expect("a folder");
    for script in std::fs::read_dir(shipped.join("scripts")).expect("scripts") {
        let script = script.expect("a script").path();
        let name = script.file_name().expect("a name");
        std::fs::copy(&script, folder.join("scripts").join(name)).expect("copied");
    }
    let file = "missed-check-in.toml";
    let text = std::fs::read_to_string(shipped.join(file)).expect("parameters");
    let text = text
        .replace("usual_hours = 48", "usual_hours = 24")
        .replace("Your check-in was due {date}", "Due since {date}");
    std::fs::write(folder.join(file), text).expect("written");
}

/// Maya and Jo between the first message and the decision, and another version in force.
async fn between_two_versions() -> (Clinic, Person, Person, tempfile::TempDir) {
    let [maya, jo] = [Person::maya(), Person::jo()].map(|person| Person {
        due: Some("2026-11-02"),
        ..person
    });
    let mut clinic = Clinic::with(&[maya.clone(), jo.clone()]).await;
    clinic.until("2026-11-03 12:00").await;
    let folder = tempfile::tempdir().expect("a folder");
    write_another_version(folder.path());
    let path = folder.path().display().to_string();
    clinic
        .world
        .reconfigure(|text| {
            text.replace(
                "mode = \"act\"",
                &format!("mode = \"act\"\npath = {path:?}"),
            )
        })
        .await
        .expect("a restart");
    (clinic, maya, jo, folder)
}

fn keys(repin: &Repin) -> Vec<&str> {
    repin
        .differences
        .iter()
        .map(|one| one.key.as_str())
        .collect()
}

#[tokio::test]
async fn e72_a_case_keeps_its_version_until_a_person_who_saw_the_difference_moves_it() {
    let (clinic, maya, jo, _folder) = between_two_versions().await;
    let engine = &clinic.world.relay.engine;
    let (mayas, jos) = (clinic.case(&maya).await, clinic.case(&jo).await);
    assert_eq!(mayas.procedure_hash, jos.procedure_hash);

    let older = repin::older_versions(engine).await.expect("versions");
    let [older] = older.as_slice() else {
        panic!("one older version: {older:?}")
    };
    assert_eq!(older.cases.len(), 2);

    let shown = repin::repin_preview(engine, mayas.id, None)
        .await
        .expect("a preview");
    assert_eq!(keys(&shown), ["email_subject", "waits.usual_hours"]);
    assert_eq!(clinic.case(&maya).await, mayas, "looking changes nothing");

    repin::repin(engine, mayas.id, "Alex", "0123456789ab")
        .await
        .expect_err("not what she was shown");
    repin::repin(engine, mayas.id, "Alex", "")
        .await
        .expect_err("nothing named");
    repin::repin(engine, mayas.id, "Alex", &shown.to[..12])
        .await
        .expect("moved");
    let moved = clinic.case(&maya).await;
    assert_eq!(moved.procedure_hash, shown.to);
    assert_eq!(moved.wait, mayas.wait, "the wait under way stays");
    repin::repin(engine, mayas.id, "Alex", &shown.to)
        .await
        .expect_err("there already");

    clinic.until("2026-11-05 10:00").await;
    let subject = |who: &Person| {
        let mails = clinic.accepted(who).into_iter();
        let mut mails = mails.filter(|entry| entry.operation == "email");
        mails.next().map(|mail| mail.content["subject"].clone())
    };
    assert_eq!(subject(&maya), Some(json!("Due since November 2")));
    assert_eq!(
        clinic.case(&jo).await.procedure_hash,
        jos.procedure_hash,
        "nobody moved Jo"
    );
    let history = clinic.history(mayas.id).await;
    assert!(
        history.iter().any(|line| line.starts_with("Alex moved")),
        "{history:?}"
    );
    // The next wait is the new one: a day after the email, not two.
    clinic.until("2026-11-06 10:00").await;
    assert_eq!(clinic.case(&maya).await.step, "by_hand");
}

#[tokio::test]
async fn e72_two_versions_end_the_same_story_each_by_its_own_rule() {
    let (clinic, maya, jo, _folder) = between_two_versions().await;
    clinic.until("2026-11-09 12:00").await;
    assert_eq!(
        clinic.outreach(&maya),
        ["3 09:00 portal_message", "5 09:00 email"],
        "48 hours, as when her case was opened"
    );
    assert_eq!(
        clinic.outreach(&jo),
        ["3 09:00 portal_message", "5 09:00 call_task"]
    );
    let mail = clinic
        .accepted(&maya)
        .into_iter()
        .find(|entry| entry.operation == "email")
        .expect("an email");
    assert_eq!(mail.content["subject"], "Your check-in was due November 2");
}

#[tokio::test]
async fn e72_a_case_with_an_effect_under_way_or_closed_is_not_moved() {
    let (clinic, maya, jo, _folder) = between_two_versions().await;
    clinic.fault(
        "keap",
        json!({ "operation": "email", "moment": "before", "act": "hang" }),
    );
    clinic.portal(json!({ "act": "check_in", "client": "jo" }));
    clinic.until("2026-11-05 09:01").await;
    let engine = &clinic.world.relay.engine;
    let mayas = clinic.case(&maya).await;
    let error = repin::repin_preview(engine, mayas.id, None)
        .await
        .expect_err("unclear");
    assert!(error.to_string().contains("under way"), "{error}");
    let jos = clinic.case(&jo).await;
    let error = repin::repin_preview(engine, jos.id, None)
        .await
        .expect_err("closed");
    assert!(error.to_string().contains("closed"), "{error}");
}
