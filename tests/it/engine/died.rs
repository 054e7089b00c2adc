//! A job that ends its process: given up, told, and not revived by what repairs everything else.

use clear_relay::engine::commands::{cases, work};
use clear_relay::engine::sync::reconcile;
use relay_core::case::CaseStatus;
use relay_core::time::SignedDuration;
use relay_core::workflow::Action;
use relay_store::{Job, JobState};

use super::forgotten::{at, die};
use super::rig::Rig;

/// Lets the process die in what is due, as often as it takes; then the next one gives it up.
async fn give_up(rig: &Rig, key: &str) -> Job {
    for _ in 0..3 {
        let claimed = die(rig).await;
        assert!(claimed.iter().any(|job| job.key == key), "{claimed:?}");
    }
    rig.drain().await;
    by_key(rig, key).await
}

async fn by_key(rig: &Rig, key: &str) -> Job {
    rig.store.job_by_key(key).await.unwrap().unwrap()
}

/// Reconciles of two weeks: none may bring back the job under `key`.
async fn stays_dead(rig: &Rig, key: &str) {
    for _ in 0..14 {
        rig.clock.advance(SignedDuration::from_hours(24));
        reconcile::reconcile(&rig.engine, false).await.unwrap();
        let job = by_key(rig, key).await;
        assert_eq!(job.state, JobState::Dead, "nothing revives {key}");
        rig.drain().await;
    }
}

#[tokio::test]
async fn a_look_that_ends_its_process_is_told_and_no_reconcile_wakes_it() {
    let rig = Rig::new().await;
    rig.clock.set(at("2026-11-03T12:00:00-07:00"));
    rig.list("maya", "c1", "2026-11-03");
    rig.receive(&[rig.due("maya", "c1", "2026-11-03")]).await;
    rig.drain().await;
    rig.clock.set(at("2026-11-04T00:00:00-07:00"));
    let key = "missed/maya/c1";
    assert_eq!(give_up(&rig, key).await.state, JobState::Dead);
    assert_eq!(rig.work("dead_job").await.len(), 1);
    stays_dead(&rig, key).await;
    assert_eq!(rig.work("dead_job").await.len(), 1);
    assert_eq!(rig.open_cases().await, 0);
    // Mended, a person replays it.
    let item = rig.work("dead_job").await.remove(0);
    let replayed = work::settle_work(&rig.engine, item.id, "Ada", "replay", None).await;
    replayed.unwrap();
    rig.drain().await;
    assert_eq!(rig.open_cases().await, 1);
}

#[tokio::test]
async fn a_timer_that_ends_its_process_holds_its_case_with_an_item() {
    let rig = Rig::new().await;
    let case = rig.missed().await;
    rig.clock.set(at("2026-11-04T09:00:00-07:00"));
    rig.drain().await;
    rig.clock.set(at("2026-11-06T09:00:00-07:00"));
    let generation = rig.case(case).await.generation;
    let key = format!("timer/{case}/{generation}");
    assert_eq!(give_up(&rig, &key).await.state, JobState::Dead);
    let status = rig.case(case).await.status;
    assert!(matches!(status, CaseStatus::Paused { .. }), "{status:?}");
    assert_eq!(rig.work("paused").await.len(), 1);
    stays_dead(&rig, &key).await;
    rig.holds().await;
    cases::decide_case(&rig.engine, case, "Beth", Action::Resume)
        .await
        .unwrap();
    rig.drain().await;
    let after = rig.case(case).await;
    assert_eq!(after.status, CaseStatus::Open);
    assert_ne!(after.step, "portal_message", "it goes on");
}

#[tokio::test]
async fn a_timer_that_ends_its_process_even_when_its_case_is_told_is_not_woken_either() {
    let rig = Rig::new().await;
    let case = rig.missed().await;
    rig.clock.set(at("2026-11-04T09:00:00-07:00"));
    rig.drain().await;
    rig.clock.set(at("2026-11-06T09:00:00-07:00"));
    let generation = rig.case(case).await.generation;
    let key = format!("timer/{case}/{generation}");
    die(&rig).await;
    assert_eq!(give_up(&rig, &key).await.state, JobState::Dead);
    assert_eq!(rig.case(case).await.status, CaseStatus::Open);
    stays_dead(&rig, &key).await;
    assert_eq!(rig.work("stuck").await.len(), 1, "a person has the case");
}
