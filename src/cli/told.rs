//! What was told of a client's mail beside what a decision read, for `cases explain`.

use std::fmt::Write as _;

use relay_core::case::Case;
use relay_core::time::{SignedDuration, earlier};
use relay_store::{Engagement, Store, StoreError};
use serde_json::{Value, json};

use super::output::Output;

/// How far before the opening of a case what was told may matter to it (A4).
const LOOK_BACK: SignedDuration = SignedDuration::from_hours(24 * 30);

/// Opens and clicks of the case's client, oldest first, as they stand in the table now; none if
/// she is not linked to a contact.
pub(super) async fn of_case(store: &dyn Store, case: &Case) -> Result<Vec<Engagement>, StoreError> {
    let Some(link) = store.link(&case.client).await? else {
        return Ok(Vec::new());
    };
    let opened = case.opened_at;
    let since = earlier(opened, LOOK_BACK);
    store.engagement(&link.contact, since).await
}

pub(super) fn as_json(told: &[Engagement]) -> Value {
    told.iter()
        .map(|told| json!({ "event": told.event, "confirmed": told.confirmed }))
        .collect()
}

/// A line for each; nothing where nothing was told.
pub(super) fn as_text(told: &[Engagement], out: &Output<'_>) -> String {
    let mut text = String::new();
    if !told.is_empty() {
        text.push_str("\nOpens and clicks\n");
    }
    for told in told {
        let event = &told.event;
        let told_by = match told.confirmed {
            Some(also) => format!("{}, {}", event.source.as_str(), also.as_str()),
            None => event.source.as_str().to_owned(),
        };
        let about = if event.exact { "" } else { "about " };
        let label = event.label.as_deref().unwrap_or("an email");
        // Writing to a string can't fail.
        let _ = writeln!(
            text,
            "{about}{}  {} {label:?} (told by {told_by})",
            out.time(event.at),
            event.kind.as_str(),
        );
    }
    text
}
