//! The ports of the CRM.

use std::collections::BTreeSet;

use async_trait::async_trait;
use clear_relay::ports::{
    Activity, Addresses, Among, Billing, CardRemoved, Changed, ContactMatch, ContactType,
    ContactTypeWrite, Contacts, FoundByMarker, FoundTask, HookRegistry, HookStatus, Mail, NewTask,
    Notes, Staff, SyncWish, Synced, TagAdded, Tags, Task, TaskEnd, Tasks, TasksOf, WordTag,
};
use clear_relay::receipts::HintObject;
use relay_core::channel::EmailRecord;
use relay_core::clients::{AddressState, BillingSnapshot, ContactSnapshot};
use relay_core::effects::{CardRemoval, request};
use relay_core::ids::{ContactId, CrmUserId, PaymentMethodId, SubscriptionId, TaskId};
use relay_core::retry::Class;
use relay_core::time::{SignedDuration, Timestamp};
use relay_http_client::CallError;

use super::{World, error};

#[async_trait]
impl Contacts for World {
    async fn contact(
        &self,
        id: &ContactId,
        _with_twins: bool,
    ) -> Result<Option<ContactSnapshot>, CallError> {
        self.read().await?;
        {
            let vendors = self.now();
            if vendors.poison.as_ref() == Some(id) {
                return Err(error(Class::Permanent));
            }
            if vendors.gone.contains(id) {
                return Ok(None);
            }
        }
        // A contact has the address that the portal has for its client.
        let client = id.as_str().strip_prefix("contact-").unwrap_or("maya");
        Ok(Some(ContactSnapshot {
            id: id.clone(),
            first_name: Some("Maya".into()),
            email: Some(format!("{client}@example.test")),
            phone: Some("303-555-0142".into()),
            address: AddressState::Deliverable,
            twins: Vec::new(),
        }))
    }
    async fn existing(&self, ids: &[ContactId]) -> Result<Vec<ContactId>, CallError> {
        self.read().await?;
        let vendors = self.now();
        if let Some(poison) = &vendors.poison
            && ids.contains(poison)
        {
            return Err(error(Class::Permanent));
        }
        let there = ids.iter().filter(|id| !vendors.gone.contains(id));
        Ok(there.cloned().collect())
    }
    async fn by_email(&self, _email: &str) -> Result<Vec<ContactMatch>, CallError> {
        self.read().await?;
        Ok(Vec::new())
    }
    async fn contact_type(&self, id: &ContactId) -> Result<ContactType, CallError> {
        let mut vendors = self.now();
        if let Some(class) = vendors.contact_type_fails.pop_front() {
            return Err(error(class));
        }
        Ok(if vendors.no_type_field {
            ContactType::NoField("no field of that name".to_owned())
        } else if vendors.gone.contains(id) {
            ContactType::NoContact
        } else {
            ContactType::Shown(vendors.contact_type.clone())
        })
    }
    async fn contact_types(&self) -> Result<Vec<String>, CallError> {
        Ok(Vec::new())
    }
    async fn set_contact_type(
        &self,
        _id: &ContactId,
        _value: &str,
    ) -> Result<ContactTypeWrite, CallError> {
        unreachable!("effects are carried out by `Perform`")
    }
}

#[async_trait]
impl Mail for World {
    async fn history(
        &self,
        _contact: &ContactId,
        _since: Timestamp,
    ) -> Result<Vec<EmailRecord>, CallError> {
        self.read().await?;
        Ok(Vec::new())
    }
    async fn send(&self, _email: &request::Email, _marker: &str) -> Result<(), CallError> {
        unreachable!("effects are carried out by `Perform`")
    }
    async fn find_sent(
        &self,
        _contact: &ContactId,
        _subject: &str,
        _markers: &[String],
        _since: Timestamp,
    ) -> Result<Option<FoundByMarker>, CallError> {
        Ok(None)
    }
}

#[async_trait]
impl Addresses for World {
    async fn moved(&self, _since: Timestamp) -> Result<Option<Vec<Activity>>, CallError> {
        self.read().await?;
        Ok(Some(Vec::new()))
    }
    async fn address(&self, _contact: &ContactId) -> Result<Option<String>, CallError> {
        self.read().await?;
        Ok(None)
    }
    async fn activity(&self, _contact: &ContactId) -> Result<Option<Activity>, CallError> {
        self.read().await?;
        Ok(None)
    }
}

