//! Events: verification of the raw bytes, and reading.

use std::fs;

use http::HeaderMap;
use proptest::prelude::*;
use relay_clear_connection::webhook::{
    FieldMap, FieldMapError, KNOWN_TYPES, KeyError, KeyRing, PortalChange, VerifyError, WebhookKey,
    read,
};
use relay_core::time::Timestamp;
use secrecy::SecretString;
use serde_json::json;

// The public example of Standard Webhooks (its libraries' tests, read in November 2026): this
// key, id, time and body give this signature.
pub(crate) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const SENT: i64 = 1_614_265_330;
const BODY: &[u8] = br#"{"test": 2432232314}"#;
const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

pub(crate) const OTHER: &str = "whsec_VGhpc0tleUhhc1R3ZW50eUZvdXJCeXRlcyEh";

fn key(id: &str, secret: &str) -> WebhookKey {
    WebhookKey::new(id, &SecretString::from(secret)).expect("a key")
}

pub(crate) fn ring(keys: &[(&str, &str)]) -> KeyRing {
    let keys = keys.iter().map(|(id, secret)| key(id, secret)).collect();
    KeyRing::new(keys).expect("a ring")
}

fn headers(id: &str, timestamp: &str, signature: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("webhook-id", id),
        ("webhook-timestamp", timestamp),
        ("webhook-signature", signature),
    ] {
        headers.insert(name, value.parse().expect("a header"));
    }
    headers
}

fn example() -> HeaderMap {
    headers(ID, &SENT.to_string(), SIGNATURE)
}

fn moment(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).expect("a time")
}

fn refusal(keys: &KeyRing, headers: &HeaderMap, body: &[u8], now: i64) -> &'static str {
    let verified = keys.verify(headers, body, moment(now));
    verified.expect_err("refused").code()
}

#[test]
fn the_public_example_of_the_standard_verifies_and_is_made() {
    let keys = ring(&[("now", SECRET)]);
    let delivery = keys.verify(&example(), BODY, moment(SENT)).expect("ours");
    assert_eq!(
        (delivery.id.as_str(), delivery.key_id.as_str()),
        (ID, "now")
    );
    assert_eq!(delivery.sent_at, moment(SENT));
    assert_eq!(key("now", SECRET).sign(ID, SENT, BODY), SIGNATURE);
}

#[test]
fn a_wrong_key_and_no_key_refuse() {
    let wrong = ring(&[("now", OTHER)]);
    assert_eq!(
        refusal(&wrong, &example(), BODY, SENT),
        "signature_mismatch"
    );
    let none = KeyRing::default();
    assert_eq!(refusal(&none, &example(), BODY, SENT), "no_key_configured");
}

#[test]
fn during_a_rotation_either_key_verifies_and_is_named() {
    let both = ring(&[("new", OTHER), ("old", SECRET)]);
    let by_old = both.verify(&example(), BODY, moment(SENT)).expect("ours");
    assert_eq!(by_old.key_id, "old");
    // A sender that signs with both, and with schemes and keys we don't know.
    let other = key("new", OTHER).sign(ID, SENT, BODY);
    let list = format!("v1a,AAAA v2,{SIGNATURE} v1,!!! {other} {SIGNATURE}");
    let signed = headers(ID, &SENT.to_string(), &list);
    let by_new = both.verify(&signed, BODY, moment(SENT)).expect("ours");
    assert_eq!(by_new.key_id, "new");
    let only_old = ring(&[("old", SECRET)]);
    let by_old = only_old.verify(&signed, BODY, moment(SENT)).expect("ours");
    assert_eq!(by_old.key_id, "old");
}

#[test]
fn the_window_is_five_minutes_both_ways_and_no_second_more() {
    let keys = ring(&[("now", SECRET)]);
    for apart in [-300, 0, 300] {
        let verified = keys.verify(&example(), BODY, moment(SENT + apart));
        assert!(verified.is_ok(), "{apart}");
    }
    for apart in [-301, 301, 86_400] {
        let code = refusal(&keys, &example(), BODY, SENT + apart);
        assert_eq!(code, "timestamp_outside_window", "{apart}");
    }
}

