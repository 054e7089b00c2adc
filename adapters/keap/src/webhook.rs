//! REST hook deliveries, the handshake, and the secret in the path.
//!
//! Keap signs nothing. What keeps strangers out is an unguessable path and that a delivery is only
//! a hint: it names ids, and whatever they are about is read again before it is believed. So a
//! forged delivery can at most cause a read.
//!
//! A delivery holds up to 1,000 objects and has no id of its own. One broken object among them
//! stops only itself (E36). `apiUrl` is never looked at.

use http::{HeaderMap, HeaderValue};
use relay_core::time::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use thiserror::Error;

use crate::time;
use crate::types::id_of;

/// The header of a handshake, which is answered with the same header.
pub const HOOK_SECRET: &str = "x-hook-secret";
/// The largest delivery that is read, in bytes: 1,000 objects need about a fifth of it.
pub const MAX_BODY: usize = 1024 * 1024;
/// Objects read from one delivery; Keap sends no more. The contacts that a tag event nests under its
/// tags are not among them: how many there may be is not documented, and the body's length bounds
/// them.
pub const MAX_OBJECTS: usize = 1_000;
/// Brackets inside brackets; Keap's own deliveries need five.
pub(crate) const MAX_DEPTH: usize = 16;

/// What a delivery says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// What happened: `contact.edit`.
    pub event_key: String,
    /// The objects that it happened to, in order.
    pub changes: Vec<ObjectChange>,
    /// Why some objects could not be read, by their place in the delivery.
    pub broken: Vec<Broken>,
    /// Objects beyond [`MAX_OBJECTS`], which were not read.
    pub dropped: usize,
}

/// One object that something happened to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectChange {
    /// Its id: digits.
    pub id: String,
    /// When it changed, as the sender says; `None` if it doesn't or can't be read.
    pub at: Option<Timestamp>,
    /// For tag events: the tag. The id is then the contact's.
    pub tag: Option<String>,
}

/// One object that can't be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// Its place, from 0.
    pub index: usize,
    /// Why, without its content.
    pub why: &'static str,
}

/// Why a delivery can't be read at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Unreadable {
    /// More than [`MAX_BODY`] bytes.
    #[error("the body is longer than 1 MiB")]
    TooLong,
    /// Brackets inside brackets without end.
    #[error("the body nests deeper than 16 levels")]
    TooDeep,
    /// Not JSON.
    #[error("the body is not JSON")]
    NotJson,
    /// No usable event key.
    #[error("event_key is missing or not a name")]
    NoEventKey,
    /// No list of objects.
    #[error("object_keys is missing or not a list")]
    NoObjects,
}

/// Whether a request is a handshake: the presence of the header decides, not the body. Returns
/// the value to echo.
pub fn handshake(headers: &HeaderMap) -> Option<HeaderValue> {
    headers.get(HOOK_SECRET).cloned()
}

/// What makes a delivery the same as another: the SHA-256 of its bytes, in hex. A later change of
/// the same objects may have the same bytes, so this may only tell *unprocessed* deliveries apart.
pub fn dedupe_key(body: &[u8]) -> String {
    hex::encode(Sha256::digest(body))
}

/// A body without the byte order mark that some tools put before it: it says nothing, and no reader of
/// JSON takes it.
pub(crate) fn without_bom(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)
}

