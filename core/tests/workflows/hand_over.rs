//! A clinic whose relay has no CRM: the coach calls and mails by hand, from what she is asked.

use relay_core::channel::MailEvidence;
use relay_core::clients::ClientStatus;
use relay_core::effects::{EffectInput, EffectKind, HandOver, Settled};
use relay_core::facts::{CallOutcome, FactBody};
use relay_core::workflow::{Action, NotOffered, Verdict};

use crate::world::{World, at};

const NO_CRM: NotOffered = NotOffered {
    records: relay_core::clients::Records::Portal,
    messages: false,
    notes: false,
    crm: true,
};

fn outcome(outcome: CallOutcome) -> Action {
    Action::CallOutcome { outcome }
}

/// The first message has gone out in the portal, two days have passed, and the read was asked for. Nobody has linked
/// her to anything.
fn at_choice() -> World {
    let mut world = World::new();
    world.not_offered = NO_CRM;
    world.client.contact = None;
    world.contact = None;
    for coach in &mut world.coaches {
        coach.crm_user = None;
    }
    let mut world = world.open();
    world.carry_out();
    assert_eq!(world.sent.len(), 1);
    assert_eq!(world.sent[0].kind(), EffectKind::PortalMessage);
    world.wait_over();
    assert_eq!(world.case.step, "choose_channel");
    world
}

/// What the engine answers where there is nothing to read.
fn nobody_tells(world: &mut World) {
    let (email, phone) = (world.client.email.is_some(), world.client.phone.is_some());
    let evidence = Box::new(MailEvidence::not_told(world.now, email, phone));
    assert!(world.learn(FactBody::MailRead { evidence }));
}

fn at_call() -> World {
    let mut world = at_choice();
    nobody_tells(&mut world);
    assert_eq!(world.case.step, "phone_follow_up");
    world.carry_out();
    world
}

fn at_email() -> World {
    let mut world = at_choice();
    world.client.phone = None;
    nobody_tells(&mut world);
    assert_eq!(world.case.step, "email_follow_up");
    world.carry_out();
    world
}

/// Nothing of the CRM was planned or sent, and nothing that people read speaks of it.
fn keeps_quiet_about_the_crm(world: &World) {
    let aside = |input: &EffectInput| {
        let kind = input.kind();
        NO_CRM.includes(kind) && !kind.is_outreach()
    };
    assert!(!world.plans(aside));
    for request in &world.sent {
        assert!(!NO_CRM.includes(request.kind()), "{request:?}");
    }
    for item in &world.work {
        let said = format!("{} {}", item.title, item.detail);
        for word in ["CRM", "Keap", "link"] {
            assert!(!said.contains(word), "{word} in {said}");
        }
    }
}

#[test]
fn she_is_called_because_nobody_can_tell_and_all_that_is_needed_is_in_the_question() {
    let world = at_call();
    assert!(world.is("open"));
    let item = world.asked("call_outcome");
    assert_eq!(item.title, "CALL Maya R.: check-in due November 3");
    assert_eq!(item.owner, "dana");
    let told = |name: &str| item.detail[name].as_str().unwrap_or_default().to_owned();
    assert_eq!(
        told("follow_up"),
        "nobody tells the relay which of the clinic's emails she opened"
    );
    assert_eq!(told("number"), "303-555-0142");
    assert_eq!(told("check_in_due"), "November 3");
    assert!(told("remedy").contains("to a voicemail, say your name and number only"));
    let text = item.detail["ready"]["text"].as_str().expect("a text");
    assert!(text.contains("Hi Maya, this is Dana Reed"), "{text}");
    assert!(item.actions.contains(&"call_outcome".to_owned()));
    assert_eq!(
        item.detail["had"][0]["what"],
        "the first message in the portal"
    );
    // As behind a task (A8): reminded on the next working day, the manager after two.
    assert_eq!(item.remind_at, at("2026-11-09 09:00"));
    assert_eq!(item.detail["escalate"]["to"], "program_manager");
    keeps_quiet_about_the_crm(&world);
}

