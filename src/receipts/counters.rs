//! How often what happened to an inbound request, since the process started.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Counts by source and outcome. The outcome is one of our own words (`stored`, `duplicate`,
/// `handshake`, `unavailable`) or the stable code of a refusal (`signature_mismatch`, …), so the
/// number of entries is bounded by our code, never by what a stranger sends.
#[derive(Debug, Default)]
pub struct Counters(Mutex<BTreeMap<(&'static str, &'static str), u64>>);

impl Counters {
    /// Counts one.
    pub fn count(&self, source: &'static str, outcome: &'static str) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry((source, outcome)).or_default() += 1;
    }

    /// How often `outcome` happened at `source`.
    pub fn of(&self, source: &str, outcome: &str) -> u64 {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts
            .iter()
            .find(|((s, o), _)| *s == source && *o == outcome)
            .map_or(0, |(_, count)| *count)
    }

    /// Everything, sorted by source and outcome: what a metrics page prints.
    pub fn all(&self) -> Vec<(&'static str, &'static str, u64)> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts
            .iter()
            .map(|((s, o), count)| (*s, *o, *count))
            .collect()
    }
}
