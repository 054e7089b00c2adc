//! The relay's words to itself that can't be read: the careful reading wins, and nothing lifts it without
//! a word.

use std::sync::Arc;

use clear_relay::engine::memory::{OldMemory, old_memory};
use clear_relay::engine::outreach::{is_stopped, outreach_said, stop_ops};
use clear_relay::engine::sync::reconcile;
use clear_relay::engine::{Engine, damage, start};
use clear_relay::wiring::generation::{self, NumberFile};
use relay_core::time::{SignedDuration, Timestamp};
use relay_store::{CarefulWord, Damage, Op, Remedied, Remedy, RemedyOrder, StoredWord};

use super::{Base, DAYS, LATER, accepted, ask, base, live, on, spoil::run as spoil_row, with};
use crate::engine::rig::Rig;

/// Spoils the value or the key of a setting as a changed byte does.
fn spoil(key: &str, column: &str) -> String {
    format!(
        "UPDATE settings SET {column} = CAST(x'ff' || substr(CAST({column} AS BLOB), 2) AS TEXT)
         WHERE key = '{key}'"
    )
}

async fn damage(rig: &Rig) -> Damage {
    let mut found = rig.store.check_rows().await.unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

async fn remedy(rig: &Rig, remedy: Remedy) -> Remedied {
    let order = RemedyOrder {
        damage: damage(rig).await,
        remedy,
        by: "lena".into(),
        now: rig.engine.now(),
        dry_run: false,
    };
    let done = rig.store.remedy(&order).await.unwrap();
    assert!(rig.store.check_rows().await.unwrap().is_empty());
    done
}

async fn stops(rig: &Rig) -> bool {
    let said = outreach_said(rig.store.as_ref()).await.unwrap();
    is_stopped(said.as_ref())
}

/// Outreach is stopped, and the word for it can't be read.
async fn stopped(base: &Base, column: &str) -> Rig {
    let stop = "UPDATE settings SET value = json_set(value, '$.stopped', json('true'))
                WHERE key = 'outreach';";
    let (rig, changed) = with(base, &format!("{stop}{}", spoil("outreach", column))).await;
    assert!(changed > 0);
    rig
}

#[tokio::test]
async fn a_stop_that_cant_be_read_stops_until_somebody_resumes() {
    let base = base().await;
    for column in ["value", "key"] {
        for way in [Remedy::Mend, Remedy::Discard] {
            let rig = stopped(&base, column).await;
            let before = accepted(&rig, base.ana).len() + accepted(&rig, base.maya).len();
            start::prepare(&rig.engine).await.unwrap();
            live(&rig, &DAYS).await;
            let now = || accepted(&rig, base.ana).len() + accepted(&rig, base.maya).len();
            assert_eq!(now(), before, "{column}: something went out");
            assert_eq!(rig.work("damage").await.len(), 1, "{column}");
            remedy(&rig, way).await;
            assert!(stops(&rig).await, "{column}, {way:?}");
            live(&rig, &LATER[..1]).await;
            assert_eq!(now(), before, "{column}, {way:?}: the stop was lifted");
            let resume = stop_ops(false, "lena", None, rig.engine.now());
            rig.store.commit(resume.into()).await.unwrap();
            live(&rig, &LATER[1..]).await;
            assert!(now() > before, "{column}, {way:?}: nobody goes on");
        }
    }
}

#[tokio::test]
async fn where_nothing_was_stopped_a_key_that_cant_be_read_stops_nobody() {
    let base = base().await;
    let (rig, _) = with(&base, &spoil("outreach", "key")).await;
    let before = accepted(&rig, base.ana).len();
    live(&rig, &DAYS).await;
    assert!(accepted(&rig, base.ana).len() > before);
    remedy(&rig, Remedy::Mend).await;
    let said = CarefulWord::Outreach.ask(rig.store.as_ref()).await.unwrap();
    assert!(matches!(said, StoredWord::Word(word) if word["stopped"] == false));
    // Nobody ever stopped it, and some other setting has lost its key.
    let never = "DELETE FROM settings WHERE key = 'outreach';";
    let other = spoil("seen/contact/contact-maya", "key");
    let (rig, _) = with(&base, &format!("{never}{other}")).await;
    assert!(!stops(&rig).await);
    remedy(&rig, Remedy::Discard).await;
    assert!(!stops(&rig).await);
}

#[tokio::test]
async fn an_old_memory_that_cant_be_read_is_old_without_end_however_it_is_remedied() {
    let base = base().await;
    let without_end = |old: Option<OldMemory>| old.is_some_and(|old| old.until == Timestamp::MAX);
    for way in [Remedy::Mend, Remedy::Discard] {
        let (rig, _) = with(&base, &spoil("memory/old", "value")).await;
        start::prepare(&rig.engine).await.unwrap();
        assert!(without_end(old_memory(rig.store.as_ref()).await.unwrap()));
        remedy(&rig, way).await;
        assert!(
            without_end(old_memory(rig.store.as_ref()).await.unwrap()),
            "{way:?}"
        );
    }
    // Its content is there, only its name is not.
    let (rig, _) = with(&base, &spoil("memory/old", "key")).await;
    let told = old_memory(rig.store.as_ref()).await.unwrap().unwrap();
    assert_eq!(told.until, "2026-10-01T00:00:00Z".parse().unwrap());
    remedy(&rig, Remedy::Discard).await;
    assert!(without_end(old_memory(rig.store.as_ref()).await.unwrap()));
}

#[tokio::test]
async fn a_count_that_cant_be_read_makes_the_memory_old_once() {
    let base = base().await;
    for bad in [
        "CAST(x'ff' AS TEXT)",
        "'[}'",
        "'\"far\"'",
        "'{\"generation\":-1}'",
    ] {
        let spoil = format!("UPDATE settings SET value = {bad} WHERE key = 'memory/generation'");
        let (rig, _) = with(&base, &spoil).await;
        let now = rig.engine.now();
        start::prepare(&rig.engine).await.unwrap();
        let old = old_memory(rig.store.as_ref()).await.unwrap().unwrap();
        assert_eq!(old.until, now, "{bad}");
        // The next start is as ever.
        rig.clock.advance(SignedDuration::from_mins(1));
        let next: Engine = rig.engine.clone();
        let file = Arc::new(NumberFile::beside(&rig.file()));
        start::prepare(&next.counted_with(file)).await.unwrap();
        let old = old_memory(rig.store.as_ref()).await.unwrap().unwrap();
        assert_eq!(old.until, now, "{bad}: found again");
    }
    assert!(generation::beside(&base.file).exists());
}

#[tokio::test]
async fn a_start_heals_its_own_rows_and_the_next_one_finds_nothing() {
    let base = base().await;
    for row in [
        "UPDATE settings SET value = '[}' WHERE key = 'clock/latest'",
        "UPDATE settings SET value = '[}' WHERE key LIKE 'switched_on/missed_check_in/%'",
        "UPDATE settings SET value = '[}' WHERE key = 'memory/generation'",
        "UPDATE pace SET body = '[}'",
        "UPDATE incidents SET body = '[}'",
        "UPDATE jobs SET payload = '[}' WHERE kind = 'reconcile'",
        "UPDATE jobs SET key = CAST(x'ff' AS TEXT) WHERE kind = 'reconcile'",
        "UPDATE jobs SET kind = CAST(x'ff' AS TEXT) WHERE key = 'hooks_watch'",
        "UPDATE jobs SET changed_at = 9223372036854775807 WHERE kind = 'reconcile'",
    ] {
        let (rig, changed) = with(&base, row).await;
        assert!(changed > 0, "{row}");
        start::prepare(&rig.engine).await.unwrap();
        start::prepare(&rig.engine).await.unwrap();
        for name in ["reconcile", "hooks_watch"] {
            let job = rig.store.job_by_key(name).await.unwrap().unwrap();
            assert_eq!(job.kind, name, "{row}");
        }
        live(&rig, &DAYS).await;
        assert!(rig.store.check_rows().await.unwrap().is_empty(), "{row}");
        assert_eq!(rig.work("damage").await.len(), 1, "{row}");
        let jobs = "SELECT kind FROM jobs WHERE kind IN ('reconcile', 'hooks_watch') ORDER BY kind";
        assert_eq!(ask(&rig, jobs).await, ["hooks_watch", "reconcile"], "{row}");
        let due = ask(
            &rig,
            "SELECT run_at FROM jobs WHERE key = 'reconcile' AND state = 'ready'
             AND run_at > 1794182400000000",
        );
        assert_eq!(due.await.len(), 1, "{row}: no reconcile is to come");
    }
}

#[tokio::test]
async fn a_timer_that_cant_be_read_keeps_the_reconcile_from_nobody_else() {
    let base = base().await;
    let timer = "UPDATE jobs SET payload = '[}', state = 'dead' WHERE kind = 'timer'
                 AND client = 'maya' AND state = 'ready'";
    let (rig, changed) = with(&base, timer).await;
    assert_eq!(changed, 1);
    // Her look at a check-in that nobody knows of yet was lost with its event.
    rig.clock.set("2026-11-12T12:00:00-07:00".parse().unwrap());
    rig.real.set("2026-11-12T12:00:00-07:00".parse().unwrap());
    rig.list("ana", "c9", "2026-11-10");
    let report = reconcile::reconcile(&rig.engine, false).await.unwrap();
    assert!(report.cases >= 2, "{report:?}");
    let key = "missed/ana/c9";
    assert!(
        rig.store.job_by_key(key).await.unwrap().is_some(),
        "{report:?}"
    );
    let refreshed = ask(
        &rig,
        "SELECT DISTINCT client FROM jobs WHERE kind = 'refresh' AND state = 'ready' ORDER BY client",
    );
    assert_eq!(refreshed.await, ["ana", "maya"]);
    // The doctor looks at everybody else, too.
    let found = clear_relay::engine::sync::invariants::of_store(
        rig.store.as_ref(),
        &["reconcile"],
        rig.engine.now(),
    );
    found.await.unwrap();
}

#[tokio::test]
async fn a_comparison_that_cant_be_read_keeps_nobody_else_from_theirs() {
    let rig = on(&base().await).await;
    reconcile::reconcile(&rig.engine, false).await.unwrap();
    let unreadable = "UPDATE jobs SET payload = '[}' WHERE kind = 'refresh' AND client = 'maya'";
    assert_eq!(spoil_row(rig.file(), unreadable).await.unwrap(), 1);
    let report = reconcile::reconcile(&rig.engine, false).await.unwrap();
    assert!(report.cases >= 2, "{report:?}");
    let refreshed = "SELECT DISTINCT client FROM jobs WHERE kind = 'refresh' AND state = 'ready'
                     AND json_valid(payload) ORDER BY client";
    assert_eq!(ask(&rig, refreshed).await, ["ana"]);
    rig.drain().await;
    assert_eq!(rig.work("damage").await.len(), 1);
}

#[tokio::test]
async fn a_relay_that_is_restarted_every_night_looks_at_its_file_once_a_day() {
    let base = base().await;
    let (rig, _) = with(&base, "UPDATE audit SET detail = '[}'").await;
    let hours = |hours| {
        rig.real.advance(SignedDuration::from_hours(hours));
    };
    let told = || async { rig.work("damage").await.len() };
    // The last look was within the day.
    let looked: Timestamp = rig.engine.clocks.real.now();
    let op = Op::PutSetting {
        key: "file/looked_at".into(),
        value: serde_json::json!(looked),
    };
    rig.store.commit(vec![op].into()).await.unwrap();
    hours(12);
    let next = damage::look_through_file_daily(&rig.engine).await.unwrap();
    assert_eq!((next, told().await), (SignedDuration::from_hours(12), 0));
    // The next night's process.
    hours(13);
    let next = damage::look_through_file_daily(&rig.engine).await.unwrap();
    assert_eq!((next, told().await), (SignedDuration::from_hours(24), 1));
    hours(1);
    let next = damage::look_through_file_daily(&rig.engine).await.unwrap();
    assert_eq!(next, SignedDuration::from_hours(23));
    // A clock that ran ahead has kept a moment that is still to come.
    hours(-48);
    let next = damage::look_through_file_daily(&rig.engine).await.unwrap();
    assert_eq!(next, SignedDuration::from_hours(24));
}
