//! What comes between the guard and the request, and what is held although nothing waits for it.

use std::sync::Arc;

use clear_relay::engine::commands::{cases, replay, work};
use clear_relay::engine::held_back;
use clear_relay::failpoint::{GUARD, INTENT, NoFailpoints};
use relay_core::case::{CaseStatus, Mode};
use relay_core::effects::Settled;
use relay_core::ids::CaseId;
use relay_core::retry::Class;
use relay_core::time::SignedDuration;
use relay_store::{EffectState, JobState, WorkItem};

use super::rig::Rig;
use super::world::{Outcome, client};
use crate::support::failpoints::Meanwhile;

#[tokio::test]
async fn a_process_that_stood_still_after_the_guard_sends_nothing_and_guards_again() {
    for name in ["email", "note", "tag"] {
        for place in [GUARD.after, INTENT.before, INTENT.after] {
            // A state is read after the guard, which is fresh enough for it.
            if name == "tag" && place == GUARD.after {
                continue;
            }
            let what = format!("{name}, {place}");
            let mut rig = Rig::new().await;
            let case = rig.order(name).await;
            let real = rig.real.clone();
            // Less than a lease: nobody else has taken the job.
            let jump = Arc::new(Meanwhile::at(place, async move {
                real.advance(SignedDuration::from_secs(6));
            }));
            rig.restart(jump.clone()).await;
            rig.drain().await;
            assert!(jump.happened(), "{what}");
            assert!(rig.world.now().attempts.is_empty(), "{what}");
            assert_eq!(rig.effect(case, name).await.state, EffectState::Planned);
            assert_eq!(rig.job(case, name).await.state, JobState::Ready, "{what}");
            let reads = rig.world.now().reads;
            rig.pass(6).await;
            assert!(rig.world.now().reads > reads, "{what}: guarded again");
            assert_eq!(rig.world.now().attempts.len(), 1, "{what}");
            let effect = rig.effect(case, name).await;
            assert_eq!(effect.state, EffectState::Done, "{what}");
            // The first one never left: it needs no look, and no wait.
            assert_eq!(effect.revision, 2, "{what}");
        }
    }
}

#[tokio::test]
async fn a_short_moment_between_guard_and_request_holds_nothing_up() {
    let mut rig = Rig::new().await;
    rig.order("email").await;
    let real = rig.real.clone();
    let moment = Meanwhile::at(INTENT.before, async move {
        real.advance(SignedDuration::from_secs(4));
    });
    rig.restart(Arc::new(moment)).await;
    rig.drain().await;
    assert_eq!(rig.world.now().attempts.len(), 1);
}

#[tokio::test]
async fn a_stop_while_the_intent_is_stored_sends_nothing() {
    // Right after the last look before the intent, and right after the intent.
    for place in [INTENT.before, INTENT.after] {
        let mut rig = Rig::new().await;
        let case = rig.order("email").await;
        let engine = rig.engine.clone();
        let stop = Arc::new(Meanwhile::at(place, async move {
            cases::set_stopped(&engine, true, "owner", None)
                .await
                .unwrap();
        }));
        rig.restart(stop.clone()).await;
        rig.drain().await;
        assert!(stop.happened(), "{place}");
        rig.pass(60).await;
        assert!(rig.world.now().attempts.is_empty(), "{place}");
        assert_eq!(rig.effect(case, "email").await.state, EffectState::Planned);
        cases::set_stopped(&rig.engine, false, "owner", None)
            .await
            .unwrap();
        rig.pass(6).await;
        assert_eq!(rig.effect(case, "email").await.state, EffectState::Done);
        assert_eq!(rig.world.now().attempts.len(), 1, "{place}");
    }
}

#[tokio::test]
async fn a_refused_email_is_not_sent_again_before_it_would_be_listed() {
    let rig = Rig::new().await;
    let refused = Outcome::AcceptedBut(Class::Retryable { after: None });
    rig.world.now().outcomes.push_back(refused);
    rig.world.now().blind = true;
    let case = rig.order("email").await;
    rig.drain().await;
    for _ in 0..14 {
        rig.pass(1).await;
    }
    assert_eq!(rig.world.now().attempts.len(), 1);
    rig.world.now().blind = false;
    rig.pass(2).await;
    let effect = rig.effect(case, "email").await;
    let by_probe = matches!(effect.settled, Some(Settled::Done { by_probe: true, .. }));
    assert!(by_probe, "{:?}", effect.settled);
    assert_eq!(rig.world.now().attempts.len(), 1);
}

#[tokio::test]
async fn refusals_that_are_looked_after_still_count_and_come_to_an_end() {
    let rig = Rig::new().await;
    let refused = Outcome::Fails(Class::Retryable { after: None });
    rig.world.now().outcomes = vec![refused; 500].into();
    let case = rig.order("email").await;
    // A day and an hour, in steps that meet the waits between look and second look.
    for _ in 0..150 {
        rig.pass(10).await;
    }
    assert_eq!(rig.effect(case, "email").await.state, EffectState::Dead);
    assert_eq!(rig.job(case, "email").await.state, JobState::Dead);
    assert!(rig.world.now().attempts.len() <= 40);
}

