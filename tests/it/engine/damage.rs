//! One value that can't be read, in any column of any table: everybody else is followed up, the row is
//! named, and a command mends it or takes it out, with nothing sent twice.
//!
//! The tables and columns are those of the schema, so a new one is tried without anybody thinking of it.
//! A value is made unreadable as a changed byte would: a text that is no UTF-8, a number that is none of
//! its kind.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use relay_core::facts::FactBody;
use relay_core::ids::{CaseId, EffectKey};
use relay_store::{Damage, JobState, ReceiptState, Remedied, Remedy, RemedyOrder};
use relay_store_sqlite::spoil;
use serde_json::Value;

use super::rig::{Rig, Seen};

/// A clinic in the middle of two follow-ups, put away in a file.
struct Base {
    _folder: tempfile::TempDir,
    file: PathBuf,
    seen: Seen,
    maya: CaseId,
    ana: CaseId,
}

/// A row of every table that nothing in the story fills.
const MORE_ROWS: &str = "
    INSERT INTO links (client, contact, source, at) VALUES ('maya', 'contact-maya', 'portal', 1)
        ON CONFLICT DO NOTHING;
    INSERT INTO credentials (name, version, state, key_id, sealed, issued_at, access_expires_at,
        refresh_expires_at, tries, changed_at)
        VALUES ('keap', 1, 'fresh', 'k1', zeroblob(64), 1, 2, 3, 0, 1);
    INSERT INTO authorizations VALUES ('keap', zeroblob(32), 1);
    INSERT INTO pace VALUES ('keap', 1, '{}');
    INSERT INTO engagement (contact, kind, at, exact, seen_at, source, label_key)
        VALUES ('contact-maya', 'open', 1700000000000000, 0, 1700000000000000, 'post', 'x');
    INSERT INTO watched_addresses VALUES ('contact-maya', 'digest', 1700000000000000);
    INSERT INTO audit (at, who, what, object, detail) VALUES (1, 'lena', 'stop', 'outreach', '{}');
    INSERT INTO settings VALUES ('outreach',
        '{\"stopped\":false,\"by\":\"lena\",\"at\":\"2026-11-01T00:00:00Z\",\"reason\":null}')
        ON CONFLICT DO NOTHING;
    INSERT INTO work_items (id, dedupe_key, kind, owner, title, detail, actions, client, opened_at,
        due, remind_at, reminders)
        VALUES (randomblob(16), 'k', 'alarm', 'admin', 't', '{}', '[\"done\"]', 'maya',
        1793700000000000, 1893700000000000, 1893700000000000, 0);
    INSERT INTO damaged (at, who, what, table_name, row, columns)
        VALUES (1, 'lena', 'discarded', 'audit', '9', '{}');
    INSERT INTO procedures VALUES ('old-1', 'old', '{}') ON CONFLICT DO NOTHING;";

async fn base() -> Base {
    let rig = Rig::new().await;
    rig.clock.set("2026-11-03T12:00:00-07:00".parse().unwrap());
    for (client, check_in) in [("maya", "c1"), ("ana", "c2")] {
        rig.list(client, check_in, "2026-11-03");
        let due = rig.due(client, check_in, "2026-11-03");
        rig.receive(&[due]).await;
    }
    rig.drain().await;
    rig.clock.set("2026-11-04T00:05:00-07:00".parse().unwrap());
    rig.drain().await;
    rig.clock.set("2026-11-04T09:05:00-07:00".parse().unwrap());
    rig.drain().await;
    let [maya, ana] = ["maya", "ana"].map(|client| {
        let store = rig.store.clone();
        async move { store.open_cases(&client.into()).await.unwrap()[0].id }
    });
    let (maya, ana) = (maya.await, ana.await);
    // News of hers that nobody has read yet.
    let body = FactBody::CheckInDue {
        check_in: "c3".into(),
        due: super::rig::date("2026-11-24"),
        due_at: None,
    };
    rig.receive(&[rig.fact("maya", "c3", body)]).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("base.db");
    let seen = rig.seen();
    rig.store.close().await;
    std::fs::copy(rig.file(), &file).unwrap();
    spoil::run(&file, MORE_ROWS).await.unwrap();
    Base {
        _folder: folder,
        file,
        seen,
        maya,
        ana,
    }
}

