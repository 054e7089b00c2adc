//! Power cuts: whatever of the unsynced writes the disk has kept, every acknowledged commit is there,
//! wholly, and each other one wholly or not at all.
//!
//! A run of the real store is recorded, then disks are looked at that a power cut could have left at any
//! place of the record (`relay_disk_recorder`): with random parts of what was not synced, torn where
//! sectors end, after every second write; with nothing of it, and with all of it, before each sync. What a
//! cut allows, each later one allows, until something is synced: so the cuts before the syncs allow all
//! there is, and the others only make the parts smaller.
//!
//! More random parts by command:
//!
//! ```sh
//! RELAY_POWER_CUTS=20 cargo test --release -p relay-store-sqlite --test power_cut -- --nocapture
//! ```

#![expect(
    clippy::unwrap_used,
    reason = "a step that fails ends the test, in helpers too"
)]

mod copies;
mod judge;
mod run;

use std::path::Path;

use relay_core::random::SeededRandom;
use relay_disk_recorder::{Event, Record, Recorder};
use relay_store::StoreError;
use relay_store_sqlite::{Options, SqliteStore};

use judge::{Judge, look_at_all};
use run::Run;

/// Random images of every cut.
fn random_images() -> usize {
    #[expect(
        clippy::disallowed_methods,
        reason = "how many images a person asks for by command"
    )]
    let told = std::env::var("RELAY_POWER_CUTS").ok();
    told.map_or(1, |told| told.parse().unwrap())
}

async fn try_open(path: &Path, throw_away: bool) -> Result<SqliteStore, StoreError> {
    let options = Options {
        throw_away,
        ..Options::default()
    };
    let store = SqliteStore::open_with(path, options).await?;
    store.migrate().await?;
    Ok(store)
}

async fn open(path: &Path, throw_away: bool) -> SqliteStore {
    try_open(path, throw_away).await.unwrap()
}

/// A store's whole life, closed and opened again in the middle.
async fn life(crowds: usize, throw_away: bool) -> (Record, Judge) {
    let folder = tempfile::tempdir().unwrap();
    let recorder = Recorder::start(folder.path()).unwrap();
    let path = folder.path().join("relay.db");
    let mut run = Run::new(recorder, &path, 1);

    let store = open(&path, throw_away).await;
    run.one_by_one(&store, 30).await;
    for _ in 0..crowds {
        run.crowd(&store, 256).await;
    }
    run.fold("PASSIVE").await;
    run.one_by_one(&store, 10).await;
    run.fold("RESTART").await;
    run.one_by_one(&store, 10).await;
    store.close().await;

    let store = open(&path, throw_away).await;
    run.one_by_one(&store, 10).await;
    run.crowd(&store, 40).await;
    store.close().await;
    run.end()
}

/// How many events there were of each kind that matters, for the reader of the test's output.
fn told(record: &Record) -> String {
    let count = |is: fn(&Event) -> bool| record.events().iter().filter(|event| is(event)).count();
    format!(
        "{} writes, {} shortenings, {} syncs of files, {} of the folder, {} names, {} commits",
        count(|event| matches!(event, Event::Written { .. })),
        count(|event| matches!(event, Event::Resized { .. })),
        count(|event| matches!(event, Event::Synced { .. })),
        count(|event| matches!(event, Event::FolderSynced { .. })),
        count(|event| matches!(event, Event::Named { .. } | Event::Unnamed { .. })),
        count(|event| matches!(event, Event::Mark(_))),
    )
}

#[tokio::test]
async fn every_acknowledged_commit_is_there_after_every_power_cut() {
    // Four times 256: the store folds its log by itself after the thousandth request.
    let (record, judge) = life(4, false).await;
    println!("{}", told(&record));
    let looked = look_at_all(&record, random_images(), &judge);
    println!("{looked}");
    assert_eq!(looked.wrong, Vec::<String>::new());
}

/// The same judgment, where nothing is synced: what it is worth.
#[tokio::test]
async fn without_syncs_the_loss_is_found() {
    let (record, judge) = life(0, true).await;
    println!("{}", told(&record));
    let looked = look_at_all(&record, 0, &judge);
    println!("{looked}");
    let lost = looked.wrong.iter().filter(|line| line.contains("is lost"));
    assert!(lost.count() >= 50, "{looked}");
}

#[test]
fn an_image_repeats_itself() {
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_all().build().unwrap();
    let (record, _) = runtime.block_on(life(0, false));
    let cut = record.events().len() / 2;
    let images = || record.images(cut, 3, &SeededRandom::new(4));
    assert!(images() == images());
}
