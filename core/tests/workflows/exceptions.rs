//! The E-cases that come as facts.

use relay_core::channel::MailEvidence;
use relay_core::clients::{AddressState, CheckIn, ClientStatus};
use relay_core::effects::{EffectInput, EffectKind, Settled};
use relay_core::facts::FactBody;
use relay_core::ids::CheckInId;
use relay_core::time::SignedDuration;
use relay_core::workflow::{Action, Input, ReadKind};
use relay_core::workflows::missed_check_in::State;

use crate::world::{World, at, date};

#[test]
fn e01_a_reply_without_a_check_in_pauses_and_never_resumes_by_itself() {
    let mut world = World::new().open();
    world.carry_out();
    let generation = world.case.generation;
    assert!(world.replies());
    assert!(world.is("paused"));
    let work = world.asked("reply");
    assert_eq!(
        work.actions,
        [
            "handled",
            "promised",
            "resume",
            "wants_to_leave",
            "complaint",
            "unwell",
            "no_contact",
            "close"
        ]
    );
    assert_eq!(
        work.remind_at,
        at("2026-11-05 09:00"),
        "the next working morning"
    );
    world.now = at("2026-12-04 09:00");
    for generation in [generation, world.case.generation] {
        assert!(!world.step(&Input::Timer { generation }));
    }
    assert!(world.person(Action::Resume));
    assert_eq!(world.case.step, "choose_channel", "the next step");
}

#[test]
fn e02_a_check_in_between_steps_closes_and_cleans_up() {
    let mut world = World::at_call();
    world.checks_in();
    assert!(world.is("closed"));
    assert!(world.work.is_empty());
    assert_eq!(world.live_outreach(), 0);
    assert!(world.plans(|input| *input
        == EffectInput::RemoveTag {
            tag: "Follow-up: phone".into()
        }));
    assert!(world.plans(|input| matches!(input, EffectInput::CloseTask { .. })));
    assert!(world.plans(
        |input| matches!(input, EffectInput::ContactNote { text, .. }
        if text.contains("submitted"))
    ));
    let generation = world.case.generation;
    assert!(!world.step(&Input::Timer { generation }));
    assert!(!world.replies());
    assert!(!world.person(Action::Resume));
}

#[test]
fn e04_a_message_that_was_under_way_is_recorded_and_the_coach_told() {
    let mut world = World::new().open();
    let key = world.current();
    world.now = at("2026-11-04 09:00");
    world.checks_in();
    assert!(world.cancelled.contains(&key));
    let done = Settled::Done {
        at: world.now,
        vendor_ref: Some("m9".into()),
        by_probe: false,
    };
    assert!(world.settle(&key, done.clone()));
    assert!(world.is("closed"));
    assert_eq!(world.asked("overlap").owner, "dana");
    assert!(!world.settle(&key, done), "told once");
}

#[test]
fn e04_a_call_task_that_was_under_way_is_completed_again() {
    let mut world = World::at_choice();
    world.mail(|_| {});
    let key = world.current();
    world.checks_in();
    assert_eq!(
        world.count(EffectKind::CloseTask),
        0,
        "there is no task yet"
    );
    world.settle(
        &key,
        Settled::Done {
            at: world.now,
            vendor_ref: Some("task-1".into()),
            by_probe: true,
        },
    );
    assert_eq!(world.count(EffectKind::CloseTask), 1);
}

#[test]
fn e05_an_incomplete_check_in_counts_as_submitted() {
    let mut world = World::new().open();
    world.learn(FactBody::CheckInSubmitted {
        check_in: "c1".into(),
        complete: false,
    });
    assert!(world.is("closed"));
    assert!(world.reason().contains("incomplete"));
}

#[test]
fn e06_a_withdrawn_check_in_closes_the_case() {
    let mut world = World::new().open();
    let other = CheckInId("c9".into());
    assert!(!world.learn(FactBody::CheckInWithdrawn { check_in: other }));
    assert!(world.learn(FactBody::CheckInWithdrawn {
        check_in: "c1".into()
    }));
    assert!(world.is("closed"));
}

