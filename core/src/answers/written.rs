//! What was written behind "Answer:", as an action.

use super::call::CallOutcome;
use super::day::{POINT, date_of};
use super::{ANSWERS, AnswerWord, Course, StopReason, WAIT_UNTIL};
use crate::time::Date;

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// This action, with the date that goes with it.
    Action(&'static str, Option<Date>),
    /// What came of a call.
    Outcome(CallOutcome),
    /// Something that is no answer.
    Unreadable,
}

/// What these lines answer, written on `today`: those that begin with "Answer" or "Outcome" and have something behind it, or
/// that are one of the words and nothing else. Of several one that stops every channel counts, and else they must say the
/// same. Text that is none of this is no answer by itself; beside an answer it is a remark, unless it speaks of something
/// that would stop everything. `None`: nothing was written.
pub fn written<'a>(lines: impl Iterator<Item = &'a str>, today: Date) -> Option<Written> {
    let read = Lines::read(lines, today);
    read.answer(!read.remarks.is_empty())
}

/// The same of a task that asks for a call. What came of it is no answer in this sense, and beside it remarks are usual.
pub fn written_of_call<'a>(lines: impl Iterator<Item = &'a str>, today: Date) -> Option<Written> {
    let mut read = Lines::read(lines, today);
    let all = read.said.len();
    let is_outcome = |said: &Written| matches!(said, Written::Outcome(_));
    read.said.retain(|said| !is_outcome(said));
    let has_outcome = read.said.len() < all;
    let stops = read.remarks.contains(&Remark::OfAStop);
    read.answer(stops || (!has_outcome && !read.remarks.is_empty()))
}

/// What stands in the lines.
#[derive(Default)]
struct Lines {
    said: Vec<Written>,
    remarks: Vec<Remark>,
}

/// Text that is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Remark {
    /// It has one of the words in it that stop every channel.
    OfAStop,
    Other,
}

impl Lines {
    fn read<'a>(lines: impl Iterator<Item = &'a str>, today: Date) -> Self {
        let mut read = Self::default();
        for line in lines {
            let plain = words(line);
            if let Some(said) = LABELS.iter().find_map(|label| labeled(line, label)) {
                if !said.is_empty() {
                    read.said.push(answer(said, today));
                }
            } else if let Some(said) = bare(&plain, today) {
                // Below the line instead of in it, or without the colon.
                read.said.push(said);
            } else if !plain.is_empty() {
                read.remarks.push(remark(&plain));
            }
        }
        read
    }

    /// `unreadable`: what the remarks are where nothing else was said.
    fn answer(&self, unreadable: bool) -> Option<Written> {
        let stops = |answer: &&Written| match answer {
            Written::Action(action, _) => StopReason::from_name(action).is_some(),
            Written::Outcome(_) | Written::Unreadable => false,
        };
        if let Some(stop) = self.said.iter().rfind(stops) {
            return Some(stop.clone());
        }
        let Some(last) = self.said.last() else {
            return unreadable.then_some(Written::Unreadable);
        };
        let agree = self.said.iter().all(|other| other == last);
        let is_clear = agree && !self.remarks.contains(&Remark::OfAStop);
        Some(if is_clear {
            last.clone()
        } else {
            Written::Unreadable
        })
    }
}

/// What an answer stands behind.
const LABELS: [&str; 2] = ["answer", "outcome"];

/// A line that is one of the words and nothing else, perhaps behind a label without a sign.
fn bare(words: &[String], today: Date) -> Option<Written> {
    let labeled = words
        .split_first()
        .filter(|(first, _)| LABELS.contains(&first.as_str()));
    let words = labeled.map_or(words, |(_, rest)| rest);
    understood(words, today).or_else(|| outcome(words).map(Written::Outcome))
}

/// What stands behind the label: a word, or one by which nothing goes out with a remark behind it.
fn answer(said: &str, today: Date) -> Written {
    let plain = words(said);
    understood(&plain, today)
        .or_else(|| outcome_of(said).map(Written::Outcome))
        .or_else(|| with_remark(said))
        .unwrap_or(Written::Unreadable)
}

