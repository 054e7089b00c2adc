//! A variable that is spelled almost right is refused; one that is somebody else's is told.

use std::collections::HashMap;
use std::path::Path;

use clear_relay::config::{Config, ConfigError};

use super::{run, shown};

const MODE: &str = "CLEAR_RELAY__PROCEDURES__MISSED_CHECK_IN__MODE";

fn parse(text: &str, variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let variables: HashMap<String, String> = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    Config::parse(text, Path::new(""), variables)
}

#[test]
fn a_misspelt_variable_is_refused_with_the_right_spelling() {
    let act = "[procedures.missed_check_in]\nmode = \"act\"\n";
    for name in [
        "CLEAR_RELAY_PROCEDURES__MISSED_CHECK_IN__MODE",
        "CLEAR_RELAY_PROCEDURES_MISSED_CHECK_IN_MODE",
        "CLEAR_RELAY__PROCEDURES_MISSED_CHECK_IN_MODE",
        "CLEAR_RELAY__PROCEDURES__MISSEDCHECKIN__MODE",
        "clear_relay__procedures__missed_check_in__mode",
        "Clear_Relay__Procedures__Missed_Check_In__Mode",
        "CLEARRELAY__PROCEDURES__MISSED_CHECK_IN__MODE",
        "CLEAR_RELAY___PROCEDURES__MISSED_CHECK_IN__MODE",
        "CLEAR-RELAY__PROCEDURES__MISSED_CHECK_IN__MODE",
        "CLEAR_RELAY_PROCEDURES__MISSED_CHECKIN__MOD",
    ] {
        let refused = parse(act, &[(name, "propose")]);
        let said = refused.expect_err(name).to_string();
        assert!(said.contains(name), "{said}");
        assert!(said.contains(MODE), "{said}");
    }
    let secret = parse("", &[("CLEAR_RELAY_KEAP__HOOK_SECRETS__A_FILE", "x")]);
    let said = secret.expect_err("misspelt").to_string();
    assert!(
        said.contains("CLEAR_RELAY__KEAP__HOOK_SECRETS__NAME"),
        "{said}"
    );
}

#[test]
fn the_program_itself_refuses_it_before_it_does_anything() {
    let folder = tempfile::tempdir().expect("a folder");
    let variables = [("CLEAR_RELAY_PROCEDURES__MISSED_CHECK_IN__MODE", "propose")];
    for args in [&["config", "check"][..], &["migrate"], &["serve"]] {
        let refused = run(folder.path(), &variables, args);
        assert_eq!(
            refused.status.code(),
            Some(2),
            "{args:?}: {}",
            shown(&refused)
        );
        assert!(shown(&refused).contains(MODE), "{}", shown(&refused));
    }
    assert!(!folder.path().join("clear-relay.db").exists());
}

#[test]
fn an_unknown_key_from_a_variable_names_the_variable() {
    let error = parse("", &[("CLEAR_RELAY__KEAP__MOD", "on")]).expect_err("unknown");
    let said = error.to_string();
    assert!(said.contains("CLEAR_RELAY__KEAP__MOD"), "{said}");
    assert!(said.contains("write CLEAR_RELAY__KEAP__MODE"), "{said}");
    let error = parse("", &[("CLEAR_RELAY__KEAP__MODE", "On")]).expect_err("no word");
    assert!(
        error.to_string().contains("set by CLEAR_RELAY__KEAP__MODE"),
        "{error}"
    );
}

#[test]
fn variables_of_somebody_else_are_told_and_stop_nothing() {
    let links = [
        ("CLEAR_RELAY_PORT", "tcp://10.0.0.1:8080"),
        ("CLEAR_RELAY_PORT_8080_TCP", "tcp://10.0.0.1:8080"),
        ("CLEAR_RELAY_PORT_8080_TCP_ADDR", "10.0.0.1"),
        ("CLEAR_RELAY_SERVICE_HOST", "10.0.0.1"),
        ("CLEAR_RELAY_SERVICE_PORT", "8080"),
        ("CLEAR_RELAY_SERVICE_PORT_HTTP", "8080"),
        ("CLEAR_RELAY_NAME", "/web/clear_relay"),
        ("CLEAR_RELAY_ENV_CLEAR_RELAY__KEAP__MODE", "on"),
        ("CLEAR_RELAY", "yes"),
    ];
    let config = parse("", &links).expect("valid");
    assert_eq!(config.strange_variables.len(), links.len());
    let gaps = config.gaps();
    let told = gaps.iter().find(|gap| gap.key == "environment");
    let told = told.expect("told");
    assert_eq!(told.severity, clear_relay::config::Severity::Warning);
    for (name, value) in links {
        assert!(told.wrong.contains(name), "{name}");
        assert!(
            !value.contains('.') || !told.wrong.contains(value),
            "{value}"
        );
    }
    let folder = tempfile::tempdir().expect("a folder");
    let made = run(folder.path(), &links, &["migrate"]);
    assert!(made.status.success(), "{}", shown(&made));
    let doctor = shown(&run(folder.path(), &links, &["doctor", "--offline"]));
    assert!(doctor.contains("CLEAR_RELAY_PORT"), "{doctor}");
}

#[test]
fn an_empty_variable_takes_no_list_away_and_none_replaces_a_section() {
    let text = "[clinic]\nholidays = [\"2026-12-25\"]\n[keap]\nmode = \"off\"\n";
    for (name, value) in [
        ("CLEAR_RELAY__CLINIC__HOLIDAYS", ""),
        ("CLEAR_RELAY__CLINIC__HOLIDAYS", "2026-12-25,"),
        ("CLEAR_RELAY__KEAP", "on"),
        ("CLEAR_RELAY__KEAP__MODE__X", "on"),
        ("CLEAR_RELAY__PEOPLE__DEPUTIES__COACH-1", "coach-2"),
    ] {
        let error = parse(text, &[(name, value)]).expect_err(name);
        assert!(error.to_string().contains(name), "{error}");
    }
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_no_text_is_refused_and_not_left_out() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    let folder = tempfile::tempdir().expect("a folder");
    let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_clear-relay"));
    program.current_dir(folder.path()).args(["config", "check"]);
    program.env(MODE, OsStr::from_bytes(b"prop\xffose"));
    let refused = program.output().expect("the binary starts");
    assert_eq!(refused.status.code(), Some(2), "{}", shown(&refused));
    assert!(shown(&refused).contains(MODE), "{}", shown(&refused));
}
