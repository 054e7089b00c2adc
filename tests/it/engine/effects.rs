//! Guard, intent, one attempt, probe, outcome.

use std::sync::Arc;

use clear_relay::engine::commands::cases;
use clear_relay::engine::{dispatcher, intake};
use clear_relay::failpoint::{
    ATTEMPT, GUARD, INTENT, NoFailpoints, POINTS, PROBE, PROBE_COMMIT, SETTLE,
};
use relay_core::case::{Case, CaseStatus, Mode};
use relay_core::clients::{Author, ClientStatus, PortalMessage};
use relay_core::effects::Settled;
use relay_core::facts::FactBody;
use relay_core::ids::CaseId;
use relay_core::retry::Class;
use relay_core::time::SignedDuration;
use relay_store::{EffectState, JobState, Op};
use relay_store_sqlite::spoil;
use serde_json::json;

use super::rig::{Rig, date};
use super::world::Outcome;
use crate::support::failpoints::StopAt;

#[tokio::test]
async fn each_class_of_failure_has_its_own_consequence() {
    let retryable = Class::Retryable {
        after: Some(SignedDuration::from_mins(40)),
    };
    let fails = Outcome::Fails;
    // What happens, what the vendor shows after two days, how many requests it got.
    let table = [
        ("note", fails(Class::NotSent), EffectState::Done, 2),
        ("note", fails(retryable), EffectState::Done, 2),
        ("email", fails(Class::Unauthorised), EffectState::Done, 2),
        ("email", fails(Class::Permanent), EffectState::Dead, 1),
        ("message", fails(Class::Unclear), EffectState::Done, 2),
        ("email", fails(Class::Unclear), EffectState::Unsettled, 1),
        ("tag", fails(Class::Unclear), EffectState::Done, 2),
        (
            "email",
            Outcome::AcceptedBut(Class::Unclear),
            EffectState::Done,
            1,
        ),
        (
            "message",
            Outcome::AcceptedBut(Class::Unclear),
            EffectState::Done,
            1,
        ),
    ];
    for (name, outcome, state, attempts) in table {
        let rig = Rig::new().await;
        rig.world.now().outcomes.push_back(outcome.clone());
        let case = rig.order(name).await;
        rig.drain().await;
        for _ in 0..30 {
            rig.pass(5).await;
        }
        let effect = rig.effect(case, name).await;
        assert_eq!(effect.state, state, "{name} {outcome:?}");
        assert_eq!(
            rig.world.now().attempts.len(),
            attempts,
            "{name} {outcome:?}"
        );
        assert!(rig.world.now().accepted.len() <= 1, "{name} {outcome:?}");
    }
}

#[tokio::test]
async fn a_retry_after_is_waited_for_in_full() {
    let rig = Rig::new().await;
    let after = Some(SignedDuration::from_mins(40));
    let busy = Outcome::Fails(Class::Retryable { after });
    rig.world.now().outcomes.push_back(busy);
    rig.order("email").await;
    rig.drain().await;
    rig.pass(39).await;
    assert_eq!(rig.world.now().attempts.len(), 1);
    rig.pass(12).await;
    assert_eq!(rig.world.now().attempts.len(), 2);
}

#[tokio::test]
async fn a_guard_that_cannot_read_never_sends() {
    let rig = Rig::new().await;
    rig.world.now().read_failures = vec![Class::Retryable { after: None }; 500].into();
    let case = rig.order("email").await;
    for _ in 0..60 {
        rig.pass(60).await;
    }
    assert!(rig.world.now().attempts.is_empty());
    assert_eq!(rig.effect(case, "email").await.state, EffectState::Dead);
    assert!(matches!(
        rig.case(case).await.status,
        CaseStatus::Held { .. }
    ));
    assert_eq!(rig.work("dead_job").await.len(), 1);
}

