//! What staff begin by themselves: E8.

use relay_core::answers::StopReason;
use relay_core::facts::{FactBody, StaffWord};
use relay_core::workflow::Action;
use relay_core::workflows::PROGRAM_MANAGER;

use crate::world::{World, at};

fn said(word: StaffWord) -> FactBody {
    FactBody::StaffSaid {
        word,
        by: "Dana".to_owned(),
        kept: false,
    }
}

/// S1 is out, on Thursday the 5th.
fn running() -> World {
    let mut world = World::new().open();
    world.carry_out();
    world.now = at("2026-11-05 10:00");
    world
}

#[test]
fn replied_and_pause_stop_a_case_of_every_version_and_wait_for_the_coach() {
    for logic in 1..=relay_core::workflows::missed_check_in::LOGIC {
        for (word, kind) in [(StaffWord::Replied, "reply"), (StaffWord::Pause, "paused")] {
            let mut world = running();
            world.case.logic = logic;
            assert!(world.learn(said(word)));
            assert!(world.is("paused"), "{logic} {word:?}");
            assert_eq!(world.live_outreach(), 0);
            let asked = world.asked(kind);
            assert!(asked.actions.contains(&"promised".to_owned()));
            assert!(asked.actions.contains(&"wants_to_leave".to_owned()));
            assert!(world.person(Action::Resume));
            assert!(world.is("open"), "{logic} {word:?}");
        }
    }
}

#[test]
fn resume_as_a_fact_changes_nothing() {
    let mut world = running();
    assert!(!world.learn(said(StaffWord::Resume)));
    assert!(world.learn(said(StaffWord::Pause)));
    assert!(!world.learn(said(StaffWord::Resume)));
    assert!(world.is("paused"));
}

#[test]
fn each_pause_is_a_question_of_its_own_and_is_asked_once() {
    let mut world = running();
    assert!(world.learn(said(StaffWord::Pause)));
    assert!(!world.learn(said(StaffWord::Pause)), "it is paused so");
    assert!(world.learn(said(StaffWord::Replied)));
    world.asked("reply");
    assert!(world.person(Action::Resume));
    world.asked("paused");
    assert!(world.person(Action::Resume));
    assert!(world.is("open"));
}

#[test]
fn a_stop_stays_with_the_manager_whatever_staff_say_then() {
    let mut world = running();
    assert!(world.replies());
    assert!(world.person(Action::StopOutreach {
        why: StopReason::Unwell,
    }));
    assert!(!world.learn(said(StaffWord::Pause)));
    assert_eq!(world.asked("stopped").owner, PROGRAM_MANAGER);
    assert!(world.learn(said(StaffWord::Replied)));
    let told = world.work.iter().find(|work| work.kind == "wrote_since");
    let told = told.expect("a notice");
    assert!(!told.title.contains("portal"), "{}", told.title);
    assert!(world.is("paused"));
}