/// Reads a delivery.
pub fn parse(body: &[u8]) -> Result<Delivery, Unreadable> {
    if body.len() > MAX_BODY {
        return Err(Unreadable::TooLong);
    }
    if depth(body) > MAX_DEPTH {
        return Err(Unreadable::TooDeep);
    }
    let body = without_bom(body);
    let value: Value = serde_json::from_slice(body).map_err(|_| Unreadable::NotJson)?;
    let event_key = value
        .get("event_key")
        .and_then(Value::as_str)
        .filter(|key| is_event_key(key))
        .ok_or(Unreadable::NoEventKey)?;
    let objects = value
        .get("object_keys")
        .and_then(Value::as_array)
        .ok_or(Unreadable::NoObjects)?;
    let mut delivery = Delivery {
        event_key: event_key.to_owned(),
        changes: Vec::new(),
        broken: Vec::new(),
        dropped: 0,
    };
    for (index, object) in objects.iter().take(MAX_OBJECTS).enumerate() {
        read_object(&mut delivery, index, object);
    }
    delivery.dropped = objects.len().saturating_sub(MAX_OBJECTS);
    Ok(delivery)
}

/// Reads one entry. A tag event nests its contacts under the tag; any other names one object.
fn read_object(delivery: &mut Delivery, index: usize, object: &Value) {
    match object.get("contact_details").and_then(Value::as_array) {
        None => read_change(delivery, index, object, None),
        Some(contacts) => {
            let tag = object
                .get("tag_id")
                .or_else(|| object.get("id"))
                .and_then(plain_id);
            let Some(tag) = tag else {
                return break_off(delivery, index, "the tag has no usable id");
            };
            for contact in contacts {
                read_change(delivery, index, contact, Some(&tag));
            }
        }
    }
}

fn read_change(delivery: &mut Delivery, index: usize, object: &Value, tag: Option<&str>) {
    let Some(id) = object.get("id").and_then(plain_id) else {
        return break_off(delivery, index, "the object has no usable id");
    };
    let at = object
        .get("timestamp")
        .and_then(Value::as_str)
        .and_then(time::parse);
    delivery.changes.push(ObjectChange {
        id,
        at,
        tag: tag.map(str::to_owned),
    });
}

/// Notes an object that can't be read.
fn break_off(delivery: &mut Delivery, index: usize, why: &'static str) {
    delivery.broken.push(Broken { index, why });
}

