//! What makes two effects one thing to whoever sees it.
//!
//! An effect's *key* is its name within a case (`case/step/visit/name`): planned again, it has
//! another. But a client who gets the same words about the same check-in twice has got them twice,
//! whatever visit, case or restored copy of the database they came from. So every effect that makes
//! something that is seen has an *identity*: kind, purpose (the script; for a note a fixed name),
//! the check-in's due date, the client. The marker by which it is found again at the vendor is made
//! of the identity and of nothing else: no text, no visit, no random id. (A task that asks a coach is known by the
//! item that it is for: the same question asked again is another task. One that tells her what else waits is known by
//! her and the day.)
//!
//! Rules:
//! - A moved due date makes another identity: the sentence names the date.
//! - Two check-ins of one client due on one day are one identity: to her it is one sentence.
//! - A call task that the relay closed itself is out of the way: the next one is the same identity
//!   with the next *ordinal*. No other kind has ordinals.
//! - A desired state (a tag, a field, a subscription) has no identity: reading it is the answer.
//! - What belongs to no case or client is one thing for its item, or for the whole installation.
//!
//! For a new kind: does it make something that a person sees as a thing of its own (a message, a
//! task, a note, a ticket)? Then its input carries a purpose and the due date, its arm in
//! [`EffectInput::about`] gives them, and its row of the table says
//! [`FoundBy::Identity`](super::FoundBy::Identity). The purpose must not
//! depend on anything that may differ when the same thing is planned again. The order of the parts
//! is stored and hashed into markers that vendors keep: it never changes.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{EffectInput, PlannedEffect, Scope};
use crate::time::Date;

/// What a note or a task is about, for its identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// Why it is written: a fixed name, never a sentence; of a task that asks a coach, the first item that it is for
    /// and which task about her client it is; of one that tells her what else waits, her id.
    pub purpose: String,
    /// The due date of the check-in; of a task that asks a coach, the day of the question.
    pub due: Date,
}

impl About {
    /// A note with this purpose about the check-in due on `due`.
    pub fn new(purpose: &str, due: Date) -> Self {
        Self {
            purpose: purpose.to_owned(),
            due,
        }
    }
}

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity(String);

impl Identity {
    /// As it is stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What the marker of the `ordinal`th thing of this identity is made of; the first is 1.
    pub fn numbered(&self, ordinal: u32) -> String {
        match ordinal {
            0 | 1 => self.0.clone(),
            more => format!("{more}/{}", self.0),
        }
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl EffectInput {
    /// The purpose and the due date of what is made; `None` for a desired state, and for a note
    /// that was planned before notes had a purpose.
    pub fn about(&self) -> Option<(&str, Date)> {
        match self {
            Self::PortalMessage { script, due }
            | Self::Email { script, due }
            | Self::CallTask { script, due, .. } => Some((script, *due)),
            Self::PortalNote { about, .. } | Self::ContactNote { about, .. } => about
                .as_ref()
                .map(|about| (about.purpose.as_str(), about.due)),
            Self::WorkTask { about, .. } => Some((about.purpose.as_str(), about.due)),
            Self::CloseTask { .. }
            | Self::ReassignTask { .. }
            | Self::AddTag { .. }
            | Self::RemoveTag { .. }
            | Self::ContactType { .. }
            | Self::AutoChargeOff { .. }
            | Self::DeactivateSubscription { .. }
            | Self::RemoveCard { .. } => None,
        }
    }
}

impl PlannedEffect {
    /// Its identity, if it has one.
    pub fn identity(&self) -> Option<Identity> {
        let (purpose, due) = self.input.about()?;
        let kind = self.kind().as_str();
        Some(Identity(match &self.scope {
            // The client last: her id is the vendor's and may hold anything.
            Scope::Case { client, .. } | Scope::Client { client } => {
                format!("{kind}/{purpose}/{due}/{client}")
            }
            // First what is no kind's name, so that no client's can be the same.
            Scope::WorkItem { item, .. } => format!("work_item/{item}/{kind}/{purpose}/{due}"),
            Scope::Installation => format!("installation/{kind}/{purpose}/{due}"),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::EffectKey;
    use crate::time::Timestamp;

    fn planned(key: &str, client: &str, input: EffectInput) -> PlannedEffect {
        PlannedEffect {
            key: EffectKey(key.to_owned()),
            scope: Scope::Client {
                client: client.into(),
            },
            blocking: true,
            not_before: Timestamp::UNIX_EPOCH,
            input,
        }
    }

    fn email(script: &str, due: &str) -> EffectInput {
        EffectInput::Email {
            script: script.to_owned(),
            due: due.parse().expect("a date"),
        }
    }

    #[test]
    fn the_identity_is_the_same_under_every_key_and_differs_by_script_date_kind_and_client() {
        let of = |key, client, input| planned(key, client, input).identity();
        let first = of("a/email/1/email", "maya", email("S2", "2026-11-03"));
        assert!(first.is_some());
        assert_eq!(
            first,
            of("b/email/7/email", "maya", email("S2", "2026-11-03"))
        );
        assert_ne!(first, of("a", "maya", email("S2", "2026-11-04")));
        assert_ne!(first, of("a", "maya", email("S5", "2026-11-03")));
        assert_ne!(first, of("a", "ana", email("S2", "2026-11-03")));
        let message = EffectInput::PortalMessage {
            script: "S2".to_owned(),
            due: "2026-11-03".parse().expect("a date"),
        };
        assert_ne!(first, of("a", "maya", message));
    }

    #[test]
    fn the_stored_form_never_changes() {
        let identity = planned("k", "c/1", email("S2", "2026-11-03")).identity();
        let identity = identity.expect("an identity");
        assert_eq!(identity.as_str(), "email/S2/2026-11-03/c/1");
        assert_eq!(identity.numbered(1), "email/S2/2026-11-03/c/1");
        assert_eq!(identity.numbered(2), "2/email/S2/2026-11-03/c/1");
    }

    #[test]
    fn a_note_planned_before_notes_had_a_purpose_reads_and_hashes_as_it_did() {
        let stored = r#"{"effect":"portal_note","text":"hello"}"#;
        let input: EffectInput = serde_json::from_str(stored).expect("an input");
        assert_eq!(input.about(), None);
        assert_eq!(serde_json::to_string(&input).expect("text"), stored);
    }
}
