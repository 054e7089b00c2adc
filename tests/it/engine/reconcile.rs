//! What must hold is found and repaired, or told: lost jobs, lost items, a clock that ran ahead.

use std::sync::Arc;

use clear_relay::engine::commands::cases;
use clear_relay::engine::start;
use clear_relay::engine::sync::invariants::Violation;
use clear_relay::engine::sync::reconcile;
use clear_relay::engine::sync::report::Became;
use clear_relay::failpoint::NoFailpoints;
use relay_core::case::{CaseStatus, Wait};
use relay_core::facts::FactBody;
use relay_core::ids::CaseId;
use relay_core::time::SignedDuration;
use relay_store::{JobState, Op};

use super::forgotten::at;
use super::rig::Rig;
use super::world::client;

/// A case that waits for its timer, and one that waits for the coach's answer.
async fn waiting() -> (Rig, CaseId) {
    let rig = Rig::prepared().await;
    let case = rig.missed().await;
    rig.clock.set(at("2026-11-04T09:00:00-07:00"));
    rig.drain().await;
    assert!(matches!(
        rig.case(case).await.wait,
        Some(Wait::Timer { .. })
    ));
    rig.holds().await;
    (rig, case)
}

#[tokio::test]
async fn a_wait_whose_job_was_lost_is_found_and_repaired() {
    let (rig, case) = waiting().await;
    let timer = rig.jobs("timer").await.pop().unwrap();
    let lost = Op::CancelJob {
        id: timer.id,
        why: "lost".into(),
        at: rig.engine.now(),
    };
    rig.store.commit(vec![lost].into()).await.unwrap();
    let dry = reconcile::reconcile(&rig.engine, true).await.unwrap();
    let [found] = dry.found.as_slice() else {
        panic!("{dry:?}")
    };
    assert_eq!(found.became, Became::Repaired);
    assert!(matches!(&found.violation, Violation::WaitWithoutJob { case: of, .. } if *of == case));
    let still = rig.store.job(timer.id).await.unwrap().unwrap();
    assert_eq!(
        still.state,
        JobState::Cancelled,
        "a dry run changes nothing"
    );
    assert_eq!(
        reconcile::reconcile(&rig.engine, false)
            .await
            .unwrap()
            .found,
        dry.found
    );
    rig.holds().await;
    let back = rig.store.job(timer.id).await.unwrap().unwrap();
    assert_eq!((back.state, back.run_at), (JobState::Ready, timer.run_at));
}

#[tokio::test]
async fn a_reminder_and_a_periodic_job_that_were_lost_are_queued_again() {
    let (rig, case) = waiting().await;
    let pause = relay_core::workflow::Action::Pause { reason: "x".into() };
    cases::decide_case(&rig.engine, case, "Beth", pause)
        .await
        .unwrap();
    rig.holds().await;
    let mut lost = rig.jobs("reminder").await;
    lost.extend(rig.jobs("hooks_watch").await);
    let now = rig.engine.now();
    let ops: Vec<Op> = lost
        .iter()
        .filter(|job| job.state == JobState::Ready)
        .map(|job| Op::CancelJob {
            id: job.id,
            why: "lost".into(),
            at: now,
        })
        .collect();
    assert!(ops.len() >= 2);
    rig.store.commit(ops.into()).await.unwrap();
    let found = reconcile::reconcile(&rig.engine, false)
        .await
        .unwrap()
        .found;
    assert!(found.len() >= 2, "{found:?}");
    rig.holds().await;
}

#[tokio::test]
async fn a_case_that_waits_for_a_person_whom_nobody_asks_is_told() {
    let (rig, case) = waiting().await;
    let pause = relay_core::workflow::Action::Pause { reason: "x".into() };
    cases::decide_case(&rig.engine, case, "Beth", pause)
        .await
        .unwrap();
    let settled = relay_store::WorkSettled {
        at: rig.engine.now(),
        by: "a bug".into(),
        action: "lost".into(),
    };
    let lost = Op::SettleCaseWork { case, settled };
    rig.store.commit(vec![lost].into()).await.unwrap();
    let found = reconcile::reconcile(&rig.engine, false)
        .await
        .unwrap()
        .found;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].became, Became::Told);
    assert_eq!(rig.work("stuck").await.len(), 1);
    rig.holds().await;
}

