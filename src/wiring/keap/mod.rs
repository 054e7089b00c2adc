//! Keap as the clinic's CRM, and as a sender of webhooks.
//!
//! Rules:
//! - What Keap doesn't say about money counts as "active", "charging", "owed": an unknown must
//!   never let a card be removed.
//! - A coaching plan is recognized by configured ids, never by a name that staff may change (E47).
//! - Staff text is found again by the marker inside it, mail by a comment nobody sees.

mod addresses;
mod automation;
pub mod check_ins;
mod check_ins_past;
pub mod connection;
pub mod emulated;
pub mod hook_paths;
pub mod hooks;
mod inspect;
mod panel;
mod senders;
mod source;
mod tasks;
#[cfg(test)]
mod tests;
mod vendor;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use relay_core::channel::EmailRecord;
use relay_core::clients::{AddressState, BillingSnapshot, Card, ContactSnapshot, Subscription};
use relay_core::effects::{CardRemoval, request};
use relay_core::ids::{ContactId, CrmUserId, PaymentMethodId, SubscriptionId};
use relay_core::retry::Class;
use relay_core::time::{Clock, Timestamp};
use relay_keap::client::is_named;
use relay_keap::marker::{self, Marker};
use relay_keap::{KeapClient, Removed, types};

use crate::config::WordNames;
use crate::ports::{
    Billing, CallError, CardRemoved, ContactMatch, ContactType, ContactTypeWrite, Contacts,
    FoundByMarker, Mail, Notes, Staff, TagAdded, Tags, WordTag,
};

pub use automation::AutomationSource;
pub use hook_paths::{ClosedPaths, HookPaths};
pub use hooks::KeapHooks;
pub use source::KeapSource;
pub use vendor::VENDOR;

/// What counts as the coaching fee (A15, E47).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CoachingPlans {
    /// Ids of products whose subscriptions count.
    pub products: BTreeSet<String>,
    /// Ids of plans whose subscriptions count, where a subscription names no product.
    pub plans: BTreeSet<String>,
}

impl CoachingPlans {
    fn include(&self, subscription: &types::Subscription) -> bool {
        if let Some(product) = &subscription.product_id {
            return self.products.contains(product);
        }
        let plan = subscription.subscription_plan_id.as_ref();
        plan.is_some_and(|plan| self.plans.contains(plan))
    }
}

/// Keap, as the relay needs it: every port of the CRM.
#[derive(Debug, Clone)]
pub struct KeapPorts {
    client: Arc<KeapClient>,
    coaching: CoachingPlans,
    words: Arc<words::Words>,
    senders: Arc<senders::Senders>,
    clock: Arc<dyn Clock>,
}

impl KeapPorts {
    /// The CRM behind `client`. `clock` is procedure time.
    pub fn new(
        client: Arc<KeapClient>,
        coaching: CoachingPlans,
        tags: WordNames,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            client,
            coaching,
            words: Arc::new(words::Words::new(tags)),
            senders: Arc::default(),
            clock,
        }
    }

    async fn address(&self, email: Option<&str>) -> Result<AddressState, CallError> {
        match email {
            Some(email) => Ok(self.client.address_status(email).await?.state),
            None => Ok(AddressState::Missing),
        }
    }

    /// The product's name, read once per snapshot; its id where it has no name or is gone.
    async fn product_name(
        &self,
        names: &mut BTreeMap<String, String>,
        product: Option<&String>,
    ) -> Result<String, CallError> {
        let Some(id) = product else {
            return Ok("subscription without a product".to_owned());
        };
        if let Some(name) = names.get(id) {
            return Ok(name.clone());
        }
        let name = self.client.product(id).await?.and_then(|p| p.name);
        let name = name.unwrap_or_else(|| format!("product {id}"));
        names.insert(id.clone(), name.clone());
        Ok(name)
    }

    fn subscription(
        &self,
        told: types::Subscription,
        name: String,
    ) -> Result<Subscription, CallError> {
        Ok(Subscription {
            coaching: self.coaching.include(&told),
            id: told.id.ok_or_else(|| nameless("a subscription"))?.into(),
            name,
            active: told.active != Some(false),
            auto_charge: told.auto_charge != Some(false),
            payment_method: told.payment_method_id.map(Into::into),
            next_bill_date: told.next_bill_date,
            last_bill_date: told.last_bill_date,
        })
    }
}

/// An object that names no id can't be acted on, and what can't be told apart must not be touched.
fn nameless(what: &str) -> CallError {
    CallError::permanent(
        relay_keap::VENDOR,
        "keap read",
        format!("{what} names no id"),
    )
}

fn card(told: &types::PaymentMethod) -> Result<Card, CallError> {
    let id = told.payment_method_id.clone();
    Ok(Card {
        id: id.ok_or_else(|| nameless("a payment method"))?.into(),
        label: told.label(),
    })
}

fn made_of(markers: &[String]) -> Vec<Marker> {
    markers.iter().map(|text| Marker::new(text)).collect()
}

