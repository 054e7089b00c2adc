//! What she wrote counts, whenever it is told: A3, A40, A41, E34, E43.

use proptest::prelude::*;
use relay_core::effects::{EffectInput, EffectKind, Settled};
use relay_core::facts::{CallOutcome, Fact, FactBody};
use relay_core::ids::MessageId;
use relay_core::time::{SignedDuration, Timestamp};
use relay_core::workflow::{Action, Input, Verdict};
use relay_core::workflows::missed_check_in::State;

use crate::world::{World, at, date};

fn state(world: &World) -> State {
    serde_json::from_value(world.case.data.clone()).unwrap()
}

/// S1 is out; she wrote at 10:00 on the 5th, and the case is paused for that.
fn paused() -> World {
    let mut world = World::new().open();
    world.carry_out();
    world.now = at("2026-11-05 10:00");
    assert!(world.replies());
    assert!(world.is("paused"));
    world
}

#[test]
fn a_message_that_is_told_late_pauses_again_whatever_its_time() {
    let mut world = paused();
    world.now = at("2026-11-05 10:30");
    world.client_writes();
    world.now = at("2026-11-05 11:00");
    assert!(world.person_unread(Action::Resume), "nobody knew of 10:30");
    assert!(world.is("open"));
    // The event comes hours late, and its time lies before the resuming.
    world.now = at("2026-11-05 14:00");
    assert!(world.hears_of(1));
    assert!(world.is("paused"));
    assert_eq!(world.live_outreach(), 0);
    let work = world.asked("reply");
    assert_eq!(work.detail["messages"][0]["message"], "m1");
    assert!(work.title.contains("November 5, 10:30"), "{}", work.title);
    assert!(!world.hears_of(0), "that one was answered");
}

#[test]
fn a_message_that_came_after_the_coach_looked_is_shown_before_she_resumes() {
    let mut world = paused();
    world.now = at("2026-11-05 10:30");
    assert!(world.replies());
    let work = world.asked("reply");
    assert_eq!(work.detail["messages"].as_array().unwrap().len(), 2);
    world.now = at("2026-11-05 11:00");
    assert!(world.person(Action::Resume));
    assert!(world.is("paused"), "she was asked about the first one");
    assert!(world.said("Not resumed: Dana had not been shown"));
    assert!(world.person(Action::Resume), "now she has been");
    assert!(world.is("open"));

    // Whoever acts on the item that names both has seen both.
    let mut world = paused();
    world.now = at("2026-11-05 10:30");
    world.replies();
    let messages: Vec<MessageId> = ["m0", "m1"].map(MessageId::from).into();
    assert!(world.step(&Input::Shown { messages }));
    assert!(world.person(Action::Resume));
    assert!(world.is("open"));
}

#[test]
fn what_the_portal_shows_when_she_resumes_is_shown_to_her_first() {
    for action in [
        Action::Resume,
        Action::Promised {
            until: date("2026-11-10"),
        },
    ] {
        let mut world = paused();
        world.now = at("2026-11-05 10:30");
        world.client_writes();
        world.now = at("2026-11-05 11:00");
        assert!(world.person(action.clone()));
        assert!(world.is("paused"), "{action:?}");
        assert!(world.asked("reply").title.contains("10:30"));
        assert!(world.person(action));
        assert!(world.is("open"));
    }
}

#[test]
fn a_message_in_a_pause_that_a_person_made_is_shown_to_her_first() {
    let mut world = World::new().open();
    world.carry_out();
    world.person(Action::Pause {
        reason: "on holiday".into(),
    });
    world.now = at("2026-11-05 10:00");
    assert!(world.replies());
    world.asked("reply");
    assert!(world.person(Action::Resume));
    assert!(world.is("paused"));
    assert!(world.person(Action::Resume));
    assert!(
        world.is("paused"),
        "what she wrote is answered, the holiday is not over"
    );
    assert!(world.asked("paused").title.contains("on holiday"));
    assert!(world.person(Action::Resume));
    assert!(world.is("open"));
}

