//! The amnesia drill: at a random moment the database becomes an earlier copy of itself, or an empty
//! one, and the relay goes on.
//!
//! Each seed is a clinic of its own for two weeks of virtual time: clients who check in, write, are
//! called, or do nothing; vendors that fail now and then before and after they have done the work; a
//! coach who works off her list at eleven. The copy is 0 to 48 hours old, or there is none. The
//! generation file stays beside the database, as in life. The third forgetting, a power cut that takes what
//! was not synced, is in `power_cut.rs`.
//!
//! Judged by what the vendors accepted, and not by any table of ours:
//! - nothing reached a client or a coach twice: one message, one email, one note of a wording about
//!   one check-in; no second open call task, and none after the coach has called;
//! - nobody is forgotten: whoever has not checked in has an open case, a backlog item, or a case that
//!   a person closed;
//! - nobody is asked about what the vendor could show, nor to send it. How often somebody is asked about an email,
//!   whose absence nobody can prove, is printed.
//!
//! How many seeds: 52 in the suite. More by command, on the release build:
//!
//! ```sh
//! RELAY_AMNESIA_SEEDS=2000 cargo test --release --test it drills::amnesia -- --nocapture
//! ```

use std::collections::{BTreeMap, BTreeSet};

use clear_relay::engine::commands::work;
use relay_core::effects::{Absence, EffectKind};
use relay_core::ids::{ClientId, WorkItemId};
use relay_core::random::{Random, SeededRandom};
use relay_core::time::{SignedDuration, Timestamp};
use relay_store::WorkItem;
use serde_json::{Value, json};

use crate::edge::clinic::{ALL, Clinic, Person, at};
use crate::support::tools::Tools as _;

/// How many seeds are played where nobody says otherwise.
const SEEDS: u64 = 52;

/// The tests that share them, so that they run beside each other.
const PARTS: u64 = 4;

/// The last day of the story.
const END: &str = "2026-11-17 12:00";

/// Who is in the clinic.
fn people() -> Vec<Person> {
    let person = |id, contact, opens, due| Person {
        id,
        contact,
        opens,
        due: Some(due),
        ..Person::maya()
    };
    vec![
        person("maya", 201, true, "2026-11-03"),
        person("jo", 202, false, "2026-11-03"),
        person("ana", 203, true, "2026-11-04"),
        person("gail", 204, false, "2026-11-05"),
        person("hana", 205, true, "2026-11-05"),
    ]
}

/// A number below `limit`.
fn below(random: &dyn Random, limit: u64) -> u64 {
    random.next_u64() % limit
}

fn minutes_after(start: &str, minutes: u64) -> Timestamp {
    let minutes = i64::try_from(minutes).expect("a few days");
    let by = SignedDuration::from_mins(minutes);
    at(start).checked_add(by).expect("a time")
}

