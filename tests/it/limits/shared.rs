//! Two processes on one database share one rate limit.

use std::sync::Arc;

use clear_relay::engine::{Engine, dispatcher};
use clear_relay::rate_limit::{Entry, RateLimiter, Vendor};
use clear_relay::sandbox::world::World;
use relay_core::effects::Port;
use relay_core::random::SeededRandom;
use relay_core::rate_limit::{Answered, Ask, Exchange, Limits, Priority, QuotaReading, Rate};
use relay_core::time::{Clock as _, Clocks, ManualClock, SignedDuration, Timestamp};
use relay_http_client::emulation::{FaultAct, FaultRule, Moment};
use relay_store::Store;
use relay_store_sqlite::SqliteStore;

const NORMAL: Ask = Ask {
    priority: Priority::Normal,
    waited: false,
};

fn start() -> Timestamp {
    "2026-11-04T16:00:00Z".parse().expect("a time")
}

/// A database, a clock, and limiters as two processes would have them.
struct Pair {
    clock: Arc<ManualClock>,
    store: Arc<SqliteStore>,
    limiters: [RateLimiter; 2],
    _folder: tempfile::TempDir,
}

impl Pair {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = SqliteStore::open(folder.path().join("relay.db")).await;
        let store = Arc::new(store.expect("a store"));
        store.migrate().await.expect("migrated");
        let clock = Arc::new(ManualClock::new(start()));
        let limiter = |seed| {
            let clocks = Clocks {
                procedure: clock.clone(),
                real: clock.clone(),
            };
            let limited = Limits {
                rate: Some(Rate::per_minute(60, 3)),
                ..Limits::none()
            };
            let vendors = [
                (Port::Crm, "crm", limited),
                (Port::Portal, "portal", Limits::none()),
            ];
            let vendors = vendors.map(|(port, name, limits)| Vendor {
                port: Some(port),
                name,
                title: name,
                limits,
            });
            let random = Arc::new(SeededRandom::new(seed));
            RateLimiter::new(vendors.to_vec(), store.clone() as _, clocks, random)
        };
        Self {
            limiters: [limiter(1), limiter(2)],
            store,
            clock,
            _folder: folder,
        }
    }
}

