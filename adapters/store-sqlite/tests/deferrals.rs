//! Migration 0012: what an earlier version wrote into a job's note and error becomes columns.

#![expect(
    clippy::unwrap_used,
    reason = "a step that fails ends the test, in helpers too"
)]

use std::path::Path;

use sqlx::{AssertSqlSafe, Connection, SqliteConnection};

const AT: &str = "0012_job_deferrals.sql";

/// The migrations before the one of this test, and that one.
fn migrations() -> (Vec<String>, String) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations/sqlite");
    let mut names: Vec<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.as_str() <= AT)
        .collect();
    names.sort();
    let read = |name: &String| std::fs::read_to_string(folder.join(name)).unwrap();
    let last = names.pop().unwrap();
    assert_eq!(last, AT);
    (names.iter().map(read).collect(), read(&last))
}

async fn run(conn: &mut SqliteConnection, sql: String) {
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(conn)
        .await
        .unwrap();
}

/// A job as the version before wrote it.
struct Old {
    state: &'static str,
    note: Option<&'static str>,
    error: Option<(&'static str, &'static str)>,
}

async fn insert(conn: &mut SqliteConnection, number: i64, old: &Old) {
    let (class, message) = old.error.unzip();
    let held = (old.state == "running").then_some("w-1");
    sqlx::query!(
        "INSERT INTO jobs (seq, id, key, kind, lane, state, run_at, fence, failures, leased_by,
             lease_until, payload, error_class, error_message, note, created_at, changed_at)
         VALUES (?1, randomblob(16), ?1, 'read', ?1, ?2, 0, 1, 0, ?3,
             CASE WHEN ?3 IS NULL THEN NULL ELSE 0 END, 'null', ?4, ?5, ?6, 0, 0)",
        number,
        old.state,
        held,
        class,
        message,
        old.note
    )
    .execute(conn)
    .await
    .unwrap();
}

/// `deferred_by`, `refused`, `error_vendor`.
type Columns = (Option<&'static str>, bool, Option<&'static str>);

#[tokio::test]
async fn notes_and_errors_of_before_become_columns() {
    const REFUSED: &str =
        "waits for its turn at keap: it asked to wait (a call of its own was refused)";
    let job = |state, note, error| Old { state, note, error };
    let jobs: [(Old, Columns); 12] = [
        (job("ready", None, None), (None, false, None)),
        (
            job(
                "ready",
                Some("waits for its turn at keap: the quota of a second"),
                None,
            ),
            (Some("keap"), false, None),
        ),
        (
            job(
                "running",
                Some("waits for its turn at clear-connection: 9:30: down"),
                None,
            ),
            (Some("clear-connection"), false, None),
        ),
        (
            job("ready", Some(REFUSED), None),
            (Some("keap"), true, None),
        ),
        (
            job(
                "ready",
                Some("outside the hours (a call of its own was refused)"),
                None,
            ),
            (None, true, None),
        ),
        (
            job(
                "ready",
                None,
                Some((
                    "retryable",
                    "keap read contact failed with status 429: no \
                 (a call of its own was refused)",
                )),
            ),
            (None, true, None),
        ),
        // Only at the end, and only at the beginning.
        (
            job("ready", Some("it waits for its turn at keap: no"), None),
            (None, false, None),
        ),
        (
            job(
                "ready",
                Some("(a call of its own was refused) before noon"),
                None,
            ),
            (None, false, None),
        ),
        // What is over begins anew without any of it.
        (job("dead", Some(REFUSED), None), (None, false, None)),
        (job("done", Some(REFUSED), None), (None, false, None)),
        (
            job(
                "ready",
                None,
                Some((
                    "unauthorised",
                    "keap read contact failed with status 401: no",
                )),
            ),
            (None, false, Some("keap")),
        ),
        (
            job(
                "ready",
                None,
                Some(("permanent", "keap read contact failed with status 422: no")),
            ),
            (None, false, None),
        ),
    ];
    let (before, migration) = migrations();
    let mut conn = SqliteConnection::connect("sqlite::memory:").await.unwrap();
    for sql in before {
        run(&mut conn, sql).await;
    }
    for (number, (old, _)) in (1..).zip(&jobs) {
        insert(&mut conn, number, old).await;
    }
    run(&mut conn, migration).await;
    for (number, (_, expected)) in (1_i64..).zip(&jobs) {
        let row = sqlx::query!(
            "SELECT deferred_by, refused, error_vendor FROM jobs WHERE seq = ?1",
            number
        )
        .fetch_one(&mut conn)
        .await
        .unwrap();
        let by = row.deferred_by.as_deref();
        let found = (by, row.refused != 0, row.error_vendor.as_deref());
        assert_eq!(found, *expected, "job {number}");
    }
}
