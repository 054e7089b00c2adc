//! A dry run promises nothing that the command then refuses: both ask the same checks.
//!
//! Each command with `--dry-run` is typed with good and bad input, first dry and then for real, and
//! both must end alike. That the list of commands is whole is compared with the command line.

use std::collections::BTreeSet;
use std::path::Path;

use clap::{Command, CommandFactory as _};
use clear_relay::cli::Cli;
use relay_core::case::{Case, CaseStatus, Mode, Wait};
use relay_core::ids::{CaseId, JobId, WorkItemId};
use relay_core::random::SeededRandom;
use relay_core::time::Timestamp;
use relay_store::{Existing, NewJob, Op, Store as _, WorkItem};
use relay_store_sqlite::SqliteStore;
use serde_json::json;

use crate::settings::{run, shown};

fn now() -> Timestamp {
    "2026-11-03T16:05:00Z".parse().expect("a time")
}

/// A command, and what it is typed with. `CASE`, `JOB` and `ITEM` stand for what is stored.
const COMPARED: [(&str, &[&str]); 25] = [
    ("stop", &["--by Robin", "--by Robin --reason x"]),
    ("resume", &["--by Robin"]),
    (
        "cases pause",
        &[
            "CASE --reason x --by Robin",
            "NONE --reason x --by Robin",
            "CLOSED --reason x --by Robin",
        ],
    ),
    (
        "cases resume",
        &[
            "CASE --by Robin",
            "NONE --by Robin",
            "CASE --promised 2020-01-01 --by Robin",
        ],
    ),
    (
        "cases close",
        &[
            "NONE --reason x --by Robin",
            "CLOSED --reason x --by Robin",
            "CASE --reason x --by Robin",
        ],
    ),
    (
        "cases open",
        &[
            "client-1 --by Robin",
            "client-2 --by Robin",
            "client-2 --check-in none --by Robin",
        ],
    ),
    ("clock accept", &["--by Robin", ""]),
    ("reconcile", &["", "unexpected"]),
    (
        "cases repin",
        &[
            "NONE --to 012345678901 --by Robin",
            "CLOSED --to 012345678901 --by Robin",
        ],
    ),
    (
        "work done",
        &[
            "NONE --action done --by Robin",
            "ITEM --action burn --by Robin",
            "ITEM --action replay --by Robin",
            "ITEM --action replay --by Robin",
            "PROMISE --action promised --by Robin",
            "PROMISE --action promised --with soon --by Robin",
            "PROMISE --action done_by_hand --by Robin",
            "PROMISE --by Robin",
        ],
    ),
    (
        "jobs replay",
        &[
            "NONE --by Robin",
            "--state dead --by Robin",
            "JOB --by Robin",
            "JOB --by Robin",
        ],
    ),
    (
        "jobs cancel",
        &[
            "NONE --by Robin",
            "TIMER --by Robin",
            "STANDING --by Robin",
            "JOB --by Robin",
            "JOB --by Robin",
            "--state ready --by Robin",
        ],
    ),
    ("clients link", &["client-1 101 --by Robin"]),
    (
        "import check-ins",
        &["clear-relay.toml --by Robin", "nowhere.csv --by Robin"],
    ),
    (
        "clients replied",
        &[
            "client-1 --by Robin",
            "nobody --by Robin",
            "client-1 --by Robin",
        ],
    ),
    (
        "coaches away",
        &[
            "coach_beth --until 2126-11-13 --deputy coach_ruth --by Robin",
            "nobody --until 2026-11-13 --deputy coach_ruth --by Robin",
            "coach_beth --until 2001-11-13 --by Robin",
        ],
    ),
    (
        "coaches back",
        &["coach_beth --by Robin", "nobody --by Robin"],
    ),
    ("hooks sync", &["", "--finish-rotation"]),
    ("vendors resume", &["nobody --by Robin", "keap --by Robin"]),
    ("keap set-contact-type", &["client-1 In-Person --by Robin"]),
    ("keap cancel-subscription", &["client-1 --by Robin --yes"]),
    ("migrate", &["", ""]),
    (
        "restore",
        &["nowhere.db --by Robin", "clear-relay.toml --by Robin"],
    ),
    (
        "database mend",
        &["nonsense 1 --by Robin", "jobs 1 --by Robin"],
    ),
    (
        "database discard",
        &["nonsense 1 --by Robin", "jobs 1 --by Robin"],
    ),
];

