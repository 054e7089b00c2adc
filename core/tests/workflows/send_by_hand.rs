//! A portal in which the relay can neither read nor write.

use relay_core::clients::Records;
use relay_core::effects::EffectKind;
use relay_core::facts::FactBody;
use relay_core::workflow::{Action, NotOffered, Verdict};

use crate::world::{World, at, date};

/// At the first message, in a clinic whose portal takes none from the relay.
fn asked() -> World {
    asked_where(false)
}

/// The same. `tagged`: a tag in the CRM says who has missed a check-in.
fn asked_where(tagged: bool) -> World {
    let mut world = World::new();
    world.not_offered = NotOffered {
        messages: true,
        notes: true,
        crm: false,
        records: if tagged {
            Records::Crm
        } else {
            Records::Portal
        },
    };
    let mut world = world.open();
    world.carry_out();
    world
}

#[test]
fn the_coach_is_asked_to_send_the_text_that_is_ready_and_true_and_the_wait_runs_from_her_word() {
    let mut world = asked();
    assert!(world.is("held"));
    assert!(world.sent.is_empty());
    let item = world.asked("send_by_hand");
    assert_eq!(
        item.title,
        "Maya R.: send her the first message in the portal (check-in due November 3)"
    );
    let text = item.detail["ready"]["text"].as_str().expect("a text");
    assert!(
        text.contains("Your check in was due yesterday, November 3"),
        "{text}"
    );
    let remedy = item.detail["remedy"].as_str().expect("what to do");
    assert!(
        remedy.contains("on November 4, since it says \"yesterday\""),
        "{remedy}"
    );
    world.now = at("2026-11-04 16:00");
    assert!(world.person(Action::DoneByHand));
    assert_eq!(world.timer(), at("2026-11-06 16:00"));
    // The rest goes its way: the email is the relay's.
    world.wait_over();
    world.opens();
    world.carry_out();
    assert_eq!(world.sent.len(), 1);
    assert_eq!(world.sent[0].kind(), EffectKind::Email);
}

#[test]
fn before_a_text_says_that_she_has_not_replied_her_coach_is_told_to_look() {
    for unread in [true, false] {
        let mut world = if unread {
            let mut world = asked();
            assert!(world.person(Action::DoneByHand));
            world
        } else {
            let mut world = World::new().open();
            world.carry_out();
            world
        };
        world.wait_over();
        world.opens();
        world.carry_out();
        world.wait_over();
        let remedy = &world.asked("by_hand").detail["remedy"];
        let told = remedy
            .as_str()
            .is_some_and(|said| said.contains("Look in the portal first"));
        assert_eq!(told, unread, "{remedy}");
    }
}

/// Else the next check-in would count as missed on its day.
#[test]
fn where_a_tag_says_who_has_missed_one_it_is_to_be_taken_off() {
    let tag = "take the tag that says she missed it off in the CRM";
    for tagged in [true, false] {
        let mut world = asked_where(tagged);
        let says = |world: &World, kind: &str| {
            let remedy = &world.asked(kind).detail["remedy"];
            remedy.as_str().is_some_and(|said| said.contains(tag))
        };
        assert_eq!(says(&world, "send_by_hand"), tagged);
        assert!(world.person(Action::DoneByHand));
        world.wait_over();
        world.opens();
        world.carry_out();
        world.wait_over();
        assert_eq!(says(&world, "by_hand"), tagged);
    }
}