#[test]
fn a_persons_pause_outlasts_a_promise_and_can_be_put_over_a_reply() {
    let mut world = paused();
    assert!(world.person(Action::Pause {
        reason: "a complaint".into(),
    }));
    assert!(!world.person(Action::Pause {
        reason: "twice".into(),
    }));
    assert!(world.person(Action::Resume));
    assert!(world.is("paused"));
    world.asked("reply");
    assert!(world.person(Action::Pause {
        reason: "a complaint".into(),
    }));
    world.now = at("2026-11-05 12:00");
    assert!(world.replies());
    let promised = Action::Promised {
        until: date("2026-11-10"),
    };
    assert!(world.person(promised.clone()), "shown first");
    assert!(world.person(promised));
    assert!(world.is("paused"), "nobody has dealt with the complaint");
    assert!(world.asked("paused").title.contains("a complaint"));
    assert!(world.person(Action::Resume));
    assert!(world.is("open"));
    // What she promised holds although another pause came to its end last.
    assert_eq!(world.timer(), at("2026-11-11 09:00"));
}

#[test]
fn a_reply_to_a_held_case_is_shown_to_whoever_resumes_for_the_hold() {
    for action in [
        Action::Resume,
        Action::Promised {
            until: date("2026-11-10"),
        },
    ] {
        let mut world = World::new();
        world.now = at("2026-11-05 08:00");
        let mut world = world.open();
        world.carry_out();
        assert!(world.is("held"));
        world.now = at("2026-11-05 10:30");
        world.replies();
        assert!(world.person(action.clone()), "she looked at ten");
        assert!(world.is("paused"));
        assert!(world.person(action));
        assert!(world.is("open") || world.is("held"));
    }
}

#[test]
fn the_guard_goes_by_ids_and_stops_for_a_message_that_is_older_than_the_resume() {
    let mut world = World::at_email();
    world.client_writes();
    world.read_messages();
    world.now = at("2026-11-06 12:00");
    assert!(world.person(Action::Resume));
    world.opens();
    let key = world.current();
    assert!(matches!(world.guard(&key), Verdict::Go(_)));
    // The portal lists it late.
    let mut late = world.messages[0].clone();
    late.id = "late".into();
    late.sent_at = at("2026-11-06 11:59");
    world.messages.push(late);
    assert!(matches!(world.guard(&key), Verdict::Overtaken { .. }));
    world.carry_out();
    assert!(world.is("paused"));
    assert_eq!(world.sent.len(), 1);
}

#[test]
fn a40_a_message_on_the_due_day_before_the_case_opened_counts_as_a_reply() {
    let mut world = World::new();
    world.now = at("2026-11-03 23:30");
    world.client_writes();
    world.now = at("2026-11-04 00:00");
    let mut world = world.open();
    let key = world.current();
    world.now = at("2026-11-04 09:00");
    assert!(matches!(world.guard(&key), Verdict::Overtaken { .. }));
    world.now = at("2026-11-04 00:00");
    assert!(world.hears_of(0), "as the engine tells the case at once");
    assert!(world.is("paused"));
    assert_eq!(world.live_outreach(), 0);
    // Not what she wrote before it was due.
    let mut world = World::new();
    world.now = at("2026-11-02 23:30");
    world.client_writes();
    world.now = at("2026-11-04 00:00");
    let mut world = world.open();
    assert!(!world.hears_of(0));
    world.carry_out();
    assert_eq!(world.sent.len(), 1);
}

#[test]
fn a41_continue_an_hour_after_a_message_waits_for_the_short_wait() {
    let mut world = World::new().open();
    world.carry_out();
    let sent = world.now;
    world.now = sent + SignedDuration::from_mins(30);
    world.replies();
    world.now = sent + SignedDuration::from_hours(1);
    assert!(world.person(Action::Resume));
    assert_eq!(world.timer(), at("2026-11-05 09:00"), "a day after S1");
    assert_eq!(world.live_outreach(), 0);
    world.wait_over();
    assert_eq!(world.case.step, "choose_channel");
    // A case of the version before goes on as it did.
    let mut world = World::new().open();
    world.case.logic = 2;
    world.carry_out();
    world.replies();
    assert!(world.person(Action::Resume));
    assert_eq!(world.case.step, "choose_channel");
}

#[test]
fn a41_a_promise_for_today_is_no_way_around_the_wait() {
    let mut world = World::new().open();
    world.now = at("2026-11-04 17:00");
    world.carry_out();
    world.replies();
    world.person_at_item(Action::Promised {
        until: date("2026-11-04"),
    });
    assert_eq!(world.timer(), at("2026-11-05 17:00"));
}

fn done(at: Timestamp) -> Settled {
    Settled::Done {
        at,
        vendor_ref: None,
        by_probe: false,
    }
}

