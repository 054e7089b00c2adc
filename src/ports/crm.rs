//! The customer relationship system: contacts, mail, tasks, notes, tags, money.

use std::collections::BTreeSet;
use std::fmt::Debug;

use async_trait::async_trait;
use relay_core::channel::EmailRecord;
use relay_core::clients::{BillingSnapshot, ContactSnapshot};
use relay_core::effects::{CardRemoval, request};
use relay_core::facts::{CallOutcome, StaffWord};
use relay_core::ids::{ContactId, CrmUserId, PaymentMethodId, SubscriptionId, TaskId};
use relay_core::time::Timestamp;
use relay_http_client::CallError;

/// What the CRM tells of a contact's type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContactType {
    /// The value of the field; `None` where it is empty.
    Shown(Option<String>),
    /// The field that holds it can't be told among the CRM's fields, and why: nobody's type can be
    /// read, so nobody is known to come to the clinic or not to.
    NoField(String),
    /// The CRM says that there is no such contact. One answer proves nothing.
    NoContact,
}

/// What a write of the contact type did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactTypeWrite {
    /// Every custom field before, as JSON: the before-image kept with the effect.
    pub before: serde_json::Value,
    /// Names or ids of other fields that differ after the write: a concurrent edit, or a tenant
    /// that loses fields. Empty is the good case; anything else is reported to an admin.
    pub disturbed: Vec<String>,
}

/// A contact that has an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactMatch {
    /// The contact.
    pub id: ContactId,
    /// Whether the address is her first one, which is the one that mail goes to. A second or third
    /// address is often somebody else's mailbox: a machine must not take it for hers.
    pub first: bool,
}

/// Contacts and their type.
#[async_trait]
pub trait Contacts: Debug + Send + Sync {
    /// Whether there is a CRM at all. Without one every call of these ports is refused.
    fn are_there(&self) -> bool {
        true
    }
    /// The contact with its address state; `None` if it is gone: the CRM says so in its own words
    /// and does not list it either. That is one look; where it decides something about a person it
    /// takes a second one, minutes later. `with_twins` also looks for
    /// other contacts with the same address (E20).
    async fn contact(
        &self,
        id: &ContactId,
        with_twins: bool,
    ) -> Result<Option<ContactSnapshot>, CallError>;
    /// Those of these contacts that are there, in a handful of calls however many are asked for.
    /// One that is not among them may be gone: to be read by itself before that is believed.
    async fn existing(&self, ids: &[ContactId]) -> Result<Vec<ContactId>, CallError>;
    /// Every contact that has exactly this address in any of its slots.
    async fn by_email(&self, email: &str) -> Result<Vec<ContactMatch>, CallError>;
    /// The present contact type. An error says nothing about it.
    async fn contact_type(&self, id: &ContactId) -> Result<ContactType, CallError>;
    /// The values the field allows, as spelt; empty when the CRM doesn't say.
    async fn contact_types(&self) -> Result<Vec<String>, CallError>;
    /// Sets the contact type without losing another field.
    async fn set_contact_type(
        &self,
        id: &ContactId,
        value: &str,
    ) -> Result<ContactTypeWrite, CallError>;
}

/// What was found by its marker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundByMarker {
    /// The CRM's id.
    pub id: String,
    /// When it was sent or made, where the CRM tells.
    pub at: Option<Timestamp>,
}

/// A task that was found by its marker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundTask {
    /// Its id.
    pub id: TaskId,
    /// The place of its marker among those looked for.
    pub marker: usize,
    /// Whether it is completed.
    pub completed: bool,
    /// Whether the relay took it back, in this life of its database or another: nobody called.
    pub closed_by_relay: bool,
    /// When it was made, where the CRM tells.
    pub at: Option<Timestamp>,
}

/// Email history and sending.
#[async_trait]
pub trait Mail: Debug + Send + Sync {
    /// Mails that the CRM sent to the contact at or after `since`, newest first.
    async fn history(
        &self,
        contact: &ContactId,
        since: Timestamp,
    ) -> Result<Vec<EmailRecord>, CallError>;
    /// Sends an email with `marker`, which the client can't see. The adapter makes the HTML part from the
    /// text, escaped. The CRM gives no id.
    async fn send(&self, email: &request::Email, marker: &str) -> Result<(), CallError>;
    /// Looks for an email to the contact with this subject that holds one of the markers.
    async fn find_sent(
        &self,
        contact: &ContactId,
        subject: &str,
        markers: &[String],
        since: Timestamp,
    ) -> Result<Option<FoundByMarker>, CallError>;
}

/// A task that is to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewTask<'a> {
    /// The contact it is about, if it is about one.
    pub contact: Option<&'a ContactId>,
    /// Whose it is.
    pub user: &'a CrmUserId,
    /// Its title, one line.
    pub title: &'a str,
    /// Its body, without the marker.
    pub description: &'a str,
    /// When it should be done.
    pub due: Timestamp,
}

impl<'a> From<&'a request::CallTask> for NewTask<'a> {
    fn from(task: &'a request::CallTask) -> Self {
        Self {
            contact: Some(&task.contact),
            user: &task.user,
            title: &task.title,
            description: &task.description,
            due: task.due,
        }
    }
}

impl<'a> From<&'a request::WorkTask> for NewTask<'a> {
    fn from(task: &'a request::WorkTask) -> Self {
        Self {
            contact: task.contact.as_ref(),
            user: &task.user,
            title: &task.title,
            description: &task.description,
            due: task.due,
        }
    }
}

