//! A cast: people, what they do and when, and what must reach each of them.
//!
//! Written in TOML so that a person of the clinic can read it. Times are clinic time
//! (`2026-11-04 09:00`), because expectations are about mornings and days, not about instants.

use std::collections::{BTreeMap, HashSet};

use relay_core::time::{Date, DateTime, SignedDuration, Time, TimeZone, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::engine::People;
use crate::wiring::VENDORS;
use crate::wiring::emulated::ToldBy;

/// The four people whom `demo` shows live, in the terminal and on its page.
pub const FOUR: &str = include_str!("../../fixtures/casts/four.toml");
/// Two of them, for whoever wants less.
pub const SHORT: &str = include_str!("../../fixtures/casts/short.toml");
/// The cast that `demo --once` plays whole.
pub const FULL: &str = include_str!("../../fixtures/casts/full.toml");
/// The cast that `demo --once` plays after it, in a clinic with the stricter rule (A4).
pub const STRICT: &str = include_str!("../../fixtures/casts/strict.toml");
/// The cast of a clinic whose own list tells who is expected, and which has the CRM and nothing else.
pub const LIST: &str = include_str!("../../fixtures/casts/list.toml");
/// The cast of a clinic whose CRM tells who has missed a check-in, by a tag, and which has nothing else.
pub const CRM: &str = include_str!("../../fixtures/casts/crm.toml");
/// The cast that it plays last: the CRM does not answer for a day.
pub const OUTAGE: &str = include_str!("../../fixtures/casts/outage.toml");

/// The cast of a clinic that has the portal and no CRM: its coaches call and mail by hand.
pub const PORTAL: &str = include_str!("../../fixtures/casts/portal.toml");
/// The cast of a clinic whose coaches are asked before a message goes out in their names (A30).
pub const ASK: &str = include_str!("../../fixtures/casts/ask.toml");

/// The cast of a clinic that has a list of its own and nothing else: its coaches do everything by hand.
pub const ALONE: &str = include_str!("../../fixtures/casts/alone.toml");

/// The people of the full cast for a month, in a clinic whose coaches get as few new tasks a day as one is set up with:
/// what they are asked is counted. Nothing is compared, since an answer that is written down for a day may find no task.
const MONTH: &str = "month";
/// How long that is.
const MONTH_LONG: SignedDuration = SignedDuration::from_hours(31 * 24);

/// The casts that travel in the binary, by name. From the full one on they are what `demo --once` plays.
pub const SHIPPED: [(&str, &str); 11] = [
    ("four", FOUR),
    ("short", SHORT),
    ("full", FULL),
    (MONTH, FULL),
    ("strict", STRICT),
    ("ask", ASK),
    ("list", LIST),
    ("crm", CRM),
    ("portal", PORTAL),
    ("alone", ALONE),
    ("outage", OUTAGE),
];

/// The names of the casts that travel in the binary, as people read them.
pub fn shipped_names() -> String {
    SHIPPED.map(|(name, _)| name).join(", ")
}

/// People, acts, expectations.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cast {
    /// When the story begins, clinic time.
    pub start: DateTime,
    /// When it ends, clinic time.
    pub until: DateTime,
    /// The rule by which opens are judged, where it is not the shipped one (A4).
    pub rule: Option<String>,
    /// The steps whose coach is asked before a message goes out (A30).
    #[serde(default)]
    pub ask_first: Vec<String>,
    /// Which of the coaches is the Program Manager, where she is asked in the CRM: her id.
    pub manager: Option<String>,
    /// How many new tasks a coach gets on a day at most, where it is not so many that no story waits for them.
    pub coach_tasks_a_day: Option<u32>,
    /// What tells who is expected and who has checked in.
    #[serde(default)]
    pub told_by: ToldBy,
    /// Whether the relay has a CRM.
    #[serde(default = "yes")]
    pub has_crm: bool,
    /// Whether what reaches people is compared with what is written down.
    #[serde(default = "yes")]
    pub compared: bool,
    /// Whether what people are asked in the work list is expected like what vendors accept, by the item's kind: where
    /// no vendor accepts anything.
    #[serde(default)]
    pub work_list: bool,
    /// Texts that expectations name, to the character, with `{name}` and `{due}`.
    #[serde(default)]
    pub texts: BTreeMap<String, String>,
    /// Mail histories that clients name.
    #[serde(default, rename = "history")]
    pub histories: Vec<History>,
    /// The coaches.
    #[serde(rename = "coach")]
    pub coaches: Vec<CastCoach>,
    /// The clients.
    #[serde(rename = "client")]
    pub clients: Vec<CastClient>,
}

/// The mail that some clients got before.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct History {
    /// Its name in the cast.
    pub name: String,
    /// The mails, as the CRM lists them.
    pub mails: Vec<CastMail>,
}

