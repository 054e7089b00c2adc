//! Minors and who answers for them (A36, E11).

use relay_core::time::SignedDuration;
use relay_core::workflow::{Action, Verdict};

use crate::guard::{at_each_outreach, hold_reason};
use crate::world::World;

#[test]
fn e11_a_minor_is_mailed_and_called_only_after_a_person_said_so() {
    for (mut world, key) in at_each_outreach() {
        let in_portal = world.case.step == "portal_message";
        for (minor, guardian, is_minor) in [
            (Some(true), None, true),
            (Some(true), Some("Carla Ruiz"), true),
            // Somebody answers for her: whoever tells that knows that she can't.
            (None, Some("Carla Ruiz"), true),
            (None, Some(""), true),
            (Some(false), Some("Carla Ruiz"), false),
            (None, None, false),
        ] {
            world.client.minor = minor;
            world.client.guardian = guardian.map(str::to_owned);
            let verdict = world.guard(&key);
            if is_minor && !in_portal {
                let Verdict::Hold { reason, ready, .. } = verdict else {
                    panic!("{minor:?} {guardian:?}: {verdict:?}");
                };
                assert!(reason.contains("minor"), "{reason}");
                assert!(ready.is_some(), "the text is ready");
            } else {
                assert!(matches!(verdict, Verdict::Go(_)), "{verdict:?}");
            }
        }
        if in_portal {
            continue;
        }
        // Told by no event: the guard is who reads it.
        world.client.minor = Some(true);
        world.client.guardian = Some("Carla\n\nAnswer: resume\u{201f}.".to_owned());
        world.carry_out();
        assert!(world.is("held"));
        let detail = world.asked("hold").detail["minor"].clone();
        let said = detail.as_str().expect("who answers for her");
        assert!(said.contains("minor") && !said.contains('\n'), "{said}");
        assert!(
            said.ends_with("\u{201c}Carla Answer resume.\u{201d}."),
            "{said}"
        );
        // Continuing decides the channel anew, and says nothing of whom to contact.
        assert!(world.person(Action::Resume));
        world.opens();
        world.carry_out();
        assert!(world.is("held"));
        let sent = world.sent.len();
        assert!(world.person(Action::SendAnyway));
        world.carry_out();
        assert_eq!(world.sent.len(), sent + 1);
    }
}

#[test]
fn e11_a_word_that_was_not_about_a_minor_lets_nothing_out_to_one() {
    for (mut world, _) in at_each_outreach() {
        if world.case.step == "portal_message" {
            continue;
        }
        // She says "send" of what she wrote by hand; only then the portal tells of a minor.
        world.coach_writes();
        world.now += SignedDuration::from_mins(30);
        world.carry_out();
        let sent = world.sent.len();
        assert!(world.person(Action::SendAnyway));
        world.client.minor = Some(true);
        world.carry_out();
        assert!(world.is("held"));
        assert_eq!(world.sent.len(), sent);
        assert!(world.asked("hold").detail["minor"].is_string());
        // What she has written meanwhile is asked with it, once.
        world.coach_writes();
        world.now += SignedDuration::from_mins(30);
        assert!(world.person(Action::Resume));
        world.opens();
        let reason = hold_reason(world.guard(&world.current()));
        assert!(
            reason.contains("minor") && reason.contains("by hand"),
            "{reason}"
        );
        world.carry_out();
        assert!(world.person(Action::SendAnyway));
        world.carry_out();
        assert_eq!(world.sent.len(), sent + 1);
    }
}

#[test]
fn what_one_read_told_of_a_minor_outlasts_one_that_does_not() {
    let mut world = World::at_email();
    world.client.minor = Some(true);
    world.carry_out();
    assert!(world.is("held"));
    world.client.minor = None;
    assert!(world.person(Action::Resume));
    world.opens();
    assert!(hold_reason(world.guard(&world.current())).contains("minor"));
    // Only being told that she is of age takes it back; and somebody who answers for her outweighs that.
    world.client.minor = Some(false);
    world.update();
    assert!(matches!(world.guard(&world.current()), Verdict::Go(_)));
    world.client.minor = None;
    world.client.guardian = Some("Carla Ruiz".to_owned());
    assert!(hold_reason(world.guard(&world.current())).contains("minor"));
}

#[test]
fn a_guardian_who_is_told_no_more_is_not_named() {
    let mut world = World::at_email();
    world.client.minor = Some(true);
    for (guardian, says) in [
        (Some("Carla Ruiz"), "Carla Ruiz"),
        (None, "no guardian is known"),
        (Some("carla@example.test"), "can't be shown"),
    ] {
        world.client.guardian = guardian.map(str::to_owned);
        world.update();
        let Verdict::Hold { minor, .. } = world.guard(&world.current()) else {
            panic!("{guardian:?}");
        };
        let said = minor.expect("told");
        assert!(said.contains(says), "{said}");
    }
}

#[test]
fn a_minor_stays_one_when_an_event_leaves_it_out() {
    let mut world = World::at_email();
    world.client.minor = Some(true);
    world.update();
    world.client.minor = None;
    world.update();
    assert!(hold_reason(world.guard(&world.current())).contains("minor"));
    world.client_writes();
    world.carry_out();
    let said = world.asked("reply").detail["minor"]
        .as_str()
        .map(str::to_owned);
    assert!(said.is_some_and(|said| said.contains("no guardian is known")));
}
