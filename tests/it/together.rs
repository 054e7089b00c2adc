//! Two relays work on one database at once, as during a deployment, and nothing happens twice.
//!
//! Both are driven by several tasks at the same moments. At every named place a task steps aside a
//! seeded number of times, so that the others get between any two steps of its work. The store's
//! writer is a thread of its own, so a seed shapes a run without repeating it exactly.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use clear_relay::engine::commands::cases;
use clear_relay::engine::dispatcher::LEASE;
use clear_relay::engine::{Engine, dispatcher};
use clear_relay::failpoint::Failpoints;
use clear_relay::sandbox::cast::{Cast, instant};
use clear_relay::sandbox::compare::compare;
use clear_relay::sandbox::stage;
use clear_relay::sandbox::world::{Setup, World};
use relay_core::facts::Order;
use relay_core::random::{Random as _, SeededRandom};
use relay_core::time::{ManualClock, SignedDuration, Timestamp};
use relay_store::{JobFilter, JobState, Page, SUSPECT};

/// Tasks that each relay works with.
const TASKS: usize = 2;

/// One in so many places is where a lease is lost, if any is.
const LOST_LEASES: u64 = 12;

/// Takes everybody's lease away, but not three times before all are done: that a job which ends its
/// process so often is not run again is no matter of this test.
#[derive(Debug)]
struct Thief {
    real: Arc<ManualClock>,
    engine: Engine,
    /// How often it may yet steal before everybody is done.
    left: AtomicU32,
}

impl Thief {
    async fn steal(&self) -> u64 {
        let one_less = |left: u32| left.checked_sub(1);
        let (set, fetch) = (Ordering::SeqCst, Ordering::SeqCst);
        if self.left.fetch_update(set, fetch, one_less).is_err() {
            return 0;
        }
        let lease = SignedDuration::try_from(LEASE).expect("a short lease");
        self.real.advance(lease);
        self.real.advance(SignedDuration::from_secs(1));
        dispatcher::rescue(&self.engine)
            .await
            .expect("a working store")
    }

    fn may_again(&self) {
        self.left.store(SUSPECT, Ordering::SeqCst);
    }
}

/// Steps aside a random number of times, and sometimes so long that every lease ends meanwhile.
#[derive(Debug)]
struct StepAside {
    random: SeededRandom,
    thief: OnceLock<Thief>,
    thefts: AtomicU64,
}

#[async_trait]
impl Failpoints for StepAside {
    async fn reach(&self, _name: &'static str) {
        if let Some(thief) = self.thief.get()
            && self.random.next_u64().is_multiple_of(LOST_LEASES)
        {
            self.thefts.fetch_add(thief.steal().await, Ordering::SeqCst);
        }
        for _ in 0..self.random.next_u64() % 8 {
            tokio::task::yield_now().await;
        }
    }
}

/// Lets everybody work at once until nobody has anything to do.
async fn settle(world: &World, engines: &[Engine], step_aside: &StepAside) {
    loop {
        let delivered = world.vendors.deliver_due().await;
        let mut working = tokio::task::JoinSet::new();
        for engine in engines {
            for _ in 0..TASKS {
                let engine = engine.clone();
                working.spawn(async move { dispatcher::drain(&engine, None).await });
            }
        }
        let mut ran = 0;
        while let Some(done) = working.join_next().await {
            ran += done.expect("no panic").expect("a working store");
        }
        if delivered + ran == 0 {
            if let Some(thief) = step_aside.thief.get() {
                thief.may_again();
            }
            return;
        }
    }
}

