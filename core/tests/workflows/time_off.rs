//! Another coach: the client has one now (E41), or hers is away (A25).

use relay_core::case::Wait;
use relay_core::effects::{EffectKind, Request};
use relay_core::facts::CallOutcome;
use relay_core::time_off::TimeOff;
use relay_core::workflow::{Action, Input, Verdict};

use crate::world::{World, date};

fn dana_is_away(world: &mut World) {
    world.time_off = [TimeOff {
        coach: "dana".into(),
        from: date("2026-11-01"),
        until: date("2026-11-20"),
        deputy: "ivy".into(),
    }]
    .into_iter()
    .collect();
}

fn call_of(verdict: Verdict) -> (String, String) {
    match verdict {
        Verdict::Go(Request::CallTask(task)) => (task.user.to_string(), task.description),
        other => panic!("no call: {other:?}"),
    }
}

#[test]
fn a25_who_calls_says_her_own_name_and_knows_for_whom() {
    let mut world = World::at_choice();
    world.mail(|_| {});
    dana_is_away(&mut world);
    let key = world.current();
    world.now = world.planned[&key].not_before;
    let (user, description) = call_of(world.guard(&key));
    assert_eq!(user, "user-ivy");
    assert!(description.contains("this is Ivy Moss"), "{description}");
    assert!(!description.contains("this is Dana"), "{description}");
    let first = description.lines().next().unwrap();
    assert_eq!(
        first,
        "Dana Reed is away until November 20: you call for her."
    );
}

#[test]
fn a25_an_open_call_is_asked_for_anew_and_the_question_stays_the_coachs_own() {
    let mut world = World::at_call();
    let old = world.newest(EffectKind::CallTask);
    dana_is_away(&mut world);
    let changed = Input::CallerChanged {
        made_by: old.clone(),
    };
    assert!(world.step(&changed));
    assert_eq!(world.count(EffectKind::CloseTask), 1, "hers is closed");
    let new = world.current();
    assert_ne!(old, new);
    let (user, _) = call_of(world.guard(&new));
    assert_eq!(user, "user-ivy");
    assert!(!world.step(&changed), "told twice is once");

    world.carry_out();
    let asked = world.asked("call_outcome");
    assert_eq!(asked.owner, "dana", "her client stays hers");
    let ready = asked.detail["ready"]["text"].to_string();
    assert!(ready.contains("Ivy Moss"), "{ready}");
    assert!(world.person(Action::CallOutcome {
        outcome: CallOutcome::NoAnswer
    }));
    world.wait_over();
}

#[test]
fn a25_a_call_that_is_not_waited_for_is_asked_of_nobody_else() {
    let mut world = World::at_call();
    let old = world.newest(EffectKind::CallTask);
    world.replies();
    dana_is_away(&mut world);
    assert!(!world.step(&Input::CallerChanged { made_by: old }));
    assert_eq!(world.live_outreach(), 0);
}

#[test]
fn e41_the_new_coach_inherits_what_is_asked_and_the_open_call() {
    let mut world = World::at_call();
    world.client.coach = Some("ivy".into());
    assert!(world.update());
    world.carry_out();
    assert_eq!(world.work.len(), 1);
    assert_eq!(world.asked("call_outcome").owner, "ivy");
    assert!(matches!(&world.case.wait, Some(Wait::Person { who, .. }) if who == "ivy"));
    let request = format!("{:?}", world.sent.last());
    assert!(request.contains("user-ivy"), "{request}");
    assert!(request.contains("this is Ivy Moss"), "{request}");
    assert_eq!(world.count(EffectKind::CloseTask), 1);
    assert_eq!(world.count(EffectKind::ReassignTask), 0);
    assert!(!world.update(), "told twice is once");
    assert!(world.person(Action::CallOutcome {
        outcome: CallOutcome::NoAnswer
    }));
    world.wait_over();
    assert_eq!(world.asked("by_hand").owner, "ivy");
}

#[test]
fn e41_a_case_of_an_earlier_logic_moves_the_task_as_it_did() {
    let mut world = World::at_call();
    world.case.logic = 4;
    world.client.coach = Some("ivy".into());
    assert!(world.update());
    let key = world.newest(EffectKind::ReassignTask);
    let request = format!("{:?}", world.guard(&key));
    assert!(request.contains("user-ivy"), "{request}");
    assert_eq!(world.asked("call_outcome").owner, "ivy");
}

#[test]
fn a25_a_text_that_is_ready_is_signed_by_who_uses_it() {
    let mut world = World::at_call();
    assert!(world.person(Action::CallOutcome {
        outcome: CallOutcome::Voicemail
    }));
    world.wait_over();
    let text = |world: &World| world.asked("by_hand").detail["ready"]["text"].to_string();
    assert!(
        text(&world).contains("this is Dana Reed"),
        "{}",
        text(&world)
    );
    assert!(!world.step(&Input::SignerChanged), "nobody else acts");
    dana_is_away(&mut world);
    assert!(world.step(&Input::SignerChanged));
    assert!(
        text(&world).contains("this is Ivy Moss"),
        "{}",
        text(&world)
    );
    assert_eq!(world.asked("by_hand").owner, "dana");
    assert_eq!(world.work.len(), 1, "asked once");
    assert!(!world.step(&Input::SignerChanged), "told twice is once");

    // A client's new coach finds her own name, too (E41).
    world.time_off = std::iter::empty().collect();
    world.client.coach = Some("ivy".into());
    world.client.first_name = Some("Maja".to_owned());
    assert!(world.update());
    assert!(
        text(&world).contains("this is Ivy Moss"),
        "{}",
        text(&world)
    );
    assert_eq!(world.asked("by_hand").owner, "ivy");
}
