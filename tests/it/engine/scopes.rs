//! Effects that belong to no case: to a client, to a work item, to the installation.

use std::sync::Arc;

use clear_relay::engine::commands::{replay, work};
use clear_relay::failpoint::{ATTEMPT, GUARD, INTENT, NoFailpoints, SETTLE};
use relay_core::case::Mode;
use relay_core::effects::{EffectInput, PlannedEffect, Request, Scope};
use relay_core::ids::{JobId, WorkItemId};
use relay_core::retry::Class;
use relay_store::{
    Batch, Damage, Effect, EffectState, Existing, Job, NewJob, Op, Remedied, Remedy, RemedyOrder,
    WorkItem, WorkSettled, effect_job_key,
};
use relay_store_sqlite::spoil;
use serde_json::json;

use super::effects::crash;
use super::rig::Rig;
use super::world::Outcome;
use crate::support::failpoints::StopAt;

fn tag() -> EffectInput {
    EffectInput::AddTag { tag: "x".into() }
}

fn client() -> Scope {
    Scope::Client {
        client: "maya".into(),
    }
}

impl Rig {
    /// Plans `input`, as what belongs to `scope`.
    async fn plan(&self, scope: Scope, input: EffectInput) -> Effect {
        self.plan_as(scope, input, false).await
    }

    async fn plan_as(&self, scope: Scope, input: EffectInput, blocking: bool) -> Effect {
        let now = self.engine.now();
        let key = scope.key("sync", 1, "effect");
        let planned = PlannedEffect {
            key: key.clone(),
            scope,
            blocking,
            not_before: now,
            input,
        };
        let effect = Effect::new(planned, "f00d".into(), Mode::Act, now);
        let job = NewJob {
            id: JobId::new(self.random.as_ref(), now),
            key: effect_job_key(&key),
            kind: "effect".into(),
            lane: effect.scope().lane(),
            run_at: now,
            client: effect.scope().client().cloned(),
            case: None,
            payload: json!({ "effect": key, "kind": effect.kind() }),
        };
        let existing = Existing::Keep;
        let ops = vec![
            Op::PlanEffect(effect.clone()),
            Op::Enqueue { job, existing },
        ];
        self.store.commit(Batch::from(ops)).await.unwrap();
        effect
    }

    async fn open_item(&self) -> WorkItemId {
        let now = self.engine.now();
        let id = WorkItemId::new(self.random.as_ref(), now);
        let item = WorkItem {
            id,
            dedupe_key: "question".into(),
            kind: "question".into(),
            owner: "dana".into(),
            title: "Is this her number?".into(),
            detail: json!({}),
            actions: vec!["done".into()],
            client: Some("maya".into()),
            case: None,
            effect: None,
            opened_at: now,
            due: now,
            remind_at: now,
            reminders: 0,
            settled: None,
        };
        let ops = vec![Op::OpenWork(item)];
        self.store.commit(Batch::from(ops)).await.unwrap();
        id
    }

    async fn now_of(&self, effect: &Effect) -> Effect {
        self.store.effect(effect.key()).await.unwrap().unwrap()
    }

    async fn remedy(&self, damage: Damage, remedy: Remedy) -> Remedied {
        let order = RemedyOrder {
            damage,
            remedy,
            by: "Ada".into(),
            now: self.engine.now(),
            dry_run: false,
        };
        self.store.remedy(&order).await.unwrap()
    }

    async fn job_of(&self, effect: &Effect) -> Job {
        let key = effect_job_key(effect.key());
        self.store.job_by_key(&key).await.unwrap().unwrap()
    }
}

