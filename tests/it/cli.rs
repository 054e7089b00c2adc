//! The command line: what it accepts, what it shows, how it ends.

mod database;
mod older;
mod procedures;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use clap::{CommandFactory as _, Parser as _};
use clear_relay::cli::{Cli, CliError, Command, Output, run};
use clear_relay::ports::{DatabaseInspection, Stores, Version};
use clear_relay::wiring::store::SqliteStores;
use relay_core::case::{Case, CaseStatus, Mode, TimelineEntry, Wait};
use relay_core::effects::EffectKind;
use relay_core::ids::{CaseId, JobId, WorkItemId};
use relay_core::random::SeededRandom;
use relay_core::time::Timestamp;
use relay_store::{Attempt, Job, JobError, JobState, Store, StoreError, WorkItem};

use crate::support::fake_store::FakeStore;

fn now() -> Timestamp {
    "2026-11-03T16:05:00Z".parse().expect("a valid time")
}

/// Opens the same store whatever the path.
struct Fake(Arc<FakeStore>);

#[async_trait(?Send)]
impl Stores for Fake {
    async fn open(&self, _path: &Path) -> Result<Arc<dyn Store>, StoreError> {
        Ok(Arc::clone(&self.0) as _)
    }
    async fn migrate(&self, _path: &Path) -> Result<(), StoreError> {
        Ok(())
    }
    async fn look(&self, _path: &Path, _thorough: bool) -> Result<DatabaseInspection, StoreError> {
        Ok(DatabaseInspection {
            version: Version::Current,
            journal: "wal".to_owned(),
            damage: None,
            blocking_row: None,
        })
    }
}

struct World {
    folder: tempfile::TempDir,
    store: Arc<FakeStore>,
}

fn world() -> World {
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("relay.db");
    std::fs::write(&database, "").expect("written");
    let config = format!("[store]\npath = {:?}\n", database.display().to_string());
    std::fs::write(folder.path().join("relay.toml"), config).expect("written");
    World {
        folder,
        store: Arc::new(FakeStore::default()),
    }
}

impl World {
    async fn run(&self, args: &[&str]) -> Result<String, CliError> {
        self.run_on(&Fake(Arc::clone(&self.store)), args).await
    }

    async fn run_on(&self, stores: &dyn Stores, args: &[&str]) -> Result<String, CliError> {
        let config = self.folder.path().join("relay.toml");
        let config = config.to_str().expect("text");
        let args = [&["clear-relay", "--config", config], args].concat();
        let cli = Cli::try_parse_from(args).expect("a valid command line");
        let mut bytes = Vec::new();
        run(&cli, stores, &mut Output::new(&mut bytes, cli.json)).await?;
        Ok(String::from_utf8(bytes).expect("text"))
    }

    async fn on(&self, args: &[&str]) -> Result<String, CliError> {
        self.run_on(&SqliteStores, args).await
    }

    /// What is printed, however it ends.
    async fn printed(&self, args: &[&str]) -> String {
        let config = self.folder.path().join("relay.toml");
        let config = config.to_str().expect("text");
        let args = [&["clear-relay", "--config", config], args].concat();
        let cli = Cli::try_parse_from(args).expect("a valid command line");
        let mut bytes = Vec::new();
        let _ = run(&cli, &SqliteStores, &mut Output::new(&mut bytes, cli.json)).await;
        String::from_utf8(bytes).expect("text")
    }

    async fn json(&self, args: &[&str]) -> serde_json::Value {
        let args: Vec<_> = args.iter().copied().chain(["--json"]).collect();
        let text = self.run(&args).await.expect("carried out");
        serde_json::from_str(&text).expect("one document")
    }

