//! The tags by which staff begin something, as Keap has them (E8).
//!
//! A contact's tags are read in one call, whatever their names. Which ids the three names have is asked for
//! where many tags are told of at once, and kept for some minutes: a tag is hardly ever made anew.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use relay_core::time::{SignedDuration, Timestamp};
use relay_keap::client::is_named;
use relay_keap::{KeapClient, types};

use crate::config::WordNames;
use crate::ports::{CallError, WordTag};

/// How long ids are kept, procedure time.
const KEPT_FOR: SignedDuration = SignedDuration::from_mins(10);

/// The names, and what is known of their ids.
#[derive(Debug)]
pub(super) struct Words {
    names: WordNames,
    known: Mutex<Option<(Timestamp, BTreeSet<String>)>>,
}

impl Words {
    pub(super) fn new(names: WordNames) -> Self {
        Self {
            names,
            known: Mutex::new(None),
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
        if let Some(ids) = self.known_at(now) {
            return Ok(ids);
        }
        let mut ids = BTreeSet::new();
        for (_, name) in self.names.iter() {
            ids.extend(client.tag_by_name(name).await?);
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        *known = Some((now, ids.clone()));
        Ok(ids)
    }

    fn known_at(&self, now: Timestamp) -> Option<BTreeSet<String>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (read_at, ids) = known.as_ref()?;
        let fresh = now.duration_since(*read_at).abs() < KEPT_FOR;
        fresh.then(|| ids.clone())
    }
}
