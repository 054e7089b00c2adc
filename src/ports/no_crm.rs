//! No CRM: what stands in its ports while no vendor does.
//!
//! A clinic may run the relay with its portal alone. Whoever asks first
//! ([`Ports::not_offered`](super::Ports::not_offered)) never gets here: each call is refused for good, without a
//! request, so that a way that forgot to ask ends with a sentence and not with a guess.

use std::collections::BTreeSet;

use async_trait::async_trait;
use relay_core::channel::EmailRecord;
use relay_core::clients::{BillingSnapshot, ContactSnapshot};
use relay_core::effects::{CardRemoval, request};
use relay_core::ids::{ContactId, CrmUserId, PaymentMethodId, SubscriptionId, TaskId};
use relay_core::retry::Class;
use relay_core::time::{SignedDuration, Timestamp};
use relay_http_client::CallError;

use super::{
    Activity, Addresses, Among, Billing, CardRemoved, Changed, ContactMatch, ContactType,
    ContactTypeWrite, Contacts, FoundByMarker, FoundTask, HookRegistry, HookStatus, Mail, NewTask,
    Notes, Staff, SyncWish, Synced, TagAdded, Tags, Task, TaskEnd, Tasks, TasksOf, WordTag,
};
use crate::receipts::HintObject;

fn refused<T>(operation: &'static str) -> Result<T, CallError> {
    let why = "no CRM is switched on in the configuration";
    Err(CallError::ours(Class::Permanent, operation, why))
}

/// No contacts, no mail, no money, no users.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoCrm;

/// No tasks, no notes, no tags.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoStaffTools;

/// Nothing to subscribe to: there is nothing to look after, and nothing is missing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoHooks;

#[async_trait]
impl Contacts for NoCrm {
    fn are_there(&self) -> bool {
        false
    }

    async fn contact(
        &self,
        _id: &ContactId,
        _with_twins: bool,
    ) -> Result<Option<ContactSnapshot>, CallError> {
        refused("read a contact")
    }

    async fn existing(&self, _ids: &[ContactId]) -> Result<Vec<ContactId>, CallError> {
        refused("read contacts")
    }

    async fn by_email(&self, _email: &str) -> Result<Vec<ContactMatch>, CallError> {
        refused("look for a contact")
    }

    async fn contact_type(&self, _id: &ContactId) -> Result<ContactType, CallError> {
        refused("read a contact type")
    }

    async fn contact_types(&self) -> Result<Vec<String>, CallError> {
        refused("read the contact types")
    }

    async fn set_contact_type(
        &self,
        _id: &ContactId,
        _value: &str,
    ) -> Result<ContactTypeWrite, CallError> {
        refused("set a contact type")
    }
}

#[async_trait]
impl Mail for NoCrm {
    async fn history(
        &self,
        _contact: &ContactId,
        _since: Timestamp,
    ) -> Result<Vec<EmailRecord>, CallError> {
        refused("read the email history")
    }

    async fn send(&self, _email: &request::Email, _marker: &str) -> Result<(), CallError> {
        refused("send an email")
    }

    async fn find_sent(
        &self,
        _contact: &ContactId,
        _subject: &str,
        _markers: &[String],
        _since: Timestamp,
    ) -> Result<Option<FoundByMarker>, CallError> {
        refused("look for an email")
    }
}

#[async_trait]
impl Addresses for NoCrm {
    async fn moved(&self, _since: Timestamp) -> Result<Option<Vec<Activity>>, CallError> {
        refused("look who has opened an email")
    }

    async fn address(&self, _contact: &ContactId) -> Result<Option<String>, CallError> {
        refused("read an address")
    }

    async fn activity(&self, _contact: &ContactId) -> Result<Option<Activity>, CallError> {
        refused("look who has opened an email")
    }
}

#[async_trait]
impl Billing for NoCrm {
    async fn snapshot(&self, _contact: &ContactId) -> Result<BillingSnapshot, CallError> {
        refused("read what a client pays")
    }

    async fn auto_charge_off(
        &self,
        _subscription: &SubscriptionId,
        _reason: &str,
    ) -> Result<(), CallError> {
        refused("stop a subscription")
    }

    async fn deactivate(
        &self,
        _subscription: &SubscriptionId,
        _reason: &str,
    ) -> Result<(), CallError> {
        refused("stop a subscription")
    }

    async fn remove_card(
        &self,
        _contact: &ContactId,
        _card: &PaymentMethodId,
        _mode: CardRemoval,
    ) -> Result<CardRemoved, CallError> {
        refused("remove a card")
    }
}

#[async_trait]
impl Staff for NoCrm {
    async fn user_by_email(&self, _email: &str) -> Result<Option<CrmUserId>, CallError> {
        refused("look for a user")
    }
}

#[async_trait]
impl Tasks for NoStaffTools {
    async fn create(&self, _task: NewTask<'_>, _marker: &str) -> Result<TaskId, CallError> {
        refused("make a task")
    }

    async fn find(
        &self,
        _among: TasksOf<'_>,
        _markers: &[String],
        _since: Timestamp,
    ) -> Result<Vec<FoundTask>, CallError> {
        refused("look for a task")
    }

    async fn task(&self, _id: &TaskId, _sent: Option<&str>) -> Result<Option<Task>, CallError> {
        refused("read a task")
    }

    async fn complete(&self, _id: &TaskId, _at: Timestamp, _end: TaskEnd) -> Result<(), CallError> {
        refused("complete a task")
    }

    async fn reassign(&self, _id: &TaskId, _user: &CrmUserId) -> Result<(), CallError> {
        refused("move a task")
    }
}

#[async_trait]
impl Notes for NoStaffTools {
    async fn create(
        &self,
        _note: &request::ContactNote,
        _marker: &str,
    ) -> Result<String, CallError> {
        refused("write a note")
    }

    async fn find(
        &self,
        _contact: &ContactId,
        _markers: &[String],
        _since: Timestamp,
    ) -> Result<Option<FoundByMarker>, CallError> {
        refused("look for a note")
    }
}

#[async_trait]
impl Tags for NoStaffTools {
    async fn has(&self, _contact: &ContactId, _tag: &str) -> Result<bool, CallError> {
        refused("read tags")
    }

    async fn add(&self, _contact: &ContactId, _tag: &str) -> Result<TagAdded, CallError> {
        refused("put a tag on")
    }

    async fn remove(&self, _contact: &ContactId, _tag: &str) -> Result<(), CallError> {
        refused("take a tag off")
    }

    async fn words(&self, _contact: &ContactId) -> Result<Vec<WordTag>, CallError> {
        refused("read tags")
    }

    async fn word_ids(&self) -> Result<BTreeSet<String>, CallError> {
        refused("read tags")
    }
}

#[async_trait]
impl HookRegistry for NoHooks {
    fn every(&self) -> Option<SignedDuration> {
        None
    }

    async fn list(&self) -> Result<Vec<HookStatus>, CallError> {
        Ok(Vec::new())
    }

    async fn sync(&self, _wish: SyncWish) -> Result<Synced, CallError> {
        Ok(Synced::default())
    }

    async fn changed_since(
        &self,
        _object: HintObject,
        _among: Among<'_>,
        _since: Timestamp,
    ) -> Result<Vec<Changed>, CallError> {
        Ok(Vec::new())
    }
}
