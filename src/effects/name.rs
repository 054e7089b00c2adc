//! By what an effect is recognized at a vendor.
//!
//! What is written carries one marker, made of the effect's identity (`relay_core::effects`), and
//! where the vendor takes one, the same as `Idempotency-Key`. What is looked for is more: the markers
//! of every ordinal, and those that earlier versions made of the keys of effects with this identity.

use relay_core::effects::Identity;
use relay_core::ids::{EffectKey, TaskId};
use relay_store::Effect;
use sha2::{Digest as _, Sha256};

/// Things of one identity that are told apart at most: the relay takes a call task away when she
/// replies or her date moves, which happens a few times in one follow-up.
const ORDINALS: u32 = 20;

/// The names of one effect.
#[derive(Debug, Clone)]
pub struct Name {
    /// Its key.
    pub key: EffectKey,
    /// Its identity; `None` for a desired state, and for a note that has no purpose.
    pub identity: Option<Identity>,
    /// Which thing of its identity is to be made, from 1.
    pub ordinal: u32,
    /// The keys of all stored effects with this identity, its own too.
    pub keys: Vec<EffectKey>,
    /// Tasks of this identity that the relay has taken back, or is taking back, uncalled. One whose
    /// call was recorded is not among them: she was called about this check-in.
    pub closed: Vec<TaskId>,
    /// Whether several things of its identity may be there.
    pub(crate) ordinals: bool,
}

impl Name {
    /// The names of `effect`, of which `same` are all with its identity. No task is closed yet.
    pub fn new(effect: &Effect, same: &[Effect]) -> Self {
        let mut keys = vec![effect.key().clone()];
        let others = same.iter().map(Effect::key);
        keys.extend(others.filter(|key| *key != effect.key()).cloned());
        Self {
            key: effect.key().clone(),
            identity: effect.planned.identity(),
            ordinal: 1,
            keys,
            closed: Vec::new(),
            ordinals: effect.kind().has_ordinals(),
        }
    }

    /// The marker that is written: short, opaque, invisible to clients.
    pub fn marker(&self) -> String {
        match &self.identity {
            Some(identity) => marker(&identity.numbered(self.ordinal)),
            None => marker(self.key.as_str()),
        }
    }

    /// The `Idempotency-Key` that goes with a write.
    pub fn idempotency_key(&self) -> String {
        match &self.identity {
            Some(_) => self.marker(),
            None => self.key.to_string(),
        }
    }

    /// The markers that are looked for, with the ordinal of each: those of the identity, in order,
    /// then those that earlier versions wrote.
    pub fn markers(&self) -> Vec<(u32, String)> {
        let last = if self.ordinals { ORDINALS } else { 1 };
        let own = self.identity.iter().flat_map(|identity| {
            (1..=last).map(|ordinal| (ordinal, marker(&identity.numbered(ordinal))))
        });
        let earlier = self.keys.iter().map(|key| (1, marker(key.as_str())));
        own.chain(earlier).collect()
    }

    /// Whether something at a vendor was written with this key for this effect, by whatever version.
    pub fn has_key(&self, key: &str) -> bool {
        key == self.idempotency_key() || self.keys.iter().any(|own| own.as_str() == key)
    }
}

/// The marker made of `text`.
fn marker(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    format!("{PREFIX}{}", &hex::encode(digest)[..20])
}

/// How every marker begins.
const PREFIX: &str = "relay:";

/// Whether a portal's message was written by a relay of this clinic, this one or one that it does
/// not remember.
pub(crate) fn is_ours(key: &str) -> bool {
    key.starts_with(PREFIX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use relay_core::case::Mode;
    use relay_core::effects::{EffectInput, PlannedEffect, Scope};
    use relay_core::time::Timestamp;

    fn effect(key: &str, input: EffectInput) -> Effect {
        let planned = PlannedEffect {
            key: EffectKey(key.to_owned()),
            scope: Scope::Client {
                client: "maya".into(),
            },
            blocking: true,
            not_before: Timestamp::UNIX_EPOCH,
            input,
        };
        Effect::new(planned, String::new(), Mode::Act, Timestamp::UNIX_EPOCH)
    }

    fn email(key: &str) -> Effect {
        let input = EffectInput::Email {
            script: "S2".to_owned(),
            due: "2026-11-03".parse().expect("a date"),
        };
        effect(key, input)
    }

    #[test]
    fn the_marker_is_the_same_under_every_key_and_earlier_ones_are_looked_for() {
        let (first, second) = (email("a/email/1/email"), email("b/email/4/email"));
        let same = [first.clone(), second.clone()];
        let name = Name::new(&second, &same);
        assert_eq!(name.marker(), Name::new(&first, &same).marker());
        assert_eq!(name.idempotency_key(), name.marker());
        assert!(is_ours(&name.idempotency_key()));
        let looked_for: Vec<_> = name
            .markers()
            .into_iter()
            .map(|(_, marker)| marker)
            .collect();
        for text in [
            "email/S2/2026-11-03/maya",
            "a/email/1/email",
            "b/email/4/email",
        ] {
            assert!(looked_for.contains(&marker(text)), "{text}");
        }
        assert!(name.has_key("a/email/1/email") && name.has_key(&name.marker()));
        assert!(!name.has_key("c/email/1/email"));
    }

    #[test]
    fn only_a_call_task_has_ordinals() {
        assert_eq!(Name::new(&email("a"), &[]).markers().len(), 2);
        let call = EffectInput::CallTask {
            script: "S3".to_owned(),
            due: "2026-11-03".parse().expect("a date"),
            reason: String::new(),
            call_by: "2026-11-06".parse().expect("a date"),
        };
        let mut name = Name::new(&effect("a", call), &[]);
        let first = name.marker();
        name.ordinal = 2;
        assert_ne!(name.marker(), first);
        assert!(name.markers().contains(&(2, name.marker())));
    }

    #[test]
    fn what_has_no_identity_keeps_the_marker_and_key_of_its_own_key() {
        let note = EffectInput::PortalNote {
            text: "hello".to_owned(),
            about: None,
        };
        let name = Name::new(&effect("a/close/1/note", note), &[]);
        assert_eq!(name.marker(), marker("a/close/1/note"));
        assert_eq!(name.idempotency_key(), "a/close/1/note");
    }
}
