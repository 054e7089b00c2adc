//! Which vendors' rows hold nothing, so that a run that went well needs no read.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use relay_core::time::{SignedDuration, Timestamp};

/// For how long, in real time, a row that was found empty is taken for empty.
const FRESH: SignedDuration = SignedDuration::from_secs(1);

/// Those that were found empty, and when (real time).
#[derive(Debug, Default)]
pub(crate) struct Empty(Mutex<BTreeMap<String, Timestamp>>);

impl Empty {
    pub(super) fn is_empty(&self, vendor: &str, real: Timestamp) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .get(vendor)
            .is_some_and(|at| real.duration_since(*at).abs() < FRESH)
    }

    pub(super) fn set(&self, vendor: &str, empty: bool, real: Timestamp) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if empty {
            known.insert(vendor.to_owned(), real);
        } else {
            known.remove(vendor);
        }
    }
}