    fn add_case(&self) -> CaseId {
        let id = CaseId::new(&SeededRandom::new(1), now());
        let mut state = self.store.state();
        state.cases.push(Case {
            id,
            client: "client-7".into(),
            procedure: "missed_check_in".to_owned(),
            procedure_hash: "0123456789abcdef".to_owned(),
            logic: 1,
            mode: Mode::Propose,
            version: 1,
            status: CaseStatus::Open,
            step: "portal_message".to_owned(),
            visit: 1,
            generation: 1,
            wait: Some(Wait::Timer {
                until: now(),
                why: "48 hours after the message".to_owned(),
            }),
            data: serde_json::Value::Null,
            opened_at: now(),
            changed_at: now(),
        });
        let entry = TimelineEntry {
            at: now(),
            step: "portal_message".to_owned(),
            text: "S1 was delivered".to_owned(),
            sop: Some("Message the client".to_owned()),
            detail: Some(serde_json::json!({ "evidence": 42 })),
        };
        state.timeline.push((id, entry));
        id
    }

    fn add_work(&self, case: CaseId) {
        let item = WorkItem {
            id: WorkItemId::new(&SeededRandom::new(2), now()),
            dedupe_key: "k".to_owned(),
            kind: "reply".to_owned(),
            owner: "coach-1".to_owned(),
            title: "Answer her".to_owned(),
            detail: serde_json::json!({ "ready": { "text": "Hi Ann", "check": ["a", "b"] } }),
            actions: vec!["resume".to_owned(), "close".to_owned()],
            client: Some("client-7".into()),
            case: Some(case),
            effect: None,
            opened_at: now(),
            due: now(),
            remind_at: now(),
            reminders: 0,
            settled: None,
        };
        self.store.state().work.push(item);
    }

    fn add_dead_job(&self) -> JobId {
        let id = JobId::new(&SeededRandom::new(3), now());
        let error = JobError::new("permanent", "422 from the portal");
        let mut state = self.store.state();
        state.attempts.push(Attempt {
            job: id,
            fence: 4,
            ended_at: now(),
            result: "dead".to_owned(),
            note: None,
            error: Some(error.clone()),
        });
        state.jobs.push(Job {
            id,
            key: "effect/x".to_owned(),
            kind: "effect".to_owned(),
            lane: "client-7".to_owned(),
            seq: 1,
            state: JobState::Dead,
            run_at: now(),
            fence: 4,
            failures: 1,
            failing_since: Some(now()),
            leased_by: None,
            lease_until: None,
            client: Some("client-7".into()),
            case: None,
            payload: serde_json::Value::Null,
            note: None,
            deferred_by: None,
            refused: false,
            rescues: 0,
            last_error: Some(error),
            created_at: now(),
            changed_at: now(),
        });
        id
    }
}

#[test]
fn the_definitions_are_consistent_and_every_command_has_help() {
    fn check(command: &clap::Command) {
        let name = command.get_name();
        assert!(command.get_about().is_some(), "{name} has no help");
        for argument in command.get_arguments().filter(|a| !a.is_hide_set()) {
            assert!(
                argument.get_help().is_some(),
                "{name}: {} has no help",
                argument.get_id()
            );
        }
        command.get_subcommands().for_each(check);
    }
    Cli::command().debug_assert();
    check(&Cli::command());
}

#[test]
fn whatever_changes_something_has_a_dry_run() {
    let changing = [
        "serve",
        "init",
        "stop",
        "resume",
        "migrate",
        "cases open",
        "reconcile",
        "clock accept",
        "cases pause",
        "cases resume",
        "cases close",
        "work done",
        "jobs replay",
        "jobs cancel",
        "clients link",
        "clients replied",
        "coaches away",
        "coaches back",
        "hooks sync",
        "keap set-contact-type",
        "keap cancel-subscription",
    ];
    for path in changing {
        let root = Cli::command();
        let command = path.split(' ').fold(&root, |command, name| {
            command.find_subcommand(name).expect("a command")
        });
        let flags: Vec<_> = command
            .get_arguments()
            .filter_map(clap::Arg::get_long)
            .collect();
        assert!(flags.contains(&"dry-run"), "{path} has {flags:?}");
    }
}

