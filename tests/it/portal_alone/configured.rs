//! What the configuration says, and what starts on it.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command as Process;

use clap::Parser as _;
use clear_relay::cli::{Cli, CliError, Output, run};
use clear_relay::config::{Config, Examined};
use clear_relay::doctor::{self, Area, Finding, Severity, ThisMachine};
use clear_relay::engine::CoachChannel;
use clear_relay::wiring::store::SqliteStores;
use tempfile::TempDir;

/// The portal and nothing else, as somebody writes it by hand.
const PORTAL: &str = r#"[store]
path = "relay.db"
[log]
level = "error"
[people]
admin = "Robin"
program_manager = "Alex"
[clear_connection]
mode = "on"
base_url = "http://127.0.0.1:9/portal/"
token = "sandbox-portal-token"
webhook_keys = { first = "whsec_c2FuZGJveC1zaWduaW5nLWtleS0wMTIzNDU2Nzg5YWI=" }
"#;

fn examine(text: &str, folder: &Path) -> Examined {
    Config::examine_text(text, folder, HashMap::new()).expect("readable")
}

async fn findings(text: &str) -> Vec<Finding> {
    let folder = tempfile::tempdir().expect("a folder");
    let examined = examine(text, folder.path());
    doctor::local(&doctor::Local {
        examined: &examined,
        stores: &SqliteStores,
        machine: &ThisMachine,
        thorough: true,
        now: "2026-11-03T16:00:00Z".parse().expect("a time"),
    })
    .await
}

async fn command(folder: &TempDir, text: &str, args: &[&str]) -> Result<String, CliError> {
    let file = folder.path().join("relay.toml");
    std::fs::write(&file, text).expect("written");
    let file = file.to_str().expect("text");
    let args = [&["clear-relay", "--config", file], args].concat();
    let cli = Cli::try_parse_from(args).expect("a valid command line");
    let mut bytes = Vec::new();
    run(&cli, &SqliteStores, &mut Output::new(&mut bytes, cli.json)).await?;
    Ok(String::from_utf8(bytes).expect("text"))
}

#[tokio::test]
async fn serve_starts_with_the_portal_alone_and_with_a_list_alone() {
    let list = PORTAL.replace("mode = \"on\"", "mode = \"off\"")
        + "[check_ins]\nfrom = \"list\"\ncoaches = { beth = \"Beth <beth@clinic.example.test>\" }\n";
    for text in [PORTAL, &list] {
        let folder = tempfile::tempdir().expect("a folder");
        command(&folder, text, &["migrate"]).await.expect("made");
        // As a process: its log is the whole process's.
        let config = folder.path().join("relay.toml");
        let ready = Process::new(env!("CARGO_BIN_EXE_clear-relay"))
            .arg("--config")
            .arg(&config)
            .args(["serve", "--dry-run"])
            .output()
            .expect("it runs");
        assert_eq!(ready.stdout, b"ready to serve\n", "{ready:?}");
        let hooks = command(&folder, text, &["hooks", "list"]).await;
        assert!(hooks.expect("listed").contains("no subscription is needed"));
        let vendors = command(&folder, text, &["vendors"]).await.expect("listed");
        assert!(!vendors.contains("keap"), "{vendors}");
        let connected = command(&folder, text, &["connect", "status"]).await;
        let error = connected.expect_err("nothing to connect").to_string();
        assert!(error.contains("keap.mode is \"off\""), "{error}");
    }
}

#[tokio::test]
async fn without_anybody_who_tells_of_check_ins_it_does_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = PORTAL.replace("mode = \"on\"", "mode = \"off\"");
    let error = command(&folder, &text, &["serve", "--dry-run"]).await;
    let error = error.expect_err("nobody tells").to_string();
    assert!(error.contains("check_ins are told by nobody"), "{error}");
}

#[tokio::test]
async fn the_doctor_says_what_is_off_and_who_does_it() {
    let found = findings(PORTAL).await;
    let faults: Vec<_> = found
        .iter()
        .filter(|finding| finding.severity == Severity::Fault && finding.area != Area::Store)
        .collect();
    assert!(faults.is_empty(), "{faults:?}");
    let off: Vec<_> = found
        .iter()
        .filter(|finding| finding.area == Area::Crm)
        .collect();
    let [off] = off[..] else { panic!("{off:?}") };
    assert_eq!(off.severity, Severity::Note);
    for words in [
        "keap.mode is \"off\"",
        "coaches call and mail clients by hand",
        "`clear-relay work list`",
        "stops no fee",
    ] {
        assert!(off.what.contains(words), "{}", off.what);
    }
}

#[tokio::test]
async fn coaches_are_asked_where_they_can_be() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = |text: &str| examine(text, folder.path()).into_result().expect("valid");
    let without = config(PORTAL);
    assert_eq!(without.people.coach_channel, CoachChannel::WorkList);
    let with = format!("{PORTAL}[keap]\nmode = \"on\"\nkey = \"a-key\"\n");
    assert_eq!(config(&with).people.coach_channel, CoachChannel::CrmTasks);
    let chosen = with.replace("[people]", "[people]\ncoaches = \"work_list\"");
    assert_eq!(config(&chosen).people.coach_channel, CoachChannel::WorkList);
    // Written by hand where no task can be made: said, with what to write, and `serve` refuses.
    let written = PORTAL.replace("[people]", "[people]\ncoaches = \"crm_tasks\"");
    let found = findings(&written).await;
    let fault = found
        .iter()
        .find(|finding| finding.subject == "people.coaches");
    let fault = fault.expect("a finding");
    assert_eq!(fault.severity, Severity::Fault);
    assert!(
        fault.remedy.contains("people.coaches = \"work_list\""),
        "{fault:?}"
    );
    let error = command(&folder, &written, &["serve", "--dry-run"]).await;
    assert!(
        error
            .expect_err("refused")
            .to_string()
            .contains("people.coaches")
    );
}

#[tokio::test]
async fn init_writes_one_without_the_crm() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("clear-relay.toml");
    let path = path.to_str().expect("text");
    let written = command(&folder, "", &["init", "--path", path, "--without", "keap"]).await;
    written.expect("written");
    let text = std::fs::read_to_string(path).expect("read");
    assert!(!folder.path().join("secrets/keap-key").exists());
    assert!(folder.path().join("secrets/portal-token").exists());
    let examined = Config::examine_text(&text, folder.path(), HashMap::new()).expect("readable");
    let config = examined.config.expect("a configuration");
    assert!(!config.vendors.have_crm());
    assert_eq!(config.people.coach_channel, CoachChannel::WorkList);
    let nobody = command(
        &folder,
        "",
        &["init", "--path", path, "--without", "nobody"],
    )
    .await;
    let error = nobody.expect_err("refused").to_string();
    assert!(
        error.contains("--without") && error.contains("keap"),
        "{error}"
    );
}
