//! What we know of a client, a coach and a contact when a step or a guard looks.
//!
//! These are snapshots of a read, not records we keep up to date: the portal owns the client, the
//! CRM owns the contact, and every outreach reads both again right before it goes out.

use serde::{Deserialize, Serialize};

use crate::ids::{
    CheckInId, ClientId, CoachId, ContactId, CrmUserId, MessageId, PaymentMethodId, SubscriptionId,
};
use crate::outside;
use crate::time::{Date, Timestamp};

/// Where the portal says a client stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientStatus {
    /// In the online program: the only status that is ever followed up.
    Online,
    /// Comes to the clinic; check-ins no longer apply.
    InPerson,
    /// On an agreed break.
    OnBreak,
    /// Program ended.
    Quit,
    /// Program completed.
    Graduated,
    /// On maintenance: nothing is checked in for (E25).
    Maintenance,
    /// Only the Transition Maintenance Call is open (SOP A, exception).
    TransitionCallOnly,
    /// A word we don't know. Never counts as [`Online`](Self::Online): an unknown state must not
    /// start a procedure (E39).
    Unknown(String),
}

impl ClientStatus {
    /// The portal's word for the status.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Online => "online",
            Self::InPerson => "in_person",
            Self::OnBreak => "on_break",
            Self::Quit => "quit",
            Self::Graduated => "graduated",
            Self::Maintenance => "maintenance",
            Self::TransitionCallOnly => "transition_call_only",
            Self::Unknown(word) => word,
        }
    }
}

impl From<&str> for ClientStatus {
    fn from(word: &str) -> Self {
        match word {
            "online" => Self::Online,
            "in_person" => Self::InPerson,
            "on_break" => Self::OnBreak,
            "quit" => Self::Quit,
            "graduated" => Self::Graduated,
            "maintenance" => Self::Maintenance,
            "transition_call_only" => Self::TransitionCallOnly,
            other => Self::Unknown(other.to_owned()),
        }
    }
}

/// Whether a contact type of the CRM says that a client comes to the clinic: "In-Person" as the
/// document spells it, whatever stands between the words.
pub fn is_in_person(contact_type: &str) -> bool {
    let letters = contact_type.chars().filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_lowercase).eq("inperson".chars())
}

/// A client as the portal described her at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientSnapshot {
    /// The portal's id.
    pub id: ClientId,
    /// Given name, as scripts address her. `None` holds every script that needs it (E22).
    pub first_name: Option<String>,
    /// Family name; only its initial is ever shown to staff in a title.
    pub last_name: Option<String>,
    /// Where she stands.
    pub status: ClientStatus,
    /// Her coach now.
    pub coach: Option<CoachId>,
    /// Email address on file in the portal.
    pub email: Option<String>,
    /// Phone number on file in the portal.
    pub phone: Option<String>,
    /// Her IANA time zone, if known; else the clinic's applies (E24).
    pub time_zone: Option<String>,
    /// `R`: the civil date of the last regimen change.
    pub last_regimen_change: Option<Date>,
    /// The CRM contact the portal links her to, if it says so.
    pub contact: Option<ContactId>,
    /// End of an agreed break, if the portal tells one.
    pub break_until: Option<Date>,
    /// Whether she is a minor; `None` where the portal doesn't tell (A36).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minor: Option<bool>,
    /// Who answers for her, by name, where the portal names somebody (A36).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guardian: Option<String>,
}

impl ClientSnapshot {
    /// Whether an agreed break is over by its date although the portal still calls her on a break
    /// (E12). The last day of a break belongs to it.
    pub fn break_is_over(&self, today: Date) -> bool {
        self.status == ClientStatus::OnBreak && self.break_until.is_some_and(|until| until < today)
    }

    /// First name and initial, the most that a task title or a log for staff shows: `Maya R.`
    /// `None` where the first name is no name.
    pub fn short_name(&self) -> Option<String> {
        short_name(self.first_name.as_deref(), self.last_name.as_deref())
    }
}

/// The same of a first and a last name.
pub fn short_name(first: Option<&str>, last: Option<&str>) -> Option<String> {
    let first = outside::name(first).ok()?;
    let last = outside::name(last).ok();
    let initial = last.and_then(|last| last.chars().find(|c| c.is_alphabetic()));
    Some(match initial {
        Some(initial) => format!("{first} {initial}."),
        None => first,
    })
}

/// A check-in as the portal lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckIn {
    /// The portal's id.
    pub id: CheckInId,
    /// `D`: the civil date it is due.
    pub due: Date,
    /// The exact instant it is due, where the portal gives one.
    pub due_at: Option<Timestamp>,
    /// When it was submitted; `None` while it is open.
    pub submitted_at: Option<Timestamp>,
    /// Withdrawn by the clinic: as if it had never been asked for.
    pub withdrawn: bool,
}

/// Who wrote a portal message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Author {
    /// The client.
    Client,
    /// A coach (or we, in her name).
    Coach,
}