/// A coach.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CastCoach {
    /// The portal's id.
    pub id: String,
    /// The name she signs with.
    pub name: String,
    /// The address by which both vendors know her.
    pub email: String,
    /// Her user in the CRM.
    pub user: String,
}

/// A client and her story.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CastClient {
    /// The portal's id; also her name in a report.
    pub id: String,
    /// What the story shows, in one line.
    pub story: String,
    /// Given name; empty where the vendors have none.
    pub first: String,
    /// Family name.
    pub last: String,
    /// Address on file in the CRM.
    pub email: String,
    /// Address on file in the portal, where it is another.
    pub portal_email: Option<String>,
    /// Number on file in the CRM, if any.
    pub phone: Option<String>,
    /// Number on file in the portal, if any.
    pub portal_phone: Option<String>,
    /// Her IANA zone, if the portal knows one.
    pub zone: Option<String>,
    /// Her coach.
    pub coach: String,
    /// Her contact in the CRM.
    pub contact: String,
    /// Whether the portal names her contact.
    #[serde(default = "yes")]
    pub linked: bool,
    /// `R`.
    pub regimen: Option<Date>,
    /// `D`, where a check-in is due from the start.
    pub due: Option<Date>,
    /// `D` as texts must name it, where an act sets it later.
    pub due_in_texts: Option<Date>,
    /// The mail she got before: the name of a history.
    pub history: Option<String>,
    /// What is set up before the story begins.
    #[serde(default)]
    pub before: Vec<CastSetup>,
    /// What happens to her.
    #[serde(default, rename = "act")]
    pub acts: Vec<CastAct>,
    /// What must reach her and those around her, and nothing else.
    #[serde(default, rename = "expect")]
    pub expects: Vec<Expectation>,
    /// What people find in the work list at the end: kinds, in order of the alphabet.
    #[serde(default)]
    pub work: Vec<String>,
}

fn yes() -> bool {
    true
}

/// A mail in a history.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CastMail {
    /// When it was sent, clinic time.
    pub sent: DateTime,
    /// How many seconds later it was opened, if it was.
    pub opened_after: Option<i64>,
    /// How many seconds later a link was clicked, if one was.
    pub clicked_after: Option<i64>,
    /// From which address, where the CRM tells.
    pub from: Option<String>,
}

/// Something that is so before the story begins.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CastSetup {
    /// At which vendor, by its name.
    pub by: String,
    /// The act that makes it so.
    #[serde(rename = "do")]
    pub what: Value,
}

/// Something that happens.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CastAct {
    /// When, clinic time; together with `on`, not before.
    pub at: Option<DateTime>,
    /// Right when the relay passes this place while it works for her (`effect.intent.before`):
    /// between guard and send, between the vendor's work and our record. Acts on one place happen
    /// together, in order.
    pub on: Option<String>,
    /// Who acts: a vendor's name (an act of the world at that vendor), `fault` (a fault is ordered), `mended` (a
    /// vendor's faults are over),
    /// `relay` (a person uses the relay), `stranger` (a forged request).
    pub by: String,
    /// What, in the words of whoever acts.
    #[serde(rename = "do")]
    pub what: Value,
}

/// A request that a vendor must have accepted.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// The day on which, clinic time.
    pub on: Date,
    /// The time of day to the minute, clinic time, where it matters.
    pub at: Option<Time>,
    /// The earliest time of day, clinic time, where only that is certain.
    pub not_before: Option<Time>,
    /// What: the name of the effect.
    pub what: String,
    /// Its whole text, to the character, or the name of one of the cast's texts.
    pub text: Option<String>,
    /// Members of its content and their exact values.
    #[serde(default)]
    pub with: Map<String, Value>,
    /// Parts that its content must have somewhere.
    #[serde(default)]
    pub says: Vec<String>,
}

