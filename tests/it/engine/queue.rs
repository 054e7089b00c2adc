//! Jobs: they end, they come back, none runs forever.

use std::sync::Arc;
use std::time::Duration;

use clear_relay::engine::commands::{cases, replay};
use clear_relay::engine::sync::invariants::Violation;
use clear_relay::engine::sync::reconcile;
use clear_relay::engine::sync::report::Became;
use clear_relay::engine::{dispatcher, periodic};
use clear_relay::failpoint::CLAIM;
use clear_relay::lifecycle::{Ended, Lifecycle, Patience, Signals};
use relay_core::case::{CaseStatus, Mode};
use relay_core::facts::FactBody;
use relay_core::ids::JobId;
use relay_core::retry::Class;
use relay_core::time::SignedDuration;
use relay_store::{EffectState, Existing, JobState, NewJob, Op, ReceiptState};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::rig::Rig;
use super::world::Outcome;
use crate::support::failpoints::StopAt;

#[tokio::test]
async fn a_job_of_a_kind_nobody_knows_waits_is_told_and_stands_in_nobodys_way() {
    let rig = Rig::new().await;
    let now = rig.engine.now();
    let job = NewJob {
        id: JobId::new(rig.random.as_ref(), now),
        key: "x".into(),
        kind: "x".into(),
        lane: "maya".into(),
        run_at: now,
        client: Some("maya".into()),
        case: None,
        payload: serde_json::Value::Null,
    };
    let id = job.id;
    let existing = Existing::Keep;
    let op = Op::Enqueue { job, existing };
    rig.store.commit(vec![op].into()).await.unwrap();
    let case = rig.order("email").await;
    rig.drain().await;
    assert_eq!(rig.effect(case, "email").await.state, EffectState::Done);
    let report = reconcile::reconcile(&rig.engine, false).await.unwrap();
    let told = report.found.iter().any(|found| {
        let is_it = matches!(&found.violation, Violation::NewerKind { job, .. } if *job == id);
        is_it && found.became == Became::Left
    });
    assert!(told, "{report:?}");
    let job = rig.store.job_by_key("x").await.unwrap().unwrap();
    assert_eq!(job.state, JobState::Ready);
    assert!(rig.work("dead_job").await.is_empty());
}

#[tokio::test]
async fn a_panic_in_the_middle_of_an_attempt_is_an_unclear_outcome_and_frees_the_lane() {
    let rig = Rig::new().await;
    rig.world.now().outcomes.push_back(Outcome::Panics);
    let case = rig.order("email note").await;
    rig.drain().await;
    assert_eq!(
        rig.effect(case, "email").await.state,
        EffectState::Unsettled
    );
    assert_eq!(rig.effect(case, "note").await.state, EffectState::Done);
    let asked = rig.store.case_work(case).await.unwrap();
    assert!(asked.iter().any(|item| item.kind == "unsettled"));
    rig.pass(24 * 60).await;
    assert_eq!(rig.world.now().attempts.len(), 2, "never again by itself");
}

#[tokio::test]
async fn the_daily_reconcile_outlives_single_failures_on_different_days() {
    let rig = Rig::new().await;
    let op = periodic::periodic_job(&rig.engine, "reconcile");
    rig.store.commit(vec![op].into()).await.unwrap();
    for _ in 0..4 {
        let retryable = Class::Retryable { after: None };
        rig.world.now().read_failures.push_back(retryable);
        rig.drain().await;
        rig.pass(1).await;
        rig.pass(48 * 60).await;
    }
    let job = &rig.jobs("reconcile").await[0];
    assert_eq!(job.state, JobState::Ready);
    assert!(rig.work("dead_job").await.is_empty());
}

#[tokio::test]
async fn the_daily_reconcile_comes_back_after_an_outage_and_somebody_hears_of_it() {
    let rig = Rig::new().await;
    let op = periodic::periodic_job(&rig.engine, "reconcile");
    rig.store.commit(vec![op].into()).await.unwrap();
    rig.world.now().read_failures = vec![Class::Permanent; 1].into();
    rig.drain().await;
    assert_eq!(rig.work("dead_job").await.len(), 1);
    rig.list("maya", "c1", "2026-11-05");
    rig.pass(72 * 60).await;
    assert_eq!(rig.jobs("reconcile").await[0].state, JobState::Ready);
    assert_eq!(rig.jobs("missed_check").await.len(), 1, "it has run again");
}

#[tokio::test]
async fn a_due_date_that_moved_untold_is_followed_up_on_its_new_day() {
    let rig = Rig::new().await;
    rig.list("maya", "c1", "2026-11-09");
    rig.receive(&[rig.due("maya", "c1", "2026-11-05")]).await;
    rig.drain().await;
    rig.pass(48 * 60).await;
    let job = &rig.jobs("missed_check").await[0];
    assert_eq!(job.state, JobState::Ready, "put off to the new date");
    rig.pass(5 * 24 * 60).await;
    let open = rig.store.open_cases(&"maya".into()).await.unwrap();
    assert_eq!(open.len(), 1);
}

#[tokio::test]
async fn a_due_date_that_moved_back_untold_is_followed_up_all_the_same() {
    let rig = Rig::new().await;
    rig.list("maya", "c1", "2026-11-05");
    rig.receive(&[rig.due("maya", "c1", "2026-11-09")]).await;
    rig.drain().await;
    rig.pass(6 * 24 * 60).await;
    let open = rig.store.open_cases(&"maya".into()).await.unwrap();
    assert_eq!(open.len(), 1);
}

