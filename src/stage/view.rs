//! What the page shows: plain values, and how each is made of what a tool holds.
//!
//! Times are given as the clinic reads them; the page computes with none. What makes a value here
//! is a function of what was read and of nothing else, so that it can be tried without a page.

use std::collections::BTreeMap;

use relay_core::time::{TimeZone, Timestamp};
use relay_http_client::emulation::{FaultAct, FaultRule, Moment};
use serde::Serialize;
use serde_json::Value;

use super::relay::RelayView;
use crate::wiring::emulated::{EmulatedClient, Panels};

/// Everything on the page.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct View {
    /// The clinic's time.
    pub clock: ClockView,
    /// Whether the relay runs in this process: where it doesn't, its line and its buttons say so.
    pub relay_here: bool,
    /// What is wrong at each vendor, by its name, in words; empty where nothing is.
    pub trouble: BTreeMap<&'static str, Vec<String>>,
    /// Everybody who can be chosen.
    pub roster: Vec<Entry>,
    /// Those who were asked for, whole.
    pub people: Vec<Person>,
}

/// The clinic's time, as the page shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClockView {
    /// `Friday, November 6`.
    pub day: String,
    /// `09:00`.
    pub time: String,
    /// Whether time passes.
    pub running: bool,
    /// How fast, in words.
    pub pace: String,
    /// What the visitor can do with it; `None`: nothing.
    pub in_hand: Option<InHand>,
    /// How many presses show at least: a page knows by it that its own has.
    pub presses: u64,
}

/// What a visitor can do with time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InHand {
    /// There is a slower pace.
    pub slower: bool,
    /// There is a faster pace.
    pub faster: bool,
    /// The cast's story has come to its end.
    pub over: bool,
    /// How often it has begun anew.
    pub round: u64,
}

/// Time, as whoever drives the house knows it.
#[derive(Debug, Clone)]
pub struct ShownTime {
    /// Procedure time.
    pub now: Timestamp,
    /// Whether it passes.
    pub running: bool,
    /// How fast, in words.
    pub pace: String,
    /// What the visitor can do with it.
    pub in_hand: Option<InHand>,
}

/// Somebody who can be chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Her id.
    pub id: String,
    /// First name and initial.
    pub name: String,
}

/// Somebody, before anything of hers was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Someone {
    /// Her id.
    pub id: String,
    /// First name and initial.
    pub name: String,
    /// What her story shows; empty where nobody tells one.
    pub story: String,
    /// Her contact in the CRM, where it is known.
    pub contact: Option<u64>,
    /// Whether a visitor has taken a hand in her story.
    pub taken_over: bool,
}

impl Someone {
    /// Somebody whom a vendor knows.
    pub fn of_vendor(known: &EmulatedClient) -> Self {
        let first = known.first.as_deref().unwrap_or("(no name)");
        let initial = known.last.as_deref().and_then(|last| last.chars().next());
        Self {
            id: known.id.clone(),
            name: initial.map_or_else(|| first.to_owned(), |initial| format!("{first} {initial}.")),
            story: String::new(),
            contact: known.contact,
            taken_over: false,
        }
    }
}

/// A client, with what each tool shows of her.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Person {
    /// Her id.
    pub id: String,
    /// First name and initial.
    pub name: String,
    /// What her story shows.
    pub story: String,
    /// Her coach, by name; empty where no tool tells.
    pub coach: String,
    /// Whether a visitor has taken a hand in her story.
    pub taken_over: bool,
    /// What each tool shows, by the name that the page has for it: `portal`, `mailbox`.
    #[serde(flatten)]
    pub panels: BTreeMap<&'static str, Value>,
    /// The relay's own line; `None` where it runs elsewhere.
    pub relay: Option<RelayView>,
    /// Which buttons do something now: `check_in`, `replay`.
    pub can: BTreeMap<&'static str, bool>,
}

/// The clinic's time in words.
pub fn clock(time: &ShownTime, zone: &TimeZone) -> ClockView {
    let local = zone.to_datetime(time.now);
    ClockView {
        day: local.strftime("%A, %B %-d").to_string(),
        time: local.strftime("%H:%M").to_string(),
        running: time.running,
        pace: time.pace.clone(),
        in_hand: time.in_hand.clone(),
        presses: 0,
    }
}

/// How fast time passes, for people.
pub fn pace_in_words(scale: u32) -> String {
    match scale {
        1 => "the pace of life".to_owned(),
        60 => "a minute a second".to_owned(),
        86_400 => "a day a second".to_owned(),
        3600 => "an hour a second".to_owned(),
        scale if scale % 3600 == 0 => format!("{} hours a second", scale / 3600),
        scale if scale % 60 == 0 => format!("{} minutes a second", scale / 60),
        scale => format!("{scale} seconds a second"),
    }
}

/// Faults on order, in words: one line per kind.
pub fn trouble(left: &[FaultRule]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for rule in left {
        let what = match &rule.act {
            FaultAct::Status { code, .. } => format!("answers {code}"),
            FaultAct::Hang => "does not answer".to_owned(),
            FaultAct::Reset => "cuts the connection".to_owned(),
            FaultAct::Refuse => "refuses connections".to_owned(),
            FaultAct::Slow { seconds } => format!("answers after {seconds} seconds"),
        };
        let line = match (rule.moment, rule.operation.as_str()) {
            (Moment::Before, "*") if rule.times >= UNTIL_HEALED => what,
            (Moment::Before, "*") => format!("{what} to the next {} requests", rule.times),
            (Moment::Before, one) => format!("{what} to {}", one.replace('_', " ")),
            (Moment::After, _) => format!("carries out the next change of each kind, then {what}"),
        };
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines
}

/// So many requests that only healing ends it.
pub const UNTIL_HEALED: u32 = 1_000_000;

/// A client, whole: `panels` is what each vendor's tool shows of her.
pub fn person(someone: &Someone, panels: Vec<Panels>, relay: Option<RelayView>) -> Person {
    let here = relay.is_some();
    let dead = relay.as_ref().is_some_and(|relay| relay.dead > 0);
    let mut person = Person {
        id: someone.id.clone(),
        name: someone.name.clone(),
        story: someone.story.clone(),
        coach: String::new(),
        taken_over: someone.taken_over,
        panels: BTreeMap::new(),
        relay,
        can: BTreeMap::from([("replay", dead)]),
    };
    for tool in panels {
        person.panels.extend(tool.shown);
        person.can.extend(tool.can);
        let orders = tool.can_order.into_iter();
        person
            .can
            .extend(orders.map(|(button, can)| (button, can && here)));
        if let Some(coach) = tool.coach {
            person.coach = coach;
        }
    }
    person
}

/// How many people are shown whole where nobody asks for somebody.
pub(crate) const AT_ONCE: usize = 6;

#[cfg(test)]
mod tests;
