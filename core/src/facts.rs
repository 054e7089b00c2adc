//! Facts: what a receipt or a read taught us.
//!
//! A fact is known by its [`Identity`]: client, kind, object and source time. The same change told
//! twice, or told by a webhook and by a re-read, is one fact. Ids of objects are unique for a client
//! at most, so the client is part of it.
//!
//! A fact that carries a *state* (where she stands, when a check-in is due, what a task shows) is
//! known by what it says as well: two states of one object may be told with one source time, because
//! clocks are cut to the second and events are made in batches. Both count, in the order in which
//! they reach us, and the later word wins; the guard reads the truth before anything is sent. The
//! digest of a state is canonical (members sorted, absent ones left out) and carries its version, so
//! that a member added later makes no known fact new.
//!
//! Facts are stored before anything acts on them, and are never changed.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

pub use crate::answers::CallOutcome;
use crate::answers::StopReason;
use crate::channel::{EngagementEvent, MailEvidence};
use crate::clients::{BillingSnapshot, CheckIn, ClientSnapshot};
use crate::effects::CardRemoval;
use crate::ids::{CheckInId, ClientId, CoachId, ContactId, MessageId, TaskId};
use crate::time::{Date, Timestamp};

/// One thing we were taught.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fact {
    /// The client it is about. Facts about nobody we know are kept with the receipt only.
    pub client: ClientId,
    /// The id of the object that changed (a check-in, a message, a task).
    pub object: String,
    /// When the source says it happened; never later than when we learned it (E34).
    pub source_time: Timestamp,
    /// What it is.
    pub body: FactBody,
}

impl Fact {
    /// The stored name of the kind; part of the uniqueness key.
    pub fn kind(&self) -> &'static str {
        self.body.kind()
    }

    /// What makes it the same fact as another.
    pub fn identity(&self) -> Identity {
        Identity {
            client: self.client.clone(),
            kind: self.kind(),
            object: self.object.clone(),
            source_time: self.source_time,
            digest: self.body.digest(),
        }
    }
}

/// What makes two facts the same one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Identity {
    /// The client.
    pub client: ClientId,
    /// The stored name of the kind.
    pub kind: &'static str,
    /// The object.
    pub object: String,
    /// The source's time.
    pub source_time: Timestamp,
    /// Of a state, what it says; empty for everything else.
    pub digest: String,
}

/// The way digests are made. A change of it makes every state new once.
const DIGEST_VERSION: u32 = 1;

/// `value` without members that say nothing.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(members) => members
            .into_iter()
            .filter(|(_, member)| !member.is_null())
            .map(|(name, member)| (name, without_nulls(member)))
            .collect(),
        Value::Array(items) => items.into_iter().map(without_nulls).collect(),
        other => other,
    }
}

/// Writes `value` with the members of every object in the order of their names.
fn canonical(value: &Value, to: &mut Sha256) {
    match value {
        Value::Object(members) => {
            let mut names: Vec<&String> = members.keys().collect();
            names.sort();
            to.update(b"{");
            for name in names {
                to.update(Value::String(name.clone()).to_string());
                to.update(b":");
                canonical(&members[name], to);
                to.update(b",");
            }
            to.update(b"}");
        }
        Value::Array(items) => {
            to.update(b"[");
            for item in items {
                canonical(item, to);
                to.update(b",");
            }
            to.update(b"]");
        }
        plain => to.update(plain.to_string()),
    }
}

