//! Stopping the coaching fee.

use relay_core::case::Mode;
use relay_core::clients::{BillingSnapshot, Card, Subscription};
use relay_core::effects::{CardRemoval, EffectInput, EffectKind, Settled};
use relay_core::facts::{FactBody, Order};
use relay_core::ids::ContactId;
use relay_core::workflow::{Action, Input, ReadKind, Verdict};
use relay_core::workflows::cancel_subscription::{CancelSubscription, CancellationOrder, plan};

use crate::world::{World, date};

fn subscription(id: &str, coaching: bool, card: Option<&str>) -> Subscription {
    Subscription {
        id: id.into(),
        name: format!("Plan {id}"),
        coaching,
        active: true,
        auto_charge: true,
        payment_method: card.map(Into::into),
        next_bill_date: Some(date("2026-11-20")),
        last_bill_date: Some(date("2026-10-20")),
    }
}

/// One coaching subscription on the only card.
fn billing() -> BillingSnapshot {
    BillingSnapshot {
        read_at: crate::world::at("2026-11-04 10:00"),
        subscriptions: vec![subscription("s1", true, Some("p1"))],
        cards: vec![Card {
            id: "p1".into(),
            label: "Visa 4242".into(),
        }],
        open_orders: Vec::new(),
    }
}

fn ordered(card: CardRemoval, billing: BillingSnapshot) -> World {
    let workflow = CancelSubscription::new(Mode::Act);
    let mut world = World::running(Box::new(workflow));
    world.billing = Some(billing);
    let order = Order::CancelSubscription {
        reason: "2026-11-04 stopped".into(),
        card,
    };
    let by = "Ola".into();
    world.open_on(FactBody::Ordered { by, order }).unwrap();
    world
}

/// Answers the read with how things stand.
fn read(world: &mut World) {
    let twins = world
        .contact
        .as_ref()
        .map_or(Vec::new(), |one| one.twins.clone());
    let billing = Box::new(world.billing.clone().unwrap());
    assert!(world.learn(FactBody::BillingRead { twins, billing }));
}

/// The CRM does what is asked of it.
fn obey(world: &mut World) {
    let key = world.current();
    let input = world.planned[&key].input.clone();
    world.carry_out();
    let billing = world.billing.as_mut().unwrap();
    for one in &mut billing.subscriptions {
        match &input {
            EffectInput::AutoChargeOff { subscription, .. } if one.id == *subscription => {
                one.auto_charge = false;
            }
            EffectInput::DeactivateSubscription { subscription, .. } if one.id == *subscription => {
                one.active = false;
            }
            _ => {}
        }
    }
    if let EffectInput::RemoveCard { payment_method, .. } = &input {
        billing.cards.retain(|card| card.id != *payment_method);
    }
}

/// Lets everything happen that is asked for.
fn run(world: &mut World) {
    for _ in 0..20 {
        if world.case.status.as_str() != "open" {
            return;
        }
        match &world.case.wait {
            Some(relay_core::case::Wait::Read { .. }) => read(world),
            _ => obey(world),
        }
    }
    panic!("it does not end: {:?}", world.case);
}

fn kinds(world: &World) -> Vec<EffectKind> {
    world
        .order
        .iter()
        .map(|key| world.planned[key].kind())
        .collect()
}

#[test]
fn the_fee_is_taken_off_auto_charge_first_then_stopped_verified_and_the_card_removed() {
    let mut world = ordered(CardRemoval::Delete, billing());
    run(&mut world);
    assert!(world.is("closed"), "{:?}", world.case.status);
    assert_eq!(
        kinds(&world),
        [
            EffectKind::AutoChargeOff,
            EffectKind::DeactivateSubscription,
            EffectKind::RemoveCard
        ]
    );
    assert_eq!(world.reads, [ReadKind::Billing; 3], "plan, verify, report");
    assert_eq!(
        world.reason(),
        "every coaching subscription is inactive and off auto-charge"
    );
    let report = world
        .timeline
        .iter()
        .rev()
        .find_map(|line| line.detail.clone());
    assert_eq!(report.unwrap()["cards"].as_array().unwrap().len(), 0);
}

#[test]
fn e46_what_is_inactive_already_is_left_alone_and_auto_charge_still_goes_off() {
    let mut quiet = billing();
    quiet.subscriptions[0].active = false;
    quiet.subscriptions[0].auto_charge = false;
    let mut world = ordered(CardRemoval::Keep, quiet.clone());
    run(&mut world);
    assert!(
        world.reason().starts_with("nothing to do"),
        "{}",
        world.reason()
    );
    assert!(world.planned.is_empty());

    quiet.subscriptions[0].auto_charge = true;
    let mut world = ordered(CardRemoval::Keep, quiet);
    run(&mut world);
    assert_eq!(kinds(&world), [EffectKind::AutoChargeOff]);

    let mut none = billing();
    none.subscriptions.clear();
    let mut world = ordered(CardRemoval::Delete, none);
    run(&mut world);
    assert!(world.reason().contains("no coaching subscription"));
    assert!(world.planned.is_empty());
}

