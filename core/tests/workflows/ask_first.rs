//! A coach has a say before a message goes out in her name (A30).

use relay_core::case::{Mode, Wait};
use relay_core::clients::AddressState;
use relay_core::effects::{EffectKind, Settled};
use relay_core::ids::EffectKey;
use relay_core::time::{SignedDuration, Timestamp};
use relay_core::workflow::{Action, Input, Verdict};
use relay_core::workflows::missed_check_in::{Notice, goes_out, notice};

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
    assert!(world.said("Her coach is told that the first message goes out, November 4, 11:15"));
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
    assert_eq!(why, "her coach has not been told for long enough");
    // Her task could be made at 13:00 only.
    world.now = at("2026-11-04 13:00");
    world.is_told();
    assert_eq!(later(&world).0, at("2026-11-04 15:15"));
    world.now = at("2026-11-04 15:00");
    assert_eq!(later(&world).0, at("2026-11-04 15:15"));
    world.carry_out();
    assert_eq!(kinds(&world), [EffectKind::PortalMessage]);
}

/// Her task came to be a quarter of an hour after it was written, or the moment in it is over for long: silence is none.
#[test]
fn a_moment_that_she_could_not_read_in_time_or_that_has_passed_is_none() {
    let calendar = World::new().calendar;
    let moment = at("2026-11-04 11:15");
    for (told, now, is) in [
        ("2026-11-04 09:15", "2026-11-04 11:15", Notice::InTime),
        ("2026-11-04 09:16", "2026-11-04 11:15", Notice::Passed),
        ("2026-11-04 09:00", "2026-11-04 12:15", Notice::InTime),
        ("2026-11-04 09:00", "2026-11-04 12:16", Notice::Passed),
        ("2026-11-03 16:15", "2026-11-04 11:00", Notice::InTime),
    ] {
        let told_of = notice(&calendar, at(told), moment, at(now));
        assert_eq!(told_of, is, "{told} {now}");
    }
}

/// Nobody could see it for two working days: it says so, and waits for a word.
#[test]
fn what_nobody_could_be_told_of_for_days_waits_for_a_word_and_says_so() {
    let mut world = World::at_email();
    world.asks = STEPS.map(str::to_owned).into();
    world.carry_out();
    world.asked("ask_first");
    for day in ["2026-11-09 16:00", "2026-11-10 08:59"] {
        world.now = at(day);
        assert!(later(&world).0 > world.now);
    }
    world.now = at("2026-11-10 09:05");
    world.carry_out();
    let item = world.asked("ask_first");
    assert_eq!(
        item.title,
        "Maya R.: may the follow-up email go out to her?"
    );
    let reason = item.detail["reason"].as_str().expect("a reason");
    assert!(
        reason.contains("could not be told of it in time"),
        "{reason}"
    );
    // It stays so, also once she can see it.
    world.is_told();
    assert_eq!(
        later(&world),
        (
            at("2026-11-11 09:00"),
            "it waits for her coach's word".to_owned()
        )
    );
    assert!(world.person(Action::SendAnyway));
    world.carry_out();
    assert_eq!(kinds(&world).len(), 2);
}

/// The portal names another coach, and nobody told: it is she who is asked.
#[test]
fn a_coach_whom_nobody_told_of_is_asked_before_something_goes_out_in_her_name() {
    let mut world = asked();
    world.is_told();
    world.client.coach = Some("ivy".into());
    world.now = at("2026-11-04 11:15");
    world.carry_out();
    assert!(world.sent.is_empty());
    assert_eq!(world.asked("ask_first").owner, "ivy");
    world.is_told();
    world.carry_out();
    assert_eq!(kinds(&world), [EffectKind::PortalMessage]);
}

/// She was asked by other words than what holds now, one way and the other.
#[test]
fn where_her_silence_counts_no_more_she_is_asked_for_a_word_and_a_question_outlasts_the_setting() {
    let mut world = asked();
    world.silence_counts = false;
    world.now = at("2026-11-04 11:15");
    world.carry_out();
    assert!(
        world
            .asked("ask_first")
            .title
            .contains("may the first message")
    );
    world.silence_counts = true;
    assert_eq!(later(&world).1, "it waits for her coach's word");

    let mut world = asked();
    world.asks.clear();
    assert_eq!(
        later(&world).1,
        "her coach has not been told for long enough"
    );
    let mut world = asking();
    world.asks.clear();
    let mut world = world.open();
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
    let item = late.asked("hold");
    assert!(item.detail["ready"]["text"].is_string());
    assert!(
        item.title.contains(
            "the first message was not sent: it says \"yesterday\", and there was no time left to ask you two hours \
             before. You can still send it yourself on November 4"
        ),
        "{}",
        item.title
    );

    // Of a Friday's check-in nobody is asked on Saturday.
    let mut weekend = asking();
    weekend.check_ins[0].due = date("2026-11-06");
    weekend.now = at("2026-11-07 00:05");
    let mut weekend = weekend.open();
    weekend.carry_out();
    assert!(weekend.is("held"));
    let title = &weekend.asked("hold").title;
    assert!(!title.contains("yourself"), "{title}");
    // She reads it on Monday: what is not so then is no text for her.
    let check = weekend.asked("hold").detail["ready"]["check"]
        .as_array()
        .map(Vec::len);
    assert_eq!(check, Some(1));
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
    let Verdict::Ask { at, silence, .. } = world.guard(&key) else {
        panic!("a replay goes by her silence of before");
    };
    let input = |key: EffectKey| Input::AskFirst { key, at, silence };
    assert!(world.step(&input(key.clone())));
    assert!(world.is("open"));
    world.asked("ask_first");
    // Asked about another effect, nothing changes.
    assert!(!world.step(&input(EffectKey::closing(&key))));
}

#[test]
fn whoever_is_told_later_reads_no_earlier_moment_and_has_two_hours_and_the_time_to_be_told() {
    let world = World::new();
    let two_hours = SignedDuration::from_hours(2);
    for kind in [EffectKind::PortalMessage, EffectKind::Email] {
        for zone in [None, Some("Asia/Tokyo")] {
            let mut before = Timestamp::MIN;
            let mut written = at("2026-11-05 00:00");
            while written < at("2026-11-10 00:00") {
                let out = goes_out(&world.calendar, kind, zone, written);
                assert!(
                    out >= before && out >= world.calendar.office_time_after(written, two_hours)
                );
                assert_eq!(out.as_second() % 900, 0);
                before = out;
                written += SignedDuration::from_mins(7);
            }
        }
    }
}
