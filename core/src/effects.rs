//! The registry of what is done for clients, staff and billing. (Webhook subscriptions and tokens are not
//! effects.)
//!
//! An effect is planned by a step, guarded, given an intent, attempted once, and if the outcome is
//! unclear, probed. What differs from kind to kind is one row of one table ([`EffectKind::spec`]).
//!
//! What a person would see twice is one effect, whatever its key: see [`Identity`].
//!
//! Guarantee: an effect that is done stays done. One that is held, dead or unsettled may be planned again, by
//! a person or a replay. Not guaranteed: that a vendor whose
//! state can't be read back did nothing before its answer was lost; then a person decides.

mod identity;
mod kind;
pub mod request;
mod scope;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

pub use identity::{About, Identity};
pub use kind::{Absence, Audience, EffectKind, EffectSpec, Failure, FoundBy, Port};
pub use request::Request;
pub use scope::{KeyParts, Scope, ScopeKind};

use crate::ids::{CoachId, EffectKey, PaymentMethodId, SubscriptionId, WorkItemId};
use crate::time::{Date, Timestamp};

/// An effect as a step plans it: what is wanted, not yet the words or ids it is wanted with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedEffect {
    /// Its name for all time.
    pub key: EffectKey,
    /// What it belongs to.
    pub scope: Scope,
    /// Whether the case waits for it. The death of a blocking effect holds the case; the death of
    /// an informational one only opens a work item. Without a case nothing waits.
    pub blocking: bool,
    /// The earliest instant it may be carried out.
    pub not_before: Timestamp,
    /// What is wanted. Its hash guards against a key being reused for something else.
    pub input: EffectInput,
}

impl PlannedEffect {
    /// The kind, from the input.
    pub fn kind(&self) -> EffectKind {
        self.input.kind()
    }
}

/// What is wanted: the logical content of an effect.
///
/// The hash of this value is stored with the key, and a second plan under the same key with other
/// logic is refused. The final text is rendered at guard time, so that the coach of the moment
/// signs it (E41).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "effect", rename_all = "snake_case")]
pub enum EffectInput {
    /// Send script `script` about the check-in due on `due` in the portal.
    PortalMessage {
        /// Which script (`S1`, …).
        script: String,
        /// `D`.
        due: Date,
    },
    /// Write `text` as a quiet portal note.
    PortalNote {
        /// The note.
        text: String,
        /// What it is about; `None` where it was planned before notes had a purpose.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        about: Option<About>,
    },
    /// Send script `script` by email.
    Email {
        /// Which script (`S2`, …).
        script: String,
        /// `D`.
        due: Date,
    },
    /// Ask the coach to call.
    CallTask {
        /// The script she reads (`S3`).
        script: String,
        /// `D`.
        due: Date,
        /// Why she is asked to call, in one line.
        reason: String,
        /// The civil date the call is due.
        call_by: Date,
    },
    /// Complete the task that effect `made_by` created.
    CloseTask {
        /// The effect that created the task.
        made_by: EffectKey,
        /// Why, in one line.
        reason: String,
        /// The coach has done what it asked, and that was recorded elsewhere than in the task.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        called: bool,
        /// Whether the message that it told of has gone out; `None`: it told of none, or that is not known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        went_out: Option<bool>,
    },
    /// Move the call task that effect `made_by` created to the client's coach of the moment.
    ReassignTask {
        /// The effect that created the task.
        made_by: EffectKey,
        /// The new coach.
        coach: CoachId,
    },
    /// Ask the coach about a client, in a task of the CRM; or, as an effect of the installation, tell her what else waits.
    WorkTask {
        /// What it is made for; what can be answered first. None where it tells what waits when it is made.
        items: Vec<WorkItemId>,
        /// The coach who is asked.
        coach: CoachId,
        /// Whose it is, where `coach` acts for her while she is away (A25).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        of: Option<CoachId>,
        /// Why it is asked once more, where it is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        again: Option<AskedAgain>,
        /// The first of the items and the number of its task, and the day on which it was opened.
        about: About,
    },
    /// Note on the contact.
    ContactNote {
        /// Its title.
        title: String,
        /// Its text.
        text: String,
        /// What it is about; `None` where it was planned before notes had a purpose.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        about: Option<About>,
    },
    /// Put tag `tag` on the contact.
    AddTag {
        /// The tag's name.
        tag: String,
    },
    /// Take tag `tag` off the contact.
    RemoveTag {
        /// The tag's name.
        tag: String,
    },
    /// Set the contact type field.
    ContactType {
        /// The wanted value, as the drop-down spells it.
        value: String,
    },
    /// Take a subscription off auto-charge.
    AutoChargeOff {
        /// The subscription, by the CRM's id.
        subscription: SubscriptionId,
        /// Written into `reason_stopped`.
        reason: String,
    },
    /// Make a subscription inactive.
    DeactivateSubscription {
        /// The subscription, by the CRM's id.
        subscription: SubscriptionId,
        /// Written into `reason_stopped`.
        reason: String,
    },
    /// Remove a stored card.
    RemoveCard {
        /// The subscription it paid for.
        subscription: SubscriptionId,
        /// The card.
        payment_method: PaymentMethodId,
        /// `delete` or `deactivate`; `keep` plans no effect.
        mode: CardRemoval,
    },
}

