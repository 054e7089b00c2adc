//! From a script's text to the text that goes out.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::time::Date;

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

impl Placeholder {
    /// What is missing when it can't be filled, for people.
    pub fn missing(self) -> &'static str {
        match self {
            Self::ClientName => "the client's first name (add it in the portal)",
            Self::CoachName => "the coach's name (assign a coach in the portal)",
            Self::DueDate => "the due date",
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
    /// `D`.
    pub due: Option<Date>,
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
    #[error("{script} needs {}", list(.missing))]
    Missing {
        /// The script.
        script: String,
        /// The gaps.
        missing: Vec<Placeholder>,
    },
    /// The text has something that looks like a gap and is none that we know.
    #[error("{script} has a placeholder we don't know: {found}")]
    UnknownPlaceholder {
        /// The script.
        script: String,
        /// What was found.
        found: String,
    },
}

fn list(missing: &[Placeholder]) -> String {
    let words: Vec<_> = missing.iter().map(|one| one.missing()).collect();
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
                    Some(value) => text.push_str(&value),
                    None => {
                        missing.insert(*gap);
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

fn value(gap: Placeholder, values: &Values) -> Option<String> {
    match gap {
        Placeholder::ClientName => usable_name(values.client_name.as_deref()?),
        Placeholder::CoachName => usable_name(values.coach_name.as_deref()?),
        Placeholder::DueDate => values.due.map(date_words),
    }
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

/// A name as it may stand in a text; `None` if it is no name (E22, E23).
///
/// Control characters and direction overrides are dropped, runs of blank space become one space.
/// Words that a system prints for "nothing" and values without a letter are no names. A name
/// with right-to-left letters is wrapped in isolates, which show nothing and keep the sentence
/// around it in order.
pub fn usable_name(raw: &str) -> Option<String> {
    let kept: String = raw
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(|c| !c.is_control() && !is_invisible(*c))
        .collect();
    let name = kept.split(' ').filter(|word| !word.is_empty());
    let name = name.collect::<Vec<_>>().join(" ");
    let nothing = ["null", "none", "undefined", "nil", "n/a", "unknown"];
    // As systems write it; with one capital it is a given name.
    let no_number = matches!(name.as_str(), "NaN" | "nan" | "NAN");
    if nothing.contains(&name.to_lowercase().as_str())
        || no_number
        || !name.chars().any(char::is_alphabetic)
    {
        return None;
    }
    if name.chars().any(is_right_to_left) {
        return Some(format!("\u{2068}{name}\u{2069}"));
    }
    Some(name)
}

/// Direction marks, embeddings, overrides and isolates, zero-width space, byte-order mark, line
/// and paragraph separators. The joiners stay: emoji and several scripts need them.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{200B}'
            | '\u{200E}'
            | '\u{200F}'
            | '\u{061C}'
            | '\u{2028}'..='\u{202E}'
            | '\u{2060}'
            | '\u{2066}'..='\u{2069}'
            | '\u{FEFF}'
    )
}

fn is_right_to_left(c: char) -> bool {
    matches!(
        c,
        '\u{0590}'..='\u{08FF}' | '\u{FB1D}'..='\u{FDFF}' | '\u{FE70}'..='\u{FEFC}'
    )
}
