//! `[procedures]`: which procedures run, and whether they act.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use relay_core::case::Mode;
use relay_core::ids::CoachId;
use relay_core::procedure::{MissedCheckInProcedure, Mistake, Mistakes};
use relay_core::workflows::missed_check_in::Step;

use super::reader::Reader;
use super::reading;

pub(super) const EXAMPLE: &str = r#"[procedures]
# How many hours a message to a client waits after one that belongs to another case of hers (E66):
# 0 to 168.
hours_between_cases = 24

[procedures.missed_check_in]
# "propose" computes and shows everything and sends nothing; "act" carries it out. A case that
# was opened as a proposal stays one; one that was opened to act waits while this says "propose".
mode = "propose"
# The coaches for whose clients it acts, by their ids; for everybody else's it proposes. Left out: for every
# coach's. A way to start small (A39).
#act_for = ["coach-1"]
# The steps whose messages the client's coach is asked about first: "portal_message" (the first message in the
# portal), "email_follow_up". She is told at least two hours of the office's time before it goes out, in her task in
# the CRM, and can stop it; no word from her lets it go. Where she has no tasks there (people.coaches), it waits until
# she says "send". The first message says "yesterday": where two hours are over on a later day only, as after a
# weekend, it is held for her with the text ready.
#ask_first = ["email_follow_up"]
# A folder with missed-check-in.toml and scripts/, to be used instead of what is built in. From
# the folder of this file.
#path = "procedures"
"#;

/// A week: longer, and a procedure would stand still.
const MOST_HOURS: u16 = 168;

/// How one procedure runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcedureConfig {
    /// The mode new cases are opened in. [`Mode::Propose`] unless it says otherwise.
    pub mode: Mode,
    /// The coaches for whose clients it acts; `None`: every coach (A39).
    pub act_for: Option<BTreeSet<CoachId>>,
    /// The steps whose coach is asked before a message goes out, by their ids (A30).
    pub ask_first: BTreeSet<String>,
    /// The folder that replaces the built-in parameters and scripts.
    pub path: Option<PathBuf>,
}

/// The section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProceduresConfig {
    /// How many hours a message waits after one of another case to the same client (E66).
    pub hours_between_cases: u16,
    /// Following up a missed check-in.
    pub missed_check_in: ProcedureConfig,
}

impl ProceduresConfig {
    pub(super) fn read(mut reader: Reader<'_>) -> Self {
        let hours_between_cases = hours_between_cases(&mut reader);
        let missed_check_in = ProcedureConfig::read(reader.section("missed_check_in"));
        reader.finish();
        Self {
            hours_between_cases,
            missed_check_in,
        }
    }
}

fn hours_between_cases(reader: &mut Reader<'_>) -> u16 {
    let key = "hours_between_cases";
    let hours = reader
        .parsed(key, "a number of hours, 0 to 168")
        .unwrap_or(24);
    if hours > MOST_HOURS {
        reader.mistake(
            key,
            format!("{hours} is more than a week"),
            "write 0 to 168",
        );
    }
    hours
}

impl ProcedureConfig {
    /// The ids of the coaches for whose clients it acts, where that is not everybody.
    pub fn acts_for(&self) -> Vec<String> {
        let named = self.act_for.iter().flatten();
        named.map(CoachId::to_string).collect()
    }

    /// The procedure, from the folder or as built in, in the configured mode. The configuration
    /// decides the mode, whatever the procedure's own file says: one switch, in one place.
    pub fn missed_check_in(&self) -> Result<MissedCheckInProcedure, Mistakes> {
        let mut procedure = match &self.path {
            None => MissedCheckInProcedure::shipped()?,
            Some(folder) => from_folder(folder)?,
        };
        procedure.mode = self.mode;
        Ok(procedure)
    }

    fn read(mut reader: Reader<'_>) -> Self {
        let modes = [("propose", Mode::Propose), ("act", Mode::Act)];
        let config = Self {
            mode: reader.choice("mode", &modes, Mode::Propose),
            act_for: act_for(&mut reader),
            ask_first: ask_first(&mut reader),
            path: path(&mut reader),
        };
        reader.finish();
        config
    }
}

/// An empty list would be taken for "everybody" by one and for "nobody" by another.
fn act_for(reader: &mut Reader<'_>) -> Option<BTreeSet<CoachId>> {
    let written = reader.has("act_for");
    let ids = reader.list("act_for");
    if ids.is_empty() {
        if written && !reader.is_mistaken("act_for") {
            reader.mistake(
                "act_for",
                "names nobody",
                "name the coaches to begin with, leave it out for every coach, or write mode = \"propose\"",
            );
        }
        return None;
    }
    Some(ids.iter().map(|id| id.as_str().into()).collect())
}

/// The steps in which the relay sends something in a coach's name.
fn ask_first(reader: &mut Reader<'_>) -> BTreeSet<String> {
    let sends = [Step::PortalMessage, Step::EmailFollowUp].map(Step::as_str);
    let steps: BTreeSet<String> = reader.list("ask_first").into_iter().collect();
    let mut others = steps.iter().filter(|step| !sends.contains(&step.as_str()));
    if let Some(other) = others.next() {
        reader.mistake(
            "ask_first",
            format!("{other:?} is no step in which the relay sends something"),
            format!("write some of these: {}", sends.join(", ")),
        );
    }
    steps
}

fn path(reader: &mut Reader<'_>) -> Option<PathBuf> {
    let written = reader.text("path")?;
    reader.kept_place("path", &written)
}

/// A byte order mark or a carriage return in a text would reach a client, so every file of the
/// folder is read like the configuration itself.
fn from_folder(folder: &Path) -> Result<MissedCheckInProcedure, Mistakes> {
    let problem = |path: &Path, unusable: reading::Unusable| Mistake {
        key: String::new(),
        problem: format!("{} {}", path.display(), unusable.wrong),
        remedy: if unusable.absent {
            "name a folder with missed-check-in.toml and scripts/".to_owned()
        } else {
            unusable.remedy.to_owned()
        },
    };
    let file = folder.join("missed-check-in.toml");
    let text = reading::text(&file).map_err(|error| Mistakes(vec![problem(&file, error)]))?;
    let scripts = folder.join("scripts");
    let unusable = RefCell::new(Vec::new());
    let parsed = MissedCheckInProcedure::parse(&text, |name| {
        // A script is a file of the folder, not a way out of it.
        let plain = Path::new(name).file_name().is_some_and(|file| file == name);
        if !plain {
            return None;
        }
        let path = scripts.join(name);
        match reading::text(&path) {
            Ok(text) => Some(text),
            Err(error) if error.absent => None,
            Err(error) => {
                unusable.borrow_mut().push(problem(&path, error));
                None
            }
        }
    });
    // What is there and can't be used is told as that, not as missing.
    let unusable = unusable.into_inner();
    if unusable.is_empty() {
        parsed
    } else {
        Err(Mistakes(unusable))
    }
}