fn told(task: &str, time: &str, completed: bool, outcome: Option<CallOutcome>) -> Input {
    Input::Fact {
        fact: Fact {
            client: "maya".into(),
            object: task.into(),
            source_time: at(time),
            body: FactBody::CallTaskChanged {
                task: task.into(),
                completed,
                outcome,
            },
        },
    }
}

/// The coach has the call task since 9:00 on Friday; the client wrote at 11:01.
fn replied_after_the_call() -> World {
    let mut world = World::at_call();
    assert_eq!(world.now, at("2026-11-06 09:00"));
    world.now = at("2026-11-06 11:01");
    world.replies();
    assert!(world.is("paused"));
    world
}

#[test]
fn e34_a_call_that_was_made_before_the_reply_stands_and_is_not_asked_for_again() {
    for outcome in [None, Some(CallOutcome::NoAnswer), Some(CallOutcome::Spoke)] {
        let mut world = replied_after_the_call();
        world.now = at("2026-11-06 11:05");
        assert!(world.step(&told("task-1", "2026-11-06 11:00", true, outcome)));
        let closing = world.newest(EffectKind::CloseTask);
        world.settle(&closing, Settled::AlreadyTrue);
        assert!(world.is("paused"), "the reply stands too");
        assert_eq!(state(&world).called, Some(outcome));
        world.now = at("2026-11-06 12:00");
        assert!(world.person(Action::Resume));
        world.wait_over();
        assert_eq!(world.case.step, "by_hand", "{outcome:?}");
        assert_eq!(world.count(EffectKind::CallTask), 1);
        assert!(world.reads.len() == 1, "the channel is not chosen again");
    }
}

#[test]
fn e34_a_call_that_is_told_of_after_the_resume_takes_the_new_plan_back() {
    let mut world = replied_after_the_call();
    let closing = world.newest(EffectKind::CloseTask);
    world.settle(&closing, Settled::AlreadyTrue);
    world.now = at("2026-11-07 12:00");
    world.person(Action::Resume);
    world.mail(|_| {});
    assert_eq!(world.case.step, "phone_follow_up");
    assert!(world.step(&told("task-1", "2026-11-06 11:00", true, None)));
    assert_eq!(world.live_outreach(), 0, "nobody is asked to call again");
    world.timer();
}

#[test]
fn a_task_that_we_closed_ourselves_is_no_call() {
    let mut world = replied_after_the_call();
    assert!(world.plans(|input| matches!(input, EffectInput::CloseTask { .. })));
    world.now = at("2026-11-06 11:05");
    // Told before the closing has ended, and by a clock that is minutes behind ours.
    assert!(world.step(&told("task-1", "2026-11-06 10:58", true, None)));
    assert_eq!(state(&world).called, None);
    let closing = world.newest(EffectKind::CloseTask);
    world.settle(&closing, done(world.now));
    assert_eq!(state(&world).called, None);
    assert!(!world.step(&told("task-1", "2026-11-06 10:58", true, None)));
    // Her words in it are hers, whoever completed it.
    let words = Some(CallOutcome::Voicemail);
    assert!(world.step(&told("task-1", "2026-11-06 11:02", true, words)));
    assert_eq!(state(&world).called, Some(words));
    assert!(!world.step(&told("another", "2026-11-06 11:00", true, words)));
}

#[test]
fn an_outcome_that_is_written_after_the_completion_counts() {
    let mut world = World::at_call();
    world.now = at("2026-11-06 11:00");
    assert!(world.step(&told("task-1", "2026-11-06 11:00", true, None)));
    assert_eq!(state(&world).called, Some(None));
    let spoke = Some(CallOutcome::Spoke);
    assert!(world.step(&told("task-1", "2026-11-06 11:02", true, spoke)));
    assert!(world.is("paused"), "she was reached");
    assert!(!world.step(&told("task-1", "2026-11-06 11:02", true, spoke)));
}

#[test]
fn no_line_says_that_there_was_no_reply_when_there_was_one() {
    let mut world = paused();
    world.now = at("2026-11-06 10:00");
    world.person(Action::Resume);
    assert_eq!(world.case.step, "choose_channel");
    assert!(!world.said("no reply"));
    assert!(world.said("goes on after the reply"));
    assert!(World::at_choice().said("no reply"));
}

