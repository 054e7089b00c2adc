//! The emulator kit through its public seam: an invented vendor that pages people, built as the
//! checklist of `relay_http_client::emulation` says.
#![cfg(feature = "in-process")]
#![expect(
    clippy::expect_used,
    reason = "a helper of tests fails by panicking, like the tests"
)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, Method};
use relay_core::random::SeededRandom;
use relay_core::time::{Clock, ManualClock, SignedDuration, Timestamp};
use relay_http_client::emulation::conformance::{Write, check};
use relay_http_client::emulation::described::{Fault, Mismatch, Side};
use relay_http_client::emulation::listing::{Condition, Cursor, FilterKind, Item, by, page, sort};
use relay_http_client::emulation::{Emulator, Kit, Ladder, Order, Outbox, lock, seconds_later};
use relay_http_client::{Answer, Call, Transport, TransportError};
use serde_json::{Value, json};

/// The pauses of the invented vendor: a minute, an hour, the end.
const LADDER: Ladder = Ladder {
    pauses: &[60..=60, 3_600..=3_600],
    endless: false,
};

/// What may be wrong with an emulator.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Flaw {
    None,
    NoFaults,
    AcceptsTwice,
    Remembers,
}

#[derive(Debug)]
struct Pager {
    kit: Kit,
    outbox: Mutex<Outbox<String>>,
    flaw: Flaw,
}

impl Pager {
    async fn answer(&self) -> Response {
        let run = async {
            self.kit.accept("page", &"Maya", json!({}));
            if self.flaw == Flaw::AcceptsTwice {
                self.kit.accept("page", &"Maya", json!({}));
            }
            Response::new(Body::from("paged"))
        };
        if self.flaw == Flaw::NoFaults {
            return run.await;
        }
        self.kit.faults().around("page", &fault, run).await
    }
}

fn fault(code: u16, body: Option<&str>) -> Response {
    let mut response = Response::new(Body::from(body.unwrap_or("usual").to_owned()));
    *response.status_mut() = code.try_into().expect("a status");
    response
}

#[async_trait]
impl Emulator for Pager {
    fn kit(&self) -> &Kit {
        &self.kit
    }

    fn act(&self, act: Value) -> Result<Value, String> {
        let text = act["text"].as_str().ok_or("there is no text")?;
        lock(&self.outbox).put(self.kit.now(), text.to_owned());
        Ok(Value::Null)
    }

    fn router(self: Arc<Self>) -> Router {
        Router::new().fallback(move |_: Request| {
            let pager = Arc::clone(&self);
            async move { pager.answer().await }
        })
    }

    fn next_due(&self) -> Option<Timestamp> {
        lock(&self.outbox).next_due()
    }

    async fn deliver_due(&self) -> usize {
        let _one_at_a_time = self.kit.one_driver().await;
        let due = lock(&self.outbox).due(self.kit.now(), Order::Due);
        for number in &due {
            let Some(waiting) = lock(&self.outbox).attempt(*number) else {
                continue;
            };
            let text = waiting.what.clone();
            let sent = self.kit.post("http://relay.test/", HeaderMap::new(), text);
            let again = match sent.await {
                Some(answer) if answer.status.is_success() => {
                    self.kit.acknowledge(waiting.what);
                    None
                }
                _ => LADDER.after(waiting.attempts, &self.kit),
            };
            match again {
                Some(due) => lock(&self.outbox).again(*number, due),
                None => lock(&self.outbox).done(*number),
            }
        }
        due.len()
    }

    fn reset(&self) {
        if self.flaw != Flaw::Remembers {
            self.kit.reset();
        }
    }
}

fn start() -> Timestamp {
    "2026-11-03T16:00:00Z".parse().expect("a time")
}

fn pager(flaw: Flaw) -> (Arc<ManualClock>, Arc<Pager>) {
    let clock = Arc::new(ManualClock::new(start()));
    let pager = Pager {
        kit: Kit::new(Arc::clone(&clock) as _, Arc::new(SeededRandom::new(7))),
        outbox: Mutex::default(),
        flaw,
    };
    (clock, Arc::new(pager))
}

fn write() -> Write {
    let call = |_| Call {
        method: Method::POST,
        url: "http://pager.test/".parse().expect("an address"),
        headers: HeaderMap::new(),
        body: Bytes::new(),
        timeout: Duration::from_secs(1),
    };
    Write {
        operation: "page",
        call: Box::new(call),
    }
}

#[tokio::test]
async fn an_emulator_built_on_the_kit_keeps_what_every_emulator_promises() {
    let (_, pager) = pager(Flaw::None);
    assert_eq!(check(pager, write()).await, Ok(()));
}

