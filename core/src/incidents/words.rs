//! What can fail at a vendor, and as what.

use serde::{Deserialize, Serialize};

use crate::effects::{EffectKind, Port};
use crate::retry::Class;

/// Makes the enum, the list of its members and what holds of each from one list.
macro_rules! capabilities {
    ($($(#[$doc:meta])* $capability:ident = $port:ident, $words:literal;)*) => {
        /// Something that a side of the world does for us, and that can fail while the rest of it works.
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(rename_all = "snake_case")]
        pub enum Capability {
            $($(#[$doc])* $capability,)*
        }

        impl Capability {
            /// Every one.
            pub const ALL: [Self; [$(stringify!($capability)),*].len()] =
                [$(Self::$capability),*];

            /// Whose it is.
            pub const fn port(self) -> Port {
                match self {
                    $(Self::$capability => Port::$port,)*
                }
            }

            /// What people call it.
            pub const fn words(self) -> &'static str {
                match self {
                    $(Self::$capability => $words,)*
                }
            }
        }
    };
}

capabilities! {
    /// Contacts of the CRM and their type.
    ReadContacts = Crm, "looking up contacts";
    /// Setting the contact type.
    ChangeContacts = Crm, "changing contacts";
    /// The email history.
    ReadMail = Crm, "reading the email history";
    /// Email to a client.
    SendMail = Crm, "sending email";
    /// The state of addresses, and what was opened there.
    ReadAddresses = Crm, "reading the state of email addresses";
    /// Tasks of staff.
    ReadTasks = Crm, "reading tasks";
    /// Making, moving and completing tasks.
    WriteTasks = Crm, "making and completing tasks";
    /// Notes on contacts.
    ReadNotes = Crm, "reading notes on contacts";
    /// Writing notes on contacts.
    WriteNotes = Crm, "writing notes on contacts";
    /// Which tags a contact has.
    ReadTags = Crm, "reading tags";
    /// Putting tags on and taking them off.
    ChangeTags = Crm, "setting tags";
    /// What a client pays for.
    ReadBilling = Crm, "reading what clients pay for";
    /// Ending what a client pays for.
    ChangeBilling = Crm, "changing what clients pay for";
    /// The staff's users.
    ReadStaff = Crm, "looking up the staff's users";
    /// The subscriptions to its webhooks.
    KeepHooks = Crm, "looking after the webhook subscriptions";
    /// What has changed, where no webhook told.
    ReadChanges = Crm, "listing what has changed";
    /// Clients of the portal.
    ReadClients = Portal, "looking up clients";
    /// Their check-ins.
    ReadCheckIns = Portal, "reading check-ins";
    /// Their messages.
    ReadMessages = Portal, "reading messages";
    /// Messages to them.
    SendMessages = Portal, "sending messages";
    /// The coach's notes.
    ReadPortalNotes = Portal, "reading coaches' notes";
    /// Writing them.
    WritePortalNotes = Portal, "writing coaches' notes";
    /// The coaches.
    ReadCoaches = Portal, "looking up coaches";
}

impl Capability {
    /// Whether a request that was not answered leaves a question that only a person can answer: nothing that
    /// the vendor shows proves that it was not carried out.
    pub const fn leaves_a_question(self) -> bool {
        matches!(self, Self::SendMail)
    }

    /// What the request of an effect needs.
    pub const fn of_effect(kind: EffectKind) -> Self {
        match kind {
            EffectKind::PortalMessage => Self::SendMessages,
            EffectKind::PortalNote => Self::WritePortalNotes,
            EffectKind::Email => Self::SendMail,
            EffectKind::CallTask
            | EffectKind::CloseTask
            | EffectKind::ReassignTask
            | EffectKind::WorkTask => Self::WriteTasks,
            EffectKind::ContactNote => Self::WriteNotes,
            EffectKind::AddTag | EffectKind::RemoveTag => Self::ChangeTags,
            EffectKind::ContactType => Self::ChangeContacts,
            EffectKind::AutoChargeOff
            | EffectKind::DeactivateSubscription
            | EffectKind::RemoveCard => Self::ChangeBilling,
        }
    }
}

/// What of a vendor fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// The vendor as a whole.
    Everything,
    /// One thing, while the rest works or was not asked for.
    Only(Capability),
}

impl Scope {
    /// Whether it changes what a client is charged: never asked for again and again.
    pub const fn is_of_money(self) -> bool {
        matches!(self, Self::Only(Capability::ChangeBilling))
    }
}

/// As what a call fails: what many cases can meet alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IncidentClass {
    /// Nobody answers, or with a failure of the vendor's own.
    NoAnswer,
    /// Our credential is refused.
    Credential,
    /// Our credential is let in, and may not do this.
    Forbidden,
    /// What was asked is refused for good.
    Rejected,
    /// A good answer can't be read.
    Unreadable,
}

impl IncidentClass {
    /// Every one.
    pub const ALL: [Self; 5] = [
        Self::NoAnswer,
        Self::Credential,
        Self::Forbidden,
        Self::Rejected,
        Self::Unreadable,
    ];

    /// The stored name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoAnswer => "no_answer",
            Self::Credential => "credential",
            Self::Forbidden => "forbidden",
            Self::Rejected => "rejected",
            Self::Unreadable => "unreadable",
        }
    }

    /// The class with this stored name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.as_str() == name)
    }

    /// As what a vendor's call failed; `None`: it says something about what was asked only, such as that a
    /// thing is not there.
    pub fn of(class: Class, status: Option<u16>) -> Option<Self> {
        match (class, status) {
            (_, Some(200..=299)) => Some(Self::Unreadable),
            (Class::Unauthorised, _) => Some(Self::Credential),
            (Class::Permanent, Some(403)) => Some(Self::Forbidden),
            (Class::Permanent, Some(404 | 409 | 410) | None) => None,
            (Class::Permanent, Some(_)) => Some(Self::Rejected),
            (_, Some(408 | 425 | 429)) => Some(Self::NoAnswer),
            (_, Some(400..=499)) => None,
            (Class::NotSent | Class::Retryable { .. } | Class::Unclear, _) => Some(Self::NoAnswer),
        }
    }

    /// Whether a job that meets it is given up at once.
    pub const fn ends_at_once(self) -> bool {
        match self {
            Self::Forbidden | Self::Rejected | Self::Unreadable => true,
            Self::NoAnswer | Self::Credential => false,
        }
    }
}
