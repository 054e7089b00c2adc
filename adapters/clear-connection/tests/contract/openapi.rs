//! The published description against what this crate really calls, reads and answers.
//!
//! The file is read line by line: its layout is ours, and a description that this scan can't
//! follow fails the tests.

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method};
use relay_clear_connection::webhook::{KNOWN_TYPES, WebhookKey};
use relay_core::time::Clock as _;
use relay_http_client::{Call, Transport};
use secrecy::SecretString;
use serde_json::Value;

use crate::support::{TOKEN, World, day};

const DESCRIPTION: &str = include_str!("../../openapi.yaml");

/// The lines below a top-level key.
fn section(name: &str) -> Vec<&'static str> {
    let mut lines = DESCRIPTION.lines().skip_while(|line| *line != name);
    assert!(lines.next().is_some(), "no section {name}");
    lines.take_while(|line| line.starts_with(' ')).collect()
}

/// The keys of a section that are indented by two.
fn keys(name: &str) -> Vec<&'static str> {
    section(name)
        .into_iter()
        .filter_map(|line| line.strip_prefix("  "))
        .filter(|line| !line.starts_with(' '))
        .filter_map(|line| line.strip_suffix(':'))
        .collect()
}

/// `METHOD /path` of every call described.
fn calls() -> BTreeSet<String> {
    let mut path = "";
    let mut calls = BTreeSet::new();
    for line in section("paths:") {
        match line.trim_end_matches(':') {
            line if line.starts_with("  /") => path = line.trim(),
            "    get" => drop(calls.insert(format!("GET {path}"))),
            "    post" => drop(calls.insert(format!("POST {path}"))),
            _ => {}
        }
    }
    calls
}

/// The list in `required: [a, b]`.
fn required(line: &str) -> Vec<&str> {
    let list = line.split_once("required: [").expect("a list").1;
    let list = list.split_once(']').expect("its end").0;
    list.split(", ").collect()
}

/// The members that a schema requires.
fn required_of_schema(name: &str) -> Vec<&'static str> {
    let head = format!("    {name}:");
    let mut lines = section("components:")
        .into_iter()
        .skip_while(move |line| *line != "  schemas:")
        .skip_while(move |line| *line != head)
        .skip(1)
        .take_while(|line| line.starts_with("      "));
    required(
        lines
            .find(|line| line.starts_with("      required:"))
            .expect("the schema's `required`"),
    )
}

/// The members that an event type requires in `data`.
fn required_of_event(kind: &str) -> Vec<&'static str> {
    let head = format!("type: {{ const: {kind} }}, data: ");
    let line = section("webhooks:")
        .into_iter()
        .find_map(|line| line.split_once(head.as_str()))
        .expect("the event's `required`");
    required(line.1)
}

fn assert_has(value: &Value, members: &[&str], what: &str) {
    for member in members {
        assert!(value.get(*member).is_some(), "{what} lacks {member}");
    }
}

async fn make_every_call(world: &World) {
    let (maya, bea) = ("c1".into(), "b1".into());
    let now = world.clock.now();
    let asked = world
        .portal
        .add_check_in("c1", "k1", day("2026-11-03"), None);
    asked.expect("asked");
    let client = &world.client;
    client.client(&maya).await.expect("read");
    client
        .clients_by_email("maya@example.test")
        .await
        .expect("read");
    client
        .check_ins(&maya, day("2026-11-01"))
        .await
        .expect("read");
    client
        .open_check_ins(day("2026-11-04"))
        .await
        .expect("read");
    client
        .send_message("k/1", &maya, &bea, "Hi")
        .await
        .expect("sent");
    client.messages(&maya, now).await.expect("read");
    client
        .add_note("k/2", &maya, None, "quiet")
        .await
        .expect("noted");
    client.notes(&maya, now).await.expect("read");
    client.coaches().await.expect("read");
}

#[tokio::test]
async fn the_description_has_every_call_that_is_made_and_no_other() {
    let world = World::new();
    make_every_call(&world).await;
    let made: BTreeSet<String> = world
        .transport
        .calls
        .lock()
        .expect("calls")
        .iter()
        .map(|(method, path)| format!("{method} {}", path.replace("/c1", "/{id}")))
        .collect();
    assert_eq!(made, calls());
}

#[test]
fn the_description_has_every_event_type_that_is_read_and_no_other() {
    assert_eq!(keys("webhooks:"), KNOWN_TYPES);
}

#[test]
fn the_fixtures_have_what_the_description_requires_of_events() {
    let folder = "../../fixtures/clear-connection/events";
    for kind in KNOWN_TYPES {
        let path = format!("{}/{folder}/{kind}.json", env!("CARGO_MANIFEST_DIR"));
        let event = fs::read(path).expect("a fixture");
        let event: Value = serde_json::from_slice(&event).expect("JSON");
        assert_has(&event, &required_of_schema("Event"), kind);
        assert_has(&event["data"], &required_of_event(kind), kind);
    }
}

#[tokio::test]
async fn the_emulators_answers_have_what_the_description_requires() {
    let world = World::new();
    make_every_call(&world).await;
    world.portal.client_writes("c1", "Hello").expect("written");
    let list = required_of_schema("List");
    for (path, schema, is_list) in [
        ("/clients/c1", "Client", false),
        ("/clients", "Client", true),
        ("/clients/c1/check-ins", "CheckIn", true),
        ("/check-ins", "CheckIn", true),
        ("/clients/c1/messages", "Message", true),
        ("/clients/c1/notes", "Note", true),
        ("/coaches", "Coach", true),
        ("/clients/c9", "Error", false),
    ] {
        let answer = ask(&world, path).await;
        let members = required_of_schema(schema);
        if !is_list {
            assert_has(&answer, &members, path);
            continue;
        }
        assert_has(&answer, &list, path);
        let entries = answer["data"].as_array().expect("a list");
        assert!(!entries.is_empty(), "{path}");
        for entry in entries {
            assert_has(entry, &members, path);
        }
    }
}

async fn ask(world: &World, path: &str) -> Value {
    let url = format!("http://portal.test{path}");
    let mut headers = HeaderMap::new();
    let bearer = format!("Bearer {TOKEN}").parse().expect("a header");
    headers.insert("authorization", bearer);
    let call = Call {
        method: Method::GET,
        url: url.parse().expect("an address"),
        headers,
        body: Bytes::new(),
        timeout: relay_clear_connection::client::TIMEOUT,
    };
    let transport = Arc::clone(&world.transport);
    let answer = transport.send(call).await.expect("an answer");
    serde_json::from_slice(&answer.body).expect("JSON")
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
