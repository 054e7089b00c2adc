//! The documents against the table.

use std::collections::BTreeSet;

use super::*;
use crate::workflows::registry;

const DOCUMENTS: [(Document, &str); 2] = [
    (
        Document::MissedCheckIn,
        include_str!("../../../../fixtures/sop/missed-check-in.txt"),
    ),
    (
        Document::MoveToClinic,
        include_str!("../../../../fixtures/sop/move-to-clinic.txt"),
    ),
];

/// Drops what only shapes the page: blanks, list marks, list numbers.
fn without_marks(mut rest: &str) -> &str {
    loop {
        let trimmed =
            rest.trim_start_matches(|c: char| c.is_whitespace() || "-|•*\u{feff}".contains(c));
        let number = trimmed.trim_start_matches(|c: char| c.is_ascii_digit());
        let is_number = number.len() < trimmed.len() && number.starts_with(". ");
        let next = if is_number { &number[1..] } else { trimmed };
        if next.len() == rest.len() {
            return rest;
        }
        rest = next;
    }
}

#[test]
fn every_sentence_of_the_documents_is_in_the_table_exactly_once_and_in_order() {
    for (document, text) in DOCUMENTS {
        let mut rest = without_marks(text);
        for sentence in SENTENCES.iter().filter(|one| one.document == document) {
            let expected = sentence.text.trim_end_matches('\n');
            let Some(after) = rest.strip_prefix(expected) else {
                let near: String = rest.chars().take(80).collect();
                panic!("expected {expected:?}, the document goes on with {near:?}");
            };
            rest = without_marks(after);
        }
        assert_eq!(rest, "", "{document:?} goes on after the table ends");
    }
}

#[test]
fn every_built_step_carries_out_a_sentence_and_no_other_step_is_named() {
    let built: BTreeSet<_> = registry()
        .iter()
        .flat_map(|procedure| procedure.steps.iter().map(|step| (procedure.name, step.id)))
        .collect();
    let named: BTreeSet<_> = SENTENCES
        .iter()
        .filter_map(|sentence| match sentence.place {
            Place::Step(procedure, step) => Some((procedure, step)),
            Place::Script(_, step) => Some(("missed_check_in", step)),
            _ => None,
        })
        .collect();
    assert_eq!(named, built);
}

#[test]
fn the_sentences_that_steps_quote_are_the_documents() {
    for procedure in registry() {
        for step in procedure.steps {
            for quoted in step.sentences {
                let found = SENTENCES.iter().find(|one| one.text == *quoted);
                let place = found
                    .unwrap_or_else(|| panic!("{quoted:?} is not there"))
                    .place;
                assert!(matches!(place, Place::Step(name, _) if name == procedure.name));
            }
        }
    }
}

#[test]
fn every_script_is_in_the_table_with_the_step_that_uses_it() {
    let used: Vec<_> = SENTENCES
        .iter()
        .filter_map(|sentence| match sentence.place {
            Place::Script(id, step) => Some((id, step)),
            _ => None,
        })
        .collect();
    assert_eq!(
        used,
        [
            ("S1", "portal_message"),
            ("S2", "email_follow_up"),
            ("S3", "phone_follow_up"),
            ("S4", "by_hand"),
        ]
    );
}
