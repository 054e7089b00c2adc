//! The clinic's open questions, as a form below the configuration.
//!
//! They are data (`procedures/questions.toml`): the clinic reads them, and a test compares them
//! with the keys that name their numbers.

use serde::Deserialize;

/// The questions that travel in the binary.
const SHIPPED: &str = include_str!("../../../procedures/questions.toml");
/// Where a line of the form ends.
const WIDTH: usize = 96;

/// One question.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// Its number: `A1`.
    pub number: String,
    /// The question.
    pub asks: String,
    /// What can be answered.
    pub choices: String,
    /// What holds until somebody answers.
    pub default: String,
    /// The keys of the configuration that set it.
    #[serde(default)]
    pub keys: Vec<String>,
    /// The keys of the procedure's file that set it.
    #[serde(default)]
    pub parameters: Vec<String>,
}

impl Question {
    /// Whether a key sets the answer.
    pub fn has_key(&self) -> bool {
        !self.keys.is_empty() || !self.parameters.is_empty()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Questions {
    question: Vec<Question>,
}

/// Every question, in order. An error can't happen in a released binary; a test reads them.
pub fn questions() -> Result<Vec<Question>, String> {
    let read: Questions = toml::from_str(SHIPPED).map_err(|error| error.to_string())?;
    Ok(read.question)
}

/// The form, as comments.
pub(super) fn write(questions: &[Question]) -> String {
    let mut text = String::from(
        "
# ---------------------------------------------------------------------------------------------
# For the clinic: what its documents leave open.
#
# Until somebody answers, what stands behind \"now\" holds. A key is one of this file; a parameter
# is one of missed-check-in.toml in the folder that procedures.missed_check_in.path names: a copy of
# the folder `procedures` of the relay's sources.
# ---------------------------------------------------------------------------------------------
",
    );
    for question in questions.iter().filter(|question| question.has_key()) {
        text.push_str("#\n");
        entry(&mut text, "", question);
        for (what, keys) in [("key", &question.keys), ("parameter", &question.parameters)] {
            if !keys.is_empty() {
                line(&mut text, &format!("  {what}: "), &keys.join(", "));
            }
        }
    }
    text.push_str(
        "#
# --- No key sets these yet. Talk them over, and write the answers down. ----------------------
",
    );
    for question in questions.iter().filter(|question| !question.has_key()) {
        text.push_str("#\n");
        entry(&mut text, "[ ] ", question);
    }
    text
}

fn entry(text: &mut String, tick: &str, question: &Question) {
    line(text, &format!("{tick}{} ", question.number), &question.asks);
    line(text, "  choices: ", &question.choices);
    line(text, "  now: ", &question.default);
}

/// A comment, wrapped below its first word.
fn line(text: &mut String, head: &str, words: &str) {
    let indent = " ".repeat(4);
    let mut current = format!("# {head}");
    let mut empty = true;
    for word in words.split_whitespace() {
        let length = current.chars().count() + 1 + word.chars().count();
        if !empty && length > WIDTH {
            text.push_str(current.trim_end());
            text.push('\n');
            current = format!("# {indent}");
            empty = true;
        }
        if !empty {
            current.push(' ');
        }
        current.push_str(word);
        empty = false;
    }
    text.push_str(current.trim_end());
    text.push('\n');
}
