//! What the client would see twice is one effect: under another key, after a refusal that was none,
//! in a database that forgot.

use std::sync::Arc;

use clear_relay::effects::Name;
use clear_relay::engine::commands::{cases, work};
use clear_relay::engine::dispatcher;
use clear_relay::engine::memory::{WhyOld, mark_old};
use clear_relay::failpoint::NoFailpoints;
use relay_core::case::Mode;
use relay_core::effects::{Settled, request};
use relay_core::ids::CaseId;
use relay_core::retry::Class;
use relay_core::time::SignedDuration;
use relay_store::{Effect, EffectState, JobState, Op};

use super::rig::Rig;
use super::tiny::request;
use super::world::{Outcome, client};

const SEEN: [&str; 3] = ["message", "email", "note"];

/// What an earlier life of the relay has sent, as the vendor shows it.
fn sent_before(rig: &Rig, effect: &Effect) {
    let mut vendors = rig.world.now();
    vendors.markers.push(Name::new(effect, &[]).marker());
    let planned = &effect.planned;
    vendors
        .accepted
        .push((planned.key.clone(), request(planned)));
    let message = request(planned);
    if let relay_core::effects::Request::PortalMessage(request::PortalMessage {
        author,
        text,
        ..
    }) = message
    {
        vendors.messages.push(relay_core::clients::PortalMessage {
            id: "m-before".into(),
            author: relay_core::clients::Author::Coach,
            coach: Some(author),
            sent_at: "2026-11-04T08:00:00-07:00".parse().unwrap(),
            text,
            key: Some(Name::new(effect, &[]).idempotency_key()),
        });
    }
}

async fn cancel(rig: &Rig, case: CaseId, name: &str) {
    let cancel = Op::CancelEffect {
        key: Rig::key(case, name),
        why: "no longer wanted".into(),
        at: rig.engine.now(),
    };
    rig.store.commit(vec![cancel].into()).await.unwrap();
}

fn refused_for_an_hour() -> Class {
    let after = Some(SignedDuration::from_hours(1));
    Class::Retryable { after }
}

#[tokio::test]
async fn the_same_thing_in_another_case_is_done_without_a_request() {
    for name in SEEN {
        let rig = Rig::new().await;
        let first = rig.order(name).await;
        rig.drain().await;
        // A note's case does not wait for it.
        let close = relay_core::workflow::Action::Close { reason: "x".into() };
        let _ = cases::decide_case(&rig.engine, first, "test", close).await;
        let second = rig.order(name).await;
        rig.pass(1).await;
        assert_eq!(rig.world.now().attempts, [Rig::key(first, name)], "{name}");
        let effect = rig.effect(second, name).await;
        let by_probe = matches!(effect.settled, Some(Settled::Done { by_probe: true, .. }));
        assert!(by_probe, "{name}: {:?}", effect.settled);
    }
}

#[tokio::test]
async fn what_a_forgotten_life_has_sent_is_found_before_the_first_request() {
    for name in SEEN {
        let rig = Rig::new().await;
        let case = rig.order(name).await;
        sent_before(&rig, &rig.effect(case, name).await);
        rig.drain().await;
        assert!(rig.world.now().attempts.is_empty(), "{name}");
        let effect = rig.effect(case, name).await;
        assert_eq!(effect.state, EffectState::Done, "{name}");
        assert_eq!(effect.revision, 0, "{name}: nothing was asked for");
        // The portal's messages were read by the guard anyway.
        let looks = usize::from(name != "message");
        assert_eq!(rig.world.now().probes, looks, "{name}");
    }
}

#[tokio::test]
async fn a_first_message_costs_no_look_of_its_own_and_an_email_one() {
    let rig = Rig::new().await;
    rig.order("message").await;
    rig.drain().await;
    assert_eq!(rig.world.now().attempts.len(), 1);
    assert_eq!(rig.world.now().probes, 0);
    let rig = Rig::new().await;
    rig.order("email").await;
    rig.drain().await;
    assert_eq!(rig.world.now().attempts.len(), 1);
    assert_eq!(rig.world.now().probes, 1);
}

#[tokio::test]
async fn what_was_refused_but_done_and_is_cancelled_is_found_and_told() {
    for name in SEEN {
        for class in [refused_for_an_hour(), Class::Unauthorised] {
            let rig = Rig::new().await;
            rig.world
                .now()
                .outcomes
                .push_back(Outcome::AcceptedBut(class));
            let case = rig.order(name).await;
            rig.drain().await;
            assert_eq!(rig.effect(case, name).await.state, EffectState::Planned);
            cancel(&rig, case, name).await;
            let withdrawn = rig.effect(case, name).await;
            assert_eq!(withdrawn.state, EffectState::Unclear, "{name}");
            rig.drain().await;
            rig.pass(2).await;
            assert_eq!(
                rig.effect(case, name).await.state,
                EffectState::Done,
                "{name}"
            );
            assert_eq!(rig.world.now().attempts.len(), 1, "{name}");
            let told = rig.store.timeline(case).await.unwrap();
            assert!(told.len() > 1, "{name}: its case hears of it");
        }
    }
}

