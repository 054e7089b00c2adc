//! Whose address an email in Keap's history was sent from (A37).
//!
//! Keap tells the sender's address and nothing else that sets a newsletter apart. The address of a user,
//! whether she is active or has left, is a person's. Another one under a domain of the users' is the clinic's
//! and nobody's own. Any other says nothing: where a domain is not set up for sending, Keap may put one of its
//! own in the place of everybody's.
//!
//! Users are read once an hour at most, and only where a history names a sender. That they can't be read
//! is no reason to hold a decision that doesn't depend on it: the senders are then not known.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use relay_core::channel::EmailSender;
use relay_core::time::{SignedDuration, Timestamp};
use relay_keap::client::StaffReads;
use relay_keap::types::{Email, User};
use relay_keap::{KeapClient, types};

/// How long the users are kept, procedure time.
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(1);

/// The users' addresses as they were read last.
#[derive(Debug, Default)]
pub(super) struct Senders {
    known: Mutex<Option<(Timestamp, Arc<StaffAddresses>)>>,
}

/// The addresses of all users, in small letters. Without any, no sender is known.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct StaffAddresses {
    addresses: BTreeSet<String>,
    domains: BTreeSet<String>,
}

impl Senders {
    /// The users' addresses, read if `emails` name a sender and what is known is old.
    pub(super) async fn staff(
        &self,
        client: &KeapClient,
        emails: &[Email],
        now: Timestamp,
    ) -> Arc<StaffAddresses> {
        if emails.iter().all(|email| address(email).is_none()) {
            return Arc::default();
        }
        if let Some(known) = self.known_at(now) {
            return known;
        }
        match StaffReads(client).every_user().await {
            Ok(users) => {
                let read = Arc::new(StaffAddresses::of(&users));
                let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
                *known = Some((now, Arc::clone(&read)));
                read
            }
            Err(error) => {
                tracing::debug!(%error, "whose emails they were can't be told");
                Arc::default()
            }
        }
    }

    fn known_at(&self, now: Timestamp) -> Option<Arc<StaffAddresses>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (read_at, staff) = known.as_ref()?;
        let fresh = now.duration_since(*read_at).abs() < KEPT_FOR;
        fresh.then(|| Arc::clone(staff))
    }
}

impl StaffAddresses {
    fn of(users: &[User]) -> Self {
        let addresses = users.iter().flat_map(|user| &user.email_addresses);
        let addresses: BTreeSet<String> = addresses
            .filter_map(|address| plain(address.email.as_deref()?))
            .collect();
        let domains = addresses.iter().filter_map(|address| domain(address));
        Self {
            domains: domains.map(str::to_owned).collect(),
            addresses,
        }
    }

    /// Whose address `email` was sent from, where that is known.
    pub(super) fn sender(&self, email: &types::Email) -> Option<EmailSender> {
        let from = address(email)?;
        if self.addresses.contains(&from) {
            return Some(EmailSender::Staff);
        }
        let from = domain(&from)?;
        let is_clinics = |clinics: &String| {
            from == clinics
                || from
                    .strip_suffix(clinics.as_str())
                    .is_some_and(|rest| rest.ends_with('.'))
        };
        let is_clinics = self.domains.iter().any(is_clinics);
        is_clinics.then_some(EmailSender::Clinic)
    }
}

/// The sender's address.
fn address(email: &Email) -> Option<String> {
    plain(email.sent_from_address.as_deref()?)
}

/// An address in small letters, without a name before it: `Beth <beth@clinic.example.test>`.
fn plain(text: &str) -> Option<String> {
    let inside = text.rsplit_once('<').map_or(text, |(_, inside)| inside);
    let address = inside.trim().trim_end_matches('>').trim().to_lowercase();
    domain(&address)?;
    Some(address)
}

fn domain(address: &str) -> Option<&str> {
    let (name, domain) = address.rsplit_once('@')?;
    (!name.is_empty() && domain.contains('.')).then_some(domain)
}

#[cfg(test)]
mod tests {
    use relay_keap::types::EmailAddress;

    use super::*;

    fn user(addresses: &[&str]) -> User {
        let address = |address: &&str| EmailAddress {
            email: Some((*address).to_owned()),
            field: None,
        };
        User {
            email_addresses: addresses.iter().map(address).collect(),
            ..User::default()
        }
    }

    fn from(address: Option<&str>) -> Email {
        Email {
            sent_from_address: address.map(str::to_owned),
            ..Email::default()
        }
    }

    #[test]
    fn a_sender_is_a_user_the_clinic_or_not_known() {
        let users = [
            user(&["Beth@Clinic.example.test", "beth.h@mail.example.test"]),
            user(&[]),
        ];
        let staff = StaffAddresses::of(&users);
        let (person, clinic) = (Some(EmailSender::Staff), Some(EmailSender::Clinic));
        for (address, expected) in [
            (Some("beth@clinic.example.test"), person),
            (Some(" Beth H. <BETH@clinic.example.test> "), person),
            (Some("beth.h@mail.example.test"), person),
            (Some("news@clinic.example.test"), clinic),
            (Some("News <news@go.clinic.example.test>"), clinic),
            // Another domain may be one that Keap sends from for whomever.
            (Some("beth@sender.example.com"), None),
            (Some("news@myclinic.example.test"), None),
            (Some("news@example.test"), None),
            (Some("news"), None),
            (Some(""), None),
            (None, None),
        ] {
            assert_eq!(staff.sender(&from(address)), expected, "{address:?}");
        }
        let nobody = StaffAddresses::default();
        assert_eq!(nobody.sender(&from(Some("news@clinic.example.test"))), None);
    }
}
