//! Opens and clicks, as facts and as rows.

use relay_core::channel::EngagementEvent;
use relay_core::facts::{Fact, FactBody};
use relay_core::ids::{ClientId, ContactId};
use relay_store::{Engagement, Op};

/// The setting that holds the moment of the last look.
pub(crate) const WATERMARK: &str = "engagement_watermark";

/// The setting that holds the contact at which the round goes on.
pub(crate) const CURSOR: &str = "engagement_cursor";

/// The fact that `event` is for a client.
pub(crate) fn engaged(client: &ClientId, contact: &ContactId, event: &EngagementEvent) -> Fact {
    let mail = event.email.as_ref().map(ToString::to_string);
    let mail = mail.or_else(|| event.label_key()).unwrap_or_default();
    Fact {
        client: client.clone(),
        object: format!("{contact}/{client}/{}/{mail}", event.kind.as_str()),
        source_time: event.at.min(event.seen_at),
        body: FactBody::Engaged {
            event: Box::new(event.clone()),
        },
    }
}

/// Whether a read has not shown this before.
pub(crate) fn is_news(event: &EngagementEvent, known: &[Engagement]) -> bool {
    !known.iter().any(|known| {
        let known = &known.event;
        known.email.is_some()
            && (known.kind, &known.email, known.at) == (event.kind, &event.email, event.at)
    })
}

/// Stores what was read of a contact's mail.
pub(crate) fn put_all<'a>(
    contact: &ContactId,
    events: impl Iterator<Item = &'a EngagementEvent>,
) -> Vec<Op> {
    events
        .map(|event| {
            Op::PutEngagement(Engagement {
                contact: contact.clone(),
                event: event.clone(),
                confirmed: None,
            })
        })
        .collect()
}