/// What happens, in order of time.
#[derive(Debug)]
enum Event {
    Portal(Value),
    Fault(&'static str, Value),
    CoachCalls { contact: u64, text: String },
    WorksOff,
    Copy,
    Forget,
}

/// What one client does, and when.
fn acts_of(person: &Person, random: &dyn Random) -> Vec<(Timestamp, Event)> {
    let some_time = || minutes_after("2026-11-03 08:00", below(random, 9 * 24 * 60));
    let check_in = format!("ci_{}", person.id);
    match below(random, 6) {
        0 => vec![(
            some_time(),
            Event::Portal(json!({ "act": "check_in", "client": person.id })),
        )],
        1 => {
            let text = "Sorry, a busy week!";
            let writes = json!({ "act": "client_writes", "client": person.id, "text": text });
            vec![(some_time(), Event::Portal(writes))]
        }
        2 => {
            let moved = |due: &str| {
                Event::Portal(json!({ "act": "reschedule", "check_in": check_in, "due": due }))
            };
            let away = below(random, 9 * 24 * 60);
            let back = away + below(random, 4 * 24 * 60);
            let mut acts = vec![(minutes_after("2026-11-03 08:00", away), moved("2026-11-24"))];
            if below(random, 2) == 0 {
                let due = person.due.expect("a due date");
                acts.push((minutes_after("2026-11-03 08:00", back), moved(due)));
            }
            acts
        }
        _ => Vec::new(),
    }
}

/// A vendor fails once, before or after it has done the work.
fn fault(random: &dyn Random) -> Event {
    let operations = [
        ("portal", "portal_message"),
        ("portal", "portal_note"),
        ("keap", "email"),
        ("keap", "call_task"),
        ("keap", "contact_note"),
    ];
    let acts = [
        json!({ "act": "status", "code": 429, "retry_after": 1800 }),
        json!({ "act": "status", "code": 503, "retry_after": 600 }),
        json!({ "act": "status", "code": 500 }),
        json!({ "act": "hang" }),
        json!({ "act": "reset" }),
    ];
    let pick = |length: usize| {
        let place = below(random, u64::try_from(length).expect("a few"));
        usize::try_from(place).expect("a few")
    };
    let (vendor, operation) = operations[pick(operations.len())];
    let mut rule = acts[pick(acts.len())].clone();
    rule["operation"] = json!(operation);
    rule["moment"] = json!(["before", "after"][pick(2)]);
    rule["skip"] = json!(below(random, 3));
    Event::Fault(vendor, rule)
}

/// A seed's story.
struct Drill {
    events: Vec<(Timestamp, Event)>,
    /// Whether the database is empty afterwards.
    empty: bool,
    /// Whether somebody decides about the list of emails that may have gone out.
    releases: bool,
    /// Whether the portal shows with which key a message was written.
    keys_shown: bool,
}

fn plan(seed: u64, people: &[Person]) -> Drill {
    let random = SeededRandom::new(seed);
    let mut events = Vec::new();
    for person in people {
        events.extend(acts_of(person, &random));
        if !person.opens && below(&random, 2) == 0 {
            let text = ["Outcome: no answer", "Outcome: spoke", ""];
            let text = text[usize::try_from(below(&random, 3)).expect("a few")];
            let when = minutes_after("2026-11-06 10:00", below(&random, 5 * 24 * 60));
            let calls = Event::CoachCalls {
                contact: person.contact,
                text: text.to_owned(),
            };
            events.push((when, calls));
        }
    }
    for _ in 0..below(&random, 4) {
        events.push((at("2026-11-03 08:00"), fault(&random)));
    }
    for day in 4..=17 {
        events.push((at(&format!("2026-11-{day:02} 11:00")), Event::WorksOff));
    }
    let forgets = minutes_after("2026-11-03 20:00", below(&random, 7 * 24 * 60));
    let empty = below(&random, 5) == 0;
    // Often a few minutes, as after a crash; now and then two days, as after a forgotten backup.
    let age = match below(&random, 4) {
        0 => below(&random, 10),
        1 => below(&random, 120),
        _ => below(&random, 48 * 60 + 1),
    };
    let age = SignedDuration::from_mins(i64::try_from(age).expect("two days"));
    events.push((forgets.checked_sub(age).expect("a time"), Event::Copy));
    events.push((forgets, Event::Forget));
    let releases = below(&random, 2) == 0;
    let keys_shown = below(&random, 4) != 0;
    events.sort_by_key(|(when, event)| (*when, matches!(event, Event::Forget)));
    Drill {
        events,
        empty,
        releases,
        keys_shown,
    }
}

/// What became of a seed.
#[derive(Debug, Default)]
struct Outcome {
    /// What is wrong; empty when nothing is.
    wrong: Vec<String>,
    emails: usize,
    listed: usize,
    asked: usize,
}

async fn play(seed: u64) -> Outcome {
    let people = people();
    let drill = plan(seed, &people);
    let mut clinic = Clinic::with(&people).await;
    clinic.portal(json!({ "act": "switch", "keys_not_shown": !drill.keys_shown }));
    let folder = tempfile::tempdir().expect("a folder");
    let copy = folder.path().join("copy.sqlite");
    let mut met = Seen::default();
    for (when, event) in drill.events {
        clinic.world.run_until(when).await.expect("a run");
        match event {
            Event::Portal(act) => {
                // She may have checked in already, or have nothing to move.
                let _ = clinic.world.vendors.portal().act(act);
            }
            Event::Fault(vendor, rule) => clinic.fault(vendor, rule),
            Event::CoachCalls { contact, text } => {
                let act = json!({ "act": "complete_task", "contact": contact, "text": text });
                if clinic.world.vendors.keap().act(act).is_ok() {
                    met.called.insert(contact, when);
                }
            }
            Event::WorksOff => works_off(&clinic, drill.releases, &mut met).await,
            Event::Copy => clinic.world.copy(&copy).expect("a copy"),
            Event::Forget => {
                met.note(&clinic).await;
                let copy = (!drill.empty).then_some(copy.as_path());
                clinic.world.forget(copy).await.expect("another life");
            }
        }
        clinic.settle().await;
    }
    clinic.until(END).await;
    met.note(&clinic).await;
    let mut outcome = judge(&clinic, &people, &met, drill.keys_shown).await;
    if drill.keys_shown {
        let again = met.again.iter();
        let asked = again.map(|who| format!("{who}: asked to send what was sent"));
        outcome.wrong.extend(asked);
    }
    outcome
}

/// What was there to be seen on the way.
#[derive(Debug, Default)]
struct Seen {
    /// When the coach called, by contact.
    called: BTreeMap<u64, Timestamp>,
    /// Kinds of effect of which a person was asked whether they went out.
    asked: BTreeMap<WorkItemId, EffectKind>,
    /// Emails that stood in the list.
    listed: BTreeSet<String>,
    /// Who was asked to send the first message by hand although the portal shows that it was sent.
    again: BTreeSet<String>,
}

impl Seen {
    async fn note(&mut self, clinic: &Clinic) {
        for item in clinic.work().await {
            if item.kind == "memory" {
                let list = item.detail["list"].as_object().into_iter().flatten();
                self.listed.extend(list.map(|(key, _)| key.clone()));
            }
            if let ("hold", Some(client)) = (item.kind.as_str(), &item.client)
                && item.detail["ready"]["script"] == "S1"
                && clinic.world.vendors.accepted().iter().any(|entry| {
                    entry.operation == "portal_message" && entry.who == client.as_str()
                })
            {
                self.again.insert(client.to_string());
            }
            if let ("unsettled", Some(key)) = (item.kind.as_str(), &item.effect) {
                let effect = clinic.store().effect(key).await.expect("a store");
                let effect = effect.expect("an effect");
                self.asked.insert(item.id, effect.kind());
            }
        }
    }
}

/// Eleven o'clock: the coach answers what she is asked, the manager decides about the list.
async fn works_off(clinic: &Clinic, releases: bool, seen: &mut Seen) {
    seen.note(clinic).await;
    let engine = clinic.world.relay.engine.clone();
    for item in clinic.work().await {
        let id = item.id;
        match item.kind.as_str() {
            "reply" => {
                // Refused where something unseen has come in; she looks again tomorrow.
                let _ = work::settle_work(&engine, id, "Beth", "resume", None).await;
            }
            "memory" if releases => decide_list(clinic, &item).await,
            _ => {}
        }
    }
}

/// The manager looks in the CRM whether each client has her email.
async fn decide_list(clinic: &Clinic, item: &WorkItem) {
    let sent = clinic.world.vendors.accepted();
    let people = people();
    let listed = item.detail["list"].as_object().into_iter().flatten();
    for (_, entry) in listed {
        let client = entry["client"].as_str().expect("a client");
        let contact = people.iter().find(|person| person.id == client);
        let contact = contact.expect("a client of ours").contact.to_string();
        let there = sent
            .iter()
            .any(|entry| entry.who == contact && entry.operation == "email");
        let action = if there { "happened" } else { "release" };
        let engine = &clinic.world.relay.engine;
        let decided = work::settle_work(engine, item.id, "Pat", action, Some(client)).await;
        decided.expect("a decision");
    }
}

/// `keys_shown`: whether the portal shows with which key a thing was written. Where it does not, what
/// is there may be the coach's own, and that a request of ours was lost is not provable.
async fn judge(clinic: &Clinic, people: &[Person], seen: &Seen, keys_shown: bool) -> Outcome {
    let mut outcome = Outcome {
        listed: seen.listed.len(),
        asked: seen.asked.len(),
        ..Outcome::default()
    };
    for kind in seen.asked.values() {
        let portal = matches!(kind, EffectKind::PortalMessage | EffectKind::PortalNote);
        if matches!(kind.absence(), Absence::ProvenAfter(_)) && (keys_shown || !portal) {
            let kind = kind.as_str();
            outcome
                .wrong
                .push(format!("somebody was asked about a {kind}"));
        }
    }
    for person in people {
        twice(clinic, person, seen, &mut outcome);
        if forgotten(clinic, person).await {
            outcome.wrong.push(format!("{} is forgotten", person.id));
        }
    }
    outcome
}

/// What reached her, or her coach about her, more than once.
fn twice(clinic: &Clinic, person: &Person, seen: &Seen, outcome: &mut Outcome) {
    let mut counted: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut open = 0_i64;
    let called = seen.called.get(&person.contact);
    for entry in clinic.accepted(person) {
        let text = |name: &str| entry.content[name].as_str().unwrap_or_default().to_owned();
        match entry.operation.as_str() {
            // One script each, one date: her only check-in, wherever it was moved meanwhile.
            "portal_message" | "email" => {
                outcome.emails += usize::from(entry.operation == "email");
                let key = (entry.operation.clone(), String::new());
                *counted.entry(key).or_default() += 1;
            }
            "portal_note" | "contact_note" => {
                let key = (entry.operation.clone(), text("text"));
                *counted.entry(key).or_default() += 1;
            }
            "call_task" => {
                open += 1;
                if called.is_some_and(|called| entry.at > *called) {
                    let who = person.id;
                    outcome
                        .wrong
                        .push(format!("{who}: a call task after the call"));
                }
            }
            "close_task" => open -= 1,
            _ => {}
        }
    }
    open -= i64::from(called.is_some());
    if open > 1 {
        outcome
            .wrong
            .push(format!("{}: {open} open call tasks", person.id));
    }
    for ((operation, text), count) in counted {
        if count > 1 {
            let who = person.id;
            outcome
                .wrong
                .push(format!("{who}: {count} times {operation} {text}"));
        }
    }
}

/// Whether she has not checked in and nobody and nothing looks after her.
async fn forgotten(clinic: &Clinic, person: &Person) -> bool {
    let look = clinic
        .world
        .vendors
        .portal()
        .look(person.id)
        .expect("a client");
    let check_in = look.check_ins.first().expect("her check-in");
    let end = END[..10].parse().expect("a date");
    let overdue = check_in.submitted_at.is_none() && check_in.due < end;
    if !overdue {
        return false;
    }
    let id = ClientId::from(person.id);
    let open = clinic.store().open_work(None, ALL).await.expect("work");
    let backlog = open
        .iter()
        .any(|item| item.kind == "backlog" && item.client.as_ref() == Some(&id));
    let cases = clinic.cases(person).await;
    let followed = cases.iter().any(|case| !case.status.is_closed());
    !(backlog || followed)
}

fn seeds() -> u64 {
    #[expect(
        clippy::disallowed_methods,
        reason = "how many seeds a person asks for by command"
    )]
    let told = std::env::var("RELAY_AMNESIA_SEEDS").ok();
    told.map_or(SEEDS, |told| told.parse().expect("a number of seeds"))
}

