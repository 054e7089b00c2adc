//! What people write, and what it is read as.

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
        ("replied on Instagram", "replied"),
        ("handled she will send photos", "handled"),
        ("handled by nobody", "handled"),
        ("no contact. No more messages please", "no_contact"),
        ("complaint: nothing works, she is angry", "complaint"),
        ("unwell - not well at all, burning", "unwell"),
        ("unwell, no fever but rash", "unwell"),
        ("wants to leave, never again", "wants_to_leave"),
    ] {
        let read = read(&format!("Answer: {text}"));
        assert_eq!(read, Some(Written::Action(action, None)), "{text}");
    }
    for text in [
        "continue, but not today",
        "send, or rather not",
        "done, my sister asked",
        "complaint - none",
        "unwell - no, she is fine",
        "handled she wants to leave",
        "handled or continue",
        "handled - not yet",
        "handled not yet",
        "handled, continue",
        "replied - no",
        "replied continue",
        "stop - no, send it",
        "no contact - tried twice",
        "no contact, left a message",
        "complaint, no",
        "wait until Nov 12, actually stop",
        "wait until Nov 12, sorry, handled",
        "wait until Nov 12 (no, continue)",
        "wait until Nov 12, she has quit",
        "wait until Nov 12, or Nov 14",
        "wait until Nov 12, she is unwell",
        "wait until Nov 12 or later",
    ] {
        assert_eq!(
            read(&format!("Answer: {text}")),
            Some(Written::Unreadable),
            "{text}"
        );
    }
}

#[test]
fn a_day_may_have_a_remark_behind_it_and_be_said_otherwise() {
    for text in [
        "wait until Nov 12, she is traveling",
        "wait until Nov 12, 2026 (she is traveling)",
        "wait until Nov 12 - on vacation",
        "wait till Nov 12",
        "pause until Nov 12",
    ] {
        let read = read(&format!("Answer: {text}"));
        assert_eq!(read, Some(wait("2026-11-12")), "{text}");
    }
}

#[test]
fn who_says_that_she_has_read_it_says_nothing_else() {
    for text in [
        "ok",
        "Thanks!",
        "Noted.\n\nAnswer:",
        "got it",
        "Done, number corrected",
    ] {
        assert_eq!(read(text), None, "{text}");
    }
    for text in [
        "Answer: ok",
        "ok, she is unwell",
        "ok she quit",
        "ok, stop",
        "done, and then the whole account was closed",
    ] {
        assert_eq!(read(text), Some(Written::Unreadable), "{text}");
    }
}

#[test]
fn what_came_of_a_call_is_a_remark_where_nobody_asked_for_it() {
    let handled = Some(Written::Action("handled", None));
    assert_eq!(read("Answer: handled\nSpoke with her"), handled);
    assert_eq!(read("Answer: handled\nleft a voicemail"), handled);
    let spoke = Some(Written::Outcome(CallOutcome::Spoke));
    assert_eq!(read("Spoke with her"), spoke);
    assert_eq!(read("Answer: spoke, she has quit"), spoke);
    let more = read("Spoke to her\nShe wants to stop");
    assert_eq!(more, Some(Written::Unreadable), "it says more than that");
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
        "Outcome: spoke with her",
        "Outcome: left a voicemail",
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
