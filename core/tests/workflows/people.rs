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
    let promised = Action::Promised {
        until: date("2026-11-12"),
    };
    assert!(world.person(promised.clone()));
    assert!(
        world.is("paused"),
        "said of a case that she saw open: shown first"
    );
    assert!(world.person(promised));
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
    world.wait_over();
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
fn what_is_done_by_hand_is_not_asked_for_again_and_the_next_sentence_is() {
    let mut world = World::at_email();
    world.carry_out();
    world.wait_over();
    let mut asked = Vec::new();
    loop {
        let work = world.asked("by_hand");
        let (title, next) = (work.title.clone(), work.detail["next"].clone());
        assert!(!asked.contains(&title), "asked for again: {title}");
        match asked.len() {
            0 => assert_eq!(work.detail["ready"]["script"], "S4"),
            1 => assert!(next.as_str().unwrap().contains("non-compliant")),
            2 => assert_eq!(work.detail["ready"]["script"], "S5"),
            _ => assert!(work.detail["ready"].is_null()),
        }
        asked.push(title);
        assert!(world.person(Action::DoneByHand));
        if world.is("closed") {
            break;
        }
        assert!(world.work.is_empty() || world.asked("by_hand").title != asked[asked.len() - 1]);
        if asked.len() == 1 || asked.len() == 3 {
            // 48 hours after the text; the end of the week that S5 names.
            assert!(!world.person(Action::DoneByHand), "nobody was asked");
            world.wait_over();
        }
    }
    assert_eq!(asked.len(), 5, "the text, and the four sentences after it");
    assert!(world.reason().contains("by hand"));
}

#[test]
fn a_check_in_ends_what_is_done_by_hand() {
    let mut world = World::at_email();
    world.carry_out();
    world.wait_over();
    world.person(Action::DoneByHand);
    assert_eq!(world.timer(), at("2026-11-10 09:00"), "W is near");
    world.now = at("2026-11-09 12:00");
    world.replies();
    world.now = at("2026-11-09 13:00");
    assert!(world.person(Action::Resume));
    assert_eq!(
        world.timer(),
        at("2026-11-10 09:00"),
        "a day after the text"
    );
    world.wait_over();
    assert!(world.asked("by_hand").title.contains("report her"));
    assert!(world.checks_in());
    assert!(world.is("closed"));
}

#[test]
fn a_case_of_the_second_version_is_asked_as_it_was() {
    let mut world = World::at_email();
    world.case.logic = 2;
    world.carry_out();
    world.wait_over();
    assert!(world.person(Action::DoneByHand));
    let work = world.asked("by_hand");
    assert!(work.detail["ready"].is_null());
    assert!(world.is("open"), "until somebody closes it");
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

#[test]
fn a_promise_holds_through_a_pause_for_something_else_until_a_newer_reply_is_answered() {
    let mut world = World::new().open();
    world.carry_out();
    world.now = at("2026-11-05 10:00");
    world.replies();
    world.now = at("2026-11-05 11:00");
    let promised = Action::Promised {
        until: date("2026-11-10"),
    };
    assert!(world.person(promised.clone()), "shown first");
    assert!(world.person(promised));
    assert!(world.is("open"));
    assert!(world.person(Action::Pause {
        reason: "on holiday".into(),
    }));
    world.now = at("2026-11-07 11:00");
    assert!(world.person(Action::Resume));
    assert_eq!(world.timer(), at("2026-11-11 09:00"));
    world.now = at("2026-11-08 11:00");
    assert!(world.replies());
    assert!(world.person(Action::Resume));
    assert!(world.is("open"));
    assert_eq!(world.case.step, "choose_channel", "go on now");
}

/// Where "send" would only be held again for the same reason, it is not offered.
#[test]
fn send_is_offered_where_it_sends() {
    let mut late = World::new();
    late.check_ins[0].due = date("2026-11-02");
    let mut late = late.open();
    late.carry_out();
    let actions = &late.asked("hold").actions;
    assert!(!actions.contains(&"send_anyway".to_owned()), "{actions:?}");
    let mut wrote = World::new().open();
    wrote.now = at("2026-11-04 08:30");
    wrote.coach_writes();
    wrote.carry_out();
    let actions = &wrote.asked("hold").actions;
    assert!(actions.contains(&"send_anyway".to_owned()), "{actions:?}");
    assert!(wrote.person(Action::SendAnyway));
    wrote.carry_out();
    assert_eq!(wrote.sent.len(), 1);
}