impl EffectInput {
    /// The script whose text it carries (`S1`, …); `None` for what has no script.
    pub fn script(&self) -> Option<&str> {
        match self {
            Self::PortalMessage { script, .. }
            | Self::Email { script, .. }
            | Self::CallTask { script, .. } => Some(script),
            Self::PortalNote { .. }
            | Self::CloseTask { .. }
            | Self::ReassignTask { .. }
            | Self::WorkTask { .. }
            | Self::ContactNote { .. }
            | Self::AddTag { .. }
            | Self::RemoveTag { .. }
            | Self::ContactType { .. }
            | Self::AutoChargeOff { .. }
            | Self::DeactivateSubscription { .. }
            | Self::RemoveCard { .. } => None,
        }
    }

    /// SHA-256 of it as it is stored, hex.
    pub fn hash(&self) -> String {
        // Plain data of our own: it always serializes.
        let bytes = serde_json::to_vec(self).unwrap_or_default();
        hex::encode(Sha256::digest(&bytes))
    }

    /// The kind this input belongs to.
    pub fn kind(&self) -> EffectKind {
        match self {
            Self::PortalMessage { .. } => EffectKind::PortalMessage,
            Self::PortalNote { .. } => EffectKind::PortalNote,
            Self::Email { .. } => EffectKind::Email,
            Self::CallTask { .. } => EffectKind::CallTask,
            Self::CloseTask { .. } => EffectKind::CloseTask,
            Self::ReassignTask { .. } => EffectKind::ReassignTask,
            Self::WorkTask { .. } => EffectKind::WorkTask,
            Self::ContactNote { .. } => EffectKind::ContactNote,
            Self::AddTag { .. } => EffectKind::AddTag,
            Self::RemoveTag { .. } => EffectKind::RemoveTag,
            Self::ContactType { .. } => EffectKind::ContactType,
            Self::AutoChargeOff { .. } => EffectKind::AutoChargeOff,
            Self::DeactivateSubscription { .. } => EffectKind::DeactivateSubscription,
            Self::RemoveCard { .. } => EffectKind::RemoveCard,
        }
    }
}

/// What happens to the stored card of a stopped subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CardRemoval {
    /// Delete it; irreversible.
    Delete,
    /// Make it inactive.
    Deactivate,
    /// Leave it.
    Keep,
}

/// Why a coach is asked in another task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AskedAgain {
    /// She completed the one before without an answer, where that is none.
    Ticked,
    /// It was deleted.
    Deleted,
    /// Nobody can tell what she answered.
    Unreadable,
    /// What she answered is an answer to something else.
    NotOffered,
    /// What she answered could not be carried out.
    NotPossible,
    /// It was changed, and nobody can tell what was meant.
    Changed,
    /// The moment that it named has passed.
    MomentPassed,
}

/// What a person needs, besides the words that are ready, to do by hand what no tool lets the relay do: as it was read
/// right before she is asked. Kept with the question, and nowhere else.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandOver {
    /// The number to call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// The address to write to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// What stands above the text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
}

/// How an effect ended, as its workflow hears of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "settled", rename_all = "snake_case")]
pub enum Settled {
    /// It happened.
    Done {
        /// When the vendor accepted it (or when the probe found it to have been accepted).
        at: Timestamp,
        /// The vendor's id for it, where one is given.
        vendor_ref: Option<String>,
        /// Found by a probe rather than by the answer to our request.
        by_probe: bool,
    },
    /// The state was already as wanted; nothing was sent.
    AlreadyTrue,
    /// The relay is in propose mode: rendered, shown, not sent.
    Proposed,
    /// The guard found that the world has moved on; nothing was sent.
    Overtaken {
        /// By what, in one line.
        by: String,
    },
    /// Something stands in the way that a person must settle; nothing was sent.
    Held {
        /// Why, in one line.
        reason: String,
        /// The command that mends it, for the admin, where there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        command: Option<String>,
        /// What whoever decides is told of a client who is a minor (A36).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        minor: Option<String>,
        /// Whether a person may say that it goes out all the same. One of an earlier version may be offered it.
        #[serde(default = "yes", skip_serializing_if = "Clone::clone")]
        lifts: bool,
    },
    /// No tool of the clinic lets the relay do it: a person does, with what was made ready. Nothing was sent.
    ByHand(HandOver),
    /// Given up after every allowed try, or refused for good.
    Dead {
        /// Why, in one line, for people.
        reason: String,
        /// The failure in the words of the call, for whoever looks after the relay.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        technical: Option<String>,
    },
    /// It can't be told whether it happened, and it is never sent again by itself.
    Unclear {
        /// What was looked at.
        evidence: String,
    },
    /// Cancelled before it was carried out.
    Cancelled,
}

const fn yes() -> bool {
    true
}