#[test]
fn a_reply_that_only_her_coach_can_see_is_asked_about_and_no_later_text_denies_it() {
    let mut world = asked();
    let remedy = world.asked("send_by_hand").detail["remedy"].clone();
    let remedy = remedy.as_str().expect("what to do");
    assert!(
        remedy.contains("if she has written, answer \"replied\""),
        "{remedy}"
    );
    assert!(
        remedy.contains("if she has checked in, answer \"close\""),
        "{remedy}"
    );
    for kind in ["send_by_hand", "reply"] {
        let actions = &world.asked(kind).actions;
        assert_eq!(actions.contains(&"replied".to_owned()), kind != "reply");
        if kind == "send_by_hand" {
            assert!(world.person(Action::Replied));
        }
    }
    assert!(world.is("paused"));
    assert!(world.sent.is_empty());
    let asked = world.asked("reply");
    assert!(
        asked.title.contains("she has answered, says"),
        "{}",
        asked.title
    );
    // She lets it go on, and it goes its way to the text that would claim the contrary.
    assert!(world.person(Action::Resume));
    world.carry_out();
    assert!(world.person(Action::DoneByHand));
    world.wait_over();
    world.opens();
    world.carry_out();
    world.wait_over();
    let by_hand = world.asked("by_hand");
    assert!(by_hand.actions.contains(&"replied".to_owned()));
    let ready = by_hand.detail["ready"].to_string();
    assert!(ready.contains("I have not received a reply"), "{ready}");
    let check = by_hand.detail["ready"]["check"].to_string();
    assert!(check.contains("repl"), "{ready}");
}

#[test]
fn said_with_the_last_text_ready_it_asks_and_what_was_paused_by_a_person_stays_so() {
    let mut world = asked();
    assert!(world.person(Action::DoneByHand));
    world.wait_over();
    world.opens();
    world.carry_out();
    world.wait_over();
    world.asked("by_hand");
    assert!(world.person(Action::Pause {
        reason: "she travels".to_owned(),
    }));
    assert!(
        world
            .asked("paused")
            .actions
            .contains(&"replied".to_owned())
    );
    assert!(world.person(Action::Replied));
    world.asked("reply");
    assert!(world.person(Action::Resume));
    world.asked("paused");
    assert!(world.person(Action::Resume));
    let check = world.asked("by_hand").detail["ready"]["check"].to_string();
    assert!(check.contains("repl"), "{check}");
}

#[test]
fn a_check_in_ends_it_and_a_moved_date_is_asked_anew() {
    let mut world = asked();
    assert!(world.checks_in());
    assert!(world.is("closed"));

    let mut world = asked();
    let (check_in, due) = (world.check_ins[0].id.clone(), date("2026-11-02"));
    world.check_ins[0].due = due;
    let body = FactBody::CheckInRescheduled { check_in, due };
    assert!(world.learn(body));
    world.carry_out();
    assert!(world.is("held"));
    // "Yesterday" would be false now: she writes in her own words.
    let item = world.work.last().expect("asked");
    assert_eq!(item.kind, "send_by_hand");
    assert!(item.title.contains("November 2"), "{}", item.title);
    let remedy = item.detail["remedy"].as_str().expect("what to do");
    assert!(remedy.contains("in your own words"), "{remedy}");
    let check = item.detail["ready"]["check"].as_array().expect("why");
    assert!(!check.is_empty());
}

/// A check-in of a Friday: on Saturday nobody is there to send a text that is true only then.
#[test]
fn a_coach_is_asked_when_she_is_there() {
    let mut world = World::new();
    world.not_offered.messages = true;
    world.check_ins[0].due = date("2026-11-06");
    world.now = at("2026-11-07 00:05");
    let mut world = world.open();
    world.carry_out();
    assert_eq!(world.now, at("2026-11-09 09:00"));
    let remedy = world.asked("send_by_hand").detail["remedy"].to_string();
    assert!(remedy.contains("in your own words"), "{remedy}");
}

#[test]
fn leaving_it_out_goes_on_and_continuing_asks_again() {
    let mut world = asked();
    assert!(world.person(Action::Resume));
    world.carry_out();
    assert!(world.is("held"));
    assert!(world.person(Action::Skip));
    world.wait_over();
    world.opens();
    let verdict = world.guard(&world.current());
    assert!(
        !matches!(verdict, Verdict::Go(_)),
        "S2 speaks of a message that nobody sent: {verdict:?}"
    );
}

#[test]
fn a_portal_that_takes_no_notes_is_written_none() {
    let mut world = World::at_email();
    world.not_offered.notes = true;
    world.carry_out();
    let key = world.newest(EffectKind::PortalNote);
    let verdict = world.guard(&key);
    assert!(matches!(verdict, Verdict::Overtaken { ref facts, .. } if facts.is_empty()));
}
