//! Effects: planned once, sent by right of an intent, settled once.

use relay_core::effects::{EffectInput, Settled};
use relay_core::ids::EffectKey;

use super::make::{Maker, at, claim_lane, commit, conflict, done_with, email, enqueue, finish, planned_email};
use crate::{Batch, Effect, EffectState, JobEnd, JobState, NewJob, Op, Precondition, Store, StoreError, effect_job_key};

pub(super) fn plan(effect: &Effect) -> Op {
    Op::PlanEffect(effect.clone())
}

pub(super) fn shift(key: &EffectKey, from: &[EffectState], to: EffectState) -> Op {
    Op::MoveEffect {
        key: key.clone(),
        from: from.to_vec(),
        to,
        settled: None,
        request: None,
        at: at(12),
    }
}

pub(super) fn settle(effect: &Effect, from: EffectState, to: EffectState, settled: Settled) -> Op {
    Op::MoveEffect {
        key: effect.key().clone(),
        from: vec![from],
        to,
        settled: Some(settled),
        request: None,
        at: at(12),
    }
}

fn cancel(effect: &Effect) -> Op {
    Op::CancelEffect {
        key: effect.key().clone(),
        why: "she checked in".into(),
        at: at(15),
    }
}

fn job_of(make: &Maker, effect: &Effect) -> NewJob {
    make.job(&effect_job_key(effect.key()), "maya", 0)
}

pub(super) async fn stored(store: &dyn Store, effect: &Effect) -> Effect {
    store.effect(effect.key()).await.unwrap().unwrap()
}

pub(super) async fn an_effect_comes_back_as_planned(store: &dyn Store) {
    let make = Maker::new();
    let plain = planned_email(make.case_id(), "email");
    let full = Effect {
        mode: relay_core::case::Mode::Propose,
        settled: Some(Settled::Proposed),
        state: EffectState::Proposed,
        request: Some(email("Hi Maya")),
        ..planned_email(make.case_id(), "email")
    };
    commit(store, [plan(&plain), plan(&full)]).await;
    assert_eq!(stored(store, &plain).await, plain);
    assert_eq!(stored(store, &full).await, full);
    let none = EffectKey("no/such/1/effect".into());
    assert_eq!(store.effect(&none).await.unwrap(), None);
}

pub(super) async fn the_same_plan_is_one_effect(store: &dyn Store) {
    let make = Maker::new();
    let effect = planned_email(make.case_id(), "email");
    commit(store, [plan(&effect)]).await;
    commit(store, [Op::Intend(make.intent(&effect, 1))]).await;
    let before = stored(store, &effect).await;

    // A replay plans it again; what has become of it in the meantime stays.
    commit(store, [plan(&effect), plan(&effect)]).await;
    assert_eq!(stored(store, &effect).await, before);
}

pub(super) async fn a_key_is_never_reused_for_other_content(store: &dyn Store) {
    let make = Maker::new();
    let effect = planned_email(make.case_id(), "email");
    commit(store, [plan(&effect)]).await;
    let mut other = effect.clone();
    other.input_hash = "beef".into();
    let beside = planned_email(make.case_id(), "email");

    let refused = store
        .commit(Batch::from(vec![plan(&beside), plan(&other)]))
        .await;

    let Err(StoreError::KeyReused { key }) = refused else {
        panic!("expected the key to be refused, not {refused:?}");
    };
    assert_eq!(key, effect.key().as_str());
    assert_eq!(stored(store, &effect).await, effect);
    assert_eq!(store.effect(beside.key()).await.unwrap(), None);
}

pub(super) async fn an_intent_is_given_once(store: &dyn Store) {
    let make = Maker::new();
    let effect = planned_email(make.case_id(), "email");
    let intent = make.intent(&effect, 1);
    commit(store, [plan(&effect)]).await;
    commit(store, [Op::Intend(intent.clone())]).await;

    let after = stored(store, &effect).await;
    assert_eq!(after.state, EffectState::Intended);
    assert_eq!(after.revision, 1);
    assert_eq!(after.request, Some(intent.request.clone()));
    assert_eq!(after.intended_at, Some(intent.at));
    assert_eq!(after.changed_at, intent.at);
    for revision in [1, 2] {
        let second = make.intent(&effect, revision);
        conflict(store, Precondition::EffectState, [Op::Intend(second)]).await;
    }
    assert_eq!(store.intents(effect.key()).await.unwrap(), [intent]);
}