/// An id that may be asked for: digits only, as every hook delivery has them.
fn plain_id(value: &Value) -> Option<String> {
    id_of(value).filter(|id| id.len() <= 20 && id.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether a text may be an event key, and so may be shown in a note.
fn is_event_key(key: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '_';
    (1..=64).contains(&key.len()) && key.chars().all(plain)
}

/// How deep the brackets of a JSON text nest, without parsing it.
pub(crate) fn depth(body: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut in_text, mut escaped) = (false, false);
    for byte in body {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            _ if in_text => {}
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// The secrets that may stand in the path, each with an id that may be shown.
///
/// Several are current while one replaces another, and each hook subscription may have its own.
#[derive(Debug, Clone, Default)]
pub struct PathSecrets(Vec<(String, SecretString)>);

impl PathSecrets {
    /// The secrets by id. Empty secrets are left out: an empty path must open nothing.
    pub fn new(secrets: impl IntoIterator<Item = (String, SecretString)>) -> Self {
        let usable = |(_, secret): &(String, SecretString)| !secret.expose_secret().is_empty();
        Self(secrets.into_iter().filter(usable).collect())
    }

    /// What tells a secret from another under the same id: the beginning of its digest, in hex.
    /// Safe to store and to show, because a secret can't be guessed.
    pub fn fingerprint(&self, id: &str) -> Option<String> {
        let (_, secret) = self.0.iter().find(|(known, _)| known == id)?;
        let digest = hex::encode(Sha256::digest(secret.expose_secret().as_bytes()));
        Some(digest.chars().take(16).collect())
    }

    /// The id of the secret that `given` is, if it is one. Takes the same time whichever it is,
    /// and whether it is one: every secret is compared, by digest, so no length shows either.
    pub fn id_of(&self, given: &str) -> Option<&str> {
        let given = Sha256::digest(given.as_bytes());
        let mut found = None;
        for (id, secret) in &self.0 {
            let digest = Sha256::digest(secret.expose_secret().as_bytes());
            if bool::from(digest.as_slice().ct_eq(given.as_slice())) {
                found = Some(id.as_str());
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ids(delivery: &Delivery) -> Vec<&str> {
        delivery
            .changes
            .iter()
            .map(|change| change.id.as_str())
            .collect()
    }

    #[test]
    fn a_byte_order_mark_before_a_delivery_says_nothing() {
        let body = include_bytes!("../../../fixtures/keap/hook-contact-edit.json");
        let marked = [b"\xef\xbb\xbf".as_slice(), body].concat();
        assert_eq!(parse(&marked), parse(body));
    }

    #[test]
    fn a_delivery_names_objects_with_number_or_string_ids() {
        let body = include_bytes!("../../../fixtures/keap/hook-contact-edit.json");
        let delivery = parse(body).expect("readable");
        assert_eq!(delivery.event_key, "contact.edit");
        assert_eq!(ids(&delivery), ["123", "456", "789"]);
        assert_eq!(
            delivery.changes[0].at,
            Some("2026-06-12T09:10:55Z".parse().expect("a valid time"))
        );
        assert_eq!(delivery.changes[1].at, delivery.changes[0].at);
        assert_eq!(
            delivery.changes[2].at, None,
            "an unreadable time is no reason to reject"
        );
        assert!(delivery.broken.is_empty());
    }

    #[test]
    fn a_tag_event_names_the_contacts_under_their_tag() {
        let body = include_bytes!("../../../fixtures/keap/hook-tag-applied.json");
        let delivery = parse(body).expect("readable");
        assert_eq!(ids(&delivery), ["123", "456", "999"]);
        assert_eq!(delivery.changes[0].tag.as_deref(), Some("348"));
        assert_eq!(
            delivery.changes[2].tag, None,
            "an entry without contacts is an ordinary one"
        );
    }

    #[test]
    fn one_broken_object_among_a_thousand_stops_only_itself() {
        let mut objects: Vec<Value> = (1..=1000).map(|id| serde_json::json!({"id": id})).collect();
        objects[500] = serde_json::json!({"id": {"not": "an id"}});
        let body = serde_json::json!({"event_key": "contact.edit", "object_keys": objects});
        let delivery = parse(body.to_string().as_bytes()).expect("readable");
        assert_eq!(delivery.changes.len(), 999);
        assert_eq!(
            delivery.broken,
            [Broken {
                index: 500,
                why: "the object has no usable id"
            }]
        );
        assert_eq!(delivery.dropped, 0);
    }

    #[test]
    fn what_is_beyond_a_thousand_is_counted_and_not_read() {
        let objects: Vec<Value> = (1..=1003).map(|id| serde_json::json!({"id": id})).collect();
        let body = serde_json::json!({"event_key": "task.edit", "object_keys": objects});
        let delivery = parse(body.to_string().as_bytes()).expect("readable");
        assert_eq!((delivery.changes.len(), delivery.dropped), (1000, 3));
    }

    #[test]
    fn tags_without_ids_are_counted_beyond_a_thousand_like_all_else() {
        let tags = vec![serde_json::json!({"contact_details": []}); 1_003];
        let body = serde_json::json!({"event_key": "contactGroup.applied", "object_keys": tags});
        let delivery = parse(body.to_string().as_bytes()).expect("readable");
        assert_eq!((delivery.broken.len(), delivery.dropped), (1_000, 3));
    }

    #[test]
    fn the_contacts_under_a_tag_are_read_however_many_they_are() {
        let contacts: Vec<Value> = (1..=2_500)
            .map(|id| serde_json::json!({"id": id}))
            .collect();
        let tag = serde_json::json!({"tag_id": 348, "contact_details": contacts});
        let body = serde_json::json!({"event_key": "contactGroup.applied", "object_keys": [tag]});
        let delivery = parse(body.to_string().as_bytes()).expect("readable");
        assert_eq!((delivery.changes.len(), delivery.dropped), (2_500, 0));
        assert!(delivery.broken.is_empty());
    }

    #[test]
    fn an_id_that_could_change_a_path_is_broken() {
        for id in [
            r#""../users""#,
            r#""1?x""#,
            "-1",
            "1.5",
            "0",
            r#""""#,
            "null",
            "true",
        ] {
            let body = format!(r#"{{"event_key":"task.edit","object_keys":[{{"id":{id}}}]}}"#);
            let delivery = parse(body.as_bytes()).expect("readable");
            assert_eq!(delivery.broken.len(), 1, "{id}");
            assert!(delivery.changes.is_empty(), "{id}");
        }
    }

    #[test]
    fn what_is_no_delivery_says_why() {
        let deep = "[".repeat(17) + &"]".repeat(17);
        let long = " ".repeat(MAX_BODY + 1);
        for (body, why) in [
            ("", Unreadable::NotJson),
            ("event_key=contact.edit", Unreadable::NotJson),
            ("{}", Unreadable::NoEventKey),
            (r#"{"event_key":"<b>"}"#, Unreadable::NoEventKey),
            (r#"{"event_key":"contact.edit"}"#, Unreadable::NoObjects),
            (&deep, Unreadable::TooDeep),
            (&long, Unreadable::TooLong),
        ] {
            assert_eq!(parse(body.as_bytes()).err(), Some(why));
        }
    }

    #[test]
    fn brackets_inside_a_text_do_not_nest() {
        assert_eq!(depth(br#"{"a":"[[[[\"[[["}"#), 1);
        assert_eq!(depth(b"[[{}]]"), 3);
    }

    #[test]
    fn the_header_alone_makes_a_handshake() {
        let mut headers = HeaderMap::new();
        assert_eq!(handshake(&headers), None);
        headers.insert(HOOK_SECRET, HeaderValue::from_static("a1b2"));
        assert_eq!(handshake(&headers), Some(HeaderValue::from_static("a1b2")));
    }

    #[test]
    fn each_current_secret_opens_and_nothing_else_does() {
        let secrets = PathSecrets::new([
            ("2026-a".to_owned(), SecretString::from("first-secret")),
            ("2026-b".to_owned(), SecretString::from("second-secret")),
            ("empty".to_owned(), SecretString::from("")),
        ]);
        assert_eq!(secrets.id_of("first-secret"), Some("2026-a"));
        assert_eq!(secrets.id_of("second-secret"), Some("2026-b"));
        for given in ["", "first", "first-secret2", "FIRST-SECRET"] {
            assert_eq!(secrets.id_of(given), None, "{given}");
        }
        assert!(!format!("{secrets:?}").contains("first-secret"));
        let prints = ["2026-a", "2026-b"].map(|id| secrets.fingerprint(id).expect("a secret"));
        assert_ne!(prints[0], prints[1]);
        assert_eq!((prints[0].len(), secrets.fingerprint("empty")), (16, None));
    }

    #[test]
    fn equal_bytes_have_equal_keys_and_others_have_not() {
        assert_eq!(dedupe_key(b"a"), dedupe_key(b"a"));
        assert_ne!(dedupe_key(b"a"), dedupe_key(b"a "));
        assert_eq!(dedupe_key(b"").len(), 64);
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_parser_panic(body in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = (parse(&body), depth(&body));
        }

        #[test]
        fn no_objects_make_the_parser_panic_or_lose_count(
            objects in proptest::collection::vec("\\PC{0,12}", 0..20),
        ) {
            let listed: Vec<Value> =
                objects.iter().map(|text| serde_json::json!({"id": text, "timestamp": text})).collect();
            let body = serde_json::json!({"event_key": "a.b", "object_keys": listed});
            let delivery = parse(body.to_string().as_bytes()).expect("readable");
            prop_assert_eq!(delivery.changes.len() + delivery.broken.len(), objects.len());
        }
    }
}
