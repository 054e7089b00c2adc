//! An open or click that is told after the decision.

use relay_core::channel::{ChannelDecision, EngagementEvent, EngagementKind, EngagementSource};
use relay_core::effects::{EffectInput, EffectKind, Settled};
use relay_core::facts::FactBody;
use relay_core::time::SignedDuration;
use relay_core::workflow::{Action, Input, ReadKind};

use crate::world::{World, procedure_with};

fn click(world: &World, label: &str) -> EngagementEvent {
    EngagementEvent {
        at: world.now,
        kind: EngagementKind::Click,
        exact: false,
        seen_at: world.now,
        source: EngagementSource::Post,
        email: None,
        sent_at: None,
        label: Some(label.to_owned()),
        link: None,
    }
}

fn clicks(world: &mut World, label: &str) -> bool {
    let event = Box::new(click(world, label));
    world.learn(FactBody::Engaged { event })
}

/// A call is decided upon; its task waits for the office to open.
fn call_planned() -> World {
    let mut world = World::at_choice();
    world.mail(|_| {});
    assert_eq!(world.case.step, "phone_follow_up");
    world.now += SignedDuration::from_mins(5);
    world
}

fn unread(world: &mut World) -> bool {
    world.step(&Input::ReadFailed {
        what: ReadKind::MailHistory,
        reason: "the CRM answered 500".to_owned(),
    })
}

#[test]
fn a_click_told_before_the_call_task_is_made_turns_the_call_into_an_email() {
    let mut world = call_planned();
    let call = world.current();
    assert!(clicks(&mut world, "Welcome 3"));
    assert_eq!(world.case.step, "email_follow_up");
    assert!(world.cancelled.contains(&call), "the call is withdrawn");
    world.carry_out();
    assert_eq!(world.count(EffectKind::Email), 1);
    assert!(
        !world
            .sent
            .iter()
            .any(|request| request.kind() == EffectKind::CallTask)
    );
    assert!(world.said("Follow-up by phone: last 3 emails unopened"));
    assert!(world.said("Decided anew, by email: an automation post of"));
    assert!(world.plans(|input| matches!(
        input,
        EffectInput::ContactNote { text, .. } if text.contains("she clicked 'Welcome 3'")
    )));
}

#[test]
fn both_decisions_stand_in_the_timeline_and_are_recomputed_from_their_evidence() {
    let mut world = call_planned();
    assert!(clicks(&mut world, "Welcome 3"));
    let decided: Vec<_> = world
        .timeline
        .iter()
        .filter_map(|line| line.detail.as_ref())
        .filter(|detail| detail.get("decision").is_some())
        .map(|detail| {
            let decision: ChannelDecision =
                serde_json::from_value(detail["decision"].clone()).unwrap();
            let evidence = serde_json::from_value(detail["evidence"].clone()).unwrap();
            assert_eq!(decision.recompute(&evidence).as_ref(), Some(&decision));
            decision.channel.as_str()
        })
        .collect();
    assert_eq!(decided, ["phone", "email"]);
}

#[test]
fn a_call_task_that_was_under_way_when_it_turned_is_completed_again() {
    let mut world = call_planned();
    let call = world.current();
    assert!(clicks(&mut world, "Welcome 3"));
    let made = Settled::Done {
        at: world.now,
        vendor_ref: Some("t-1".to_owned()),
        by_probe: false,
    };
    assert!(world.settle(&call, made));
    assert_eq!(world.case.step, "email_follow_up");
    assert!(world.plans(|input| matches!(input, EffectInput::CloseTask { .. })));
}

#[test]
fn once_the_call_task_is_made_nothing_turns_and_the_timeline_says_so_once() {
    let mut world = World::at_call();
    assert!(clicks(&mut world, "Welcome 3"));
    assert!(!clicks(&mut world, "Welcome 3"), "told twice");
    assert_eq!(world.case.step, "phone_follow_up");
    let line = "Told too late to turn the call, whose task is made: an automation post";
    assert!(world.said(line));
    assert_eq!(world.count(EffectKind::Email), 0);
    assert!(world.person(Action::CallOutcome {
        outcome: relay_core::facts::CallOutcome::Voicemail
    }));
    assert!(!clicks(&mut world, "Welcome 4"), "called already");
}

#[test]
fn nothing_that_is_told_turns_an_email_or_moves_another_step() {
    let mut world = World::at_email();
    assert!(!clicks(&mut world, "Welcome 3"));
    let mut world = World::at_choice();
    assert!(!clicks(&mut world, "Welcome 3"), "the read takes it in");
    let mut world = World::new().open();
    assert!(!clicks(&mut world, "Welcome 3"));
}

#[test]
fn strict_hears_it_keeps_the_call_and_says_why_once() {
    let strict =
        procedure_with(|text| text.replace("rule = \"as_keap_shows\"", "rule = \"strict\""));
    let workflow = relay_core::workflows::missed_check_in::MissedCheckIn::new(strict);
    let mut world = World::running(Box::new(workflow)).open();
    world.carry_out();
    world.wait_over();
    world.mail(|_| {});
    let call = world.current();
    assert!(clicks(&mut world, "Welcome 3"));
    assert!(!clicks(&mut world, "welcome 3 "));
    assert_eq!(world.current(), call);
    assert!(world.said("Still by phone, although an automation post of"));
    assert!(world.said("when that email was sent is not known"));
}

#[test]
fn a_case_held_because_the_history_cannot_be_read_goes_on_by_email() {
    let mut world = World::at_choice();
    assert!(unread(&mut world));
    assert!(world.is("held"));
    assert!(clicks(&mut world, "Welcome 3"));
    assert!(world.is("open"));
    assert_eq!(world.case.step, "email_follow_up");
    assert!(world.said("Follow-up by email: email history could not be read; an automation post"));
}

#[test]
fn a_step_that_a_person_was_asked_about_does_not_turn() {
    let mut world = call_planned();
    let call = world.current();
    let reason = "Dana Reed has no active user in the CRM".to_owned();
    assert!(world.settle(
        &call,
        Settled::Held {
            reason,
            command: None,
            minor: None,
            lifts: true
        }
    ));
    assert!(!clicks(&mut world, "Welcome 3"));
    assert!(world.is("held"));
}

#[test]
fn a_case_of_the_first_logic_is_not_turned() {
    let mut world = call_planned();
    world.case.logic = 1;
    assert!(!clicks(&mut world, "Welcome 3"));
    assert_eq!(world.case.step, "phone_follow_up");
}