#[test]
fn what_came_of_the_call_goes_on_as_behind_a_task() {
    for (came, reached) in [
        (CallOutcome::Voicemail, false),
        (CallOutcome::NoAnswer, false),
        (CallOutcome::WrongNumber, false),
        (CallOutcome::Spoke, true),
    ] {
        let mut world = at_call();
        world.now = at("2026-11-06 14:00");
        assert!(world.person(outcome(came)));
        if reached {
            assert!(world.is("paused"), "{came:?} counts as a reply");
            world.asked("reply");
        } else {
            // The last allowed moment within 24 to 48 hours is on the weekend: the first after it.
            assert_eq!(world.timer(), at("2026-11-09 09:00"), "{came:?}");
            world.wait_over();
            let by_hand = world.asked("by_hand");
            let is_hers = came != CallOutcome::WrongNumber;
            let number = &by_hand.detail["number"];
            assert_eq!(number.as_str(), is_hers.then_some("303-555-0142"));
            assert_eq!(by_hand.detail["address"], "maya@example.test");
            let alone = "continue by hand with an email alone";
            assert_eq!(by_hand.title.contains(alone), !is_hers, "{}", by_hand.title);
        }
        if came == CallOutcome::WrongNumber {
            let remedy = world.asked("wrong_number").detail["remedy"].clone();
            assert_eq!(remedy, "correct the number in the portal");
        }
        keeps_quiet_about_the_crm(&world);
    }
}

#[test]
fn a_call_that_is_told_after_a_pause_took_the_question_back_counts() {
    let mut world = at_call();
    assert!(world.person(Action::Pause {
        reason: "vacation".into()
    }));
    assert!(
        world
            .cancelled
            .iter()
            .any(|key| key.as_str().contains("phone_follow_up"))
    );
    assert!(world.person(outcome(CallOutcome::Voicemail)));
    assert!(world.is("paused"));
    assert!(world.person(Action::Resume));
    // Not asked to call again: the wait after the call, then by hand.
    assert!(world.work.iter().all(|item| item.kind != "call_outcome"));
    assert!(!world.is("held"));
}

#[test]
fn without_a_number_the_coach_is_asked_to_mail_and_told_why() {
    let mut world = at_email();
    assert!(world.is("held"));
    let item = world.asked("send_by_hand");
    assert_eq!(
        item.title,
        "Maya R.: send her the follow-up email (check-in due November 3)"
    );
    assert_eq!(item.detail["address"], "maya@example.test");
    assert_eq!(item.detail["subject"], "Your check-in was due November 3");
    assert_eq!(
        item.detail["cautions"][0],
        "no number to call: an email instead"
    );
    let text = item.detail["ready"]["text"].as_str().expect("a text");
    assert!(text.contains("It was due, November 3."), "{text}");
    keeps_quiet_about_the_crm(&world);
    world.now = at("2026-11-06 11:00");
    assert!(world.person(Action::DoneByHand));
    assert_eq!(world.timer(), at("2026-11-09 09:00"));
    keeps_quiet_about_the_crm(&world);
    world.wait_over();
    let item = world.asked("by_hand");
    assert!(item.title.contains("with an email alone"), "{}", item.title);
    let cautions = &item.detail["cautions"];
    assert_eq!(
        cautions[0],
        "no number is on file, so send her the email alone"
    );
}

#[test]
fn a_number_that_the_portal_has_by_now_is_texted() {
    let mut world = at_email();
    world.now = at("2026-11-06 11:00");
    assert!(world.person(Action::DoneByHand));
    world.client.phone = Some("303-555-0142".into());
    let client = Box::new(world.client.clone());
    assert!(world.learn(FactBody::ClientUpdated { client }));
    world.wait_over();
    let title = &world.asked("by_hand").title;
    assert!(title.contains("with a text and an email"), "{title}");
}

/// Held for that, and left out by her coach.
#[test]
fn whom_neither_text_nor_email_reaches_is_written_to_in_the_portal() {
    let mut world = at_choice();
    (world.client.phone, world.client.email) = (None, None);
    nobody_tells(&mut world);
    assert!(world.person(Action::Skip));
    world.wait_over();
    let item = world.asked("by_hand");
    assert!(item.title.contains("in the portal alone"), "{}", item.title);
    let cautions = &item.detail["cautions"];
    assert_eq!(
        cautions[0],
        "neither a text nor an email can reach her (no number is on file; no email address on file), so write to her \
         in the portal"
    );
}

#[test]
fn with_neither_number_nor_address_it_is_held_for_her_coach() {
    let mut world = at_choice();
    (world.client.phone, world.client.email) = (None, None);
    nobody_tells(&mut world);
    assert!(world.is("held"));
    assert_eq!(
        world.reason(),
        "neither email nor phone is possible: no phone number and no email address of hers is on file"
    );
    keeps_quiet_about_the_crm(&world);
}

