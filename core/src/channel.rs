//! Has she been opening our email? (SOP A, scenarios 1 and 2)

use serde::{Deserialize, Serialize};

use crate::clients::AddressState;
use crate::ids::EmailId;
use crate::time::Timestamp;

/// What the CRM showed about mail to one client, normalised; enough to recompute the decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailEvidence {
    /// When it was read.
    pub read_at: Timestamp,
    /// Whether mail can arrive.
    pub address: AddressState,
    /// Whether the contact has a phone number that can be called.
    pub has_phone: bool,
    /// The mails the CRM lists as sent by itself, newest first, at most thirty days old.
    pub emails: Vec<EmailRecord>,
    /// Why nothing could be read, when nothing could.
    pub unreadable: Option<String>,
}

/// One email as the CRM lists it: one time per event, no user agent, no address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmailRecord {
    /// The CRM's id.
    pub id: EmailId,
    /// Its subject, as staff see it in the CRM.
    pub subject: Option<String>,
    /// When it was sent.
    pub sent_at: Timestamp,
    /// When it was opened (first or last time: the CRM doesn't say).
    pub opened_at: Option<Timestamp>,
    /// When a link in it was clicked.
    pub clicked_at: Option<Timestamp>,
    /// When she replied, where the CRM has recorded a reply.
    pub replied_at: Option<Timestamp>,
}