#[tokio::test]
async fn what_never_left_is_sent_again_without_a_wait() {
    let rig = Rig::new().await;
    let refused = Outcome::Fails(Class::NotSent);
    rig.world.now().outcomes.push_back(refused);
    rig.order("email").await;
    rig.drain().await;
    rig.pass(1).await;
    assert_eq!(rig.world.now().attempts.len(), 2);
}

/// A note that is held by its guard, beside an email that went out.
async fn held() -> (Rig, CaseId, WorkItem) {
    let rig = Rig::new().await;
    let world = rig.world.clone();
    rig.world.now().on_attempt = Some(Box::new(move || {
        Box::pin(async move {
            world.now().clients.clear();
        })
    }));
    let case = rig.order("email note").await;
    rig.drain().await;
    assert_eq!(rig.effect(case, "email").await.state, EffectState::Done);
    assert_eq!(rig.effect(case, "note").await.state, EffectState::Held);
    assert_eq!(rig.job(case, "note").await.state, JobState::Parked);
    let [item] = <[WorkItem; 1]>::try_from(rig.work("held").await).unwrap();
    assert_eq!(item.actions, ["replay", "cancel"]);
    assert_eq!(item.effect, Some(Rig::key(case, "note")));
    (rig, case, item)
}

#[tokio::test]
async fn what_is_held_though_nothing_waits_for_it_is_told_and_can_be_replayed() {
    for through_the_item in [true, false] {
        let (rig, case, item) = held().await;
        let job = rig.job(case, "note").await;
        rig.world.now().clients = vec![client("maya")];
        if through_the_item {
            let settled = work::settle_work(&rig.engine, item.id, "Beth", "replay", None);
            settled.await.unwrap();
        } else {
            replay::replay(&rig.engine, job.id, "Beth").await.unwrap();
        }
        rig.drain().await;
        assert_eq!(rig.effect(case, "note").await.state, EffectState::Done);
        assert_eq!(rig.world.now().attempts.len(), 2);
        assert!(rig.work("held").await.is_empty());
        let item = rig.store.work_item(item.id).await.unwrap().unwrap();
        let settled = item.settled.unwrap();
        assert_eq!(
            (settled.by.as_str(), settled.action.as_str()),
            ("Beth", "replay")
        );
    }
}

#[tokio::test]
async fn what_is_held_again_after_a_replay_is_told_again() {
    let (rig, case, item) = held().await;
    let settled = work::settle_work(&rig.engine, item.id, "Beth", "replay", None);
    settled.await.unwrap();
    rig.drain().await;
    assert_eq!(rig.effect(case, "note").await.state, EffectState::Held);
    let again = rig.work("held").await;
    assert_eq!(again.len(), 1);
    assert_ne!(again[0].id, item.id);
}

#[tokio::test]
async fn what_is_held_though_nothing_waits_for_it_can_be_left_out() {
    for through_the_item in [true, false] {
        let (mut rig, case, item) = held().await;
        let job = rig.job(case, "note").await;
        if through_the_item {
            let settled = work::settle_work(&rig.engine, item.id, "Beth", "cancel", None);
            settled.await.unwrap();
        } else {
            replay::cancel_job(&rig.engine, job.id, "Beth")
                .await
                .unwrap();
        }
        assert!(rig.work("held").await.is_empty());
        rig.world.now().clients = vec![client("maya")];
        rig.restart(Arc::new(NoFailpoints)).await;
        rig.pass(60).await;
        assert_eq!(rig.effect(case, "note").await.state, EffectState::Cancelled);
        assert_eq!(rig.job(case, "note").await.state, JobState::Cancelled);
        assert_eq!(rig.world.now().attempts.len(), 1);
    }
}

#[tokio::test]
async fn an_act_case_waits_while_its_procedure_only_proposes_and_goes_on_afterwards() {
    let mut rig = Rig::new().await;
    let id = rig.missed().await;
    rig.in_mode(Mode::Propose);
    let held_back = held_back::held_back(&rig.engine).await.unwrap();
    assert_eq!(
        held_back.iter().map(|case| case.id).collect::<Vec<_>>(),
        [id]
    );
    // Nine o'clock and well past it.
    rig.pass(60 * 10).await;
    assert!(rig.world.now().attempts.is_empty());
    let case = rig.case(id).await;
    assert_eq!(case.status, CaseStatus::Open);
    let effects = rig.store.effects(id).await.unwrap();
    assert_eq!(
        effects[0].state,
        EffectState::Planned,
        "nothing is proposed of it"
    );
    rig.in_mode(Mode::Act);
    rig.pass(10).await;
    assert_eq!(rig.world.now().attempts.len(), 1);
    assert!(held_back::held_back(&rig.engine).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_case_that_was_opened_as_a_proposal_stays_one() {
    let mut rig = Rig::with(Mode::Propose, Arc::new(NoFailpoints)).await;
    let id = rig.missed().await;
    rig.in_mode(Mode::Act);
    rig.pass(60 * 10).await;
    assert!(rig.world.now().attempts.is_empty());
    let effects = rig.store.effects(id).await.unwrap();
    assert_eq!(effects[0].state, EffectState::Proposed);
}
