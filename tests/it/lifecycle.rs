//! Ending in order. Signals come from a channel; limits are real and short.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use clear_relay::engine::dispatcher;
use clear_relay::failpoint::{ATTEMPT, NoFailpoints};
use clear_relay::lifecycle::{Ended, Lifecycle, Patience, Phase, Signals};
use clear_relay::self_check::SelfCheck;
use clear_relay::telemetry::LogThrottle;
use relay_core::effects::EffectKind;
use relay_core::time::SystemClock;
use relay_store::{EffectState, JobState};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::support::failpoints::StopAt;
use crate::support::fake_store::FakeStore;
use crate::support::story::Story;

type Log = Arc<Mutex<Vec<&'static str>>>;

fn patience() -> Patience {
    Patience {
        drain: Duration::from_mins(1),
        cut: Duration::from_mins(1),
        close: Duration::from_mins(1),
    }
}

fn signals() -> (mpsc::UnboundedSender<&'static str>, Signals) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (sender, Signals::from_channel(receiver))
}

fn write(log: &Log, line: &'static str) {
    log.lock().expect("not poisoned").push(line);
}

fn lines(log: &Log) -> Vec<&'static str> {
    log.lock().expect("not poisoned").clone()
}

/// A task that drains at once and writes its name.
fn add_service(life: &mut Lifecycle, name: &'static str, log: &Log) {
    let log = Arc::clone(log);
    life.service(name, |stop| async move {
        stop.draining().await;
        write(&log, name);
        Ok(())
    });
}

fn add_closer(life: &mut Lifecycle, name: &'static str, log: &Log) {
    let log = Arc::clone(log);
    life.closer(name, async move {
        write(&log, name);
        Ok(())
    });
}

#[tokio::test]
async fn the_first_signal_drains_and_the_store_closes_last() {
    let log = Log::default();
    let mut life = Lifecycle::new(patience());
    add_closer(&mut life, "store", &log);
    add_closer(&mut life, "pool", &log);
    add_service(&mut life, "worker", &log);
    let (sender, signals) = signals();
    sender.send("terminate").expect("heard");
    assert_eq!(life.run(signals).await, Ended::Well);
    assert_eq!(lines(&log), ["worker", "pool", "store"]);
}

#[tokio::test]
async fn a_second_signal_cuts_what_is_still_running_and_lets_it_hand_back() {
    let log = Log::default();
    let mut life = Lifecycle::new(patience());
    add_closer(&mut life, "store", &log);
    let (sender, signals) = signals();
    let again = sender.clone();
    let seen = Arc::clone(&log);
    life.service("worker", |stop| async move {
        stop.draining().await;
        assert_eq!(stop.phase(), Phase::Draining);
        again.send("terminate").expect("heard");
        stop.cut().await;
        write(&seen, "handed back");
        Ok(())
    });
    sender.send("terminate").expect("heard");
    assert_eq!(life.run(signals).await, Ended::Well);
    assert_eq!(lines(&log), ["handed back", "store"]);
}

#[tokio::test]
async fn a_limit_that_has_passed_cuts_and_what_hands_back_then_ends_well() {
    let log = Log::default();
    let mut life = Lifecycle::new(Patience {
        drain: Duration::from_millis(1),
        ..patience()
    });
    add_closer(&mut life, "store", &log);
    let seen = Arc::clone(&log);
    life.service("worker", |stop| async move {
        stop.cut().await;
        write(&seen, "handed back");
        Ok(())
    });
    let (sender, signals) = signals();
    sender.send("terminate").expect("heard");
    assert_eq!(life.run(signals).await, Ended::Well);
    assert_eq!(lines(&log), ["handed back", "store"]);
}

#[tokio::test]
async fn a_failure_while_draining_counts_although_another_task_has_to_be_cut() {
    let mut life = Lifecycle::new(Patience {
        drain: Duration::from_millis(100),
        ..patience()
    });
    life.service("fails", |stop| async move {
        stop.draining().await;
        Err("broken".into())
    });
    life.service("hangs", |stop| async move {
        stop.cut().await;
        Ok(())
    });
    let (sender, signals) = signals();
    sender.send("terminate").expect("heard");
    assert_eq!(life.run(signals).await, Ended::Badly);
}

