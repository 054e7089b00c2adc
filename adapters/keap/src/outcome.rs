//! What came of a call, as the coach wrote it into the task (SOP A8).
//!
//! The task asks for a line `Outcome:` followed by one of four answers. People write it in many
//! ways; whatever is not clearly one of the four is no outcome, and somebody asks her.
//!
//! The description also holds what we put there, and in that what stands in the CRM and the portal:
//! names, numbers, reasons. None of that is an answer, however it is spelt. So the answer is looked
//! for in the difference only: the lines that are there now and were not sent.

use relay_core::answers::outcome_of;
use relay_core::facts::CallOutcome;

use crate::marker::Marker;
use crate::plain_text::plain_text;

/// The outcome that somebody wrote into a task which was made with the description `sent`: the last
/// line that tells one and was not among those sent.
pub fn answered(description: &str, sent: &str) -> Option<CallOutcome> {
    let written = written(description, sent);
    written
        .iter()
        .filter_map(|line| from_line(line).or_else(|| bare(line)))
        .next_back()
}

/// The outcome alone in a line of its own.
fn bare(line: &str) -> Option<CallOutcome> {
    let has_more = line.contains([',', ';', '.', ':', '(', '-', '–', '—']);
    outcome_of(line).filter(|_| !has_more)
}

/// As much of a line is not written by chance the way it was sent, in bytes.
const CUT_OFF: usize = 12;

/// The lines of a task's description, as plain text, that are not among those it was made with. Each line
/// that was sent covers one line, so an answer that repeats it counts. What was sent may hold what looks like HTML
/// (a client's name as the portal has it): the lines that it would make are covered, too. The line that ends every task
/// of the relay is nobody's.
pub fn written(description: &str, sent: &str) -> Vec<String> {
    let folded = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let turned = plain_text(sent);
    let turned = (turned != sent).then_some(turned);
    let turned = turned.iter().flat_map(|turned| lines(turned));
    let mut sent: Vec<String> = lines(sent).chain(turned).map(folded).collect();
    let shown = plain_text(description);
    // Where a description was cut off, its last line is the beginning of one that was sent, and ours at its end is gone.
    let is_whole = lines(&shown).any(|line| Marker::is_line(&folded(line)));
    let cut_off = lines(&shown)
        .filter(|_| !is_whole)
        .map(folded)
        .filter(|line| !line.is_empty())
        .last()
        .filter(|last| last.len() >= CUT_OFF && sent.iter().any(|line| line.starts_with(last)));
    let added = lines(&shown).filter(|line| {
        let line = folded(line);
        if Marker::is_line(&line) || cut_off.as_ref() == Some(&line) {
            return false;
        }
        match sent.iter().position(|known| *known == line) {
            Some(known) => {
                sent.swap_remove(known);
                false
            }
            None => true,
        }
    });
    added.map(str::to_owned).collect()
}

/// Whether a line that a task was made with is gone from its description, or is no more what it was. A line that was
/// added to is changed.
pub fn is_shortened(description: &str, sent: &str) -> bool {
    let folded = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let shown = plain_text(description);
    let is_gone = |sent: &str| {
        let mut shown: Vec<String> = lines(&shown).map(folded).collect();
        let mut sent = lines(sent).map(folded).filter(|line| !line.is_empty());
        sent.any(|line| match shown.iter().position(|known| *known == line) {
            Some(known) => {
                shown.swap_remove(known);
                false
            }
            None => true,
        })
    };
    is_gone(sent) && is_gone(&plain_text(sent))
}

/// The lines of a text, whatever ends them: a CRM may store other line ends than it was given.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c| {
        matches!(
            c,
            '\n' | '\r' | '\u{0B}' | '\u{0C}' | '\u{85}' | '\u{2028}' | '\u{2029}'
        )
    })
}

/// The outcome that a task's description tells, or `None`. Where several lines tell one, the last
/// counts: people write below what was there.
pub fn from_description(description: &str) -> Option<CallOutcome> {
    description.lines().filter_map(from_line).next_back()
}

