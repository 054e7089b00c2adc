//! A cast: people, what they do and when, and what must reach each of them.
//!
//! Written in TOML so that a person of the clinic can read it. Times are clinic time
//! (`2026-11-04 09:00`), because expectations are about mornings and days, not about instants.

use std::collections::HashSet;

use relay_core::time::{Date, DateTime, TimeZone, Timestamp};
use serde::Deserialize;
use serde_json::Value;

/// The cast that `demo` shows live.
pub const SHORT: &str = include_str!("../../fixtures/casts/short.toml");
/// The cast that `demo --once` plays whole.
pub const FULL: &str = include_str!("../../fixtures/casts/full.toml");

/// People, acts, expectations.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cast {
    /// When the story begins, clinic time.
    pub start: DateTime,
    /// When it ends, clinic time.
    pub until: DateTime,
    /// The coaches.
    #[serde(rename = "coach")]
    pub coaches: Vec<CastCoach>,
    /// The clients.
    #[serde(rename = "client")]
    pub clients: Vec<CastClient>,
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
    /// Given name.
    pub first: String,
    /// Family name.
    pub last: String,
    /// Address on file with both vendors.
    pub email: String,
    /// Number on file in the CRM, if any.
    pub phone: Option<String>,
    /// Her coach.
    pub coach: String,
    /// Her contact in the CRM.
    pub contact: String,
    /// `R`.
    pub regimen: Option<Date>,
    /// `D`, where a check-in is due; none where the story is about an order only.
    pub due: Option<Date>,
    /// Mail she got before, as the CRM lists it.
    #[serde(default, rename = "mail")]
    pub mails: Vec<CastMail>,
    /// What is set up before the story begins.
    #[serde(default, rename = "before")]
    pub before: Vec<Value>,
    /// What happens to her.
    #[serde(default, rename = "act")]
    pub acts: Vec<CastAct>,
    /// What must reach her and those around her, in this order, and nothing else.
    #[serde(default, rename = "expect")]
    pub expects: Vec<Expectation>,
    /// What a person finds in the work list at the end: kinds, in order of opening.
    #[serde(default)]
    pub work: Vec<String>,
}

/// A mail in her history.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CastMail {
    /// When it was sent, clinic time.
    pub sent: DateTime,
    /// How many seconds later it was opened, if it was.
    pub opened_after: Option<i64>,
    /// How many seconds later a link was clicked, if one was.
    pub clicked_after: Option<i64>,
}

/// Something that happens at a moment.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CastAct {
    /// When, clinic time. Exactly one of `at` and `on` is given.
    pub at: Option<DateTime>,
    /// Right when the flow passes this place for her (`effect.intent.before`): between guard and
    /// send, between the vendor's work and our record.
    pub on: Option<String>,
    /// Who acts: `portal`, `keap` (an act of the world at that vendor), `fault` (a fault is
    /// ordered), `relay` (a person uses the relay), `stranger` (a forged request).
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
    /// What: the name of the effect.
    pub what: String,
    /// What its content must say, whole words of it in any order of members. For messages the
    /// whole text; for the rest a part that is enough to tell.
    #[serde(default)]
    pub says: Vec<String>,
}

impl Cast {
    /// Reads a cast. The error names the line and what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let cast: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        cast.check()?;
        Ok(cast)
    }

    /// When the story begins.
    pub fn start(&self, zone: &TimeZone) -> Timestamp {
        instant(self.start, zone)
    }

    /// When it ends.
    pub fn until(&self, zone: &TimeZone) -> Timestamp {
        instant(self.until, zone)
    }

    fn check(&self) -> Result<(), String> {
        let coaches: HashSet<&str> = self.coaches.iter().map(|coach| coach.id.as_str()).collect();
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
            for act in &client.acts {
                if act.at.is_some() == act.on.is_some() {
                    return Err(format!("client {who}: an act needs one of `at` and `on`"));
                }
                if !matches!(
                    act.by.as_str(),
                    "portal" | "keap" | "fault" | "relay" | "stranger"
                ) {
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
