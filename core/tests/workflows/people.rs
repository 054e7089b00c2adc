//! What people may do.

use relay_core::effects::{EffectInput, EffectKind};
use relay_core::facts::CallOutcome;
use relay_core::workflow::Action;

use crate::world::{World, at, date};

#[test]
fn a_promised_date_waits_until_the_day_after_and_goes_on_with_the_next_step() {
    let mut world = World::new().open();
    world.carry_out();
    world.replies();
    assert!(world.person(Action::Promised {
        until: date("2026-11-12")
    }));
    assert!(world.is("open"));
    assert!(world.work.is_empty());
    assert_eq!(world.timer(), at("2026-11-13 09:00"));
    world.wait_over();
    assert_eq!(world.case.step, "choose_channel");
}

#[test]
fn the_reply_that_was_answered_does_not_pause_again_and_the_next_one_does() {
    let mut world = World::new().open();
    world.carry_out();
    world.client_writes();
    world.replies();
    assert!(world.person(Action::Resume));
    assert!(!world.replies(), "the same moment");
    world.opens();
    world.carry_out();
    assert_eq!(world.sent.len(), 2, "{:?}", world.case.status);
    world.now = at("2026-11-08 10:00");
    assert!(world.replies());
    assert!(world.is("paused"));
}

#[test]
fn a_person_pauses_and_resumes_and_closes() {
    let mut world = World::at_email();
    let pause = Action::Pause {
        reason: "on the phone with her".into(),
    };
    assert!(world.person(pause.clone()));
    assert!(!world.person(pause));
    assert_eq!(world.live_outreach(), 0);
    world.asked("paused");
    assert!(world.person(Action::Resume));
    assert!(!world.person(Action::Resume), "it is not paused");
    assert!(world.person(Action::Close {
        reason: "settled".into()
    }));
    assert!(world.is("closed"));
    assert!(world.reason().contains("Dana"));
    assert!(!world.person(Action::Close {
        reason: "again".into()
    }));
}

#[test]
fn a_held_step_done_by_hand_counts_from_that_moment() {
    let mut world = World::at_email();
    world.coach_writes();
    world.carry_out();
    world.now = at("2026-11-06 12:00");
    assert!(world.person(Action::DoneByHand));
    assert_eq!(world.timer(), at("2026-11-09 09:00"));
    assert_eq!(world.count(EffectKind::AddTag), 0, "the relay did not mail");
}

#[test]
fn a_held_step_left_out_goes_on() {
    let mut world = World::at_email();
    world.coach_writes();
    world.carry_out();
    assert!(world.person(Action::Skip));
    world.wait_over();
    assert_eq!(world.case.step, "by_hand");
}

#[test]
fn a_call_that_is_left_out_takes_its_task_away() {
    let mut world = World::at_call();
    assert!(world.person(Action::Skip));
    assert_eq!(world.count(EffectKind::CloseTask), 1);
    world.timer();
    assert!(!world.person(Action::CallOutcome {
        outcome: CallOutcome::Voicemail
    }));
}

#[test]
fn what_comes_by_hand_goes_on_until_somebody_closes_the_case() {
    let mut world = World::at_email();
    world.carry_out();
    world.wait_over();
    assert!(world.asked("by_hand").detail["ready"].is_object());
    assert!(world.person(Action::DoneByHand));
    let work = world.asked("by_hand");
    assert!(
        work.detail["ready"].is_null(),
        "done is not asked for again"
    );
    assert!(
        work.detail["then"][0]
            .as_str()
            .unwrap()
            .contains("non-compliant")
    );
    world.replies();
    world.now += relay_core::time::SignedDuration::from_hours(1);
    world.person(Action::Resume);
    assert!(world.asked("by_hand").detail["ready"].is_null());
    assert!(world.checks_in());
    assert!(world.is("closed"));
}

#[test]
fn a_resumed_call_that_becomes_an_email_loses_the_tag_of_the_call() {
    let mut world = World::at_call();
    world.replies();
    world.now = at("2026-11-09 10:00");
    world.person(Action::Resume);
    world.opens();
    assert!(world.plans(|input| *input
        == EffectInput::RemoveTag {
            tag: "Follow-up: phone".into()
        }));
}

#[test]
fn actions_that_do_not_apply_change_nothing() {
    let mut world = World::at_email();
    for action in [
        Action::Resume,
        Action::DoneByHand,
        Action::SendAnyway,
        Action::Skip,
        Action::CallOutcome {
            outcome: CallOutcome::Spoke,
        },
    ] {
        assert!(!world.person(action.clone()), "{action:?}");
    }
}
