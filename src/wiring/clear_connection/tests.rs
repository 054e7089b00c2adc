//! The portal's events as facts, and the portal as a port, through the public seams.

use std::collections::BTreeMap;
use std::sync::Arc;

use relay_clear_connection::emulator::{NewClient, Portal as Emulator, Settings, Switches};
use relay_clear_connection::webhook::WebhookKey;
use relay_core::facts::FactBody;
use relay_core::ids::ReceiptId;
use relay_core::random::SeededRandom;
use relay_core::time::ManualClock;
use relay_http_client::RouterTransport;
use relay_store::ReceiptState;
use secrecy::SecretString;
use serde_json::{Value, json};

use super::*;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn now() -> Timestamp {
    "2026-11-04T16:00:00Z".parse().expect("a time")
}

fn denver() -> TimeZone {
    TimeZone::get("America/Denver").expect("a bundled zone")
}

fn key() -> WebhookKey {
    WebhookKey::new("november", &SecretString::from(SECRET)).expect("a key")
}

fn source() -> ClearConnectionSource {
    let keys = KeyRing::new(vec![key()]).expect("a ring");
    ClearConnectionSource::new(keys, FieldMap::default(), denver())
}

fn receipt(body: &[u8]) -> Receipt {
    Receipt {
        id: ReceiptId::new(&SeededRandom::new(1), now()),
        source: SOURCE.to_owned(),
        dedupe_key: "evt_1".to_owned(),
        dedupe_forever: true,
        verified_by: "november".to_owned(),
        received_at: now(),
        content_type: None,
        body: body.to_vec(),
        state: ReceiptState::New,
        duplicate_of: None,
        note: None,
        processed_at: None,
    }
}

fn told(kind: &str, data: &Value) -> (Vec<relay_core::facts::Fact>, Option<String>) {
    let body = json!({"type": kind, "timestamp": "2026-11-04T15:00:00Z", "data": data});
    match source().parse(&receipt(body.to_string().as_bytes())) {
        Parsed::Content { facts, note, .. } => (facts, note),
        other => panic!("not content: {other:?}"),
    }
}

fn one(kind: &str, data: &Value) -> relay_core::facts::Fact {
    let (mut facts, _) = told(kind, data);
    assert_eq!(facts.len(), 1, "{kind}");
    facts.remove(0)
}

#[test]
fn a_due_instant_falls_on_the_clinics_day() {
    let late_evening = json!({"client_id": 7, "check_in_id": 70, "due_at": "2026-11-04T05:30:00Z"});
    let fact = one("check_in.due", &late_evening);
    assert_eq!(fact.client.as_str(), "7");
    assert_eq!(fact.object, "70");
    assert_eq!(fact.source_time.to_string(), "2026-11-04T15:00:00Z");
    let FactBody::CheckInDue { due, due_at, .. } = fact.body else {
        panic!("another fact");
    };
    assert_eq!(due.to_string(), "2026-11-03");
    assert!(due_at.is_some());
}

#[test]
fn missed_is_a_hint_that_a_check_in_is_due() {
    let data = json!({"client_id": "c1", "check_in_id": "k1", "due_date": "2026-11-03"});
    let fact = one("check_in.missed", &data);
    assert!(matches!(fact.body, FactBody::CheckInDue { .. }));
    let (facts, note) = told(
        "check_in.missed",
        &json!({"client_id": "c1", "check_in_id": "k1"}),
    );
    assert!(facts.is_empty());
    assert!(note.expect("a note").contains("reconcile"));
}

#[test]
fn a_client_who_writes_has_replied_and_a_coach_who_writes_has_not() {
    let data = json!({"client_id": "c1", "message_id": "m1", "from": "client",
        "sent_at": "2026-11-04T14:00:00Z", "text": "never believed"});
    let fact = one("message.received", &data);
    assert_eq!(fact.source_time.to_string(), "2026-11-04T14:00:00Z");
    assert_eq!(
        fact.body,
        FactBody::ClientReplied {
            message: Some("m1".into()),
            channel: "portal".to_owned()
        }
    );
    let data = json!({"client_id": "c1", "message_id": "m2", "from": "coach", "coach_id": "b1"});
    assert_eq!(
        one("message.received", &data).body,
        FactBody::CoachWrote {
            message: "m2".into(),
            coach: Some("b1".into())
        }
    );
}

#[test]
fn a_message_by_an_unknown_kind_of_author_is_quarantined() {
    let body = json!({"type": "message.received", "data": {"client_id": "c1",
        "message_id": "m1", "from": "system"}});
    let parsed = source().parse(&receipt(body.to_string().as_bytes()));
    let Parsed::Quarantine { reason, .. } = parsed else {
        panic!("believed");
    };
    assert_eq!(reason, "message.received: no usable `from`");
}

