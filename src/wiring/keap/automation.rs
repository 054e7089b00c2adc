//! Posts of Keap's automations as a sender of webhooks.

use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use relay_core::channel::{EngagementEvent, EngagementKind, EngagementSource};
use relay_core::time::Timestamp;
use relay_keap::automation::{self, Event, PostContent};
use relay_keap::webhook::PathSecrets;
use relay_store::Receipt;

use super::source::nothing_here;
use crate::receipts::{Parsed, Refusal, Source, Verified};

/// The name of the route and of the stored receipts.
const NAME: &str = "keap-automation";

/// Posts of the step "Send HTTP Post": unsigned, so the path's secret is all that lets them in.
///
/// What a post says is believed as far as it can do no harm: it can turn a planned call into an
/// email, and nothing else. Whatever a genuine sender posts is answered 200: the person who tests
/// her step must see that it arrived, and nobody repeats a post that was refused.
#[derive(Debug, Clone)]
pub struct AutomationSource {
    secrets: PathSecrets,
}

impl AutomationSource {
    /// Posts let in by any of `secrets`. Without one, all are refused.
    pub fn new(secrets: PathSecrets) -> Self {
        Self { secrets }
    }

    /// The id of the secret that lets `given` in. A wrong one is answered like a path that doesn't
    /// exist.
    fn opened_by(&self, given: Option<&str>) -> Result<&str, Refusal> {
        given
            .and_then(|given| self.secrets.id_of(given))
            .ok_or_else(nothing_here)
    }
}

fn content_type(headers: &HeaderMap) -> Option<&str> {
    headers.get(CONTENT_TYPE)?.to_str().ok()
}

impl Source for AutomationSource {
    fn name(&self) -> &'static str {
        NAME
    }

    fn secret_in_path(&self) -> bool {
        true
    }

    fn max_body(&self) -> usize {
        automation::MAX_BODY
    }

    fn with_query(&self, headers: &HeaderMap, query: Option<&str>, body: Bytes) -> Bytes {
        automation::with_query(content_type(headers), query, body)
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
        now: Timestamp,
    ) -> Result<Verified, Refusal> {
        let id = self.opened_by(path_secret)?;
        Ok(Verified::Delivery {
            dedupe_key: automation::dedupe_key(id, content_type(headers), body, now),
            // The minute is part of the key, so that it never stands for a later event.
            dedupe_forever: true,
            verified_by: id.to_owned(),
        })
    }

    fn parse(&self, receipt: &Receipt) -> Parsed {
        match automation::parse(receipt.content_type.as_deref(), &receipt.body) {
            Ok(PostContent::Event(post)) => Parsed::Engagement {
                contact: post.contact.into(),
                event: EngagementEvent {
                    at: receipt.received_at,
                    kind: match post.event {
                        Event::Opened => EngagementKind::Open,
                        Event::Clicked => EngagementKind::Click,
                    },
                    exact: false,
                    seen_at: receipt.received_at,
                    source: EngagementSource::Post,
                    email: None,
                    sent_at: None,
                    label: post.email,
                    link: post.link,
                },
            },
            Ok(PostContent::Test) => Parsed::Content {
                facts: Vec::new(),
                hints: Vec::new(),
                note: Some("test post: merge field not filled".to_owned()),
            },
            Err(error) => Parsed::Quarantine {
                reason: error.to_string(),
                hints: Vec::new(),
                facts: Vec::new(),
                unread: Vec::new(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use relay_core::ids::ReceiptId;
    use relay_core::random::SeededRandom;
    use relay_store::ReceiptState;
    use secrecy::SecretString;

    use super::*;

    const SECRET: &str = "a-secret-of-enough-letters";

    fn now() -> Timestamp {
        "2026-11-04T17:12:31Z".parse().expect("a valid time")
    }

    fn source() -> AutomationSource {
        let secret = SecretString::from(SECRET);
        AutomationSource::new(PathSecrets::new([("2026-a".to_owned(), secret)]))
    }

    fn parsed(body: &str) -> Parsed {
        source().parse(&Receipt {
            id: ReceiptId::new(&SeededRandom::new(1), now()),
            source: NAME.to_owned(),
            dedupe_key: "k".to_owned(),
            dedupe_forever: true,
            verified_by: "2026-a".to_owned(),
            received_at: now(),
            content_type: None,
            body: body.as_bytes().to_vec(),
            state: ReceiptState::New,
            duplicate_of: None,
            note: None,
            processed_at: None,
        })
    }

    #[test]
    fn only_a_current_secret_opens_the_path_and_without_one_nothing_does() {
        let headers = HeaderMap::new();
        let body = b"contactId=7&event=email_clicked";
        let verify =
            |source: AutomationSource, secret| source.verify(&headers, secret, body, now());
        let verified = verify(source(), Some(SECRET)).expect("verified");
        assert!(matches!(
            verified,
            Verified::Delivery { verified_by, dedupe_forever: true, .. } if verified_by == "2026-a"
        ));
        for wrong in [None, Some(""), Some("a-secret")] {
            let refusal = verify(source(), wrong).expect_err("refused");
            assert_eq!(refusal.status, StatusCode::NOT_FOUND);
        }
        let none = AutomationSource::new(PathSecrets::default());
        assert!(verify(none, Some(SECRET)).is_err());
    }

    #[test]
    fn a_post_is_an_event_of_the_moment_it_arrived() {
        let Parsed::Engagement { contact, event } =
            parsed("contactId=7&event=email_clicked&email=Welcome+3")
        else {
            panic!("no event")
        };
        assert_eq!(contact.as_str(), "7");
        assert_eq!((event.at, event.exact), (now(), false));
        assert_eq!(event.label.as_deref(), Some("Welcome 3"));
    }

    #[test]
    fn a_test_is_noted_and_what_cannot_be_used_is_quarantined_with_its_remedy() {
        let Parsed::Content { facts, note, .. } = parsed("contactId=~Contact.Id~") else {
            panic!("no test")
        };
        assert!(facts.is_empty());
        assert_eq!(note.as_deref(), Some("test post: merge field not filled"));
        let Parsed::Quarantine { reason, .. } = parsed("contactId=7") else {
            panic!("not quarantined")
        };
        assert_eq!(
            reason,
            "the post names no event: add the pair event = email_clicked"
        );
    }
}
