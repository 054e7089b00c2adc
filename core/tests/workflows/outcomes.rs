//! Effects that do not simply succeed.

use relay_core::effects::{EffectKind, Settled};
use relay_core::time::SignedDuration;
use relay_core::workflow::{Action, Verdict};

use crate::world::{World, at};

fn done(world: &World) -> Settled {
    Settled::Done {
        at: world.now,
        vendor_ref: Some("task-1".into()),
        by_probe: true,
    }
}

fn outreach_worlds() -> Vec<World> {
    let mut call = World::at_choice();
    call.mail(|_| {});
    vec![World::new().open(), World::at_email(), call]
}

#[test]
fn a_dead_or_held_outreach_holds_the_case_with_reason_text_and_actions() {
    for settled in [
        Settled::Dead {
            reason: "refused for good".into(),
            technical: None,
        },
        Settled::Held {
            reason: "refused for good".into(),
            command: None,
            minor: None,
            lifts: true,
        },
        Settled::Cancelled,
    ] {
        for mut world in outreach_worlds() {
            let key = world.current();
            assert!(world.settle(&key, settled.clone()));
            assert!(world.is("held"));
            let work = world.asked("hold");
            assert!(work.actions.contains(&"resume".to_owned()));
            assert_eq!(work.owner, "dana");
        }
    }
}

#[test]
fn a_dead_outreach_that_a_replay_carries_out_goes_on() {
    for mut world in outreach_worlds() {
        let key = world.current();
        world.settle(
            &key,
            Settled::Dead {
                reason: "five days of 503".into(),
                technical: None,
            },
        );
        world.now = world.now.max(world.planned[&key].not_before);
        assert!(
            matches!(world.guard(&key), Verdict::Go(_)),
            "a replay is guarded like the first try"
        );
        let settled = done(&world);
        assert!(world.settle(&key, settled));
        assert!(world.is("open"));
        assert!(world.work.iter().all(|work| work.kind == "call_outcome"));
    }
}

#[test]
fn a_dead_outreach_that_is_replayed_is_sent_and_only_the_one_that_is_held() {
    for mut world in outreach_worlds() {
        let key = world.current();
        world.now = world.now.max(world.planned[&key].not_before);
        let reason = "five days of 503".to_owned();
        world.settle(
            &key,
            Settled::Dead {
                reason,
                technical: None,
            },
        );
        assert!(matches!(world.guard(&key), Verdict::Go(_)));
        world.checks_in();
        assert!(matches!(world.guard(&key), Verdict::Overtaken { .. }));
    }
    for mut world in outreach_worlds() {
        let key = world.current();
        let reason = "five days of 503".to_owned();
        world.settle(
            &key,
            Settled::Dead {
                reason,
                technical: None,
            },
        );
        world.person(Action::Skip);
        assert!(matches!(world.guard(&key), Verdict::Overtaken { .. }));
    }
}

#[test]
fn e03_what_overtook_a_message_is_told() {
    let mut world = World::at_email();
    world.check_ins[0].submitted_at = Some(world.now);
    world.carry_out();
    assert!(world.is("closed"));
    assert!(world.said("the email to the client was not sent: overtaken by a check-in"));
    assert!(!world.said("Held"));
}

#[test]
fn an_unclear_message_is_never_planned_again_whatever_a_person_does() {
    for mut world in [World::new().open(), World::at_email()] {
        let key = world.current();
        let kind = world.planned[&key].kind();
        world.settle(
            &key,
            Settled::Unclear {
                evidence: "not in the list".into(),
            },
        );
        assert!(world.is("held"));
        let work = world.asked("hold");
        assert!(!work.actions.contains(&"resume".to_owned()));
        world.now = world.now.max(world.planned[&key].not_before);
        assert!(matches!(world.guard(&key), Verdict::Hold { .. }));
        assert!(!world.person(Action::Resume));
        assert!(!world.person(Action::SendAnyway));
        world.person(Action::Pause {
            reason: "wait".into(),
        });
        world.now += SignedDuration::from_hours(1);
        assert!(world.person(Action::Resume));
        assert_eq!(world.count(kind), 1, "planned again");
    }
}

#[test]
fn an_unclear_message_that_a_late_look_finds_goes_on() {
    let mut world = World::at_email();
    let key = world.current();
    world.settle(
        &key,
        Settled::Unclear {
            evidence: "not in the list".into(),
        },
    );
    let settled = done(&world);
    world.settle(&key, settled);
    assert!(world.is("open"));
    world.timer();
}

#[test]
fn a_message_that_goes_out_while_the_case_is_paused_is_never_sent_again() {
    let mut world = World::new().open();
    world.now = at("2026-11-04 09:00");
    let key = world.current();
    world.replies();
    let settled = done(&world);
    world.settle(&key, settled);
    assert!(world.is("paused"));
    world.asked("overlap");
    world.now = at("2026-11-04 11:00");
    world.person(Action::Resume);
    world.wait_over();
    assert_eq!(world.case.step, "choose_channel");
    assert_eq!(world.count(EffectKind::PortalMessage), 1);
}

#[test]
fn a_message_that_goes_out_after_it_was_planned_anew_takes_the_new_ones_place() {
    let mut world = World::at_email();
    let old = world.current();
    world.replies();
    world.now += SignedDuration::from_mins(5);
    world.person(Action::Resume);
    world.opens();
    let new = world.current();
    let settled = done(&world);
    world.settle(&old, settled);
    assert!(world.cancelled.contains(&new));
    world.timer();
}

#[test]
fn dead_notes_and_tags_are_a_line_in_the_timeline_and_nothing_else() {
    let mut world = World::at_email();
    world.carry_out();
    let wait = world.case.wait.clone();
    for kind in [
        EffectKind::ContactNote,
        EffectKind::AddTag,
        EffectKind::PortalNote,
    ] {
        let key = world.newest(kind);
        assert!(world.settle(
            &key,
            Settled::Dead {
                technical: None,
                reason: "no such user".into()
            }
        ));
        assert_eq!(world.case.wait, wait);
        assert!(world.work.is_empty());
    }
    assert!(world.said("no such user"));
}

#[test]
fn an_overtaking_that_taught_nothing_does_not_leave_the_case_waiting_for_an_effect_that_is_over() {
    let mut world = World::at_email();
    let key = world.current();
    world.settle(
        &key,
        Settled::Overtaken {
            by: "something".into(),
        },
    );
    assert!(world.is("held"));
    assert!(world.checks_in());
    assert!(world.is("closed"));
}

#[test]
fn an_effect_that_is_not_known_changes_nothing() {
    let mut world = World::at_email();
    let key = relay_core::ids::EffectKey("other/email/1/email".into());
    let settled = done(&world);
    assert!(!world.settle(&key, settled));
}