#[tokio::test]
async fn what_was_refused_and_is_cancelled_ends_as_cancelled_and_asks_nobody() {
    for name in SEEN {
        let rig = Rig::new().await;
        rig.world
            .now()
            .outcomes
            .push_back(Outcome::Fails(refused_for_an_hour()));
        let case = rig.order(name).await;
        rig.drain().await;
        cancel(&rig, case, name).await;
        for _ in 0..20 {
            rig.pass(2).await;
        }
        assert_eq!(
            rig.effect(case, name).await.state,
            EffectState::Cancelled,
            "{name}"
        );
        assert_eq!(
            rig.job(case, name).await.state,
            JobState::Cancelled,
            "{name}"
        );
        assert_eq!(rig.world.now().attempts.len(), 1, "{name}");
        assert!(rig.work("unsettled").await.is_empty(), "{name}");
    }
}

#[tokio::test]
async fn a_person_who_closes_the_case_of_a_refused_job_cancels_no_look() {
    let rig = Rig::new().await;
    let done = Outcome::AcceptedBut(refused_for_an_hour());
    rig.world.now().outcomes.push_back(done);
    let case = rig.order("email").await;
    rig.drain().await;
    let close = relay_core::workflow::Action::Close { reason: "x".into() };
    cases::decide_case(&rig.engine, case, "Admin", close)
        .await
        .unwrap();
    rig.pass(2).await;
    assert_eq!(rig.effect(case, "email").await.state, EffectState::Done);
    assert_eq!(rig.world.now().attempts.len(), 1);
}

#[tokio::test]
async fn an_email_of_which_nobody_can_tell_keeps_the_next_one_of_its_kind_back() {
    let rig = Rig::new().await;
    rig.world
        .now()
        .outcomes
        .push_back(Outcome::Fails(Class::Unclear));
    let first = rig.order("email").await;
    rig.drain().await;
    for _ in 0..20 {
        rig.pass(2).await;
    }
    assert_eq!(
        rig.effect(first, "email").await.state,
        EffectState::Unsettled
    );
    let close = relay_core::workflow::Action::Close { reason: "x".into() };
    cases::decide_case(&rig.engine, first, "test", close)
        .await
        .unwrap();
    let second = rig.order("email").await;
    for _ in 0..5 {
        rig.pass(10).await;
    }
    assert_eq!(rig.world.now().attempts.len(), 1, "never by itself");
    assert_eq!(
        rig.effect(second, "email").await.state,
        EffectState::Unsettled
    );
    let asked = rig.work("unsettled").await;
    assert!(
        asked
            .iter()
            .any(|item| item.effect == Some(Rig::key(second, "email")))
    );
}

#[tokio::test]
async fn a_conflict_on_our_own_key_is_looked_for_and_never_refused_for_good() {
    // It is there, under other words: found by its key.
    let rig = Rig::new().await;
    let case = rig.order("note").await;
    rig.world
        .now()
        .outcomes
        .push_back(Outcome::Conflict { shown: true });
    rig.drain().await;
    rig.pass(2).await;
    assert_eq!(rig.effect(case, "note").await.state, EffectState::Done);
    assert_eq!(rig.world.now().attempts.len(), 1);
    // It is said to be there and never shown: not being listed proves nothing, a person decides.
    let rig = Rig::new().await;
    let case = rig.order("message").await;
    rig.world
        .now()
        .outcomes
        .push_back(Outcome::Conflict { shown: false });
    rig.drain().await;
    for _ in 0..20 {
        rig.pass(2).await;
    }
    assert_eq!(
        rig.effect(case, "message").await.state,
        EffectState::Unsettled
    );
    assert_eq!(rig.world.now().attempts.len(), 1);
    assert_eq!(rig.work("unsettled").await.len(), 1);
}