#[test]
fn a_replay_without_job_or_filter_is_refused() {
    let parse = |args: &[&str]| Cli::try_parse_from([&["clear-relay"], args].concat());
    assert!(parse(&["jobs", "replay", "--by", "Robin"]).is_err());
    assert!(parse(&["jobs", "replay", "--by", "Robin", "--state", "dead"]).is_ok());
    assert!(
        parse(&["jobs", "replay", "--state", "dead"]).is_err(),
        "without a name"
    );
    assert!(parse(&["jobs", "list", "--state", "undead"]).is_err());
}

#[test]
fn sabotage_names_an_effect_that_exists() {
    let parse =
        |text: &str| Cli::try_parse_from(["clear-relay", "demo", "--once", "--sabotage", text]);
    let in_a_story = |kind: &EffectKind| *kind != EffectKind::ReassignTask;
    for kind in EffectKind::ALL.into_iter().filter(in_a_story) {
        assert!(parse(&format!("drop:{}", kind.as_str())).is_ok());
        assert!(parse(&format!("double:{}", kind.as_str())).is_ok());
    }
    for wrong in ["drop:nothing", "drop:reassign_task", "halve:email", "email"] {
        assert!(parse(wrong).is_err(), "{wrong}");
    }
}

#[tokio::test]
async fn cases_are_listed_for_people_on_the_clinics_clock_and_for_programs_in_utc() {
    let world = world();
    let id = world.add_case();
    let human = world.run(&["cases", "list"]).await.expect("carried out");
    assert!(human.contains(&id.to_string()), "{human}");
    assert!(
        human.contains("2026-11-03 09:05: 48 hours after the message"),
        "{human}"
    );
    let json = world.json(&["cases", "list"]).await;
    assert_eq!(json["cases"][0]["id"], id.to_string());
    assert_eq!(json["cases"][0]["changed_at"], "2026-11-03T16:05:00Z");
}

#[tokio::test]
async fn whoever_lists_cases_learns_that_outreach_is_stopped_and_why() {
    let world = world();
    let mut stop = serde_json::json!({ "stopped": true, "by": "Ann", "at": now(),
                                       "reason": "wrong texts" });
    let key = "outreach".to_owned();
    world
        .store
        .state()
        .settings
        .insert(key.clone(), stop.clone());
    let human = world.run(&["cases", "list"]).await.expect("listed");
    assert!(human.contains("by Ann: wrong texts"), "{human}");
    // A damaged one holds back what goes out, and so it is told.
    for damaged in [
        serde_json::json!({}),
        serde_json::json!({ "stopped": "yes" }),
    ] {
        world.store.state().settings.insert(key.clone(), damaged);
        let human = world.run(&["cases", "list"]).await.expect("listed");
        assert!(human.contains("Outreach is stopped"), "{human}");
        let json = world.json(&["jobs", "list"]).await;
        assert_eq!(json["outreach_stopped"]["stopped"], true);
    }
    stop["stopped"] = false.into();
    world.store.state().settings.insert(key, stop);
    let human = world.run(&["cases", "list"]).await.expect("listed");
    assert_eq!(human, "no case\n");
}

#[tokio::test]
async fn a_case_is_shown_with_its_history_and_explained_with_its_evidence() {
    let world = world();
    let id = world.add_case().to_string();
    let shown = world
        .run(&["cases", "show", &id])
        .await
        .expect("carried out");
    assert!(
        shown.contains("portal_message: S1 was delivered"),
        "{shown}"
    );
    assert!(!shown.contains("evidence"), "{shown}");
    let explained = world
        .run(&["cases", "explain", &id])
        .await
        .expect("carried out");
    assert!(explained.contains("SOP: Message the client"), "{explained}");
    assert!(explained.contains("evidence: 42"), "{explained}");
}

#[tokio::test]
async fn open_work_is_listed_by_owner_with_its_actions() {
    let world = world();
    let case = world.add_case();
    world.add_work(case);
    let human = world.run(&["work", "list"]).await.expect("carried out");
    assert!(
        human.contains("resume,close") && human.contains("Answer her"),
        "{human}"
    );
    let nobody = world
        .run(&["work", "list", "--owner", "coach-2"])
        .await
        .expect("carried out");
    assert_eq!(nobody, "nothing to be done\n");
    let json = world.json(&["work", "list", "--owner", "coach-1"]).await;
    assert_eq!(json["work"][0]["case"], case.to_string());
}

