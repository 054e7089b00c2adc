//! What a case has sent or would have sent to its client, word for word, for `cases explain`.

use std::fmt::Write as _;

use relay_core::effects::Request;
use relay_store::{Effect, EffectState};
use serde_json::{Value, json};

use super::output::Output;

/// What is shown of one: whether it went out, and its words.
struct Message<'a> {
    effect: &'a Effect,
    what: &'static str,
    subject: Option<&'a str>,
    text: &'a str,
}

/// Those of a case that have words: also what was held, or is only a proposal.
fn of(effects: &[Effect]) -> impl Iterator<Item = Message<'_>> {
    effects.iter().filter_map(|effect| {
        let (what, subject, text) = match effect.request.as_ref()? {
            Request::PortalMessage(message) => ("message in the portal", None, &message.text),
            Request::Email(email) => ("email", Some(email.subject.as_str()), &email.text),
            Request::CallTask(task) => ("call task", Some(task.title.as_str()), &task.description),
            Request::PortalNote(_)
            | Request::CloseTask(_)
            | Request::ReassignTask(_)
            | Request::WorkTask(_)
            | Request::ContactNote(_)
            | Request::AddTag(_)
            | Request::RemoveTag(_)
            | Request::ContactType(_)
            | Request::AutoChargeOff(_)
            | Request::DeactivateSubscription(_)
            | Request::RemoveCard(_) => return None,
        };
        Some(Message {
            effect,
            what,
            subject,
            text,
        })
    })
}

/// As documents.
pub(super) fn as_json(effects: &[Effect]) -> Value {
    of(effects)
        .map(|message| {
            json!({
                "effect": message.effect.key(),
                "kind": message.effect.kind(),
                "state": message.effect.state,
                "subject": message.subject,
                "text": message.text,
            })
        })
        .collect()
}

/// For people; nothing where there is none.
pub(super) fn as_text(effects: &[Effect], out: &Output<'_>) -> String {
    let mut text = String::new();
    for message in of(effects) {
        let how = match message.effect.state {
            EffectState::Done => "sent",
            EffectState::Proposed => "a proposal, nothing was sent",
            EffectState::Held => "held, nothing was sent",
            EffectState::Intended | EffectState::Unclear | EffectState::Unsettled => {
                "it is not known whether it was sent"
            }
            EffectState::Planned
            | EffectState::Overtaken
            | EffectState::Dead
            | EffectState::Cancelled => "not sent",
        };
        let at = out.time(message.effect.changed_at);
        if text.is_empty() {
            text.push_str("\nIn these words\n");
        }
        // Writing to a string can't fail.
        let _ = writeln!(text, "{at}  {} ({how})", message.what);
        if let Some(subject) = message.subject {
            let _ = writeln!(text, "    {subject}");
        }
        for line in message.text.lines() {
            let _ = writeln!(text, "    | {line}");
        }
    }
    text
}