/// The kinds of fact, with their data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FactBody {
    /// A check-in is due on a day.
    CheckInDue {
        /// The check-in.
        check_in: CheckInId,
        /// `D`.
        due: Date,
        /// The instant, where the portal gives one.
        due_at: Option<Timestamp>,
    },
    /// A check-in was submitted.
    CheckInSubmitted {
        /// The check-in.
        check_in: CheckInId,
        /// Whether the portal calls it complete. An incomplete one still counts as submitted (E5).
        complete: bool,
    },
    /// A check-in's due date moved.
    CheckInRescheduled {
        /// The check-in.
        check_in: CheckInId,
        /// The new `D`.
        due: Date,
    },
    /// A check-in was withdrawn or deleted.
    CheckInWithdrawn {
        /// The check-in.
        check_in: CheckInId,
    },
    /// We read the portal after the due date and the check-in was not there: opens a case.
    CheckInMissed {
        /// The check-in as read.
        check_in: CheckIn,
        /// The client as read in the same moment.
        client: Box<ClientSnapshot>,
    },
    /// The client wrote in the portal, or staff recorded that she replied elsewhere (E8).
    ClientReplied {
        /// The portal message; `None` when staff recorded a reply by another way.
        message: Option<MessageId>,
        /// Where: `portal`, `email`, `phone`, `text`, `other`.
        channel: String,
    },
    /// A coach wrote to the client by hand (E43). Our own messages are not facts.
    CoachWrote {
        /// The portal message.
        message: MessageId,
        /// The coach, where the portal tells who wrote.
        coach: Option<CoachId>,
    },
    /// The client opened a portal message.
    MessageRead {
        /// The message.
        message: MessageId,
    },
    /// Her regimen changed; `R` moves.
    RegimenChanged {
        /// The civil date, clinic time.
        on: Date,
    },
    /// Her status, coach or contact data changed.
    ClientUpdated {
        /// The client as told or read.
        client: Box<ClientSnapshot>,
    },
    /// Her program was ended by hand in the portal.
    ProgramEnded,
    /// Her program was taken up again.
    ProgramReactivated,
    /// The email evidence that the channel decision asked for.
    MailRead {
        /// What the CRM shows.
        evidence: Box<MailEvidence>,
    },
    /// She opened or clicked an email, as an automation posts it or the relay found it between
    /// decisions.
    Engaged {
        /// What was told.
        event: Box<EngagementEvent>,
    },
    /// The call task that we made changed in the CRM.
    CallTaskChanged {
        /// The task.
        task: TaskId,
        /// Whether it is completed.
        completed: bool,
        /// What the coach wrote into it.
        outcome: Option<CallOutcome>,
    },
    /// The CRM contact linked to the client is gone (E40): the CRM said so twice, minutes apart.
    ContactGone,
    /// The contact type that the CRM shows, or that we have set and read back.
    ContactType {
        /// The value; `None` where the field is empty.
        value: Option<String>,
    },
    /// The CRM contact linked to the client is there, although it was said to be gone, or another
    /// one that is there was linked in its place.
    ContactSeen,
    /// What the contact pays for, as a billing procedure asked for it.
    BillingRead {
        /// The client's contact has twins: other contacts with the same address (E20).
        twins: Vec<ContactId>,
        /// What the CRM shows.
        billing: Box<BillingSnapshot>,
    },
    /// A person said that every channel to the client stops (A33): so it does for each case, until the
    /// manager lifts it.
    OutreachStopped {
        /// The person, by name.
        by: String,
        /// The reason that was chosen.
        why: StopReason,
    },
    /// A person lifted that.
    OutreachAllowed {
        /// The person, by name.
        by: String,
    },
    /// Staff began something about the client by themselves (E8): by a tag in the CRM, or by a command.
    StaffSaid {
        /// What they said, as a word of a closed list.
        word: StaffWord,
        /// The person or the tag that said so, as far as that is known.
        by: String,
        /// No follow-up was open: it is meant for the next one.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        kept: bool,
    },
    /// A person ordered something for this client.
    Ordered {
        /// The person, by name.
        by: String,
        /// What was ordered.
        order: Order,
    },
}

/// What a person may order directly, outside the two long procedures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "snake_case")]
pub enum Order {
    /// Set the contact type field.
    SetContactType {
        /// The wanted value.
        value: String,
    },
    /// Stop the coaching fee: off auto-charge, inactive, verified, card by policy.
    CancelSubscription {
        /// Written into `reason_stopped`.
        reason: String,
        /// What happens to the card.
        card: CardRemoval,
    },
}

