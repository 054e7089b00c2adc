//! What jobs and effects are called before people.
//!
//! A title says what did not happen and to what, as a colleague would; the stored name of a kind
//! says nothing to a coach. No decision reads these words.

use relay_core::effects::EffectKind;
use relay_store::Job;

/// An effect, with its article: it begins a sentence's middle ("the call task is planned for …").
pub(crate) fn effect_name(kind: EffectKind) -> &'static str {
    match kind {
        EffectKind::PortalMessage => "the message in the portal",
        EffectKind::PortalNote => "the coach's note in the portal",
        EffectKind::Email => "the email to the client",
        EffectKind::CallTask => "the coach's call task",
        EffectKind::CloseTask => "the closing of a call task",
        EffectKind::ReassignTask => "the move of a call task to the new coach",
        EffectKind::ContactNote => "the note on the contact",
        EffectKind::AddTag => "the tag on the contact",
        EffectKind::RemoveTag => "the removal of a tag from the contact",
        EffectKind::ContactType => "the change of the contact type",
        EffectKind::AutoChargeOff => "taking the subscription off auto-charge",
        EffectKind::DeactivateSubscription => "the end of the subscription",
        EffectKind::RemoveCard => "the removal of the stored card",
    }
}

/// The same, as the beginning of a sentence.
pub(crate) fn effect_name_first(kind: EffectKind) -> String {
    let mut letters = effect_name(kind).chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

/// The title of the item that a dead job leaves, where its effect is not at hand.
pub(crate) fn dead_title(job: &Job) -> String {
    let read = job.payload["read"].as_str().unwrap_or_default();
    match job.kind.as_str() {
        "effect" => {
            let kind = job.payload["kind"].as_str();
            let kind = kind.and_then(EffectKind::from_name);
            let what = kind.map_or_else(
                || "Something that was planned".to_owned(),
                effect_name_first,
            );
            format!("{what} did not go through")
        }
        "read" if read == "mail_history" => {
            "The client's emails could not be read in the CRM".to_owned()
        }
        "read" if read == "billing" => {
            "What the client pays for could not be read in the CRM".to_owned()
        }
        "read" => "Something that was needed could not be read in the CRM".to_owned(),
        "timer" => "A wait is over, and the next step could not be taken".to_owned(),
        "missed_check" => "It could not be looked up whether a check-in was missed".to_owned(),
        "reread" | "reread_batch" | "refresh" => {
            "A change that a vendor told of could not be read".to_owned()
        }
        "reconcile" => "The daily comparison with the portal did not come through".to_owned(),
        "credential" => "The CRM's tokens could not be looked after".to_owned(),
        "hooks_watch" => "The CRM's webhook subscriptions could not be looked after".to_owned(),
        "engagement_poll" | "engagement_read" => {
            "Who opened an email could not be read in the CRM".to_owned()
        }
        "reminder" => "The owner of a work item could not be reminded".to_owned(),
        other => format!("Work of a kind that this release does not know was given up: {other}"),
    }
}
