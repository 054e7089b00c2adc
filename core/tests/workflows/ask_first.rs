//! A coach has a say before a message goes out in her name (A30).

use relay_core::case::{Mode, Wait};
use relay_core::clients::AddressState;
use relay_core::effects::{EffectKind, Settled};
use relay_core::ids::EffectKey;
use relay_core::time::{SignedDuration, Timestamp};
use relay_core::workflow::{Action, Input, Verdict};
use relay_core::workflows::missed_check_in::goes_out;

use crate::world::{World, at, date};

const STEPS: [&str; 2] = ["portal_message", "email_follow_up"];

/// A clinic that wants to be asked before either message.
fn asking() -> World {
    let mut world = World::new();
    world.asks = STEPS.map(str::to_owned).into();
    world
}

/// At the first message, 9:00 of the day after the check-in was due: her coach is asked.
fn asked() -> World {
    let mut world = asking().open();
    world.carry_out();
    assert!(world.sent.is_empty());
    world.asked("ask_first");
    world
}

fn kinds(world: &World) -> Vec<EffectKind> {
    world
        .sent
        .iter()
        .map(relay_core::effects::Request::kind)
        .collect()
}

fn later(world: &World) -> (Timestamp, String) {
    match world.guard(&world.current()) {
        Verdict::Later { at, reason } => (at, reason),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_coach_who_says_nothing_for_two_hours_lets_it_go_and_is_asked_nothing_any_more() {
    let mut world = asked();
    assert!(world.is("open"));
    let item = world.asked("ask_first");
    assert_eq!(
        item.title,
        "Maya R.: the first message goes out to her unless you stop it"
    );
    let text = item.detail["ready"]["text"].as_str().expect("a text");
    assert!(text.contains("due yesterday, November 3"), "{text}");
    assert_eq!(item.detail["of_today"], true);
    assert!(world.said("Her coach is told that the first message goes out, November 4, 11:15"));
    // Her task is there half a minute later.
    world.now += SignedDuration::from_secs(30);
    world.is_told();
    assert_eq!(later(&world).0, at("2026-11-04 11:15"));
    world.carry_out();
    assert_eq!(world.now, at("2026-11-04 11:15"));
    assert_eq!(kinds(&world), [EffectKind::PortalMessage]);
    assert!(world.work.is_empty());
    // The wait for her check-in runs from the delivery.
    assert_eq!(world.timer(), at("2026-11-06 11:15"));
    assert_eq!(world.count(EffectKind::PortalMessage), 1);
}

#[test]
fn what_nobody_could_see_for_two_hours_does_not_go_out() {
    let mut world = asked();
    world.now = at("2026-11-04 11:15");
    let (again, why) = later(&world);
    assert_eq!(again, at("2026-11-04 12:15"));
    assert_eq!(why, "her coach has not been told yet");
    // Her task could be made at 13:00 only.
    world.now = at("2026-11-04 13:00");
    world.is_told();
    assert_eq!(later(&world).0, at("2026-11-04 15:15"));
    world.now = at("2026-11-04 15:00");
    assert_eq!(later(&world).0, at("2026-11-04 15:15"));
    world.carry_out();
    assert_eq!(kinds(&world), [EffectKind::PortalMessage]);
}

/// A task of 16:00 leaves her an hour of this day and one of the next; the first message is not true then.
#[test]
fn the_hours_are_the_offices_and_the_text_must_still_be_true() {
    let mut world = World::at_email();
    world.asks = STEPS.map(str::to_owned).into();
    world.now = at("2026-11-06 16:00");
    world.carry_out();
    world.is_told();
    assert_eq!(later(&world).0, at("2026-11-09 10:15"));
    world.carry_out();
    assert_eq!(
        kinds(&world),
        [EffectKind::PortalMessage, EffectKind::Email]
    );

    let mut late = asking();
    late.now = at("2026-11-04 16:30");
    let mut late = late.open();
    late.carry_out();
    assert!(late.is("held"), "{:?}", late.case.status);
    assert!(late.asked("hold").detail["ready"]["text"].is_string());

    // Of a Friday's check-in nobody is asked on Saturday.
    let mut weekend = asking();
    weekend.check_ins[0].due = date("2026-11-06");
    weekend.now = at("2026-11-07 00:05");
    let mut weekend = weekend.open();
    weekend.carry_out();
    assert!(weekend.is("held"));
}

#[test]
fn her_word_sends_it_at_once_stops_it_or_says_that_it_is_not_needed() {
    let mut send = asked();
    assert!(send.person(Action::SendAnyway));
    send.carry_out();
    assert_eq!(send.now, at("2026-11-04 09:00"));
    assert_eq!(kinds(&send), [EffectKind::PortalMessage]);
    assert!(send.said("Dana wants it sent now"));

    let mut stop = asked();
    let reason = "stopped before it went out".to_owned();
    assert!(stop.person(Action::Pause { reason }));
    assert!(stop.is("paused") && stop.live_outreach() == 0);
    // Said to go on, it is the next message, and she is asked again.
    assert!(stop.person(Action::Resume));
    stop.carry_out();
    stop.asked("ask_first");
    assert!(stop.sent.is_empty());

    let mut replied = asked();
    assert!(replied.person(Action::Replied));
    replied.asked("reply");
    assert_eq!(replied.live_outreach(), 0);

    for (action, words) in [
        (Action::DoneByHand, "done by hand"),
        (Action::Skip, "left out"),
    ] {
        let mut world = asked();
        assert!(world.person(action));
        assert!(world.sent.is_empty() && world.said(words));
        assert_eq!(world.timer(), at("2026-11-06 09:00"));
        assert_eq!(world.live_outreach(), 0);
    }
}

#[test]
fn what_happens_meanwhile_counts_as_before_any_message() {
    let mut world = asked();
    world.is_told();
    world.client_writes();
    world.carry_out();
    world.carry_out_if_waiting();
    assert!(world.is("paused") && world.sent.is_empty());
    world.asked("reply");

    let mut world = asked();
    world.is_told();
    assert!(world.checks_in());
    assert!(world.is("closed") && world.work.is_empty());

    // She wrote to her by hand: asked, as without it; and what she wrote before she said "send" is no reason.
    let mut world = asked();
    world.is_told();
    world.coach_writes();
    world.now = at("2026-11-04 11:15");
    world.carry_out();
    assert!(world.is("held"));
    let mut world = asked();
    world.coach_writes();
    assert!(world.person(Action::SendAnyway));
    world.carry_out();
    assert_eq!(kinds(&world), [EffectKind::PortalMessage]);
}

#[test]
fn nobody_is_asked_about_what_would_not_go() {
    let mut world = World::at_email();
    world.asks = STEPS.map(str::to_owned).into();
    let contact = world.contact.as_mut().expect("a contact");
    contact.address = AddressState::Undeliverable("her address bounced".into());
    world.carry_out();
    assert!(world.is("held"));
    assert!(world.work.iter().all(|work| work.kind != "ask_first"));

    let mut proposed = asking().mode(Mode::Propose).open();
    let key = proposed.current();
    proposed.now = proposed.planned[&key].not_before;
    assert!(matches!(proposed.guard(&key), Verdict::Go(_)));
}

#[test]
fn where_she_is_told_by_the_list_alone_only_her_word_lets_it_go() {
    let mut world = asking();
    world.silence_counts = false;
    let mut world = world.open();
    world.carry_out();
    let item = world.asked("ask_first");
    assert_eq!(item.title, "Maya R.: may the first message go out to her?");
    assert!(item.detail["goes_out"].is_null());
    world.is_told();
    world.now = at("2026-11-04 15:00");
    let (again, why) = later(&world);
    assert_eq!(again, at("2026-11-05 09:00"));
    assert_eq!(why, "it waits for her coach's word");
    assert!(world.person(Action::SendAnyway));
    world.carry_out();
    assert_eq!(kinds(&world), [EffectKind::PortalMessage]);
}

#[test]
fn another_coach_is_asked_and_what_is_waited_for_stays_the_message() {
    let mut world = asked();
    world.is_told();
    let waits = world.case.wait.clone();
    assert!(matches!(waits, Some(Wait::Effect { .. })));
    world.client.coach = Some("ivy".into());
    assert!(world.update());
    assert_eq!(world.asked("ask_first").owner, "ivy");
    assert_eq!(world.case.wait, waits);
    assert!(!world.step(&Input::Timer {
        generation: world.case.generation
    }));
}

/// It died on its way: whoever replays it is no coach who was asked.
#[test]
fn what_was_held_meanwhile_is_asked_about_anew() {
    let mut world = asked();
    world.is_told();
    let key = world.current();
    let dead = Settled::Dead {
        reason: "the portal refused it".into(),
        technical: None,
    };
    world.now = at("2026-11-04 11:15");
    assert!(world.settle(&key, dead));
    world.asked("hold");
    assert!(matches!(
        world.guard(&key),
        Verdict::Hold { .. } | Verdict::Ask { .. }
    ));
    assert!(world.step(&Input::AskFirst {
        key: key.clone(),
        at: at("2026-11-04 14:00")
    }));
    assert!(world.is("open"));
    world.asked("ask_first");
    // Told of another effect, or twice, nothing changes in what is waited for.
    let other = EffectKey::closing(&key);
    assert!(!world.step(&Input::AskFirst {
        key: other,
        at: world.now
    }));
}

#[test]
fn who_is_told_later_sees_it_go_no_earlier_and_never_within_two_hours() {
    let world = World::new();
    let two_hours = SignedDuration::from_hours(2);
    for kind in [EffectKind::PortalMessage, EffectKind::Email] {
        for zone in [None, Some("Asia/Tokyo")] {
            let mut before = Timestamp::MIN;
            let mut told = at("2026-11-05 00:00");
            while told < at("2026-11-10 00:00") {
                let out = goes_out(&world.calendar, kind, zone, told);
                assert!(out >= before && out >= world.calendar.office_time_after(told, two_hours));
                assert_eq!(out.as_second() % 900, 0);
                before = out;
                told += SignedDuration::from_mins(7);
            }
        }
    }
}