#[test]
fn e43_a_coachs_message_that_nobody_was_shown_is_an_objection_whatever_its_time() {
    let mut world = World::at_email();
    world.client_writes();
    world.carry_out();
    world.now = at("2026-11-06 11:00");
    assert!(world.person(Action::Resume));
    world.opens();
    let key = world.current();
    assert!(matches!(world.guard(&key), Verdict::Go(_)));
    // Another coach had written before the resuming, and the portal lists it late.
    let now = world.now;
    world.now = at("2026-11-06 10:58");
    world.coach_writes();
    world.now = now;
    assert!(matches!(world.guard(&key), Verdict::Hold { .. }));
}

#[test]
fn e43_send_anyway_does_not_cover_what_is_written_after_it() {
    let mut world = World::at_email();
    world.coach_writes();
    world.carry_out();
    assert!(world.person(Action::SendAnyway));
    let key = world.current();
    assert!(matches!(world.guard(&key), Verdict::Go(_)));
    world.now += SignedDuration::from_mins(5);
    world.coach_writes();
    assert!(matches!(world.guard(&key), Verdict::Hold { .. }));
}

#[test]
fn a_case_from_before_ids_were_kept_is_read_and_asks_no_old_question() {
    let mut world = paused();
    world.now = at("2026-11-05 11:00");
    world.person(Action::Resume);
    let mut data = world.case.data.clone();
    let members = data.as_object_mut().unwrap();
    for new in ["counts_from", "seen", "unanswered", "shown", "by_coach"] {
        members.remove(new);
    }
    world.case.data = data;
    world.case.logic = 2;
    assert!(!world.hears_of(0), "answered under the program before");
    world.now = at("2026-11-05 12:00");
    assert!(world.replies());
    world.now = at("2026-11-05 12:30");
    world.client_writes();
    world.now = at("2026-11-05 13:00");
    assert!(world.person_unread(Action::Resume));
    assert!(world.hears_of(2), "from now on by its id");
    assert!(world.is("paused"));
    assert!(!world.hears_of(0));
}

/// What may happen to a conversation, and in any order.
#[derive(Debug, Clone, Copy)]
enum Happens {
    Writes,
    Hears(usize),
    Resumes,
    Looks,
    Passes(i64),
}

fn happens() -> impl Strategy<Value = Happens> {
    prop_oneof![
        Just(Happens::Writes),
        (0..6usize).prop_map(Happens::Hears),
        Just(Happens::Resumes),
        Just(Happens::Looks),
        (1..600i64).prop_map(Happens::Passes),
    ]
}

/// The messages that the open item names.
fn named(world: &World) -> Vec<MessageId> {
    let work = world.work.iter().find(|work| work.kind == "reply");
    let messages = work.map(|work| work.detail["messages"].clone());
    let messages = messages.and_then(|told| told.as_array().cloned());
    let ids = messages.unwrap_or_default().into_iter();
    ids.filter_map(|one| Some(one["message"].as_str()?.into()))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// Nothing ever goes out over a message that no item had named when somebody resumed.
    #[test]
    fn nothing_goes_out_over_a_message_that_nobody_was_shown(
        story in proptest::collection::vec(happens(), 1..40)
    ) {
        let mut world = World::new().open();
        world.carry_out();
        let mut shown: Vec<MessageId> = Vec::new();
        let mut last: Option<Timestamp> = Some(world.now);
        for one in story {
            match one {
                Happens::Writes => world.client_writes(),
                Happens::Hears(which) if which < world.messages.len() => {
                    world.hears_of(which);
                }
                Happens::Hears(_) => {}
                Happens::Resumes => {
                    let before = named(&world);
                    world.person(Action::Resume);
                    if !world.is("paused") {
                        shown.extend(before);
                    }
                }
                Happens::Looks => {
                    let sent = world.sent.len();
                    match &world.case.wait {
                        Some(relay_core::case::Wait::Timer { .. }) => world.wait_over(),
                        Some(relay_core::case::Wait::Read { .. }) => world.opens(),
                        Some(relay_core::case::Wait::Effect { .. }) => world.carry_out(),
                        _ => {}
                    }
                    if world.sent.len() > sent {
                        for message in &world.messages {
                            prop_assert!(shown.contains(&message.id), "{} was shown to nobody", message.id);
                        }
                        let rest = last.map(|last| world.now.duration_since(last));
                        prop_assert!(rest.is_none_or(|rest| rest >= SignedDuration::from_hours(24)));
                        last = Some(world.now);
                    }
                }
                Happens::Passes(minutes) => world.now += SignedDuration::from_mins(minutes),
            }
        }
    }
}
