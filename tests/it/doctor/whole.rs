//! The doctor as a whole: what is said of a healthy clinic, how it is shown, what is never said.

use std::process::Stdio;

use clear_relay::cli::doctor::DoctorArgs;
use clear_relay::engine::commands::time_off;
use clear_relay::engine::commands::time_off::Asked;
use relay_keap::emulator::{Act, NewContact};
use serde_json::json;
use tokio::process::Command;

use super::patient::Patient;

#[tokio::test]
async fn of_a_healthy_clinic_nothing_serious_is_said_and_every_area_is_looked_at() {
    let patient = Patient::healthy().await;
    let said = patient.examined(&DoctorArgs::default()).await;
    assert_eq!(said.serious().len(), 0, "{:#?}", said.document);
    assert!(said.end.is_ok());
    assert_eq!(said.document["healthy"], true);
    let areas: Vec<_> = said.document["findings"]
        .as_array()
        .expect("findings")
        .iter()
        .filter(|finding| finding["severity"] == "ok")
        .map(|finding| finding["area"].as_str().expect("a text"))
        .collect();
    for area in [
        "configuration",
        "files",
        "store",
        "clock",
        "calendar",
        "procedure",
        "people",
        "portal",
        "crm",
        "contact_type",
        "coaching_fee",
        "coaches",
        "hooks",
        "quota",
    ] {
        assert!(areas.contains(&area), "{area} is not in {areas:?}");
    }
    let strict = DoctorArgs {
        strict: true,
        ..DoctorArgs::default()
    };
    assert!(patient.examined(&strict).await.end.is_ok());
}

#[tokio::test]
async fn tags_by_which_staff_begin_something_are_noted_while_they_are_missing() {
    let patient = Patient::healthy().await;
    let about_tags = |document: &serde_json::Value| {
        let mut findings = document["findings"].as_array().expect("findings").clone();
        findings.retain(|finding| finding["subject"] == "keap.tags");
        findings
    };
    let said = patient.examined(&DoctorArgs::default()).await;
    let missing = about_tags(&said.document);
    assert_eq!(missing.len(), 3, "{missing:?}");
    for finding in &missing {
        assert_eq!(finding["severity"], "note");
        let remedy = finding["remedy"].as_str().expect("a remedy");
        assert!(remedy.contains("make it in Keap"), "{remedy}");
    }
    patient.keap(Act::AddContact(NewContact {
        id: Some(777),
        ..NewContact::default()
    }));
    for tag in [
        "Follow-up: replied",
        "Follow-up: pause",
        "follow-up: resume",
    ] {
        let tag = tag.to_owned();
        patient.keap(Act::ApplyTag { contact: 777, tag });
    }
    let said = patient.examined(&DoctorArgs::default()).await;
    let found = about_tags(&said.document);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0]["severity"], "ok");
}

#[tokio::test]
async fn what_is_only_worth_knowing_is_a_note_with_something_to_do_about_it() {
    let mut patient = Patient::healthy().await;
    patient.write(
        "[clinic]",
        "[clinic]\nclosed_days = [\"2026-02-02\", \"2026-12-01\"]",
    );
    patient.write(
        "webhook_keys",
        "capabilities = { notes = false }\nwebhook_keys",
    );
    patient.write(
        "[procedures.missed_check_in]",
        "[procedures.missed_check_in]\nask_first = [\"email_follow_up\"]",
    );
    let said = patient.examined(&DoctorArgs::default()).await;
    assert_eq!(said.serious().len(), 0, "{:#?}", said.document);
    let findings = said.document["findings"].as_array().expect("findings");
    for (subject, what) in [
        (
            "procedures.missed_check_in.ask_first",
            "unless she stops it",
        ),
        ("clinic.closed_days", "has 1 that are over"),
        ("procedures.missed_check_in.mode", "messages go out"),
        (
            "procedures.missed_check_in.scripts.S1-date-only",
            "is not approved",
        ),
        (
            "clear_connection.capabilities.notes",
            "the portal offers it",
        ),
        ("minor", "taken for an adult"),
    ] {
        let found = findings.iter().find(|f| f["subject"] == subject);
        let found = found.expect(subject);
        assert_eq!(found["severity"], "note", "{found}");
        assert!(
            found["what"].as_str().expect("a text").contains(what),
            "{found}"
        );
    }
}

