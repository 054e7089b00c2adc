//! Nothing stale, nothing false, nobody unknown: the reads right before each outreach.

use relay_core::clients::{AddressState, ClientStatus};
use relay_core::effects::{EffectKind, Request, request};
use relay_core::facts::FactBody;
use relay_core::ids::EffectKey;
use relay_core::time::{SignedDuration, Timestamp};
use relay_core::workflow::{Action, Verdict};

use crate::world::{World, at, date};

/// A case at each of the three kinds of outreach, at a moment when it may go out.
pub(crate) fn at_each_outreach() -> Vec<(World, EffectKey)> {
    let mut first = World::new().open();
    first.now = at("2026-11-04 10:00");
    let email = World::at_email();
    let mut call = World::at_choice();
    call.mail(|_| {});
    [first, email, call]
        .into_iter()
        .map(|world| {
            let key = world.current();
            assert!(matches!(world.guard(&key), Verdict::Go(_)));
            (world, key)
        })
        .collect()
}

pub(crate) fn hold_reason(verdict: Verdict) -> String {
    match verdict {
        Verdict::Hold { reason, .. } => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn e03_a_check_in_between_decision_and_send_overtakes() {
    for (mut world, key) in at_each_outreach() {
        world.check_ins[0].submitted_at = Some(world.now);
        let Verdict::Overtaken { facts, .. } = world.guard(&key) else {
            panic!("not overtaken");
        };
        assert!(matches!(facts[0].body, FactBody::CheckInSubmitted { .. }));
        assert_eq!(facts[0].source_time, world.now);
        let sent = world.sent.len();
        world.carry_out();
        assert!(world.is("closed"));
        assert_eq!(world.sent.len(), sent);
    }
}

#[test]
fn e01_a_reply_between_decision_and_send_overtakes_and_pauses() {
    for (mut world, key) in at_each_outreach() {
        world.client_writes();
        assert!(matches!(world.guard(&key), Verdict::Overtaken { .. }));
        world.carry_out();
        assert!(world.is("paused"));
        world.asked("reply");
    }
}

#[test]
fn e25_e12_another_status_between_decision_and_send_overtakes() {
    for (status, ends) in [
        (ClientStatus::InPerson, "closed"),
        (ClientStatus::Quit, "closed"),
        (ClientStatus::OnBreak, "paused"),
        (ClientStatus::Unknown("new".into()), "held"),
    ] {
        for (mut world, _) in at_each_outreach() {
            world.client.status = status.clone();
            world.carry_out();
            assert!(world.is(ends), "{status:?}: {:?}", world.case.status);
        }
    }
}

#[test]
fn e32_e06_e07_a_moved_withdrawn_or_superseded_check_in_overtakes() {
    for (mut world, _) in at_each_outreach() {
        world.check_ins[0].due = date("2026-11-20");
        world.carry_out();
        assert!(world.reason().starts_with("rescheduled"));
    }
    for (mut world, _) in at_each_outreach() {
        world.check_ins[0].withdrawn = true;
        world.carry_out();
        assert!(world.is("closed"));
    }
    for (mut world, _) in at_each_outreach() {
        let mut next = world.check_ins[0].clone();
        next.id = "c2".into();
        next.due = date("2026-11-17");
        next.submitted_at = Some(world.now);
        world.check_ins.push(next);
        world.carry_out();
        assert!(world.reason().starts_with("superseded"));
    }
}

#[test]
fn a_contact_without_an_address_is_called_and_one_with_another_address_is_not() {
    for (in_crm, goes) in [(None, true), (Some("other@example.test"), false)] {
        let mut world = World::at_choice();
        world.mail(|evidence| evidence.address = AddressState::Missing);
        let contact = world.contact.as_mut().unwrap();
        contact.email = in_crm.map(Into::into);
        contact.address = AddressState::Missing;
        let verdict = world.guard(&world.current());
        assert_eq!(matches!(verdict, Verdict::Go(_)), goes, "{verdict:?}");
    }
}

#[test]
fn a_portal_that_shows_nothing_never_lets_an_outreach_pass() {
    for (world, key) in at_each_outreach() {
        let mut reading = world.reading();
        reading.portal = None;
        hold_reason(world.guard_with(&key, &reading));
    }
    for (mut world, key) in at_each_outreach() {
        world.check_ins.clear();
        assert!(hold_reason(world.guard(&key)).contains("check-in"));
    }
}

#[test]
fn e43_the_coach_wrote_by_hand_so_she_is_asked_and_can_send_anyway() {
    for (mut world, key) in at_each_outreach() {
        world.coach_writes();
        world.now += SignedDuration::from_mins(30);
        assert!(hold_reason(world.guard(&key)).contains("by hand"));
        let Verdict::Hold { ready, .. } = world.guard(&key) else {
            panic!();
        };
        assert!(ready.is_some(), "the text is ready");
        world.carry_out();
        assert!(world.is("held"));
        let work = world.asked("hold");
        for action in ["send_anyway", "skip", "close"] {
            assert!(work.actions.iter().any(|one| one == action));
        }
        assert!(world.person(Action::SendAnyway));
        assert_ne!(world.current(), key, "another visit");
        let sent = world.sent.len();
        world.carry_out();
        assert_eq!(world.sent.len(), sent + 1);
    }
}

#[test]
fn e43_a_coach_who_wrote_longer_ago_or_before_she_resumed_is_not_asked() {
    for (mut world, key) in at_each_outreach() {
        world.messages.clear();
        let now = world.now;
        world.now = now - SignedDuration::from_hours(25);
        world.coach_writes();
        world.now = now;
        assert!(matches!(world.guard(&key), Verdict::Go(_)));
    }
    let mut world = World::at_email();
    world.client_writes();
    world.carry_out();
    world.now += SignedDuration::from_mins(10);
    world.coach_writes();
    world.now += SignedDuration::from_mins(10);
    assert!(world.person(Action::Resume));
    world.opens();
    let key = world.current();
    assert!(
        matches!(world.guard(&key), Verdict::Go(_)),
        "{:?}",
        world.guard(&key)
    );
}

#[test]
fn send_anyway_lifts_only_the_coachs_own_message() {
    let mut world = World::at_email();
    world.coach_writes();
    world.now += SignedDuration::from_mins(30);
    world.carry_out();
    world.person(Action::SendAnyway);
    world.check_ins[0].submitted_at = Some(world.now);
    world.carry_out();
    assert!(world.is("closed"));
}

fn later(world: &World) -> Timestamp {
    match world.guard(&world.current()) {
        Verdict::Later { at, .. } => at,
        other => panic!("{other:?}"),
    }
}

#[test]
fn outside_the_hours_it_is_later_by_the_hours_of_its_kind() {
    let mut world = World::new().open();
    world.now = at("2026-11-04 07:00");
    assert_eq!(later(&world), at("2026-11-04 09:00"));

    let mut world = World::at_email();
    world.now = at("2026-11-06 19:00");
    assert_eq!(later(&world), at("2026-11-09 09:00"), "Friday evening");
    world.client.time_zone = Some("America/New_York".into());
    world.now = at("2026-11-09 07:30");
    assert!(
        matches!(world.guard(&world.current()), Verdict::Go(_)),
        "9:30 where she lives"
    );
    world.now = at("2026-11-09 16:30");
    assert_eq!(
        later(&world),
        at("2026-11-10 07:00"),
        "18:30 where she lives"
    );

    let mut world = World::at_choice();
    world.mail(|_| {});
    world.now = at("2026-11-07 10:00");
    assert_eq!(
        later(&world),
        at("2026-11-09 09:00"),
        "no calls on Saturday"
    );
}

#[test]
fn e30_a_first_message_guarded_a_day_late_is_held() {
    let mut world = World::new().open();
    world.now = at("2026-11-05 09:00");
    let key = world.current();
    assert!(hold_reason(world.guard(&key)).contains("yesterday"));
}

#[test]
fn e22_without_a_name_nothing_that_speaks_a_name_goes_out() {
    for name in [None, Some("null".to_owned()), Some(" ".to_owned())] {
        for (mut world, key) in at_each_outreach() {
            world.client.first_name.clone_from(&name);
            if world.planned[&key].kind() == EffectKind::Email {
                assert!(
                    matches!(world.guard(&key), Verdict::Go(_)),
                    "S2 names nobody"
                );
            } else {
                assert!(hold_reason(world.guard(&key)).contains("first name"));
            }
        }
    }
}

#[test]
fn e23_markup_in_a_name_stays_plain_text() {
    let mut world = World::new().open();
    world.now = at("2026-11-04 10:00");
    world.client.first_name = Some("<b>Zoë</b>\u{202E}".into());
    let Verdict::Go(Request::PortalMessage(request::PortalMessage { text, .. })) =
        world.guard(&world.current())
    else {
        panic!();
    };
    assert!(text.starts_with("Hi <b>Zoë</b>! Your"), "{text}");
}

#[test]
fn e41_the_coach_of_the_moment_signs() {
    for (mut world, key) in at_each_outreach() {
        world.client.coach = Some("ivy".into());
        let Verdict::Go(request) = world.guard(&key) else {
            panic!();
        };
        let request = format!("{request:?}");
        assert!(
            request.contains("ivy") && !request.contains("Dana"),
            "{request}"
        );
    }
}

#[test]
fn e42_no_coach_or_no_user_in_the_crm_holds_and_nobody_steps_in() {
    for (mut world, key) in at_each_outreach() {
        world.client.coach = None;
        assert!(hold_reason(world.guard(&key)).contains("coach"));
    }
    for (mut world, key) in at_each_outreach() {
        world.coaches[0].crm_user = None;
        if world.planned[&key].kind() == EffectKind::PortalMessage {
            assert!(matches!(world.guard(&key), Verdict::Go(_)));
        } else {
            assert!(hold_reason(world.guard(&key)).contains("no active user"));
        }
    }
}

#[test]
fn e21_without_a_contact_or_with_another_ones_nothing_is_done_in_the_crm() {
    for (mut world, key) in at_each_outreach() {
        let in_crm = world.planned[&key].kind() != EffectKind::PortalMessage;
        world.client.contact = Some("99".into());
        assert_eq!(matches!(world.guard(&key), Verdict::Hold { .. }), in_crm);
        world.client.contact = None;
        world.contact = None;
        assert_eq!(matches!(world.guard(&key), Verdict::Hold { .. }), in_crm);
    }
}

#[test]
fn e20_messages_go_to_the_linked_contact_even_if_she_is_there_twice() {
    let mut world = World::at_email();
    world.contact.as_mut().unwrap().twins = vec!["77".into()];
    let Verdict::Go(Request::Email(request::Email { contact, .. })) = world.guard(&world.current())
    else {
        panic!();
    };
    assert_eq!(contact.as_str(), "41");
}

#[test]
fn e15_an_address_that_broke_meanwhile_holds_and_resuming_decides_anew() {
    let mut world = World::at_email();
    world.contact.as_mut().unwrap().address = AddressState::Undeliverable("HARD_BOUNCE".into());
    world.carry_out();
    assert!(world.is("held"));
    assert!(world.person(Action::Resume));
    assert_eq!(world.case.step, "choose_channel");
}

#[test]
fn e13_a_number_that_is_gone_meanwhile_holds() {
    let mut world = World::at_choice();
    world.mail(|_| {});
    world.contact.as_mut().unwrap().phone = None;
    let key = world.current();
    assert!(
        matches!(world.guard(&key), Verdict::Go(_)),
        "the portal's number"
    );
    world.client.phone = None;
    assert!(hold_reason(world.guard(&key)).contains("phone number"));
}

#[test]
fn an_effect_of_an_earlier_visit_or_a_case_that_stands_still_is_not_sent() {
    for (mut world, key) in at_each_outreach() {
        world.person(Action::Pause {
            reason: "call me first".into(),
        });
        assert!(matches!(world.guard(&key), Verdict::Overtaken { .. }));
    }
    let mut world = World::at_email();
    let old = world.current();
    world.replies();
    world.now += SignedDuration::from_mins(1);
    world.person(Action::Resume);
    world.opens();
    assert!(matches!(world.guard(&old), Verdict::Overtaken { .. }));
}

#[test]
fn what_the_first_message_claims_is_missing_when_the_email_speaks_of_it() {
    let mut world = World::new();
    world.now = at("2026-11-05 08:00");
    let mut world = world.open();
    world.carry_out();
    world.person(Action::Skip);
    world.wait_over();
    world.opens();
    world.now = at("2026-11-09 10:00");
    let key = world.current();
    assert!(hold_reason(world.guard(&key)).contains("first message"));
}

#[test]
fn effects_that_no_client_sees_name_whom_they_are_about_and_whose_they_are() {
    let mut world = World::at_call();
    world.checks_in();
    for (kind, words) in [
        (EffectKind::RemoveTag, "Follow-up: phone"),
        (EffectKind::ContactNote, "user-dana"),
        (EffectKind::CloseTask, "task-1"),
        (EffectKind::PortalNote, "author: None"),
    ] {
        let key = world.newest(kind);
        let Verdict::Go(request) = world.guard(&key) else {
            panic!("{kind:?} of a closed case must go out");
        };
        assert!(format!("{request:?}").contains(words), "{request:?}");
        world.workflow.needs(&world.planned[&key]);
    }
}

#[test]
fn each_outreach_asks_for_the_portal_and_a_call_for_everything_it_is_made_of() {
    for (world, key) in at_each_outreach() {
        let effect = &world.planned[&key];
        let needs = world.workflow.needs(effect);
        assert!(needs.portal && needs.coach && !needs.billing);
        assert_eq!(needs.contact, effect.kind() != EffectKind::PortalMessage);
    }
}
