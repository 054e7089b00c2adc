//! Effects by what they belong to, what they are to whoever sees them, and how they stand.

use std::collections::BTreeSet;

use relay_core::effects::{EffectInput, EffectKind, PlannedEffect, Scope, ScopeKind};
use relay_core::ids::ClientId;

use super::effects::{plan, settle, shift, stored};
use super::make::{Maker, commit, done_with, planned_email};
use crate::{EffectState, Op, Store};

pub(super) async fn an_effect_belongs_to_what_it_was_planned_for(store: &dyn Store) {
    let make = Maker::new();
    let (client, item) = (ClientId::from("rosa"), make.work_id());
    let of = |scope: Scope| {
        let mut tag = planned_email(make.case_id(), "tag");
        tag.planned = PlannedEffect {
            key: scope.key("sync", 1, "tag"),
            scope,
            blocking: false,
            input: EffectInput::AddTag { tag: "x".into() },
            ..tag.planned
        };
        tag
    };
    let case = make.case_id();
    let mut keys = BTreeSet::new();
    for scope in [
        Scope::Case { case, client: client.clone() },
        Scope::Client { client: client.clone() },
        Scope::WorkItem { item, client: Some(client.clone()) },
        Scope::WorkItem { item: make.work_id(), client: None },
        Scope::Installation,
    ] {
        let effect = of(scope);
        commit(store, [plan(&effect)]).await;
        assert_eq!(stored(store, &effect).await, effect);
        let view = store.effect_view(effect.key(), "none").await.unwrap().unwrap();
        assert_eq!(view.effect, effect);
        assert!(view.case.is_none() && view.messages.is_empty());
        keys.insert(effect.key().clone());
    }
    assert_eq!(keys.len(), ScopeKind::ALL.len() + 1);
    // Neither the client's nor the item's own is the case's.
    let of_case = store.effects(case).await.unwrap();
    assert_eq!(of_case.len(), 1);
}

pub(super) async fn what_is_one_thing_to_the_client_is_found_under_every_key(store: &dyn Store) {
    let make = Maker::new();
    let of = |client: &str, due: &str| {
        let mut effect = planned_email(make.case_id(), "email");
        let case = make.case_id();
        effect.planned.scope = Scope::Case { case, client: client.into() };
        effect.planned.input = EffectInput::Email {
            script: "S2".into(),
            due: due.parse().unwrap(),
        };
        effect
    };
    let (first, second) = (of("rosa", "2026-11-03"), of("rosa", "2026-11-03"));
    let others = [of("rosa", "2026-11-04"), of("rosa/2", "2026-11-03")];
    commit(store, [plan(&first), plan(&others[0]), plan(&others[1]), plan(&second)]).await;
    let identity = first.planned.identity().unwrap();
    let found = store.effects_of_identity(&identity).await.unwrap();
    assert_eq!(found, [first.clone(), second.clone()]);
    let view = store.effect_view(second.key(), "none").await.unwrap().unwrap();
    assert_eq!(view.same, [first, second]);
    let mut tag = planned_email(make.case_id(), "tag");
    tag.planned.input = EffectInput::AddTag { tag: "x".into() };
    commit(store, [plan(&tag)]).await;
    let view = store.effect_view(tag.key(), "none").await.unwrap().unwrap();
    assert!(view.same.is_empty());
}

pub(super) async fn effects_come_in_order_of_planning(store: &dyn Store) {
    let make = Maker::new();
    let case = make.case_id();
    let effects = ["z", "a", "m"].map(|name| planned_email(case, name));
    let other = planned_email(make.case_id(), "email");
    commit(store, [plan(&effects[0]), plan(&other)]).await;
    commit(store, [plan(&effects[1]), plan(&effects[2])]).await;
    assert_eq!(store.effects(case).await.unwrap(), effects);
}

