//! Compares what vendors accepted with what was written down by hand.

use std::fmt::Write as _;

use relay_core::time::TimeZone;
use relay_http_client::emulation::Accepted;
use serde::Serialize;

use super::cast::{CastClient, Expectation};

/// What came of one client's story.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outcome {
    /// Her id.
    pub client: String,
    /// What the story shows.
    pub story: String,
    /// Everything that differs from what was expected; empty when nothing does.
    pub differences: Vec<String>,
    /// What was accepted for her, in order.
    pub accepted: Vec<Accepted>,
}

impl Outcome {
    /// Whether all was as expected.
    pub fn passed(&self) -> bool {
        self.differences.is_empty()
    }
}

/// Compares one client's accepted requests, both vendors' together in order of time.
pub fn compare(client: &CastClient, accepted: &[Accepted], zone: &TimeZone) -> Outcome {
    let mine: Vec<Accepted> = accepted
        .iter()
        .filter(|entry| entry.who == client.id || entry.who == client.contact)
        .cloned()
        .collect();
    let mut differences = Vec::new();
    let mut left: Vec<&Accepted> = mine.iter().collect();
    for expected in &client.expects {
        match left
            .iter()
            .position(|entry| entry.operation == expected.what)
        {
            None => differences.push(format!("missing: {} on {}", expected.what, expected.on)),
            Some(index) => {
                let entry = left.remove(index);
                differences.extend(differs(expected, entry, zone));
            }
        }
    }
    for entry in left {
        let day = zone.to_datetime(entry.at).date();
        differences.push(format!("not expected: {} on {day}", entry.operation));
    }
    Outcome {
        client: client.id.clone(),
        story: client.story.clone(),
        differences,
        accepted: mine,
    }
}

fn differs(expected: &Expectation, entry: &Accepted, zone: &TimeZone) -> Vec<String> {
    let mut differences = Vec::new();
    let day = zone.to_datetime(entry.at).date();
    if day != expected.on {
        differences.push(format!(
            "{} came on {day} instead of {}",
            expected.what, expected.on
        ));
    }
    let said = text_of(&entry.content);
    for part in &expected.says {
        if !said.contains(part.as_str()) {
            differences.push(format!("{} on {day} does not say: {part}", expected.what));
        }
    }
    differences
}

/// Every text in a content, one a line.
fn text_of(content: &serde_json::Value) -> String {
    use serde_json::Value;
    let mut out = String::new();
    let mut open = vec![content];
    while let Some(value) = open.pop() {
        match value {
            Value::String(text) => {
                let _ = writeln!(out, "{text}");
            }
            Value::Array(items) => open.extend(items),
            Value::Object(members) => open.extend(members.values()),
            Value::Null => {}
            other => {
                let _ = writeln!(out, "{other}");
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn client(expects: Vec<Expectation>) -> CastClient {
        let mut client: CastClient = toml::from_str(
            "id = 'maya'\nstory = ''\nfirst = 'Maya'\nlast = 'R'\nemail = 'm@example.test'\n\
             coach = 'c'\ncontact = '101'",
        )
        .expect("a client");
        client.expects = expects;
        client
    }

    fn accepted(operation: &str, at: &str, text: &str) -> Accepted {
        Accepted {
            at: at.parse().expect("a time"),
            operation: operation.to_owned(),
            who: "101".to_owned(),
            content: json!({ "text": text }),
        }
    }

    fn expected(what: &str, says: &str) -> Expectation {
        Expectation {
            on: "2026-11-04".parse().expect("a date"),
            what: what.to_owned(),
            says: vec![says.to_owned()],
        }
    }

    #[test]
    fn what_was_expected_and_nothing_else_passes() {
        let client = client(vec![expected("email", "hello")]);
        let book = [accepted("email", "2026-11-04T16:00:00Z", "hello")];
        assert_eq!(
            compare(&client, &book, &TimeZone::UTC).differences,
            Vec::<String>::new()
        );
    }

    #[test]
    fn a_missing_a_second_a_late_and_a_reworded_one_are_told() {
        let client = client(vec![expected("email", "hello"), expected("add_tag", "x")]);
        let book = [
            accepted("email", "2026-11-05T16:00:00Z", "good day"),
            accepted("email", "2026-11-05T16:00:00Z", "hello"),
        ];
        let outcome = compare(&client, &book, &TimeZone::UTC);
        assert_eq!(
            outcome.differences,
            [
                "email came on 2026-11-05 instead of 2026-11-04",
                "email on 2026-11-05 does not say: hello",
                "missing: add_tag on 2026-11-04",
                "not expected: email on 2026-11-05",
            ]
        );
    }
}