/// A portal message as a guard or a probe sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortalMessage {
    /// The portal's id.
    pub id: MessageId,
    /// Who wrote it.
    pub author: Author,
    /// The coach who wrote it, where the author is a coach.
    pub coach: Option<CoachId>,
    /// When it was sent.
    pub sent_at: Timestamp,
    /// The text. Compared by a probe; never logged.
    pub text: String,
    /// The key that it was written with, where we wrote it and the portal tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// A coach as the directory knows her.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coach {
    /// The portal's id.
    pub id: CoachId,
    /// The name a script signs with.
    pub name: String,
    /// The address by which she is found in the CRM.
    pub email: String,
    /// Her user in the CRM, once it has been found and is active.
    pub crm_user: Option<CrmUserId>,
}

/// A contact as the CRM described it at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactSnapshot {
    /// The CRM's id.
    pub id: ContactId,
    /// Given name in the CRM.
    pub first_name: Option<String>,
    /// The main address.
    pub email: Option<String>,
    /// The first phone number that looks like one.
    pub phone: Option<String>,
    /// Whether mail to the address can arrive.
    pub address: AddressState,
    /// Other contacts with the same address (E20). Any of them forbids touching billing.
    pub twins: Vec<ContactId>,
}

/// What a contact pays for and with, as the CRM described it at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BillingSnapshot {
    /// When it was read.
    pub read_at: Timestamp,
    /// Every subscription, active or not.
    pub subscriptions: Vec<Subscription>,
    /// Every stored card.
    pub cards: Vec<Card>,
    /// Orders or pay plans with money still owed, one line each (E49, E50).
    pub open_orders: Vec<String>,
}

/// A subscription as the CRM lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// The CRM's id.
    pub id: SubscriptionId,
    /// The product's name, for people.
    pub name: String,
    /// Whether it is one of the configured coaching plans (E47). Matched by id, never by name.
    pub coaching: bool,
    /// Whether it is active.
    pub active: bool,
    /// Whether it charges by itself.
    pub auto_charge: bool,
    /// The card it charges.
    pub payment_method: Option<PaymentMethodId>,
    /// The next bill date, a tenant-local day.
    pub next_bill_date: Option<Date>,
    /// The last bill date, a tenant-local day (E51).
    pub last_bill_date: Option<Date>,
}

/// A stored card as the CRM lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// The CRM's id.
    pub id: PaymentMethodId,
    /// What staff recognize it by: brand and last four digits.
    pub label: String,
}

/// Whether mail to an address can arrive, as the CRM says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state", content = "status")]
pub enum AddressState {
    /// Mail may be sent and is expected to arrive.
    Deliverable,
    /// No row yet: nothing was ever mailed there. Counts as deliverable.
    NeverMailed,
    /// Bounced or refused; the word is the CRM's own (`HARD_BOUNCE`, `INVALID`, …).
    Undeliverable(String),
    /// She asked not to be mailed; the word is the CRM's own (`LIST_UNSUBSCRIBE`, …).
    OptedOut(String),
    /// There is no address at all.
    Missing,
    /// A word we don't know: treated as not deliverable, and shown.
    Unknown(String),
}

impl AddressState {
    /// Whether a message may be sent there.
    pub fn accepts_mail(&self) -> bool {
        matches!(self, Self::Deliverable | Self::NeverMailed)
    }

    /// What is so of her mail, as a clause for people. The CRM's own word is for programs.
    pub fn words(&self) -> &'static str {
        match self {
            Self::Deliverable | Self::NeverMailed => "email can arrive",
            Self::Undeliverable(word) => match word.to_ascii_uppercase().as_str() {
                "HARD_BOUNCE" | "BOUNCE" => "her address bounced",
                "SPAM" | "FEEDBACK" => "she has marked our email as spam",
                "INVALID" => "her address is not valid",
                _ => "her address takes no email",
            },
            Self::OptedOut(_) => "she has opted out of email",
            Self::Missing => "no email address on file",
            Self::Unknown(_) => "it can't be told whether her address takes email",
        }
    }
}

/// Where the clinic keeps who its clients are and when their check-ins are due: what a remedy names.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Records {
    /// In the portal.
    #[default]
    Portal,
    /// In a list of the clinic's own.
    List,
    /// In the CRM.
    Crm,
}

impl Records {
    /// Its name in a sentence.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Portal => "the portal",
            Self::List => "the clinic's list",
            Self::Crm => "the CRM",
        }
    }

    /// The same where a sentence begins with it.
    pub const fn begins(self) -> &'static str {
        match self {
            Self::Portal => "The portal",
            Self::List => "The clinic's list",
            Self::Crm => "The CRM",
        }
    }

    /// Whether nothing is kept elsewhere: then nothing is stored of it.
    pub fn are_in_portal(&self) -> bool {
        *self == Self::Portal
    }
}
