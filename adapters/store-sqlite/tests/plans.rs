//! How SQLite carries the statements out: what grows with the clinic must not be read whole.
//!
//! The statements are those that were checked when this crate was compiled (`.sqlx/`).

#![expect(
    clippy::unwrap_used,
    reason = "a step that fails ends the test, in helpers too"
)]

use std::collections::BTreeSet;
use std::path::Path;

use relay_store_sqlite::SqliteStore;
use serde_json::Value;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, Connection, Row as _, SqliteConnection};

/// Statements that may read a growing table from end to end, by a piece of their text, and why.
const WHOLE: [(&str, &str); 10] = [
    (
        "FROM audit ORDER BY seq DESC",
        "from its end, as far as the page",
    ),
    (
        "WHERE state IN (SELECT value FROM json_each(?1))\n           AND (?2 IS NULL OR kind",
        "a person lists jobs that are not stopped",
    ),
    (
        "(SELECT COUNT(*) FROM jobs) AS",
        "operations count what there is",
    ),
    (
        "FROM cases\n         WHERE (?1 IS NULL OR procedure",
        "a person lists cases, as far as the page",
    ),
    (
        "FROM links l LEFT JOIN watched_addresses",
        "the poll of opens goes through the linked clients, a few times an hour",
    ),
    (
        "FROM receipts WHERE state = ?1",
        "a person lists what is over",
    ),
    (
        "WHERE duplicate_of = (SELECT id FROM receipts",
        "a person takes out a webhook that can't be read",
    ),
    (
        "SELECT DISTINCT name FROM procedures",
        "something is done about a setting without a name",
    ),
    (
        "SELECT CAST(key AS BLOB) AS",
        "a process looks once whether every setting still has its name",
    ),
    (
        "FROM receipts WHERE verified_by = ?1",
        "an emergency's question (E74)",
    ),
];

/// Indexes that hold only what is going on now: a scan of them is none of the table.
const NOW: [&str; 10] = [
    "jobs_due",
    "jobs_lane",
    "jobs_suspect",
    "jobs_running",
    "jobs_stopped",
    "receipts_new",
    "receipts_quarantined",
    "cases_open",
    "work_items_open",
    "work_items_due",
];

/// Tables that stay small, and what is no table at all.
const SMALL: [&str; 5] = ["coaches", "pace", "incidents", "json_each", "sqlite_schema"];

fn statements() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(".sqlx");
    std::fs::read_dir(folder)
        .unwrap()
        .map(|file| {
            let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
            let checked: Value = serde_json::from_str(&text).unwrap();
            checked["query"].as_str().unwrap().to_owned()
        })
        .collect()
}

/// Whether a step of a plan reads all of a growing table.
fn reads_whole(step: &str) -> bool {
    let Some(what) = step.strip_prefix("SCAN ") else {
        return false;
    };
    let name = what.split(' ').next().unwrap_or_default();
    // A subquery's rows are those that its own steps found: what they read is looked at by itself.
    let is_small = SMALL.contains(&name)
        || name == "CONSTANT"
        || name.starts_with("pragma_")
        || name.starts_with("(subquery");
    let index = what.rsplit(' ').next().unwrap_or_default();
    !is_small && !NOW.contains(&index)
}

#[tokio::test]
async fn no_statement_reads_a_growing_table_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("relay.db");
    let store = SqliteStore::open(&path).await.unwrap();
    store.migrate().await.unwrap();
    store.close().await;
    let options = SqliteConnectOptions::new().filename(&path);
    let mut conn = SqliteConnection::connect_with(&options).await.unwrap();
    let (mut whole, mut excused) = (Vec::new(), BTreeSet::new());
    // A row that is given is put where it belongs; its plan says otherwise.
    let reads = |text: &String| !(text.starts_with("INSERT") && text.contains("VALUES"));
    for statement in statements().into_iter().filter(reads) {
        let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}"));
        let plan = sqlx::raw_sql(explain).fetch_all(&mut conn).await.unwrap();
        let mut steps = plan.iter().map(|step| step.get::<String, _>("detail"));
        let Some(step) = steps.find(|step| reads_whole(step)) else {
            continue;
        };
        match WHOLE.iter().find(|(piece, _)| statement.contains(piece)) {
            Some((piece, _)) => {
                excused.insert(*piece);
            }
            None => whole.push(format!("{step}: {statement}")),
        }
    }
    assert!(whole.is_empty(), "{}", whole.join("\n\n"));
    let known: BTreeSet<_> = WHOLE.iter().map(|(piece, _)| *piece).collect();
    assert_eq!(excused, known, "an excuse that nobody needs");
}

#[test]
fn no_limit_makes_sqlite_plan_a_statement_anew() {
    // SQLite looks at the value of a bare `LIMIT ?1` when it plans, so each new value costs a plan,
    // which is more than the statement itself.
    let is_bare = |statement: &String| {
        let text = statement.split_whitespace().collect::<Vec<_>>().join(" ");
        text.split("LIMIT ?").skip(1).any(|rest| {
            let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit());
            !rest.starts_with(" + 0")
        })
    };
    let bare: Vec<_> = statements().into_iter().filter(is_bare).collect();
    assert!(bare.is_empty(), "write LIMIT ?1 + 0: {bare:#?}");
}