#[test]
fn whatever_is_changed_no_longer_verifies() {
    let keys = ring(&[("now", SECRET)]);
    let reencoded = br#"{"test":2432232314}"#;
    assert_eq!(
        refusal(&keys, &example(), reencoded, SENT),
        "signature_mismatch"
    );
    let later = headers(ID, &(SENT + 1).to_string(), SIGNATURE);
    assert_eq!(refusal(&keys, &later, BODY, SENT), "signature_mismatch");
    // The same number, spelt differently, is not what was signed.
    let padded = headers(ID, &format!("0{SENT}"), SIGNATURE);
    assert_eq!(refusal(&keys, &padded, BODY, SENT), "signature_mismatch");
    let other_id = headers("msg_other", &SENT.to_string(), SIGNATURE);
    assert_eq!(refusal(&keys, &other_id, BODY, SENT), "signature_mismatch");
    for signature in [
        "",
        "v1,",
        &SIGNATURE[3..],
        "v1,g0hM9SsE",
        "v1a,g0hM9SsE+OTP",
    ] {
        let changed = headers(ID, &SENT.to_string(), signature);
        let code = refusal(&keys, &changed, BODY, SENT);
        assert_eq!(code, "signature_mismatch", "{signature}");
    }
}

#[test]
fn what_the_headers_give_away_is_refused_before_there_is_a_body() {
    let keys = ring(&[("now", SECRET)]);
    let sent = SENT.to_string();
    let long_id = "1".repeat(129);
    for (id, timestamp, signature) in [
        ("a.b", sent.as_str(), SIGNATURE),
        (long_id.as_str(), &sent, SIGNATURE),
        (ID, "soon", SIGNATURE),
        (ID, "1614260000", SIGNATURE),
        (ID, &sent, ""),
        (ID, &sent, "v1a,g0hM9SsE+OTP"),
        (ID, &sent, "v1,AAAA"),
    ] {
        let told = headers(id, timestamp, signature);
        let admitted = keys.admit(&told, moment(SENT)).expect_err("refused");
        let verified = keys.verify(&told, BODY, moment(SENT)).expect_err("refused");
        assert_eq!(admitted, verified, "{id} {timestamp} {signature}");
    }
    let nobody = ring(&[]).admit(&example(), moment(SENT));
    assert_eq!(nobody, Err(VerifyError::NoKeyConfigured));
    keys.admit(&example(), moment(SENT))
        .expect("may be genuine");
    let forged = headers(ID, &sent, "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    keys.admit(&forged, moment(SENT))
        .expect("only the body tells");
    assert_eq!(refusal(&keys, &forged, BODY, SENT), "signature_mismatch");
}

#[test]
fn a_byte_order_mark_before_an_event_says_nothing() {
    let body = br#"{"type":"photo.added","data":{}}"#;
    let marked = [b"\xef\xbb\xbf".as_slice(), body].concat();
    let fields = FieldMap::default();
    assert_eq!(read(&marked, &fields), read(body, &fields));
}

#[test]
fn a_header_that_is_missing_doubled_or_endless_is_named() {
    let keys = ring(&[("now", SECRET)]);
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        let mut missing = example();
        missing.remove(name);
        let error = keys
            .verify(&missing, BODY, moment(SENT))
            .expect_err("refused");
        assert_eq!(error, VerifyError::MissingHeader(name));
        let mut doubled = example();
        doubled.append(name, doubled[name].clone());
        let error = keys
            .verify(&doubled, BODY, moment(SENT))
            .expect_err("refused");
        assert_eq!(error, VerifyError::DuplicateHeader(name));
        let mut endless = example();
        endless.insert(name, "1".repeat(1025).parse().expect("a header"));
        let error = keys
            .verify(&endless, BODY, moment(SENT))
            .expect_err("refused");
        assert_eq!(error, VerifyError::OversizedHeader(name));
    }
    for id in ["", "a.b", "a b"] {
        let odd = headers(id, &SENT.to_string(), SIGNATURE);
        assert_eq!(refusal(&keys, &odd, BODY, SENT), "bad_id", "{id:?}");
    }
    for timestamp in ["", "soon", "-5", "1614265330.5", "99999999999999999999"] {
        let odd = headers(ID, timestamp, SIGNATURE);
        let code = refusal(&keys, &odd, BODY, SENT);
        assert_eq!(code, "bad_timestamp", "{timestamp:?}");
    }
    let large = vec![b' '; 262_145];
    assert_eq!(refusal(&keys, &example(), &large, SENT), "body_too_large");
}

