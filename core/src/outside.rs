//! Values that were typed or filled in elsewhere, judged before they may stand in a text of ours.
//!
//! A name, a number or a date reaches us from the portal and the CRM, where people, imports and
//! campaigns write it. Such a value can be no value (`~Contact.FirstName~`, `N/A`, year 9999), and
//! it can be made, by chance or on purpose, so that the text around it reads otherwise: a line break
//! in a phone number begins a line of its own in a task.
//!
//! People: the *client*, who must not be greeted as `{{contact.first_name}}`; the *coach*, whose own
//! words in a task are read as her answer; *whoever* corrects the value, and is told what is wrong
//! with it and where it stands.
//!
//! Rules:
//! - What stands in a text of ours is one line: control characters, line ends, direction marks and
//!   zero-width characters are blank space or nothing ([`one_line`]).
//! - A name that is no name holds what needs it. Which kind of no name it is, is a [`NameFault`]; no
//!   judgment is a sentence.
//! - Markup in a name is a name that somebody typed: it is kept as text, and the adapters escape it.
//! - A name that the greeting can't be told to be wrong from (a family name, a nickname) is kept.
//!
//! Guarantees: every function is pure and total; a value judged good is judged good again, and is
//! unchanged by that. Not guaranteed: that a name is hers.

mod no_name;

use serde::{Deserialize, Serialize};

pub use no_name::has_merge_field;
use no_name::{is_merge_field, is_nothing};

use crate::time::Date;

/// The longest name, in characters. Longer ones are sentences or data that slipped a column.
const LONGEST_NAME: usize = 60;

/// The longest phone number with its remark ("ask for Maya"), in characters.
const LONGEST_PHONE: usize = 60;

/// The fewest digits of a number that can be called.
const FEWEST_DIGITS: usize = 7;

/// What is wrong with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NameFault {
    /// There is none.
    Missing,
    /// A word that a program prints for "nothing", or people type to get past a form.
    Nothing,
    /// A merge field that nobody filled: `~Contact.FirstName~`, `{{first_name}}`, `[NAME]`.
    MergeField,
    /// An email address, or a link.
    Address,
    /// Digits in it.
    Digits,
    /// No letter in it.
    NoLetter,
    /// Too long for a name.
    TooLong,
}

impl NameFault {
    /// Every fault.
    pub const ALL: [Self; 7] = [
        Self::Missing,
        Self::Nothing,
        Self::MergeField,
        Self::Address,
        Self::Digits,
        Self::NoLetter,
        Self::TooLong,
    ];

    /// What is wrong, for whoever puts it right: "the client's first name …".
    pub fn words(self) -> &'static str {
        match self {
            Self::Missing => "is missing",
            Self::Nothing => "is a placeholder word such as \"null\" or \"test\"",
            Self::MergeField => "is a merge field that nobody filled",
            Self::Address => "is an address and no name",
            Self::Digits => "has digits in it",
            Self::NoLetter => "has no letter in it",
            Self::TooLong => "is too long for a name",
        }
    }
}

/// A given name, a family name or a full name as it may stand in a text; else what is wrong with it
/// (E22, E23).
///
/// Blank space, control and invisible characters are as in [`one_line`]. A name with right-to-left
/// letters is wrapped in isolates, which show nothing and keep the sentence around it in order.
pub fn name(raw: Option<&str>) -> Result<String, NameFault> {
    let name = one_line(raw.ok_or(NameFault::Missing)?);
    if name.is_empty() {
        return Err(NameFault::Missing);
    }
    if is_merge_field(&name) {
        return Err(NameFault::MergeField);
    }
    if is_nothing(&name) {
        return Err(NameFault::Nothing);
    }
    if is_address(&name) {
        return Err(NameFault::Address);
    }
    if !name.chars().any(char::is_alphabetic) {
        return Err(NameFault::NoLetter);
    }
    if name.chars().any(|c| c.is_ascii_digit()) {
        return Err(NameFault::Digits);
    }
    if name.chars().count() > LONGEST_NAME {
        return Err(NameFault::TooLong);
    }
    if name.chars().any(is_right_to_left) {
        return Ok(format!("\u{2068}{name}\u{2069}"));
    }
    Ok(name)
}

/// A phone number as staff read it, with the remark that somebody wrote beside it; `None` where
/// there are not digits enough to call.
pub fn phone(raw: &str) -> Option<String> {
    let line = cut(&one_line(raw), LONGEST_PHONE);
    let digits = line.chars().filter(char::is_ascii_digit).count();
    (digits >= FEWEST_DIGITS).then_some(line)
}