/// Those that are compared in tests of their own below, or run until they are ended.
const ELSEWHERE: [&str; 3] = ["connect keap", "init", "serve"];

fn with_dry_run(command: &Command, path: &str, found: &mut BTreeSet<String>) {
    let dry = command.get_arguments().any(|arg| arg.get_id() == "dry_run");
    if dry {
        found.insert(path.trim().to_owned());
    }
    for sub in command.get_subcommands() {
        with_dry_run(sub, &format!("{path} {}", sub.get_name()), found);
    }
}

#[test]
fn every_command_with_a_dry_run_is_compared() {
    let mut found = BTreeSet::new();
    with_dry_run(&Cli::command(), "", &mut found);
    let compared = COMPARED.iter().map(|(path, _)| (*path).to_owned());
    let compared: BTreeSet<String> = compared.chain(ELSEWHERE.map(str::to_owned)).collect();
    assert_eq!(found, compared);
}

/// What is stored when a command is typed.
struct Stored {
    open: CaseId,
    closed: CaseId,
    dead: JobId,
    timer: JobId,
    standing: JobId,
    item: WorkItemId,
    promise: WorkItemId,
}

fn case(id: CaseId, status: CaseStatus, client: &str) -> Case {
    Case {
        id,
        client: client.into(),
        procedure: "missed_check_in".to_owned(),
        procedure_hash: "0123456789abcdef".to_owned(),
        logic: 1,
        mode: Mode::Propose,
        version: 1,
        wait: (!status.is_closed()).then(|| Wait::Timer {
            until: now(),
            why: "48 hours after the message".to_owned(),
        }),
        status,
        step: "portal_message".to_owned(),
        visit: 1,
        generation: 1,
        data: serde_json::Value::Null,
        opened_at: now(),
        changed_at: now(),
    }
}

/// Vendors that are on and away: what needs them fails alike.
fn configure(folder: &Path) {
    let config = format!(
        "[http]\npublic_url = \"https://relay.example.test/\"\n\
         [keap]\nmode = \"on\"\nbase_url = \"http://127.0.0.1:9/crm\"\nkey = \"k\"\n\
         hook_secrets = {{ a = \"{}\" }}\n\
         [clear_connection]\nmode = \"on\"\nbase_url = \"http://127.0.0.1:9/api\"\n\
         token = \"t\"\nwebhook_keys = {{ a = \"whsec_{}=\" }}\n",
        "a".repeat(22),
        "A".repeat(43)
    );
    std::fs::write(folder.join("clear-relay.toml"), config).expect("written");
}

async fn furnish(folder: &Path) -> Stored {
    configure(folder);
    let random = SeededRandom::new(7);
    let stored = Stored {
        open: CaseId::new(&random, now()),
        closed: CaseId::new(&random, now()),
        dead: JobId::new(&random, now()),
        timer: JobId::new(&random, now()),
        standing: JobId::new(&random, now()),
        item: WorkItemId::new(&random, now()),
        promise: WorkItemId::new(&random, now()),
    };
    let store = SqliteStore::open(&folder.join("clear-relay.db"))
        .await
        .expect("opened");
    store.migrate().await.expect("migrated");
    let closed = CaseStatus::Closed {
        reason: "checked in".to_owned(),
    };
    let job = |id: JobId, kind: &str, payload: serde_json::Value| Op::Enqueue {
        job: NewJob {
            id,
            key: format!("{kind}/{id}"),
            kind: kind.to_owned(),
            lane: id.to_string(),
            run_at: now(),
            client: Some("client-1".into()),
            case: (kind == "timer").then_some(stored.open),
            payload,
        },
        existing: Existing::Keep,
    };
    let item = |id: WorkItemId, kind: &str, actions: &[&str]| {
        Op::OpenWork(WorkItem {
            id,
            dedupe_key: format!("{kind}/{id}"),
            kind: kind.to_owned(),
            owner: "admin".to_owned(),
            title: "Something to do".to_owned(),
            detail: json!({ "job": stored.dead }),
            actions: actions.iter().map(|action| (*action).to_owned()).collect(),
            client: Some("client-1".into()),
            case: None,
            effect: None,
            opened_at: now(),
            due: now(),
            remind_at: now(),
            reminders: 0,
            settled: None,
        })
    };
    let ops = vec![
        Op::InsertCase(case(stored.open, CaseStatus::Open, "client-1")),
        Op::InsertCase(case(stored.closed, closed, "client-2")),
        job(stored.dead, "reread_batch", json!({})),
        job(
            stored.timer,
            "timer",
            json!({ "case": stored.open, "generation": 1 }),
        ),
        job(stored.standing, "reconcile", json!({})),
        item(stored.item, "dead_job", &["replay", "cancel"]),
        item(
            stored.promise,
            "reply",
            &["promised", "done_by_hand", "resume"],
        ),
    ];
    store.commit(ops.into()).await.expect("stored");
    store.close().await;
    stored
}