/// Why the relay completes a task, which its title tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskEnd {
    /// What it asked was done, elsewhere than in the task.
    Done,
    /// It is not asked any more.
    TakenBack,
    /// The message went out of which it told.
    WentOut,
    /// The message did not go out of which it told.
    NotSent,
}

/// A task as the CRM shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Its id.
    pub id: TaskId,
    /// The contact it is about.
    pub contact: Option<ContactId>,
    /// Whose it is.
    pub user: Option<CrmUserId>,
    /// Whether it is completed.
    pub completed: bool,
    /// Whether the relay took it back, in this life of its database or another: nobody did it.
    pub closed_by_relay: bool,
    /// The outcome of a call that the coach wrote into it, if any; nothing that stood in it when it was made.
    pub outcome: Option<CallOutcome>,
    /// Its title.
    pub title: Option<String>,
    /// When it should be done.
    pub due: Option<Timestamp>,
    /// The lines that people wrote into it: plain text, nothing that stood in it when it was made.
    pub written: Vec<String>,
    /// Whether something is gone that stood in it when it was made.
    pub shortened: bool,
    /// When it last changed.
    pub changed_at: Option<Timestamp>,
}

/// Which tasks are looked through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TasksOf<'a> {
    /// Those about this contact.
    Contact(&'a ContactId),
    /// Those of this user: one that is about no contact is found among them.
    User(&'a CrmUserId),
}

/// Tasks of staff.
#[async_trait]
pub trait Tasks: Debug + Send + Sync {
    /// Makes a task whose description ends with `marker`.
    async fn create(&self, task: NewTask<'_>, marker: &str) -> Result<TaskId, CallError>;
    /// The tasks that hold one of the markers, newest first.
    async fn find(
        &self,
        among: TasksOf<'_>,
        markers: &[String],
        since: Timestamp,
    ) -> Result<Vec<FoundTask>, CallError>;
    /// A task; `None` if it is gone: the CRM says so in its own words and does not list it either.
    /// `sent` is the description it was made with: what stands in that is not the coach's answer.
    async fn task(&self, id: &TaskId, sent: Option<&str>) -> Result<Option<Task>, CallError>;
    /// Completes a task.
    async fn complete(&self, id: &TaskId, at: Timestamp, end: TaskEnd) -> Result<(), CallError>;
    /// Gives a task to another user.
    async fn reassign(&self, id: &TaskId, user: &CrmUserId) -> Result<(), CallError>;
}

/// Notes on contacts.
#[async_trait]
pub trait Notes: Debug + Send + Sync {
    /// Makes a note whose text ends with `marker`. Returns the CRM's id.
    async fn create(&self, note: &request::ContactNote, marker: &str) -> Result<String, CallError>;
    /// Looks for a note on the contact that holds one of the markers.
    async fn find(
        &self,
        contact: &ContactId,
        markers: &[String],
        since: Timestamp,
    ) -> Result<Option<FoundByMarker>, CallError>;
}

/// What one attempt to put a tag on came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TagAdded {
    /// The contact has it.
    Done,
    /// There was no such tag; now there is, and the next attempt puts it on.
    MadeFirst,
}

/// A tag on a contact by which staff begin something (E8).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WordTag {
    /// What it says.
    pub word: StaffWord,
    /// Its name.
    pub tag: String,
    /// When it was put on, where the CRM tells.
    pub at: Option<Timestamp>,
}

/// Tags on contacts, by name. A tag that doesn't exist is made by an attempt of its own, because an
/// attempt makes one mutating request.
#[async_trait]
pub trait Tags: Debug + Send + Sync {
    /// Whether the contact has the tag.
    async fn has(&self, contact: &ContactId, tag: &str) -> Result<bool, CallError>;
    /// Puts the tag on.
    async fn add(&self, contact: &ContactId, tag: &str) -> Result<TagAdded, CallError>;
    /// Takes the tag off.
    async fn remove(&self, contact: &ContactId, tag: &str) -> Result<(), CallError>;
    /// Those of the contact's tags by which staff begin something, in one read.
    async fn words(&self, contact: &ContactId) -> Result<Vec<WordTag>, CallError>;
    /// The ids of the tags by which staff begin something, as far as the CRM has them. May be some minutes old.
    async fn word_ids(&self) -> Result<BTreeSet<String>, CallError>;
}

/// What the CRM shows of a card after its removal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CardRemoved {
    /// It is not listed any more.
    Gone,
    /// It is listed as before, because the CRM shows no state in which a card is inactive: somebody
    /// has to look.
    Listed,
}

/// Subscriptions and cards.
#[async_trait]
pub trait Billing: Debug + Send + Sync {
    /// Everything the contact pays for and with.
    async fn snapshot(&self, contact: &ContactId) -> Result<BillingSnapshot, CallError>;
    /// Takes a subscription off auto-charge.
    async fn auto_charge_off(
        &self,
        subscription: &SubscriptionId,
        reason: &str,
    ) -> Result<(), CallError>;
    /// Makes a subscription inactive.
    async fn deactivate(
        &self,
        subscription: &SubscriptionId,
        reason: &str,
    ) -> Result<(), CallError>;
    /// Removes a card, and reads back what became of it.
    async fn remove_card(
        &self,
        contact: &ContactId,
        card: &PaymentMethodId,
        mode: CardRemoval,
    ) -> Result<CardRemoved, CallError>;
}

/// Staff users of the CRM.
#[async_trait]
pub trait Staff: Debug + Send + Sync {
    /// The active user with exactly this address; `None` if there is none or she is inactive.
    async fn user_by_email(&self, email: &str) -> Result<Option<CrmUserId>, CallError>;
}