impl FactBody {
    /// The stored name of [`CheckInDue`](Self::CheckInDue).
    pub const CHECK_IN_DUE: &str = "check_in_due";
    /// The stored name of [`ClientUpdated`](Self::ClientUpdated).
    pub const CLIENT_UPDATED: &str = "client_updated";

    /// Whether it tells the state of its object, which another fact of the same time may contradict.
    fn is_state(&self) -> bool {
        match self {
            Self::CheckInDue { .. }
            | Self::CheckInRescheduled { .. }
            | Self::RegimenChanged { .. }
            | Self::ClientUpdated { .. }
            | Self::CallTaskChanged { .. }
            | Self::ContactType { .. } => true,
            // An event that happened at a moment, or a reading that is made once.
            Self::CheckInSubmitted { .. }
            | Self::CheckInWithdrawn { .. }
            | Self::CheckInMissed { .. }
            | Self::ClientReplied { .. }
            | Self::CoachWrote { .. }
            | Self::MessageRead { .. }
            | Self::ProgramEnded
            | Self::ProgramReactivated
            | Self::MailRead { .. }
            | Self::Engaged { .. }
            | Self::ContactGone
            | Self::ContactSeen
            | Self::BillingRead { .. }
            | Self::OutreachStopped { .. }
            | Self::OutreachAllowed { .. }
            | Self::StaffSaid { .. }
            | Self::Ordered { .. } => false,
        }
    }

    /// What a state says, as `VERSION:SHA-256`; empty for everything else.
    fn digest(&self) -> String {
        if !self.is_state() {
            return String::new();
        }
        // Plain data of our own: it always serializes.
        let value = without_nulls(serde_json::to_value(self).unwrap_or_default());
        let mut hash = Sha256::new();
        canonical(&value, &mut hash);
        format!("{DIGEST_VERSION}:{}", hex::encode(hash.finalize()))
    }

    /// The stored name of the kind.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::CheckInDue { .. } => Self::CHECK_IN_DUE,
            Self::CheckInSubmitted { .. } => "check_in_submitted",
            Self::CheckInRescheduled { .. } => "check_in_rescheduled",
            Self::CheckInWithdrawn { .. } => "check_in_withdrawn",
            Self::CheckInMissed { .. } => "check_in_missed",
            Self::ClientReplied { .. } => "client_replied",
            Self::CoachWrote { .. } => "coach_wrote",
            Self::MessageRead { .. } => "message_read",
            Self::RegimenChanged { .. } => "regimen_changed",
            Self::ClientUpdated { .. } => Self::CLIENT_UPDATED,
            Self::ProgramEnded => "program_ended",
            Self::ProgramReactivated => "program_reactivated",
            Self::MailRead { .. } => "mail_read",
            Self::Engaged { .. } => "engaged",
            Self::CallTaskChanged { .. } => "call_task_changed",
            Self::ContactGone => "contact_gone",
            Self::ContactType { .. } => "contact_type",
            Self::ContactSeen => "contact_seen",
            Self::BillingRead { .. } => "billing_read",
            Self::OutreachStopped { .. } => "outreach_stopped",
            Self::OutreachAllowed { .. } => "outreach_allowed",
            Self::StaffSaid { .. } => "staff_said",
            Self::Ordered { .. } => "ordered",
        }
    }
}

/// What staff may begin by themselves about a client (E8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StaffWord {
    /// What is paused goes on.
    Resume,
    /// She answered where the relay does not look: by phone, in another program, at the front desk.
    Replied,
    /// Nothing goes out until they say so.
    Pause,
}

impl StaffWord {
    /// Every word, the most careful last: of two that were said in one moment, that one counts.
    pub const ALL: [Self; 3] = [Self::Resume, Self::Replied, Self::Pause];

    /// The stored name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Resume => "resume",
            Self::Replied => "replied",
            Self::Pause => "pause",
        }
    }
}