#[test]
fn e47_only_coaching_plans_are_touched() {
    let mut billing = billing();
    billing
        .subscriptions
        .push(subscription("store", false, Some("p2")));
    let mut world = ordered(CardRemoval::Keep, billing);
    run(&mut world);
    assert!(world.order.iter().all(|key| key.as_str().ends_with("-s1")));
    let store = &world.billing.as_ref().unwrap().subscriptions[1];
    assert!(store.active && store.auto_charge);
}

#[test]
fn e47_a_plan_that_is_not_coaching_any_more_is_refused_by_the_guard() {
    let mut world = ordered(CardRemoval::Keep, billing());
    read(&mut world);
    world.billing.as_mut().unwrap().subscriptions[0].coaching = false;
    assert!(matches!(
        world.guard(&world.current()),
        Verdict::Hold { .. }
    ));
}

#[test]
fn e48_two_active_coaching_subscriptions_are_both_stopped_and_an_admin_is_told() {
    let mut billing = billing();
    billing
        .subscriptions
        .push(subscription("s2", true, Some("p1")));
    let mut world = ordered(CardRemoval::Delete, billing);
    run(&mut world);
    assert!(world.is("closed"));
    assert_eq!(kinds(&world).len(), 5, "two each, and one card");
    assert_eq!(world.asked("billing").owner, "admin");
}

#[test]
fn e49_a_card_that_something_else_needs_stays_and_the_manager_hears_of_it() {
    let mut shared = billing();
    shared
        .subscriptions
        .push(subscription("store", false, Some("p1")));
    let mut unnamed = billing();
    unnamed
        .subscriptions
        .push(subscription("store", false, None));
    let mut owing = billing();
    owing.open_orders.push("Order 17: $40 open".into());
    for billing in [shared, unnamed, owing] {
        let mut world = ordered(CardRemoval::Delete, billing);
        run(&mut world);
        assert!(world.is("closed"));
        assert_eq!(world.count(EffectKind::RemoveCard), 0);
        assert_eq!(world.asked("card").owner, "program_manager");
    }
}

#[test]
fn e49_a_card_that_is_needed_by_the_time_of_its_removal_stays() {
    let mut world = at_the_card();
    let shared = subscription("store", false, Some("p1"));
    world.billing.as_mut().unwrap().subscriptions.push(shared);
    world.carry_out();
    run(&mut world);
    assert!(world.is("closed"));
    assert_eq!(world.sent.len(), 2, "the card was not removed");
    world.asked("card");
}

#[test]
fn e50_the_only_card_stays_while_money_is_owed_and_the_reason_says_so() {
    let mut owing = billing();
    owing.open_orders.push("Order 17: $40 open".into());
    let ordered = CancellationOrder {
        reason: "stopped".into(),
        card: CardRemoval::Delete,
    };
    let found = plan(&owing, &[], &ordered, date("2026-11-04"));
    assert!(found.kept[0].why.starts_with("it is the only card"));
}

#[test]
fn e51_a_charge_of_today_is_shown() {
    let mut charged = billing();
    charged.subscriptions[0].last_bill_date = Some(date("2026-11-04"));
    let mut world = ordered(CardRemoval::Keep, charged);
    run(&mut world);
    assert!(world.is("closed"));
    assert!(world.asked("billing").title.contains("charged today"));
}

#[test]
fn e20_another_contact_with_the_same_address_forbids_touching_billing() {
    let mut world = ordered(CardRemoval::Delete, billing());
    world.contact.as_mut().unwrap().twins = vec!["77".into()];
    read(&mut world);
    assert!(world.is("held"));
    assert!(world.planned.is_empty());
    assert_eq!(world.asked("hold").owner, "admin");
    world.contact.as_mut().unwrap().twins.clear();
    assert!(world.person(Action::Resume));
    run(&mut world);
    assert!(world.is("closed"));
}

#[test]
fn e20_a_twin_that_turns_up_before_the_write_stops_it() {
    let mut world = ordered(CardRemoval::Delete, billing());
    read(&mut world);
    world.contact.as_mut().unwrap().twins = vec!["77".into()];
    world.carry_out();
    assert!(world.is("held"));
    assert!(world.sent.is_empty());
}

#[test]
fn a_fee_that_keeps_running_is_stopped_once_more_and_then_a_person_looks() {
    let mut world = ordered(CardRemoval::Delete, billing());
    for _ in 0..20 {
        match &world.case.wait {
            Some(relay_core::case::Wait::Read { .. }) => read(&mut world),
            Some(relay_core::case::Wait::Effect { .. }) => world.carry_out(),
            _ => break,
        }
    }
    assert!(world.is("held"));
    assert_eq!(world.count(EffectKind::DeactivateSubscription), 2);
    assert_eq!(world.count(EffectKind::RemoveCard), 0);
}