#[tokio::test]
async fn nothing_is_changed_at_a_vendor() {
    let patient = Patient::healthy().await;
    let before = patient.world.vendors.accepted();
    patient.examined(&DoctorArgs::default()).await;
    assert_eq!(patient.world.vendors.accepted(), before);
}

#[tokio::test]
async fn offline_no_vendor_is_asked() {
    let patient = Patient::healthy().await;
    patient.answers("keap", "*", 500);
    patient.answers("portal", "*", 500);
    let offline = DoctorArgs {
        offline: true,
        ..DoctorArgs::default()
    };
    let said = patient.examined(&offline).await;
    assert_eq!(said.serious().len(), 0, "{:#?}", said.document);
    assert_eq!(said.document["asked_vendors"], false);
    let said = patient.examined(&DoctorArgs::default()).await;
    assert_eq!(said.serious().len(), 2, "{:#?}", said.document);
    assert!(said.end.is_ok(), "an outage of theirs is no fault of ours");
}

#[tokio::test]
async fn everything_that_is_wrong_is_said_at_once() {
    let mut patient = Patient::healthy().await;
    patient.write("public_url", "public_ulr");
    patient.write("admin = \"Robin\"\n", "");
    patient.machine.free = 1;
    patient.answers("keap", "list_orders", 403);
    patient.portal(json!({ "act": "add_coach", "id": "coach-3", "name": "Cleo",
                           "email": "cleo@clinic.test" }));
    let said = patient.examined(&DoctorArgs::default()).await;
    let mut areas: Vec<_> = said.serious().iter().map(|f| f["area"].clone()).collect();
    areas.sort_by_key(ToString::to_string);
    let wanted = ["coaches", "configuration", "crm", "files", "people"];
    assert_eq!(areas, wanted, "{:#?}", said.document);
    assert_eq!(said.document["faults"], 4);
}

#[tokio::test]
async fn for_people_it_is_grouped_and_fits_eighty_columns() {
    let mut patient = Patient::healthy().await;
    patient.answers("keap", "list_subscriptions", 403);
    patient.write(
        "holidays = [\"2026-11-26\", \"2027-01-01\", \"2027-05-31\"]",
        "",
    );
    let (bytes, end) = patient.shown(&DoctorArgs::default(), false).await;
    let text = String::from_utf8(bytes).expect("text");
    // Names of files are as long as they are; everything else is wrapped.
    for line in text.lines().filter(|line| !line.contains("relay.db")) {
        assert!(line.chars().count() <= 80, "{line}");
    }
    let titles: Vec<&str> = text.lines().filter(|line| !line.starts_with(' ')).collect();
    assert_eq!(titles[0], "configuration", "{text}");
    assert!(
        text.contains("\nCRM\n  fault    the key may not read subscriptions"),
        "{text}"
    );
    assert!(
        text.contains("\ncalendar\n  warning  clinic.holidays is empty"),
        "{text}"
    );
    assert!(
        text.trim_end().ends_with("notes") && text.contains("\n1 fault, 1 warning, "),
        "{text}"
    );
    assert_eq!(
        end.expect_err("a fault").to_string(),
        "the doctor found 1 fault"
    );
}

