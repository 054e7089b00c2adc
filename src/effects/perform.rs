//! Carries requests out through the ports: one arm per kind, one mutating request per attempt.

use async_trait::async_trait;
use relay_core::effects::{CardRemoval, Request};
use relay_core::ids::EffectKey;
use relay_core::time::Timestamp;
use relay_http_client::CallError;

use super::{Perform, Performed, Sighting, marker};
use crate::ports::{CardRemoved, NewCallTask, NewEmail, NewNote, Ports, TagAdded};

/// The real thing.
#[derive(Debug, Clone)]
pub struct ThroughPorts {
    ports: Ports,
}

impl ThroughPorts {
    /// Carries out through `ports`.
    pub fn new(ports: Ports) -> Self {
        Self { ports }
    }
}

/// What somebody is to look at where the CRM can't show whether a card is inactive.
const CARD_LISTED: &str = "the card was made inactive, and the CRM lists it as before: see there, \
                           under her credit cards, that it is inactive";

fn made(vendor_ref: impl Into<String>) -> Performed {
    Performed {
        vendor_ref: Some(vendor_ref.into()),
        ..Performed::default()
    }
}

fn nothing_made((): ()) -> Performed {
    Performed::default()
}

fn seen(found: Option<String>) -> Sighting {
    match found {
        Some(id) => Sighting::Seen {
            vendor_ref: Some(id),
        },
        None => Sighting::NotSeen,
    }
}

fn email(key: &EffectKey, request: &Request) -> Option<NewEmail> {
    let Request::Email {
        contact,
        user,
        subject,
        text,
    } = request
    else {
        return None;
    };
    Some(NewEmail {
        contact: contact.clone(),
        user: user.clone(),
        subject: subject.clone(),
        text: text.clone(),
        marker: marker(key),
    })
}

fn call_task(key: &EffectKey, request: &Request) -> Option<NewCallTask> {
    let Request::CallTask {
        contact,
        user,
        title,
        description,
        due,
    } = request
    else {
        return None;
    };
    Some(NewCallTask {
        contact: contact.clone(),
        user: user.clone(),
        title: title.clone(),
        description: description.clone(),
        due: *due,
        marker: marker(key),
    })
}

fn note(key: &EffectKey, request: &Request) -> Option<NewNote> {
    let Request::ContactNote {
        contact,
        user,
        title,
        text,
    } = request
    else {
        return None;
    };
    Some(NewNote {
        contact: contact.clone(),
        user: user.clone(),
        title: title.clone(),
        text: text.clone(),
        marker: marker(key),
    })
}

#[async_trait]
impl Perform for ThroughPorts {
    async fn holds(&self, request: &Request) -> Result<bool, CallError> {
        let ports = &self.ports;
        Ok(match request {
            Request::CloseTask { task } => {
                // A task that is gone needs no closing; gone as the port means it, never for a page.
                ports
                    .tasks
                    .task(task, None)
                    .await?
                    .is_none_or(|task| task.completed)
            }
            Request::ReassignTask { task, user } => ports
                .tasks
                .task(task, None)
                .await?
                .is_none_or(|task| task.completed || task.user.as_ref() == Some(user)),
            Request::AddTag { contact, tag } => ports.tags.has(contact, tag).await?,
            Request::RemoveTag { contact, tag } => !ports.tags.has(contact, tag).await?,
            Request::ContactType { contact, value } => {
                ports.contacts.contact_type(contact).await?.as_deref() == Some(value.as_str())
            }
            Request::AutoChargeOff {
                contact,
                subscription,
                ..
            } => {
                // Money is believed when it is read: one that the list leaves out is not stopped.
                let billing = ports.billing.snapshot(contact).await?;
                let mut shown = billing.subscriptions.iter();
                shown.any(|s| s.id == *subscription && !s.auto_charge)
            }
            Request::DeactivateSubscription {
                contact,
                subscription,
                ..
            } => {
                let billing = ports.billing.snapshot(contact).await?;
                let mut shown = billing.subscriptions.iter();
                shown.any(|s| s.id == *subscription && !s.active)
            }
            Request::RemoveCard {
                contact,
                payment_method,
                ..
            } => {
                let billing = ports.billing.snapshot(contact).await?;
                !billing.cards.iter().any(|card| card.id == *payment_method)
            }
            Request::PortalMessage { .. }
            | Request::PortalNote { .. }
            | Request::Email { .. }
            | Request::CallTask { .. }
            | Request::ContactNote { .. } => false,
        })
    }

