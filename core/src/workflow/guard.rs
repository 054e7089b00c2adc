//! What a guard needs, what it reads, and what it says.

use serde::{Deserialize, Serialize};

use crate::clients::{
    BillingSnapshot, CheckIn, ClientSnapshot, Coach, ContactSnapshot, PortalMessage, Records,
};
use crate::effects::{EffectInput, EffectKind, HandOver, Port, Request, request};
use crate::facts::Fact;
use crate::ids::{CoachId, ContactId, TaskId};
use crate::outside;
use crate::scripts::date_words;
use crate::time::{Date, Timestamp};

/// What must be read before an effect may be carried out.
#[expect(
    clippy::struct_excessive_bools,
    reason = "four independent reads, each done or not"
)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Needs {
    /// The client, her check-ins and messages in the portal.
    pub portal: bool,
    /// Her contact in the CRM.
    pub contact: bool,
    /// Her coach, with the CRM user.
    pub coach: bool,
    /// What she pays for.
    pub billing: bool,
}

/// What a guard read, right before the effect. A part is `None` when it was not needed, or when
/// it was and there is nothing there (no coach set, no contact linked).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GuardReading {
    /// When the reads were made.
    pub read_at: Timestamp,
    /// The portal's side.
    pub portal: Option<PortalReading>,
    /// Her coach now, or who acts for her, with the CRM user where an active one was found.
    pub coach: Option<Coach>,
    /// Whose place that coach takes, where hers is away (A25).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stands_in: Option<StandsIn>,
    /// Her contact now.
    pub contact: Option<ContactSnapshot>,
    /// What she pays for now.
    pub billing: Option<BillingSnapshot>,
    /// The task that an earlier effect made, for effects that act on one.
    pub task: Option<TaskId>,
    /// Why there is no contact, where one was needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_contact: Option<NoContact>,
    /// Her contact type, where the CRM was asked for an outreach and has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact_type: Option<String>,
    /// A person has said that the contact's address is hers although the portal has another.
    #[serde(default)]
    pub address_confirmed: bool,
    /// What the clinic's tools don't let the relay do.
    #[serde(default, skip_serializing_if = "NotOffered::is_nothing")]
    pub not_offered: NotOffered,
    /// What the silence of whoever acts for her coach means now, where she has a say (A30).
    #[serde(default)]
    pub silence: Silence,
}

/// What it means that a coach has said nothing of a message that is about to go out (A30).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "silence", rename_all = "snake_case")]
pub enum Silence {
    /// Nothing: nobody can tell whether she knows.
    #[default]
    Nothing,
    /// Nothing yet: she can't see it, or not for long enough.
    NotYet,
    /// That it may go out at the moment that she has read.
    Consent {
        /// That moment.
        from: Timestamp,
    },
}

/// Whose place a coach takes, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StandsIn {
    /// The name of the coach who is away.
    pub name: String,
    /// The last day of her time off.
    pub until: Date,
}

impl StandsIn {
    /// That, as a clause.
    pub fn words(&self) -> String {
        let name = outside::short_line(&self.name, 60);
        format!("{name} is away until {}", date_words(self.until))
    }
}

/// What the clinic's tools don't let the relay do: what would go that way, a person does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct NotOffered {
    /// Reading and writing messages between client and coach in the portal.
    #[serde(default)]
    pub messages: bool,
    /// Writing quiet notes there.
    #[serde(default)]
    pub notes: bool,
    /// The CRM, all of it: contacts, mail, tasks, notes, tags, what a client pays.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub crm: bool,
    /// Where what people put right about a client is kept, since that need not be the portal.
    #[serde(default, skip_serializing_if = "Records::are_in_portal")]
    pub records: Records,
}

impl NotOffered {
    /// Whether everything is offered.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// Whether an effect of this kind can't be carried out by the relay.
    pub fn includes(&self, kind: EffectKind) -> bool {
        let of_portal = match kind {
            EffectKind::PortalMessage => self.messages,
            EffectKind::PortalNote => self.notes,
            EffectKind::Email
            | EffectKind::CallTask
            | EffectKind::CloseTask
            | EffectKind::ReassignTask
            | EffectKind::WorkTask
            | EffectKind::ContactNote
            | EffectKind::AddTag
            | EffectKind::RemoveTag
            | EffectKind::ContactType
            | EffectKind::AutoChargeOff
            | EffectKind::DeactivateSubscription
            | EffectKind::RemoveCard => false,
        };
        of_portal || self.is_in_crm(kind)
    }

    /// Whether it can't because the CRM would be needed.
    pub fn is_in_crm(&self, kind: EffectKind) -> bool {
        self.crm && kind.spec().ports.contains(&Port::Crm)
    }
}

/// Why there is no contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "no_contact", rename_all = "snake_case")]
pub enum NoContact {
    /// Nobody can tell which contact she is.
    NotLinked {
        /// The reason, in one line.
        reason: String,
    },
    /// She is linked to one that the CRM no longer has (E40).
    Gone {
        /// The contact that is gone.
        contact: ContactId,
    },
    /// The relay has no CRM to look into.
    NotOffered,
}

