//! Keap's REST hooks as a sender of webhooks.

use std::collections::HashSet;

use http::{HeaderMap, StatusCode};
use relay_core::time::Timestamp;
use relay_keap::webhook::{self, Delivery, ObjectChange, PathSecrets};
use relay_store::Receipt;

use super::hook_paths::ClosedPaths;
use crate::receipts::{Hint, HintObject, Parsed, Refusal, Source, Verified};

/// The name of the route and of the stored receipts.
const NAME: &str = "keap";

/// The setting that says until when a handshake may be answered.
pub(super) const HANDSHAKE_UNTIL: &str = "hook_handshake/keap";

/// Keap's hooks: unsigned, so the path's secret is all that lets them in, and every delivery is a
/// hint to read again (E37).
///
/// Content we can't use is stored and answered like any other: a refusal would, after four tries,
/// switch the whole subscription off.
#[derive(Debug, Clone)]
pub struct KeapSource {
    secrets: PathSecrets,
    closed: ClosedPaths,
}

impl KeapSource {
    /// Hooks let in by any of `secrets` whose path is not closed. Without one, all are refused.
    pub fn new(secrets: PathSecrets, closed: ClosedPaths) -> Self {
        Self { secrets, closed }
    }

    /// The id of the secret that lets `given` in. A wrong one is answered like a path that doesn't
    /// exist.
    fn opened_by(&self, given: Option<&str>) -> Result<&str, Refusal> {
        given
            .and_then(|given| self.secrets.id_of(given))
            .filter(|id| !self.closed.has(id, &self.secrets))
            .ok_or_else(nothing_here)
    }
}

/// What is answered under a wrong secret.
pub(super) fn nothing_here() -> Refusal {
    Refusal {
        status: StatusCode::NOT_FOUND,
        code: "not_found",
        message: "there is nothing here".to_owned(),
    }
}

impl Source for KeapSource {
    fn name(&self) -> &'static str {
        NAME
    }

    fn secret_in_path(&self) -> bool {
        true
    }

    fn max_body(&self) -> usize {
        webhook::MAX_BODY
    }

    fn admit(
        &self,
        _headers: &HeaderMap,
        path_secret: Option<&str>,
        _now: Timestamp,
    ) -> Result<(), Refusal> {
        self.opened_by(path_secret).map(|_| ())
    }

    fn verify(
        &self,
        headers: &HeaderMap,
        path_secret: Option<&str>,
        body: &[u8],
        _now: Timestamp,
    ) -> Result<Verified, Refusal> {
        let id = self.opened_by(path_secret)?;
        if let Some(echo) = webhook::handshake(headers) {
            let name = http::HeaderName::from_static(webhook::HOOK_SECRET);
            return Ok(Verified::Handshake {
                header: (name, echo),
            });
        }
        Ok(Verified::Delivery {
            dedupe_key: webhook::dedupe_key(body),
            dedupe_forever: false,
            verified_by: id.to_owned(),
        })
    }

    fn handshake_window(&self) -> Option<&'static str> {
        Some(HANDSHAKE_UNTIL)
    }

    fn parse(&self, receipt: &Receipt) -> Parsed {
        match webhook::parse(&receipt.body) {
            Ok(delivery) => parsed(&delivery, receipt.received_at),
            Err(error) => Parsed::Quarantine {
                reason: error.to_string(),
                hints: Vec::new(),
                facts: Vec::new(),
                unread: Vec::new(),
            },
        }
    }
}

fn parsed(delivery: &Delivery, received_at: Timestamp) -> Parsed {
    let hints = hints(delivery, received_at);
    if !delivery.broken.is_empty() || delivery.dropped > 0 {
        let first = delivery.broken.first().map(|broken| {
            let (index, why) = (broken.index, broken.why);
            format!("; the first at {index}: {why}")
        });
        let reason = format!(
            "{}: {} broken objects, {} beyond the limit{}",
            delivery.event_key,
            delivery.broken.len(),
            delivery.dropped,
            first.unwrap_or_default()
        );
        return Parsed::Quarantine {
            reason,
            hints,
            facts: Vec::new(),
            unread: Vec::new(),
        };
    }
    let count = delivery.changes.len();
    let known = if delivery
        .changes
        .iter()
        .any(|change| object_of(&delivery.event_key, change).is_some())
        || count == 0
    {
        ""
    } else {
        ", not watched"
    };
    Parsed::Content {
        facts: Vec::new(),
        hints,
        note: Some(format!("{}: {count} objects{known}", delivery.event_key)),
    }
}