#[tokio::test]
async fn an_item_is_shown_without_a_text_that_is_not_so() {
    let world = world();
    let case = world.add_case();
    world.add_work(case);
    let id = WorkItemId::new(&SeededRandom::new(2), now()).to_string();
    let human = world.run(&["work", "show", &id]).await.expect("shown");
    assert!(
        human.contains("ready:\n  withheld: it says what is not so here (a; b)\n"),
        "{human}"
    );
    assert!(!human.contains("Hi Ann"), "{human}");
    let json = world.json(&["work", "show", &id]).await.to_string();
    assert!(
        !json.contains("Hi Ann") && json.contains("withheld"),
        "{json}"
    );
}

#[test]
fn who_did_it_and_why_can_not_be_left_empty() {
    let case = CaseId::new(&SeededRandom::new(1), now()).to_string();
    for (by, reason) in [("", "x"), (" ", "x"), ("Ann", ""), ("Ann", "\t")] {
        let args = [
            "clear-relay",
            "cases",
            "pause",
            &case,
            "--by",
            by,
            "--reason",
            reason,
        ];
        assert!(Cli::try_parse_from(args).is_err(), "{by:?} {reason:?}");
    }
}

#[tokio::test]
async fn jobs_are_listed_by_state_and_shown_with_their_tries() {
    let world = world();
    let id = world.add_dead_job().to_string();
    let none = world
        .run(&["jobs", "list", "--state", "ready"])
        .await
        .expect("carried out");
    assert_eq!(none, "no job\n");
    let dead = world
        .run(&["jobs", "list", "--state", "dead"])
        .await
        .expect("carried out");
    assert!(dead.contains("permanent: 422 from the portal"), "{dead}");
    let json = world.json(&["jobs", "show", &id]).await;
    assert_eq!(json["attempts"][0]["error"]["class"], "permanent");
    assert_eq!(json["job"]["state"], "dead");
}

#[tokio::test]
async fn what_is_not_there_and_what_is_wrongly_asked_differ_in_their_exit_code() {
    let world = world();
    let unknown = CaseId::new(&SeededRandom::new(9), now()).to_string();
    let error = world
        .run(&["cases", "show", &unknown])
        .await
        .expect_err("unknown");
    assert!(matches!(error, CliError::NotFound { .. }));
    let failed = format!("{:?}", error.exit_code());
    std::fs::remove_file(world.folder.path().join("relay.db")).expect("removed");
    let error = world
        .run(&["cases", "list"])
        .await
        .expect_err("no database");
    assert!(error.to_string().contains("clear-relay migrate"), "{error}");
    assert_ne!(format!("{:?}", error.exit_code()), failed);
}

#[tokio::test]
async fn migrate_makes_a_database_that_the_other_commands_open() {
    let world = world();
    let file = world.folder.path().join("relay.db");
    std::fs::remove_file(&file).expect("removed");
    let dry = world
        .run_on(&SqliteStores, &["migrate", "--dry-run"])
        .await
        .expect("shown");
    assert!(dry.contains("would be made") && !file.exists(), "{dry}");
    world
        .run_on(&SqliteStores, &["migrate"])
        .await
        .expect("made");
    assert!(file.exists());
    world
        .run_on(&SqliteStores, &["migrate"])
        .await
        .expect("again is no harm");
    let cases = world
        .run_on(&SqliteStores, &["cases", "list"])
        .await
        .expect("listed");
    assert_eq!(cases, "no case\n");
}

#[tokio::test]
async fn a_dry_run_of_serve_makes_no_database() {
    let world = world();
    let file = world.folder.path().join("relay.db");
    std::fs::remove_file(&file).expect("removed");
    let error = world.run_on(&SqliteStores, &["serve", "--dry-run"]).await;
    let error = error.expect_err("nothing to look at");
    assert!(matches!(error, CliError::Usage(_)), "{error}");
    assert!(!file.exists());
}