/// The row of a table that is damaged: Maya's, where rows are clients'.
fn row_of(table: &str) -> &'static str {
    match table {
        "facts" => "seq = (SELECT max(seq) FROM facts WHERE client = 'maya')",
        "cases" | "links" => "client = 'maya'",
        "timeline" => {
            "seq = (SELECT max(t.seq) FROM timeline t JOIN cases c ON c.id = t.case_id
                    WHERE c.client = 'maya')"
        }
        "effects" => "client = 'maya' AND kind = 'portal_message'",
        "intents" => {
            "effect = (SELECT key FROM effects WHERE client = 'maya' AND kind = 'portal_message')"
        }
        "jobs" => {
            "seq = (SELECT max(seq) FROM jobs WHERE client = 'maya' AND state = 'ready'
                    AND kind = 'timer')"
        }
        "attempts" => {
            "job = (SELECT max(seq) FROM jobs WHERE client = 'maya' AND seq IN
                    (SELECT job FROM attempts))"
        }
        "coaches" => "id = (SELECT min(id) FROM coaches)",
        "settings" => "key = 'outreach'",
        "procedures" => "hash = 'old-1'",
        "credentials" | "authorizations" | "pace" | "watched_addresses" => "1",
        "receipts" => "seq = (SELECT max(seq) FROM receipts)",
        "audit" => "seq = (SELECT max(seq) FROM audit)",
        "engagement" => "seq = (SELECT max(seq) FROM engagement)",
        "work_items" => "dedupe_key = 'k'",
        _ => "rowid = (SELECT max(rowid) FROM damaged)",
    }
}

/// Every column with content, with its type.
async fn columns(file: &Path) -> Vec<(String, String, String)> {
    let found = spoil::ask(
        file,
        "SELECT m.name || ' ' || c.name || ' ' || c.type
         FROM sqlite_schema m, pragma_table_info(m.name) c
         WHERE m.type = 'table' AND m.name NOT LIKE '\\_sqlx%' ESCAPE '\\'
           AND m.name NOT LIKE 'sqlite%' AND c.name <> 'seq' AND c.type <> 'BLOB'
           AND NOT (m.name = 'attempts' AND c.name IN ('job', 'fence'))
         ORDER BY m.name, c.cid",
    );
    let split = |line: &String| {
        let mut words = line.split(' ').map(str::to_owned);
        Some((words.next()?, words.next()?, words.next()?))
    };
    let columns = found.await.unwrap();
    columns.iter().map(|line| split(line).unwrap()).collect()
}

async fn spoiled(base: &Base, table: &str, column: &str, kind: &str) -> Rig {
    let rig = Rig::on_copy(&base.file, &base.seen).await;
    let bad = match kind {
        "TEXT" => format!("CAST(x'ff' || CAST(coalesce({column}, '') AS BLOB) AS TEXT)"),
        _ => "9223372036854775807".to_owned(),
    };
    let sql = format!(
        "UPDATE {table} SET {column} = {bad} WHERE {}",
        row_of(table)
    );
    let changed = spoil::run(rig.file(), &sql).await.unwrap();
    assert_eq!(changed, 1, "{table}.{column}: no row of it in the story");
    rig
}

/// What was accepted in a case.
fn accepted(rig: &Rig, case: CaseId) -> Vec<EffectKey> {
    let vendors = rig.world.now();
    let keys = vendors.accepted.iter().map(|(key, _)| key.clone());
    keys.filter(|key| key.as_str().starts_with(&case.to_string()))
        .collect()
}

async fn ask(rig: &Rig, sql: &str) -> Vec<String> {
    spoil::ask(rig.file(), sql).await.unwrap()
}

/// Two working days of the clinic.
async fn live_on(rig: &Rig) {
    for moment in [
        "2026-11-05T12:00:00-07:00",
        "2026-11-06T09:05:00-07:00",
        "2026-11-06T10:00:00-07:00",
        "2026-11-09T10:00:00-07:00",
    ] {
        rig.clock.set(moment.parse().unwrap());
        rig.real.set(moment.parse().unwrap());
        rig.drain().await;
    }
}

