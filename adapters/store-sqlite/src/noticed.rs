//! What could not be read, until somebody asks.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use relay_store::{Damage, NamelessSetting, StoreError};

use crate::rows::ListedRows;

/// More values that can't be read are a damaged disk, and nobody reads a longer list.
const MOST: usize = 10_000;

/// What was met. Each value is told once, however often it is met.
#[derive(Debug, Default)]
pub(crate) struct Noticed(Mutex<Met>);

#[derive(Debug, Default)]
struct Met {
    seen: BTreeSet<Damage>,
    fresh: Vec<Damage>,
    /// The settings whose keys can't be read; `None` until somebody has looked.
    nameless: Option<Vec<NamelessSetting>>,
}

impl Noticed {
    /// Notes damage.
    pub(crate) fn note(&self, damage: impl IntoIterator<Item = Damage>) {
        let mut met = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for damage in damage {
            if met.seen.len() < MOST && met.seen.insert(damage.clone()) {
                tracing::error!(%damage, "can't be read");
                met.fresh.push(damage);
            }
        }
    }

    /// The settings whose keys can't be read, if somebody has looked since the last change.
    pub(crate) fn nameless(&self) -> Option<Vec<NamelessSetting>> {
        let met = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        met.nameless.clone()
    }

    /// Somebody has looked for them; or, with `None`, they are to be looked for anew.
    pub(crate) fn set_nameless(&self, found: Option<Vec<NamelessSetting>>) {
        let damage = found.iter().flatten().map(|found| found.damage.clone());
        self.note(damage.collect::<Vec<_>>());
        let mut met = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        met.nameless = found;
    }

    /// What was met and nobody was told of.
    pub(crate) fn fresh(&self) -> Vec<Damage> {
        let met = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        met.fresh.clone()
    }

    /// Somebody was told of it.
    pub(crate) fn told(&self, damage: &Damage) {
        let mut met = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        met.fresh.retain(|other| other != damage);
    }

    /// Something was done about a row: if it is met again, that is news.
    pub(crate) fn forget(&self, damage: &Damage) {
        let mut met = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |other: &Damage| other.table == damage.table && other.row == damage.row;
        met.seen.retain(|other| !same(other));
        met.fresh.retain(|other| !same(other));
    }

    /// What was listed; what could not be is noted.
    pub(crate) fn listed<T>(&self, listed: ListedRows<T>) -> Vec<T> {
        self.note(listed.damage);
        listed.found
    }

    /// The answer; a row that could not be read is noted.
    pub(crate) fn answer<T>(&self, answer: Result<T, StoreError>) -> Result<T, StoreError> {
        if let Err(StoreError::Corrupt(damage)) = &answer {
            self.note([damage.clone()]);
        }
        answer
    }
}