#[test]
fn e07_a_later_check_in_supersedes_and_an_earlier_one_does_not() {
    let mut world = World::new().open();
    world.carry_out();
    world.learn(FactBody::CheckInDue {
        check_in: "c0".into(),
        due: date("2026-10-20"),
        due_at: None,
    });
    let submitted = |id: &str| FactBody::CheckInSubmitted {
        check_in: id.into(),
        complete: true,
    };
    world.learn(submitted("c0"));
    assert!(world.is("open"));
    world.learn(FactBody::CheckInDue {
        check_in: "c2".into(),
        due: date("2026-11-17"),
        due_at: None,
    });
    world.learn(submitted("c2"));
    assert!(world.is("closed"));
    assert!(world.reason().starts_with("superseded"));
}

#[test]
fn e13_no_phone_takes_email_with_the_coach_told_and_else_holds() {
    let without_a_number = || {
        let mut world = World::new();
        world.client.phone = None;
        let mut world = world.open();
        world.carry_out();
        world.wait_over();
        world
    };
    let mut world = without_a_number();
    world.mail(|evidence| evidence.has_phone = false);
    assert_eq!(world.case.step, "email_follow_up");
    world.carry_out();
    assert!(
        world.plans(|input| matches!(input, EffectInput::PortalNote { text, .. }
        if text.contains("number")))
    );

    let mut world = without_a_number();
    world.mail(|evidence| {
        evidence.has_phone = false;
        evidence.address = AddressState::Undeliverable("HARD_BOUNCE".into());
    });
    assert!(world.is("held"));
    let ready = world.asked("hold").detail["ready"].to_string();
    assert!(ready.contains("S2") && ready.contains("S3"), "{ready}");
}

#[test]
fn e15_e16_a_bounce_or_an_empty_history_is_a_call_and_never_not_opening() {
    let changes: [fn(&mut MailEvidence); 3] = [
        |evidence| evidence.address = AddressState::Undeliverable("HARD_BOUNCE".into()),
        |evidence| evidence.address = AddressState::OptedOut("LIST_UNSUBSCRIBE".into()),
        |evidence| evidence.emails.clear(),
    ];
    for change in changes {
        let mut world = World::at_choice();
        world.mail(change);
        assert_eq!(world.case.step, "phone_follow_up");
        let detail = world.timeline.iter().find_map(|line| line.detail.as_ref());
        assert_eq!(detail.unwrap()["decision"]["seen"], "cannot_tell");
    }
}

#[test]
fn e17_opens_that_look_like_a_machine_are_seen_with_a_caution_for_the_coach() {
    let mut world = World::at_choice();
    world.mail(|evidence| {
        for mail in &mut evidence.emails {
            mail.opened_at = Some(mail.sent_at + SignedDuration::from_secs(4));
        }
    });
    assert_eq!(world.case.step, "email_follow_up");
    world.carry_out();
    assert!(
        world.plans(|input| matches!(input, EffectInput::PortalNote { text, .. }
        if text.contains("Note:")))
    );
}

#[test]
fn a_history_that_can_not_be_read_holds_and_can_be_tried_again() {
    let mut world = World::at_choice();
    world.step(&Input::ReadFailed {
        what: ReadKind::MailHistory,
        reason: "refused for 24 hours".into(),
    });
    assert!(world.is("held"));
    assert!(world.person(Action::Resume));
    assert_eq!(world.reads.len(), 2);
    world.opens();
    assert_eq!(world.case.step, "email_follow_up");
}

#[test]
fn e25_only_a_client_who_is_online_is_followed_up() {
    for status in [
        "in_person",
        "on_break",
        "quit",
        "graduated",
        "maintenance",
        "something_new",
    ] {
        let mut world = World::new();
        world.client.status = status.into();
        assert!(world.try_open().is_err(), "{status}");
    }
}

