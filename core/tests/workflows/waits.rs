//! Where the waits of the procedure end (A2), and what a closed case lets open again.

use relay_core::calendar::Calendar;
use relay_core::time::{SignedDuration, Timestamp};
use relay_core::workflows::missed_check_in::{Again, Closing, State};

use crate::world::{World, at, date};

/// A case whose first message goes out on the day after `due`, and the end of the wait after it.
fn wait_after_first_message(due: &str, change: impl FnOnce(&mut World)) -> (World, Timestamp) {
    let mut world = World::new();
    world.check_ins[0].due = date(due);
    let next = date(due).tomorrow().unwrap();
    world.now = at(&format!("{next} 00:05"));
    change(&mut world);
    let mut world = world.open();
    world.carry_out();
    let timer = world.timer();
    (world, timer)
}

#[test]
fn a2_a_wait_ends_at_its_usual_end_or_at_the_last_allowed_moment_of_its_window() {
    for (due, first, end) in [
        // Tuesday: Thursday. Wednesday: Friday. Monday: Wednesday.
        ("2026-11-02", "2026-11-03 09:00", "2026-11-05 09:00"),
        ("2026-11-03", "2026-11-04 09:00", "2026-11-06 09:00"),
        // Thursday: Saturday is closed, and Friday at the same hour is inside the 24 to 48 hours.
        ("2026-11-04", "2026-11-05 09:00", "2026-11-06 09:00"),
        // Saturday: Monday, 48 hours later.
        ("2026-11-06", "2026-11-07 09:00", "2026-11-09 09:00"),
    ] {
        let (world, timer) = wait_after_first_message(due, |_| ());
        assert_eq!(timer, at(end), "due {due}, sent {first}");
        assert!(!world.said("the next step comes later"));
    }
}

#[test]
fn a2_a_wait_whose_window_holds_no_allowed_moment_ends_after_it_and_says_so() {
    // Friday 9:00: from Saturday to Sunday nothing is allowed.
    let (world, timer) = wait_after_first_message("2026-11-05", |_| ());
    assert_eq!(timer, at("2026-11-09 09:00"));
    assert!(world.said("the next step comes later"));
    // The long weekend of Thanksgiving: Thursday is closed, Friday too, as the clinic says.
    let (world, timer) = wait_after_first_message("2026-11-24", |world| {
        let mut settings = Calendar::default_denver().settings().clone();
        settings.closed_days = ["2026-11-26", "2026-11-27"].map(date).into();
        world.calendar = Calendar::new(settings).unwrap();
    });
    assert_eq!(timer, at("2026-11-30 09:00"));
    assert!(world.said("the next step comes later"));
}

#[test]
fn a2_the_wait_after_the_second_message_keeps_its_window_too() {
    let mut world = World::at_choice();
    world.now = at("2026-11-12 09:00");
    world.opens();
    world.carry_out();
    assert_eq!(world.timer(), at("2026-11-13 09:00"), "Thursday: Friday");
    let mut world = World::at_choice();
    world.now = at("2026-11-12 09:00");
    world.mail(|_| {});
    world.carry_out();
    let outcome = relay_core::facts::CallOutcome::NoAnswer;
    assert!(world.person(relay_core::workflow::Action::CallOutcome { outcome }));
    assert_eq!(world.timer(), at("2026-11-13 09:00"), "after the call");
}

#[test]
fn a2_near_the_end_of_the_three_weeks_the_wait_is_the_short_one() {
    // W ends on November 7: the wait after Wednesday 9:00 is 24 hours.
    let near = |world: &mut World| {
        world.client.last_regimen_change = Some(date("2026-10-17"));
    };
    let (_, timer) = wait_after_first_message("2026-11-03", near);
    assert_eq!(timer, at("2026-11-05 09:00"));
    // From Friday 9:00 the first allowed moment after 24 hours is Monday, which is late.
    let (world, timer) = wait_after_first_message("2026-11-05", near);
    assert_eq!(timer, at("2026-11-09 09:00"));
    assert!(world.said("the next step comes later"));
}

#[test]
fn a2_a_case_of_older_decision_code_waits_as_it_did() {
    let (_, timer) = wait_after_first_message("2026-11-04", |world| world.case.logic = 2);
    assert_eq!(timer, at("2026-11-07 09:00"), "portal hours, on a Saturday");
}

#[test]
fn no_moment_of_a_case_is_later_than_a_clock_that_was_set_back() {
    let mut world = World::at_choice();
    let now = world.now - SignedDuration::from_hours(24 * 60);
    let data = world.workflow.set_back(&world.case.data, now).unwrap();
    let state: State = serde_json::from_value(data.clone()).unwrap();
    assert!(state.due_told_at <= now && state.client_told_at <= now && state.since < now);
    assert_eq!(world.workflow.set_back(&data, now), None, "nothing is left");
    // What she writes from now on is news.
    world.case.data = data;
    world.now = now;
    assert!(world.replies());
    assert!(world.is("paused"));
}

#[test]
fn every_close_reason_says_whether_its_check_in_may_open_another_case() {
    let reopening: Vec<_> = Closing::ALL
        .into_iter()
        .filter(|why| why.again() == Again::Reopening)
        .collect();
    assert_eq!(
        reopening,
        [
            Closing::Rescheduled,
            Closing::InPerson,
            Closing::Quit,
            Closing::Graduated,
            Closing::Maintenance,
            Closing::TransitionCall
        ]
    );
    for why in Closing::ALL {
        let text = serde_json::to_string(&why).unwrap();
        assert_eq!(serde_json::from_str::<Closing>(&text).unwrap(), why);
    }
    // A case keeps its reason; one closed before reasons were kept is read all the same.
    let mut world = World::new().open();
    world.carry_out();
    let mut without = world.case.data.clone();
    assert!(world.checks_in());
    let state: State = serde_json::from_value(world.case.data.clone()).unwrap();
    assert_eq!(state.closed, Some(Closing::Submitted));
    let members = without.as_object_mut().unwrap();
    members.remove("closed");
    members.remove("resting");
    let state: State = serde_json::from_value(without).unwrap();
    assert_eq!((state.closed, state.resting), (None, None));
}
