//! What goes out: an effect rendered to the exact bytes and ids of its one request.

use serde::{Deserialize, Serialize};

use super::{CardRemoval, EffectKind};
use crate::ids::{
    ClientId, CoachId, ContactId, CrmUserId, PaymentMethodId, SubscriptionId, TaskId,
};
use crate::time::Timestamp;

/// An effect rendered to the exact bytes and ids it goes out with: what an intent stores.
///
/// After an unclear outcome these bytes are frozen; after a definite "not sent" the guard renders
/// anew as the next revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case")]
pub enum Request {
    /// Send in the portal.
    PortalMessage {
        /// To whom.
        client: ClientId,
        /// As whom.
        author: CoachId,
        /// The final text.
        text: String,
    },
    /// Note in the portal.
    PortalNote {
        /// About whom.
        client: ClientId,
        /// As whom.
        author: CoachId,
        /// The final text.
        text: String,
    },
    /// Mail through the CRM.
    Email {
        /// To whom.
        contact: ContactId,
        /// In whose name.
        user: CrmUserId,
        /// The subject.
        subject: String,
        /// The text part. The HTML part is the same text, escaped, with an invisible marker.
        text: String,
    },
    /// Task in the CRM.
    CallTask {
        /// About whom.
        contact: ContactId,
        /// For whom.
        user: CrmUserId,
        /// The title.
        title: String,
        /// The body; the marker is appended as its last line by the adapter's caller.
        description: String,
        /// When it is due.
        due: Timestamp,
    },
    /// Complete a task.
    CloseTask {
        /// Which.
        task: TaskId,
        /// It was for a call that the coach has made: the task must not say that the relay took it back.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        called: bool,
    },
    /// Reassign a task.
    ReassignTask {
        /// Which.
        task: TaskId,
        /// To whom.
        user: CrmUserId,
    },
    /// Note in the CRM.
    ContactNote {
        /// On whom.
        contact: ContactId,
        /// As whom.
        user: CrmUserId,
        /// The title.
        title: String,
        /// The text.
        text: String,
    },
    /// Tag on.
    AddTag {
        /// On whom.
        contact: ContactId,
        /// Which, by name.
        tag: String,
    },
    /// Tag off.
    RemoveTag {
        /// From whom.
        contact: ContactId,
        /// Which, by name.
        tag: String,
    },
    /// Contact type.
    ContactType {
        /// Of whom.
        contact: ContactId,
        /// The value.
        value: String,
    },
    /// Auto-charge off.
    AutoChargeOff {
        /// Whose.
        contact: ContactId,
        /// Which.
        subscription: SubscriptionId,
        /// Why.
        reason: String,
    },
    /// Inactive.
    DeactivateSubscription {
        /// Whose.
        contact: ContactId,
        /// Which.
        subscription: SubscriptionId,
        /// Why.
        reason: String,
    },
    /// Card gone.
    RemoveCard {
        /// Whose.
        contact: ContactId,
        /// Which.
        payment_method: PaymentMethodId,
        /// How.
        mode: CardRemoval,
    },
}

impl Request {
    /// The kind this request carries out.
    pub fn kind(&self) -> EffectKind {
        match self {
            Self::PortalMessage { .. } => EffectKind::PortalMessage,
            Self::PortalNote { .. } => EffectKind::PortalNote,
            Self::Email { .. } => EffectKind::Email,
            Self::CallTask { .. } => EffectKind::CallTask,
            Self::CloseTask { .. } => EffectKind::CloseTask,
            Self::ReassignTask { .. } => EffectKind::ReassignTask,
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
