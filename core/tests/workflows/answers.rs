//! What a coach answers about a client who wrote: A3, A33, E9, E10.

use relay_core::answers::StopReason;
use relay_core::case::Wait;
use relay_core::facts::FactBody;
use relay_core::time::SignedDuration;
use relay_core::workflow::{Action, Input};
use relay_core::workflows::PROGRAM_MANAGER;

use crate::world::{World, at};

/// S1 is out; she wrote at 10:00 on Thursday the 5th, and the case is paused for that.
fn paused() -> World {
    let mut world = World::new().open();
    world.carry_out();
    world.now = at("2026-11-05 10:00");
    assert!(world.replies());
    world
}

fn stop(why: StopReason) -> Action {
    Action::StopOutreach { why }
}

#[test]
fn handled_stays_paused_and_is_asked_once_two_working_days_later() {
    let mut world = paused();
    world.now = at("2026-11-05 11:00");
    assert!(world.person(Action::Handled));
    assert!(world.is("paused"));
    assert!(world.work.is_empty(), "nobody has to do anything");
    assert_eq!(world.timer(), at("2026-11-09 09:00"), "over the weekend");
    assert_eq!(world.live_outreach(), 0);
    world.wait_over();
    assert!(world.is("paused"), "nothing resumes by itself");
    let work = world.asked("reply");
    assert!(
        work.title.contains("Dana answered the client November 5"),
        "{}",
        work.title
    );
    assert_eq!(work.remind_at, at("2026-11-10 09:00"));
    assert!(world.person(Action::Resume));
    assert!(world.is("open"));
}

#[test]
fn handled_again_waits_again_and_a_new_message_is_asked_about_at_once() {
    let mut world = paused();
    assert!(world.person(Action::Handled));
    assert!(!world.person(Action::Handled), "that is said already");
    world.wait_over();
    assert!(world.person(Action::Handled));
    assert_eq!(world.timer(), at("2026-11-11 09:00"));
    world.now = at("2026-11-10 16:00");
    assert!(world.replies());
    assert!(world.asked("reply").title.contains("November 10, 16:00"));
    assert_eq!(world.work.len(), 1);
    assert!(world.person(Action::Resume), "shown first");
    assert!(world.person(Action::Resume));
    assert!(world.is("open"), "it was one question");
}

#[test]
fn a_message_that_she_was_not_shown_is_shown_before_it_counts_as_handled() {
    let mut world = paused();
    world.now = at("2026-11-05 10:30");
    world.replies();
    assert!(world.person(Action::Handled));
    assert!(world.said("Not resumed: Dana had not been shown"));
    world.asked("reply");
    assert!(world.person(Action::Handled));
    assert!(matches!(world.case.wait, Some(Wait::Timer { .. })));
}

#[test]
fn her_answer_in_the_portal_settles_the_question_unless_the_client_wrote_after_it() {
    let mut world = paused();
    world.now = at("2026-11-05 10:20");
    world.coach_writes();
    assert!(world.hears_of(1));
    assert!(world.work.is_empty());
    assert_eq!(world.timer(), at("2026-11-09 09:00"));

    // Told in the other order: her answer came before the second message.
    let mut world = paused();
    world.now = at("2026-11-05 10:20");
    world.coach_writes();
    world.now = at("2026-11-05 10:30");
    world.client_writes();
    assert!(world.hears_of(2));
    assert!(world.hears_of(1));
    world.asked("reply");

    // A case of earlier decision code is asked as it was.
    let mut world = World::new();
    world.case.logic = 3;
    let mut world = world.open();
    world.case.logic = 3;
    world.carry_out();
    world.now = at("2026-11-05 10:00");
    world.replies();
    world.now = at("2026-11-05 10:20");
    world.coach_writes();
    world.hears_of(1);
    world.asked("reply");
}

#[test]
fn a_check_in_ends_the_wait_after_handled() {
    let mut world = paused();
    world.person(Action::Handled);
    let generation = world.case.generation;
    world.now = at("2026-11-06 10:00");
    assert!(world.checks_in());
    assert!(world.is("closed"));
    assert!(!world.step(&Input::Timer { generation }));
}

#[test]
fn what_else_it_is_paused_for_is_asked_first_and_handled_still_holds() {
    let mut world = World::new().open();
    world.carry_out();
    world.person(Action::Pause {
        reason: "on holiday".into(),
    });
    world.now = at("2026-11-05 10:00");
    world.replies();
    assert!(world.person(Action::Handled), "shown first");
    assert!(world.person(Action::Handled));
    assert!(world.asked("paused").title.contains("on holiday"));
    assert!(world.person(Action::Resume));
    assert!(world.is("paused"), "how it goes on is her word");
    world.asked("reply");
    assert!(world.person(Action::Resume));
    assert!(world.is("open"));
}

#[test]
fn a_pause_while_it_waits_does_not_swallow_that_she_is_to_be_asked() {
    let mut world = paused();
    world.person(Action::Handled);
    world.now = at("2026-11-05 12:00");
    assert!(world.person(Action::Pause {
        reason: "ill".into(),
    }));
    assert!(world.person(Action::Resume));
    assert!(world.is("paused"));
    world.asked("reply");
}