#[tokio::test]
async fn what_belongs_to_a_client_is_done_without_a_case() {
    let rig = Rig::new().await;
    let effect = rig.plan(client(), tag()).await;
    rig.drain().await;
    assert_eq!(rig.now_of(&effect).await.state, EffectState::Done);
    let accepted = rig.world.now().accepted.clone();
    let [(_, Request::AddTag(adding))] = &accepted[..] else {
        panic!("{accepted:?}");
    };
    assert_eq!(adding.contact.as_str(), "contact-maya");
    assert!(
        rig.store
            .open_cases(&"maya".into())
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn a_crash_at_any_place_neither_forgets_nor_repeats_what_belongs_to_no_case() {
    for scope in [true, false] {
        for point in [GUARD, INTENT, ATTEMPT, SETTLE] {
            for name in [point.before, point.after] {
                let mut rig = Rig::new().await;
                let scope = if scope {
                    client()
                } else {
                    let item = rig.open_item().await;
                    Scope::WorkItem {
                        item,
                        client: Some("maya".into()),
                    }
                };
                let effect = rig.plan(scope, tag()).await;
                let stop = Arc::new(StopAt::name(name));
                rig.restart(stop.clone()).await;
                crash(&rig.engine, &stop).await;
                rig.restart(Arc::new(NoFailpoints)).await;
                for _ in 0..30 {
                    rig.pass(1).await;
                }
                assert_eq!(rig.now_of(&effect).await.state, EffectState::Done, "{name}");
                assert_eq!(rig.world.now().accepted.len(), 1, "{name}");
            }
        }
    }
}

#[tokio::test]
async fn what_belongs_to_an_item_goes_no_further_once_that_is_settled() {
    for settled in [false, true] {
        let rig = Rig::new().await;
        let item = rig.open_item().await;
        let client = Some("maya".into());
        let effect = rig.plan(Scope::WorkItem { item, client }, tag()).await;
        if settled {
            let settled = WorkSettled {
                at: rig.engine.now(),
                by: "dana".into(),
                action: "done".into(),
            };
            let ops = vec![Op::SettleWork { id: item, settled }];
            rig.store.commit(Batch::from(ops)).await.unwrap();
        }
        rig.drain().await;
        let (state, attempts) = if settled {
            (EffectState::Overtaken, 0)
        } else {
            (EffectState::Done, 1)
        };
        assert_eq!(rig.now_of(&effect).await.state, state);
        assert_eq!(rig.world.now().attempts.len(), attempts);
    }
}

#[tokio::test]
async fn what_fails_without_a_case_is_told_to_a_person_and_can_be_done_again() {
    let rig = Rig::new().await;
    let refused = Outcome::Fails(Class::Permanent);
    rig.world.now().outcomes.push_back(refused);
    let effect = rig.plan(client(), tag()).await;
    rig.drain().await;
    assert_eq!(rig.now_of(&effect).await.state, EffectState::Dead);
    let [item] = &rig.work("dead_job").await[..] else {
        panic!("one item");
    };
    assert_eq!((&item.client, item.case), (&Some("maya".into()), None));

    let job = rig.job_of(&effect).await;
    replay::replay(&rig.engine, job.id, "Ada").await.unwrap();
    rig.drain().await;
    assert_eq!(rig.now_of(&effect).await.state, EffectState::Done);
    assert!(rig.work("dead_job").await.is_empty());
}

#[tokio::test]
async fn a_client_without_a_contact_is_told_to_a_person() {
    let rig = Rig::new().await;
    rig.world.now().clients[0].contact = None;
    let effect = rig.plan(client(), tag()).await;
    rig.drain().await;
    assert_eq!(rig.now_of(&effect).await.state, EffectState::Held);
    let [item] = &rig.work("held").await[..] else {
        panic!("one item");
    };
    assert!(item.title.contains("not linked"), "{}", item.title);
    assert!(rig.world.now().attempts.is_empty());

    // Nobody waits for it: it may be left at that.
    let job = rig.job_of(&effect).await;
    replay::cancel_job(&rig.engine, job.id, "Ada")
        .await
        .unwrap();
    assert_eq!(rig.now_of(&effect).await.state, EffectState::Cancelled);
}

#[tokio::test]
async fn what_has_no_business_there_is_held_and_says_why() {
    let email = EffectInput::Email {
        script: "S2".into(),
        due: "2026-11-03".parse().unwrap(),
    };
    let contact_type = EffectInput::ContactType {
        value: "In-Person".into(),
    };
    let of_item = |item, client| Scope::WorkItem { item, client };
    for (number, why) in [
        (0, "for a case only"),
        (1, "no client is named"),
        (2, "not done for a work item"),
        (3, "no client is named"),
    ] {
        let rig = Rig::new().await;
        let item = rig.open_item().await;
        let (scope, input) = match number {
            0 => (client(), email.clone()),
            1 => (Scope::Installation, tag()),
            2 => (of_item(item, Some("maya".into())), contact_type.clone()),
            _ => (of_item(item, None), tag()),
        };
        let effect = rig.plan(scope, input).await;
        rig.drain().await;
        assert_eq!(rig.now_of(&effect).await.state, EffectState::Held);
        assert!(rig.world.now().attempts.is_empty());
        let [item] = &rig.work("held").await[..] else {
            panic!("one item");
        };
        assert!(item.title.contains(why), "{}", item.title);
    }
}

#[tokio::test]
async fn what_was_held_is_done_or_left_through_its_item_whether_a_case_waits_or_not() {
    for action in ["replay", "cancel"] {
        let rig = Rig::new().await;
        rig.world.now().clients[0].contact = None;
        let effect = rig.plan_as(client(), tag(), true).await;
        rig.drain().await;
        let [item] = &rig.work("held").await[..] else {
            panic!("one item");
        };
        rig.world.now().clients[0].contact = Some("contact-maya".into());
        let settled = work::settle_work(&rig.engine, item.id, "Ada", action, None);
        settled.await.unwrap();
        rig.drain().await;
        let state = rig.now_of(&effect).await.state;
        let wanted = match action {
            "replay" => EffectState::Done,
            _ => EffectState::Cancelled,
        };
        assert_eq!(state, wanted);
        assert!(rig.work("held").await.is_empty());
    }
}

#[tokio::test]
async fn an_item_that_nobody_knows_is_a_fault_and_a_person_is_told() {
    let rig = Rig::new().await;
    let item = WorkItemId::new(rig.random.as_ref(), rig.engine.now());
    let client = Some("maya".into());
    let effect = rig.plan(Scope::WorkItem { item, client }, tag()).await;
    rig.drain().await;
    assert_eq!(rig.now_of(&effect).await.state, EffectState::Dead);
    assert!(rig.world.now().attempts.is_empty());
    assert_eq!(rig.work("dead_job").await.len(), 1);
}

#[tokio::test]
async fn an_item_that_is_settled_while_its_effect_is_guarded_stops_it() {
    let rig = Rig::new().await;
    let item = rig.open_item().await;
    let client = Some("maya".into());
    let effect = rig.plan(Scope::WorkItem { item, client }, tag()).await;
    let store = rig.store.clone();
    let at = rig.engine.now();
    rig.world.now().on_read = Some(Box::new(move || {
        Box::pin(async move {
            let settled = WorkSettled {
                at,
                by: "dana".into(),
                action: "done".into(),
            };
            let ops = vec![Op::SettleWork { id: item, settled }];
            store.commit(Batch::from(ops)).await.unwrap();
        })
    }));
    rig.drain().await;
    rig.pass(5).await;
    assert_eq!(rig.now_of(&effect).await.state, EffectState::Overtaken);
    assert!(rig.world.now().attempts.is_empty());
}

#[tokio::test]
async fn what_nobody_can_tell_any_more_is_no_news_of_the_contact_type() {
    let rig = Rig::new().await;
    let value = "In-Person".to_owned();
    let effect = rig.plan(client(), EffectInput::ContactType { value }).await;
    let sent = "UPDATE effects SET state = 'unclear', revision = 1, intended_at = 1,
                request = '{}', input = CAST(x'ff' AS TEXT)";
    spoil::run(rig.file(), sent).await.unwrap();
    for _ in 0..2 {
        if let Some(damage) = rig.store.check_rows().await.unwrap().pop() {
            rig.remedy(damage, Remedy::Mend).await;
        }
    }
    assert_eq!(rig.now_of(&effect).await.state, EffectState::Unsettled);
    let [item] = &rig.work("damage").await[..] else {
        panic!("one item");
    };
    assert!(
        item.title.contains("the change of the contact type"),
        "{}",
        item.title
    );
    let settled = work::settle_work(&rig.engine, item.id, "Ada", "happened", None);
    settled.await.unwrap();
    assert_eq!(rig.now_of(&effect).await.state, EffectState::Done);
    assert!(rig.store.facts(&"maya".into()).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_job_that_was_damaged_and_taken_out_is_told_of() {
    let rig = Rig::new().await;
    let effect = rig.plan(client(), tag()).await;
    let seq = "SELECT CAST(seq AS TEXT) FROM jobs WHERE kind = 'effect'";
    let row = spoil::ask(rig.file(), seq).await.unwrap().remove(0);
    let broken = "UPDATE jobs SET payload = CAST(x'ff' AS TEXT) WHERE kind = 'effect'";
    spoil::run(rig.file(), broken).await.unwrap();
    let damage = Damage {
        table: "jobs".into(),
        row,
        column: String::new(),
    };
    let done = rig.remedy(damage, Remedy::Discard).await;
    assert_eq!(done, Remedied::Discarded);
    assert_eq!(rig.now_of(&effect).await.state, EffectState::Cancelled);
    let [item] = &rig.work("damage").await[..] else {
        panic!("one item");
    };
    assert!(
        item.title.contains("the tag on the contact"),
        "{}",
        item.title
    );
    rig.drain().await;
    assert!(rig.world.now().attempts.is_empty());
}