pub(super) async fn an_intent_must_be_the_next_revision(store: &dyn Store) {
    let make = Maker::new();
    let effect = planned_email(make.case_id(), "email");
    commit(store, [plan(&effect)]).await;
    for revision in [0, 2] {
        let intent = make.intent(&effect, revision);
        conflict(store, Precondition::EffectState, [Op::Intend(intent)]).await;
    }
    assert_eq!(stored(store, &effect).await, effect);
    assert!(store.intents(effect.key()).await.unwrap().is_empty());
}

pub(super) async fn only_a_planned_effect_gets_an_intent(store: &dyn Store) {
    let make = Maker::new();
    for state in EffectState::ALL {
        let effect = make.effect_in(*state, "email");
        commit(store, [plan(&effect)]).await;
        let intent = Op::Intend(make.intent(&effect, effect.revision + 1));
        if *state == EffectState::Planned {
            commit(store, [intent]).await;
        } else {
            conflict(store, Precondition::EffectState, [intent]).await;
        }
    }
    let unknown = planned_email(make.case_id(), "email");
    let intent = Op::Intend(make.intent(&unknown, 1));
    conflict(store, Precondition::EffectState, [intent]).await;
}

pub(super) async fn an_intents_outcome_is_told_once(store: &dyn Store) {
    let make = Maker::new();
    let effect = planned_email(make.case_id(), "email");
    let intent = make.intent(&effect, 1);
    commit(store, [plan(&effect), Op::Intend(intent.clone())]).await;
    let end = |revision, outcome: &str| Op::EndIntent {
        key: effect.key().clone(),
        revision,
        outcome: outcome.into(),
    };
    conflict(store, Precondition::EffectState, [end(2, "done")]).await;

    commit(store, [end(1, "unclear")]).await;
    conflict(store, Precondition::EffectState, [end(1, "done")]).await;

    let told = store.intents(effect.key()).await.unwrap();
    assert_eq!(told[0].outcome.as_deref(), Some("unclear"));
}

pub(super) async fn intents_come_by_revision(store: &dyn Store) {
    let make = Maker::new();
    let effect = planned_email(make.case_id(), "email");
    commit(store, [plan(&effect)]).await;
    let back = shift(effect.key(), &[EffectState::Intended], EffectState::Planned);
    let intents = [1, 2, 3].map(|revision| make.intent(&effect, revision));
    for intent in &intents {
        // Not sent: the next try guards again and may render anew.
        commit(store, [Op::Intend(intent.clone()), back.clone()]).await;
    }
    assert_eq!(store.intents(effect.key()).await.unwrap(), intents);
    assert_eq!(stored(store, &effect).await.revision, 3);
}

pub(super) async fn an_effect_moves_only_from_where_it_was_seen(store: &dyn Store) {
    let make = Maker::new();
    let effect = planned_email(make.case_id(), "email");
    commit(store, [plan(&effect)]).await;
    let seen = [EffectState::Intended, EffectState::Unclear];
    let wrong = shift(effect.key(), &seen, EffectState::Done);
    conflict(store, Precondition::EffectState, [wrong]).await;
    let nowhere = shift(effect.key(), &[], EffectState::Done);
    conflict(store, Precondition::EffectState, [nowhere]).await;
    let unknown = shift(&EffectKey("x/y/1/z".into()), &seen, EffectState::Done);
    conflict(store, Precondition::EffectState, [unknown]).await;
    assert_eq!(stored(store, &effect).await, effect);

    let from = EffectState::Planned;
    commit(store, [settle(&effect, from, EffectState::Done, done_with("e-1"))]).await;
    let after = stored(store, &effect).await;
    assert_eq!(after.state, EffectState::Done);
    assert_eq!(after.settled, Some(done_with("e-1")));
    assert_eq!(after.changed_at, at(12));
    // Back from an end, on a person's word: no longer settled.
    commit(store, [shift(effect.key(), &[EffectState::Done], from)]).await;
    assert_eq!(stored(store, &effect).await.settled, None);
}