#[tokio::test]
async fn an_emulator_with_a_flaw_is_found() {
    for flaw in [Flaw::NoFaults, Flaw::AcceptsTwice, Flaw::Remembers] {
        let (_, pager) = pager(flaw);
        assert!(check(pager, write()).await.is_err(), "{flaw:?}");
    }
    let (_, pager) = pager(Flaw::None);
    let other = Write {
        operation: "another",
        ..write()
    };
    assert!(check(pager, other).await.is_err(), "the name is wrong");
}

/// A receiver that refuses so many deliveries first.
#[derive(Debug)]
struct Receiver(Mutex<usize>);

#[async_trait]
impl Transport for Receiver {
    async fn send(&self, call: Call) -> Result<Answer, TransportError> {
        let refusals = &mut *lock(&self.0);
        let refuses = *refusals > 0;
        *refusals = refusals.saturating_sub(1);
        let status = if refuses { 500 } else { 200 };
        Ok(Answer {
            status: status.try_into().expect("a status"),
            headers: HeaderMap::new(),
            body: call.body,
        })
    }
}

/// Whoever drives it jumps from one due time to the next. Returns the seconds that it took.
async fn drive(clock: &ManualClock, emulator: &dyn Emulator) -> Vec<i64> {
    let mut jumps = Vec::new();
    // More jumps than any of these ladders has: one that never ends is a failure, not a hang.
    while let Some(due) = emulator.next_due().filter(|_| jumps.len() < 9) {
        clock.set(due);
        jumps.push(due.duration_since(start()).as_secs());
        emulator.deliver_due().await;
    }
    jumps
}

#[tokio::test]
async fn a_delivery_is_repeated_on_the_ladder_until_it_is_answered_or_given_up() {
    for (refusals, jumps, arrived) in [
        (0, vec![0], vec!["Maya"]),
        (2, vec![0, 60, 3_660], vec!["Maya"]),
        (9, vec![0, 60, 3_660], vec![]),
    ] {
        let (clock, pager) = pager(Flaw::None);
        pager.set_hook_transport(Arc::new(Receiver(Mutex::new(refusals))));
        pager.act(json!({"text": "Maya"})).expect("possible");
        assert_eq!(drive(&clock, &*pager).await, jumps, "{refusals}");
        assert_eq!(pager.acknowledged(), arrived, "{refusals}");
    }
}

#[tokio::test]
async fn without_a_way_to_the_receiver_nothing_arrives() {
    let (clock, pager) = pager(Flaw::None);
    assert!(!pager.kit.can_deliver());
    pager.act(json!({"text": "Maya"})).expect("possible");
    assert_eq!(drive(&clock, &*pager).await.len(), 3);
    assert_eq!(pager.acknowledged(), Vec::<String>::new());
}

#[test]
fn what_is_due_comes_in_order_or_backwards_and_stays_until_it_is_done() {
    let mut outbox = Outbox::default();
    for (seconds, what) in [(2, "b"), (1, "a"), (2, "c"), (9, "z")] {
        outbox.put(seconds_later(start(), seconds), what);
    }
    assert_eq!(outbox.next_due(), Some(seconds_later(start(), 1)));
    let now = seconds_later(start(), 5);
    assert_eq!(outbox.due(now, Order::Due), [2, 1, 3]);
    assert_eq!(outbox.due(now, Order::Reversed), [3, 1, 2]);
    let tried = outbox.attempt(2).expect("it waits");
    assert_eq!((tried.what, tried.attempts), ("a", 1));
    assert_eq!(outbox.untried().count(), 3, "to which more may be added");
    assert_eq!(outbox.due(now, Order::Due), [2, 1, 3], "cut off: still due");
    outbox.again(2, seconds_later(start(), 7));
    assert_eq!(outbox.due(now, Order::Due), [1, 3]);
    outbox.done(1);
    outbox.retain(|what| *what != "c");
    assert_eq!(outbox.due(now, Order::Due), Vec::<u64>::new());
    assert!(outbox.attempt(3).is_none(), "it is gone");
    assert_eq!(outbox.next_due(), Some(seconds_later(start(), 7)));
}

#[test]
fn a_vendor_that_never_gives_up_repeats_its_last_pause() {
    let (clock, pager) = pager(Flaw::None);
    let ladder = Ladder {
        pauses: &[5..=5, 10..=20],
        endless: true,
    };
    let pause = |attempts| {
        let due = ladder.after(attempts, &pager.kit).expect("never given up");
        due.duration_since(clock.now()).as_secs()
    };
    assert_eq!(pause(1), 5);
    for attempts in [2, 3, 99] {
        assert!((10..=20).contains(&pause(attempts)), "{attempts}");
    }
}

fn row(name: &str, day: &str, seen: Option<&str>) -> Item {
    Item::plain(json!({"name": name, "day": day, "tags": [name, "x"], "seen": seen}))
}