/// What must hold of a database whatever was done to it.
async fn assert_sound(rig: &Rig, what: &str) {
    assert!(
        ask(rig, "PRAGMA foreign_key_check").await.is_empty(),
        "{what}"
    );
    assert_eq!(ask(rig, "PRAGMA integrity_check").await, ["ok"], "{what}");
    let without_wait = ask(
        rig,
        "SELECT client FROM cases WHERE status <> 'closed' AND wait IS NULL
         UNION ALL
         SELECT client FROM cases c WHERE status = 'open'
           AND json_extract(wait, '$.wait') = 'timer' AND NOT EXISTS (
             SELECT 1 FROM jobs j WHERE j.case_id = c.id AND j.kind = 'timer'
               AND j.state IN ('ready', 'running'))",
    );
    assert!(
        without_wait.await.is_empty(),
        "{what}: a case waits for nothing"
    );
    let vendors = rig.world.now();
    let keys: Vec<_> = vendors.accepted.iter().map(|(key, _)| key).collect();
    let once: BTreeSet<_> = keys.iter().map(|key| key.as_str()).collect();
    assert_eq!(keys.len(), once.len(), "{what}: sent twice: {keys:?}");
}

#[tokio::test]
async fn one_unreadable_value_in_any_column_stops_nobody_else_is_named_and_remedied() {
    let base = base().await;
    let columns = columns(&base.file).await;
    assert!(columns.len() > 120, "{}", columns.len());
    let base = Arc::new(base);
    let (mut unreadable, mut wrong) = (0, Vec::new());
    for (number, (table, column, kind)) in columns.iter().enumerate() {
        let remedy = if number % 2 == 0 {
            Remedy::Mend
        } else {
            Remedy::Discard
        };
        let what = format!("{table}.{column}, {remedy:?}");
        let one = one(
            Arc::clone(&base),
            [table, column, kind].map(Clone::clone),
            remedy,
            what.clone(),
        );
        // A task of its own, so that every column that fails is told.
        match tokio::spawn(one).await {
            Ok(named) => unreadable += usize::from(named),
            Err(_) => wrong.push(what),
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
    assert!(unreadable > 90, "{unreadable}");
}

/// One column of one table. Whether its value can be made unreadable at all.
async fn one(base: Arc<Base>, column: [String; 3], remedy: Remedy, what: String) -> bool {
    let [table, column, kind] = &column;
    let rig = spoiled(&base, table, column, kind).await;
    let before = accepted(&rig, base.ana).len();

    // It is named.
    let named = rig.store.check_rows().await.unwrap();
    let damage = named.into_iter().find(|damage| damage.table == *table);
    assert!(damage.is_some() || kind != "TEXT", "{what}: not named");

    // Everybody else is followed up, and an admin is told.
    live_on(&rig).await;
    // Nobody's outreach goes on while nobody knows whether it was stopped.
    if table != "settings" {
        assert!(accepted(&rig, base.ana).len() > before, "{what}: ana waits");
    }
    let is_named = damage.is_some();
    if let Some(damage) = damage {
        let told = rig.work("damage").await;
        let mut told = told.iter().map(|item| &item.detail);
        let about = |detail: &Value| detail["table"] == *table && detail["row"] == damage.row;
        assert!(told.any(about), "{what}: nobody was told");
        remedied(&rig, damage, remedy, &what).await;
    }
    live_on(&rig).await;
    assert_sound(&rig, &what).await;
    rig.store.close().await;
    is_named
}

/// A command does something about the row.
async fn remedied(rig: &Rig, damage: Damage, remedy: Remedy, what: &str) {
    let left = rig.store.check_rows().await.unwrap();
    // What the relay can do without has healed by itself.
    let mut left = left.iter();
    let is_left = left.any(|left| left.table == damage.table && left.row == damage.row);
    let mut order = RemedyOrder {
        damage,
        remedy,
        by: "lena".into(),
        now: rig.engine.now(),
        dry_run: true,
    };
    let would = rig.store.remedy(&order).await.unwrap();
    order.dry_run = false;
    let done = rig.store.remedy(&order).await.unwrap();
    assert_eq!(would, done, "{what}");
    assert_eq!(done != Remedied::Nothing, is_left, "{what}: {done:?}");
    let left = rig.store.check_rows().await.unwrap();
    assert!(left.is_empty(), "{what}: {left:?}");
    let kept = format!(
        "SELECT 1 FROM damaged WHERE table_name = '{}' AND row = '{}' AND what <> 'set_aside'",
        order.damage.table,
        order.damage.row.replace('\'', "''")
    );
    assert!(
        !ask(rig, &kept).await.is_empty(),
        "{what}: its bytes are gone"
    );
}

#[tokio::test]
async fn a_flipped_byte_in_a_ready_jobs_payload_sets_that_job_aside_and_nothing_else() {
    let base = base().await;
    let payload = "SELECT payload FROM jobs WHERE client = 'maya' AND kind = 'timer'
                   AND state = 'ready'";
    let payload = spoil::ask(&base.file, payload).await.unwrap().remove(0);
    // On the disk itself, as a failing one does it.
    let mut bytes = std::fs::read(&base.file).unwrap();
    let places: Vec<usize> = bytes
        .windows(payload.len())
        .enumerate()
        .filter(|(_, window)| *window == payload.as_bytes())
        .map(|(place, _)| place)
        .collect();
    assert!(!places.is_empty());
    for place in places {
        bytes[place] ^= 0x04;
    }
    std::fs::write(&base.file, bytes).unwrap();
    let rig = Rig::on_copy(&base.file, &base.seen).await;
    let before = accepted(&rig, base.maya).len();
    live_on(&rig).await;
    assert!(accepted(&rig, base.ana).len() > 1);
    assert_eq!(accepted(&rig, base.maya).len(), before);
    let told = rig.work("damage").await;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].detail["table"], "jobs");
    assert_eq!(told[0].detail["column"], "payload");
    let damage = Damage {
        table: "jobs".into(),
        row: told[0].detail["row"].as_str().unwrap().into(),
        column: "payload".into(),
    };
    remedied(&rig, damage, Remedy::Mend, "the job").await;
    live_on(&rig).await;
    assert!(
        accepted(&rig, base.maya).len() > before,
        "mended, and not run"
    );
    assert_sound(&rig, "the job").await;
    assert!(
        rig.jobs("timer")
            .await
            .iter()
            .all(|job| job.state != JobState::Dead)
    );
}