impl Cast {
    /// Reads a cast. The error names the line and what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut cast: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        cast.check()?;
        cast.fill_texts();
        Ok(cast)
    }

    /// The cast that travels in the binary under this name.
    pub fn shipped(name: &str) -> Result<Self, String> {
        let shipped = SHIPPED.iter().find(|(known, _)| *known == name);
        let (_, text) = shipped
            .ok_or_else(|| format!("there is no cast {name}; there are {}", shipped_names()))?;
        let cast = Self::parse(text).map_err(|error| format!("cast {name}: {error}"))?;
        Ok(if name == MONTH {
            cast.for_a_month()
        } else {
            cast
        })
    }

    fn for_a_month(mut self) -> Self {
        self.until = self.start.saturating_add(MONTH_LONG);
        self.coach_tasks_a_day = Some(People::TASKS_A_DAY);
        self.compared = false;
        self
    }

    /// The same cast with only the clients that `keep` wants.
    #[must_use]
    pub fn only(mut self, keep: impl Fn(&CastClient) -> bool) -> Self {
        self.clients.retain(keep);
        self
    }

    /// When the story begins.
    pub fn start(&self, zone: &TimeZone) -> Timestamp {
        instant(self.start, zone)
    }

    /// When it ends.
    pub fn until(&self, zone: &TimeZone) -> Timestamp {
        instant(self.until, zone)
    }

    /// The mails a client got before.
    pub fn mails(&self, client: &CastClient) -> &[CastMail] {
        let named = |history: &&History| Some(&history.name) == client.history.as_ref();
        self.histories
            .iter()
            .find(named)
            .map_or(&[], |history| &history.mails)
    }

    /// Replaces names of texts by the texts, filled in for each client.
    fn fill_texts(&mut self) {
        for client in &mut self.clients {
            let due = client.due_in_texts.or(client.due);
            let due = due
                .map(|due| due.strftime("%B %-d").to_string())
                .unwrap_or_default();
            for expected in &mut client.expects {
                let named = expected.text.as_ref().and_then(|name| self.texts.get(name));
                if let Some(text) = named {
                    let text = text.replace("{name}", &client.first).replace("{due}", &due);
                    expected.text = Some(text);
                }
            }
        }
    }

    /// The Program Manager, where she is asked in the CRM.
    pub fn manager(&self) -> Option<&CastCoach> {
        let id = self.manager.as_ref()?;
        self.coaches.iter().find(|coach| coach.id == *id)
    }

    fn check(&self) -> Result<(), String> {
        if self.until <= self.start {
            return Err("`until` must be later than `start`".to_owned());
        }
        let coaches: HashSet<&str> = self.coaches.iter().map(|coach| coach.id.as_str()).collect();
        if self.manager.is_some() && self.manager().is_none() {
            return Err("`manager` must be the id of a coach of the cast".to_owned());
        }
        let histories: HashSet<&str> = self.histories.iter().map(|h| h.name.as_str()).collect();
        let mut seen = HashSet::new();
        for client in &self.clients {
            let who = &client.id;
            if !seen.insert(who.as_str()) {
                return Err(format!("client {who} is there twice"));
            }
            if !coaches.contains(client.coach.as_str()) {
                return Err(format!(
                    "client {who}: no coach {} is in the cast",
                    client.coach
                ));
            }
            if let Some(history) = client.history.as_deref().filter(|h| !histories.contains(h)) {
                return Err(format!("client {who}: no history {history} is in the cast"));
            }
            if client.contact.parse::<u64>().is_err() {
                return Err(format!(
                    "client {who}: contact {} is no number",
                    client.contact
                ));
            }
            for act in &client.acts {
                if act.at.is_none() && act.on.is_none() {
                    return Err(format!("client {who}: an act needs `at` or `on`"));
                }
                let by = act.by.as_str();
                let is_vendor = VENDORS.iter().any(|vendor| vendor.name == by);
                if !is_vendor && !matches!(by, "fault" | "mended" | "relay" | "stranger") {
                    return Err(format!("client {who}: nobody named {} can act", act.by));
                }
            }
        }
        Ok(())
    }
}

/// A clinic time as an instant; a time that a clock change leaves out is the one after it.
pub fn instant(at: DateTime, zone: &TimeZone) -> Timestamp {
    zone.to_ambiguous_timestamp(at)
        .compatible()
        .unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use relay_core::effects::EffectKind;

    use super::*;

    #[test]
    fn every_cast_that_travels_in_the_binary_can_be_read() {
        for (name, _) in SHIPPED {
            Cast::shipped(name).expect(name);
        }
        assert!(Cast::shipped("nobody").is_err());
    }

    #[test]
    fn every_kind_of_effect_is_expected_by_somebody_in_the_full_cast() {
        let cast = Cast::shipped("full").expect("a cast");
        // Only a case of an earlier version moves a task.
        let planned = |kind: &EffectKind| *kind != EffectKind::ReassignTask;
        for kind in EffectKind::ALL.into_iter().filter(planned) {
            let expected = |client: &CastClient| {
                client
                    .expects
                    .iter()
                    .any(|expected| expected.what == kind.as_str())
            };
            assert!(cast.clients.iter().any(expected), "{}", kind.as_str());
        }
    }

    #[test]
    fn a_named_text_is_filled_in_for_the_client() {
        let cast = Cast::shipped("full").expect("a cast");
        let maya = &cast.clients[0];
        assert!(
            maya.expects[0]
                .text
                .as_deref()
                .expect("a text")
                .starts_with("Hi Maya! Your check in was due yesterday, November 3. Please submit")
        );
    }
}