fn filled(text: &str, stored: &Stored) -> Vec<String> {
    let none = "0192f3c4-7a10-7000-8000-00000000ffff";
    let put = |word: &str| match word {
        "CASE" => stored.open.to_string(),
        "CLOSED" => stored.closed.to_string(),
        "JOB" => stored.dead.to_string(),
        "TIMER" => stored.timer.to_string(),
        "STANDING" => stored.standing.to_string(),
        "ITEM" => stored.item.to_string(),
        "PROMISE" => stored.promise.to_string(),
        "NONE" => none.to_owned(),
        other => other.to_owned(),
    };
    text.split_whitespace().map(put).collect()
}

#[tokio::test]
async fn a_dry_run_and_its_command_end_alike() {
    for (path, inputs) in COMPARED {
        let folder = tempfile::tempdir().expect("a folder");
        let stored = furnish(folder.path()).await;
        for input in inputs {
            let words = filled(&format!("{path} {input}"), &stored);
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let dry: Vec<&str> = words.iter().copied().chain(["--dry-run"]).collect();
            let promised = run(folder.path(), &[], &dry);
            let done = run(folder.path(), &[], &words);
            assert_eq!(
                promised.status.code(),
                done.status.code(),
                "{path} {input}\ndry: {}\nreal: {}",
                shown(&promised),
                shown(&done)
            );
        }
    }
}

#[test]
fn init_refuses_dry_what_it_refuses() {
    let folder = tempfile::tempdir().expect("a folder");
    for expected in [true, false] {
        let dry = run(folder.path(), &[], &["init", "--dry-run"]);
        let real = run(folder.path(), &[], &["init"]);
        assert_eq!(dry.status.success(), expected, "{}", shown(&dry));
        assert_eq!(real.status.success(), expected, "{}", shown(&real));
    }
}

#[test]
fn migrate_refuses_dry_what_no_migration_can_help() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("clear-relay.db");
    std::fs::write(&database, "this is a diary and no database ".repeat(64)).expect("written");
    let dry = run(folder.path(), &[], &["migrate", "--dry-run"]);
    let real = run(folder.path(), &[], &["migrate"]);
    assert!(!dry.status.success(), "{}", shown(&dry));
    assert!(!real.status.success(), "{}", shown(&real));
}

#[test]
fn serve_and_connect_refuse_dry_what_they_refuse() {
    let folder = tempfile::tempdir().expect("a folder");
    for args in [
        &["serve"][..],
        &["serve", "--time-scale", "0"],
        &["connect", "keap", "--by", "Robin"],
        &["connect", "keap", "--by", "Robin", "--code-file", "nowhere"],
    ] {
        let dry: Vec<&str> = args.iter().copied().chain(["--dry-run"]).collect();
        let (dry, real) = (run(folder.path(), &[], &dry), run(folder.path(), &[], args));
        assert_eq!(
            dry.status.code(),
            real.status.code(),
            "{args:?}: {}",
            shown(&dry)
        );
        assert!(!real.status.success(), "{args:?}: {}", shown(&real));
    }
}
