//! Any order of things that can happen.

use proptest::prelude::*;
use relay_core::answers::StopReason;
use relay_core::case::Wait;
use relay_core::channel::{EngagementEvent, EngagementKind, EngagementSource};
use relay_core::clients::ClientStatus;
use relay_core::effects::{HandOver, Settled};
use relay_core::facts::{CallOutcome, FactBody};
use relay_core::time::SignedDuration;
use relay_core::workflow::{Action, Input, ReadKind, Verdict};

use crate::world::{World, date};

/// One thing that happens; numbers choose among what is there at the time.
#[derive(Debug, Clone)]
enum Event {
    Time(i64),
    Timer(u8),
    CarryOut,
    Settle(usize, u8),
    Replay(usize),
    Mail(u8),
    ReadFails,
    CheckIn(u8),
    Reply,
    CoachWrites,
    Status(u8),
    Coach(bool),
    Due(u8),
    Regimen(u8),
    ContactGone,
    ContactSeen,
    CallTask(u8),
    Engaged(u8),
    Person(u8),
    Told,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        3 => (1_i64..80).prop_map(Event::Time),
        3 => (0_u8..3).prop_map(Event::Timer),
        4 => Just(Event::CarryOut),
        3 => (0_usize..12, 0_u8..9).prop_map(|(which, how)| Event::Settle(which, how)),
        2 => (0_usize..8).prop_map(Event::Replay),
        3 => (0_u8..4).prop_map(Event::Mail),
        1 => Just(Event::ReadFails),
        1 => (0_u8..6).prop_map(Event::CheckIn),
        1 => Just(Event::Reply),
        1 => Just(Event::CoachWrites),
        1 => (0_u8..5).prop_map(Event::Status),
        1 => any::<bool>().prop_map(Event::Coach),
        1 => (0_u8..8).prop_map(Event::Due),
        1 => (0_u8..40).prop_map(Event::Regimen),
        1 => Just(Event::ContactGone),
        1 => Just(Event::ContactSeen),
        2 => (0_u8..6).prop_map(Event::CallTask),
        2 => (0_u8..6).prop_map(Event::Engaged),
        4 => (0_u8..15).prop_map(Event::Person),
        3 => Just(Event::Told),
    ]
}

fn outcome(number: u8) -> Option<CallOutcome> {
    CallOutcome::ALL.get(usize::from(number)).copied()
}

fn settled(world: &World, how: u8) -> Settled {
    let reason = "a reason".to_owned();
    match how {
        0 | 1 => Settled::Done {
            at: world.now,
            vendor_ref: Some("task-1".into()),
            by_probe: how == 1,
        },
        2 => Settled::Proposed,
        3 => Settled::Held {
            reason,
            command: None,
            minor: None,
            lifts: true,
        },
        4 => Settled::Dead {
            reason,
            technical: None,
        },
        5 => Settled::Unclear { evidence: reason },
        6 => Settled::Overtaken { by: reason },
        7 => Settled::ByHand(HandOver::default()),
        _ => Settled::Cancelled,
    }
}

fn action(number: u8) -> Action {
    let reason = "a reason".to_owned();
    match number {
        0 => Action::Pause { reason },
        1..=3 => Action::Resume,
        4 => Action::Close { reason },
        5 => Action::Promised {
            until: date("2026-11-20"),
        },
        6 => Action::DoneByHand,
        7 => Action::SendAnyway,
        8 => Action::Skip,
        9 => Action::Handled,
        10 => Action::StopOutreach {
            why: StopReason::Complaint,
        },
        11 => Action::Replied,
        number => Action::CallOutcome {
            outcome: outcome(number - 12).unwrap_or(CallOutcome::Spoke),
        },
    }
}