#[test]
fn e34_a_time_in_the_future_is_capped_and_flagged() {
    let data = json!({"client_id": "c1", "check_in_id": "k1", "complete": false,
        "submitted_at": "2030-01-01T00:00:00Z"});
    let (facts, note) = told("check_in.submitted", &data);
    assert_eq!(facts[0].source_time, now());
    assert_eq!(note.as_deref(), Some("a time in the future was capped"));
    assert!(matches!(
        facts[0].body,
        FactBody::CheckInSubmitted {
            complete: false,
            ..
        }
    ));
}

#[test]
fn e39_an_unknown_status_is_kept_and_is_not_online() {
    let data = json!({"client_id": "c1", "status": "on_sabbatical", "coach_id": 3});
    let FactBody::ClientUpdated { client } = one("client.updated", &data).body else {
        panic!("another fact");
    };
    assert_eq!(
        client.status,
        ClientStatus::Unknown("on_sabbatical".to_owned())
    );
    assert_eq!(client.coach, Some("3".into()));
    assert_eq!(client.email, None);
}

#[test]
fn an_update_that_tells_no_status_is_left_to_the_next_read() {
    let (facts, note) = told(
        "client.updated",
        &json!({"client_id": "c1", "coach_id": "b2"}),
    );
    assert!(facts.is_empty());
    assert!(note.expect("a note").contains("`status`"));
}

#[test]
fn the_transition_flag_narrows_online_and_nothing_else() {
    for (status, expected) in [
        ("online", ClientStatus::TransitionCallOnly),
        ("quit", ClientStatus::Quit),
    ] {
        let data = json!({"client_id": "c1", "status": status, "transition_call_only": true});
        let FactBody::ClientUpdated { client } = one("client.updated", &data).body else {
            panic!("another fact");
        };
        assert_eq!(client.status, expected);
    }
}

#[test]
fn every_other_type_has_its_fact_or_its_note() {
    let rescheduled = json!({"client_id": "c1", "check_in_id": "k1", "due_date": "2026-11-10"});
    assert_eq!(
        one("check_in.rescheduled", &rescheduled).kind(),
        "check_in_rescheduled"
    );
    let withdrawn = json!({"client_id": "c1", "check_in_id": "k1"});
    assert_eq!(
        one("check_in.withdrawn", &withdrawn).kind(),
        "check_in_withdrawn"
    );
    let read = json!({"client_id": "c1", "message_id": "m1"});
    assert_eq!(one("message.read", &read).kind(), "message_read");
    let changed = json!({"client_id": "c1", "changed_at": "2026-11-04T05:00:00Z"});
    let FactBody::RegimenChanged { on } = one("regimen.changed", &changed).body else {
        panic!("another fact");
    };
    assert_eq!(on.to_string(), "2026-11-03");
    let client = json!({"client_id": "c1"});
    assert_eq!(one("program.ended", &client).kind(), "program_ended");
    assert_eq!(
        one("program.reactivated", &client).kind(),
        "program_reactivated"
    );
    for (kind, words) in [
        ("client.conversion_requested", "nothing follows"),
        ("compliance.flagged", "nothing follows"),
        ("client.mood_changed", "unknown type client.mood_changed"),
        ("Maya Ruiz", "unknown type (not shown)"),
    ] {
        let (facts, note) = told(kind, &client);
        assert!(facts.is_empty(), "{kind}");
        assert!(note.expect("a note").contains(words), "{kind}");
    }
}

