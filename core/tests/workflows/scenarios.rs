//! Both scenarios of SOP A, end to end, and the waits between the steps.

use relay_core::case::{Mode, Wait};
use relay_core::effects::{EffectInput, EffectKind, Request, Settled, request};
use relay_core::facts::{CallOutcome, FactBody};
use relay_core::workflow::{Action, ReadKind};

use crate::world::{World, at, date};

#[test]
fn scenario_one_messages_waits_mails_waits_and_hands_over() {
    let mut world = World::new().open();
    let first = world.current();
    assert_eq!(world.planned[&first].not_before, at("2026-11-04 09:00"));
    world.carry_out();
    assert_eq!(
        world.sent[0],
        Request::PortalMessage(request::PortalMessage {
            client: "maya".into(),
            author: "dana".into(),
            text: "Hi Maya! Your check in was due yesterday, November 3. Please submit your \
                   check-in ASAP, and I will get your regimen changes to you. Thanks, and have a \
                   great day!"
                .into(),
        })
    );
    assert_eq!(world.timer(), at("2026-11-06 09:00"), "48 hours later");

    world.wait_over();
    assert_eq!(world.reads, [ReadKind::MailHistory]);
    world.opens();
    world.carry_out();
    let Request::Email(request::Email {
        contact,
        user,
        subject,
        text,
    }) = &world.sent[1]
    else {
        panic!("{:?}", world.sent[1]);
    };
    assert_eq!((contact.as_str(), user.as_str()), ("41", "user-dana"));
    assert_eq!(subject, "Your check-in was due November 3");
    assert!(text.starts_with("Hi, I just wanted to see if you saw my previous message"));

    assert!(world.plans(|input| *input
        == EffectInput::AddTag {
            tag: "Follow-up: email".into()
        }));
    assert!(world.plans(|input| matches!(input, EffectInput::ContactNote { .. })));
    assert!(world.plans(|input| matches!(input, EffectInput::PortalNote { .. })));
    assert_eq!(world.count(EffectKind::CallTask), 0);

    assert_eq!(
        world.timer(),
        at("2026-11-09 09:00"),
        "Sunday moves to Monday"
    );
    world.wait_over();
    assert_eq!(world.case.step, "by_hand");
    let work = world.asked("by_hand");
    assert_eq!(work.owner, "dana");
    let text = work.detail["ready"]["text"].as_str().unwrap();
    assert!(text.starts_with("Hi Maya, this is Dana Reed at Natural Acne Clinic."));
    let check = work.detail["ready"]["check"].to_string();
    assert!(
        check.contains("phone call that she did not answer"),
        "{check}"
    );
    assert!(work.detail["next"].as_str().unwrap().contains("gmail"));
    assert_eq!(world.sent.len(), 2);
}

#[test]
fn scenario_two_asks_the_coach_to_call_and_waits_from_the_recorded_call() {
    let mut world = World::at_call();
    let Request::CallTask(request::CallTask {
        contact,
        user,
        title,
        description,
        due,
    }) = &world.sent[1]
    else {
        panic!("{:?}", world.sent[1]);
    };
    assert_eq!((contact.as_str(), user.as_str()), ("41", "user-dana"));
    assert!(
        title.starts_with("CALL Maya R.: check-in due Nov 3, "),
        "{title}"
    );
    assert!(description.contains("Number: 303-555-0142"));
    assert!(description.contains("Hi Maya, this is Dana Reed. How are you doing today?"));
    assert!(description.ends_with("\nOutcome:"), "{description}");
    let outcome_lines = description
        .lines()
        .filter(|line| line.starts_with("Outcome"));
    assert_eq!(outcome_lines.count(), 1);
    assert_eq!(*due, at("2026-11-06 17:00"));
    assert!(world.plans(|input| *input
        == EffectInput::AddTag {
            tag: "Follow-up: phone".into()
        }));
    assert!(matches!(&world.case.wait, Some(Wait::Person { who, .. }) if who == "dana"));

    let work = world.asked("call_outcome");
    assert_eq!(
        work.remind_at,
        at("2026-11-09 09:00"),
        "after one working day"
    );
    assert_eq!(work.detail["escalate"]["to"], "program_manager");

    world.now = at("2026-11-06 15:30");
    world.learn(FactBody::CallTaskChanged {
        task: "task-1".into(),
        completed: true,
        outcome: Some(CallOutcome::Voicemail),
    });
    assert!(world.work.is_empty());
    assert_eq!(
        world.timer(),
        at("2026-11-09 09:00"),
        "48 hours end on a Sunday"
    );
    world.wait_over();
    let ready = &world.asked("by_hand").detail["ready"];
    assert_eq!(ready["as"], "the text message");
    assert_eq!(ready["check"].to_string(), "[]", "all of it is so");
}

#[test]
fn the_decision_and_its_evidence_are_kept_in_the_timeline() {
    let world = World::at_email();
    let line = world
        .timeline
        .iter()
        .find(|line| line.detail.is_some())
        .unwrap();
    let detail = line.detail.as_ref().unwrap();
    assert_eq!(detail["decision"]["channel"], "email");
    assert_eq!(detail["evidence"]["emails"].as_array().unwrap().len(), 3);
    assert_eq!(
        line.sop.as_deref(),
        Some("Determine next form of communication to the client:")
    );
}