pub(super) async fn a_move_keeps_or_replaces_the_request(store: &dyn Store) {
    let make = Maker::new();
    let effect = planned_email(make.case_id(), "email");
    let hold = Op::MoveEffect {
        key: effect.key().clone(),
        from: vec![EffectState::Planned],
        to: EffectState::Held,
        settled: Some(Settled::Held {
            reason: "no name".into(), command: None,
            minor: None, lifts: true }),
        request: Some(email("Hi")),
        at: at(3),
    };
    commit(store, [plan(&effect), hold]).await;
    assert_eq!(stored(store, &effect).await.request, Some(email("Hi")));

    let back = shift(effect.key(), &[EffectState::Held], EffectState::Planned);
    commit(store, [back]).await;
    assert_eq!(stored(store, &effect).await.request, Some(email("Hi")));
}

pub(super) async fn probes_are_counted_while_unclear(store: &dyn Store) {
    let make = Maker::new();
    let effect = planned_email(make.case_id(), "email");
    commit(store, [plan(&effect), Op::Intend(make.intent(&effect, 1))]).await;
    let unclear = |from| shift(effect.key(), &[from], EffectState::Unclear);
    for probes in 0..3 {
        let from = if probes == 0 {
            EffectState::Intended
        } else {
            EffectState::Unclear
        };
        commit(store, [unclear(from)]).await;
        assert_eq!(stored(store, &effect).await.probes, probes);
    }
    let back = shift(effect.key(), &[EffectState::Unclear], EffectState::Planned);
    let intent = Op::Intend(make.intent(&effect, 2));
    commit(store, [back, intent, unclear(EffectState::Intended)]).await;
    assert_eq!(stored(store, &effect).await.probes, 0);
}

pub(super) async fn cancelling_takes_a_planned_effect_and_its_job(store: &dyn Store) {
    let make = Maker::new();
    let effect = planned_email(make.case_id(), "email");
    let job = job_of(&make, &effect);
    let other = make.job("timer/1", "maya", 0);
    commit(store, [plan(&effect), enqueue(&job), enqueue(&other)]).await;
    commit(store, [cancel(&effect)]).await;

    let after = stored(store, &effect).await;
    assert_eq!(after.state, EffectState::Cancelled);
    assert_eq!(after.settled, Some(Settled::Cancelled));
    assert_eq!(after.changed_at, at(15));
    let job = store.job(job.id).await.unwrap().unwrap();
    assert_eq!(job.state, JobState::Cancelled);
    assert_eq!(job.note.as_deref(), Some("she checked in"));
    let other = store.job(other.id).await.unwrap().unwrap();
    assert_eq!(other.state, JobState::Ready);
}

pub(super) async fn cancelling_keeps_how_an_effect_ended(store: &dyn Store) {
    let make = Maker::new();
    let reason = || "no name".to_owned();
    let ends = [
        (EffectState::Held, Settled::Held { reason: reason(), command: Some("clear-relay doctor".into()), minor: Some("She is a minor.".into()), lifts: true }),
        (EffectState::Dead, Settled::Dead { reason: reason(), technical: Some("400".into()) }),
        (EffectState::Unsettled, Settled::Unclear { evidence: reason() }),
    ];
    for (state, settled) in ends {
        let effect = Effect {
            settled: Some(settled.clone()),
            ..make.effect_in(state, "email")
        };
        commit(store, [plan(&effect), cancel(&effect)]).await;
        let after = stored(store, &effect).await;
        assert_eq!(after.state, EffectState::Cancelled);
        assert_eq!(after.settled, Some(settled));
    }
}