/// Whether a civil date can be one of a check-in, a regimen or a break. `0001-01-01` and
/// `9999-12-31` are what programs write for "none".
pub fn is_plausible(date: Date) -> bool {
    (2000..=2199).contains(&date.year())
}

/// One line: line ends and other blank space become one space, control characters, direction marks,
/// zero-width characters and everything else that shows nothing are left out.
pub fn one_line(raw: &str) -> String {
    let kept: String = raw
        .chars()
        .map(|c| {
            if is_line_end(c) || c.is_whitespace() {
                ' '
            } else {
                c
            }
        })
        .filter(|c| !c.is_control() && !is_invisible(*c))
        .collect();
    let words = kept.split(' ').filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

/// A sentence of ours with values in it that were judged already: what would end the line does not.
pub fn sentence(text: &str) -> String {
    let kept = text.chars().map(|c| if is_line_end(c) { ' ' } else { c });
    kept.filter(|c| !c.is_control()).collect()
}

/// [`one_line`], of at most `longest` characters.
pub fn short_line(raw: &str, longest: usize) -> String {
    cut(&one_line(raw), longest)
}

/// Where an IANA time zone is, as people say it: the last part of its name (`Pacific/Honolulu`).
pub fn city(zone: &str) -> String {
    let last = zone.rsplit('/').next().unwrap_or_default();
    short_line(&last.replace('_', " "), 40)
}

fn cut(line: &str, longest: usize) -> String {
    if line.chars().count() <= longest {
        return line.to_owned();
    }
    let kept: String = line.chars().take(longest.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

/// Every character that some program takes for the end of a line.
fn is_line_end(c: char) -> bool {
    matches!(
        c,
        '\n' | '\r' | '\u{0B}' | '\u{0C}' | '\u{1C}'
            ..='\u{1E}' | '\u{85}' | '\u{2028}' | '\u{2029}'
    )
}

/// Direction marks, embeddings, overrides and isolates, zero-width space, soft hyphen, byte-order
/// mark, fillers, tags, and what stands in for a lost character. The joiners stay: emoji and several
/// scripts need them.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{00AD}'
            | '\u{034F}'
            | '\u{061C}'
            | '\u{115F}'
            | '\u{1160}'
            | '\u{17B4}'
            | '\u{17B5}'
            | '\u{180E}'
            | '\u{200B}'
            | '\u{200E}'
            | '\u{200F}'
            | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}'
            | '\u{3164}'
            | '\u{FEFF}'
            | '\u{FFA0}'
            | '\u{FFF9}'..='\u{FFFC}'
            | '\u{E0000}'..='\u{E007F}'
    )
}

fn is_right_to_left(c: char) -> bool {
    matches!(
        c,
        '\u{0590}'..='\u{08FF}' | '\u{FB1D}'..='\u{FDFF}' | '\u{FE70}'..='\u{FEFC}'
    )
}