#[tokio::test]
async fn an_answer_that_comes_after_the_lease_is_lost_settles_the_effect() {
    // Before the second worker has looked, and after it found that nobody can tell.
    for minutes in [0, 30] {
        let rig = Rig::with(Mode::Act, Arc::new(NoFailpoints)).await;
        rig.world.now().blind = true;
        let case = rig.order("email").await;
        let (engine, real, clock) = (rig.engine.clone(), rig.real.clone(), rig.clock.clone());
        rig.world.now().on_attempt = Some(Box::new(move || {
            Box::pin(async move {
                real.advance(SignedDuration::from_mins(1));
                dispatcher::rescue(&engine).await.unwrap();
                dispatcher::drain(&engine, None).await.unwrap();
                for _ in 0..minutes {
                    clock.advance(SignedDuration::from_mins(1));
                    dispatcher::drain(&engine, None).await.unwrap();
                }
            })
        }));
        // Not through a lease that renews itself: it would find out first.
        rig.drain().await;
        let effect = rig.effect(case, "email").await;
        assert!(
            matches!(
                effect.settled,
                Some(Settled::Done {
                    by_probe: false,
                    ..
                })
            ),
            "after {minutes}: {:?}",
            effect.settled
        );
        rig.pass(60).await;
        assert_eq!(rig.world.now().attempts.len(), 1, "after {minutes}");
        assert_eq!(rig.effect(case, "email").await.state, EffectState::Done);
        assert!(rig.work("unsettled").await.is_empty(), "after {minutes}");
    }
}

/// The database was put back this morning; what went out yesterday may not be in it.
async fn with_an_old_memory() -> Rig {
    let rig = Rig::new().await;
    let mark = mark_old(rig.engine.now(), WhyOld::Restored);
    rig.store.commit(vec![mark].into()).await.unwrap();
    rig
}

#[tokio::test]
async fn while_the_memory_may_be_too_old_only_what_can_be_proven_absent_is_sent() {
    let rig = with_an_old_memory().await;
    let case = rig.order("message note email").await;
    rig.drain().await;
    rig.pass(60).await;
    let attempts = rig.world.now().attempts.clone();
    assert_eq!(
        attempts,
        [Rig::key(case, "message"), Rig::key(case, "note")]
    );
    assert_eq!(rig.effect(case, "email").await.state, EffectState::Planned);
    let items = rig.work("memory").await;
    assert_eq!(items.len(), 1);
    assert_eq!(items[0].detail["list"].as_object().unwrap().len(), 1);
    assert!(rig.work("unsettled").await.is_empty());
}

#[tokio::test]
async fn what_waits_for_release_is_one_list_and_a_person_decides_by_client() {
    let rig = with_an_old_memory().await;
    rig.world.now().clients.push(client("zoe"));
    let mut cases = Vec::new();
    for who in ["maya", "ana", "zoe"] {
        let order = relay_core::facts::Order::SetContactType {
            value: "email".into(),
        };
        cases.push(
            cases::order(&rig.engine, &who.into(), "test", order)
                .await
                .unwrap(),
        );
    }
    rig.drain().await;
    let items = rig.work("memory").await;
    assert_eq!(items.len(), 1, "one for all of them");
    assert_eq!(items[0].owner, "program_manager");
    assert_eq!(items[0].detail["list"].as_object().unwrap().len(), 3);
    let decide = |action: &'static str, who: Option<&'static str>| {
        work::settle_work(&rig.engine, items[0].id, "Pat", action, who)
    };
    assert!(decide("release", Some("nobody")).await.is_err());
    decide("happened", Some("ana")).await.unwrap();
    rig.drain().await;
    assert_eq!(rig.effect(cases[1], "email").await.state, EffectState::Done);
    assert!(rig.world.now().attempts.is_empty());
    // One is found at a later look and leaves the list by itself.
    sent_before(&rig, &rig.effect(cases[2], "email").await);
    rig.pass(6 * 60).await;
    assert_eq!(rig.effect(cases[2], "email").await.state, EffectState::Done);
    let left = rig.work("memory").await[0].detail["list"].clone();
    assert_eq!(left.as_object().unwrap().len(), 1, "{left}");
    decide("release", None).await.unwrap();
    rig.drain().await;
    assert_eq!(rig.world.now().attempts, [Rig::key(cases[0], "email")]);
    assert!(rig.work("memory").await.is_empty());
}

#[tokio::test]
async fn a_list_whose_entries_ended_otherwise_is_not_reminded_of() {
    let rig = with_an_old_memory().await;
    let case = rig.order("email").await;
    rig.drain().await;
    assert_eq!(rig.work("memory").await.len(), 1);
    cancel(&rig, case, "email").await;
    rig.pass(3 * 24 * 60).await;
    assert!(rig.work("memory").await.is_empty());
}

#[tokio::test]
async fn an_email_about_a_check_in_that_came_after_the_copy_waits_for_nobody() {
    let rig = Rig::new().await;
    // The check-in was due on the 3rd; the copy was put back on the 2nd.
    let before = "2026-11-02T12:00:00-07:00".parse().unwrap();
    let mark = mark_old(before, WhyOld::Restored);
    rig.store.commit(vec![mark].into()).await.unwrap();
    rig.order("email").await;
    rig.drain().await;
    assert_eq!(rig.world.now().attempts.len(), 1);
    assert!(rig.work("memory").await.is_empty());
}
