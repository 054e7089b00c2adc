//! The parameters and texts of a procedure: data that the clinic owns, at one version.
//!
//! Durations, thresholds, rule names, subjects, tags and scripts stand in a file with the number
//! of the question each of them answers (`procedures/missed-check-in.toml`). The order of steps
//! is code and stands in no file. The version is the [`hash`](MissedCheckInProcedure::hash) of
//! everything that can change what a client or a coach sees; a case keeps the version it was
//! opened with, so [`to_body`](MissedCheckInProcedure::to_body) is stored once per version and
//! read back by [`from_body`](MissedCheckInProcedure::from_body).
//!
//! `mode` (act or propose) is not part of the version: it says whether, not what.
//!
//! A stored version outlives the code that wrote it (see the crate's section on what is stored): a
//! parameter that is added has a default, one that is dropped is ignored, and the version keeps its
//! name, which is the hash of what is stored and not of what this code would store. Keys that
//! nobody knows are refused where a person writes them: in the file.

mod compare;
mod read;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::case::Mode;
use crate::channel::ChannelParameters;
use crate::scripts::{Scripts, shipped};
use crate::time::SignedDuration;

pub use compare::{Difference, differences};
pub use read::{Mistake, Mistakes};

/// The procedure file shipped with the relay.
pub const SHIPPED: &str = include_str!("../../../procedures/missed-check-in.toml");

/// Following up a missed check-in, at one version.
#[derive(Debug, Clone, PartialEq)]
pub struct MissedCheckInProcedure {
    /// The mode that new cases are opened in. Not part of the version.
    pub mode: Mode,
    /// Durations, thresholds, names.
    pub parameters: Parameters,
    /// The texts.
    pub scripts: Scripts,
    hash: String,
}

/// Everything but the texts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Parameters {
    /// `W = R +` this many days: the "3-weeks" of the scripts.
    pub window_days: i32,
    /// How long to wait between steps (A2).
    pub waits: Waits,
    /// When people are asked, reminded and passed over.
    pub coach: CoachTimes,
    /// How it is decided whether she has been opening her email (A4).
    pub channel: ChannelParameters,
    /// The subject of S2; `{date}` is the due date (A7).
    pub email_subject: String,
    /// The tags that show the chosen channel in the CRM.
    pub tags: Tags,
}

/// How long to wait between steps. Hours are elapsed time, not hours on the wall.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waits {
    /// After delivery of a message, or after a recorded call.
    pub usual_hours: i64,
    /// The same when `W` is near or over.
    pub short_hours: i64,
    /// `W` is near when fewer days than this would be left after the usual wait.
    pub near_days: i32,
    /// The first message goes out no earlier than this after a due *time*, if there is one (A1).
    pub first_message_after_due_hours: i64,
}

impl Waits {
    /// The usual wait.
    pub fn usual(&self) -> SignedDuration {
        SignedDuration::from_hours(self.usual_hours)
    }

    /// The wait when `W` is near or over.
    pub fn short(&self) -> SignedDuration {
        SignedDuration::from_hours(self.short_hours)
    }
}

/// When people are asked, reminded and passed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CoachTimes {
    /// A coach who wrote by hand within this many hours is asked before anything is sent (E43).
    pub wrote_within_hours: i64,
    /// Working days until a reply without a decision is brought up again (A3).
    pub reply_reminder_days: i32,
    /// Working days until a call without an outcome is brought up again (A8).
    pub call_reminder_days: i32,
    /// Working days until the Program Manager hears of it (A8).
    pub call_escalation_days: i32,
    /// Working days until a step that waits for the coach is brought up again.
    pub hold_reminder_days: i32,
}

/// The tags that show the chosen channel in the CRM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tags {
    /// While the email scenario runs.
    pub email: String,
    /// While the phone scenario runs.
    pub phone: String,
}

/// What the version is computed from, and what is stored of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Body {
    parameters: Parameters,
    scripts: Scripts,
}

/// A stored procedure that can't be read.
#[derive(Debug, Error)]
#[error("the stored procedure can't be read")]
pub struct BodyError(#[from] serde_json::Error);

impl MissedCheckInProcedure {
    /// Reads a procedure file. `script_text` gives the text of a script file by its name.
    /// Every mistake is reported at once, with its key and what to do about it.
    pub fn parse(
        toml: &str,
        script_text: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, Mistakes> {
        let (mode, parameters, scripts) = read::missed_check_in(toml, &script_text)?;
        Self::of(mode, parameters, scripts).map_err(|BodyError(error)| {
            Mistakes(vec![Mistake {
                key: String::new(),
                problem: error.to_string(),
                remedy: "report this as a fault of the relay".into(),
            }])
        })
    }

    /// The procedure that travels in the binary. The error can't happen in a released binary;
    /// a test reads the shipped files.
    pub fn shipped() -> Result<Self, Mistakes> {
        Self::parse(SHIPPED, shipped)
    }

    /// A procedure of these parts.
    pub fn of(mode: Mode, parameters: Parameters, scripts: Scripts) -> Result<Self, BodyError> {
        let body = Body {
            parameters,
            scripts,
        };
        let hash = hash_of(&serde_json::to_value(&body)?);
        Ok(Self {
            mode,
            parameters: body.parameters,
            scripts: body.scripts,
            hash,
        })
    }

    /// The version: SHA-256 of the canonical JSON of parameters and scripts, lower-case hex.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// What is stored under the version.
    pub fn to_body(&self) -> Result<serde_json::Value, BodyError> {
        Ok(serde_json::to_value(Body {
            parameters: self.parameters.clone(),
            scripts: self.scripts.clone(),
        })?)
    }

    /// The procedure of a stored version, to be run in `mode`.
    pub fn from_body(body: &serde_json::Value, mode: Mode) -> Result<Self, BodyError> {
        let Body {
            parameters,
            scripts,
        } = Body::deserialize(body)?;
        Ok(Self {
            mode,
            parameters,
            scripts,
            hash: hash_of(body),
        })
    }
}

/// SHA-256 of canonical JSON, lower-case hex.
pub fn hash_of(value: &serde_json::Value) -> String {
    let mut text = String::new();
    write_canonical(value, &mut text);
    hex::encode(Sha256::digest(text.as_bytes()))
}

/// JSON without blanks and with sorted keys. `serde_json` sorts by itself only as long as no crate
/// in the build turns on its feature that keeps insertion order, so the order is made here.
fn write_canonical(value: &serde_json::Value, out: &mut String) {
    use serde_json::Value;
    match value {
        Value::Object(map) => {
            let mut keys: Vec<_> = map.keys().collect();
            keys.sort();
            out.push('{');
            for (index, key) in keys.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                out.push_str(&Value::from(key.as_str()).to_string());
                out.push(':');
                write_canonical(&map[key], out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_canonical(item, out);
            }
            out.push(']');
        }
        plain => out.push_str(&plain.to_string()),
    }
}

#[cfg(test)]
mod tests;