impl NoContact {
    /// What is so, and who mends it.
    pub fn hold_reason(&self) -> HoldReason {
        let reason = match self {
            Self::NotOffered => {
                return "the relay has no access to the CRM: do it there by hand, or leave it out"
                    .into();
            }
            Self::NotLinked { reason } => format!(
                "she is not linked to a contact in the CRM ({reason}): ask your admin to link them"
            ),
            Self::Gone { contact } => format!(
                "her contact {contact} is no longer in the CRM: if she has another one, ask your admin \
                 to link her to it"
            ),
        };
        HoldReason {
            reason,
            command: Some(LINK.to_owned()),
            minor: None,
            lifts: false,
        }
    }
}

/// What links a client to her contact.
pub(crate) const LINK: &str = "clear-relay clients link CLIENT CONTACT --by NAME";

impl GuardReading {
    /// Why there is no contact, and who mends that.
    pub fn no_contact(&self) -> HoldReason {
        match &self.no_contact {
            Some(why) => why.hold_reason(),
            None => HoldReason {
                reason: "she is not linked to a contact in the CRM: ask your admin to link them"
                    .into(),
                command: Some(LINK.to_owned()),
                minor: None,
                lifts: false,
            },
        }
    }
}

/// Why something can't be done, with who does what about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldReason {
    /// In one line, for the coach.
    pub reason: String,
    /// The command that mends it, for the admin, where there is one.
    pub command: Option<String>,
    /// What whoever decides is told of a client who is a minor (A36).
    pub minor: Option<String>,
    /// Whether a person may say that it goes out all the same.
    pub lifts: bool,
}

impl HoldReason {
    /// Nothing goes out.
    pub fn hold(self, ready: Option<Request>) -> Verdict {
        Verdict::Hold {
            reason: self.reason,
            command: self.command,
            minor: self.minor,
            lifts: self.lifts,
            ready,
        }
    }
}

impl From<String> for HoldReason {
    fn from(reason: String) -> Self {
        Self {
            reason,
            command: None,
            minor: None,
            lifts: false,
        }
    }
}

impl From<&str> for HoldReason {
    fn from(reason: &str) -> Self {
        reason.to_owned().into()
    }
}

/// What the engine must know of a case to read its conversation, without looking inside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversation {
    /// Since when messages between client and coach belong to the case. Reads go back further by an
    /// overlap, since clocks differ.
    pub since: Timestamp,
    /// Whose name texts are signed with that are made ready for people.
    pub signed_by: Option<CoachId>,
}

/// The portal's side of a guard's reading.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PortalReading {
    /// The client now.
    pub client: ClientSnapshot,
    /// Her check-ins now, from a day before the missed one.
    pub check_ins: Vec<CheckIn>,
    /// Messages since the case opened (and at least the last 24 hours), oldest first. Those that
    /// we sent ourselves are left out. None where messages can't be read ([`NotOffered::messages`]).
    pub messages: Vec<PortalMessage>,
    /// Where her page is, for the coach.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
}

/// What the guard says.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// Carry it out, with exactly this.
    Go(Request),
    /// The world has moved on: these facts tell how. They are stored and stepped; nothing is sent.
    Overtaken {
        /// By what, in one line.
        by: String,
        /// The facts the reading taught.
        facts: Vec<Fact>,
    },
    /// A person must settle something first; nothing is sent.
    Hold {
        /// Why, in one line.
        reason: String,
        /// The command that mends it, for the admin, where there is one.
        command: Option<String>,
        /// What whoever decides is told of a client who is a minor (A36).
        minor: Option<String>,
        /// Whether a person may say that it goes out all the same.
        lifts: bool,
        /// The text that would have gone out, ready to be used, where it could be rendered.
        ready: Option<Request>,
    },
    /// It may go out, and no tool lets the relay send it: a person does.
    ByHand {
        /// As it would go out, where it could be rendered.
        ready: Option<Request>,
        /// What she needs besides the words.
        hand_over: HandOver,
    },
    /// It may go out, and her coach is to be asked before it does (A30).
    Ask {
        /// When it goes out if nobody stops it, as far as can be told before she has heard. The guard is asked again
        /// then.
        at: Timestamp,
        /// Whether her silence lets it go; else only her word does.
        silence: bool,
        /// What the reading taught of whom to ask. Stored and stepped first.
        facts: Vec<Fact>,
        /// As it would go out.
        ready: Request,
    },
    /// Not now, but then.
    Later {
        /// When to guard again.
        at: Timestamp,
        /// Why, in one line.
        reason: String,
    },
}

impl Verdict {
    /// On an effect that needs nothing but her contact.
    pub fn by_contact(input: &EffectInput, reading: &GuardReading) -> Self {
        let request = match &reading.contact {
            Some(contact) => request::of_contact(input, &contact.id)
                .ok_or_else(|| HoldReason::from("it needs more than a contact")),
            None => Err(reading.no_contact()),
        };
        match request {
            Ok(request) => Self::Go(request),
            Err(reason) => reason.hold(None),
        }
    }
}
