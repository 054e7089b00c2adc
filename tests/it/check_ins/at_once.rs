//! Two people bring in files at the same moment, each with a process of her own, or the power fails while one
//! does: what one import alone would have taught is taught, once.
//!
//! At every named place of its work an import steps aside a seeded number of times, and the clock goes on, so that
//! the other one gets between any two steps of it.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use clear_relay::engine::Engine;
use clear_relay::engine::commands::import::{self, Learned};
use clear_relay::failpoint::{Failpoints, INTAKE, NoFailpoints, RECEIVE};
use clear_relay::sandbox::cast::{Cast, instant};
use clear_relay::sandbox::stage;
use clear_relay::sandbox::world::{Setup, World};
use clear_relay::wiring::check_ins::import::list_file;
use relay_core::calendar::Calendar;
use relay_core::ids::ClientId;
use relay_core::random::{Random as _, SeededRandom};
use relay_core::time::{ManualClock, SignedDuration};
use relay_store::{CaseFilter, ReceiptState};
use relay_store_sqlite::spoil;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::ALL;
use crate::support::crash::{Death, Life};

/// Whom the files name.
const CLIENTS: [&str; 4] = ["mara", "june", "cora", "tess"];

/// The files' header.
const HEAD: &str = "client,first_name,last_name,email,coach,contact,check_in,due,submitted";

/// Tess has checked in.
fn line(client: &str) -> String {
    let number = 601 + CLIENTS.iter().position(|one| *one == client).expect("one");
    let submitted = if client == "tess" { "yes" } else { "" };
    format!(
        "{client},{client},Hayes,{client}@example.test,coach_beth,{number},ci_{client},2026-11-03,{submitted}"
    )
}

fn file(clients: &[&str]) -> String {
    let lines = clients.iter().map(|client| line(client));
    let lines: Vec<String> = std::iter::once(HEAD.to_owned()).chain(lines).collect();
    lines.join("\n") + "\n"
}

/// Steps aside, and lets time pass: no two deliveries are told at one moment.
#[derive(Debug)]
struct StepAside {
    random: SeededRandom,
    clock: OnceLock<Arc<ManualClock>>,
}

#[async_trait]
impl Failpoints for StepAside {
    async fn reach(&self, _name: &'static str) {
        if let Some(clock) = self.clock.get() {
            clock.advance(SignedDuration::from_millis(1));
        }
        for _ in 0..self.random.next_u64() % 8 {
            tokio::task::yield_now().await;
        }
    }
}

/// A clinic whose list has told nothing yet, on the morning after everybody was due.
struct Morning {
    world: World,
    folder: TempDir,
}

impl Morning {
    async fn with(failpoints: Arc<dyn Failpoints>) -> Self {
        let cast = Cast::shipped("list").expect("a cast");
        let cast = cast.only(|client| CLIENTS.contains(&client.id.as_str()));
        let folder = tempfile::tempdir().expect("a folder");
        let zone = Calendar::default_denver().zone().clone();
        let mut setup = Setup::new(cast.start(&zone), 7);
        setup.told_by = cast.told_by;
        setup.coaches.clone_from(&cast.coaches);
        setup.failpoints = failpoints;
        let path = folder.path().join("relay.sqlite");
        let world = World::new(setup, &path).await.expect("a clinic");
        let silent = json!({ "act": "switch", "events_off": true });
        world.vendors.act("check-ins", silent).expect("an act");
        stage::set(&cast, &world.vendors, &zone).expect("a stage");
        let this = Self { world, folder };
        this.until("2026-11-04 06:00").await;
        this
    }

    async fn stepping_aside(seed: u64) -> Self {
        let step_aside = Arc::new(StepAside {
            random: SeededRandom::new(seed),
            clock: OnceLock::new(),
        });
        let this = Self::with(Arc::clone(&step_aside) as _).await;
        let clock = Arc::clone(&this.world.clock);
        step_aside.clock.set(clock).expect("one clock");
        this
    }