#[tokio::test]
async fn an_effect_that_its_case_waits_for_is_not_cancelled_and_the_dry_run_says_so() {
    let rig = Rig::new().await;
    let case = rig.order("email").await;
    let job = rig.job(case, "email").await;
    let dry = replay::check_cancel(&rig.engine, job.id, "admin").await;
    let done = replay::cancel_job(&rig.engine, job.id, "admin").await;
    let (Err(dry), Err(done)) = (dry, done) else {
        panic!("its case would wait for nothing")
    };
    assert_eq!(dry.to_string(), done.to_string());
    let instead = format!("`clear-relay cases pause {case} ");
    assert!(done.to_string().contains(&instead), "{done}");
    rig.drain().await;
    assert_eq!(rig.world.now().attempts.len(), 1);
}

#[tokio::test]
async fn a_timer_an_unclear_effect_and_the_reconcile_are_not_cancelled_by_their_jobs() {
    let rig = Rig::new().await;
    let case = rig.missed().await;
    rig.clock.set("2026-11-04T09:00:00-07:00".parse().unwrap());
    rig.drain().await;
    let timer = rig.jobs("timer").await.pop().unwrap();
    assert!(
        replay::cancel_job(&rig.engine, timer.id, "admin")
            .await
            .is_err()
    );
    assert_eq!(rig.case(case).await.status, CaseStatus::Open);

    let op = periodic::periodic_job(&rig.engine, "reconcile");
    rig.store.commit(vec![op].into()).await.unwrap();
    let reconcile = rig.jobs("reconcile").await.pop().unwrap();
    assert!(
        replay::cancel_job(&rig.engine, reconcile.id, "admin")
            .await
            .is_err()
    );

    let unclear = Outcome::AcceptedBut(Class::Unclear);
    rig.world.now().outcomes.push_back(unclear);
    let other = rig.order("email").await;
    rig.drain().await;
    let job = rig.job(other, "email").await;
    assert!(
        replay::cancel_job(&rig.engine, job.id, "admin")
            .await
            .is_err()
    );
    rig.pass(2).await;
    assert_eq!(rig.effect(other, "email").await.state, EffectState::Done);
}

#[tokio::test]
async fn a_refused_credential_is_told_at_once_also_when_only_a_read_met_it() {
    let rig = Rig::new().await;
    rig.world.now().read_failures = vec![Class::Unauthorised].into();
    let case = rig.order("email").await;
    rig.drain().await;
    assert_eq!(rig.work("connection").await.len(), 1);
    assert!(rig.world.now().attempts.is_empty());
    rig.pass(30).await;
    assert_eq!(rig.effect(case, "email").await.state, EffectState::Done);
}

#[tokio::test]
async fn a_failure_before_a_long_wait_does_not_shorten_the_budget_after_it() {
    let rig = Rig::new().await;
    let case = rig.missed().await;
    let retryable = Class::Retryable { after: None };
    // The guard fails once, then says "later"; two days on the vendor is busy for a moment.
    rig.clock.set("2026-11-04T09:00:00-07:00".parse().unwrap());
    cases::set_stopped(&rig.engine, true, "test", None)
        .await
        .unwrap();
    rig.drain().await;
    cases::set_stopped(&rig.engine, false, "test", None)
        .await
        .unwrap();
    rig.world.now().read_failures.push_back(retryable);
    rig.pass(6).await;
    cases::set_stopped(&rig.engine, true, "test", None)
        .await
        .unwrap();
    rig.pass(30).await;
    rig.clock.advance(SignedDuration::from_hours(30));
    cases::set_stopped(&rig.engine, false, "test", None)
        .await
        .unwrap();
    rig.world.now().read_failures.push_back(retryable);
    rig.drain().await;
    let filter = relay_store::JobFilter {
        kind: Some("effect".into()),
        case: Some(case),
        ..relay_store::JobFilter::default()
    };
    let jobs = rig
        .store
        .jobs(&filter, relay_store::Page::default())
        .await
        .unwrap();
    assert_eq!(jobs[0].state, JobState::Ready, "{:?}", jobs[0].last_error);
}

#[tokio::test]
async fn a_webhook_that_asks_for_nothing_costs_no_claim_and_what_is_due_is_run_all_the_same() {
    const WEBHOOKS: usize = 30;
    let places = Arc::new(StopAt::default());
    let rig = Rig::with(Mode::Act, Arc::clone(&places) as _).await;
    rig.drain().await;
    let claims = || {
        let reached = places.reached();
        reached
            .iter()
            .filter(|place| **place == CLAIM.before)
            .count()
    };
    let before = claims();
    let (tell, signals) = mpsc::unbounded_channel();
    let mut life = Lifecycle::new(Patience::default());
    let engine = rig.engine.clone();
    life.service("worker", |stop| async move {
        dispatcher::run(engine, 4, stop).await?;
        Ok(())
    });
    let run = tokio::spawn(life.run(Signals::from_channel(signals)));
    let work = async {
        for _ in 0..WEBHOOKS {
            let receipt = rig
                .receive(&[rig.fact("ana", "ana", FactBody::ProgramReactivated)])
                .await;
            rig.engine.wake.notify_one();
            while rig.receipt_state(receipt).await == ReceiptState::New {
                tokio::task::yield_now().await;
            }
        }
        let claims = claims() - before;
        assert!(claims <= 2, "{claims} claims for {WEBHOOKS} webhooks");
        let case = rig.order("email").await;
        while rig.effect(case, "email").await.state != EffectState::Done {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_mins(1), work)
        .await
        .expect("all is read, and the email is sent");
    tell.send("terminate").expect("heard");
    assert_eq!(run.await.expect("no panic"), Ended::Well);
}