#[test]
fn a_check_in_that_is_not_overdue_or_not_open_opens_no_case() {
    let changes: [fn(&mut CheckIn); 3] = [
        |check_in| check_in.due = date("2026-11-04"),
        |check_in| check_in.submitted_at = Some(at("2026-11-03 20:00")),
        |check_in| check_in.withdrawn = true,
    ];
    for change in changes {
        let mut world = World::new();
        change(&mut world.check_ins[0]);
        assert!(world.try_open().is_err());
    }
}

#[test]
fn e25_a_client_who_leaves_the_online_program_mid_case_closes_it() {
    for status in ["in_person", "graduated", "maintenance"] {
        let mut world = World::at_email();
        world.client.status = status.into();
        world.update();
        assert!(world.is("closed"), "{status}");
        assert_eq!(world.live_outreach(), 0);
        assert!(world.work.is_empty(), "{status}");
    }
}

#[test]
fn e25_a_program_ended_by_hand_asks_the_manager_about_the_fee() {
    let mut quit = World::at_email();
    quit.client.status = ClientStatus::Quit;
    quit.update();
    let mut ended = World::at_email();
    ended.learn(FactBody::ProgramEnded);
    for world in [quit, ended] {
        assert!(world.is("closed"));
        let work = world.asked("fee");
        assert_eq!(work.owner, "program_manager");
        assert_eq!(work.actions, ["done"], "settling it stops no fee");
        assert!(work.remind_at > world.now);
    }
}

#[test]
fn e39_a_status_that_we_do_not_know_holds() {
    let mut world = World::at_email();
    world.client.status = "paused_by_billing".into();
    world.update();
    assert!(world.is("held"));
    assert_eq!(world.live_outreach(), 0);
}

#[test]
fn e30_a_first_message_that_is_too_late_is_held_with_its_text_ready() {
    let mut world = World::new();
    world.now = at("2026-11-05 08:00");
    let mut world = world.open();
    world.carry_out();
    assert!(world.is("held"));
    assert!(world.reason().contains("yesterday"), "{}", world.reason());
    assert_eq!(world.sent, []);
    let ready = &world.asked("hold").detail["ready"];
    assert!(ready["text"].as_str().unwrap().contains("Hi Maya!"));
    assert!(world.checks_in());
    assert!(world.is("closed"));
}

#[test]
fn e30_a_first_message_that_is_too_late_is_not_sent_for_being_asked_for() {
    let mut world = World::new();
    world.now = at("2026-11-05 08:00");
    let mut world = world.open();
    world.carry_out();
    assert!(world.person(Action::SendAnyway));
    world.carry_out();
    assert!(world.is("held"));
    assert_eq!(world.sent, []);
    assert!(world.person(Action::DoneByHand));
    assert_eq!(world.timer(), at("2026-11-06 09:00"));
}

#[test]
fn e30_an_approved_variant_takes_the_place_of_a_text_that_would_be_false() {
    let procedure =
        crate::world::procedure_with(|file| file.replace("approved = false", "approved = true"));
    let workflow = relay_core::workflows::missed_check_in::MissedCheckIn::new(procedure);
    let mut world = World::running(Box::new(workflow));
    world.now = at("2026-11-05 08:00");
    let mut world = world.open();
    world.carry_out();
    let text = format!("{:?}", world.sent[0]);
    assert!(text.contains("was due November 3."), "{text}");
}

#[test]
fn a1_after_a_due_time_the_first_message_waits_24_hours_but_stays_on_that_day() {
    let mut world = World::new();
    world.check_ins[0].due_at = Some(at("2026-11-03 12:30"));
    let world = world.open();
    let key = world.current();
    assert_eq!(world.planned[&key].not_before, at("2026-11-04 12:30"));

    let mut world = World::new();
    world.check_ins[0].due_at = Some(at("2026-11-03 20:00"));
    let mut world = world.open();
    world.carry_out();
    assert!(world.is("held"), "only the day after is left");
}