#[async_trait]
impl Tasks for World {
    async fn create(&self, _task: NewTask<'_>, _marker: &str) -> Result<TaskId, CallError> {
        unreachable!("effects are carried out by `Perform`")
    }
    async fn find(
        &self,
        _among: TasksOf<'_>,
        _markers: &[String],
        _since: Timestamp,
    ) -> Result<Vec<FoundTask>, CallError> {
        Ok(Vec::new())
    }
    async fn task(&self, _id: &TaskId, _sent: Option<&str>) -> Result<Option<Task>, CallError> {
        Ok(None)
    }
    async fn complete(&self, _id: &TaskId, _at: Timestamp, _end: TaskEnd) -> Result<(), CallError> {
        Ok(())
    }
    async fn reassign(&self, _id: &TaskId, _user: &CrmUserId) -> Result<(), CallError> {
        Ok(())
    }
}

#[async_trait]
impl Notes for World {
    async fn create(
        &self,
        _note: &request::ContactNote,
        _marker: &str,
    ) -> Result<String, CallError> {
        unreachable!("effects are carried out by `Perform`")
    }
    async fn find(
        &self,
        _contact: &ContactId,
        _markers: &[String],
        _since: Timestamp,
    ) -> Result<Option<FoundByMarker>, CallError> {
        Ok(None)
    }
}

#[async_trait]
impl Tags for World {
    async fn has(&self, _contact: &ContactId, _tag: &str) -> Result<bool, CallError> {
        Ok(false)
    }
    async fn add(&self, _contact: &ContactId, _tag: &str) -> Result<TagAdded, CallError> {
        Ok(TagAdded::Done)
    }
    async fn remove(&self, _contact: &ContactId, _tag: &str) -> Result<(), CallError> {
        Ok(())
    }
    async fn words(&self, _contact: &ContactId) -> Result<Vec<WordTag>, CallError> {
        Ok(self.now().words.clone())
    }
    async fn word_ids(&self) -> Result<BTreeSet<String>, CallError> {
        Ok(BTreeSet::new())
    }
}

#[async_trait]
impl Billing for World {
    async fn snapshot(&self, _contact: &ContactId) -> Result<BillingSnapshot, CallError> {
        Err(error(Class::Permanent))
    }
    async fn auto_charge_off(&self, _s: &SubscriptionId, _reason: &str) -> Result<(), CallError> {
        Ok(())
    }
    async fn deactivate(&self, _s: &SubscriptionId, _reason: &str) -> Result<(), CallError> {
        Ok(())
    }
    async fn remove_card(
        &self,
        _contact: &ContactId,
        _card: &PaymentMethodId,
        _mode: CardRemoval,
    ) -> Result<CardRemoved, CallError> {
        Ok(CardRemoved::Gone)
    }
}

#[async_trait]
impl HookRegistry for World {
    fn every(&self) -> Option<SignedDuration> {
        Some(SignedDuration::from_mins(5))
    }
    async fn list(&self) -> Result<Vec<HookStatus>, CallError> {
        self.read().await?;
        Ok(self.now().hooks.clone())
    }
    async fn sync(&self, wish: SyncWish) -> Result<Synced, CallError> {
        self.read().await?;
        let mut vendors = self.now();
        let only = wish.only.unwrap_or_default();
        let mut hooks = vendors.synced.clone();
        hooks.retain(|hook| only.contains(&hook.event));
        for made in &hooks {
            let known = vendors
                .hooks
                .iter_mut()
                .find(|hook| hook.event == made.event);
            *known.unwrap() = made.clone();
        }
        let closed = Vec::new();
        Ok(Synced { hooks, closed })
    }
    async fn changed_since(
        &self,
        object: HintObject,
        among: Among<'_>,
        since: Timestamp,
    ) -> Result<Vec<Changed>, CallError> {
        self.read().await?;
        let vendors = self.now();
        let wanted = |(kind, changed): &&(HintObject, Changed)| {
            let asked = match among {
                Among::All => true,
                Among::Ids(ids) => ids.contains(&changed.id),
            };
            *kind == object && asked && changed.at.is_none_or(|at| at >= since)
        };
        let found = vendors.changed.iter().filter(wanted);
        Ok(found.map(|(_, changed)| changed.clone()).collect())
    }
}

#[async_trait]
impl Staff for World {
    async fn user_by_email(&self, _email: &str) -> Result<Option<CrmUserId>, CallError> {
        self.read().await?;
        Ok(Some("7".into()))
    }
}
