//! The texts against the documents, and what rendering may and may not do to them.

use super::*;
use crate::outside;
use crate::procedure::MissedCheckInProcedure;
use crate::time::Date;

const DOCUMENT: &str = include_str!("../../../fixtures/sop/missed-check-in.txt");

/// Each of the document's scripts: what stands right before it on its line.
const PLACES: [(&str, &str); 5] = [
    ("S1", "message your client in the CC messages. "),
    ("S2", "Script for follow up email: "),
    ("S3", "- Script for follow up phone call: "),
    ("S4", "Script for follow up text/gmail message: "),
    ("S5", "Script: "),
];

fn values() -> Values {
    Values {
        records: crate::clients::Records::Portal,
        client_name: Some("Maya".into()),
        coach_name: Some("Dana Reed".into()),
        coach_unknown: false,
        due: Some(Date::constant(2026, 11, 3)),
    }
}

fn procedure() -> MissedCheckInProcedure {
    MissedCheckInProcedure::shipped().unwrap()
}

#[test]
fn each_script_is_the_documents_text_to_the_character() {
    for (id, before) in PLACES {
        let line = DOCUMENT
            .lines()
            .find(|line| line.starts_with(before) || (id == "S1" && line.contains(before)))
            .unwrap_or_else(|| panic!("{id} is not in the document"));
        let (_, in_document) = line.split_once(before).unwrap();
        let ours = shipped(&format!("{id}.txt")).unwrap();
        assert_eq!(ours.strip_suffix('\n').unwrap(), in_document, "{id}");
        assert_eq!(procedure().scripts.get(id).unwrap().text, in_document);
    }
}

#[test]
fn the_first_message_goes_out_without_the_documents_quotation_marks() {
    let script = &procedure().scripts.0["S1"];
    assert_eq!(
        script.render("S1", &values()).unwrap().text,
        "Hi Maya! Your check in was due yesterday, November 3. Please submit your check-in ASAP, \
         and I will get your regimen changes to you. Thanks, and have a great day!"
    );
}

#[test]
fn the_email_keeps_its_inner_marks_and_loses_only_the_outer_ones() {
    let text = procedure().scripts.0["S2"]
        .render("S2", &values())
        .unwrap()
        .text;
    assert!(text.starts_with("Hi, I just wanted to see"), "{text}");
    assert!(text.ends_with("check-in ASAP :)"), "{text}");
    assert!(text.contains("It was due, November 3. It’s important"));
}

#[test]
fn the_call_script_keeps_the_documents_spelling() {
    let text = procedure().scripts.0["S3"]
        .render("S3", &values())
        .unwrap()
        .text;
    assert!(
        text.starts_with("Hi Maya, this is Dana Reed. How"),
        "{text}"
    );
    assert!(text.contains("recievng"));
    assert!(text.ends_with("behind in the program"));
}

#[test]
fn no_rendered_script_has_a_placeholder_left() {
    for (id, script) in &procedure().scripts.0 {
        let rendered = script.render(id, &values()).unwrap();
        for mark in ["____", "NAME", "DATE", "(date)", "“", "\""] {
            assert!(!rendered.text.contains(mark), "{id}: {mark}");
        }
        assert_eq!(rendered.chars, rendered.text.chars().count());
    }
}

#[test]
fn each_script_has_the_gaps_that_the_document_gives_it() {
    use Placeholder::{ClientName, CoachName, DueDate};
    let expected = [
        ("S1", vec![ClientName, DueDate]),
        ("S2", vec![DueDate]),
        ("S3", vec![ClientName, CoachName, DueDate]),
        ("S4", vec![ClientName, CoachName, DueDate]),
        ("S5", vec![ClientName]),
    ];
    for (id, gaps) in expected {
        let found = procedure().scripts.0[id].placeholders().unwrap();
        assert_eq!(found.into_iter().collect::<Vec<_>>(), gaps, "{id}");
    }
}

#[test]
fn e22_a_name_that_is_missing_or_prints_as_null_is_an_error_that_names_it() {
    let procedure = procedure();
    for name in [
        None,
        Some(""),
        Some("  "),
        Some("null"),
        Some("N/A"),
        Some("123"),
    ] {
        let values = Values {
            client_name: name.map(str::to_owned),
            ..values()
        };
        let error = procedure.scripts.0["S1"].render("S1", &values).unwrap_err();
        assert!(error.to_string().contains("first name"), "{error}");
    }
}

#[test]
fn e23_a_value_is_inserted_as_plain_text_and_never_read_as_a_placeholder() {
    let values = Values {
        client_name: Some("YOUR NAME <b>\u{202E}Zoë\u{0007}\n 🌸".into()),
        ..values()
    };
    let rendered = procedure().scripts.0["S1"].render("S1", &values).unwrap();
    assert!(
        rendered
            .text
            .starts_with("Hi YOUR NAME <b>Zoë 🌸! Your check in"),
        "{}",
        rendered.text
    );
    assert_eq!(rendered.chars, rendered.text.chars().count());
}

#[test]
fn e23_a_right_to_left_name_is_isolated_from_the_sentence() {
    assert_eq!(
        outside::name(Some("\u{202E}דנה")).as_deref(),
        Ok("\u{2068}דנה\u{2069}")
    );
}

#[test]
fn e22_nan_is_a_given_name_and_not_a_number_is_none() {
    assert_eq!(outside::name(Some("Nan")).as_deref(), Ok("Nan"));
    assert!(outside::name(Some("NaN")).is_err());
    assert!(outside::name(Some("nan")).is_err());
}

#[test]
fn e24_a_date_is_written_with_the_month_as_a_word() {
    assert_eq!(date_words(Date::constant(2026, 3, 11)), "March 11");
    assert_eq!(date_words(Date::constant(2026, 11, 3)), "November 3");
}

#[test]
fn a_text_with_a_gap_that_nobody_fills_is_refused() {
    for text in [
        "Hi (name)!",
        "Hi {name}!",
        "Hi ___!",
        "Due on DATE",
        "Hi <you>!",
    ] {
        let script = Script {
            text: text.into(),
            asserts: BTreeSet::new(),
            variant_of: None,
            approved: true,
        };
        assert!(script.placeholders().is_err(), "{text}");
    }
}

#[test]
fn a_false_claim_takes_an_approved_variant_and_only_an_approved_one() {
    let mut scripts = procedure().scripts;
    let late = Truth::from([Assertion::NoCheckIn]);
    let error = scripts.choose("S1", &late).unwrap_err();
    assert!(error.to_string().contains("yesterday"), "{error}");
    assert!(
        error.to_string().contains("another wording waits"),
        "{error}"
    );

    scripts.0.get_mut("S1-date-only").unwrap().approved = true;
    assert_eq!(scripts.choose("S1", &late).unwrap().0, "S1-date-only");

    let on_time = Truth::from([Assertion::NoCheckIn, Assertion::DueYesterday]);
    assert_eq!(scripts.choose("S1", &on_time).unwrap().0, "S1");
}

#[test]
fn assertion_names_are_read_back() {
    for assertion in Assertion::ALL {
        assert_eq!(Assertion::from_name(assertion.as_str()), Some(assertion));
        let json = serde_json::to_value(assertion).unwrap();
        assert_eq!(json, serde_json::json!(assertion.as_str()));
    }
}
