//! The procedure file: mistakes, versions, round trip.

use super::*;
use proptest::prelude::*;

fn mistakes(file: &str) -> Vec<String> {
    let Mistakes(found) = MissedCheckInProcedure::parse(file, shipped).unwrap_err();
    found.into_iter().map(|one| one.key).collect()
}

#[test]
fn the_shipped_procedure_has_no_mistakes_and_sends_nothing_until_it_is_told_to() {
    let procedure = MissedCheckInProcedure::shipped().unwrap();
    assert_eq!(procedure.mode, Mode::Propose);
    assert_eq!(procedure.parameters.waits.usual_hours, 48);
    assert_eq!(procedure.parameters.tags.phone, "Follow-up: phone");
}

#[test]
fn every_mistake_is_reported_at_once_with_its_key() {
    let file = SHIPPED
        .replace("usual_hours = 48", "usual_hours = \"two days\"")
        .replace("days = 21 ", "dyas = 21 ")
        .replace("rule = \"as_keap_shows\"", "rule = \"clever\"")
        .replace("file = \"S3.txt\"", "file = \"S9.txt\"")
        .replace("\"due_yesterday\", ", "\"due_tomorrow\", ")
        .replace("mode = \"propose\"", "mode = \"go\"");
    let found = mistakes(&file);
    for key in [
        "mode",
        "window.days",
        "window.dyas",
        "waits.usual_hours",
        "channel.rule",
        "scripts.S3.file",
        "scripts.S1.asserts",
    ] {
        assert!(found.iter().any(|one| one == key), "{key} not in {found:?}");
    }
    assert_eq!(found.len(), 7, "{found:?}");
}

#[test]
fn a_variant_must_say_whether_it_is_approved_and_what_it_stands_in_for() {
    let silent = SHIPPED.replace("approved = false\n", "");
    assert_eq!(mistakes(&silent), ["scripts.S1-date-only.approved"]);
    let lost = SHIPPED.replace("variant_of = \"S1\"", "variant_of = \"S8\"");
    assert_eq!(mistakes(&lost), ["scripts.S1-date-only.variant_of"]);
}

#[test]
fn every_key_stands_beside_the_question_it_answers_or_speaks_for_itself() {
    for section in ["[waits]", "[channel]"] {
        let (_, rest) = SHIPPED.split_once(section).unwrap();
        let keys = rest.lines().skip(1).take_while(|line| !line.is_empty());
        for line in keys {
            let (_, comment) = line.split_once('#').unwrap_or_else(|| panic!("{line}"));
            assert!(comment.trim_start().starts_with('A'), "{line}");
        }
    }
}

#[test]
fn the_mode_is_not_part_of_the_version_and_a_text_is() {
    let shipped_version = MissedCheckInProcedure::shipped().unwrap();
    let acting = SHIPPED.replace("mode = \"propose\"", "mode = \"act\"");
    let acting = MissedCheckInProcedure::parse(&acting, shipped).unwrap();
    assert_eq!(acting.mode, Mode::Act);
    assert_eq!(acting.hash(), shipped_version.hash());

    let reworded = MissedCheckInProcedure::parse(SHIPPED, |file| {
        shipped(file).map(|text| text.replace("ASAP", "soon"))
    });
    assert_ne!(reworded.unwrap().hash(), shipped_version.hash());
}

#[test]
fn a_version_stored_by_other_code_is_read_and_keeps_its_name() {
    let shipped_version = MissedCheckInProcedure::shipped().unwrap();
    let mut body = shipped_version.to_body().unwrap();
    // A parameter that is dropped since, and one that was not there yet.
    body["parameters"]["waits"]["a_wait_of_another_version"] = serde_json::json!(5);
    body["scripts"]["S1"]["a_remark"] = serde_json::json!("of another version");
    let channel = body["parameters"]["channel"].as_object_mut().unwrap();
    channel.remove("machine_regular_within_secs").unwrap();
    let read = MissedCheckInProcedure::from_body(&body, Mode::Act).unwrap();
    assert_eq!(read.hash(), super::hash_of(&body));
    assert_ne!(read.hash(), shipped_version.hash());
    assert_eq!(read.parameters, shipped_version.parameters);
}

proptest! {
    #[test]
    fn a_stored_version_is_read_back_as_it_was(
        usual in 24_i64..336, near in 0_i32..60, subject in "[a-zA-Z ]{1,40}", act: bool,
    ) {
        let mut parameters = MissedCheckInProcedure::shipped().unwrap().parameters;
        parameters.waits.usual_hours = usual;
        parameters.waits.near_days = near;
        parameters.email_subject = subject;
        let scripts = MissedCheckInProcedure::shipped().unwrap().scripts;
        let mode = if act { Mode::Act } else { Mode::Propose };
        let procedure = MissedCheckInProcedure::of(mode, parameters, scripts).unwrap();
        let text = procedure.to_body().unwrap().to_string();
        let body = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(MissedCheckInProcedure::from_body(&body, mode).unwrap(), procedure);
    }
}