/// "handled, she will send photos": a remark can't turn what keeps everything back into something else. It can say that
/// everything is to stop: then nobody knows which of the two is meant.
fn with_remark(said: &str) -> Option<Written> {
    let said = folded(said);
    let begins = |answer: &&AnswerWord| is_remark(said.strip_prefix(answer.word));
    let keeps_back = |answer: &&AnswerWord| answer.course == Course::KeepsBack;
    let word = ANSWERS.iter().filter(keeps_back).find(begins)?;
    let stops = StopReason::from_name(word.action).is_some();
    let rest = said.strip_prefix(word.word).unwrap_or_default();
    let is_clear = stops || remark(&words(rest)) == Remark::Other;
    Some(if is_clear {
        Written::Action(word.action, None)
    } else {
        Written::Unreadable
    })
}

/// What came of a call, as people write it: one of the four, or that they spoke with a remark behind it, after which nothing
/// goes out before her coach has said how it goes on.
pub fn outcome_of(said: &str) -> Option<CallOutcome> {
    if is_remark(folded(said).strip_prefix("spoke")) {
        return Some(CallOutcome::Spoke);
    }
    outcome(&words(said))
}

fn outcome(words: &[String]) -> Option<CallOutcome> {
    match words.join(" ").as_str() {
        "spoke" => Some(CallOutcome::Spoke),
        "voicemail" | "voice mail" => Some(CallOutcome::Voicemail),
        "no answer" | "noanswer" => Some(CallOutcome::NoAnswer),
        "wrong number" | "wrongnumber" => Some(CallOutcome::WrongNumber),
        _ => None,
    }
}

fn folded(said: &str) -> String {
    let words: Vec<&str> = said.split_whitespace().collect();
    words.join(" ").to_lowercase()
}

/// Whether what stands behind a word is a remark about it.
fn is_remark(rest: Option<&str>) -> bool {
    let signs = [',', ';', '.', ':', '(', '-', '–', '—'];
    rest.is_some_and(|rest| rest.trim_start().starts_with(signs))
}

fn remark(words: &[String]) -> Remark {
    let has = |answer: &AnswerWord| {
        let word: Vec<&str> = answer.word.split(' ').collect();
        let mut parts = words.windows(word.len());
        StopReason::from_name(answer.action).is_some() && parts.any(|part| part == word)
    };
    if ANSWERS.iter().any(has) {
        Remark::OfAStop
    } else {
        Remark::Other
    }
}

/// What stands behind a label in lower case; `None` for another line.
fn labeled<'a>(line: &'a str, label: &str) -> Option<&'a str> {
    let line = line.trim_start_matches(|c: char| !c.is_alphanumeric());
    let (begin, rest) = line.split_at_checked(label.len())?;
    if !begin.eq_ignore_ascii_case(label) {
        return None;
    }
    let rest = rest.trim_start();
    let rest = rest.strip_prefix([':', '：', '-', '=', '–', '—'])?;
    Some(rest.trim_matches(|c: char| !c.is_alphanumeric() && c != '('))
}

/// The words, lower case, without signs. A point between two numbers is one by itself: who writes "12.11." puts the day
/// first, and who writes "11.12." perhaps not.
fn words(text: &str) -> Vec<String> {
    let is_number = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
    let mut plain = String::with_capacity(text.len());
    let mut before = None;
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter == '.' && is_number(before) && is_number(letters.peek().copied()) {
            plain.push_str(" . ");
        } else {
            plain.push(letter);
        }
        before = Some(letter);
    }
    let words = plain.split(|c: char| !c.is_alphanumeric() && c != '.');
    let words = words.map(|word| {
        if word == POINT {
            word
        } else {
            word.trim_matches('.')
        }
    });
    let words = words.filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect()
}