#[test]
fn e32_a_date_that_moves_to_the_future_closes_and_to_the_past_plans_anew() {
    let moved = |due: &str| FactBody::CheckInRescheduled {
        check_in: "c1".into(),
        due: date(due),
    };
    let mut world = World::new().open();
    assert!(world.learn(moved("2026-11-04")));
    assert!(world.is("closed"));
    assert!(world.reason().starts_with("rescheduled"));
    assert_eq!(
        world.count(EffectKind::ContactNote),
        0,
        "nothing had gone out"
    );

    let mut world = World::at_email();
    let old = world.current();
    assert!(world.learn(moved("2026-11-02")));
    assert_ne!(world.current(), old);
    assert!(world.cancelled.contains(&old));
    world.check_ins[0].due = date("2026-11-02");
    world.carry_out();
    assert!(format!("{:?}", world.sent[1]).contains("It was due, November 2."));
    assert!(!world.learn(moved("2026-11-02")), "known");

    world.learn(moved("2026-11-20"));
    assert_eq!(
        world.count(EffectKind::ContactNote),
        2,
        "the follow-up's, and the end's"
    );
}

#[test]
fn e40_without_a_contact_the_portal_goes_on_and_the_crm_steps_are_held() {
    let mut world = World::new().open();
    assert!(world.learn(FactBody::ContactGone));
    world.carry_out();
    world.wait_over();
    assert!(world.is("held"));
    assert!(world.reason().contains("contact"));
    assert_eq!(world.reads.len(), 0);

    let mut world = World::at_email();
    world.learn(FactBody::ContactGone);
    assert!(world.is("held"));
    assert_eq!(world.live_outreach(), 0);
    assert!(world.person(Action::Resume), "somebody has linked her anew");
    world.opens();
    assert_eq!(world.live_outreach(), 1);
}

#[test]
fn e40_a_contact_that_is_seen_again_lets_go_on_what_waited_for_it_and_nothing_else() {
    let mut world = World::at_email();
    assert!(!world.learn(FactBody::ContactSeen), "nobody missed it");
    world.learn(FactBody::ContactGone);
    assert!(world.is("held"));
    assert!(world.learn(FactBody::ContactSeen));
    world.opens();
    assert_eq!(world.live_outreach(), 1);

    // A pause that a person decides about is not ended by it, nor is a break that began meanwhile.
    let mut world = World::at_email();
    world.learn(FactBody::ContactGone);
    world.client.status = ClientStatus::OnBreak;
    world.update();
    assert!(world.learn(FactBody::ContactSeen));
    assert!(world.is("paused"));
    assert_eq!(world.live_outreach(), 0);
}

#[test]
fn e66_another_missed_check_in_attaches_to_the_case() {
    let mut world = World::new().open();
    let mut second = world.check_ins[0].clone();
    second.id = "c2".into();
    second.due = date("2026-11-17");
    let body = FactBody::CheckInMissed {
        check_in: second,
        client: Box::new(world.client.clone()),
    };
    assert!(world.learn(body.clone()));
    assert!(!world.learn(body));
    assert!(world.is("open"));
    assert_eq!(world.planned.len(), 1);
}

#[test]
fn a_reply_after_the_call_task_completes_our_task_and_its_completion_is_not_a_call() {
    let mut world = World::at_call();
    world.replies();
    assert_eq!(world.count(EffectKind::CloseTask), 1);
    let closing = world.newest(EffectKind::CloseTask);
    let closed = Settled::Done {
        at: world.now,
        vendor_ref: None,
        by_probe: false,
    };
    assert!(world.settle(&closing, closed));
    assert!(!world.learn(FactBody::CallTaskChanged {
        task: "task-1".into(),
        completed: true,
        outcome: None,
    }));
    assert!(world.is("paused"));
    let state: State = serde_json::from_value(world.case.data.clone()).unwrap();
    assert_eq!(state.called, None);
}

#[test]
fn e26_a_regimen_date_later_than_the_check_in_does_not_hide_mail() {
    let mut world = World::new();
    world.client.last_regimen_change = Some(date("2026-11-05"));
    let mut world = world.open();
    world.carry_out();
    world.wait_over();
    world.mail(|evidence| {
        let oldest = &mut evidence.emails[2];
        oldest.opened_at = Some(oldest.sent_at + SignedDuration::from_hours(3));
    });
    assert_eq!(world.case.step, "email_follow_up");
}
