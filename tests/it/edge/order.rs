//! Whatever the order, delay and doubling of the events, the end is the same (E33, E34, E35).
//!
//! Metamorphic: one life of a client is lived twice, once with its events as they happen, once with
//! its webhooks shuffled, doubled, delayed or lost. The portal itself always shows the truth, as it
//! does in the world; so the end of the case and what the vendors accepted must not differ.

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use relay_core::time::SignedDuration;
use serde_json::{Value, json};

use super::clinic::{Clinic, Person, at};
use crate::support::tools::Tools as _;

/// Something that happens in the portal, hours after Tuesday midnight.
#[derive(Debug, Clone)]
struct Deed {
    hour: i64,
    what: Value,
}

/// How the webhooks travel.
#[derive(Debug, Clone, Copy)]
struct Way {
    doubled: bool,
    reversed: bool,
    delay_seconds: u32,
    lost: bool,
}

/// Deeds at the whole hour and a bit, so that none falls on the moment of a step.
fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let what = prop_oneof![
        3 => Just(json!({ "act": "check_in", "client": "life" })),
        2 => Just(json!({ "act": "check_in", "client": "life", "complete": false })),
        2 => Just(json!({ "act": "client_writes", "client": "life", "text": "Hello" })),
        1 => Just(json!({ "act": "change_regimen", "client": "life" })),
        1 => Just(json!({ "act": "change_coach", "client": "life", "coach": "coach_ruth" })),
        1 => Just(json!({ "act": "withdraw", "check_in": "ci_life" })),
        1 => Just(json!({ "act": "change_status", "client": "life", "status": "graduated" })),
        1 => Just(json!({ "act": "client_reads", "client": "life" })),
    ];
    let deed = (0..150_i64, what).prop_map(|(hour, what)| Deed { hour, what });
    prop::collection::vec(deed, 0..4).prop_map(|mut deeds| {
        deeds.sort_by_key(|deed| deed.hour);
        deeds
    })
}

fn ways() -> impl Strategy<Value = Way> {
    let delay = prop_oneof![Just(0), 1..120_u32, 600..7200_u32];
    (
        any::<bool>(),
        any::<bool>(),
        delay,
        prop::bool::weighted(0.2),
    )
        .prop_map(|(doubled, reversed, delay_seconds, lost)| Way {
            doubled,
            reversed,
            delay_seconds,
            lost,
        })
}

/// How it ended: the outreach with its day and hour, and the status of each case.
#[derive(Debug, PartialEq, Eq)]
struct End {
    outreach: Vec<String>,
    cases: Vec<(String, &'static str)>,
    work: Vec<String>,
}

async fn live(who: &Person, deeds: &[Deed], way: Option<Way>) -> End {
    let clinic = Clinic::open().await;
    if let Some(way) = way {
        clinic.portal(json!({ "act": "switch", "duplicate_events": way.doubled,
            "reorder_events": way.reversed, "event_delay_seconds": way.delay_seconds,
            "events_off": way.lost }));
    }
    clinic.join(who);
    let tuesday = at("2026-11-03 00:00");
    for deed in deeds {
        let after = SignedDuration::from_mins(60 * deed.hour + 17);
        let when = tuesday.checked_add(after).expect("a time");
        clinic.world.run_until(when).await.expect("a run");
        // What is not possible any more (a second check-in) is not done in either life.
        let _impossible = clinic.world.vendors.portal().act(deed.what.clone());
    }
    clinic.until("2026-11-11 12:00").await;
    let dead = clinic.jobs(relay_store::JobState::Dead).await;
    assert!(dead.is_empty(), "{dead:?}");
    let mut cases: Vec<_> = clinic.cases(who).await;
    cases.sort_by_key(|case| case.opened_at);
    End {
        outreach: clinic.outreach(who),
        cases: cases
            .into_iter()
            .map(|case| (case.procedure, case.status.as_str()))
            .collect(),
        work: clinic.work_kinds(who).await,
    }
}

#[test]
fn however_its_webhooks_travel_a_life_ends_the_same() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let config = Config {
        cases: 24,
        failure_persistence: None,
        ..Config::default()
    };
    let lives = (deeds(), ways(), any::<bool>());
    // The same lives each time: a run is short, and must not fail by chance.
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    TestRunner::new_with_rng(config, rng)
        .run(&lives, |(deeds, way, opens)| {
            let who = Person {
                id: "life",
                contact: 301,
                opens,
                ..Person::maya()
            };
            let (plain, other) = runtime.block_on(async {
                let plain = live(&who, &deeds, None).await;
                (plain, live(&who, &deeds, Some(way)).await)
            });
            prop_assert_eq!(plain, other);
            Ok(())
        })
        .expect("every life");
}
