//! What is told in part, late, or after all.

use relay_core::clients::ClientStatus;
use relay_core::effects::EffectKind;
use relay_core::facts::FactBody;
use relay_core::workflow::{Action, Input, ReadKind};
use relay_core::workflows::missed_check_in::State;

use crate::world::{World, at, date};

#[test]
fn e07_a_submission_whose_date_is_not_known_closes_nothing_until_it_is() {
    for (due, closes) in [
        ("2026-10-20", false),
        ("2026-11-03", false),
        ("2026-11-17", true),
    ] {
        let mut world = World::new().open();
        assert!(world.learn(FactBody::CheckInSubmitted {
            check_in: "c5".into(),
            complete: true,
        }));
        assert!(world.is("open"), "it may be an older one");
        world.learn(FactBody::CheckInDue {
            check_in: "c5".into(),
            due: date(due),
            due_at: None,
        });
        assert_eq!(world.is("closed"), closes, "{due}");
    }
}

#[test]
fn e07_a_later_check_in_that_the_guard_finds_closes_the_case_whatever_was_told_before() {
    for told in [false, true] {
        let mut world = World::at_email();
        let mut later = world.check_ins[0].clone();
        later.id = "c5".into();
        later.due = date("2026-11-17");
        later.submitted_at = Some(world.now);
        world.check_ins.push(later);
        if told {
            world.learn(FactBody::CheckInSubmitted {
                check_in: "c5".into(),
                complete: true,
            });
        }
        world.carry_out();
        assert!(
            world.reason().starts_with("superseded"),
            "{}",
            world.reason()
        );
        assert_eq!(world.sent.len(), 1);
    }
}

#[test]
fn e66_what_was_missed_meanwhile_is_not_forgotten_with_the_case() {
    let mut world = World::new().open();
    world.replies();
    let mut second = world.check_ins[0].clone();
    second.id = "c2".into();
    second.due = date("2026-11-17");
    let missed = FactBody::CheckInMissed {
        check_in: second,
        client: Box::new(world.client.clone()),
    };
    world.now = at("2026-11-18 00:05");
    world.learn(missed);
    world.checks_in();
    assert!(world.is("closed"));
    let left = world.workflow.left_open(&world.case);
    let [second] = left.as_slice() else {
        panic!("the other one is to be looked at: {left:?}")
    };
    assert_eq!((second.check_in.as_str(), second.at_once), ("c2", true));
    assert!(
        world.work.is_empty(),
        "and nobody is asked to do it besides"
    );

    let mut world = World::new().open();
    world.checks_in();
    assert!(world.work.is_empty());
    assert!(world.workflow.left_open(&world.case).is_empty());
}

#[test]
fn an_event_that_tells_a_part_of_the_client_takes_nothing_away() {
    let mut world = World::at_call();
    let whole = world.client.clone();
    world.client.first_name = None;
    world.client.last_name = None;
    world.client.coach = None;
    world.client.last_regimen_change = None;
    world.client.contact = None;
    world.client.phone = None;
    assert!(!world.update(), "nothing new was told");
    let state: State = serde_json::from_value(world.case.data.clone()).unwrap();
    assert_eq!(state.client.coach, whole.coach);
    assert_eq!(state.client.regimen, whole.last_regimen_change);
    assert_eq!(world.asked("call_outcome").owner, "dana");
    assert_eq!(world.count(EffectKind::ReassignTask), 0);

    // The end of a break that another event told stays known while the break lasts.
    let mut world = World::at_email();
    world.client.status = ClientStatus::OnBreak;
    world.client.break_until = Some(date("2026-11-21"));
    world.update();
    world.client.break_until = None;
    assert!(!world.update());
    assert_eq!(world.asked("break").remind_at, at("2026-11-20 09:00"));
    assert_eq!(world.timer(), at("2026-11-22 09:00"));
}

#[test]
fn e34_what_an_event_tells_late_does_not_undo_what_was_read_since() {
    let late = |world: &World, body: FactBody| relay_core::facts::Fact {
        source_time: at("2026-11-03 08:00"),
        ..world.fact(body)
    };
    let mut world = World::new().open();
    let mut client = world.client.clone();
    client.status = ClientStatus::Quit;
    client.coach = Some("ivy".into());
    for body in [
        FactBody::ClientUpdated {
            client: Box::new(client),
        },
        FactBody::ProgramEnded,
        FactBody::CheckInRescheduled {
            check_in: "c1".into(),
            due: date("2026-11-20"),
        },
        FactBody::CheckInDue {
            check_in: "c1".into(),
            due: date("2026-11-01"),
            due_at: None,
        },
    ] {
        let fact = late(&world, body);
        assert!(!world.step(&Input::Fact { fact }));
        assert!(world.is("open"));
    }
}

#[test]
fn e13_a_number_that_only_the_portal_has_is_a_number() {
    let mut world = World::at_choice();
    world.mail(|evidence| evidence.has_phone = false);
    assert_eq!(world.case.step, "phone_follow_up");
    world.contact.as_mut().unwrap().phone = None;
    world.carry_out();
    assert!(format!("{:?}", world.sent[1]).contains("303-555-0142"));
}

#[test]
fn a23_the_transition_call_sends_nothing_and_is_not_lost() {
    let mut fresh = World::new();
    fresh.client.status = ClientStatus::TransitionCallOnly;
    let fresh = fresh.open();
    let mut running = World::at_email();
    running.client.status = ClientStatus::TransitionCallOnly;
    running.update();
    for world in [fresh, running] {
        assert!(world.is("closed"));
        assert_eq!(world.live_outreach(), 0);
        let work = world.asked("transition_call");
        assert_eq!(work.owner, "dana");
        assert_eq!(work.actions, ["done"]);
        assert!(work.notice);
        assert!(
            work.detail["sop"]
                .as_str()
                .unwrap()
                .contains("563-sop-2330")
        );
    }
}

#[test]
fn a_history_that_is_read_after_all_goes_on_without_a_person() {
    let mut world = World::at_choice();
    let failed = Input::ReadFailed {
        what: ReadKind::MailHistory,
        reason: "no contact has the client's address".into(),
    };
    world.step(&failed);
    world.step(&failed);
    assert!(world.is("held"));
    assert!(!world.person(Action::SendAnyway));
    world.opens();
    assert_eq!(world.case.step, "email_follow_up");
    assert!(world.is("open"));
    assert!(world.work.is_empty());
}

#[test]
fn e40_a_contact_that_was_linked_anew_lets_the_case_go_on() {
    let mut world = World::at_email();
    world.learn(FactBody::ContactGone);
    assert!(world.is("held"));
    assert!(world.person(Action::Resume));
    world.opens();
    assert_eq!(world.case.step, "email_follow_up");
}