#[tokio::test]
async fn a_crash_at_any_place_never_sends_twice_and_never_forgets() {
    for point in [GUARD, INTENT, ATTEMPT, SETTLE, PROBE, PROBE_COMMIT] {
        assert!(POINTS.contains(&point));
        for name in [point.before, point.after] {
            let stop = Arc::new(StopAt::name(name));
            let mut rig = Rig::with(Mode::Act, stop.clone()).await;
            if point == PROBE || point == PROBE_COMMIT {
                let unclear = Outcome::AcceptedBut(Class::Unclear);
                rig.world.now().outcomes.push_back(unclear);
            }
            let engine = rig.engine.clone();
            // The order is a commit of its own and passes the same places.
            rig.restart(Arc::new(NoFailpoints)).await;
            let case = rig.order("email").await;
            if point == PROBE_COMMIT {
                // Only an intent without an outcome passes here.
                let cut = Arc::new(StopAt::name(ATTEMPT.after));
                rig.restart(cut.clone()).await;
                crash(&rig.engine, &cut).await;
                rig.restart(stop.clone()).await;
            } else if point == PROBE {
                rig.drain().await;
                rig.clock.advance(SignedDuration::from_mins(2));
            }
            let first = if point == PROBE_COMMIT {
                rig.engine.clone()
            } else {
                engine
            };
            crash(&first, &stop).await;
            rig.restart(Arc::new(NoFailpoints)).await;
            for _ in 0..30 {
                rig.pass(1).await;
            }
            // Between the intent and the request nothing was sent, and nobody can prove it.
            let asks = name == ATTEMPT.before || name == INTENT.after;
            let (sent, ends) = if asks {
                (0, EffectState::Unsettled)
            } else {
                (1, EffectState::Done)
            };
            assert_eq!(rig.world.now().accepted.len(), sent, "{name}");
            assert_eq!(rig.effect(case, "email").await.state, ends, "{name}");
        }
    }
}

#[tokio::test]
async fn a_crash_does_not_forget_that_a_call_of_the_jobs_own_was_refused() {
    let mut rig = Rig::new().await;
    let case = rig.order("email").await;
    let cut = Arc::new(StopAt::name(ATTEMPT.before));
    rig.restart(cut.clone()).await;
    crash(&rig.engine, &cut).await;
    rig.restart(Arc::new(NoFailpoints)).await;
    // As its claim after a refused call has it.
    let refused = "UPDATE jobs SET refused = 1 WHERE kind = 'effect'";
    assert_eq!(spoil::run(&rig.file(), refused).await.unwrap(), 1);
    rig.pass(2).await;
    let (effect, job) = (
        rig.effect(case, "email").await,
        rig.job(case, "email").await,
    );
    assert_eq!(
        effect.state,
        EffectState::Unclear,
        "it was cut off, and is looked for"
    );
    assert!(job.refused, "{job:?}");
}

pub(super) async fn crash(engine: &clear_relay::engine::Engine, stop: &StopAt) {
    let running = dispatcher::drain(engine, None);
    tokio::pin!(running);
    tokio::select! {
        done = &mut running => panic!("the place was never reached: {done:?}"),
        () = stop.stopped() => {}
    }
}

#[tokio::test]
async fn an_outcome_is_stored_although_the_case_moves_while_it_is_sent() {
    let rig = Rig::new().await;
    let case = rig.order("email").await;
    let engine = rig.engine.clone();
    rig.receive(&[rig.fact("maya", "m", FactBody::ProgramReactivated)])
        .await;
    intake::intake(&rig.engine).await.unwrap();
    rig.receive(&[rig.fact("maya", "m", FactBody::ProgramEnded)])
        .await;
    rig.world.now().on_attempt = Some(Box::new(move || {
        Box::pin(async move {
            intake::intake(&engine).await.unwrap();
        })
    }));
    // Not by `drain`, which reads receipts first.
    dispatcher::run_case(&rig.engine, &"maya".into(), case)
        .await
        .unwrap();
    assert_eq!(rig.effect(case, "email").await.state, EffectState::Done);
    assert_eq!(rig.world.now().attempts.len(), 1);
}

