//! `serve` refuses to start half configured, with the doctor's words, and only then.

use std::sync::Arc;

use clap::Parser as _;
use clear_relay::cli::{Cli, CliError, Output, run};
use clear_relay::sandbox::clinic::{self, Addresses};
use clear_relay::wiring::store::SqliteStores;
use relay_core::random::SeededRandom;
use relay_core::time::ManualClock;
use relay_keap::emulator::{Keap, Settings};

struct Clinic {
    folder: tempfile::TempDir,
    config: String,
}

fn sandbox() -> Clinic {
    let folder = tempfile::tempdir().expect("a folder");
    let clock = Arc::new(ManualClock::new(super::patient::start()));
    let keap = Keap::new(clock, Arc::new(SeededRandom::new(1)), Settings::default());
    let field = clinic::furnish(&keap).expect("furnished");
    // Nobody listens there: an outage of both vendors.
    let address = |path: &str| {
        format!("http://127.0.0.1:9/{path}")
            .parse()
            .expect("an address")
    };
    let addresses = Addresses {
        keap: address("crm"),
        portal: address("portal/"),
        relay: address(""),
    };
    let path = folder.path().join("relay.db");
    // Where `serve` gets as far as its log, the whole process has it from then on, with every test in
    // it: only what somebody must look at.
    let config = clinic::config_text(&addresses, &path, &field) + "\n[log]\nlevel = \"error\"\n";
    Clinic { folder, config }
}

impl Clinic {
    async fn run(&self, args: &[&str]) -> Result<String, CliError> {
        let file = self.folder.path().join("relay.toml");
        std::fs::write(&file, &self.config).expect("written");
        let file = file.to_str().expect("text");
        let args = [&["clear-relay", "--config", file], args].concat();
        let cli = Cli::try_parse_from(args).expect("a valid command line");
        let mut bytes = Vec::new();
        run(&cli, &SqliteStores, &mut Output::new(&mut bytes, cli.json)).await?;
        Ok(String::from_utf8(bytes).expect("text"))
    }
}

#[tokio::test]
async fn every_fault_that_needs_no_vendor_is_named_at_once_and_nothing_is_made() {
    let mut sandbox = sandbox();
    for (from, to) in [
        ("hook_secrets = {", "#"),
        ("public_url", "#"),
        ("base_url = \"http://127.0.0.1:9/portal/\"", "#"),
        (
            "mode = \"act\"",
            "mode = \"act\"\npath = \"/no/such/folder\"",
        ),
    ] {
        assert!(sandbox.config.contains(from), "{from}");
        sandbox.config = sandbox.config.replacen(from, to, 1);
    }
    let error = sandbox.run(&["serve"]).await.expect_err("half configured");
    assert!(matches!(error, CliError::Usage(_)), "{error}");
    let text = error.to_string();
    for fault in [
        "can't serve: 4 faults",
        "clear_connection.base_url is missing",
        "keap.hook_secrets has no secret",
        "http.public_url is missing",
        "procedures.missed_check_in.path",
    ] {
        assert!(text.contains(fault), "{fault} is not in {text}");
    }
    assert!(!sandbox.folder.path().join("relay.db").exists());
}

#[tokio::test]
async fn an_address_that_cannot_be_a_vendors_is_refused_by_both_with_the_right_one() {
    for (right, wrong) in [
        ("http://127.0.0.1:9/crm\"", "http://127.0.0.1:9/crm/rest\""),
        (
            "http://127.0.0.1:9/crm\"",
            "http://127.0.0.1:9/crm/rest/v2\"",
        ),
        (
            "http://127.0.0.1:9/portal/\"",
            "http://127.0.0.1:9/portal/coaches\"",
        ),
    ] {
        let mut sandbox = sandbox();
        assert!(
            sandbox.config.contains(right),
            "{right}: {}",
            sandbox.config
        );
        sandbox.config = sandbox.config.replacen(right, wrong, 1);
        for command in [&["serve"][..], &["doctor", "--offline"]] {
            let error = sandbox.run(command).await.expect_err("a wrong address");
            if command == ["serve"] {
                let text = error.to_string();
                let remedy = right.trim_end_matches('"').trim_end_matches('/');
                assert!(text.contains(remedy), "{text}");
            }
        }
        assert!(!sandbox.folder.path().join("relay.db").exists());
    }
}

#[tokio::test]
async fn the_words_are_those_of_the_doctor() {
    let mut sandbox = sandbox();
    sandbox.config = sandbox.config.replacen("public_url", "#", 1);
    let refused = sandbox.run(&["serve"]).await.expect_err("half configured");
    let doctor = sandbox.run(&["doctor", "--offline"]).await;
    assert!(doctor.is_err(), "a fault");
    let examined = clear_relay::config::Config::examine_text(
        &sandbox.config,
        sandbox.folder.path(),
        std::collections::HashMap::new(),
    );
    let examined = examined.expect("readable");
    let local = clear_relay::doctor::Local {
        examined: &examined,
        stores: &SqliteStores,
        machine: &clear_relay::doctor::ThisMachine,
        thorough: true,
        now: super::patient::start(),
    };
    let findings = clear_relay::doctor::local(&local).await;
    let faults: Vec<_> = findings
        .iter()
        .filter(|f| f.severity == clear_relay::doctor::Severity::Fault)
        .collect();
    assert_eq!(faults.len(), 1);
    let words = format!("{}; {}", faults[0].what, faults[0].remedy);
    assert!(refused.to_string().contains(&words), "{refused}");
}

#[tokio::test]
async fn a_vendor_that_is_away_does_not_stop_it() {
    let sandbox = sandbox();
    sandbox.run(&["migrate"]).await.expect("made");
    let ready = sandbox.run(&["serve", "--dry-run"]).await.expect("ready");
    assert_eq!(ready, "ready to serve\n");
}

#[tokio::test]
async fn a_database_where_none_can_be_is_refused_by_name() {
    let mut sandbox = sandbox();
    let path = sandbox.folder.path().join("relay.db").display().to_string();
    let nowhere = "/no/such/folder/relay.db";
    sandbox.config = sandbox.config.replacen(&path, nowhere, 1);
    for command in ["migrate", "serve"] {
        let error = sandbox.run(&[command]).await.expect_err("no folder");
        assert!(matches!(error, CliError::Usage(_)), "{error}");
        assert!(error.to_string().contains(nowhere), "{error}");
    }
}