#[test]
fn each_of_the_four_stops_everything_and_tells_the_manager_the_same_working_day() {
    for why in StopReason::ALL {
        let mut world = paused();
        world.now = at("2026-11-05 11:00");
        assert!(world.person(stop(why)), "{why}");
        assert!(world.is("paused"));
        assert_eq!(world.live_outreach(), 0);
        assert_eq!(world.work.len(), 1, "the coach has answered");
        let work = world.asked("stopped");
        assert_eq!(work.owner, PROGRAM_MANAGER);
        // What is health stands in no title (A32).
        let names_it = work.title.contains(why.words());
        assert_eq!(names_it, !why.is_health(), "{}", work.title);
        assert_eq!(work.detail["reason"], format!("she {}", why.words()));
        assert_eq!(work.remind_at, at("2026-11-05 13:00"));
        assert_eq!(work.actions, ["resume", "close"]);
        let asks_to_end = work.title.contains("End her program and stop the fee?");
        assert_eq!(asks_to_end, why == StopReason::WantsToLeave);
        assert_eq!(world.workflow.stopped(&world.case), Some(why));
        // The manager lifts it.
        world.now = at("2026-11-06 11:00");
        assert!(world.person(Action::Resume));
        assert!(world.is("open"));
        assert_eq!(world.workflow.stopped(&world.case), None);
    }
}

#[test]
fn a_stop_needs_no_reply_to_be_said_and_takes_the_call_task_back() {
    let mut world = World::at_call();
    assert!(world.person(stop(StopReason::NoContact)));
    assert!(world.is("paused"));
    assert_eq!(world.live_outreach(), 0);
    assert!(world.planned.keys().any(|key| key.0.contains("close")));
    assert!(!world.person(stop(StopReason::NoContact)), "said already");
    assert!(world.person(stop(StopReason::Complaint)), "that is more");
    let kinds: Vec<_> = world.work.iter().map(|work| work.kind.as_str()).collect();
    assert_eq!(kinds, ["stopped"]);
}

#[test]
fn a_message_after_a_stop_is_news_for_the_coach_and_leaves_the_manager_asked() {
    let mut world = paused();
    world.person(stop(StopReason::Unwell));
    let asked = world.asked("stopped").clone();
    world.now = at("2026-11-06 10:00");
    assert!(world.replies());
    assert_eq!(*world.asked("stopped"), asked, "with her reminder");
    let news = world.asked("wrote_since");
    assert!(news.notice && news.owner != PROGRAM_MANAGER);
    assert!(news.title.contains("November 6, 10:00"), "{}", news.title);
    // The coach says it once more: the manager knows.
    assert!(!world.person(stop(StopReason::Unwell)));
    // Who lifts it is told first what she wrote.
    world.now = at("2026-11-06 11:00");
    assert!(world.person(Action::Resume));
    assert!(world.is("paused"));
    assert!(world.person(Action::Resume));
    assert!(world.is("open"));
}

#[test]
fn a_stop_said_again_under_another_question_is_asked_of_the_manager_again() {
    let mut world = paused();
    world.person(stop(StopReason::Complaint));
    assert!(world.person(Action::Pause {
        reason: "on holiday".into(),
    }));
    world.asked("paused");
    assert!(world.person(stop(StopReason::Complaint)));
    assert_eq!(world.asked("stopped").owner, PROGRAM_MANAGER);
    assert!(world.person(Action::Resume));
    assert!(world.asked("paused").title.contains("on holiday"));
}

#[test]
fn a_case_that_ends_leaves_the_managers_question_with_her() {
    for (why, fee) in [
        (StopReason::WantsToLeave, true),
        (StopReason::Complaint, false),
    ] {
        let mut world = paused();
        world.person(stop(why));
        assert!(world.checks_in());
        assert!(world.is("closed"));
        let left = world.asked("stopped_ended");
        assert_eq!(left.owner, PROGRAM_MANAGER);
        assert_eq!(left.title.contains("stop the fee?"), fee, "{}", left.title);
    }
    // She has answered it herself.
    let mut world = paused();
    world.person(stop(StopReason::WantsToLeave));
    world.person(Action::Close {
        reason: "she has left".into(),
    });
    assert!(world.work.is_empty());
}

#[test]
fn another_coach_does_not_inherit_what_the_manager_is_asked() {
    let mut world = paused();
    world.person(stop(StopReason::Complaint));
    world.client.coach = Some("robin".into());
    world.now += SignedDuration::from_hours(1);
    assert!(world.update());
    assert_eq!(world.asked("stopped").owner, PROGRAM_MANAGER);
}

#[test]
fn a_stop_outlasts_its_case_and_a_later_case_opens_paused_for_it() {
    let mut world = paused();
    world.person(stop(StopReason::NoContact));
    assert!(world.person(Action::Close {
        reason: "she has left".into(),
    }));
    assert_eq!(
        world.workflow.stopped(&world.case),
        Some(StopReason::NoContact)
    );
    let mut world = World::new().open();
    let told = FactBody::OutreachStopped {
        by: "Dana".into(),
        why: StopReason::NoContact,
    };
    assert!(world.learn(told.clone()));
    assert!(world.is("paused"));
    assert_eq!(world.live_outreach(), 0);
    world.asked("stopped");
    assert!(!world.learn(told), "once");
}