    async fn until(&self, local: &str) {
        let end = instant(local.parse().expect("a time"), self.world.zone());
        self.world.run_until(end).await.expect("a run");
    }

    /// What is known of everybody and what was done about it, once the day has come to its end.
    async fn came_of_it(&self) -> BTreeMap<&'static str, Value> {
        self.until("2026-11-04 18:00").await;
        let store = self.world.store();
        let new = store.receipts(ReceiptState::New, ALL).await;
        assert_eq!(new.expect("receipts"), []);
        let aside = store.receipts(ReceiptState::Quarantined, ALL).await;
        assert_eq!(aside.expect("receipts"), []);
        let accepted = self.world.vendors.accepted();
        let mut all = BTreeMap::new();
        for (index, id) in CLIENTS.into_iter().enumerate() {
            let client = ClientId::from(id);
            let filter = CaseFilter {
                client: Some(client.clone()),
                ..CaseFilter::default()
            };
            let cases = store.cases(&filter, ALL).await.expect("cases");
            let portal = &self.world.relay.engine.ports.portal;
            let about = portal.client(&client).await.expect("a read");
            let since = "2026-10-01".parse().expect("a day");
            let due = portal.check_ins(&client, since).await.expect("a read");
            let due: Vec<_> = due
                .into_iter()
                .map(|one| (one.id, one.due, one.submitted_at.is_some(), one.withdrawn))
                .collect();
            let contact = (601 + index).to_string();
            let hers = accepted.iter().filter(|entry| entry.who == contact);
            let written: Vec<_> = hers.map(|entry| entry.operation.clone()).collect();
            let told = json!({ "cases": cases.len(), "about": format!("{about:?}"),
                               "check_ins": format!("{due:?}"), "written": written });
            all.insert(id, told);
        }
        all
    }
}

async fn bring(engine: &Engine, text: &str, by: &str) -> Learned {
    let file = list_file(text.as_bytes()).expect("a file");
    let learned = import::import(engine, file.source, &file.bodies, by).await;
    learned.expect("an import")
}

/// What one import of this file alone comes to.
async fn alone(text: &str) -> BTreeMap<&'static str, Value> {
    let morning = Morning::with(Arc::new(NoFailpoints)).await;
    bring(&morning.world.relay.engine, text, "Robin").await;
    let all = morning.came_of_it().await;
    for (client, told) in &all {
        let open = *client != "tess" && text.contains(client);
        assert_eq!(told["cases"], usize::from(open), "{client}: {told}");
        let written = if open {
            json!(["work_task"])
        } else {
            json!([])
        };
        assert_eq!(told["written"], written, "{client}");
    }
    all
}

/// Two files, each brought in by a process of its own.
async fn both(seed: u64, files: [&str; 2]) -> (Morning, [Learned; 2]) {
    let mut morning = Morning::stepping_aside(seed).await;
    let second = morning.world.second().await.expect("a relay").engine;
    let first = morning.world.relay.engine.clone();
    let [one, two] = files.map(str::to_owned);
    let one = tokio::spawn(async move { bring(&first, &one, "Ann").await });
    let two = tokio::spawn(async move { bring(&second, &two, "Bob").await });
    let learned = [one.await.expect("no panic"), two.await.expect("no panic")];
    (morning, learned)
}

