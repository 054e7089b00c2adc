//! What goes out: an effect rendered to the exact bytes and ids of its one request.

use serde::{Deserialize, Serialize};

use super::{CardRemoval, EffectInput, EffectKind};
use crate::ids::{
    ClientId, CoachId, ContactId, CrmUserId, PaymentMethodId, SubscriptionId, TaskId,
};
use crate::time::Timestamp;

/// A message of a coach to a client, in the portal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortalMessage {
    /// The client it is written to.
    pub client: ClientId,
    /// The coach in whose name it is written.
    pub author: CoachId,
    /// The final text.
    pub text: String,
}

/// A quiet note about a client, in the portal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortalNote {
    /// The client it is about.
    pub client: ClientId,
    /// The coach in whose name it is written; `None`: it is the relay's own, as every new one is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<CoachId>,
    /// The final text.
    pub text: String,
}

/// An email through the CRM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Email {
    /// The contact it is sent to.
    pub contact: ContactId,
    /// The coach's user, in whose name it is sent.
    pub user: CrmUserId,
    /// The final subject, one line.
    pub subject: String,
    /// The text part. The HTML part is the same text, escaped, with an invisible marker.
    pub text: String,
}

/// A task in the CRM: somebody calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallTask {
    /// The contact it is about.
    pub contact: ContactId,
    /// The user who calls: the coach.
    pub user: CrmUserId,
    /// The final title, one line.
    pub title: String,
    /// The body; the adapter appends the marker as its last line.
    pub description: String,
    /// When she should have called.
    pub due: Timestamp,
}

/// A task in the CRM is completed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloseTask {
    /// The task, by the CRM's id.
    pub task: TaskId,
    /// The coach has done what it asked: the task must not say that the relay took it back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub called: bool,
    /// Whether the message that it told of has gone out; `None`: it told of none, or that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub went_out: Option<bool>,
}

/// A task in the CRM goes to another user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReassignTask {
    /// The task, by the CRM's id.
    pub task: TaskId,
    /// The user it goes to.
    pub user: CrmUserId,
}

/// A task in the CRM: a coach is asked about a client, or told what else waits for her.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkTask {
    /// The contact it is about; `None` for what is about no single client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<ContactId>,
    /// The user who is asked: the coach.
    pub user: CrmUserId,
    /// The final title, one line.
    pub title: String,
    /// The body; the adapter appends the marker as its last line.
    pub description: String,
    /// When she should have answered.
    pub due: Timestamp,
    /// The moment that the text names, at which a message goes out unless she stops it. Not sent by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goes_out: Option<Timestamp>,
}

/// A note on a contact in the CRM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactNote {
    /// The contact it is on.
    pub contact: ContactId,
    /// The user in whose name it is written.
    pub user: CrmUserId,
    /// The final title, one line.
    pub title: String,
    /// The final text; the adapter appends the marker as its last line.
    pub text: String,
}

/// A tag is put on a contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddTag {
    /// The contact that gets it.
    pub contact: ContactId,
    /// The tag's name.
    pub tag: String,
}

/// A tag is taken off a contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoveTag {
    /// The contact that loses it.
    pub contact: ContactId,
    /// The tag's name.
    pub tag: String,
}

/// The field that holds the contact type is set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactType {
    /// The contact whose field is set.
    pub contact: ContactId,
    /// The wanted value, as the drop-down spells it.
    pub value: String,
}

/// A subscription charges nothing by itself any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AutoChargeOff {
    /// The contact who pays.
    pub contact: ContactId,
    /// The subscription, by the CRM's id.
    pub subscription: SubscriptionId,
    /// Written into `reason_stopped`.
    pub reason: String,
}

/// A subscription is made inactive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeactivateSubscription {
    /// The contact who pays.
    pub contact: ContactId,
    /// The subscription, by the CRM's id.
    pub subscription: SubscriptionId,
    /// Written into `reason_stopped`.
    pub reason: String,
}