fn understood(words: &[String], today: Date) -> Option<Written> {
    let is = |word: &str, said: &[String]| word.split(' ').eq(said.iter().map(String::as_str));
    for answer in &ANSWERS {
        if answer.action == WAIT_UNTIL {
            let wait: Vec<&str> = answer.word.split(' ').collect();
            if let Some((said, date)) = words.split_at_checked(wait.len())
                && is(answer.word, said)
            {
                return Some(Written::Action(answer.action, Some(date_of(date, today)?)));
            }
        } else if is(answer.word, words) {
            return Some(Written::Action(answer.action, None));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn today() -> Date {
        "2026-11-06".parse().expect("a date")
    }

    fn read(text: &str) -> Option<Written> {
        written(text.lines(), today())
    }

    fn wait(date: &str) -> Written {
        Written::Action("promised", Some(date.parse().expect("a date")))
    }

    #[test]
    fn every_word_that_is_offered_is_understood_however_it_is_typed() {
        let words: BTreeSet<_> = ANSWERS.iter().map(|answer| answer.word).collect();
        assert_eq!(words.len(), ANSWERS.len());
        for answer in ANSWERS {
            let date = if answer.action == WAIT_UNTIL {
                " Nov 12"
            } else {
                ""
            };
            for text in [
                format!("Answer: {}{date}", answer.word),
                format!("  • ANSWER —  {}{date}.", answer.word.to_uppercase()),
                format!("answer:{}{date}\r", answer.word.replace(' ', "-")),
            ] {
                let Some(Written::Action(action, _)) = read(&text) else {
                    panic!("{text}")
                };
                assert_eq!(action, answer.action, "{text}");
            }
        }
    }

    #[test]
    fn a_day_is_read_as_people_write_it() {
        for text in [
            "Nov 12",
            "November 12",
            "november 12th",
            "12 Nov",
            "11/12",
            "11/12/2026",
            "2026-11-12",
            "Nov. 12, 2026",
        ] {
            assert_eq!(
                read(&format!("Answer: wait until {text}")),
                Some(wait("2026-11-12")),
                "{text}"
            );
        }
        assert_eq!(read("Answer: wait until Jan 4"), Some(wait("2027-01-04")));
        assert_eq!(read("Answer: wait until Nov 6"), Some(wait("2026-11-06")));
        assert_eq!(read("wait until 12th Nov 2026"), Some(wait("2026-11-12")));
        let in_december = read("Answer: wait until Dec 5, 2026");
        assert_eq!(in_december, Some(wait("2026-12-05")));
        for text in [
            "",
            "tomorrow",
            "Monday",
            "Feb 30",
            "13/13",
            "Nov",
            "Nov 12 13 14",
            "Nov 12 26",
            "2026-11-05",
            "11/5/2026",
            "Nov 5",
            "July 5 26",
            "June 5, 2027",
        ] {
            assert_eq!(
                read(&format!("Answer: wait until {text}")),
                Some(Written::Unreadable),
                "{text}"
            );
        }
    }

    #[test]
    fn several_answers_must_agree_and_what_is_none_is_told_from_an_empty_line() {
        assert_eq!(read("Answer:"), None);
        for text in [
            "She called me back.\nAnswer: \n",
            "The answer: continue",
            "She wants to leave the program.",
            "NO CONTACT please",
            "Anser: no contact",
            "- no contact: everything stops <-- this",
        ] {
            assert_eq!(read(text), Some(Written::Unreadable), "{text}");
        }
        let leaves = Some(Written::Action("no_contact", None));
        assert_eq!(read("Answer no contact"), leaves);
        assert_eq!(read("Answer：no contact"), leaves);
        assert_eq!(
            read("Answer: handled\nshe called"),
            Some(Written::Action("handled", None))
        );
        for text in [
            "Answer: handled\nShe wants to leave.",
            "Answer: handled, but she wants to leave",
            "Answer: handled - no contact please",
            "Answer: handled; unwell",
        ] {
            assert_eq!(read(text), Some(Written::Unreadable), "{text}");
        }
        let voicemail = Some(Written::Outcome(CallOutcome::Voicemail));
        assert_eq!(read("Answer: voice mail"), voicemail);
        let below = read("Answer:\n  Unwell. \nshe called");
        assert_eq!(
            below,
            Some(Written::Action("unwell", None)),
            "below the line"
        );
        // Two answers are none, unless one stops everything.
        let two = "Answer: handled\nAnswer: continue\nAnswer:";
        assert_eq!(read(two), Some(Written::Unreadable));
        let same = "Answer: handled\nhandled\nAnswer:";
        assert_eq!(read(same), Some(Written::Action("handled", None)));
        let stops = "Answer: no contact\nAnswer: continue";
        assert_eq!(read(stops), Some(Written::Action("no_contact", None)));
        for text in ["continue please", "unwell?!no", "no", "handled / continue"] {
            assert_eq!(
                read(&format!("Answer: {text}")),
                Some(Written::Unreadable),
                "{text}"
            );
        }
    }

    #[test]
    fn a_remark_behind_what_keeps_everything_back_is_one_and_behind_the_rest_it_is_none() {
        for (text, action) in [
            ("handled, she will send photos", "handled"),
            ("Unwell - she has a rash", "unwell"),
            ("wants to leave (moved away)", "wants_to_leave"),
            ("stop. She called me", "stop_it"),
            ("Replied; on Instagram", "replied"),
        ] {
            let read = read(&format!("Answer: {text}"));
            assert_eq!(read, Some(Written::Action(action, None)), "{text}");
        }
        for text in [
            "continue, but not today",
            "send, or rather not",
            "done, my sister asked",
            "handled by nobody",
        ] {
            assert_eq!(
                read(&format!("Answer: {text}")),
                Some(Written::Unreadable),
                "{text}"
            );
        }
    }

    #[test]
    fn a_day_with_points_is_one_only_where_it_can_be_no_other() {
        assert_eq!(
            read("Answer: wait until 13.11.2026"),
            Some(wait("2026-11-13"))
        );
        assert_eq!(read("Answer: wait until 13.11."), Some(wait("2026-11-13")));
        assert_eq!(read("Answer: wait until 11.13."), Some(wait("2026-11-13")));
        assert_eq!(
            read("Answer: wait until 2026.11.12"),
            Some(wait("2026-11-12"))
        );
        for text in ["12.11.2026", "12.11.", "7.11"] {
            assert_eq!(
                read(&format!("Answer: wait until {text}")),
                Some(Written::Unreadable),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_said_of_a_call_besides_its_outcome() {
        let read = |text: &str| written_of_call(text.lines(), today());
        let leaves = Some(Written::Action("wants_to_leave", None));
        for text in [
            "Outcome: wants to leave",
            "Outcome:\nwants to leave",
            "Outcome: voicemail\nAnswer: wants to leave, she said",
        ] {
            assert_eq!(read(text), leaves, "{text}");
        }
        let replied = Some(Written::Action("replied", None));
        assert_eq!(read("Outcome: voicemail\nAnswer: replied"), replied);
        for text in [
            "Outcome: left her a message",
            "Outcome:\nshe was nice",
            "Outcome: voicemail\nAnswer: she called back, she is pregnant, stop",
            "Outcome: voicemail\nShe is unwell, says her husband",
        ] {
            assert_eq!(read(text), Some(Written::Unreadable), "{text}");
        }
        for text in [
            "Outcome: voicemail\nleft a message with her husband",
            "Outcome:\nno answer",
            "Outcome: spoke, she will check in",
            // Her coach is asked how it goes on in any case.
            "Outcome: spoke, she is unwell",
            "Outcome:",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(?s).{0,80}") {
            let _ = read(&text);
            let _ = read(&format!("Answer: {text}"));
            let _ = read(&format!("Answer: wait until {text}"));
        }
    }
}