/// What is stored of a kind of fact that came from receipts.
async fn stored(morning: &Morning, kind: &str) -> usize {
    let mut count = 0;
    for client in CLIENTS {
        let facts = morning.world.store().facts(&ClientId::from(client)).await;
        let facts = facts.expect("facts").into_iter();
        let told = facts.filter(|row| row.receipt.is_some() && row.fact.kind() == kind);
        count += told.count();
    }
    count
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_who_import_the_same_file_at_once_come_to_what_one_import_comes_to() {
    let text = file(&CLIENTS);
    let alone = alone(&text).await;
    for seed in 300..306 {
        let (morning, learned) = both(seed, [&text, &text]).await;
        assert_eq!(morning.came_of_it().await, alone, "seed {seed}");
        for learned in learned {
            assert_eq!(learned.clients, CLIENTS.len(), "seed {seed}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_who_import_files_that_overlap_come_to_what_both_in_one_come_to() {
    let alone = alone(&file(&CLIENTS)).await;
    for seed in 310..316 {
        let files = [
            file(&["mara", "june", "cora"]),
            file(&["june", "cora", "tess"]),
        ];
        let (morning, learned) = both(seed, [&files[0], &files[1]]).await;
        assert_eq!(morning.came_of_it().await, alone, "seed {seed}");
        let told: usize = learned.iter().map(|learned| learned.check_ins).sum();
        let due = stored(&morning, "check_in_due").await;
        assert_eq!(told, due, "seed {seed}: {learned:?}");
        let told: usize = learned.iter().map(|learned| learned.submitted).sum();
        let submitted = stored(&morning, "check_in_submitted").await;
        assert_eq!(told, submitted, "seed {seed}: {learned:?}");
    }
}

/// The process dies at `death`; whoever runs the import again has all of it, of which so many check-ins are new.
async fn cut_off(text: &str, death: Death, new: usize) -> BTreeMap<&'static str, Value> {
    let life = Life::new(Some(death));
    let mut morning = Morning::with(Arc::clone(&life) as _).await;
    let first = morning.world.relay.engine.clone();
    tokio::select! {
        biased;
        () = life.ended() => {}
        learned = bring(&first, text, "Robin") => panic!("{death:?}: it ended: {learned:?}"),
    }
    morning.world.restart().await.expect("a relay");
    let again = bring(&morning.world.relay.engine, text, "Robin").await;
    assert_eq!(again.check_ins, new, "{death:?}: {again:?}");
    morning.came_of_it().await
}

#[tokio::test]
async fn an_import_that_is_cut_off_is_whole_once_it_is_run_again() {
    let text = file(&CLIENTS);
    let alone = alone(&text).await;
    let all = CLIENTS.len();
    for (name, new) in [
        (RECEIVE.before, all),
        (RECEIVE.after, all),
        (INTAKE.before, all),
        // What the one before had read is known.
        (INTAKE.after, 0),
    ] {
        let came = cut_off(&text, Death { name, hit: 1 }, new).await;
        assert_eq!(came, alone, "{name}");
    }
    // One too large for a single delivery: it is cut off between two, and after both.
    let mut more: Vec<String> = text.lines().map(str::to_owned).collect();
    more.splice(
        1..1,
        (0..1_000).map(|n| format!("c-{n},Ada,,,coach_beth,,,,")),
    );
    let text = more.join("\n") + "\n";
    for (name, new) in [(INTAKE.before, all), (INTAKE.after, 0)] {
        let came = cut_off(&text, Death { name, hit: 2 }, new).await;
        assert_eq!(came, alone, "{name}");
    }
}

/// "A row that can't be read stops its client and nobody else."
#[tokio::test]
async fn of_whom_a_row_cant_be_read_in_the_database_is_left_out_and_told() {
    let morning = Morning::with(Arc::new(NoFailpoints)).await;
    let engine = &morning.world.relay.engine;
    bring(engine, &file(&["mara"]), "Robin").await;
    let path = morning.folder.path().join("relay.sqlite");
    let spoiled = "UPDATE facts SET body = 'x' WHERE client = 'mara'";
    spoil::run(&path, spoiled).await.expect("spoiled");
    let learned = bring(engine, &file(&CLIENTS), "Robin").await;
    let (named, new) = (learned.clients, learned.clients_changed);
    assert_eq!((named, new, learned.left_out), (4, 3, 1), "{learned:?}");
    let june = morning.world.store().facts(&ClientId::from("june")).await;
    assert_eq!(june.expect("facts").len(), 2);
}
