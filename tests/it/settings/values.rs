//! Values that would be taken for something else than was meant.

use std::path::Path;

use clear_relay::config::{Config, Severity, Variables};

fn refused(text: &str) -> String {
    let read = Config::parse(text, Path::new(""), Variables::default());
    read.expect_err(text).to_string()
}

#[test]
fn a_name_where_an_id_is_wanted_is_refused() {
    for text in [
        "[keap.coaching]\nproduct_ids = [\"Online Coaching\"]\n",
        "[keap.coaching]\nplan_ids = [\"12\", \"twelve\"]\n",
        "[keap.contact_type_field]\nid = \"Contact Type\"\n",
    ] {
        assert!(refused(text).contains("is no id"), "{text}");
    }
}

#[test]
fn durations_have_no_unit_no_sign_and_no_fraction() {
    for value in ["\"5m\"", "-5", "5.5", "\"\"", "true", "[5]", "\"five\""] {
        for key in [
            "[keap]\nwatch_minutes",
            "[keap]\npoll_opens_minutes",
            "[procedures]\nhours_between_cases",
            "[keap.limits]\ntell_after_minutes",
        ] {
            let section = key.split(['[', ']']).nth(1).expect("a section");
            let said = refused(&format!("{key} = {value}\n"));
            assert!(said.contains(section), "{key} = {value}: {said}");
        }
    }
}

#[test]
fn an_address_means_the_same_with_and_without_a_slash_at_its_end() {
    let path = |end: &str| {
        let text = format!("[keap]\nbase_url = \"https://api.example.test/crm{end}\"\n");
        let config = Config::parse(&text, Path::new(""), Variables::default()).expect("valid");
        relay_http_client::below(&config.vendors.keap.base_url, &["v2", "contacts"])
    };
    assert_eq!(path(""), path("/"));
    let twice = "[keap]\nbase_url = \"https://api.example.test//crm\"\n";
    assert!(refused(twice).contains("two slashes"), "{}", refused(twice));
}

#[test]
fn a_key_in_the_wrong_section_is_told_where_it_belongs() {
    let said = refused("[procedures.missed_check_in]\nhours_between_cases = 12\n");
    assert!(said.contains("procedures.hours_between_cases"), "{said}");
}

#[test]
fn a_date_may_stand_without_quotes_and_an_empty_item_is_told() {
    let config = "[clinic]\nholidays = [2026-12-25]\n";
    let config = Config::parse(config, Path::new(""), Variables::default()).expect("valid");
    assert_eq!(config.calendar.settings().holidays.len(), 1);
    let said = refused("[people.deputies]\ncoach-1 = \" \"\n");
    assert!(said.contains("people.deputies.coach-1"), "{said}");
    let trimmed = "[people.deputies]\ncoach-1 = \" coach-2 \"\n";
    let trimmed = Config::parse(trimmed, Path::new(""), Variables::default()).expect("valid");
    assert_eq!(trimmed.people.deputies["coach-1"], "coach-2");
}

#[test]
fn an_application_that_is_not_used_is_told() {
    let text = "[keap]\nmode = \"on\"\nkey = \"k\"\n[keap.oauth]\nclient_id = \"x\"\n";
    let config = Config::parse(text, Path::new(""), Variables::default()).expect("valid");
    let gaps = config.gaps();
    let told = gaps
        .iter()
        .find(|gap| gap.key == "keap.oauth")
        .expect("told");
    assert_eq!(told.severity, Severity::Warning);
}

#[test]
fn a_configuration_that_windows_saved_is_read_and_one_that_is_no_text_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path().join("clear-relay.toml");
    std::fs::write(
        &at,
        b"\xef\xbb\xbf[clinic]\r\nzone = \"America/Denver\"\r\n",
    )
    .expect("written");
    let check = super::run(folder.path(), &[], &["config", "check"]);
    assert!(check.status.success(), "{}", super::shown(&check));
    std::fs::write(&at, b"[people]\nadmin = \"Ren\xe9e\"\n").expect("written");
    let check = super::run(folder.path(), &[], &["config", "check"]);
    let said = super::shown(&check);
    assert!(said.contains("UTF-8"), "{said}");
}

#[test]
fn a_text_that_windows_saved_reaches_a_client_without_what_windows_adds() {
    let folder = tempfile::tempdir().expect("a folder");
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("procedures");
    let copy = |name: &str| {
        let text = std::fs::read_to_string(shipped.join(name)).expect("there");
        let windows = format!("\u{feff}{}", text.replace('\n', "\r\n"));
        std::fs::write(folder.path().join(name), windows).expect("written");
    };
    std::fs::create_dir(folder.path().join("scripts")).expect("made");
    copy("missed-check-in.toml");
    for entry in std::fs::read_dir(shipped.join("scripts")).expect("a folder") {
        let name = entry.expect("an entry").file_name();
        copy(&format!("scripts/{}", name.to_str().expect("text")));
    }
    let text = "[procedures.missed_check_in]\npath = \".\"\n";
    let config = Config::parse(text, folder.path(), Variables::default()).expect("valid");
    let own = config.procedures.missed_check_in.missed_check_in();
    let own = own.expect("readable");
    let mut shipped = relay_core::procedure::MissedCheckInProcedure::shipped().expect("readable");
    shipped.mode = own.mode;
    assert_eq!(own, shipped);
}

#[test]
fn a_step_that_is_asked_about_first_is_one_that_sends_something() {
    let section = |line: &str| format!("[procedures.missed_check_in]\n{line}\n");
    let asked = |line: &str| {
        let read = Config::parse(&section(line), Path::new(""), Variables::default());
        let config = read.expect("valid");
        let steps = config.procedures.missed_check_in.ask_first;
        steps.into_iter().collect::<Vec<_>>()
    };
    assert!(asked("").is_empty() && asked("ask_first = []").is_empty());
    let both = ["email_follow_up", "portal_message"];
    assert_eq!(
        asked("ask_first = [\"portal_message\", \"email_follow_up\"]"),
        both
    );
    for wrong in [
        "ask_first = [\"phone_follow_up\"]",
        "ask_first = [\"email\"]",
        "ask_first = true",
    ] {
        let said = refused(&section(wrong));
        assert!(
            said.contains("procedures.missed_check_in.ask_first"),
            "{wrong}: {said}"
        );
    }
    let said = refused(&section("ask_first = [\"email\"]"));
    assert!(said.contains("portal_message, email_follow_up"), "{said}");
}

#[test]
fn the_managers_user_is_named_by_an_address() {
    let said = refused("[people]\nprogram_manager_user = \"Alex\"\n");
    assert!(
        said.contains("people.program_manager_user") && said.contains("email address"),
        "{said}"
    );
}
