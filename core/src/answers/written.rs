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
/// that would stop everything. So is what came of a call, where nobody asked for that. `None`: nothing was written.
pub fn written<'a>(lines: impl Iterator<Item = &'a str>, today: Date) -> Option<Written> {
    let mut read = Lines::read(lines, today);
    if read.said.is_empty() && read.remarks.is_empty() {
        read.said
            .extend(read.outcomes.iter().copied().map(Written::Outcome));
    }
    read.answer(!read.remarks.is_empty())
}

/// The same of a task that asks for a call. What came of it is no answer in this sense, and beside it remarks are usual.
pub fn written_of_call<'a>(lines: impl Iterator<Item = &'a str>, today: Date) -> Option<Written> {
    let mut read = Lines::read(lines, today);
    let all = read.said.len();
    let is_outcome = |said: &Written| matches!(said, Written::Outcome(_));
    read.said.retain(|said| !is_outcome(said));
    let has_outcome = read.said.len() < all || !read.outcomes.is_empty();
    let stops = read.remarks.contains(&Remark::OfAStop);
    read.answer(stops || (!has_outcome && !read.remarks.is_empty()))
}

/// Whether these lines say anything besides what came of a call.
pub fn has_remarks<'a>(lines: impl Iterator<Item = &'a str>, today: Date) -> bool {
    !Lines::read(lines, today).remarks.is_empty()
}

