//! Mail: history, sending, finding a sent one, and whether an address accepts any.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use relay_core::clients::AddressState;
use relay_core::time::{SignedDuration, Timestamp, earlier};
use relay_http_client::CallError;
use serde_json::json;

use super::{KeapClient, segment, unfilterable};
use crate::VENDOR;
use crate::marker::{Marker, MarkerMatch, has_merge_field, html_part};
use crate::query::Query;
use crate::time::format;
use crate::types::{Email, EmailAddressStatus};

/// A mail is filtered by when it was *created*; one that waited in the queue was created earlier
/// than it was sent.
const QUEUED_AT_MOST: SignedDuration = SignedDuration::from_hours(24);
/// Mails opened one by one when a marker is looked for.
const MAX_CANDIDATES: usize = 50;

/// What Keap says of an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressStatus {
    /// Whether mail can arrive.
    pub state: AddressState,
    /// The last mail of any kind to it. One that has not moved supports "not sent".
    pub last_sent_at: Option<Timestamp>,
}

impl KeapClient {
    /// Mails to the contact that Keap knows of, created at or after `since` less a day, newest
    /// first: Keap's own and those of synced mailboxes, queued ones included.
    pub async fn emails(&self, contact: &str, since: Timestamp) -> Result<Vec<Email>, CallError> {
        const OPERATION: &str = "keap list emails";
        let created = earlier(since, QUEUED_AT_MOST);
        let query = Query::new()
            .eq("contact_id", segment(OPERATION, contact)?)
            .and_then(|q| q.eq("start_created_time", &format(created)))
            .map_err(unfilterable(OPERATION))?
            .with("order_by", "created_time desc")
            .with("page_size", "200");
        let mut emails: Vec<Email> = self
            .list(OPERATION, &["v2", "emails"], &query, "emails")
            .await?;
        // A filter that Keap ignores returns everybody's mail.
        emails.retain(|email| email.contact_id.as_deref() == Some(contact));
        emails.sort_by_key(|email| std::cmp::Reverse(email.sent_time));
        Ok(emails)
    }

    /// A mail with its content; `None` if it is gone.
    pub async fn email(&self, id: &str) -> Result<Option<Email>, CallError> {
        const OPERATION: &str = "keap get email";
        let path = ["v2", "emails", segment(OPERATION, id)?];
        self.read_if_there(OPERATION, &path, &Query::new()).await
    }

    /// Sends a mail to a contact in a user's name: `text` as the plain part, and the same text
    /// escaped, with the marker in a comment, as the HTML part.
    ///
    /// Success means queued: Keap gives no id, and does not say when an address refuses mail.
    /// A text with a merge field is refused unsent, because Keap might replace it.
    pub async fn send_email(
        &self,
        contact: &str,
        user: &str,
        subject: &str,
        text: &str,
        marker: &Marker,
    ) -> Result<(), CallError> {
        const OPERATION: &str = "keap send email";
        if has_merge_field(text) || has_merge_field(subject) {
            return Err(CallError::permanent(
                VENDOR,
                OPERATION,
                "the text holds a merge field",
            ));
        }
        if subject.trim().is_empty() || subject.contains(char::is_control) {
            return Err(CallError::permanent(
                VENDOR,
                OPERATION,
                "the subject is empty or not one line",
            ));
        }
        let body = json!({
            "contacts": [segment(OPERATION, contact)?],
            "user_id": segment(OPERATION, user)?,
            "subject": subject,
            "plain_content": STANDARD.encode(text),
            "html_content": STANDARD.encode(html_part(text, marker)),
            "address_field": "Email",
        });
        let path = ["v2", "emails:send"];
        self.write(OPERATION, Method::POST, &path, &Query::new(), Some(&body))
            .await?;
        Ok(())
    }