fn from_line(line: &str) -> Option<CallOutcome> {
    let line = line.trim_start_matches(|c: char| !c.is_alphanumeric());
    let (label, answer) = line.split_at_checked("outcome".len())?;
    if !label.eq_ignore_ascii_case("outcome") {
        return None;
    }
    let answer = answer.trim_start();
    outcome_of(answer.strip_prefix([':', '：', '-', '=', '–', '—'])?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_four_answers_are_read_however_they_are_typed() {
        for (text, expected) in [
            ("Outcome: spoke", CallOutcome::Spoke),
            ("Outcome: spoke - she will check in", CallOutcome::Spoke),
            ("Outcome: Spoke. She wants to leave", CallOutcome::Spoke),
            ("OUTCOME:Spoke.", CallOutcome::Spoke),
            ("outcome - voicemail", CallOutcome::Voicemail),
            ("  • Outcome :  Voice-Mail ", CallOutcome::Voicemail),
            ("Outcome: NO   ANSWER", CallOutcome::NoAnswer),
            ("Outcome: no-answer\r", CallOutcome::NoAnswer),
            ("Outcome — wrong_number!", CallOutcome::WrongNumber),
        ] {
            assert_eq!(from_description(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_not_clearly_one_of_the_four_is_no_outcome() {
        for text in [
            "",
            "Outcome:",
            "Outcome: spoke / voicemail / no answer / wrong number",
            "Outcome: spoke to her mother",
            "spoke",
            "Outcomes were good: spoke",
            "The outcome: spoke",
        ] {
            assert_eq!(from_description(text), None, "{text}");
        }
    }

    #[test]
    fn the_last_line_that_tells_one_counts() {
        let text = "Call Maya.\nOutcome: no answer\n[relay:k7q2w9x1]\nOutcome: spoke\nOutcome: ?";
        assert_eq!(from_description(text), Some(CallOutcome::Spoke));
    }

    #[test]
    fn an_untouched_task_has_nothing_written_in_it() {
        let sent = "Call <b>Maya</b>.\nAnswer:";
        let marked = format!("{sent}\n\nClear Relay, ref. PN5C-8ECJ-VG93");
        let wrote = |text: &str| {
            let lines = written(text, sent).into_iter();
            let lines = lines.filter(|line| !line.trim().is_empty());
            lines.collect::<Vec<_>>()
        };
        for untouched in [
            marked.clone(),
            marked.replace('\n', "\r\n"),
            marked.replace('\n', "<br>\n"),
            format!("{marked}\n\n"),
        ] {
            assert_eq!(wrote(&untouched), Vec::<String>::new(), "{untouched}");
            assert!(!is_shortened(&untouched, sent), "{untouched}");
        }
        let long = "What happened: nobody calls her.\nAnswer:";
        for end in [8, 20, 31] {
            assert!(
                written(&long[..end], long)
                    .iter()
                    .all(|line| line.len() < CUT_OFF),
                "{end}"
            );
        }
        for touched in [
            format!("{marked} not yet"),
            format!("{marked}\nnot yet"),
            marked.replace("Answer:", "Answer: not yet"),
            marked.replace("ref. PN5C-8ECJ-VG93", "ref. PN5C-8ECJ-VG93-STOP"),
        ] {
            assert_eq!(wrote(&touched).len(), 1, "{touched}");
        }
        for shortened in [
            String::new(),
            "Clear Relay, ref. PN5C-8ECJ-VG93".to_owned(),
            "Answer:".to_owned(),
            marked.replace("Maya", "May"),
        ] {
            assert!(is_shortened(&shortened, sent), "{shortened}");
        }
    }

    #[test]
    fn what_was_sent_is_never_the_answer() {
        let sent = "Why a call: 3 emails unopened.\nNumber: 303-555-0101\nOutcome: spoke\n\n\
                    What to say:\nHi Maya\n\nOutcome:";
        let marked = format!("{sent}\n\nClear Relay, ref. PN5C-8ECJ-VG93");
        assert_eq!(answered(&marked, sent), None, "merely completed");
        let crlf = marked.replace('\n', "\r\n");
        assert_eq!(answered(&crlf, sent), None);
        let no_answer = Some(CallOutcome::NoAnswer);
        let filled = marked.replace("\nOutcome:\n", "\nOutcome: no answer\n");
        assert_eq!(
            answered(&filled, sent),
            no_answer,
            "in the line that is hers"
        );
        assert_eq!(
            answered(&format!("{marked}\nOutcome: no answer"), sent),
            no_answer
        );
        assert_eq!(
            answered(&format!("Outcome: no answer\n{marked}"), sent),
            no_answer
        );
        let spoke = answered(&format!("{marked}\nOutcome: spoke"), sent);
        assert_eq!(spoke, Some(CallOutcome::Spoke), "she says so herself");
    }

    proptest! {
        #[test]
        fn no_text_that_was_sent_answers_for_the_coach(
            text in "(?s)(.{0,20}|\\n?Outcome: (spoke|voicemail)|<br>Outcome: spoke<br>|<p>|\\r|\\u{2028}){0,8}", end in "\\n|\\r\\n"
        ) {
            let shown = text.replace('\n', &end);
            prop_assert_eq!(answered(&format!("{shown}{end}{end}Clear Relay, ref. PN5C-8ECJ-VG93"), &text), None);
            let answer = format!("{shown}{end}Outcome: wrong number");
            prop_assert_eq!(answered(&answer, &text), Some(CallOutcome::WrongNumber));
        }
        #[test]
        fn no_text_makes_the_parser_panic(text in "(?s).{0,120}") {
            let _ = from_description(&text);
            let _ = from_description(&format!("Outcome{text}"));
        }
    }
}