/// Plays everybody's story with two relays. Returns how often a lease was lost in mid-work.
async fn play(seed: u64, lose_leases: bool) -> u64 {
    let text = include_str!("../../fixtures/casts/crash.toml");
    let mut cast = Cast::parse(text).expect("a cast");
    // Her story turns the portal's events off for everybody.
    cast.clients.retain(|client| client.id != "hana");
    let zone = relay_core::calendar::Calendar::default_denver()
        .zone()
        .clone();
    let folder = tempfile::tempdir().expect("a folder");
    let mut setup = Setup::new(cast.start(&zone), seed);
    let step_aside = Arc::new(StepAside {
        random: SeededRandom::new(seed),
        thief: OnceLock::new(),
        thefts: AtomicU64::new(0),
    });
    setup.failpoints = Arc::clone(&step_aside) as _;
    let path = folder.path().join("relay.sqlite");
    let mut world = World::new(setup, &path).await.expect("a world");
    stage::set(&cast, &world.vendors, &zone).expect("a stage");
    let second = world.second().await.expect("a second relay").engine;
    let engines = [world.relay.engine.clone(), second];
    if lose_leases {
        let thief = Thief {
            real: Arc::clone(&world.real),
            engine: engines[1].clone(),
            left: AtomicU32::new(SUSPECT),
        };
        step_aside.thief.set(thief).expect("one thief");
    }
    let mut coming: Vec<(Timestamp, usize, usize)> = Vec::new();
    for (c, client) in cast.clients.iter().enumerate() {
        for (a, act) in client.acts.iter().enumerate() {
            coming.push((instant(act.at.expect("a time"), &zone), c, a));
        }
    }
    coming.sort_unstable();
    let mut coming = coming.into_iter().peekable();
    let until = cast.until(&zone);
    loop {
        settle(&world, &engines, &step_aside).await;
        while let Some((_, c, a)) = coming.next_if(|(at, ..)| *at <= world.now()) {
            let (client, act) = (&cast.clients[c], &cast.clients[c].acts[a]);
            if act.by == "relay" {
                let order: Order =
                    serde_json::from_value(act.what["order"].clone()).expect("an order");
                // Two people give the same order, each to the relay she reaches: one of them is
                // told that it is under way.
                let id = client.id.as_str().into();
                let (one, two) = tokio::join!(
                    cases::order(&engines[0], &id, "Beth", order.clone()),
                    cases::order(&engines[1], &id, "Cleo", order)
                );
                assert!(one.is_ok() || two.is_ok(), "{one:?} {two:?}");
            } else {
                let done = world.vendors.act(&act.by, act.what.clone());
                done.expect("an act");
            }
            settle(&world, &engines, &step_aside).await;
        }
        let due = world.next_due().await.expect("a store");
        let act = coming.peek().map(|(at, ..)| *at);
        match [due, act].into_iter().flatten().min() {
            Some(at) if at <= until => world.jump(at),
            _ => break,
        }
    }
    let accepted = world.vendors.accepted();
    let work = world.store().open_work(None, Page::default()).await;
    let left_to_a_person: Vec<String> = work
        .expect("a store")
        .into_iter()
        .filter(|item| item.kind == "unsettled")
        .filter_map(|item| item.client.map(|client| client.to_string()))
        .collect();
    for client in &cast.clients {
        let outcome = compare(client, &accepted, &zone);
        let mut differences = outcome.differences;
        if lose_leases && left_to_a_person.contains(&client.id) {
            // A worker that stood still after the intent does not send, and nothing proves that
            // an email was not sent: a person has it, and her case waits for that. Her coach's
            // task then asks about this, on its day, and not about what would come after it.
            let waits = |difference: &String| {
                difference.starts_with("missing: ") || difference.starts_with("work_task ")
            };
            differences.retain(|difference| !waits(difference));
        }
        assert_eq!(differences, Vec::<String>::new(), "{}", client.id);
    }
    let stuck = JobFilter {
        states: vec![JobState::Running, JobState::Dead],
        ..JobFilter::default()
    };
    let stuck = world.store().jobs(&stuck, Page::default()).await;
    assert_eq!(stuck.expect("a store"), Vec::new());
    let thefts = step_aside.thefts.load(Ordering::SeqCst);
    println!("seed {seed}: {thefts} leases lost");
    thefts
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_relays_on_one_database_do_everything_once() {
    for seed in 90..93 {
        play(seed, false).await;
    }
}

#[tokio::test]
async fn two_relays_that_take_turns_do_everything_once() {
    for seed in 93..96 {
        play(seed, false).await;
    }
}

/// A worker that stood still for too long goes on although somebody else has its job by now.
#[tokio::test]
async fn a_worker_whose_lease_is_lost_in_mid_work_does_nothing_twice() {
    let mut lost = 0;
    for seed in 96..100 {
        lost += play(seed, true).await;
    }
    assert!(lost > 0, "no lease was ever lost");
}