fn rows() -> Vec<Item> {
    vec![
        row("Ana", "2026-11-01", Some("2026-11-03T16:00:00Z")),
        row("Maya", "2026-11-02", None),
        row("Jo", "2026-11-03", Some("2026-11-03T16:00:00.500Z")),
    ]
}

fn names(items: &[Item]) -> Vec<&str> {
    let names = items.iter().map(|item| item.shown["name"].as_str());
    names.map(|name| name.expect("a name")).collect()
}

#[test]
fn each_kind_of_filter_lets_pass_what_it_says() {
    for (member, kind, value, found) in [
        ("name", FilterKind::Word, "maya", vec!["Maya"]),
        ("name", FilterKind::Word, "may", vec![]),
        ("name", FilterKind::Part, "A", vec!["Ana", "Maya"]),
        ("name", FilterKind::Set, "jo, ANA", vec!["Ana", "Jo"]),
        ("tags", FilterKind::Word, "jo", vec!["Jo"]),
        ("none", FilterKind::Part, "", vec![]),
        (
            "seen",
            FilterKind::Since,
            "2026-11-03T16:00:00.100Z",
            vec!["Jo"],
        ),
        (
            "day",
            FilterKind::SinceDay,
            "2026-11-02",
            vec!["Maya", "Jo"],
        ),
        ("day", FilterKind::BeforeDay, "2026-11-02", vec!["Ana"]),
    ] {
        let condition: Condition = by(member, kind).with(value).expect("a value of the kind");
        let mut items = rows();
        items.retain(|item| condition.passes(item));
        assert_eq!(names(&items), found, "{member} {kind:?} {value}");
    }
    for kind in [
        FilterKind::Since,
        FilterKind::SinceDay,
        FilterKind::BeforeDay,
    ] {
        assert!(by("day", kind).with("yesterday").is_none(), "{kind:?}");
    }
}

#[test]
fn lists_are_sorted_with_the_unset_where_the_vendor_has_them() {
    for (descending, unset_first, found) in [
        (false, false, ["Maya", "Ana", "Jo"]),
        (true, false, ["Jo", "Ana", "Maya"]),
        (true, true, ["Maya", "Jo", "Ana"]),
    ] {
        let mut items = rows();
        sort(&mut items, "seen", descending, unset_first);
        assert_eq!(names(&items), found, "{descending} {unset_first}");
    }
}

#[test]
fn pages_end_and_a_token_leads_to_the_next_one() {
    const CURSOR: Cursor = Cursor("at");
    let (shown, next) = page(rows(), 0, 2);
    assert_eq!((shown.len(), next), (2, Some(2)));
    let start = CURSOR.read(&CURSOR.write(2)).expect("one of ours");
    let (shown, next) = page(rows(), start, 2);
    assert_eq!((shown.len(), next), (1, None));
    assert_eq!(page(rows(), usize::MAX, 2), (Vec::new(), None));
    assert_eq!(page(rows(), 0, 0), (Vec::new(), None));
    for token in ["2", "after2", "at-1", "at99999999999999999999999", ""] {
        assert_eq!(CURSOR.read(token), None, "{token}");
    }
}

#[test]
fn one_seed_makes_the_same_ids_and_delays() {
    let made = || {
        let (_, pager) = pager(Flaw::None);
        let kit = &pager.kit;
        let drawn = kit.draw(&(30..=60));
        assert!((30..=60).contains(&drawn));
        (kit.named_id("msg"), kit.secret(), kit.request_id(), drawn)
    };
    let (id, secret, request, drawn) = made();
    assert_eq!(made(), (id.clone(), secret.clone(), request.clone(), drawn));
    assert!(id.starts_with("msg_") && id.len() == 16, "{id}");
    assert_eq!((secret.len(), request.len()), (32, 36));
}

#[test]
fn a_difference_from_the_description_is_noted_once_for_its_side_and_survives_a_reset() {
    let (_, pager) = pager(Flaw::None);
    let found = || {
        vec![Mismatch {
            place: "GET /pages: query.x".to_owned(),
            fault: Fault::Undescribed,
        }]
    };
    pager.kit.note("pager", Side::Request, found());
    pager.kit.note("pager", Side::Request, found());
    pager.reset();
    assert_eq!(pager.mismatches(Side::Request).len(), 1);
    assert_eq!(pager.mismatches(Side::Answer), Vec::<String>::new());
}

#[test]
fn time_is_the_clocks_and_stays_representable() {
    let (clock, pager) = pager(Flaw::None);
    clock.advance(SignedDuration::from_mins(5));
    assert_eq!(pager.kit.soon(&(7..=7)), seconds_later(start(), 307));
    assert_eq!(seconds_later(Timestamp::MAX, 1), Timestamp::MAX);
}
