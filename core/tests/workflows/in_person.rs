//! She comes to the clinic, whoever says so: E25, E60.

use relay_core::case::CaseStatus;
use relay_core::effects::{EffectKind, Request, request};
use relay_core::facts::{FactBody, Order};
use relay_core::workflow::{Action, Verdict};

use crate::world::{World, at};

fn ordered(value: &str) -> FactBody {
    FactBody::Ordered {
        by: "Beth".into(),
        order: Order::SetContactType {
            value: value.into(),
        },
    }
}

fn shows(value: &str) -> FactBody {
    FactBody::ContactType {
        value: Some(value.into()),
    }
}

#[test]
fn e60_our_own_order_pauses_the_follow_up_at_once_and_the_confirmed_type_closes_it() {
    for mut world in [World::new().open(), World::at_email(), World::at_call()] {
        assert!(world.learn(ordered("In-Person")));
        assert!(world.is("paused"), "{:?}", world.case.status);
        assert_eq!(world.live_outreach(), 0);
        assert!(world.asked("contact_type").title.contains("Beth"));
        assert!(!world.learn(ordered("In-Person")), "asked already");
        assert!(world.learn(shows("In-Person")));
        assert!(world.is("closed"));
        assert!(world.work.is_empty());
    }
}

#[test]
fn e60_set_by_hand_in_the_crm_it_closes_however_it_is_spelt() {
    for value in ["In-Person", "in person", "IN_PERSON", " In–Person "] {
        let mut world = World::at_email();
        assert!(world.learn(shows(value)), "{value}");
        assert!(world.is("closed"));
        assert!(world.reason().contains("clinic"));
    }
    for other in ["Online", "", "Person", "Not in person"] {
        let mut world = World::at_email();
        assert!(!world.learn(shows(other)), "{other}");
        assert!(!world.learn(ordered(other)), "{other}");
    }
    let mut world = World::at_email();
    assert!(!world.learn(FactBody::ContactType { value: None }));
}

#[test]
fn e60_a_guard_that_asks_the_crm_anyway_sees_the_contact_type() {
    let mut call = World::at_choice();
    call.mail(|_| {});
    for mut world in [World::at_email(), call] {
        let sent = world.sent.len();
        world.contact_type = Some("In-Person".into());
        let Verdict::Overtaken { facts, .. } = world.guard(&world.current()) else {
            panic!("not overtaken");
        };
        assert_eq!(facts[0].body, shows("In-Person"));
        world.carry_out();
        assert!(world.is("closed"));
        assert_eq!(world.sent.len(), sent);
    }
}

#[test]
fn e60_she_stays_online_after_all() {
    let mut world = World::at_email();
    world.learn(ordered("In-Person"));
    assert!(world.person(Action::Resume));
    assert_eq!(world.case.status, CaseStatus::Open);
    world.opens();
    world.carry_out();
    assert!(matches!(world.sent.last(), Some(Request::Email(_))));
}

#[test]
fn e32_the_note_names_the_date_whose_follow_up_has_ended() {
    let mut world = World::at_email();
    world.carry_out();
    world.now = at("2026-11-06 12:00");
    world.learn(FactBody::CheckInRescheduled {
        check_in: "c1".into(),
        due: relay_core::time::Date::constant(2026, 11, 9),
    });
    assert!(world.is("closed"));
    let key = world.newest(EffectKind::ContactNote);
    let Verdict::Go(Request::ContactNote(request::ContactNote { text, .. })) = world.guard(&key)
    else {
        panic!("no note");
    };
    assert_eq!(
        text,
        "Follow-up of the check-in due November 3 has ended: rescheduled: the check-in is now due \
         November 9."
    );
}

#[test]
fn e04_what_was_under_way_when_a_person_paused_is_not_told_as_crossed_with_what_the_client_did() {
    let mut world = World::at_email();
    let key = world.current();
    world.person(Action::Pause {
        reason: "on the phone with her".into(),
    });
    let done = relay_core::effects::Settled::Done {
        at: world.now,
        vendor_ref: None,
        by_probe: false,
    };
    world.settle(&key, done);
    let title = &world.asked("overlap").title;
    assert!(!title.contains("she did"), "{title}");
    assert!(title.contains("under way"), "{title}");
}