#[tokio::test]
async fn a_check_in_whose_event_and_job_are_lost_is_found_by_the_reconcile() {
    let rig = Rig::prepared().await;
    rig.clock.set(at("2026-11-04T05:00:00-07:00"));
    rig.list("maya", "c1", "2026-11-03");
    let dry = reconcile::reconcile(&rig.engine, true).await.unwrap();
    assert!(
        dry.found
            .iter()
            .any(|found| matches!(found.violation, Violation::CheckInUnwatched { .. })),
        "{dry:?}"
    );
    rig.pass(90).await;
    assert_eq!(rig.open_cases().await, 1);
    // The same again finds nothing.
    let again = reconcile::reconcile(&rig.engine, false).await.unwrap();
    assert!(again.found.is_empty(), "{again:?}");
    rig.holds().await;
}

#[tokio::test]
async fn a_start_after_an_hour_reconciles_at_once() {
    let (mut rig, _) = waiting().await;
    let before = rig.jobs("reconcile").await.pop().unwrap();
    rig.clock.advance(SignedDuration::from_hours(2));
    rig.restart(Arc::new(NoFailpoints)).await;
    start::prepare(&rig.engine).await.unwrap();
    let after = rig.jobs("reconcile").await.pop().unwrap();
    assert!(before.run_at > after.run_at);
    assert_eq!(after.run_at, rig.engine.now());
    rig.drain().await;
    rig.clock.advance(SignedDuration::from_mins(30));
    start::prepare(&rig.engine).await.unwrap();
    let soon = rig.jobs("reconcile").await.pop().unwrap();
    assert!(
        soon.run_at > rig.engine.now(),
        "it was done a short while ago"
    );
}

#[tokio::test]
async fn a_clock_that_ran_ahead_leaves_nobody_behind() {
    for ahead in [
        SignedDuration::from_hours(24 * 2),
        SignedDuration::from_hours(24 * 60),
        SignedDuration::from_hours(24 * 3_652),
    ] {
        let (mut rig, case) = waiting().await;
        rig.world.now().clients.push(client("jo"));
        // A second case stands still, with its coach asked.
        let stands = rig.order_for("ana", "message").await;
        rig.world
            .now()
            .outcomes
            .push_back(super::world::Outcome::Fails(
                relay_core::retry::Class::Permanent,
            ));
        rig.drain().await;
        assert!(!rig.work("dead_job").await.is_empty());
        let right = rig.engine.now();
        rig.clock.advance(ahead);
        rig.drain().await;
        rig.clock.set(right);
        // The next process sees it as well.
        rig.restart(Arc::new(NoFailpoints)).await;
        rig.drain().await;
        rig.holds().await;
        let stored = rig.case(case).await;
        assert!(stored.changed_at <= right);
        for job in rig.jobs("reminder").await {
            if job.state == JobState::Ready {
                let soon = job.run_at.duration_since(right);
                assert!(soon < SignedDuration::from_hours(24 * 5), "{job:?}");
            }
        }
        // What she writes now is news, whatever the clock had said.
        let body = FactBody::ClientReplied {
            message: Some("m1".into()),
            channel: "portal".into(),
        };
        rig.clock.advance(SignedDuration::from_mins(1));
        rig.receive(&[rig.fact("maya", "m1", body)]).await;
        rig.drain().await;
        assert!(
            matches!(rig.case(case).await.status, CaseStatus::Paused { .. }),
            "after {ahead:?}: {:?}",
            rig.case(case).await
        );
        // And the alarm of 30 days rings.
        rig.days(35).await;
        let stale = rig.work("stale").await;
        assert!(
            stale.iter().any(|item| item.case == Some(stands)),
            "after {ahead:?}: {stale:?}"
        );
        rig.holds().await;
    }
}

#[tokio::test]
async fn each_reconcile_compares_the_open_cases_anew_on_the_same_day_too() {
    let (mut rig, case) = waiting().await;
    rig.clock.set(at("2026-11-05T06:00:00-07:00"));
    start::prepare(&rig.engine).await.unwrap();
    rig.drain().await;
    assert_eq!(rig.jobs("refresh").await.len(), 1);
    // Down from nine to three: she checks in, and the event is lost.
    rig.clock.set(at("2026-11-05T15:00:00-07:00"));
    rig.world.now().check_ins[0].1.submitted_at = Some(at("2026-11-05T10:00:00-07:00"));
    rig.restart(Arc::new(NoFailpoints)).await;
    start::prepare(&rig.engine).await.unwrap();
    rig.drain().await;
    let status = rig.case(case).await.status;
    assert!(matches!(status, CaseStatus::Closed { .. }), "{status:?}");
    rig.holds().await;
}