#[test]
fn what_cannot_be_used_is_quarantined_without_its_content() {
    for (body, reason) in [
        ("{broken maya@example.test", "the body is not a JSON object"),
        ("[1]", "the body is not a JSON object"),
        (r#"{"data":{}}"#, "the event has no `type`"),
        (
            r#"{"type":"check_in.due","data":{"client_id":"c1","check_in_id":"k1"}}"#,
            "check_in.due: no usable `due_date`",
        ),
    ] {
        let parsed = source().parse(&receipt(body.as_bytes()));
        let expected = Parsed::Quarantine {
            reason: reason.to_owned(),
            hints: Vec::new(),
            facts: Vec::new(),
            unread: Vec::new(),
        };
        assert_eq!(parsed, expected);
    }
}

#[test]
fn a_portal_that_spells_differently_is_mapped_by_pointer() {
    let map: BTreeMap<String, String> = [
        ("type", "/event"),
        ("client_id", "/payload/patient/id"),
        ("check_in_id", "/payload/checkin"),
        ("due_date", "/payload/due"),
    ]
    .map(|(name, pointer)| (name.to_owned(), pointer.to_owned()))
    .into();
    let keys = KeyRing::new(vec![key()]).expect("a ring");
    let fields = FieldMap::new(map).expect("a map");
    let source = ClearConnectionSource::new(keys, fields, denver());
    let body = json!({"event": "check_in.due", "payload": {"patient": {"id": 9},
        "checkin": 90, "due": "2026-11-03"}});
    let Parsed::Content { facts, .. } = source.parse(&receipt(body.to_string().as_bytes())) else {
        panic!("quarantined");
    };
    assert_eq!(facts[0].client.as_str(), "9");
    assert_eq!(facts[0].source_time, now());
}

#[test]
fn a_verified_event_is_told_apart_for_ever_and_names_its_key() {
    let body = br#"{"type":"check_in.due"}"#;
    let mut headers = HeaderMap::new();
    let at = now().as_second();
    headers.insert("webhook-id", "evt_1".parse().expect("a header"));
    headers.insert("webhook-timestamp", at.into());
    let signature = key().sign("evt_1", at, body);
    headers.insert("webhook-signature", signature.parse().expect("a header"));
    let verified = source().verify(&headers, None, body, now());
    let expected = Verified::Delivery {
        dedupe_key: "evt_1".to_owned(),
        dedupe_forever: true,
        verified_by: "november".to_owned(),
    };
    assert_eq!(verified, Ok(expected));

    let forged = source().verify(&headers, None, b"{}", now());
    let refusal = forged.expect_err("refused");
    assert_eq!(
        (refusal.status.as_u16(), refusal.code),
        (401, "signature_mismatch")
    );
    let bare = source().verify(&HeaderMap::new(), None, body, now());
    let refusal = bare.expect_err("refused");
    assert_eq!(
        (refusal.status.as_u16(), refusal.code),
        (400, "missing_header")
    );
    let large = vec![b' '; source().max_body() + 1];
    let refusal = source()
        .verify(&headers, None, &large, now())
        .expect_err("refused");
    assert_eq!(refusal.status.as_u16(), 413);
}

#[tokio::test]
async fn the_port_answers_in_the_cores_words_and_filters_for_a_portal_that_does_not() {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(now()));
    let token = SecretString::from("token-for-tests");
    let random = Arc::new(SeededRandom::new(7));
    let emulator = Emulator::new(Arc::clone(&clock), random, Settings::new(token.clone()));
    emulator
        .add_coach("b1", "Bea Lund", "bea@example.test")
        .expect("a coach");
    emulator
        .add_client(NewClient {
            id: "1".to_owned(),
            first_name: Some("Maya".to_owned()),
            coach: Some("b1".to_owned()),
            ..NewClient::default()
        })
        .expect("a client");
    for (id, due) in [
        ("10", "2026-10-20"),
        ("11", "2026-11-03"),
        ("12", "2026-11-17"),
    ] {
        let due = due.parse().expect("a day");
        emulator.add_check_in("1", id, due, None).expect("asked");
    }
    emulator.set_switches(Switches {
        filters_ignored: true,
        odd_shapes: true,
        ..Switches::default()
    });
    let transport = RouterTransport::new();
    transport.serve("portal.test", emulator.router());
    let base = "http://portal.test/".parse().expect("an address");
    let client = PortalClient::new(Arc::new(transport), base, token, Arc::clone(&clock));
    let port = ClearConnectionPorts::new(client, denver(), clock);

    let maya = ClientId::from("1");
    let snapshot = port.client(&maya).await.expect("read").expect("there");
    assert_eq!(snapshot.status, ClientStatus::Online);
    let none = port.client(&"2".into()).await.expect("read");
    assert_eq!(none, None);

    let since = "2026-11-02".parse().expect("a day");
    let check_ins = port.check_ins(&maya, since).await.expect("read");
    let ids: Vec<_> = check_ins.iter().map(|c| c.id.as_str()).collect();
    assert_eq!(ids, ["11", "12"]);
    let before = "2026-11-04".parse().expect("a day");
    let open = port.open_check_ins(before).await.expect("read");
    let ids: Vec<_> = open.listed.iter().map(|(_, c)| c.id.as_str()).collect();
    assert_eq!(ids, ["10", "11"]);

    let sent = port
        .send_message("case/portal_message/1/s1", &maya, &"b1".into(), "Hi Maya!")
        .await
        .expect("sent");
    let messages = port.messages(&maya, now()).await.expect("read");
    assert_eq!(messages[0].id.as_str(), sent);
    assert_eq!(messages[0].author, Author::Coach);
    assert_eq!(messages[0].text, "Hi Maya!");
    let written = port
        .add_note("case/portal_message/1/note", &maya, None, "quiet")
        .await
        .expect("noted");
    let notes = port.notes(&maya, now()).await.expect("read");
    assert_eq!(notes[0].id, written);
    let coaches = port.coaches().await.expect("read");
    assert_eq!(coaches[0].email, "bea@example.test");
}