async fn part(number: u64) {
    let mut total = Outcome::default();
    let mut failed = Vec::new();
    for seed in (number..seeds()).step_by(usize::try_from(PARTS).expect("a few")) {
        let outcome = play(seed).await;
        total.emails += outcome.emails;
        total.listed += outcome.listed;
        total.asked += outcome.asked;
        if !outcome.wrong.is_empty() {
            failed.push((seed, outcome.wrong));
        }
    }
    println!(
        "amnesia, part {number}: {} emails sent; a person was asked for {} by the list and {} by \
         an item each",
        total.emails, total.listed, total.asked
    );
    assert!(failed.is_empty(), "{failed:#?}");
}

#[tokio::test]
async fn nothing_twice_and_nobody_forgotten_in_the_first_part_of_the_seeds() {
    part(0).await;
}

#[tokio::test]
async fn nothing_twice_and_nobody_forgotten_in_the_second_part_of_the_seeds() {
    part(1).await;
}

#[tokio::test]
async fn nothing_twice_and_nobody_forgotten_in_the_third_part_of_the_seeds() {
    part(2).await;
}

#[tokio::test]
async fn nothing_twice_and_nobody_forgotten_in_the_last_part_of_the_seeds() {
    part(3).await;
}

#[tokio::test]
async fn a_seed_repeats_itself() {
    let (first, second) = (play(5).await, play(5).await);
    assert_eq!(format!("{first:?}"), format!("{second:?}"));
}