pub(super) async fn cancelling_leaves_what_may_have_been_sent(store: &dyn Store) {
    let make = Maker::new();
    let left = [
        EffectState::Intended,
        EffectState::Unclear,
        EffectState::Done,
        EffectState::Proposed,
        EffectState::Overtaken,
    ];
    for state in left {
        let effect = make.effect_in(state, "email");
        let job = job_of(&make, &effect);
        commit(store, [plan(&effect), enqueue(&job), cancel(&effect)]).await;
        let under_way = matches!(state, EffectState::Intended | EffectState::Unclear);
        let expected = Effect {
            withdrawn_at: under_way.then(|| at(15)),
            ..effect
        };
        assert_eq!(stored(store, &expected).await, expected);
        // Its job must still probe or settle it.
        let job = store.job(job.id).await.unwrap().unwrap();
        assert_eq!(job.state, JobState::Ready);
    }
    commit(store, [cancel(&planned_email(make.case_id(), "email"))]).await;
}

pub(super) async fn what_may_have_been_carried_out_is_withdrawn(store: &dyn Store) {
    let make = Maker::new();
    let again = [EffectState::Planned, EffectState::Held, EffectState::Dead];
    let outcomes = [Some("retryable"), Some("permanent"), Some("not_sent"), None];
    for (state, outcome) in again.iter().flat_map(|state| outcomes.map(|outcome| (*state, outcome))) {
        let effect = planned_email(make.case_id(), "email");
        let job = job_of(&make, &effect);
        commit(store, [plan(&effect), enqueue(&job), Op::Intend(make.intent(&effect, 1))]).await;
        if let Some(outcome) = outcome {
            let end = Op::EndIntent {
                key: effect.key().clone(),
                revision: 1,
                outcome: outcome.into(),
            };
            commit(store, [end]).await;
        }
        let stop = Op::CancelJobByKey {
            key: job.key.clone(),
            why: "test".into(),
            at: at(13),
        };
        commit(store, [shift(effect.key(), &[EffectState::Intended], state), stop]).await;
        commit(store, [cancel(&effect)]).await;

        let after = stored(store, &effect).await;
        let job = store.job(job.id).await.unwrap().unwrap();
        if outcome == Some("not_sent") {
            assert_eq!(after.state, EffectState::Cancelled, "{state:?}");
            assert_eq!(after.withdrawn_at, None);
            assert_eq!(job.state, JobState::Cancelled);
        } else {
            assert_eq!(after.state, EffectState::Unclear, "{state:?} {outcome:?}");
            assert_eq!((after.withdrawn_at, after.probes), (Some(at(15)), 0));
            assert_eq!((job.state, job.run_at), (JobState::Ready, at(15)));
            // A second cancelling is no news.
            commit(store, [cancel(&effect)]).await;
            assert_eq!(stored(store, &effect).await, after);
        }
        // The next case of the client may look for it under the same identity.
        commit(store, [shift(effect.key(), &[after.state], EffectState::Cancelled)]).await;
    }
}

pub(super) async fn a_desired_state_is_cancelled_whatever_was_asked_for(store: &dyn Store) {
    let make = Maker::new();
    let mut tag = planned_email(make.case_id(), "tag");
    tag.planned.input = EffectInput::AddTag { tag: "x".into() };
    commit(store, [plan(&tag), Op::Intend(make.intent(&tag, 1))]).await;
    let back = shift(tag.key(), &[EffectState::Intended], EffectState::Planned);
    commit(store, [back, cancel(&tag)]).await;
    assert_eq!(stored(store, &tag).await.state, EffectState::Cancelled);
}

pub(super) async fn cancelling_leaves_a_running_job(store: &dyn Store) {
    let make = Maker::new();
    let effect = planned_email(make.case_id(), "email");
    let job = job_of(&make, &effect);
    commit(store, [plan(&effect), enqueue(&job)]).await;
    let held = store.claim(claim_lane("w-1", 0, "maya")).await.unwrap();
    commit(store, [cancel(&effect)]).await;

    let running = store.job(job.id).await.unwrap().unwrap();
    assert_eq!(running.state, JobState::Running);
    // Its worker learns of it when it wants to send, and ends the job itself.
    let intent = Op::Intend(make.intent(&effect, 1));
    conflict(store, Precondition::EffectState, [intent]).await;
    commit(store, [finish(&held[0], JobEnd::Done, 1)]).await;
}

