//! One value that can't be read, in any column of any table: everybody else is followed up, the row is
//! named, and a command mends it or takes it out, with nothing sent twice.
//!
//! - [`every`]: every column of every table, as many rows of each as differ in kind;
//! - [`words`]: the relay's words to itself, of which the careful reading wins;
//! - [`copies`]: such databases backed up and brought back;
//! - here: single stories.

mod copies;
mod every;
mod words;

use std::collections::BTreeSet;
use std::path::PathBuf;

use clear_relay::engine::commands::work;
use clear_relay::engine::start;
use clear_relay::wiring::generation;
use relay_core::facts::FactBody;
use relay_core::ids::{CaseId, EffectKey};
use relay_store::{Damage, JobState, ReceiptState, Remedied, Remedy, RemedyOrder};
use relay_store_sqlite::spoil;

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
    INSERT INTO incidents VALUES ('keap', 1, '{}');
    INSERT INTO engagement (contact, kind, at, exact, seen_at, source, label_key)
        VALUES ('contact-maya', 'open', 1700000000000000, 0, 1700000000000000, 'post', 'x');
    INSERT INTO watched_addresses VALUES ('contact-maya', 'digest', 1700000000000000);
    INSERT INTO audit (at, who, what, object, detail) VALUES (1, 'lena', 'stop', 'outreach', '{}');
    INSERT INTO settings VALUES
        ('outreach',
         '{\"stopped\":false,\"by\":\"lena\",\"at\":\"2026-11-01T00:00:00Z\",\"reason\":null}'),
        ('memory/old', '{\"until\":\"2026-10-01T00:00:00Z\",\"why\":\"restored\"}'),
        ('hook_paths/closed', '{\"a\":\"0011223344556677\"}'),
        ('hook_handshake/keap', 'null'),
        ('hook_watch/asked', 'null'),
        ('clock/accepted', '{\"ahead_seconds\":0}'),
        ('engagement_watermark', '\"2026-11-04T00:00:00Z\"'),
        ('engagement_cursor', '\"contact-maya\"'),
        ('readiness.checked_at', '\"2026-11-04T00:00:00Z\"'),
        ('file/looked_at', '\"2026-11-04T00:00:00Z\"'),
        ('absent/contact/contact-maya', 'null'),
        ('addresses/maya/00', 'true'),
        ('stopped_subscription/7', '\"maya\"'),
        ('seen/contact/contact-maya', '\"2026-11-04T00:00:00Z\"')
        ON CONFLICT DO NOTHING;
    INSERT INTO work_items (id, dedupe_key, kind, owner, title, detail, actions, client, opened_at,
        due, remind_at, reminders)
        VALUES (randomblob(16), 'k', 'alarm', 'admin', 't', '{}', '[\"done\"]', 'maya',
        1793700000000000, 1893700000000000, 1893700000000000, 0);
    INSERT INTO damaged (at, who, what, table_name, row, columns)
        VALUES (1, 'lena', 'discarded', 'audit', '9', '{}');
    INSERT INTO procedures VALUES ('old-1', 'old', '{}') ON CONFLICT DO NOTHING;";

async fn base() -> Base {
    let rig = Rig::new().await.counting();
    start::prepare(&rig.engine).await.unwrap();
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
    std::fs::copy(generation::beside(&rig.file()), generation::beside(&file)).unwrap();
    spoil::run(&file, MORE_ROWS).await.unwrap();
    Base {
        _folder: folder,
        file,
        seen,
        maya,
        ana,
    }
}

/// A relay on a copy of the base, with its generation file.
async fn on(base: &Base) -> Rig {
    let rig = Rig::on_copy(&base.file, &base.seen).await.counting();
    std::fs::copy(
        generation::beside(&base.file),
        generation::beside(&rig.file()),
    )
    .unwrap();
    rig
}

/// The same with this done to it; how many rows that changed.
async fn with(base: &Base, sql: &str) -> (Rig, u64) {
    let rig = on(base).await;
    let changed = spoil::run(rig.file(), sql).await.unwrap();
    (rig, changed)
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

/// Working days of the clinic.
const DAYS: [&str; 3] = [
    "2026-11-05T12:00:00-07:00",
    "2026-11-06T10:00:00-07:00",
    "2026-11-09T10:00:00-07:00",
];

/// The days after them.
const LATER: [&str; 2] = ["2026-11-10T10:00:00-07:00", "2026-11-11T10:00:00-07:00"];

async fn live(rig: &Rig, moments: &[&str]) {
    for moment in moments {
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
    let of_it = |left: &Damage| left.table == order.damage.table && left.row == order.damage.row;
    let left = rig.store.check_rows().await.unwrap();
    assert!(!left.iter().any(of_it), "{what}: {left:?}");
    // What hung on another row that went has gone with it, and an old memory that is older still by
    // another row's damage has a new mark.
    let without = order.damage.table == "attempts" || order.damage.row == "memory/old";
    if !is_left && without {
        return;
    }
    let kept = format!(
        "SELECT 1 FROM damaged WHERE table_name = '{}' AND row = '{}' AND what <> 'set_aside'",
        order.damage.table,
        order.damage.row.replace('\'', "''")
    );
    assert!(
        !ask(rig, &kept).await.is_empty(),
        "{what}: the bytes of {} are gone, {done:?}, left {is_left}",
        order.damage
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
    let rig = on(&base).await;
    let before = accepted(&rig, base.maya).len();
    live(&rig, &DAYS).await;
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
    live(&rig, &LATER).await;
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
        let (rig, changed) = with(
            &base,
            &format!(
                "UPDATE effects SET {column} = CAST(x'ff' || CAST(coalesce({column}, '') AS BLOB) AS TEXT)
                 WHERE client = 'maya' AND kind = 'portal_message'"
            ),
        )
        .await;
        assert_eq!(changed, 1);
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
            let item = asked.iter().find(|item| item.actions == ["happened"]);
            let item = item.unwrap_or_else(|| panic!("{column}: {asked:?}"));
            let settled = work::settle_work(&rig.engine, item.id, "Ada", "happened", None);
            settled.await.unwrap();
            let state =
                "SELECT state FROM effects WHERE client = 'maya' AND kind = 'portal_message'";
            assert_eq!(ask(&rig, state).await, ["done"], "{column}");
            assert!(
                rig.work("damage")
                    .await
                    .iter()
                    .all(|left| left.id != item.id)
            );
        }
        live(&rig, &DAYS).await;
        assert_sound(&rig, column).await;
        let keys = accepted(&rig, base.maya);
        let messages = keys.iter().filter(|key| key.as_str().ends_with("message"));
        assert!(messages.count() <= 1, "{column}: {keys:?}");
    }
}

#[tokio::test]
async fn an_unread_webhook_that_was_mended_is_read() {
    let base = base().await;
    let unnamed = "UPDATE receipts SET verified_by = CAST(x'ff' AS TEXT)
                   WHERE seq = (SELECT max(seq) FROM receipts)";
    let (rig, _) = with(&base, unnamed).await;
    rig.drain().await;
    let state = "SELECT state FROM receipts ORDER BY seq DESC LIMIT 1";
    assert_eq!(ask(&rig, state).await, ["quarantined"]);
    let damage = rig.store.check_rows().await.unwrap().remove(0);
    remedied(&rig, damage, Remedy::Mend, "the webhook").await;
    rig.drain().await;
    assert_eq!(ask(&rig, state).await, [ReceiptState::Done.as_str()]);
}
