//! Two admins let all that an incident holds be tried, at the same moment, each with a process of her own: what
//! waited goes out once, and neither is told what isn't so.

use std::sync::Arc;

use async_trait::async_trait;
use clear_relay::cli::{Cli, CliError, Command, Output, work};
use clear_relay::engine::{Engine, dispatcher};
use clear_relay::failpoint::Failpoints;
use relay_core::ids::WorkItemId;
use relay_core::random::{Random as _, SeededRandom};
use relay_core::time::SignedDuration;

use super::day::{Outage, status};

/// Steps aside a seeded number of times, so that the other one gets between.
#[derive(Debug)]
struct StepAside(SeededRandom);

#[async_trait]
impl Failpoints for StepAside {
    async fn reach(&self, _name: &'static str) {
        for _ in 0..self.0.next_u64() % 8 {
            tokio::task::yield_now().await;
        }
    }
}

/// What the command says, or why it refused.
async fn replays(engine: &Engine, item: WorkItemId, by: &str) -> Result<String, CliError> {
    let id = item.to_string();
    let words = [
        "clear-relay",
        "work",
        "done",
        &id,
        "--action",
        "replay",
        "--by",
        by,
    ];
    let cli = <Cli as clap::Parser>::try_parse_from(words).expect("a command");
    let Command::Work(work::WorkCommand::Done(args)) = cli.command else {
        panic!("another command");
    };
    let mut bytes = Vec::new();
    work::done(engine, &args, &mut Output::new(&mut bytes, false)).await?;
    Ok(String::from_utf8(bytes).expect("text"))
}

/// Both order it and both relays work, all of it at once.
async fn both(engines: &[Engine; 2], item: WorkItemId) -> Vec<Result<String, CliError>> {
    let mut working = tokio::task::JoinSet::new();
    for engine in engines.clone() {
        working.spawn(async move {
            dispatcher::drain(&engine, None).await.expect("a store");
        });
    }
    let [first, second] = engines.clone();
    let one = tokio::spawn(async move { replays(&first, item, "Ann").await });
    let two = tokio::spawn(async move { replays(&second, item, "Bob").await });
    let told = vec![one.await.expect("no panic"), two.await.expect("no panic")];
    while let Some(done) = working.join_next().await {
        done.expect("no panic");
    }
    told
}

async fn outage(seed: u64, what: &str, code: u16) -> (Outage, [Engine; 2]) {
    let mut outage = Outage::at_the_decision("keap", what, status(code)).await;
    outage.lasts(5).await;
    let step_aside = Arc::new(StepAside(SeededRandom::new(seed)));
    let restarted = outage.world.restart_with(step_aside).await;
    restarted.expect("a relay");
    let second = outage.world.second().await.expect("a relay").engine;
    let first = outage.world.relay.engine.clone();
    (outage, [first, second])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_admins_who_replay_an_incident_at_once_send_each_thing_once() {
    for (seed, what, code) in [
        (400, "contact_note", 403),
        (401, "email", 403),
        (402, "*", 503),
        (403, "contact_note", 403),
        (404, "email", 403),
        (405, "*", 503),
    ] {
        let (outage, engines) = outage(seed, what, code).await;
        let item = outage.only_the_incident().await;
        outage.is_mended();
        for told in both(&engines, item.id).await {
            let told = told.expect("tried");
            assert!(told.starts_with("done: replay"), "seed {seed}: {told}");
        }
        for engine in &engines {
            dispatcher::drain(engine, None).await.expect("a store");
        }
        let soon = SignedDuration::from_mins(20);
        outage.world.run_for(soon).await.expect("a store");
        let awaited = if what == "*" { "email" } else { what };
        assert_eq!(outage.accepted(awaited), 6, "seed {seed}: all of it");
        outage.lasts(3).await;
        super::crowd::all_is_done(&outage.world, 6).await;
        outage.only_the_notice().await;
        // Whoever comes too late is told so.
        let late = replays(&engines[1], item.id, "Bob").await;
        let late = late.expect_err("it is over").to_string();
        assert!(late.contains("settled already"), "seed {seed}: {late}");
    }
}

/// Too early: nothing goes out, nothing is lost, and the item stays for both.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_admins_who_replay_too_early_lose_nothing() {
    let (outage, engines) = outage(410, "contact_note", 403).await;
    let item = outage.only_the_incident().await;
    for told in both(&engines, item.id).await {
        let told = told.expect("tried");
        assert!(told.contains("the item stays"), "{told}");
    }
    outage.world.settle().await.expect("a store");
    assert_eq!(outage.accepted("contact_note"), 0);
    assert_eq!(outage.only_the_incident().await.id, item.id);
    outage.is_mended();
    outage.lasts(5).await;
    super::crowd::all_is_done(&outage.world, 6).await;
    outage.only_the_notice().await;
}
