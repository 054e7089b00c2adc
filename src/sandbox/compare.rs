//! Compares what vendors accepted with what was written down by hand.

use relay_core::time::TimeZone;
use relay_http_client::emulation::Accepted;
use serde::Serialize;
use serde_json::Value;

use super::cast::{CastClient, Expectation};

/// What came of one client's story.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StoryOutcome {
    /// Her id.
    pub client: String,
    /// What the story shows.
    pub story: String,
    /// Everything that differs from what was expected; empty when nothing does.
    pub differences: Vec<String>,
    /// What was accepted for her, in order.
    pub accepted: Vec<Accepted>,
}

impl StoryOutcome {
    /// Whether all was as expected.
    pub fn passed(&self) -> bool {
        self.differences.is_empty()
    }
}

/// Compares one client's accepted requests, both vendors' together in order of time.
pub fn compare(client: &CastClient, accepted: &[Accepted], zone: &TimeZone) -> StoryOutcome {
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
    StoryOutcome {
        client: client.id.clone(),
        story: client.story.clone(),
        differences,
        accepted: mine,
    }
}

fn differs(expected: &Expectation, entry: &Accepted, zone: &TimeZone) -> Vec<String> {
    let mut differences = Vec::new();
    let what = &expected.what;
    let local = zone.to_datetime(entry.at);
    let day = local.date();
    if day != expected.on {
        differences.push(format!("{what} came on {day} instead of {}", expected.on));
    }
    if let Some(time) = expected.at {
        let (hour, minute) = (local.hour(), local.minute());
        if (hour, minute) != (time.hour(), time.minute()) {
            let wanted = time.strftime("%H:%M");
            differences.push(format!(
                "{what} on {day} came at {hour:02}:{minute:02} not {wanted}"
            ));
        }
    }
    if let Some(earliest) = expected.not_before.filter(|time| local.time() < *time) {
        let (found, wanted) = (local.strftime("%H:%M"), earliest.strftime("%H:%M"));
        differences.push(format!("{what} on {day} came at {found}, before {wanted}"));
    }
    if let Some(text) = &expected.text {
        let said = message(&entry.content);
        if said != Some(text) {
            let said = said.unwrap_or("nothing");
            differences.push(format!(
                "{what} on {day} says: {said}; it should say: {text}"
            ));
        }
    }
    for (name, value) in &expected.with {
        if entry.content.get(name) != Some(value) {
            let found = entry.content.get(name).unwrap_or(&Value::Null);
            differences.push(format!(
                "{what} on {day} has {name} = {found} instead of {value}"
            ));
        }
    }
    let mut said = Vec::new();
    strings(&entry.content, &mut said);
    for part in &expected.says {
        if !said.iter().any(|text| text.contains(part.as_str())) {
            differences.push(format!("{what} on {day} does not say: {part}"));
        }
    }
    differences
}

/// The text that a person reads.
fn message(content: &Value) -> Option<&str> {
    content.get("text")?.as_str()
}

/// Every text in a content.
fn strings<'a>(content: &'a Value, found: &mut Vec<&'a str>) {
    match content {
        Value::String(text) => found.push(text),
        Value::Array(items) => items.iter().for_each(|item| strings(item, found)),
        Value::Object(members) => members.values().for_each(|value| strings(value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
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
            content: json!({ "text": text, "user_id": "11" }),
        }
    }

    fn expected(what: &str, says: &str) -> Expectation {
        Expectation {
            on: "2026-11-04".parse().expect("a date"),
            at: None,
            not_before: None,
            what: what.to_owned(),
            text: None,
            with: serde_json::Map::new(),
            says: vec![says.to_owned()],
        }
    }

    #[test]
    fn what_was_expected_and_nothing_else_passes() {
        let client = client(vec![expected("email", "hello")]);
        let book = [accepted("email", "2026-11-04T16:00:00Z", "hello")];
        assert!(compare(&client, &book, &TimeZone::UTC).passed());
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

    #[test]
    fn a_whole_text_a_member_and_a_minute_are_exact() {
        let mut strict = expected("email", "hello");
        strict.text = Some("hello".to_owned());
        strict.at = Some("09:00".parse().expect("a time"));
        strict.with.insert("user_id".to_owned(), json!("12"));
        let book = [accepted("email", "2026-11-04T09:01:00Z", "hello there")];
        let outcome = compare(&client(vec![strict]), &book, &TimeZone::UTC);
        assert_eq!(
            outcome.differences,
            [
                "email on 2026-11-04 came at 09:01 not 09:00",
                "email on 2026-11-04 says: hello there; it should say: hello",
                "email on 2026-11-04 has user_id = \"11\" instead of \"12\"",
            ]
        );
    }
}
