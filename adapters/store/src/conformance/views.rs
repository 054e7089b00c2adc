//! What is asked together is what its parts say one by one.

use relay_core::case::{Case, CaseStatus};
use relay_core::clients::Coach;
use relay_core::effects::{EffectInput, EffectKind, Scope};
use relay_core::ids::{ClientId, EffectKey};
use serde_json::json;

use super::make::{ALL, Maker, at, commit, done_with, planned_email, reply};
use crate::{CASES_IN_VIEW, CaseFilter, ClientView, Effect, EffectState, Op, Store};

fn coach(id: &str, name: &str) -> Coach {
    Coach {
        id: id.into(),
        name: name.into(),
        email: format!("{id}@example.test"),
        crm_user: (id == "dana").then(|| "501".into()),
    }
}

/// Cases, effects, facts and coaches of two clients, in an order that is not the one to be told.
async fn fill(store: &dyn Store, make: &Maker) -> (Case, Effect) {
    let case = |client: &str, procedure: &str, opened: i64| Case {
        client: client.into(),
        procedure: procedure.into(),
        opened_at: at(opened),
        changed_at: at(opened),
        ..make.case()
    };
    let (young, old) = (case("maya", "z", 9), case("maya", "a", 5));
    let (over, other) = (case("maya", "m", 1), case("jo", "a", 2));
    let closed = Case {
        status: CaseStatus::Closed {
            reason: "she checked in".into(),
        },
        version: 2,
        wait: None,
        changed_at: at(7),
        ..over.clone()
    };
    let effect = |case: &Case, name: &str| {
        let mut effect = planned_email(case.id, name);
        effect.planned.scope = Scope::Case {
            case: case.id,
            client: case.client.clone(),
        };
        effect
    };
    let looked_at = effect(&old, "one");
    let mut ops: Vec<_> = [&young, &old, &over, &other]
        .map(|case| Op::InsertCase(case.clone()))
        .into();
    ops.push(Op::UpdateCase {
        case: closed,
        expected: 1,
    });
    for effect in [
        effect(&other, "of jo"),
        looked_at.clone(),
        effect(&young, "of another case"),
        effect(&old, "another"),
    ] {
        ops.push(Op::PlanEffect(effect));
    }
    // Sent, and not yet sent.
    for (name, reference) in [("sent", Some("m-1")), ("not sent", None)] {
        let mut message = effect(&young, name);
        message.planned.input = EffectInput::PortalMessage {
            script: "S1".into(),
            due: "2026-11-03".parse().unwrap(),
        };
        if let Some(reference) = reference {
            message.state = EffectState::Done;
            message.settled = Some(done_with(reference));
        }
        ops.push(Op::PlanEffect(message));
    }
    ops.extend(
        [("lee", 8), ("maya", 6), ("maya", 3)].map(|(client, minute)| {
            let mut row = reply(&format!("{client}/{minute}"), minute);
            row.fact.client = client.into();
            Op::InsertFact(row)
        }),
    );
    ops.push(Op::PutCoach(coach("zoe", "Zoe Hart")));
    ops.push(Op::PutCoach(coach("dana", "Dana Reed")));
    ops.push(Op::PutSetting {
        key: "outreach".to_owned(),
        value: json!({ "stopped": true }),
    });
    commit(store, ops).await;
    (old, looked_at)
}

pub(super) async fn a_clients_view_is_its_parts(store: &dyn Store) {
    let make = Maker::new();
    fill(store, &make).await;
    let maya = ClientId::from("maya");
    let view = store.client_view(&maya).await.unwrap();
    let parts = ClientView {
        open_cases: store.open_cases(&maya).await.unwrap(),
        facts: store.facts(&maya).await.unwrap(),
        coaches: store.coaches().await.unwrap(),
    };
    assert_eq!(view, parts);
    let counts = [view.open_cases.len(), view.facts.len(), view.coaches.len()];
    assert_eq!(counts, [2, 2, 2]);
    let nobody = store.client_view(&"nobody".into()).await.unwrap();
    assert!(nobody.open_cases.is_empty() && nobody.facts.is_empty());
    assert_eq!(nobody.coaches, view.coaches);
}

pub(super) async fn an_effects_view_is_its_parts(store: &dyn Store) {
    let make = Maker::new();
    let (case, effect) = fill(store, &make).await;
    let view = store.effect_view(effect.key(), "outreach").await.unwrap();
    let view = view.unwrap();
    let stored = store.effect(effect.key()).await.unwrap();
    assert_eq!(Some(view.effect), stored);
    assert_eq!(view.case, Some(case.clone()));
    assert_eq!(view.of_case, store.effects(case.id).await.unwrap());
    assert_eq!(view.of_case.len(), 2);
    let hers = CaseFilter {
        client: Some(case.client),
        closed: true,
        ..CaseFilter::default()
    };
    assert_eq!(view.cases, store.cases(&hers, ALL).await.unwrap());
    assert_eq!(view.cases.len(), 3);
    let maya = ClientId::from("maya");
    let sent = store.vendor_refs(&maya, EffectKind::PortalMessage).await;
    assert_eq!(view.messages, sent.unwrap());
    assert_eq!(view.messages, ["m-1"]);
    assert_eq!(view.setting, Some(json!({ "stopped": true })));
    let other = store.effect_view(effect.key(), "nothing").await.unwrap();
    assert_eq!(other.unwrap().setting, None);
}

pub(super) async fn an_effect_whose_case_is_gone_has_a_view_all_the_same(store: &dyn Store) {
    let make = Maker::new();
    let effect = planned_email(make.case_id(), "alone");
    commit(store, [Op::PlanEffect(effect.clone())]).await;
    let view = store.effect_view(effect.key(), "outreach").await.unwrap();
    let view = view.unwrap();
    assert_eq!((view.case, view.cases.len()), (None, 0));
    assert_eq!(view.of_case, [view.effect]);
    let unknown = store
        .effect_view(&EffectKey("unknown".to_owned()), "outreach")
        .await;
    assert_eq!(unknown.unwrap(), None);
}

pub(super) async fn a_view_has_the_cases_that_changed_last(store: &dyn Store) {
    let make = Maker::new();
    let count = i64::from(CASES_IN_VIEW) + 5;
    let cases: Vec<_> = (0..count)
        .map(|number| Case {
            procedure: format!("procedure {number}"),
            changed_at: at(number),
            ..make.case()
        })
        .collect();
    commit(
        store,
        cases
            .iter()
            .cloned()
            .map(Op::InsertCase)
            .collect::<Vec<_>>(),
    )
    .await;
    let effect = planned_email(cases[0].id, "one");
    commit(store, [Op::PlanEffect(effect.clone())]).await;
    let view = store.effect_view(effect.key(), "outreach").await.unwrap();
    let view = view.unwrap();
    // Its own case is not among the latest, and is told all the same.
    assert_eq!(view.case.as_ref(), cases.first());
    let latest: Vec<_> = cases
        .into_iter()
        .rev()
        .take(CASES_IN_VIEW as usize)
        .collect();
    assert_eq!(view.cases, latest);
}