#[tokio::test]
async fn a_fact_between_guard_and_intent_sends_the_effect_back_to_its_guard() {
    let rig = Rig::new().await;
    let case = rig.order("email").await;
    let engine = rig.engine.clone();
    rig.receive(&[rig.fact("maya", "m", FactBody::ProgramEnded)])
        .await;
    rig.world.now().on_read = Some(Box::new(move || {
        Box::pin(async move {
            intake::intake(&engine).await.unwrap();
        })
    }));
    dispatcher::run_case(&rig.engine, &"maya".into(), case)
        .await
        .unwrap();
    assert!(rig.world.now().reads >= 6, "guarded twice");
    assert_eq!(rig.world.now().attempts.len(), 1);
}

#[tokio::test]
async fn a_stop_during_the_guard_or_the_intent_sends_nothing() {
    let rig = Rig::new().await;
    let case = rig.order("email").await;
    let engine = rig.engine.clone();
    rig.world.now().on_read = Some(Box::new(move || {
        Box::pin(async move {
            cases::set_stopped(&engine, true, "owner", None)
                .await
                .unwrap();
        })
    }));
    rig.drain().await;
    rig.pass(60).await;
    assert!(rig.world.now().attempts.is_empty());
    cases::set_stopped(&rig.engine, false, "owner", None)
        .await
        .unwrap();
    rig.pass(6).await;
    assert_eq!(rig.effect(case, "email").await.state, EffectState::Done);
}

#[tokio::test]
async fn a_look_that_began_too_early_proves_nothing_when_it_ends_late() {
    let rig = Rig::new().await;
    let unclear = Outcome::AcceptedBut(Class::Unclear);
    rig.world.now().outcomes.push_back(unclear);
    rig.world.now().blind = true;
    let case = rig.order("message").await;
    rig.drain().await;
    let (clock, world) = (rig.clock.clone(), rig.world.clone());
    rig.world.now().on_probe = Some(Box::new(move || {
        Box::pin(async move {
            clock.advance(SignedDuration::from_secs(20));
            world.now().blind = false;
        })
    }));
    rig.clock.advance(SignedDuration::from_secs(110));
    rig.drain().await;
    rig.pass(5).await;
    assert_eq!(rig.world.now().attempts.len(), 1);
    assert_eq!(rig.effect(case, "message").await.state, EffectState::Done);
}

#[tokio::test]
async fn while_it_is_not_known_whether_a_message_went_out_no_other_one_does() {
    let rig = Rig::new().await;
    let unclear = Outcome::AcceptedBut(Class::Unclear);
    rig.world.now().outcomes.push_back(unclear);
    let case = rig.order("message email note").await;
    rig.drain().await;
    let sent = rig.world.now().attempts.clone();
    assert_eq!(
        sent,
        [Rig::key(case, "message"), Rig::key(case, "note")],
        "a note reaches nobody"
    );
    rig.pass(2).await;
    rig.pass(2).await;
    assert_eq!(rig.effect(case, "message").await.state, EffectState::Done);
    assert_eq!(rig.effect(case, "email").await.state, EffectState::Done);
}

/// An old case of maya's that can be written and not read: nested deeper than a reader goes.
async fn unreadable_case(rig: &Rig) {
    let now = rig.engine.now();
    let data = (0..200).fold(json!(null), |inner, _| json!([inner]));
    let case = Case {
        id: CaseId::new(rig.random.as_ref(), now),
        client: "maya".into(),
        procedure: "old".into(),
        procedure_hash: "old-1".into(),
        logic: 1,
        mode: Mode::Act,
        version: 1,
        status: CaseStatus::Closed { reason: "x".into() },
        step: "x".into(),
        visit: 1,
        generation: 0,
        wait: None,
        data,
        opened_at: now,
        changed_at: now,
    };
    let insert = vec![Op::InsertCase(case.clone())];
    rig.store.commit(insert.into()).await.unwrap();
    assert!(rig.store.case(case.id).await.is_err(), "it can be read");
}