fn happens(world: &mut World, event: &Event) {
    match event {
        Event::Time(hours) => world.now += SignedDuration::from_hours(*hours),
        Event::Timer(back) => {
            let generation = world.case.generation.saturating_sub(u64::from(*back));
            world.step(&Input::Timer { generation });
        }
        Event::CarryOut => {
            if matches!(world.case.wait, Some(Wait::Effect { .. })) {
                lane(world);
            }
            if matches!(world.case.wait, Some(Wait::Effect { .. })) {
                world.carry_out();
            }
        }
        Event::Settle(which, how) => {
            let key = world.order.iter().rev().nth(*which).cloned();
            if let Some(key) = key.filter(|key| !world.settled.contains(key)) {
                let settled = settled(world, *how);
                world.settle(&key, settled);
            }
        }
        Event::Replay(which) => replay(world, *which),
        Event::Mail(kind) => {
            if world.case.step == "choose_channel" && !world.case.status.is_closed() {
                mail(world, *kind);
            }
        }
        Event::ReadFails => {
            let (what, reason) = (ReadKind::MailHistory, "down".into());
            world.step(&Input::ReadFailed { what, reason });
        }
        Event::CheckIn(0) => {
            world.checks_in();
        }
        Event::CheckIn(other) => {
            world.learn(FactBody::CheckInSubmitted {
                check_in: format!("c{}", other + 1).as_str().into(),
                complete: true,
            });
        }
        Event::Reply => {
            world.client_writes();
            world.replies();
        }
        Event::CoachWrites => world.coach_writes(),
        Event::Status(number) => {
            world.client.status = match number {
                0 => ClientStatus::OnBreak,
                1 => ClientStatus::Unknown("new".into()),
                2 => ClientStatus::Quit,
                _ => ClientStatus::Online,
            };
            world.update();
        }
        Event::Coach(ivy) => {
            world.client.coach = Some(if *ivy { "ivy" } else { "dana" }.into());
            world.update();
        }
        Event::Due(days) => {
            let due = date("2026-11-01")
                .checked_add(jiff::Span::new().days(*days))
                .unwrap();
            world.check_ins[0].due = due;
            let check_in = "c1".into();
            world.learn(FactBody::CheckInRescheduled { check_in, due });
        }
        Event::Regimen(days) => {
            let on = date("2026-10-01")
                .checked_add(jiff::Span::new().days(*days))
                .unwrap();
            world.learn(FactBody::RegimenChanged { on });
        }
        Event::ContactGone => {
            world.learn(FactBody::ContactGone);
        }
        Event::ContactSeen => {
            world.learn(FactBody::ContactSeen);
        }
        Event::CallTask(number) => {
            world.learn(FactBody::CallTaskChanged {
                task: "task-1".into(),
                completed: number % 2 == 0,
                outcome: outcome(*number),
            });
        }
        Event::Engaged(number) => {
            let event = Box::new(told(world, *number));
            world.learn(FactBody::Engaged { event });
        }
        Event::Person(number) => {
            world.person(action(*number));
        }
        Event::Told => world.is_told(),
    }
}

/// What a post or a look tells; one in three is too old to count.
fn told(world: &World, number: u8) -> EngagementEvent {
    let days = if number.is_multiple_of(3) { 40 } else { 0 };
    let at = world.now - SignedDuration::from_hours(24 * days);
    let read = number >= 3;
    EngagementEvent {
        at,
        kind: EngagementKind::Open,
        exact: read,
        seen_at: world.now,
        source: if read {
            EngagementSource::Poll
        } else {
            EngagementSource::Post
        },
        email: read.then(|| "e1".into()),
        sent_at: None,
        label: Some(format!("News {number}")),
        link: None,
    }
}

/// An admin replays an outreach that was held, dead or unclear, and the vendor carries it out if
/// the guard lets it.
fn replay(world: &mut World, which: usize) {
    let Some(key) = world.order.iter().rev().nth(which).cloned() else {
        return;
    };
    let over = world.settled.contains(&key) || world.cancelled.contains(&key);
    if over || !world.planned[&key].kind().is_outreach() {
        return;
    }
    if let Verdict::Go(request) = world.guard(&key) {
        world.was_asked_first(&key);
        assert!(!world.is("paused") && !world.is("closed"));
        world.sent.push(request);
        let done = settled(world, 0);
        world.settle(&key, done);
    }
}

/// One effect of a client at a time: what was withdrawn has ended before the next one is guarded.
fn lane(world: &mut World) {
    let open: Vec<_> = world.cancelled.clone();
    for key in open {
        if !world.settled.contains(&key) {
            world.settle(&key, Settled::Cancelled);
        }
    }
}

fn mail(world: &mut World, kind: u8) {
    let unread = world.is("held") && world.reason().contains("can't be read");
    if !unread && !matches!(world.case.wait, Some(Wait::Read { .. })) {
        return;
    }
    match kind {
        0 => world.opens(),
        1 => world.mail(|evidence| evidence.emails.clear()),
        2 => world.mail(|evidence| evidence.has_phone = false),
        _ => world.mail(|_| {}),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// The world itself checks with every transition: exactly one wait, somebody asked where a
    /// person is waited for, no key used for something else, same input same output, closed stays
    /// closed; nothing goes out unasked that her coach has a say in. Here: a message goes out once, and nothing is planned after the end.
    #[test]
    fn whatever_happens_a_case_waits_for_one_thing_and_messages_her_once(
        events in prop::collection::vec(event(), 1..60),
        asks in prop::sample::subsequence(vec!["portal_message", "email_follow_up"], 0..=2),
        silence_counts in prop::bool::weighted(0.8),
    ) {
        let mut world = World::new();
        world.asks = asks.into_iter().map(str::to_owned).collect();
        world.silence_counts = silence_counts;
        let mut world = world.open();
        for event in &events {
            let closed = world.case.status.is_closed();
            let outreach = world.outreach_planned();
            happens(&mut world, event);
            if closed {
                prop_assert!(world.case.status.is_closed());
                prop_assert_eq!(world.outreach_planned(), outreach);
            }
            if world.case.status.is_closed() {
                prop_assert_eq!(world.live_outreach(), 0);
            } else {
                prop_assert!(world.live_outreach() <= 1);
            }
        }
    }
}
