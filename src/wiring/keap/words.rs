//! The tags by which staff begin something, as Keap has them (E8).
//!
//! A contact's tags are read in one call, whatever their names. Which ids the three names have is asked for
//! where many tags are told of at once, and kept for some minutes. That a name has none is not kept: somebody may
//! make the tag and use it within the minute. Of two tags with one name both are the word.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use relay_core::facts::StaffWord;
use relay_core::time::{SignedDuration, Timestamp};
use relay_keap::client::{is_named, tags_named};
use relay_keap::{KeapClient, types};

use crate::config::WordNames;
use crate::ports::{CallError, WordTag};

/// How long ids are kept, procedure time.
const KEPT_FOR: SignedDuration = SignedDuration::from_mins(10);

/// When the ids of a name were read, and which there are.
type Known = (Timestamp, Vec<String>);

/// The names, and what is known of their ids.
#[derive(Debug)]
pub(super) struct Words {
    names: WordNames,
    known: Mutex<BTreeMap<StaffWord, Known>>,
}

impl Words {
    pub(super) fn new(names: WordNames) -> Self {
        Self {
            names,
            known: Mutex::new(BTreeMap::new()),
        }
    }

    /// Those of a contact's tags that are words.
    pub(super) async fn of(
        &self,
        client: &KeapClient,
        contact: &str,
    ) -> Result<Vec<WordTag>, CallError> {
        let applied = match client.contact_tags(contact, None).await {
            Ok(applied) => applied,
            // Whether the contact is gone is told by those who ask for that.
            Err(error) if error.status == Some(404) => Vec::new(),
            Err(error) => return Err(error),
        };
        Ok(applied.iter().filter_map(|tag| self.word(tag)).collect())
    }

    fn word(&self, applied: &types::AppliedTag) -> Option<WordTag> {
        let tag = applied.tag.as_ref()?;
        let (word, name) = self.names.iter().find(|(_, name)| is_named(tag, name))?;
        Some(WordTag {
            word,
            tag: name.to_owned(),
            at: applied.applied_time,
        })
    }

    /// The ids of those of the names that Keap has.
    pub(super) async fn ids(
        &self,
        client: &KeapClient,
        now: Timestamp,
    ) -> Result<BTreeSet<String>, CallError> {
        let mut ids = BTreeSet::new();
        for (word, name) in self.names.iter() {
            if let Some(known) = self.known_at(word, now) {
                ids.extend(known);
                continue;
            }
            let read = tags_named(client, name).await?;
            if !read.is_empty() {
                self.remember(word, now, &read);
            }
            ids.extend(read);
        }
        Ok(ids)
    }

    fn known_at(&self, word: StaffWord, now: Timestamp) -> Option<Vec<String>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (read_at, ids) = known.get(&word)?;
        let fresh = now.duration_since(*read_at).abs() < KEPT_FOR;
        fresh.then(|| ids.clone())
    }

    fn remember(&self, word: StaffWord, now: Timestamp, ids: &[String]) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(word, (now, ids.to_vec()));
    }
}
