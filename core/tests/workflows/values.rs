//! Values that are no values, and outside text that looks like ours: E22, E23, E40.

use proptest::prelude::*;
use relay_core::effects::{Request, request};
use relay_core::workflow::{NoContact, Verdict};

use crate::world::{World, at, procedure_with};

fn first(name: &str) -> World {
    let mut world = World::new().open();
    world.now = at("2026-11-04 10:00");
    world.client.first_name = Some(name.into());
    world
}

fn held(verdict: Verdict) -> String {
    match verdict {
        Verdict::Hold { reason, .. } => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn e22_a_name_that_is_none_is_held_and_the_item_says_what_is_wrong_and_where() {
    for (name, what) in [
        ("~Contact.FirstName~", "merge field"),
        ("{{contact.first_name}}", "merge field"),
        ("[FIRST NAME]", "merge field"),
        ("%FNAME%", "merge field"),
        ("null", "placeholder word"),
        ("N/A", "placeholder word"),
        ("undefined", "placeholder word"),
        ("Test", "placeholder word"),
        ("12345", "no letter"),
        ("Maya1", "digits"),
        ("maya@example.test", "address"),
    ] {
        let mut world = first(name);
        let reason = held(world.guard(&world.current()));
        assert!(reason.contains(what), "{name}: {reason}");
        assert!(reason.contains("correct it in the portal"), "{reason}");
        world.carry_out();
        assert!(world.is("held"), "{name}");
        assert!(world.asked("hold").title.contains(what), "{name}");
        assert!(world.sent.is_empty());

        let mut call = World::at_choice();
        call.mail(|_| {});
        call.client.first_name = Some(name.into());
        held(call.guard(&call.current()));
    }
}

#[test]
fn e22_a_coach_whose_name_is_none_signs_nothing() {
    let mut world = World::at_choice();
    world.mail(|_| {});
    world.coaches[0].name = "{{coach.name}}".into();
    let reason = held(world.guard(&world.current()));
    assert!(reason.contains("coach's name"), "{reason}");
    assert!(reason.contains("merge field"), "{reason}");
}

#[test]
fn a_coach_whom_nobody_lists_is_not_told_as_none() {
    let mut world = World::at_email();
    world.client.coach = Some("new".into());
    let reason = held(world.guard(&world.current()));
    assert!(reason.contains("names a coach"), "{reason}");
    assert!(!reason.contains("assign"), "{reason}");
    world.update();
    world.carry_out();
    let ready = world.asked("hold").detail["ready"].to_string();
    assert!(!ready.contains("assign a coach"), "{ready}");
}

fn description(world: &World) -> String {
    match world.guard(&world.current()) {
        Verdict::Go(Request::CallTask(request::CallTask { description, .. })) => description,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_phone_number_is_one_line_and_begins_no_line_of_its_own() {
    let mut world = World::at_choice();
    world.mail(|_| {});
    for phone in [
        "303-555-0101\nOutcome: spoke",
        "303-555-0101\r\nOutcome: spoke",
        "303-555-0101\u{2028}Outcome: spoke",
        "303-555-0101\u{0B}Outcome: spoke",
        "303-555-0101\u{85}Outcome: spoke",
    ] {
        world.contact.as_mut().unwrap().phone = Some(phone.into());
        let text = description(&world);
        assert!(
            text.contains("Number: 303-555-0101 Outcome: spoke\n"),
            "{text:?}"
        );
    }
    world.contact.as_mut().unwrap().phone = Some("ask her".into());
    world.client.phone = Some("n/a".into());
    assert!(held(world.guard(&world.current())).contains("no phone number"));
}

#[test]
fn e24_the_coach_sees_what_time_it_is_where_she_calls() {
    let mut world = World::at_choice();
    world.mail(|_| {});
    assert!(!description(&world).contains("Where she lives"));
    world.client.time_zone = Some("Europe/London".into());
    let text = description(&world);
    let line = "Where she lives (London) it was Friday, 16:00 when this task was made.";
    assert!(text.contains(line), "{text}");
}

#[test]
fn a_subject_with_a_merge_field_is_held() {
    let subject = "subject = \"Your check-in, ~Contact.FirstName~\"";
    let procedure =
        procedure_with(|file| file.replace("subject = \"Your check-in was due {date}\"", subject));
    let mut world = World::at_email();
    world.workflow = Box::new(relay_core::workflows::missed_check_in::MissedCheckIn::new(
        procedure,
    ));
    let reason = held(world.guard(&world.current()));
    assert!(reason.contains("subject"), "{reason}");
}

/// The command that mends what holds it; what the coach reads names none.
fn mending(verdict: Verdict) -> String {
    match verdict {
        Verdict::Hold {
            reason, command, ..
        } => {
            assert!(!reason.contains('`'), "{reason}");
            command.expect("a command")
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn nobody_is_called_by_a_contact_whose_address_is_not_hers() {
    let mut world = World::at_choice();
    world.mail(|_| {});
    world.client.email = Some("other@example.test".into());
    let key = world.current();
    let mut reading = world.reading();
    let command = mending(world.guard_with(&key, &reading));
    assert!(command.contains("clients link maya 41"), "{command}");
    reading.address_confirmed = true;
    assert!(matches!(world.guard_with(&key, &reading), Verdict::Go(_)));
}

#[test]
fn nothing_is_mailed_to_an_address_that_the_portal_does_not_know() {
    for (portal, goes) in [
        (Some("maya@example.test"), true),
        (Some(" Maya@Example.test "), true),
        (Some("other@example.test"), false),
        (None, false),
    ] {
        let mut world = World::at_email();
        world.client.email = portal.map(str::to_owned);
        let key = world.current();
        let mut reading = world.reading();
        let verdict = world.guard_with(&key, &reading);
        if goes {
            assert!(matches!(verdict, Verdict::Go(_)), "{portal:?}");
        } else {
            let command = mending(verdict);
            assert!(command.contains("clients link maya 41"), "{command}");
            reading.address_confirmed = true;
            let verdict = world.guard_with(&key, &reading);
            assert!(matches!(verdict, Verdict::Go(_)), "a person said so");
        }
    }
}

#[test]
fn e40_a_contact_that_is_gone_is_not_told_as_not_linked() {
    let world = World::at_email();
    let key = world.current();
    let mut reading = world.reading();
    reading.contact = None;
    reading.no_contact = Some(NoContact::Gone {
        contact: "41".into(),
    });
    let reason = held(world.guard_with(&key, &reading));
    assert!(reason.contains("41 is no longer in the CRM"), "{reason}");
    assert!(!reason.contains("not linked"), "{reason}");
    reading.no_contact = Some(NoContact::NotLinked {
        reason: "several contacts have the client's address".into(),
    });
    let reason = held(world.guard_with(&key, &reading));
    assert!(reason.contains("not linked"), "{reason}");
    assert!(reason.contains("several contacts"), "{reason}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Whatever stands in the portal and the CRM, the lines of a call task are the ones that we
    /// write, and the line of the answer is the last and empty.
    #[test]
    fn no_outside_text_begins_a_line_of_a_task(
        name in "(?s).{0,40}", phone in "(?s)303-555-0101.{0,40}", last in "(?s).{0,20}"
    ) {
        let mut world = World::at_choice();
        world.mail(|_| {});
        let lines = description(&world).lines().count();
        world.client.first_name = Some(format!("{name}\nOutcome: spoke"));
        world.client.last_name = Some(last);
        world.contact.as_mut().unwrap().phone = Some(format!("{phone}\nOutcome: spoke"));
        if let Verdict::Go(Request::CallTask(request::CallTask { title, description, .. })) =
            world.guard(&world.current())
        {
            prop_assert_eq!(title.lines().count(), 1);
            prop_assert_eq!(description.lines().count(), lines);
            let answers = description.lines().filter(|line| line.starts_with("Outcome"));
            prop_assert_eq!(answers.collect::<Vec<_>>(), ["Outcome:"]);
        }
    }
}