#[tokio::test]
async fn what_may_have_gone_out_is_never_sent_again_for_the_lack_of_its_row() {
    for (number, column) in ["input", "request", "state", "settled", "key"]
        .iter()
        .enumerate()
    {
        let base = base().await;
        let unclear = "UPDATE effects SET state = 'unclear', settled = NULL, vendor_ref = NULL
                       WHERE client = 'maya' AND kind = 'portal_message'";
        spoil::run(&base.file, unclear).await.unwrap();
        let rig = spoiled(&base, "effects", column, "TEXT").await;
        let damage = rig.store.check_rows().await.unwrap().remove(0);
        let remedy = if number % 2 == 0 {
            Remedy::Discard
        } else {
            Remedy::Mend
        };
        remedied(&rig, damage, remedy, column).await;
        let state = "SELECT state FROM effects WHERE client = 'maya' AND kind = 'portal_message'";
        let state = ask(&rig, state).await.remove(0);
        assert!(
            matches!(state.as_str(), "unsettled" | "unclear"),
            "{column}: {state}"
        );
        let asked = rig.work("damage").await;
        if state == "unsettled" {
            assert!(
                asked.iter().any(|item| item.actions == ["happened"]),
                "{column}"
            );
        }
        live_on(&rig).await;
        assert_sound(&rig, column).await;
        let keys = accepted(&rig, base.maya);
        let messages = keys.iter().filter(|key| key.as_str().ends_with("message"));
        assert!(messages.count() <= 1, "{column}: {keys:?}");
    }
}

#[tokio::test]
async fn an_unread_webhook_that_was_mended_is_read() {
    let base = base().await;
    let rig = spoiled(&base, "receipts", "verified_by", "TEXT").await;
    rig.drain().await;
    let state = "SELECT state FROM receipts ORDER BY seq DESC LIMIT 1";
    assert_eq!(ask(&rig, state).await, ["quarantined"]);
    let damage = rig.store.check_rows().await.unwrap().remove(0);
    remedied(&rig, damage, Remedy::Mend, "the webhook").await;
    rig.drain().await;
    assert_eq!(ask(&rig, state).await, [ReceiptState::Done.as_str()]);
}