fn exchange(answered: Answered, charged: bool) -> Exchange {
    Exchange {
        answered,
        quota: QuotaReading::default(),
        charged,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_of_two_processes_are_charged_to_one_budget_and_none_is_lost() {
    let pair = Arc::new(Pair::new().await);
    let mut working = tokio::task::JoinSet::new();
    for number in 0..40_usize {
        let pair = Arc::clone(&pair);
        working.spawn(async move {
            let call = exchange(Answered::Alive, true);
            let limiter = &pair.limiters[number % 2];
            limiter.observe("crm", &call).await.expect("a store");
        });
    }
    while let Some(done) = working.join_next().await {
        done.expect("no panic");
    }
    // Three in the bucket, forty out of it: whoever asks waits 38 seconds for the next whole one.
    for limiter in &pair.limiters {
        let Entry::Wait { at, .. } = limiter.enter(&[Port::Crm], NORMAL).await.expect("a store")
        else {
            panic!("let in on a debt");
        };
        assert!(at >= start() + SignedDuration::from_secs(38), "{at}");
    }
    let row = pair.store.limiter_state("crm").await.expect("a store");
    assert_eq!(row.expect("a row").version, 42, "each change once");
}

#[tokio::test]
async fn a_pause_that_one_process_was_asked_for_holds_for_the_other() {
    let pair = Pair::new().await;
    let [one, other] = &pair.limiters;
    assert!(matches!(
        other.enter(&[Port::Portal], NORMAL).await,
        Ok(Entry::In(_))
    ));
    let refused = Answered::Refused {
        after: Some(SignedDuration::from_secs(600)),
    };
    let refused = exchange(refused, true);
    one.observe("portal", &refused).await.expect("a store");
    pair.clock.advance(SignedDuration::from_secs(1));
    let entry = other.enter(&[Port::Portal], NORMAL).await.expect("a store");
    let Entry::Wait { at, .. } = entry else {
        panic!("it did not hear");
    };
    assert!(at >= start() + SignedDuration::from_secs(600));
    assert!(other.closed("portal").await.expect("a store").is_some());
}

#[tokio::test]
async fn a_vendor_without_limits_that_answers_has_no_row() {
    let pair = Pair::new().await;
    for _ in 0..50 {
        let [one, _] = &pair.limiters;
        let Entry::In(turn) = one.enter(&[Port::Portal], NORMAL).await.expect("a store") else {
            panic!("nothing stands in the way");
        };
        let call = exchange(Answered::Alive, true);
        one.observe("portal", &call).await.expect("a store");
        one.leave(&turn).await;
        pair.clock.advance(SignedDuration::from_secs(1));
    }
    assert_eq!(pair.store.limiter_states().await.expect("a store"), []);
}

#[tokio::test]
async fn who_is_kept_out_by_one_vendor_has_not_paid_at_the_other() {
    let pair = Pair::new().await;
    let [one, _] = &pair.limiters;
    let refused = Answered::Refused {
        after: Some(SignedDuration::from_secs(600)),
    };
    let refused = exchange(refused, true);
    one.observe("portal", &refused).await.expect("a store");
    for _ in 0..20 {
        let entry = one
            .enter(&[Port::Crm, Port::Portal], NORMAL)
            .await
            .expect("a store");
        let Entry::Wait { vendor, .. } = entry else {
            panic!("the portal asked for a pause");
        };
        assert_eq!(vendor, "portal");
    }
    let entry = one.enter(&[Port::Crm], NORMAL).await.expect("a store");
    assert!(matches!(entry, Entry::In(_)), "{entry:?}");
}

#[tokio::test]
async fn what_is_kept_and_can_not_be_read_is_begun_anew() {
    let pair = Pair::new().await;
    let put = relay_store::Op::PutLimiterState {
        vendor: "crm".into(),
        expected: 0,
        body: serde_json::json!({ "budget": "of another release" }),
    };
    pair.store.commit(vec![put].into()).await.expect("a store");
    let entry = pair.limiters[0]
        .enter(&[Port::Crm], NORMAL)
        .await
        .expect("a store");
    assert!(matches!(entry, Entry::In(_)), "{entry:?}");
}

/// Both relays do what is due, by turns, until `until`.
async fn run(world: &World, engines: &[Engine; 2], until: Timestamp) {
    loop {
        loop {
            let mut done = world.vendors.deliver_due().await;
            for engine in engines {
                done += dispatcher::drain(engine, None).await.expect("a store");
            }
            if done == 0 {
                break;
            }
        }
        match world.next_due().await.expect("a store") {
            Some(at) if at <= until => world.jump(at),
            _ => return world.jump(until),
        }
    }
}

#[tokio::test]
async fn two_relays_keep_one_rate_limit_and_one_pause() {
    const PEOPLE: usize = 10;
    let folder = tempfile::tempdir().expect("a folder");
    let (mut world, tap) =
        super::crowd::world(folder.path(), PEOPLE, SignedDuration::from_millis(150)).await;
    let second = world.second().await.expect("a second relay").engine;
    let engines = [world.relay.engine.clone(), second];
    let morning = super::crowd::decision_day(&world);
    run(&world, &engines, morning).await;
    let refuse = FaultRule {
        operation: "email".to_owned(),
        moment: Moment::Before,
        act: FaultAct::Status {
            code: 429,
            retry_after: Some(600),
            body: None,
        },
        skip: 2,
        times: 1,
    };
    world.vendors.order("keap", refuse).expect("a vendor");
    let evening = morning + SignedDuration::from_hours(9);
    run(&world, &engines, evening).await;
    super::crowd::all_is_done(&world, PEOPLE).await;
    let seen = tap.seen();
    let refused: Vec<_> = seen.iter().filter(|s| s.status == Some(429)).collect();
    assert_eq!(refused.len(), 1, "the one on order and no other");
    let from = refused[0].at + SignedDuration::from_secs(1);
    let until = refused[0].at + SignedDuration::from_secs(600);
    assert_eq!(tap.between(from, until), 0);
    for first in &seen {
        let calls = tap.between(first.at, first.at + SignedDuration::from_mins(1));
        assert!(calls <= 60 + 3 + 20, "{calls} calls in a minute");
    }
    assert!(world.clock.now() >= evening);
}