#[test]
fn a_call_completed_without_a_word_counts_as_called_and_not_reached() {
    let mut world = World::at_call();
    world.learn(FactBody::CallTaskChanged {
        task: "task-1".into(),
        completed: true,
        outcome: None,
    });
    assert!(world.is("open"));
    world.timer();
    assert_eq!(
        world.count(EffectKind::CloseTask),
        0,
        "it is completed already"
    );
}

#[test]
fn an_edit_of_the_task_without_an_outcome_or_of_another_task_is_nothing() {
    let mut world = World::at_call();
    for (task, completed) in [("task-1", false), ("task-9", true)] {
        assert!(!world.learn(FactBody::CallTaskChanged {
            task: task.into(),
            completed,
            outcome: None,
        }));
    }
}

#[test]
fn spoke_counts_as_a_reply_and_pauses() {
    let mut world = World::at_call();
    assert!(world.person(Action::CallOutcome {
        outcome: CallOutcome::Spoke
    }));
    assert!(world.is("paused"));
    assert_eq!(world.asked("reply").owner, "dana");
    assert_eq!(
        world.count(EffectKind::CloseTask),
        1,
        "recorded here, open in the CRM"
    );
    assert!(world.person(Action::Resume));
    world.wait_over();
    assert_eq!(
        world.case.step, "by_hand",
        "the call was made: it is not asked for again"
    );
}

#[test]
fn a_wrong_number_goes_on_and_flags_the_contact() {
    let mut world = World::at_call();
    assert!(world.person(Action::CallOutcome {
        outcome: CallOutcome::WrongNumber
    }));
    world.timer();
    assert_eq!(world.asked("wrong_number").owner, "dana");
    world.wait_over();
    assert!(world.is("open"));
    world.asked("wrong_number");
    world.asked("by_hand");
}

#[test]
fn a_timer_of_an_old_generation_does_nothing() {
    let mut world = World::new().open();
    world.carry_out();
    world.now = world.timer();
    for generation in [0, world.case.generation - 1, world.case.generation + 1] {
        let input = relay_core::workflow::Input::Timer { generation };
        assert!(!world.step(&input), "{generation}");
    }
}

#[test]
fn a2_near_the_end_of_the_three_weeks_waits_are_a_day_shorter() {
    for (regimen, first, second) in [
        // W = November 10: 2 days are left after the second usual wait.
        ("2026-10-20", "2026-11-06 09:00", "2026-11-09 09:00"),
        // W = November 7: 1 day would be left after the first usual wait.
        ("2026-10-17", "2026-11-05 09:00", "2026-11-06 09:00"),
        // W = November 9: 3 days after the first usual wait, 1 after the second.
        ("2026-10-19", "2026-11-06 09:00", "2026-11-09 09:00"),
    ] {
        let mut world = World::new();
        world.client.last_regimen_change = Some(date(regimen));
        let mut world = world.open();
        world.carry_out();
        assert_eq!(world.timer(), at(first), "{regimen}");
        world.wait_over();
        world.opens();
        world.carry_out();
        assert_eq!(world.timer(), at(second), "{regimen}");
    }
}

#[test]
fn e26_without_a_believable_regimen_date_no_wait_is_shortened() {
    for regimen in [None, Some(date("2026-11-04"))] {
        let mut world = World::new();
        world.client.last_regimen_change = regimen;
        let mut world = world.open();
        assert!(world.said("last regimen change is unknown"));
        world.carry_out();
        assert_eq!(world.timer(), at("2026-11-06 09:00"));
    }
}

#[test]
fn e27_when_the_three_weeks_are_over_waits_are_short_and_the_coach_is_told_once() {
    let mut world = World::new();
    world.client.last_regimen_change = Some(date("2026-10-01"));
    let mut world = world.open();
    world.carry_out();
    assert_eq!(world.timer(), at("2026-11-05 09:00"));
    let told = |world: &World| {
        let notes = world.planned.values().filter(|effect| {
            matches!(&effect.input, EffectInput::PortalNote { text, .. }
                if text.contains("over since October 22"))
        });
        notes.count()
    };
    assert_eq!(told(&world), 1);
    world.wait_over();
    world.opens();
    world.carry_out();
    assert_eq!(told(&world), 1);
}

#[test]
fn in_propose_mode_the_case_goes_on_as_if_each_step_had_been_done() {
    let mut world = World::new().mode(Mode::Propose).open();
    let key = world.current();
    world.now = at("2026-11-04 09:00");
    world.settle(&key, Settled::Proposed);
    assert!(world.said("would have been sent"));
    world.wait_over();
    world.mail(|_| {});
    let key = world.current();
    world.settle(&key, Settled::Proposed);
    assert!(world.said("would have been asked to call"));
    assert!(
        world.work.is_empty(),
        "nobody was asked to call, so nobody reports"
    );
    world.wait_over();
    assert_eq!(world.case.step, "by_hand");
}

#[test]
fn without_a_coach_in_the_directory_the_text_by_hand_says_what_is_missing() {
    let mut world = World::at_email();
    world.carry_out();
    world.coaches.clear();
    world.wait_over();
    let ready = &world.asked("by_hand").detail["ready"];
    assert!(ready["text"].is_null());
    assert!(ready["missing"].as_str().unwrap().contains("coach's name"));
}