/// What kind of object a change is about, where we watch that kind. Of a tag that was put on it is the tags of
/// the contact under it; of another tag event, the contact. The tag itself tells nothing.
fn object_of(event_key: &str, change: &ObjectChange) -> Option<HintObject> {
    match event_key.split_once('.')?.0 {
        "contact" => Some(HintObject::Contact),
        "contactGroup" if change.tag.is_some() && event_key == "contactGroup.applied" => {
            Some(HintObject::Tags)
        }
        "contactGroup" if change.tag.is_some() => Some(HintObject::Contact),
        "task" => Some(HintObject::Task),
        "subscription" => Some(HintObject::Subscription),
        _ => None,
    }
}

/// One hint per object, however often a delivery names it: each costs a read. Of tags one for each tag, so that
/// it can be told which of them matter.
fn hints(delivery: &Delivery, received_at: Timestamp) -> Vec<Hint> {
    let deleted = matches!(
        delivery.event_key.as_str(),
        "contact.delete" | "contact.redact" | "task.delete" | "subscription.delete"
    );
    let mut seen = HashSet::new();
    let changes = delivery.changes.iter();
    changes
        .filter_map(|change| Some((object_of(&delivery.event_key, change)?, change)))
        .filter(|(object, change)| {
            let tag = change.tag.as_deref();
            seen.insert((
                change.id.as_str(),
                tag.filter(|_| *object == HintObject::Tags),
            ))
        })
        .map(|(object, change)| Hint {
            object,
            id: change.id.clone(),
            at: change.at.map(|at| at.min(received_at)),
            deleted,
            tag: change.tag.clone().filter(|_| object == HintObject::Tags),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use relay_core::ids::ReceiptId;
    use relay_core::random::SeededRandom;
    use relay_store::ReceiptState;
    use secrecy::SecretString;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a valid time")
    }

    fn source() -> KeapSource {
        let secret = SecretString::from("a-secret-of-enough-letters");
        KeapSource::new(
            PathSecrets::new([("2026-a".to_owned(), secret)]),
            ClosedPaths::default(),
        )
    }

    fn receipt(body: &str) -> Receipt {
        let received_at = at("2026-11-03T16:00:00Z");
        Receipt {
            id: ReceiptId::new(&SeededRandom::new(1), received_at),
            source: NAME.to_owned(),
            dedupe_key: webhook::dedupe_key(body.as_bytes()),
            dedupe_forever: false,
            verified_by: "2026-a".to_owned(),
            received_at,
            content_type: Some("application/json".to_owned()),
            body: body.as_bytes().to_vec(),
            state: ReceiptState::New,
            duplicate_of: None,
            note: None,
            processed_at: None,
        }
    }

    fn verify(headers: &HeaderMap, secret: Option<&str>) -> Result<Verified, Refusal> {
        source().verify(headers, secret, b"{}", at("2026-11-03T16:00:00Z"))
    }

    #[test]
    fn only_a_current_secret_opens_the_path() {
        let headers = HeaderMap::new();
        let delivery = verify(&headers, Some("a-secret-of-enough-letters")).expect("verified");
        assert_eq!(
            delivery,
            Verified::Delivery {
                dedupe_key: webhook::dedupe_key(b"{}"),
                dedupe_forever: false,
                verified_by: "2026-a".to_owned(),
            }
        );
        for wrong in [None, Some(""), Some("a-secret")] {
            let refusal = verify(&headers, wrong).expect_err("refused");
            assert_eq!(refusal.status, StatusCode::NOT_FOUND);
        }
    }

    #[test]
    fn a_handshake_is_echoed_only_behind_the_secret() {
        let mut headers = HeaderMap::new();
        headers.insert("X-Hook-Secret", "a1b2".parse().expect("a valid header"));
        assert!(verify(&headers, Some("wrong")).is_err());
        let verified = verify(&headers, Some("a-secret-of-enough-letters")).expect("verified");
        let Verified::Handshake { header } = verified else {
            panic!("not a handshake")
        };
        assert_eq!(header.0.as_str(), "x-hook-secret");
        assert_eq!(header.1, "a1b2");
    }

    #[test]
    fn a_change_becomes_one_hint_per_object_and_never_of_the_future() {
        let body = r#"{"event_key":"contact.edit","object_keys":[
            {"id":7,"timestamp":"2027-01-01T00:00:00Z"},{"id":7},{"id":"8"}]}"#;
        let Parsed::Content { facts, hints, .. } = source().parse(&receipt(body)) else {
            panic!("not content")
        };
        assert!(facts.is_empty());
        let ids: Vec<&str> = hints.iter().map(|hint| hint.id.as_str()).collect();
        assert_eq!(ids, ["7", "8"]);
        assert_eq!(hints[0].at, Some(at("2026-11-03T16:00:00Z")));
        assert_eq!(hints[0].object, HintObject::Contact);
        assert!(!hints[0].deleted);
    }

    #[test]
    fn a_deletion_and_a_redaction_say_so() {
        for key in ["contact.delete", "contact.redact"] {
            let body = format!(r#"{{"event_key":"{key}","object_keys":[{{"id":7}}]}}"#);
            let Parsed::Content { hints, .. } = source().parse(&receipt(&body)) else {
                panic!("not content")
            };
            assert!(hints[0].deleted, "{key}");
        }
    }

    #[test]
    fn one_broken_object_leaves_the_others_usable() {
        let body = r#"{"event_key":"task.complete","object_keys":[{"id":1},{"id":[]},{"id":3}]}"#;
        let Parsed::Quarantine { reason, hints, .. } = source().parse(&receipt(body)) else {
            panic!("not quarantined")
        };
        assert_eq!(hints.len(), 2);
        assert_eq!(hints[0].object, HintObject::Task);
        assert!(reason.contains("1 broken"), "{reason}");
    }

    #[test]
    fn an_event_nobody_watches_is_noted_and_hints_at_nothing() {
        let body = r#"{"event_key":"order.add","object_keys":[{"id":1}]}"#;
        let Parsed::Content { hints, note, .. } = source().parse(&receipt(body)) else {
            panic!("not content")
        };
        assert!(hints.is_empty());
        assert_eq!(note.as_deref(), Some("order.add: 1 objects, not watched"));
    }

    #[test]
    fn a_tag_event_hints_at_the_contacts_under_the_tag_and_never_at_the_tag() {
        let body = r#"{"event_key":"contactGroup.removed","object_type":"contactGroup",
            "api_url":"","object_keys":[{"tag_id":348,"contact_details":[{"id":123},{"id":456}]},
            {"tag_id":349,"contact_details":[{"id":123}]},{"id":350}]}"#;
        let Parsed::Content { hints, note, .. } = source().parse(&receipt(body)) else {
            panic!("not content")
        };
        let ids: Vec<&str> = hints.iter().map(|hint| hint.id.as_str()).collect();
        assert_eq!(ids, ["123", "456"]);
        let contacts = |hint: &Hint| hint.object == HintObject::Contact && !hint.deleted;
        assert!(hints.iter().all(contacts));
        assert_eq!(note.as_deref(), Some("contactGroup.removed: 4 objects"));
    }

    #[test]
    fn a_tag_that_was_put_on_hints_at_the_tags_of_each_contact_and_says_which() {
        let body = r#"{"event_key":"contactGroup.applied","object_keys":[
            {"tag_id":348,"contact_details":[{"id":123},{"id":456},{"id":123}]},
            {"tag_id":349,"contact_details":[{"id":123}]}]}"#;
        let Parsed::Content { hints, .. } = source().parse(&receipt(body)) else {
            panic!("not content")
        };
        let told: Vec<_> = hints
            .iter()
            .map(|hint| (hint.id.as_str(), hint.tag.as_deref().unwrap_or_default()))
            .collect();
        assert_eq!(told, [("123", "348"), ("456", "348"), ("123", "349")]);
        assert!(hints.iter().all(|hint| hint.object == HintObject::Tags));
    }

    #[test]
    fn a_tag_that_was_deleted_hints_at_nothing() {
        let body = r#"{"event_key":"contactGroup.delete","object_keys":[{"id":348}]}"#;
        let Parsed::Content { hints, .. } = source().parse(&receipt(body)) else {
            panic!("not content")
        };
        assert!(hints.is_empty());
    }

    #[test]
    fn what_is_no_delivery_is_quarantined() {
        let parsed = source().parse(&receipt("event_key=contact.edit"));
        assert!(matches!(parsed, Parsed::Quarantine { hints, .. } if hints.is_empty()));
    }
}