    /// Looks for a mail that holds one of the markers among those to the contact with this subject.
    /// `None` proves nothing: a sent mail may be listed late, or never.
    pub async fn find_email(
        &self,
        contact: &str,
        subject: &str,
        markers: &[Marker],
        since: Timestamp,
    ) -> Result<Option<MarkerMatch>, CallError> {
        const OPERATION: &str = "keap find sent email";
        let emails = self.emails(contact, since).await?;
        let candidates: Vec<MarkerMatch> = emails
            .into_iter()
            // A new word for the provider must not hide a mail from its own probe, so only
            // synced mail is left out.
            .filter(|email| !email.is_synced())
            .filter(|email| email.subject.as_deref().map(str::trim) == Some(subject.trim()))
            .filter_map(|email| {
                let at = email.sent_time;
                Some(MarkerMatch { id: email.id?, at })
            })
            .collect();
        if candidates.len() > MAX_CANDIDATES {
            return Err(CallError::permanent(
                VENDOR,
                OPERATION,
                "too many mails with this subject",
            ));
        }
        for candidate in candidates {
            let Some(email) = self.email(&candidate.id).await? else {
                continue;
            };
            if email
                .html_content
                .as_deref()
                .is_some_and(|part| markers.iter().any(|marker| holds(marker, part)))
            {
                return Ok(Some(candidate));
            }
        }
        Ok(None)
    }

    /// Whether mail to the address can arrive. An address that Keap has no row for was never
    /// mailed.
    pub async fn address_status(&self, email: &str) -> Result<AddressStatus, CallError> {
        const OPERATION: &str = "keap get address status";
        let email = email.trim();
        if email.is_empty() {
            return Ok(AddressStatus {
                state: AddressState::Missing,
                last_sent_at: None,
            });
        }
        let path = ["v2", "emailAddresses", email, "status"];
        let status: Option<EmailAddressStatus> =
            self.read_if_there(OPERATION, &path, &Query::new()).await?;
        Ok(match status {
            None => AddressStatus {
                state: AddressState::NeverMailed,
                last_sent_at: None,
            },
            Some(status) => AddressStatus {
                state: address_state(status.status.as_deref().unwrap_or_default()),
                last_sent_at: status.last_sent_time,
            },
        })
    }
}

/// Whether a part, in Base64 or as it is, holds the marker.
fn holds(marker: &Marker, part: &str) -> bool {
    let compact: String = part.split_whitespace().collect();
    let decoded = STANDARD.decode(compact).ok();
    let html = decoded.as_deref().map(String::from_utf8_lossy);
    marker.is_in_html(html.as_deref().unwrap_or(part))
}

/// Keap's word for an address, as one of our five states (E15). Words we don't know are passed on
/// and never count as deliverable.
fn address_state(word: &str) -> AddressState {
    match word {
        "UNENGAGED_MARKETABLE" | "SINGLE_OPT_IN" | "DOUBLE_OPT_IN" | "CONFIRMED" => {
            AddressState::Deliverable
        }
        "BOUNCE" | "HARD_BOUNCE" | "INVALID" | "DEACTIVATED" | "LOCKDOWN" | "SYSTEM" => {
            AddressState::Undeliverable(word.to_owned())
        }
        "NON_MARKETABLE"
        | "UNENGAGED_NON_MARKETABLE"
        | "MANUAL"
        | "ADMIN"
        | "LIST_UNSUBSCRIBE"
        | "FEEDBACK"
        | "SPAM" => AddressState::OptedOut(word.to_owned()),
        other => AddressState::Unknown(other.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_of_keaps_has_its_state_and_a_new_word_is_unknown() {
        assert_eq!(address_state("SINGLE_OPT_IN"), AddressState::Deliverable);
        assert_eq!(
            address_state("HARD_BOUNCE"),
            AddressState::Undeliverable("HARD_BOUNCE".to_owned())
        );
        assert_eq!(
            address_state("LIST_UNSUBSCRIBE"),
            AddressState::OptedOut("LIST_UNSUBSCRIBE".to_owned())
        );
        for word in ["", "single_opt_in", "QUARANTINED"] {
            assert!(
                matches!(address_state(word), AddressState::Unknown(_)),
                "{word}"
            );
        }
    }

    #[test]
    fn a_marker_is_found_in_base64_with_line_breaks_and_in_plain_html() {
        let marker = Marker::new("k7q2w9x1");
        let html = html_part("Hi Maya,\nhow are you?", &marker);
        let mut encoded = STANDARD.encode(&html);
        encoded.insert_str(20, "\r\n");
        assert!(holds(&marker, &encoded));
        assert!(holds(&marker, &html));
        assert!(!holds(&Marker::new("k7q2w9x2"), &encoded));
    }
}