/// What stands in the lines.
#[derive(Default)]
struct Lines {
    said: Vec<Written>,
    /// What came of a call, on a line of its own without a label.
    outcomes: Vec<CallOutcome>,
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
                continue;
            }
            match bare(&plain, today) {
                Some(Written::Outcome(outcome)) => read.outcomes.push(outcome),
                // Below the line instead of in it, or without the colon.
                Some(said) => read.said.push(said),
                None if plain.is_empty() || is_thanks(&plain) => {}
                None => read.remarks.push(remark(&plain)),
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

/// Whether a line only says that she has read it, or done what it says: that is as good as none. A few words that speak of
/// nobody.
fn is_thanks(words: &[String]) -> bool {
    let begins = [
        "ok",
        "okay",
        "noted",
        "seen",
        "thanks",
        "thank",
        "got",
        "done",
        "fixed",
        "corrected",
        "updated",
    ];
    let of_somebody = [
        "she", "her", "he", "his", "him", "they", "them", "client", "i",
    ];
    let is = |known: &[&str], word: &String| known.contains(&word.as_str());
    let answers = words.iter().skip(1).any(|word| is_word(word));
    words.len() <= 4
        && words.first().is_some_and(|word| is(&begins, word))
        && !words.iter().any(|word| is(&of_somebody, word))
        && !answers
        && remark(words) == Remark::Other
}

/// Whether a word is an answer by itself.
fn is_word(word: &str) -> bool {
    ANSWERS.iter().any(|answer| answer.word == word)
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
        .or_else(|| wait_with_remark(said, today))
        .or_else(|| with_remark(said))
        .unwrap_or(Written::Unreadable)
}

/// "handled, she will send photos": a remark can't turn what keeps everything back into something else. It can say that
/// everything is to stop, or begin with another answer or take this one back: then nobody knows which of the two is meant.
fn with_remark(said: &str) -> Option<Written> {
    let said = folded(said);
    let begins = |answer: &&AnswerWord| {
        let rest = said.strip_prefix(answer.word);
        let stops = StopReason::from_name(answer.action).is_some();
        is_remark(rest) || (!stops && rest.is_some_and(goes_on_in_words))
    };
    let keeps_back = |answer: &&AnswerWord| answer.course == Course::KeepsBack;
    let word = ANSWERS.iter().filter(keeps_back).find(begins)?;
    let rest = said.strip_prefix(word.word).unwrap_or_default();
    let is_clear = match StopReason::from_name(word.action) {
        Some(why) => {
            let asks_for_none = why != StopReason::NoContact || !says_not_reached(rest);
            asks_for_none && !is_taken_back(rest)
        }
        None => !begins_otherwise(&words(rest)) && remark(&words(rest)) == Remark::Other,
    };
    Some(if is_clear {
        Written::Action(word.action, None)
    } else {
        Written::Unreadable
    })
}

/// Whether what stands behind a word is more words, and no other choice.
fn goes_on_in_words(rest: &str) -> bool {
    let more = rest.strip_prefix(' ').unwrap_or_default();
    more.starts_with(char::is_alphabetic) && !more.starts_with("or ")
}

/// What takes a word back that stands before it.
const DENIALS: [&str; 6] = ["no", "not", "none", "nope", "nothing", "never"];

/// "complaint - none", "unwell - no, she is fine". In doubt it stops: "unwell - not well at all".
fn is_taken_back(rest: &str) -> bool {
    let rest = rest.trim_start_matches(|c: char| !c.is_alphanumeric());
    let end = rest.find(|c: char| !c.is_alphanumeric());
    let (first, more) = rest.split_at(end.unwrap_or(rest.len()));
    let more = more.trim_start();
    DENIALS.contains(&first) && (more.is_empty() || more.starts_with(REMARK_SIGNS))
}

/// "no contact - tried twice": she was not reached, which is another thing than that she asks for no contact.
fn says_not_reached(rest: &str) -> bool {
    let tried = [
        "tried",
        "reach",
        "reached",
        "called",
        "rang",
        "left",
        "voicemail",
        "yet",
    ];
    words(rest)
        .iter()
        .any(|word| tried.contains(&word.as_str()))
}

/// Whether a remark begins with another answer, or takes back what stands before it.
fn begins_otherwise(remark: &[String]) -> bool {
    let first = remark.first().map(String::as_str).unwrap_or_default();
    DENIALS.contains(&first) || is_word(first) || ["or", "actually", "sorry"].contains(&first)
}

/// "wait until Nov 12, she is traveling". A remark with a number in it may name another day, and one with another answer in
/// it, or what takes this one back, is none.
fn wait_with_remark(said: &str, today: Date) -> Option<Written> {
    let signs = said.char_indices().rev();
    let mut signs = signs.filter(|(_, sign)| REMARK_SIGNS.contains(sign) && *sign != '.');
    signs.find_map(|(at, _)| {
        let (head, tail) = said.split_at(at);
        let rest = words(tail);
        let is_other = remark(&rest) == Remark::Other && !begins_otherwise(&rest);
        let otherwise = ["quit", "unless", "before", "not", "never", "no", "or"];
        let is_clear = rest
            .iter()
            .all(|word| !is_word(word) && !otherwise.contains(&word.as_str()));
        let has_number = tail.contains(|c: char| c.is_ascii_digit());
        match understood(&words(head), today)? {
            waits @ Written::Action(WAIT_UNTIL, _) if is_other && is_clear && !has_number => {
                Some(waits)
            }
            _ => None,
        }
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
        "spoke" | "spoke with her" | "spoke to her" => Some(CallOutcome::Spoke),
        "voicemail" | "voice mail" | "left voicemail" | "left a voicemail" => {
            Some(CallOutcome::Voicemail)
        }
        "no answer" | "noanswer" => Some(CallOutcome::NoAnswer),
        "wrong number" | "wrongnumber" => Some(CallOutcome::WrongNumber),
        _ => None,
    }
}

fn folded(said: &str) -> String {
    let words: Vec<&str> = said.split_whitespace().collect();
    words.join(" ").to_lowercase()
}

/// What sets a remark apart from the word before it.
const REMARK_SIGNS: [char; 8] = [',', ';', '.', ':', '(', '-', '–', '—'];

/// Whether what stands behind a word is a remark about it.
fn is_remark(rest: Option<&str>) -> bool {
    rest.is_some_and(|rest| rest.trim_start().starts_with(REMARK_SIGNS))
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

/// How else people say until when nothing is to go out, in two words as the offered one.
const OTHERWISE_WAIT: [&str; 3] = ["wait till", "pause until", "pause till"];

fn understood(words: &[String], today: Date) -> Option<Written> {
    let is = |word: &str, said: &[String]| word.split(' ').eq(said.iter().map(String::as_str));
    for answer in &ANSWERS {
        if answer.action == WAIT_UNTIL {
            let waits = |said: &[String]| {
                is(answer.word, said) || OTHERWISE_WAIT.iter().any(|word| is(word, said))
            };
            if let Some((said, date)) = words.split_at_checked(2)
                && waits(said)
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
mod tests;