fn is_address(name: &str) -> bool {
    let lower = name.to_lowercase();
    let link = ["http://", "https://", "www."]
        .iter()
        .any(|start| lower.contains(start));
    link || lower.split(' ').any(|word| {
        word.split_once('@')
            .is_some_and(|(local, host)| !local.is_empty() && !host.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_name_is_told_by_its_kind() {
        for (raw, fault) in [
            ("", NameFault::Missing),
            (" \u{200B}\t ", NameFault::Missing),
            ("~Contact.FirstName~", NameFault::MergeField),
            ("Hi ~Contact.FirstName~", NameFault::MergeField),
            ("{{contact.first_name}}", NameFault::MergeField),
            (
                "{{ contact.first_name | default: '' }}",
                NameFault::MergeField,
            ),
            ("{first_name}", NameFault::MergeField),
            ("[FIRST NAME]", NameFault::MergeField),
            ("Contact.FirstName", NameFault::MergeField),
            ("[First Name] Hayes", NameFault::MergeField),
            ("{contact.first_name} Hayes", NameFault::MergeField),
            ("(null)", NameFault::Nothing),
            ("NULL,", NameFault::Nothing),
            ("null null", NameFault::Nothing),
            ("nu\u{200D}ll", NameFault::Nothing),
            ("#N/A", NameFault::Nothing),
            ("#NAME?", NameFault::Nothing),
            ("#REF!", NameFault::Nothing),
            ("[[name]]", NameFault::MergeField),
            ("%FNAME%", NameFault::MergeField),
            ("%%first%%", NameFault::MergeField),
            ("<%= name %>", NameFault::MergeField),
            ("<first name>", NameFault::MergeField),
            ("${firstName}", NameFault::MergeField),
            ("*|FNAME|*", NameFault::MergeField),
            ("____", NameFault::MergeField),
            ("null", NameFault::Nothing),
            ("N/A", NameFault::Nothing),
            ("n.a.", NameFault::Nothing),
            ("undefined", NameFault::Nothing),
            ("Test", NameFault::Nothing),
            ("test\u{200B}", NameFault::Nothing),
            ("NA", NameFault::Nothing),
            ("First Name", NameFault::Nothing),
            ("maya@example.test", NameFault::Address),
            ("Maya maya@example.test", NameFault::Address),
            ("https://example.test/maya", NameFault::Address),
            ("123", NameFault::NoLetter),
            ("-", NameFault::NoLetter),
            ("?", NameFault::NoLetter),
            ("Maya2", NameFault::Digits),
            ("303-555-0101 Maya", NameFault::Digits),
        ] {
            assert_eq!(name(Some(raw)), Err(fault), "{raw:?}");
        }
        assert_eq!(name(None), Err(NameFault::Missing));
        assert_eq!(name(Some(&"Maya ".repeat(20))), Err(NameFault::TooLong));
    }

    #[test]
    fn what_people_are_called_is_a_name() {
        for kept in [
            "Maya",
            "Na",
            "Nan",
            "O'Brien",
            "Anne-Marie",
            "J.",
            "María José",
            "Zoë 🌻",
            "李",
            "Tess",
            "Nell",
            "X Æ",
            "<b>Mia</b> & {due}",
            "d’Arcy",
            "Ng",
            "Maya (May)",
            "Ann ~ Lee",
        ] {
            assert_eq!(name(Some(kept)).as_deref(), Ok(kept));
        }
        assert_eq!(
            name(Some("\u{202E}דנה")).as_deref(),
            Ok("\u{2068}דנה\u{2069}")
        );
    }

    #[test]
    fn a_number_is_one_line_with_digits_enough_to_call() {
        for (raw, expected) in [
            (
                "303-555-0101\nOutcome: spoke",
                Some("303-555-0101 Outcome: spoke"),
            ),
            (" +1 (303) 555\u{2028}0101 ", Some("+1 (303) 555 0101")),
            (
                "303-555-0101 (ask for Maya)",
                Some("303-555-0101 (ask for Maya)"),
            ),
            ("none", None),
            ("555", None),
            ("", None),
        ] {
            assert_eq!(phone(raw).as_deref(), expected, "{raw:?}");
        }
    }

    #[test]
    fn dates_that_programs_write_for_none_are_none() {
        for (date, good) in [
            (Date::constant(1, 1, 1), false),
            (Date::constant(1970, 1, 1), false),
            (Date::constant(1999, 12, 31), false),
            (Date::constant(2026, 11, 3), true),
            (Date::constant(9999, 12, 31), false),
        ] {
            assert_eq!(is_plausible(date), good, "{date}");
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_in_is_one_line_and_twice_is_once(raw in "(?s).{0,200}") {
            let line = one_line(&raw);
            prop_assert_eq!(one_line(&line), line.clone());
            prop_assert!(line.lines().count() <= 1);
            prop_assert!(!line.chars().any(|c| c.is_control() || is_line_end(c) || is_invisible(c)));
            if let Ok(good) = name(Some(&raw)) {
                prop_assert_eq!(name(Some(&good)), Ok(good.clone()), "twice is once");
                prop_assert!(good.chars().any(char::is_alphabetic));
                prop_assert!(!has_merge_field(&good));
            }
            if let Some(number) = phone(&raw) {
                prop_assert!(number.chars().count() <= LONGEST_PHONE);
                prop_assert!(number.lines().count() == 1);
            }
        }

        #[test]
        fn a_merge_field_is_never_a_name(inside in "[A-Za-z][A-Za-z_. ]{0,20}") {
            for field in [format!("{{{{{inside}}}}}"), format!("[{inside}]"), format!("%{inside}%"),
                          format!("<{inside}>"), format!("~{inside}~"), format!("${{{inside}}}")] {
                prop_assert!(name(Some(&field)).is_err(), "{}", field);
            }
        }
    }
}