pub(super) async fn a_task_is_found_by_the_effect_that_made_it(store: &dyn Store) {
    let make = Maker::new();
    let mut call = planned_email(make.case_id(), "call");
    call.planned.input = EffectInput::CallTask {
        script: "S3".into(),
        due: "2026-11-03".parse().unwrap(),
        reason: "last 3 emails unopened".into(),
        call_by: "2026-11-06".parse().unwrap(),
    };
    let mut close = planned_email(make.case_id(), "close");
    close.planned.input = EffectInput::CloseTask {
        made_by: call.key().clone(),
        reason: "she checked in".into(),
        called: false,
        went_out: None,
    };
    commit(store, [plan(&close), plan(&call)]).await;
    let task = "t-1".into();
    assert_eq!(store.effect_of_task(&task).await.unwrap(), None);

    let done = |effect| settle(effect, EffectState::Planned, EffectState::Done, done_with("t-1"));
    // Closing it names the same task, and came first here.
    commit(store, [done(&close), done(&call)]).await;
    let found = store.effect_of_task(&task).await.unwrap().unwrap();
    assert_eq!(found.key(), call.key());
    assert_eq!(store.effect_of_task(&"t-2".into()).await.unwrap(), None);
}

pub(super) async fn the_latest_of_a_client_is_told_by_kind(store: &dyn Store) {
    let make = Maker::new();
    let of = |client: &str, name: &str, input: EffectInput| {
        let mut effect = planned_email(make.case_id(), name);
        let scope = Scope::Client {
            client: client.into(),
        };
        effect.planned.key = scope.key("inbox", 1, name);
        effect.planned.scope = scope;
        effect.planned.input = input;
        effect
    };
    let tag = || EffectInput::AddTag { tag: "x".into() };
    let untag = || EffectInput::RemoveTag { tag: "x".into() };
    let effects = [of("rosa", "a", tag()), of("rosa", "b", tag()), of("rosa", "c", untag())];
    let mut of_case = planned_email(make.case_id(), "tag");
    of_case.planned.input = tag();
    let planned = [&effects[0], &effects[1], &effects[2], &of("maya", "d", tag()), &of_case].map(plan);
    commit(store, planned).await;
    let latest = |client: &str, kind| {
        let client = client.into();
        async move { store.latest_of_client(&client, kind).await.unwrap() }
    };
    assert_eq!(latest("rosa", EffectKind::AddTag).await.as_ref(), Some(&effects[1]));
    assert_eq!(latest("rosa", EffectKind::RemoveTag).await.as_ref(), Some(&effects[2]));
    assert_eq!(latest("rosa", EffectKind::Email).await, None);
    assert_eq!(latest("jo", EffectKind::AddTag).await, None);
}

pub(super) async fn vendor_references_are_those_of_done_effects(store: &dyn Store) {
    let make = Maker::new();
    let effects = ["z", "a", "m", "b"].map(|name| planned_email(make.case_id(), name));
    for (effect, reference) in effects.iter().zip(["e-9", "e-1", "e-5", "e-3"]) {
        let from = EffectState::Planned;
        let done = settle(effect, from, EffectState::Done, done_with(reference));
        commit(store, [plan(effect), done]).await;
    }
    let undone = shift(effects[3].key(), &[EffectState::Done], EffectState::Planned);
    commit(store, [undone]).await;

    let refs = |client: &str, kind| {
        let client = client.into();
        async move { store.vendor_refs(&client, kind).await.unwrap() }
    };
    assert_eq!(refs("maya", EffectKind::Email).await, ["e-9", "e-1", "e-5"]);
    assert!(refs("maya", EffectKind::PortalMessage).await.is_empty());
    assert!(refs("jo", EffectKind::Email).await.is_empty());
}

pub(super) async fn effects_in_doubt_are_walked_through_in_pages(store: &dyn Store) {
    let make = Maker::new();
    let mut expected = Vec::new();
    for state in EffectState::ALL {
        for number in 0..2 {
            let effect = make.effect_in(*state, &format!("{}-{number}", state.as_str()));
            if matches!(state, EffectState::Intended | EffectState::Unclear | EffectState::Unsettled) {
                expected.push(effect.key().clone());
            }
            commit(store, [Op::PlanEffect(effect)]).await;
        }
    }
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = store.effects_in_doubt_after(after.as_ref(), 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.key().clone());
        seen.extend(page.into_iter().map(|effect| effect.planned.key));
    }
    expected.sort();
    assert_eq!(seen, expected);
}
