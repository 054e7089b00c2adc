//! What the relay has told itself in a setting and must not forget: where such a word can't be read, the
//! careful reading wins.
//!
//! A setting is a key and a value, and a changed byte can fall on either. A word whose key can't be read
//! is not found under its name, as if nobody had ever said it. So whoever asks for one of these words
//! and finds none looks among the settings without a readable key ([`NamelessSetting`]) as well, where
//! it is known by its shape.

use relay_core::time::Timestamp;
use serde_json::{Value, json};

use crate::damage::Damage;
use crate::error::StoreError;
use crate::store::Store;

/// A word of the relay to itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CarefulWord {
    /// Whether outreach is stopped. Unreadable, it is.
    Outreach,
    /// Until when the database may not know what was sent. Unreadable, forever.
    OldMemory,
    /// How often the database was counted. Unreadable, nobody can tell whether it is an earlier one.
    Generation,
    /// Which webhook paths are closed. Unreadable, all but the current one.
    ClosedPaths,
}

/// A setting whose key can't be read.
#[derive(Debug, Clone, PartialEq)]
pub struct NamelessSetting {
    /// Its row.
    pub damage: Damage,
    /// What it says; `None` if that can't be read either.
    pub value: Option<Value>,
}

/// What is known of a word.
#[derive(Debug, Clone, PartialEq)]
pub enum StoredWord {
    /// Nobody has said it.
    Nothing,
    /// It was said, and this is what it says.
    Word(Value),
    /// Something that can't be read any more.
    Unreadable(Damage),
}

impl CarefulWord {
    /// Every one.
    pub const ALL: [Self; 4] = [
        Self::Outreach,
        Self::OldMemory,
        Self::Generation,
        Self::ClosedPaths,
    ];

    /// The word that is kept under this key.
    pub fn of_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|word| word.key() == key)
    }

    /// The key it is kept under.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Outreach => "outreach",
            Self::OldMemory => "memory/old",
            Self::Generation => "memory/generation",
            Self::ClosedPaths => "hook_paths/closed",
        }
    }

    /// What is written in the place of a word that can't be read. What its reader does not take for a
    /// word of its own is read carefully like damage, so it need not say more than that.
    pub fn careful(self, now: Timestamp) -> Value {
        match self {
            Self::Outreach => {
                let why = "the stored word could not be read";
                json!({ "stopped": true, "by": "relay", "at": now, "reason": why })
            }
            Self::OldMemory => json!({ "until": Timestamp::MAX, "why": "restored" }),
            Self::Generation | Self::ClosedPaths => json!({ "unreadable": true, "at": now }),
        }
    }

    /// Whether a value without a name may be this word.
    pub fn may_be(self, value: &Value) -> bool {
        match self {
            Self::Outreach => value.get("stopped").is_some(),
            Self::OldMemory => value.get("until").is_some() && value.get("why").is_some(),
            Self::Generation => value.get("generation").is_some(),
            Self::ClosedPaths => {
                // Ids of secrets, each with the beginning of a digest.
                let print = |value: &Value| {
                    let hex = |text: &str| text.bytes().all(|digit| digit.is_ascii_hexdigit());
                    value.as_str().is_some_and(hex)
                };
                let closed = value.as_object();
                closed.is_some_and(|closed| closed.values().all(print))
            }
        }
    }

    /// What is known of it.
    pub async fn ask(self, store: &(impl Store + ?Sized)) -> Result<StoredWord, StoreError> {
        match store.setting(self.key()).await {
            Ok(Some(value)) => Ok(StoredWord::Word(value)),
            Ok(None) => self.among_nameless(store).await,
            Err(StoreError::Corrupt(damage)) => Ok(StoredWord::Unreadable(damage)),
            Err(error) => Err(error),
        }
    }

    /// What is known of it where no setting has its key.
    pub async fn among_nameless(
        self,
        store: &(impl Store + ?Sized),
    ) -> Result<StoredWord, StoreError> {
        let mut said = StoredWord::Nothing;
        for nameless in store.nameless_settings().await? {
            match nameless.value {
                None => return Ok(StoredWord::Unreadable(nameless.damage)),
                // Among several a stop decides, and else any: each would do.
                Some(value) if self.may_be(&value) => {
                    let stops = |said: &StoredWord| matches!(said, StoredWord::Word(it) if it["stopped"] != false);
                    if self != Self::Outreach || !stops(&said) {
                        said = StoredWord::Word(value);
                    }
                }
                Some(_) => {}
            }
        }
        Ok(said)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_without_a_name_is_known_by_its_shape() {
        let words = [
            (
                CarefulWord::Outreach,
                json!({ "stopped": false, "by": "lena", "at": "2026-11-01T00:00:00Z", "reason": null }),
            ),
            (
                CarefulWord::OldMemory,
                json!({ "until": "2026-11-01T00:00:00Z", "why": "restored" }),
            ),
            (
                CarefulWord::Generation,
                json!({ "generation": 7, "at": "2026-11-01T00:00:00Z" }),
            ),
            (CarefulWord::ClosedPaths, json!({ "a": "0011223344556677" })),
        ];
        for (word, value) in &words {
            let shapes = CarefulWord::ALL.into_iter();
            let shapes: Vec<_> = shapes.filter(|shape| shape.may_be(value)).collect();
            assert_eq!(shapes, [*word], "{value}");
        }
        assert!(
            !CarefulWord::ALL
                .into_iter()
                .any(|word| word.may_be(&json!("2026-11-01")))
        );
    }
}