/// Whatever goes wrong, neither a secret nor a person's data is said.
#[tokio::test]
async fn no_secret_and_nobody_is_named() {
    let secrets = [
        (
            "KeapAK-sandbox-0000000000000000",
            "KeapAK-canary-3141592653589793",
        ),
        ("sandbox-portal-token", "canary-portal-token-2718281828"),
        (
            "sandbox-hook-secret-0123456789abcdef0123",
            "canary-hook-secret-1618033988749894",
        ),
        (
            "whsec_c2FuZGJveC1zaWduaW5nLWtleS0wMTIzNDU2Nzg5YWI=",
            "whsec_Y2FuYXJ5LXNpZ25pbmcta2V5LTAxMjM0NTY3ODlhYg==",
        ),
    ];
    let people = ["Canaria", "Birdsong", "canaria@secret.test", "303-555-0134"];
    for (step, args) in [(0, false), (1, false), (2, true), (3, false)] {
        let mut patient = Patient::healthy().await;
        patient.portal(
            json!({ "act": "add_coach", "id": "coach-3", "name": people[1],
                               "email": people[2] }),
        );
        patient.keap(Act::AddContact(NewContact {
            given_name: Some(people[0].to_owned()),
            email: Some(people[2].to_owned()),
            phone: Some(people[3].to_owned()),
            ..NewContact::default()
        }));
        if step != 3 {
            for (real, canary) in secrets {
                patient.write(real, canary);
            }
        }
        match step {
            1 => patient.write(
                "webhook_keys = { first",
                "webhook_keys = { first = \"whsec_canary\", second",
            ),
            2 => patient.write("key = \"KeapAK", "header = \"nonsense\"\nkey = \"KeapAK"),
            3 => {
                patient.write("sandbox-hook-secret", "canary-hook-secret");
                let gone = "list_open_check_ins";
                patient.answers("portal", gone, 404);
            }
            _ => {}
        }
        for json in [true, args] {
            let (bytes, end) = patient.shown(&DoctorArgs::default(), json).await;
            let said = String::from_utf8(bytes).expect("text");
            let said = format!("{said}\n{:?}", end.map_err(|error| error.to_string()));
            let hidden = secrets.iter().flat_map(|(real, canary)| [*real, *canary]);
            for secret in hidden
                .chain(people)
                .chain(["whsec_canary", "canary-", "Y2FuYXJ5"])
            {
                assert!(!said.contains(secret), "step {step}: {secret}:\n{said}");
            }
            assert!(step != 3 || said.contains("coach-3"), "{said}");
        }
    }
}

/// The binary itself, as it ends.
#[tokio::test]
async fn the_exit_code_tells_faults_from_a_file_that_can_not_be_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("relay.toml");
    let code = async |text: Option<&str>| {
        if let Some(text) = text {
            std::fs::write(&config, text).expect("written");
        }
        let ended = Command::new(env!("CARGO_BIN_EXE_clear-relay"))
            .args(["doctor", "--offline", "--config"])
            .arg(&config)
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .output()
            .await
            .expect("it runs");
        ended.status.code()
    };
    assert_eq!(code(None).await, Some(2), "no such file");
    assert_eq!(code(Some("[keap")).await, Some(2), "no TOML");
    assert_eq!(code(Some("")).await, Some(1), "both vendors are off");
}

#[tokio::test]
async fn who_is_away_is_said_with_who_acts_for_her() {
    let patient = Patient::healthy().await;
    let engine = &patient.world.relay.engine;
    let away = Asked {
        coach: "coach-1".into(),
        from: None,
        until: "2026-11-13".parse().expect("a date"),
        deputy: Some("coach-2".into()),
    };
    time_off::away(engine, &away, "Robin")
        .await
        .expect("entered");
    let said = patient.examined(&DoctorArgs::default()).await;
    let findings = said.document["findings"].as_array().expect("findings");
    let found = findings.iter().find(|f| f["subject"] == "time_off.coach-1");
    let found = found.expect("a finding");
    assert_eq!(found["severity"], "note");
    let what = found["what"].as_str().expect("a text");
    assert!(
        what.contains("is away (") && what.contains("acts for her"),
        "{what}"
    );
}