fn found_at(found: marker::MarkerMatch) -> FoundByMarker {
    FoundByMarker {
        id: found.id,
        at: found.at,
    }
}

fn order_line(order: &types::Order) -> String {
    let id = order.id.as_deref().unwrap_or("without id");
    let status = order.status.as_deref().unwrap_or("status unknown");
    match order
        .title
        .as_deref()
        .map(str::trim)
        .filter(|t| !t.is_empty())
    {
        Some(title) => format!("order {id}: {title} ({status})"),
        None => format!("order {id} ({status})"),
    }
}

#[async_trait]
impl Contacts for KeapPorts {
    async fn contact(
        &self,
        id: &ContactId,
        with_twins: bool,
    ) -> Result<Option<ContactSnapshot>, CallError> {
        let Some(told) = self.client.contact(id.as_str()).await? else {
            return Ok(None);
        };
        let email = told.email().map(str::to_owned);
        let twins = match &email {
            Some(email) if with_twins => {
                let mut same = self.by_email(email).await?;
                same.retain(|other| other.id != *id);
                same.into_iter().map(|other| other.id).collect()
            }
            _ => Vec::new(),
        };
        Ok(Some(ContactSnapshot {
            id: id.clone(),
            first_name: told.given_name.clone(),
            phone: told.phone().map(str::to_owned),
            address: self.address(email.as_deref()).await?,
            email,
            twins,
        }))
    }

    async fn existing(&self, ids: &[ContactId]) -> Result<Vec<ContactId>, CallError> {
        let ids: Vec<&str> = ids.iter().map(ContactId::as_str).collect();
        let found = self.client.contacts_by_id(&ids).await?;
        Ok(found
            .into_iter()
            .filter_map(|c| Some(c.id?.into()))
            .collect())
    }

    async fn by_email(&self, email: &str) -> Result<Vec<ContactMatch>, CallError> {
        let found = self.client.contacts_by_email(email).await?;
        let matched = |contact: types::Contact| {
            let first = contact.email();
            Ok(ContactMatch {
                first: first.is_some_and(|first| first.eq_ignore_ascii_case(email.trim())),
                id: contact.id.ok_or_else(|| nameless("a contact"))?.into(),
            })
        };
        found.into_iter().map(matched).collect()
    }

    async fn contact_type(&self, id: &ContactId) -> Result<ContactType, CallError> {
        Ok(match self.client.contact_type(id.as_str()).await? {
            relay_keap::ContactType::Shown(value) => ContactType::Shown(value),
            relay_keap::ContactType::NoField(why) => ContactType::NoField(why),
            relay_keap::ContactType::NoContact => ContactType::NoContact,
        })
    }

    async fn contact_types(&self) -> Result<Vec<String>, CallError> {
        Ok(self.client.contact_type_field().await?.options)
    }

    async fn set_contact_type(
        &self,
        id: &ContactId,
        value: &str,
    ) -> Result<ContactTypeWrite, CallError> {
        let write = self.client.set_contact_type(id.as_str(), value).await?;
        Ok(ContactTypeWrite {
            before: write.before,
            disturbed: write.disturbed,
        })
    }
}

#[async_trait]
impl Mail for KeapPorts {
    /// Keap records no replies, so none is ever shown.
    async fn history(
        &self,
        contact: &ContactId,
        since: Timestamp,
    ) -> Result<Vec<EmailRecord>, CallError> {
        let mut told = self.client.emails(contact.as_str(), since).await?;
        told.retain(types::Email::is_sent_by_keap);
        let staff = self.senders.staff(&self.client, &told, self.clock.now());
        let staff = staff.await;
        let record = |email: types::Email| {
            Some(EmailRecord {
                sender: staff.sender(&email),
                sent_at: email.sent_time.filter(|at| *at >= since)?,
                id: email.id?.into(),
                subject: email.subject,
                opened_at: email.opened_time,
                clicked_at: email.clicked_time,
                replied_at: None,
            })
        };
        Ok(told.into_iter().filter_map(record).collect())
    }

    async fn send(&self, email: &request::Email, marker: &str) -> Result<(), CallError> {
        self.client
            .send_email(
                email.contact.as_str(),
                email.user.as_str(),
                &email.subject,
                &email.text,
                &Marker::new(marker),
            )
            .await
    }

    async fn find_sent(
        &self,
        contact: &ContactId,
        subject: &str,
        markers: &[String],
        since: Timestamp,
    ) -> Result<Option<FoundByMarker>, CallError> {
        let (contact, markers) = (contact.as_str(), made_of(markers));
        let found = self.client.find_email(contact, subject, &markers, since);
        Ok(found.await?.map(found_at))
    }
}

#[async_trait]
impl Notes for KeapPorts {
    async fn create(&self, note: &request::ContactNote, marker: &str) -> Result<String, CallError> {
        self.client
            .create_note(
                note.contact.as_str(),
                note.user.as_str(),
                &note.title,
                &note.text,
                &Marker::new(marker),
            )
            .await
    }

