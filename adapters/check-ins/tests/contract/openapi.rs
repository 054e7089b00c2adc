//! The published description against what is read, and against what the emulator sends.
//!
//! The file is read line by line: its layout is ours, and a description that this scan can't follow
//! fails the tests.

use std::collections::BTreeMap;

use relay_check_ins::Column;
use relay_check_ins::webhook::{MAX_BODY, MAX_ROWS, WebhookKey};
use relay_core::time::{Date, Timestamp};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::support::World;

const DESCRIPTION: &str = include_str!("../../openapi.yaml");

/// What a member may be.
#[derive(Debug, Default)]
struct Member {
    types: Vec<&'static str>,
    format: Option<&'static str>,
}

/// The members of a schema, and those it requires.
fn schema(name: &str) -> (BTreeMap<&'static str, Member>, Vec<&'static str>) {
    let head = format!("    {name}:");
    let lines = DESCRIPTION
        .lines()
        .skip_while(|line| *line != "  schemas:")
        .skip_while(|line| *line != head)
        .skip(1)
        .take_while(|line| line.starts_with("      "));
    let mut members = BTreeMap::new();
    let mut required = Vec::new();
    let mut name = "";
    let mut described = false;
    for line in lines {
        if let Some(list) = line.strip_prefix("      required: [") {
            required = list.trim_end_matches(']').split(", ").collect();
        } else if line.starts_with("      ") && !line.starts_with("       ") {
            described = line == "      properties:";
        } else if described {
            let inner = line.strip_prefix("        ").unwrap_or_default();
            match inner.strip_suffix(':').filter(|_| !inner.starts_with(' ')) {
                Some(found) => {
                    name = found;
                    members.insert(name, Member::default());
                }
                None => detail(members.get_mut(name).expect("a member"), inner.trim()),
            }
        }
    }
    (members, required)
}

fn detail(member: &mut Member, line: &'static str) {
    if let Some(types) = line.strip_prefix("type: ") {
        let types = types.trim_matches(['[', ']']).split(", ");
        member.types = types.map(|word| word.trim_matches('"')).collect();
    } else if let Some(format) = line.strip_prefix("format: ") {
        member.format = Some(format);
    }
}

/// What is wrong with an object, by the description.
fn wrong(value: &Value, name: &str) -> Vec<String> {
    let (members, required) = schema(name);
    let mut wrong: Vec<String> = required
        .iter()
        .filter(|member| value.get(**member).is_none())
        .map(|member| format!("no {member}"))
        .collect();
    for (member, value) in value.as_object().expect("an object") {
        let Some(described) = members.get(member.as_str()) else {
            wrong.push(format!("{member} is not described"));
            continue;
        };
        let is_a = |kind: &&str| match *kind {
            "string" => value.is_string(),
            "integer" => value.is_u64() || value.is_i64(),
            "boolean" => value.is_boolean(),
            "array" => value.is_array(),
            "null" => value.is_null(),
            _ => false,
        };
        let text = value.as_str();
        let fits = text.is_none_or(|text| match described.format {
            Some("date") => text.len() == 10 && text.parse::<Date>().is_ok(),
            Some("date-time") => text.parse::<Timestamp>().is_ok(),
            _ => true,
        });
        if !fits || !described.types.iter().any(is_a) {
            wrong.push(format!("{member} is of another type"));
        }
    }
    wrong
}

#[test]
fn the_description_has_every_member_that_is_read_and_no_other() {
    let (members, required) = schema("Row");
    let mut names = Column::ALL.map(Column::name);
    names.sort_unstable();
    assert_eq!(members.into_keys().collect::<Vec<_>>(), names);
    assert_eq!(required, ["client"]);
    let (members, required) = schema("Delivery");
    assert_eq!(members.into_keys().collect::<Vec<_>>(), ["made_at", "rows"]);
    assert_eq!(required, ["rows"]);
}

#[test]
fn the_description_tells_the_limits() {
    assert!(DESCRIPTION.contains(&format!("maxItems: {MAX_ROWS}\n")));
    assert_eq!(MAX_BODY, 256 * 1024);
    assert!(DESCRIPTION.contains("At most 1,000 rows and 256 KiB at once"));
}

#[tokio::test]
async fn everything_that_the_emulator_sends_is_as_described() {
    let world = World::new();
    world.maya();
    for act in [
        json!({"act": "add_client", "id": "c4"}),
        json!({"act": "add_check_in", "client": "1042", "id": "k1", "due": "2026-11-03"}),
        json!({"act": "add_check_in", "client": "1042", "id": "k2", "due": "2026-11-17"}),
        json!({"act": "add_check_in", "client": "c4", "id": "k3", "due": "2026-11-17"}),
        json!({"act": "reschedule", "check_in": "k2", "due": "2026-11-20"}),
        json!({"act": "check_in", "client": "1042"}),
        json!({"act": "withdraw", "check_in": "k2"}),
        json!({"act": "change_regimen", "client": "1042"}),
        json!({"act": "change_status", "client": "1042", "status": "on_break",
            "break_until": "2026-12-01"}),
        json!({"act": "change_guardian", "client": "1042", "minor": true, "guardian": "Carla"}),
        json!({"act": "send_all"}),
        json!({"act": "switch", "no_check_in_ids": true, "no_made_at": true}),
        json!({"act": "reschedule", "check_in": "k3", "due": "2026-11-21"}),
        json!({"act": "send_all"}),
    ] {
        world.act(&act);
        world.list.deliver_due().await;
    }
    let sent = world.receiver.values();
    assert!(sent.len() > 12);
    for body in &sent {
        assert_eq!(wrong(body, "Delivery"), Vec::<String>::new());
        for row in body["rows"].as_array().expect("rows") {
            assert_eq!(wrong(row, "Row"), Vec::<String>::new(), "{row}");
        }
    }
    world.act(&json!({"act": "raise", "rows": [{"due": "11/3/2026", "submitted_at": "yes"}]}));
    world.list.deliver_due().await;
    let broken = world.receiver.values().pop().expect("sent");
    assert_eq!(wrong(&broken["rows"][0], "Row").len(), 3, "the check sees");
}

#[test]
fn the_example_of_a_signature_in_the_description_is_right() {
    let words: Vec<&str> = DESCRIPTION.split('`').collect();
    let find = |start: &str| {
        let found = words.iter().filter(|word| word.starts_with(start));
        *found
            .max_by_key(|word| word.len())
            .expect("in the description")
    };
    let key = WebhookKey::new("example", &SecretString::from(find("whsec_"))).expect("a key");
    let timestamp = find("16").parse().expect("seconds");
    let signature = key.sign(find("msg_"), timestamp, find(r#"{"test""#).as_bytes());
    assert_eq!(signature, find("v1,"));
}