#[test]
fn a_key_that_is_weak_or_misspelt_is_refused_without_being_shown() {
    let refused = |secret: &str| {
        let error = WebhookKey::new("now", &SecretString::from(secret)).expect_err("refused");
        assert!(!error.to_string().contains("MfKQ"), "{error}");
        error
    };
    assert_eq!(refused(&SECRET[6..]), KeyError::Prefix("now".to_owned()));
    assert_eq!(refused("whsec_MfKQ%"), KeyError::Encoding("now".to_owned()));
    assert_eq!(refused("whsec_MfKQ"), KeyError::Length("now".to_owned()));
    let twice = vec![key("now", SECRET), key("now", OTHER)];
    assert_eq!(
        KeyRing::new(twice).expect_err("refused"),
        KeyError::Twice("now".to_owned())
    );
    let three = ["a", "b", "c"].map(|id| key(id, SECRET)).to_vec();
    assert_eq!(KeyRing::new(three).expect_err("refused"), KeyError::TooMany);
    let shown = format!("{:?}", ring(&[("now", SECRET)]));
    assert!(shown.contains("now") && !shown.contains("MfKQ"), "{shown}");
}

#[test]
fn every_type_of_the_contract_has_a_fixture_that_reads() {
    let folder = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../fixtures/clear-connection/events"
    );
    for kind in KNOWN_TYPES {
        let body = fs::read(format!("{folder}/{kind}.json")).expect("a fixture");
        let event = read(&body, &FieldMap::default()).expect("readable");
        assert_eq!(event.kind, *kind);
        assert!(event.at.is_some(), "{kind}");
        assert_ne!(event.change, PortalChange::Unknown, "{kind}");
    }
    let fixtures = fs::read_dir(folder).expect("a folder").count();
    assert_eq!(fixtures, KNOWN_TYPES.len());
}

#[test]
fn a_mapping_of_nothing_or_to_nowhere_is_refused() {
    let map = |name: &str, pointer: &str| {
        FieldMap::new([(name.to_owned(), pointer.to_owned())].into()).map(|_| ())
    };
    assert_eq!(map("client_id", "/data/patient"), Ok(()));
    assert_eq!(
        map("patient", "/data/patient"),
        Err(FieldMapError::UnknownField("patient".to_owned()))
    );
    assert_eq!(
        map("client_id", "data.patient"),
        Err(FieldMapError::BadPointer("client_id".to_owned()))
    );
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(&body, &FieldMap::default());
    }

    #[test]
    fn no_members_make_the_reader_panic(
        kind in prop::sample::select(KNOWN_TYPES),
        members in prop::collection::btree_map("[a-z_]{2,12}|client_id|check_in_id|due_at|due_date",
            prop_oneof![Just(json!(null)), any::<i64>().prop_map(|n| json!(n)),
                ".{0,30}".prop_map(|s| json!(s)), Just(json!([{}]))], 0..6),
    ) {
        let body = json!({"type": kind, "timestamp": "2026-11-04T16:00:00Z", "data": members});
        let _ = read(body.to_string().as_bytes(), &FieldMap::default());
    }

    #[test]
    fn nothing_but_the_right_signature_verifies_and_nothing_panics(
        id in "[ -~]{0,140}", timestamp in "[0-9]{1,20}|[ -~]{0,24}",
        signature in "v1,[A-Za-z0-9+/]{43}=|[ -~]{0,80}",
        body in prop::collection::vec(any::<u8>(), 0..100),
    ) {
        let keys = ring(&[("now", SECRET), ("old", OTHER)]);
        let verified = keys.verify(&headers(&id, &timestamp, &signature), &body, moment(SENT));
        prop_assert!(verified.is_err());
    }

    #[test]
    fn what_is_signed_verifies(id in "[!-\\-/-~]{1,128}", body in prop::collection::vec(any::<u8>(), 0..100)) {
        let signature = key("now", SECRET).sign(&id, SENT, &body);
        let keys = ring(&[("now", SECRET)]);
        let verified = keys.verify(&headers(&id, &SENT.to_string(), &signature), &body, moment(SENT));
        prop_assert_eq!(verified.map(|delivery| delivery.id), Ok(id));
    }
}