    async fn attempt(
        &self,
        key: &EffectKey,
        request: &Request,
        now: Timestamp,
    ) -> Result<Performed, CallError> {
        let ports = &self.ports;
        match request {
            Request::PortalMessage {
                client,
                author,
                text,
            } => Ok(made(
                ports
                    .portal
                    .send_message(key.as_str(), client, author, text)
                    .await?,
            )),
            Request::PortalNote {
                client,
                author,
                text,
            } => Ok(made(
                ports
                    .portal
                    .add_note(key.as_str(), client, author, text)
                    .await?,
            )),
            Request::CloseTask { task } => ports.tasks.complete(task, now).await.map(nothing_made),
            Request::ReassignTask { task, user } => {
                ports.tasks.reassign(task, user).await.map(nothing_made)
            }
            Request::AddTag { contact, tag } => {
                let unfinished = match ports.tags.add(contact, tag).await? {
                    TagAdded::Done => None,
                    TagAdded::MadeFirst => Some("the tag was made first; it is put on next"),
                };
                Ok(Performed {
                    unfinished,
                    ..Performed::default()
                })
            }
            Request::RemoveTag { contact, tag } => {
                ports.tags.remove(contact, tag).await.map(nothing_made)
            }
            Request::AutoChargeOff {
                subscription,
                reason,
                ..
            } => ports
                .billing
                .auto_charge_off(subscription, reason)
                .await
                .map(nothing_made),
            Request::DeactivateSubscription {
                subscription,
                reason,
                ..
            } => ports
                .billing
                .deactivate(subscription, reason)
                .await
                .map(nothing_made),
            Request::RemoveCard {
                contact,
                payment_method,
                mode,
            } => {
                let removed = ports
                    .billing
                    .remove_card(contact, payment_method, *mode)
                    .await?;
                let alarm = match removed {
                    CardRemoved::Gone => None,
                    CardRemoved::Listed => Some(CARD_LISTED.to_owned()),
                };
                Ok(Performed {
                    alarm,
                    ..Performed::default()
                })
            }
            Request::ContactType { contact, value } => {
                let write = ports.contacts.set_contact_type(contact, value).await?;
                let disturbed = write.disturbed.join(", ");
                let alarm = (!disturbed.is_empty())
                    .then(|| format!("other fields changed in the same moment: {disturbed}"));
                Ok(Performed {
                    alarm,
                    ..Performed::default()
                })
            }
            Request::Email { .. } | Request::CallTask { .. } | Request::ContactNote { .. } => {
                self.create(key, request).await
            }
        }
    }

    async fn probe(
        &self,
        key: &EffectKey,
        request: &Request,
        since: Timestamp,
    ) -> Result<Sighting, CallError> {
        let ports = &self.ports;
        if let Some(email) = email(key, request) {
            return Ok(seen(
                ports.mail.find_sent(&email, since).await?.map(|id| id.0),
            ));
        }
        if let Some(task) = call_task(key, request) {
            return Ok(seen(ports.tasks.find(&task, since).await?.map(|id| id.0)));
        }
        if let Some(note) = note(key, request) {
            return Ok(seen(ports.notes.find(&note, since).await?));
        }
        match request {
            Request::PortalMessage {
                client,
                author,
                text,
            } => {
                let listed = ports.portal.messages(client, since).await?;
                let found = listed.into_iter().find(|message| {
                    message.coach.as_ref() == Some(author) && message.text == *text
                });
                Ok(seen(found.map(|message| message.id.0)))
            }
            Request::PortalNote {
                client,
                author,
                text,
            } => {
                let listed = ports.portal.notes(client, since).await?;
                let found = listed
                    .into_iter()
                    .find(|note| note.author == *author && note.text == *text);
                Ok(seen(found.map(|note| note.id)))
            }
            desired => Ok(if self.holds(desired).await? {
                Sighting::Seen { vendor_ref: None }
            } else {
                Sighting::NotSeen
            }),
        }
    }
}

impl ThroughPorts {
    /// The kinds that carry a marker.
    async fn create(&self, key: &EffectKey, request: &Request) -> Result<Performed, CallError> {
        let ports = &self.ports;
        if let Some(email) = email(key, request) {
            return ports.mail.send(&email).await.map(nothing_made);
        }
        if let Some(task) = call_task(key, request) {
            return Ok(made(ports.tasks.create(&task).await?.0));
        }
        if let Some(note) = note(key, request) {
            return Ok(made(ports.notes.create(&note).await?));
        }
        Err(CallError::permanent(
            "create",
            "this kind of request makes nothing",
        ))
    }
}

/// Whether the vendor shows what the request was to bring about. A card that was made inactive may
/// look like any other in the list ([`CardRemoved::Listed`]): the attempt itself has looked, and
/// repeating it after an unclear outcome does no harm.
pub(crate) fn can_be_read_back(request: &Request) -> bool {
    let made_inactive = matches!(
        request,
        Request::RemoveCard {
            mode: CardRemoval::Deactivate,
            ..
        }
    );
    !made_inactive
}