#[test]
fn an_unclear_or_dead_write_holds_and_trying_again_reads_first() {
    for settled in [
        Settled::Unclear {
            evidence: "read failed".into(),
        },
        Settled::Dead {
            reason: "refused".into(),
            technical: None,
        },
    ] {
        let mut world = ordered(CardRemoval::Keep, billing());
        read(&mut world);
        let key = world.current();
        world.settle(&key, settled);
        assert!(world.is("held"));
        world.person(Action::Resume);
        assert_eq!(world.reads.len(), 2);
        run(&mut world);
        assert!(world.is("closed"));
    }
}

#[test]
fn a_read_that_fails_and_a_contact_that_is_gone_hold() {
    let mut world = ordered(CardRemoval::Keep, billing());
    let reason = "down".into();
    world.step(&Input::ReadFailed {
        what: ReadKind::Billing,
        reason,
    });
    assert!(world.is("held"));
    let mut world = ordered(CardRemoval::Keep, billing());
    world.learn(FactBody::ContactGone);
    assert!(world.is("held"));
    assert!(world.learn(FactBody::ContactSeen));
    assert!(world.is("open"), "what she pays for is read again");
    world.learn(FactBody::ContactGone);
    assert!(world.is("held"));
    assert!(world.person(Action::Close {
        reason: "moved away".into()
    }));
    assert!(world.is("closed"));
}

#[test]
fn in_propose_mode_every_write_is_shown_once_and_the_case_ends() {
    let mut world = ordered(CardRemoval::Delete, billing());
    for _ in 0..20 {
        match &world.case.wait {
            Some(relay_core::case::Wait::Read { .. }) => read(&mut world),
            Some(relay_core::case::Wait::Effect { key }) => {
                let key = key.clone();
                world.settle(&key, Settled::Proposed);
            }
            _ => break,
        }
    }
    assert!(world.is("closed"));
    assert_eq!(kinds(&world).len(), 3);
    assert!(world.reason().starts_with("would have"));
}

#[test]
fn the_preview_names_what_would_change_and_what_else_bills_the_card() {
    let mut billing = billing();
    billing
        .subscriptions
        .push(subscription("store", false, Some("p1")));
    let ordered = CancellationOrder {
        reason: "stopped".into(),
        card: CardRemoval::Delete,
    };
    let found = plan(&billing, &[], &ordered, date("2026-11-04"));
    assert_eq!(found.stop.len(), 2);
    assert!(found.cards.is_empty());
    assert_eq!(found.also_bills.len(), 1);
    assert!(found.also_bills[0].contains("Plan store"));
    assert_eq!(found.lines.len(), 2);
    assert!(!found.is_empty());
    let refused = plan(
        &billing,
        &[ContactId("77".into())],
        &ordered,
        date("2026-11-04"),
    );
    assert!(refused.refused.is_some() && refused.is_empty());
}

#[test]
fn what_is_read_after_all_goes_on_without_a_person() {
    let mut world = ordered(CardRemoval::Keep, billing());
    let failed = Input::ReadFailed {
        what: ReadKind::Billing,
        reason: "no contact has the client's address".into(),
    };
    assert!(world.step(&failed));
    assert!(world.step(&failed), "a replay that fails too");
    assert!(world.is("held"));
    assert_eq!(world.work.len(), 1);
    read(&mut world);
    assert!(world.is("open"));
    assert!(world.work.is_empty());
    run(&mut world);
    assert!(world.is("closed"));

    let mut world = ordered(CardRemoval::Keep, billing());
    world.learn(FactBody::ContactGone);
    let billing = Box::new(world.billing.clone().unwrap());
    let twins = Vec::new();
    assert!(
        !world.learn(FactBody::BillingRead { twins, billing }),
        "held for something else"
    );
}

#[test]
fn e49_a_subscription_that_has_ended_does_not_keep_a_card() {
    let mut billing = billing();
    let mut ended = subscription("store", false, Some("p1"));
    ended.active = false;
    billing.subscriptions.push(ended);
    let mut world = ordered(CardRemoval::Deactivate, billing);
    run(&mut world);
    assert_eq!(world.count(EffectKind::RemoveCard), 1);
    assert!(world.work.is_empty());
}

/// A case whose next effect is the removal of the card.
fn at_the_card() -> World {
    let mut world = ordered(CardRemoval::Delete, billing());
    while world.count(EffectKind::RemoveCard) == 0 {
        match &world.case.wait {
            Some(relay_core::case::Wait::Read { .. }) => read(&mut world),
            _ => obey(&mut world),
        }
    }
    world
}

#[test]
fn a_card_is_not_removed_under_a_coaching_subscription_that_is_active_again() {
    let mut world = at_the_card();
    world.billing.as_mut().unwrap().subscriptions[0].active = true;
    assert!(matches!(
        world.guard(&world.current()),
        Verdict::Hold { .. }
    ));
}

#[test]
fn a_fee_that_runs_again_at_the_end_is_not_reported_as_stopped() {
    let mut world = at_the_card();
    obey(&mut world);
    world.billing.as_mut().unwrap().subscriptions[0].auto_charge = true;
    read(&mut world);
    assert!(world.is("held"));
    assert!(world.reason().contains("running again"));
}