#[tokio::test]
async fn a_row_that_cannot_be_read_ends_only_what_needs_it() {
    let rig = Rig::new().await;
    unreadable_case(&rig).await;
    // Her other cases say whether a message of theirs went out today; a note reaches nobody.
    let case = rig.order("note tag").await;
    rig.drain().await;
    for name in ["note", "tag"] {
        let state = rig.effect(case, name).await.state;
        assert_eq!(state, EffectState::Done, "{name}");
    }
    let rig = Rig::new().await;
    unreadable_case(&rig).await;
    let case = rig.order("message").await;
    rig.drain().await;
    assert!(rig.world.now().attempts.is_empty());
    // It waits, so that it goes on by itself once the row is mended.
    assert_eq!(
        rig.effect(case, "message").await.state,
        EffectState::Planned
    );
}

#[tokio::test]
async fn what_may_have_gone_out_is_looked_for_whatever_cannot_be_read() {
    let rig = Rig::new().await;
    let unclear = Outcome::AcceptedBut(Class::Unclear);
    rig.world.now().outcomes.push_back(unclear);
    let case = rig.order("message").await;
    rig.drain().await;
    let state = rig.effect(case, "message").await.state;
    assert_eq!(state, EffectState::Unclear);
    unreadable_case(&rig).await;
    for _ in 0..3 {
        rig.pass(2).await;
    }
    assert_eq!(rig.world.now().attempts.len(), 1);
    assert_eq!(rig.effect(case, "message").await.state, EffectState::Done);
}

#[tokio::test]
async fn a_proposal_whose_effect_is_cancelled_meanwhile_frees_its_lane() {
    let rig = Rig::with(Mode::Propose, Arc::new(NoFailpoints)).await;
    let case = rig.order("email note").await;
    let (store, now) = (rig.store.clone(), rig.engine.now());
    rig.world.now().on_read = Some(Box::new(move || {
        Box::pin(async move {
            let cancel = Op::CancelEffect {
                key: Rig::key(case, "email"),
                why: "test".into(),
                at: now,
            };
            store.commit(vec![cancel].into()).await.unwrap();
        })
    }));
    rig.drain().await;
    assert_eq!(rig.job(case, "email").await.state, JobState::Done);
    assert_eq!(rig.effect(case, "note").await.state, EffectState::Proposed);
}

#[tokio::test]
async fn propose_mode_walks_the_procedure_and_sends_nothing() {
    let rig = Rig::with(Mode::Propose, Arc::new(NoFailpoints)).await;
    let case = rig.missed().await;
    for _ in 0..20 {
        rig.pass(12 * 60).await;
    }
    let effects = rig.store.effects(case).await.unwrap();
    let proposed = |effect: &relay_store::Effect| {
        effect.state == EffectState::Proposed && effect.request.is_some()
    };
    assert!(effects.iter().filter(|effect| proposed(effect)).count() >= 2);
    assert!(rig.world.now().attempts.is_empty());
    assert_eq!(rig.case(case).await.step, "by_hand");
}

#[tokio::test]
async fn a_check_in_that_only_the_guard_sees_closes_the_case_and_asks_nobody() {
    let rig = Rig::new().await;
    let case = rig.missed().await;
    rig.world.now().check_ins[0].1.submitted_at = Some(rig.engine.now());
    rig.clock.set("2026-11-04T09:00:00-07:00".parse().unwrap());
    rig.drain().await;
    assert!(rig.world.now().attempts.is_empty());
    assert!(rig.case(case).await.status.is_closed());
    assert!(rig.store.case_work(case).await.unwrap().is_empty());
    let effect = &rig.store.effects(case).await.unwrap()[0];
    assert!(matches!(effect.settled, Some(Settled::Overtaken { .. })));
}

