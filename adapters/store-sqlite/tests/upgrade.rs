//! Databases of an earlier version with damaged rows: which can be brought to this one, and which row is in
//! the way of the others.

#![expect(
    clippy::unwrap_used,
    reason = "a step that fails ends the test, in helpers too"
)]

use std::future::Future as _;
use std::path::{Path, PathBuf};
use std::task::Poll;

use relay_store::{Damage, Store as _, StoreError};
use relay_store_sqlite::{SqliteStore, Version, look, spoil};

const CORPUS: &str = "../../fixtures/corpus/0.1.0/relay.sqlite";

fn older(folder: &tempfile::TempDir) -> PathBuf {
    let file = folder.path().join("relay.db");
    std::fs::copy(CORPUS, &file).unwrap();
    file
}

async fn migrate(file: &Path) -> Result<(), StoreError> {
    let store = SqliteStore::open(file).await.unwrap();
    let done = store.migrate().await;
    store.close().await;
    done
}

#[tokio::test]
async fn a_row_that_keeps_the_schema_from_being_changed_is_named_and_nothing_is_changed() {
    for (table, column, update) in [
        (
            "jobs",
            "note",
            "UPDATE jobs SET note = x'ff00' WHERE seq = 1",
        ),
        (
            "effects",
            "kind",
            "UPDATE effects SET kind = x'ff00' WHERE seq = 1",
        ),
        (
            "effects",
            "case_id",
            "UPDATE effects SET case_id = 'abcdefghijklmnop' WHERE seq = 1",
        ),
        (
            "intents",
            "outcome",
            "UPDATE intents SET outcome = x'ff00' WHERE seq = 1",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let file = older(&folder);
        assert_eq!(spoil::mistype(&file, table, update).await.unwrap(), 1);
        let applied = "SELECT CAST(max(version) AS TEXT) FROM _sqlx_migrations";
        let before = spoil::ask(&file, applied).await.unwrap();
        let looked = look(&file, true).await.unwrap().blocking_row.unwrap();
        for _ in 0..2 {
            let error = migrate(&file).await.unwrap_err();
            let StoreError::Corrupt(damage) = error else {
                panic!("{error:?}")
            };
            assert_eq!(damage, looked);
            let Damage {
                table: of,
                row,
                column: place,
            } = damage;
            assert_eq!((&*of, &*row, &*place), (table, "1", column));
        }
        assert_eq!(spoil::ask(&file, applied).await.unwrap(), before);

        // Mended, as the release before does it, it goes on.
        let value = match column {
            "case_id" => "randomblob(16)",
            _ => "'x'",
        };
        let mended = format!("UPDATE {table} SET {column} = {value} WHERE seq = 1");
        spoil::run(&file, &mended).await.unwrap();
        migrate(&file).await.unwrap();
        assert_ne!(spoil::ask(&file, applied).await.unwrap(), before);
    }
}

#[tokio::test]
async fn a_row_that_breaks_a_rule_only_comes_along_and_is_found_afterwards() {
    for (table, update) in [
        ("jobs", "UPDATE jobs SET payload = '{\"a' WHERE seq = 1"),
        (
            "effects",
            "UPDATE effects SET state = 'nonsense' WHERE seq = 1",
        ),
        ("effects", "UPDATE effects SET input = '{\"a' WHERE seq = 1"),
        (
            "effects",
            "UPDATE effects SET case_id = x'00' WHERE seq = 1",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let file = older(&folder);
        assert_eq!(spoil::run(&file, update).await.unwrap(), 1);
        assert_eq!(
            look(&file, true).await.unwrap().blocking_row,
            None,
            "{update}"
        );
        migrate(&file).await.unwrap();
        let store = SqliteStore::open(&file).await.unwrap();
        let found = store.check_rows().await.unwrap();
        store.close().await;
        let [Damage { table: of, row, .. }] = &found[..] else {
            panic!("{update}: {found:?}")
        };
        assert_eq!((&**of, &**row), (table, "1"), "{update}");
    }
}

#[tokio::test]
async fn what_the_migrations_do_not_touch_and_what_refers_to_nothing_hinders_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = older(&folder);
    // The second gets an index only.
    for (table, column) in [("timeline", "step"), ("cases", "reason")] {
        let update = format!("UPDATE {table} SET {column} = x'ff00' WHERE seq = 1");
        assert_eq!(spoil::mistype(&file, table, &update).await.unwrap(), 1);
    }
    let orphan = "UPDATE intents SET effect = effect || '?' WHERE seq = 1";
    assert_eq!(spoil::run(&file, orphan).await.unwrap(), 1);
    assert_eq!(look(&file, true).await.unwrap().blocking_row, None);
    migrate(&file).await.unwrap();
    let store = SqliteStore::open(&file).await.unwrap();
    let found = store.check_rows().await.unwrap();
    store.close().await;
    assert_eq!(found.len(), 2, "{found:?}");
    let left = "SELECT effect FROM intents WHERE effect LIKE '%?'";
    assert_eq!(spoil::ask(&file, left).await.unwrap().len(), 1);
}

#[tokio::test]
async fn two_that_upgrade_at_once_upgrade_it_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = older(&folder);
    let before = spoil::ask(&file, "SELECT count(*) || '' FROM effects")
        .await
        .unwrap();
    let (first, second) = tokio::join!(migrate(&file), migrate(&file));
    first.unwrap();
    second.unwrap();
    let seen = look(&file, true).await.unwrap();
    assert_eq!((seen.version, seen.damage), (Version::Current, None));
    let after = spoil::ask(&file, "SELECT count(*) || '' FROM effects")
        .await
        .unwrap();
    assert_eq!(before, after);
}

#[tokio::test]
async fn an_upgrade_that_is_cut_off_leaves_the_file_as_it_was_or_upgraded_and_never_between() {
    let applied = "SELECT max(version) || '' FROM _sqlx_migrations";
    let folder = tempfile::tempdir().unwrap();
    let file = older(&folder);
    let before = spoil::ask(&file, applied).await.unwrap();
    migrate(&file).await.unwrap();
    let newest = spoil::ask(&file, applied).await.unwrap();
    let mut cut_off = 0;
    // Given up a few turns of the executor later each time.
    for turns in (0..).step_by(4) {
        let folder = tempfile::tempdir().unwrap();
        let file = older(&folder);
        let store = SqliteStore::open(&file).await.unwrap();
        let mut upgrade = Box::pin(store.migrate());
        let mut left = turns;
        let done = std::future::poll_fn(|cx| match upgrade.as_mut().poll(cx) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => {
                left -= 1;
                Poll::Pending
            }
        });
        let done = done.await;
        drop(upgrade);
        store.close().await;
        // The driver may still be ending what it was asked for.
        let now = spoil::ask(&file, applied).await.unwrap();
        assert!(
            now == before || now == newest,
            "after {turns} turns: {now:?}"
        );
        migrate(&file).await.unwrap();
        assert_eq!(spoil::ask(&file, applied).await.unwrap(), newest);
        if let Some(done) = done {
            done.unwrap();
            break;
        }
        cut_off += 1;
    }
    assert!(cut_off > 5, "{cut_off}");
}
