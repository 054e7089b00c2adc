//! What came of a call, as the coach wrote it into the task (SOP A8).
//!
//! The task asks for a line `Outcome:` followed by one of four answers. People write it in many
//! ways; whatever is not clearly one of the four is no outcome, and somebody asks her.

use relay_core::facts::CallOutcome;

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
    let answer = answer.strip_prefix([':', '-', '=', '–', '—'])?;
    let words: Vec<String> = answer
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    match words.join(" ").as_str() {
        "spoke" => Some(CallOutcome::Spoke),
        "voicemail" | "voice mail" => Some(CallOutcome::Voicemail),
        "no answer" | "noanswer" => Some(CallOutcome::NoAnswer),
        "wrong number" | "wrongnumber" => Some(CallOutcome::WrongNumber),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_four_answers_are_read_however_they_are_typed() {
        for (text, expected) in [
            ("Outcome: spoke", CallOutcome::Spoke),
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

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "(?s).{0,120}") {
            let _ = from_description(&text);
            let _ = from_description(&format!("Outcome{text}"));
        }
    }
}
