//! From a script's text to the text that goes out.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::clients::Records;
use crate::outside::{self, NameFault};
use crate::time::{Date, DateTime};

/// A gap in a script. The documents spell the same gap differently from script to script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Placeholder {
    /// The client's given name: `____` in S1, `NAME` elsewhere.
    ClientName,
    /// The coach who signs: `YOUR NAME`.
    CoachName,
    /// `D`: `(date)`, `ENTER DATE`, `DATE DUE`.
    DueDate,
}

/// A gap that can't be filled, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Unfilled {
    /// The gap.
    pub gap: Placeholder,
    /// What is wrong with the value; `None` where nobody could be asked for it yet.
    pub fault: Option<NameFault>,
}

impl Unfilled {
    /// What is wrong, and where it is put right, for people.
    /// `records`: the place where it is put right.
    pub fn words(self, records: Records) -> String {
        let records = records.words();
        match (self.gap, self.fault) {
            (Placeholder::ClientName, Some(NameFault::Missing) | None) => {
                format!("the client's first name (add it in {records})")
            }
            (Placeholder::ClientName, Some(fault)) => format!(
                "the client's first name, and what {records} has for it {} (correct it in {records})",
                fault.words()
            ),
            (Placeholder::CoachName, Some(NameFault::Missing)) => {
                format!("the coach's name (assign a coach in {records})")
            }
            (Placeholder::CoachName, Some(fault)) => format!(
                "the coach's name, and what {records} has for it {} (correct it in {records})",
                fault.words()
            ),
            (Placeholder::CoachName, None) => {
                format!(
                    "the coach's name ({records} names her coach, but lists no coach with that id yet)"
                )
            }
            (Placeholder::DueDate, _) => "the due date".to_owned(),
        }
    }
}

/// Every spelling, the longer before the one it contains.
const SPELLINGS: [(&str, Placeholder); 6] = [
    ("YOUR NAME", Placeholder::CoachName),
    ("ENTER DATE", Placeholder::DueDate),
    ("DATE DUE", Placeholder::DueDate),
    ("(date)", Placeholder::DueDate),
    ("____", Placeholder::ClientName),
    ("NAME", Placeholder::ClientName),
];

/// What would be a gap that nobody fills, if it were left in a text.
const SUSPICIOUS: [&str; 9] = [
    "__", "{", "}", "<", "NAME", "DATE", "(name)", "(Name)", "(Date)",
];

/// What the gaps are filled with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Values {
    /// The client's given name as the portal has it.
    pub client_name: Option<String>,
    /// The name of the coach of the moment.
    pub coach_name: Option<String>,
    /// The client has a coach whose name is not known (yet), which is not the same as having none.
    pub coach_unknown: bool,
    /// `D`.
    pub due: Option<Date>,
    /// Where what is missing is put right.
    pub records: Records,
}

/// A text ready to go out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rendered {
    /// The text.
    pub text: String,
    /// Its length in characters, counted after the values were inserted.
    pub chars: usize,
}

/// Why a script can't be rendered.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RenderError {
    /// Gaps without a usable value.
    #[error("{} needs {}", super::called(.script), list(.missing, *.records))]
    Missing {
        /// The script.
        script: String,
        /// The gaps.
        missing: Vec<Unfilled>,
        /// Where they are put right.
        records: Records,
    },
    /// The text has something that looks like a gap and is none that we know.
    #[error("{} has a placeholder we don't know: {found}", super::called(.script))]
    UnknownPlaceholder {
        /// The script.
        script: String,
        /// What was found.
        found: String,
    },
}

fn list(missing: &[Unfilled], records: Records) -> String {
    let words: Vec<_> = missing.iter().map(|one| one.words(records)).collect();
    words.join(" and ")
}

/// A piece of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece<'a> {
    Text(&'a str),
    Gap(Placeholder),
}

/// A script cut at its gaps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template<'a>(Vec<Piece<'a>>);

