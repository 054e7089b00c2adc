//! Carries requests out through the ports: one arm per kind, one mutating request per attempt.

use async_trait::async_trait;
use relay_core::clients::PortalMessage;
use relay_core::effects::{CardRemoval, Request};
use relay_core::ids::CoachId;
use relay_core::retry::Class;
use relay_core::time::Timestamp;
use relay_http_client::CallError;

use super::{Holds, Name, Perform, Performed, ProbeResult, Seen};
use crate::ports::{
    CardRemoved, ContactType, Found, FoundTask, NewCallTask, NewEmail, NewNote, Ports, TagAdded,
};

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

fn seen(found: Option<Found>) -> ProbeResult {
    found.map_or(ProbeResult::NOTHING, |found| {
        ProbeResult::Seen(Seen {
            vendor_ref: Some(found.id),
            at: found.at,
            ..Seen::default()
        })
    })
}

/// The message in a portal's list that is this one: by the key it was written with, or, where the
/// portal shows none, by author and text.
pub(super) fn message_of(
    name: &Name,
    listed: &[PortalMessage],
    author: &CoachId,
    text: &str,
) -> ProbeResult {
    let found = listed.iter().find(|message| match &message.key {
        Some(key) => name.has_key(key),
        None => message.coach.as_ref() == Some(author) && message.text == *text,
    });
    seen(found.map(|message| Found {
        id: message.id.to_string(),
        at: Some(message.sent_at),
    }))
}

/// A task of ours among those found: one that is open before one that somebody completed, and none
/// that the relay has closed itself, as the CRM shows or the database knows.
fn task_of(name: &Name, ordinals: &[(u32, String)], mut found: Vec<FoundTask>) -> ProbeResult {
    let ordinal = |task: &FoundTask| ordinals.get(task.marker).map_or(1, |(ordinal, _)| *ordinal);
    let taken = found.iter().map(ordinal).max().unwrap_or(0);
    found.retain(|task| !task.closed_by_relay && !name.closed.contains(&task.id));
    // Stable: the newest of either comes first.
    found.sort_by_key(|task| task.completed);
    match found.into_iter().next() {
        Some(task) => ProbeResult::Seen(Seen {
            vendor_ref: Some(task.id.0),
            at: task.at,
            completed: task.completed,
            ..Seen::default()
        }),
        None => ProbeResult::NotSeen { taken },
    }
}

fn email(name: &Name, request: &Request) -> Option<NewEmail> {
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
        marker: name.marker(),
    })
}

fn call_task(name: &Name, request: &Request) -> Option<NewCallTask> {
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
        marker: name.marker(),
    })
}

fn note(name: &Name, request: &Request) -> Option<NewNote> {
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
        marker: name.marker(),
    })
}

#[async_trait]
impl Perform for ThroughPorts {
    async fn holds(&self, request: &Request) -> Result<Holds, CallError> {
        let ports = &self.ports;
        let holds = match request {
            Request::CloseTask { task, .. } => {
                return Ok(match ports.tasks.task(task, None).await? {
                    Some(task) if !task.completed => Holds::No,
                    Some(task) if task.closed_by_relay => Holds::ByUs,
                    // A task that is gone needs no closing; gone as the port means it, never for a page.
                    Some(_) | None => Holds::ByOthers,
                });
            }
            Request::ReassignTask { task, user } => ports
                .tasks
                .task(task, None)
                .await?
                .is_none_or(|task| task.completed || task.user.as_ref() == Some(user)),
            Request::AddTag { contact, tag } => ports.tags.has(contact, tag).await?,
            Request::RemoveTag { contact, tag } => !ports.tags.has(contact, tag).await?,
            Request::ContactType { contact, value } => {
                let shown = ports.contacts.contact_type(contact).await?;
                shown == ContactType::Shown(Some(value.clone()))
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
        };
        Ok(if holds { Holds::Yes } else { Holds::No })
    }

    async fn attempt(
        &self,
        name: &Name,
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
                    .send_message(&name.idempotency_key(), client, author, text)
                    .await?,
            )),
            Request::PortalNote {
                client,
                author,
                text,
            } => Ok(made(
                ports
                    .portal
                    .add_note(&name.idempotency_key(), client, author, text)
                    .await?,
            )),
            Request::CloseTask { task, called } => ports
                .tasks
                .complete(task, now, *called)
                .await
                .map(nothing_made),
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
                self.create(name, request).await
            }
        }
    }

    async fn probe(
        &self,
        name: &Name,
        request: &Request,
        since: Timestamp,
    ) -> Result<ProbeResult, CallError> {
        let ports = &self.ports;
        let markers = || name.markers().into_iter().map(|(_, marker)| marker);
        match request {
            Request::Email {
                contact, subject, ..
            } => {
                let markers: Vec<_> = markers().collect();
                let found = ports.mail.find_sent(contact, subject, &markers, since);
                Ok(seen(found.await?))
            }
            Request::CallTask { contact, .. } => {
                let markers: Vec<_> = markers().collect();
                let found = ports.tasks.find(contact, &markers, since).await?;
                Ok(task_of(name, &name.markers(), found))
            }
            Request::ContactNote { contact, .. } => {
                let markers: Vec<_> = markers().collect();
                Ok(seen(ports.notes.find(contact, &markers, since).await?))
            }
            Request::PortalMessage {
                client,
                author,
                text,
            } => {
                let listed = ports.portal.messages(client, since).await?;
                Ok(message_of(name, &listed, author, text))
            }
            Request::PortalNote {
                client,
                author,
                text,
            } => {
                let listed = ports.portal.notes(client, since).await?;
                let found = listed.into_iter().find(|note| match &note.key {
                    Some(key) => name.has_key(key),
                    None => note.author == *author && note.text == *text,
                });
                Ok(seen(found.map(|note| Found {
                    id: note.id,
                    at: Some(note.written_at),
                })))
            }
            desired => Ok(match self.holds(desired).await? {
                Holds::No => ProbeResult::NOTHING,
                Holds::Yes | Holds::ByUs => ProbeResult::Seen(Seen::default()),
                Holds::ByOthers => ProbeResult::Seen(Seen {
                    by_others: true,
                    ..Seen::default()
                }),
            }),
        }
    }
}

impl ThroughPorts {
    /// The kinds that carry a marker.
    async fn create(&self, name: &Name, request: &Request) -> Result<Performed, CallError> {
        let ports = &self.ports;
        if let Some(email) = email(name, request) {
            return ports.mail.send(&email).await.map(nothing_made);
        }
        if let Some(task) = call_task(name, request) {
            return Ok(made(ports.tasks.create(&task).await?.0));
        }
        if let Some(note) = note(name, request) {
            return Ok(made(ports.notes.create(&note).await?));
        }
        Err(CallError::ours(
            Class::Permanent,
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