#[tokio::test]
async fn a_vendor_that_hangs_is_cut_off_and_what_it_did_is_found_after_the_next_start() {
    let mut story = Story::begin("maya", 1, &[]).await;
    story.play_until(story.at("2026-11-04 08:59")).await;
    // The vendor carries it out, and its answer never comes.
    let hanging = Arc::new(StopAt::name(ATTEMPT.after));
    let world = &mut story.world;
    world
        .restart_with(Arc::clone(&hanging) as _)
        .await
        .expect("another life");
    let nine = story.at("2026-11-04 09:00");
    story.world.jump(nine);
    let mut life = Lifecycle::new(Patience {
        drain: Duration::from_millis(1),
        ..patience()
    });
    let engine = story.engine().clone();
    life.service("worker", move |stop| async move {
        dispatcher::run(engine, 4, stop).await?;
        Ok(())
    });
    let (sender, signals) = signals();
    let run = tokio::spawn(life.run(signals));
    hanging.stopped().await;
    sender.send("terminate").expect("heard");
    assert_eq!(run.await.expect("no panic"), Ended::Well);

    let running = story.jobs(&[JobState::Running]).await;
    assert!(running.is_empty(), "handed back: {running:?}");
    let effect = story
        .effect(EffectKind::PortalMessage)
        .await
        .expect("an effect");
    assert_eq!(effect.state, EffectState::Intended);
    let world = &mut story.world;
    world
        .restart_with(Arc::new(NoFailpoints))
        .await
        .expect("another life");
    story.play().await;
    assert_eq!(story.differences(), Vec::<String>::new());
}

#[tokio::test]
async fn a_task_that_never_returns_is_dropped_when_the_limits_have_passed() {
    let log = Log::default();
    let short = Duration::from_millis(1);
    let mut life = Lifecycle::new(Patience {
        drain: short,
        cut: short,
        ..patience()
    });
    add_closer(&mut life, "store", &log);
    life.service("stuck", |_| std::future::pending());
    let (sender, signals) = signals();
    sender.send("interrupt").expect("heard");
    assert_eq!(life.run(signals).await, Ended::Badly);
    assert_eq!(lines(&log), ["store"]);
}

#[tokio::test]
async fn a_task_that_fails_panics_or_just_ends_brings_the_process_down_with_a_failure() {
    for fault in ["error", "panic", "end"] {
        let log = Log::default();
        let mut life = Lifecycle::new(patience());
        add_closer(&mut life, "store", &log);
        add_service(&mut life, "http", &log);
        life.service("worker", |_| async move {
            match fault {
                "error" => Err("broken".into()),
                "panic" => panic!("on purpose"),
                _ => Ok(()),
            }
        });
        let (_sender, signals) = signals();
        assert_eq!(life.run(signals).await, Ended::Badly, "{fault}");
        assert_eq!(lines(&log), ["http", "store"], "{fault}");
    }
}

#[tokio::test]
async fn a_failure_while_draining_still_counts() {
    let mut life = Lifecycle::new(patience());
    life.service("worker", |stop| async move {
        stop.draining().await;
        Err("broken".into())
    });
    let (sender, signals) = signals();
    sender.send("terminate").expect("heard");
    assert_eq!(life.run(signals).await, Ended::Badly);
}

#[tokio::test]
async fn the_end_of_the_main_task_ends_the_process_well() {
    let log = Log::default();
    let mut life = Lifecycle::new(patience());
    add_service(&mut life, "worker", &log);
    life.main("demo", |_| async { Ok(()) });
    let (_sender, signals) = signals();
    assert_eq!(life.run(signals).await, Ended::Well);
    assert_eq!(lines(&log), ["worker"]);
}

#[tokio::test]
async fn a_closer_that_fails_or_hangs_is_a_failure_and_the_next_one_runs() {
    let log = Log::default();
    let mut life = Lifecycle::new(Patience {
        close: Duration::from_millis(1),
        ..patience()
    });
    add_closer(&mut life, "store", &log);
    life.closer("hangs", std::future::pending());
    life.closer("fails", async { Err("no".into()) });
    let (sender, signals) = signals();
    sender.send("terminate").expect("heard");
    assert_eq!(life.run(signals).await, Ended::Badly);
    assert_eq!(lines(&log), ["store"]);
}

#[tokio::test]
async fn a_disk_that_does_not_answer_does_not_hold_up_the_end() {
    let store = Arc::new(FakeStore::default());
    store.state().file_hangs = true;
    let log_throttle = Arc::new(LogThrottle::new(Arc::new(SystemClock)));
    let check = SelfCheck::new(store, log_throttle);
    let mut life = Lifecycle::new(patience());
    life.service("self-check", move |stop| async move {
        check.run(stop).await;
        Ok(())
    });
    let (sender, signals) = signals();
    sender.send("terminate").expect("heard");
    let ended = timeout(Duration::from_secs(30), life.run(signals)).await;
    assert_eq!(ended.expect("long before the drain's limit"), Ended::Well);
}