#[tokio::test]
async fn a_check_in_that_was_known_before_the_case_opened_still_closes_it() {
    let rig = Rig::new().await;
    rig.clock.set("2026-11-03T13:00:00-07:00".parse().unwrap());
    // A later check-in is submitted, and told, before the earlier one is found to be missed; the
    // portal's list shows it only after that.
    rig.list("maya", "c2", "2026-11-05");
    let at = rig.engine.now();
    let body = FactBody::CheckInSubmitted {
        check_in: "c2".into(),
        complete: true,
    };
    rig.receive(&[rig.fact("maya", "c2", body)]).await;
    let case = rig.missed().await;
    rig.world.now().check_ins[0].1.submitted_at = Some(at);
    rig.clock.set("2026-11-04T09:00:00-07:00".parse().unwrap());
    rig.drain().await;
    assert!(rig.case(case).await.status.is_closed());
    assert!(rig.world.now().attempts.is_empty());
}

#[tokio::test]
async fn a_late_outcome_does_not_settle_what_the_closing_asked_a_person() {
    let rig = Rig::new().await;
    let case = rig.missed().await;
    let unclear = Outcome::AcceptedBut(Class::Unclear);
    rig.world.now().outcomes.push_back(unclear);
    rig.clock.set("2026-11-04T09:00:00-07:00".parse().unwrap());
    rig.drain().await;
    rig.receive(&[rig.fact("maya", "maya", FactBody::ProgramEnded)])
        .await;
    rig.drain().await;
    assert_eq!(rig.work("fee").await.len(), 1);
    rig.pass(2).await;
    assert!(rig.case(case).await.status.is_closed());
    assert_eq!(rig.work("overlap").await.len(), 1);
    assert_eq!(rig.work("fee").await.len(), 1, "the fee still runs");
}

#[tokio::test]
async fn a_reply_a_break_and_another_date_found_by_the_guard_move_the_case_as_if_told() {
    for what in ["reply", "break", "date"] {
        let rig = Rig::new().await;
        let case = rig.missed().await;
        rig.clock.set("2026-11-04T09:00:00-07:00".parse().unwrap());
        {
            let at = rig.engine.now();
            let mut vendors = rig.world.now();
            match what {
                "reply" => vendors.messages.push(PortalMessage {
                    id: "m1".into(),
                    author: Author::Client,
                    coach: None,
                    sent_at: at,
                    text: "hi".into(),
                    key: None,
                }),
                "break" => vendors.clients[0].status = ClientStatus::OnBreak,
                _ => vendors.check_ins[0].1.due = date("2026-11-09"),
            }
        }
        rig.drain().await;
        assert!(rig.world.now().attempts.is_empty(), "{what}");
        let status = rig.case(case).await.status;
        match what {
            "date" => assert!(status.is_closed(), "{status:?}"),
            _ => assert!(matches!(status, CaseStatus::Paused { .. }), "{status:?}"),
        }
        let held = rig.store.timeline(case).await.unwrap();
        assert!(
            held.iter().all(|line| !line.text.starts_with("Held")),
            "{what}"
        );
    }
}

#[tokio::test]
async fn a_clock_set_back_sends_nothing_again() {
    let rig = Rig::new().await;
    let unclear = Outcome::AcceptedBut(Class::Unclear);
    rig.world.now().outcomes.push_back(unclear);
    rig.world.now().blind = true;
    let case = rig.order("message").await;
    rig.drain().await;
    rig.clock.advance(-SignedDuration::from_hours(3));
    rig.drain().await;
    rig.pass(150).await;
    assert_eq!(rig.world.now().attempts.len(), 1);
    rig.world.now().blind = false;
    rig.pass(60).await;
    assert_eq!(rig.effect(case, "message").await.state, EffectState::Done);
}