    async fn find(
        &self,
        contact: &ContactId,
        markers: &[String],
        since: Timestamp,
    ) -> Result<Option<FoundByMarker>, CallError> {
        let (contact, markers) = (contact.as_str(), made_of(markers));
        let found = self.client.find_note(contact, &markers, since).await?;
        Ok(found.map(found_at))
    }
}

#[async_trait]
impl Tags for KeapPorts {
    async fn has(&self, contact: &ContactId, tag: &str) -> Result<bool, CallError> {
        let tags = self
            .client
            .contact_tags(contact.as_str(), Some(tag))
            .await?;
        let mut tags = tags.iter().filter_map(|applied| applied.tag.as_ref());
        Ok(tags.any(|there| is_named(there, tag)))
    }

    /// An unclear making is reported as not sent, because the tagging was not: the next attempt
    /// finds the tag or makes it. So is one that is refused because there is such a tag (409): it was
    /// made in the same moment, and the next attempt finds it. Where none ever finds it, because the
    /// list doesn't show what the refusal speaks of, the attempts are counted and come to an end.
    async fn add(&self, contact: &ContactId, tag: &str) -> Result<TagAdded, CallError> {
        if self.has(contact, tag).await? {
            return Ok(TagAdded::Done);
        }
        if let Some(id) = self.client.tag_by_name(tag).await? {
            self.client.apply_tag(contact.as_str(), &id).await?;
            return Ok(TagAdded::Done);
        }
        match self.client.create_tag(tag).await {
            Ok(()) => Ok(TagAdded::MadeFirst),
            Err(error) if error.class == Class::Unclear || error.status == Some(409) => {
                Err(CallError {
                    class: Class::NotSent,
                    ..error
                })
            }
            Err(error) => Err(error),
        }
    }

    async fn remove(&self, contact: &ContactId, tag: &str) -> Result<(), CallError> {
        if !self.has(contact, tag).await? {
            return Ok(());
        }
        match self.client.tag_by_name(tag).await? {
            Some(id) => self.client.remove_tag(contact.as_str(), &id).await,
            None => Ok(()),
        }
    }

    async fn words(&self, contact: &ContactId) -> Result<Vec<WordTag>, CallError> {
        self.words.of(&self.client, contact.as_str()).await
    }

    async fn word_ids(&self) -> Result<BTreeSet<String>, CallError> {
        self.words.ids(&self.client, self.clock.now()).await
    }
}

#[async_trait]
impl Billing for KeapPorts {
    async fn snapshot(&self, contact: &ContactId) -> Result<BillingSnapshot, CallError> {
        let contact = contact.as_str();
        let read_at = self.clock.now();
        let mut names = BTreeMap::new();
        let mut subscriptions = Vec::new();
        for told in self.client.subscriptions(contact).await? {
            let name = self
                .product_name(&mut names, told.product_id.as_ref())
                .await?;
            subscriptions.push(self.subscription(told, name)?);
        }
        let cards = self.client.payment_methods(contact).await?;
        let orders = self.client.open_orders(contact).await?;
        Ok(BillingSnapshot {
            read_at,
            subscriptions,
            cards: cards.iter().map(card).collect::<Result<_, _>>()?,
            open_orders: orders.iter().map(order_line).collect(),
        })
    }

    async fn auto_charge_off(
        &self,
        subscription: &SubscriptionId,
        reason: &str,
    ) -> Result<(), CallError> {
        self.client
            .auto_charge_off(subscription.as_str(), reason)
            .await
    }

    async fn deactivate(
        &self,
        subscription: &SubscriptionId,
        reason: &str,
    ) -> Result<(), CallError> {
        let id = subscription.as_str();
        self.client.deactivate_subscription(id, reason).await
    }

    /// `keep` is refused: no effect is planned with it, and nothing must count as removed by it.
    async fn remove_card(
        &self,
        contact: &ContactId,
        card: &PaymentMethodId,
        mode: CardRemoval,
    ) -> Result<CardRemoved, CallError> {
        let (contact, card) = (contact.as_str(), card.as_str());
        match mode {
            CardRemoval::Delete => {
                self.client.delete_payment_method(contact, card).await?;
                Ok(CardRemoved::Gone)
            }
            CardRemoval::Deactivate => {
                let removed = self.client.deactivate_payment_method(contact, card).await?;
                Ok(match removed {
                    Removed::Gone => CardRemoved::Gone,
                    Removed::Listed => CardRemoved::Listed,
                })
            }
            CardRemoval::Keep => Err(CallError::permanent(
                relay_keap::VENDOR,
                "keap remove card",
                "cards are kept",
            )),
        }
    }
}

#[async_trait]
impl Staff for KeapPorts {
    async fn user_by_email(&self, email: &str) -> Result<Option<CrmUserId>, CallError> {
        let user = self.client.user_by_email(email).await?;
        Ok(user.and_then(|user| user.id).map(CrmUserId))
    }
}