/// A card is taken from a contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoveCard {
    /// The contact whose card it is.
    pub contact: ContactId,
    /// The card, by the CRM's id.
    pub payment_method: PaymentMethodId,
    /// `Delete` or `Deactivate`; a card that is kept needs no request.
    pub mode: CardRemoval,
}

/// An effect rendered to the exact bytes and ids it goes out with: what an intent stores, and what a
/// port is given. The marker is not in it: it goes with the request, as the effect's name.
///
/// After an unclear outcome these bytes are frozen; after a definite "not sent" the guard renders
/// anew as the next revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case")]
pub enum Request {
    /// See [`PortalMessage`].
    PortalMessage(PortalMessage),
    /// See [`PortalNote`].
    PortalNote(PortalNote),
    /// See [`Email`].
    Email(Email),
    /// See [`CallTask`].
    CallTask(CallTask),
    /// See [`CloseTask`].
    CloseTask(CloseTask),
    /// See [`ReassignTask`].
    ReassignTask(ReassignTask),
    /// See [`WorkTask`].
    WorkTask(WorkTask),
    /// See [`ContactNote`].
    ContactNote(ContactNote),
    /// See [`AddTag`].
    AddTag(AddTag),
    /// See [`RemoveTag`].
    RemoveTag(RemoveTag),
    /// See [`ContactType`].
    ContactType(ContactType),
    /// See [`AutoChargeOff`].
    AutoChargeOff(AutoChargeOff),
    /// See [`DeactivateSubscription`].
    DeactivateSubscription(DeactivateSubscription),
    /// See [`RemoveCard`].
    RemoveCard(RemoveCard),
}

impl Request {
    /// The kind this request carries out.
    pub fn kind(&self) -> EffectKind {
        match self {
            Self::PortalMessage(_) => EffectKind::PortalMessage,
            Self::PortalNote(_) => EffectKind::PortalNote,
            Self::Email(_) => EffectKind::Email,
            Self::CallTask(_) => EffectKind::CallTask,
            Self::CloseTask(_) => EffectKind::CloseTask,
            Self::ReassignTask(_) => EffectKind::ReassignTask,
            Self::WorkTask(_) => EffectKind::WorkTask,
            Self::ContactNote(_) => EffectKind::ContactNote,
            Self::AddTag(_) => EffectKind::AddTag,
            Self::RemoveTag(_) => EffectKind::RemoveTag,
            Self::ContactType(_) => EffectKind::ContactType,
            Self::AutoChargeOff(_) => EffectKind::AutoChargeOff,
            Self::DeactivateSubscription(_) => EffectKind::DeactivateSubscription,
            Self::RemoveCard(_) => EffectKind::RemoveCard,
        }
    }
}

/// The request of an effect that needs nothing but a contact; `None` for every other.
pub fn of_contact(input: &EffectInput, contact: &ContactId) -> Option<Request> {
    let contact = contact.clone();
    match input {
        EffectInput::AddTag { tag } => Some(Request::AddTag(AddTag {
            contact,
            tag: tag.clone(),
        })),
        EffectInput::RemoveTag { tag } => Some(Request::RemoveTag(RemoveTag {
            contact,
            tag: tag.clone(),
        })),
        EffectInput::ContactType { value } => Some(Request::ContactType(ContactType {
            contact,
            value: value.clone(),
        })),
        EffectInput::PortalMessage { .. }
        | EffectInput::PortalNote { .. }
        | EffectInput::Email { .. }
        | EffectInput::CallTask { .. }
        | EffectInput::CloseTask { .. }
        | EffectInput::ReassignTask { .. }
        | EffectInput::WorkTask { .. }
        | EffectInput::ContactNote { .. }
        | EffectInput::AutoChargeOff { .. }
        | EffectInput::DeactivateSubscription { .. }
        | EffectInput::RemoveCard { .. } => None,
    }
}