#[test]
fn a_number_that_is_gone_when_she_is_to_be_called_holds_and_then_decides_anew() {
    let mut world = at_choice();
    nobody_tells(&mut world);
    world.client.phone = None;
    world.carry_out();
    assert!(world.is("held"));
    assert!(
        world.reason().contains("no phone number in the portal"),
        "{}",
        world.reason()
    );
    keeps_quiet_about_the_crm(&world);
    assert!(world.person(Action::Resume));
    nobody_tells(&mut world);
    assert_eq!(world.case.step, "email_follow_up");
}

#[test]
fn another_coach_inherits_the_call_and_signs_with_her_own_name() {
    let mut world = at_call();
    world.client.coach = Some("ivy".into());
    assert!(world.update());
    let item = world.asked("call_outcome");
    assert_eq!(item.owner, "ivy");
    let text = item.detail["ready"]["text"].as_str().expect("a text");
    assert!(text.contains("this is Ivy Moss"), "{text}");
    assert!(!world.plans(|input| input.kind() == EffectKind::ReassignTask));
    assert!(world.person(outcome(CallOutcome::NoAnswer)));
}

#[test]
fn a_minor_is_called_only_after_her_coach_said_whom() {
    let mut world = at_choice();
    world.client.minor = Some(true);
    nobody_tells(&mut world);
    world.carry_out();
    assert!(world.is("held"));
    assert!(world.person(Action::SendAnyway));
    world.carry_out();
    let item = world.asked("call_outcome");
    let minor = item.detail["minor"].as_str().expect("told of it");
    assert!(minor.contains("She is a minor"), "{minor}");
}

#[test]
fn a_check_in_takes_the_question_back_and_nothing_is_left_open() {
    for mut world in [at_call(), at_email()] {
        assert!(world.checks_in());
        assert!(world.is("closed"));
        assert!(world.work.is_empty());
        assert_eq!(world.live_outreach(), 0);
        keeps_quiet_about_the_crm(&world);
    }
}

#[test]
fn a_program_that_ends_by_hand_names_no_command_that_can_not_run() {
    let mut world = at_call();
    world.client.status = ClientStatus::Quit;
    assert!(world.update());
    let remedy = world.asked("fee").detail["remedy"].to_string();
    assert!(
        remedy.contains("by hand where the clinic bills it"),
        "{remedy}"
    );
    assert!(!remedy.contains("cancel-subscription"), "{remedy}");
    let mut world = at_call();
    assert!(world.person(Action::StopOutreach {
        why: relay_core::answers::StopReason::WantsToLeave
    }));
    let remedy = world.asked("stopped").detail["remedy"].to_string();
    assert!(!remedy.contains("cancel-subscription"), "{remedy}");
}

#[test]
fn what_was_planned_while_there_was_a_crm_ends_without_a_word_or_is_handed_over() {
    // The email and all that goes with it were planned with the CRM; then it is switched off.
    let mut world = World::at_email();
    world.not_offered = NO_CRM;
    world.carry_out();
    let item = world.asked("send_by_hand");
    assert_eq!(item.detail["address"], "maya@example.test");
    let mut world = World::at_email();
    world.carry_out();
    for kind in [EffectKind::ContactNote, EffectKind::AddTag] {
        let key = world.newest(kind);
        world.not_offered = NO_CRM;
        let verdict = world.guard(&key);
        let Verdict::Overtaken { by, facts } = verdict else {
            panic!("{verdict:?}");
        };
        assert!(facts.is_empty());
        let before = world.work.clone();
        world.settle(&key, Settled::Overtaken { by });
        assert_eq!(world.work, before, "{kind:?}");
    }
}

#[test]
fn a_tag_that_was_put_on_before_goes_once_there_is_a_crm_again() {
    let mut world = World::at_email();
    world.carry_out();
    world.not_offered = NO_CRM;
    world.wait_over();
    world.not_offered = NotOffered::default();
    assert!(world.checks_in());
    assert!(world.plans(|input| input.kind() == EffectKind::RemoveTag));
}

#[test]
fn a_question_of_an_earlier_version_reads_as_it_was_stored() {
    let settled: Settled = serde_json::from_str(r#"{"settled":"by_hand"}"#).expect("an ending");
    assert_eq!(settled, Settled::ByHand(HandOver::default()));
    let told = r#"{"messages":true,"notes":true}"#;
    let not_offered: NotOffered = serde_json::from_str(told).expect("what is not offered");
    assert!(!not_offered.crm);
    assert_eq!(serde_json::to_string(&not_offered).expect("text"), told);
}
