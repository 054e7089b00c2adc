//! Whose emails they were. (A5, A37)
//!
//! "The history of opening emails from *you*" means her coach's emails, and the CRM lists the clinic's
//! newsletters with them. All of them count; where nothing but newsletters can have led to the answer, the
//! record says so.
//!
//! # What tells
//! No member of the list says *newsletter*: there is no campaign, and subject and headers are free text. What
//! is told is the sender's address. A coach writes as a user of the CRM, and so does the relay in her name;
//! an address at the clinic's own domain that belongs to no user is nobody's own, and what it sends is sent
//! for the clinic ([`EmailSender::Clinic`]).
//!
//! # Rules
//! - It is said only where the sender of *every* email it is about is known: of those that count, where she
//!   was seen to look; else of all that were considered. One sender that is not known, or is a user, and
//!   nothing is said: a newsletter can also be sent in a coach's name, and no address shows that.
//! - What was told beside the history belongs to an email of the history, or its sender is not known.
//! - It says "it seems": a receipt of the shop comes from such an address, too.
//! - It is a caution. It never changes the answer or the channel.

use serde::{Deserialize, Serialize};

use super::words::Words;
use super::{ChannelRule, EmailEngagement, JudgedEmail, SENDERS};
use crate::ids::EmailId;

/// Whose address an email was sent from. One that is not known has none of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmailSender {
    /// An address of the clinic that is nobody's own.
    Clinic,
    /// The address of a user of the CRM: a coach, or another member of staff. It outweighs the other where
    /// copies of an email differ.
    Staff,
}

impl Words<'_> {
    /// The caution where all emails that led to the answer are newsletters, as far as their senders tell.
    pub(super) fn newsletters_only(&self) -> Option<String> {
        if self.decision.logic < SENDERS {
            return None;
        }
        let seen = self.decision.seen == EmailEngagement::Seen;
        if !seen && self.obstacle.is_some() {
            return None;
        }
        let senders = if seen {
            self.senders_of_seen()
        } else {
            let considered = self.decision.considered();
            considered.map(|mail| mail.email.sender).collect()
        };
        let newsletters = !senders.is_empty()
            && senders
                .iter()
                .all(|sender| *sender == Some(EmailSender::Clinic));
        let (these, one) = match (seen, senders.len()) {
            (true, 1) => ("the email she looked at", true),
            (true, _) => ("the emails she looked at", false),
            (false, 1) => ("this email", true),
            (false, _) => ("these emails", false),
        };
        let none = if one { "not" } else { "none" };
        newsletters.then(|| {
            format!(
                "newsletters only, it seems: {these} came from the clinic's own address, {none} from a coach's"
            )
        })
    }

    /// The sender of each email in which she was seen to look, by the rule that decided.
    fn senders_of_seen(&self) -> Vec<Option<EmailSender>> {
        let decision = self.decision;
        let strict = decision.rule == ChannelRule::Strict;
        let counts = |mail: &&JudgedEmail| {
            if strict {
                mail.counts_strict()
            } else {
                mail.counts_as_shown()
            }
        };
        // A history that could not be read shows nothing.
        let readable = self.obstacle.is_none();
        let shown = decision.emails.iter().filter(counts);
        let mut senders: Vec<_> = shown
            .filter(|_| readable)
            .map(|mail| mail.email.sender)
            .collect();
        senders.extend(decision.told().map(|told| {
            let email = told.event.email.as_ref()?;
            self.sender_of(email)
        }));
        senders
    }

    fn sender_of(&self, id: &EmailId) -> Option<EmailSender> {
        let mut emails = self.decision.emails.iter();
        emails.find(|mail| mail.email.id == *id)?.email.sender
    }
}