impl<'a> Template<'a> {
    /// Cuts a script's text; the error is what looks like a gap and is none that we know.
    pub(super) fn parse(file: &'a str) -> Result<Self, String> {
        let mut rest = without_marks(file);
        let mut pieces = Vec::new();
        while let Some((at, spelling, gap)) = next_gap(rest) {
            pieces.push(Piece::Text(&rest[..at]));
            pieces.push(Piece::Gap(gap));
            rest = &rest[at + spelling.len()..];
        }
        pieces.push(Piece::Text(rest));
        for piece in &pieces {
            if let Piece::Text(text) = piece
                && let Some(found) = SUSPICIOUS.iter().find(|mark| text.contains(**mark))
            {
                return Err((*found).to_owned());
            }
        }
        Ok(Self(pieces))
    }

    pub(super) fn placeholders(&self) -> BTreeSet<Placeholder> {
        let gaps = self.0.iter().filter_map(|piece| match piece {
            Piece::Gap(gap) => Some(*gap),
            Piece::Text(_) => None,
        });
        gaps.collect()
    }

    pub(super) fn render(&self, script: &str, values: &Values) -> Result<Rendered, RenderError> {
        let mut text = String::new();
        let mut missing = BTreeSet::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(words) => text.push_str(words),
                Piece::Gap(gap) => match value(*gap, values) {
                    Ok(value) => text.push_str(&value),
                    Err(unfilled) => {
                        missing.insert(unfilled);
                    }
                },
            }
        }
        if missing.is_empty() {
            let chars = text.chars().count();
            Ok(Rendered { text, chars })
        } else {
            Err(RenderError::Missing {
                script: script.to_owned(),
                missing: missing.into_iter().collect(),
                records: values.records,
            })
        }
    }
}

/// The earliest gap in `text`: where, how it is spelt, which. Of two at the same place the longer.
fn next_gap(text: &str) -> Option<(usize, &'static str, Placeholder)> {
    let found = SPELLINGS
        .iter()
        .filter_map(|(spelling, gap)| text.find(spelling).map(|at| (at, *spelling, *gap)));
    // `min_by_key` keeps the first of equals, and the table has the longer spelling first.
    found.min_by_key(|(at, _, _)| *at)
}

/// The text between the document's quotation marks (rule 1 of the module).
fn without_marks(file: &str) -> &str {
    let is_mark = |c: char| matches!(c, '"' | '“' | '”');
    let text = file.trim();
    let text = text.strip_prefix(is_mark).unwrap_or(text);
    let text = text.strip_suffix(is_mark).unwrap_or(text);
    text.trim()
}

fn value(gap: Placeholder, values: &Values) -> Result<String, Unfilled> {
    let unfilled = |fault| Unfilled { gap, fault };
    match gap {
        Placeholder::ClientName => {
            outside::name(values.client_name.as_deref()).map_err(|fault| unfilled(Some(fault)))
        }
        Placeholder::CoachName if values.coach_name.is_none() && values.coach_unknown => {
            Err(unfilled(None))
        }
        Placeholder::CoachName => {
            outside::name(values.coach_name.as_deref()).map_err(|fault| unfilled(Some(fault)))
        }
        Placeholder::DueDate => values
            .due
            .map(date_words)
            .ok_or_else(|| unfilled(Some(NameFault::Missing))),
    }
}

/// A day of the week as people read it.
pub fn weekday_words(day: jiff::civil::Weekday) -> &'static str {
    use jiff::civil::Weekday;
    match day {
        Weekday::Monday => "Monday",
        Weekday::Tuesday => "Tuesday",
        Weekday::Wednesday => "Wednesday",
        Weekday::Thursday => "Thursday",
        Weekday::Friday => "Friday",
        Weekday::Saturday => "Saturday",
        Weekday::Sunday => "Sunday",
    }
}

/// A moment as staff read it: `November 6, 14:02`. `clock`: the time at the clinic.
pub fn moment_words(clock: DateTime) -> String {
    let date = date_words(clock.date());
    format!("{date}, {}:{:02}", clock.hour(), clock.minute())
}

/// A date as clients and coaches read it: `November 3`. The month is a word, so that no reader can
/// take it for the day (E24); the year is never in doubt within the weeks of a case.
pub fn date_words(date: Date) -> String {
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let index = usize::try_from(date.month()).unwrap_or(1).clamp(1, 12) - 1;
    format!("{} {}", MONTHS[index], date.day())
}
