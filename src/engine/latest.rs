//! The latest moment that this process has seen.

use std::sync::{Mutex, PoisonError};

use relay_core::time::Timestamp;

/// The latest moment seen by this process, and the one that is kept.
#[derive(Debug, Default)]
pub(crate) struct Latest(Mutex<LatestMoments>);

impl Latest {
    pub(crate) fn get(&self) -> LatestMoments {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set(&self, seen: LatestMoments) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = seen;
    }
}

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct LatestMoments {
    pub(crate) seen: Option<Timestamp>,
    pub(crate) kept: Option<Timestamp>,
}
