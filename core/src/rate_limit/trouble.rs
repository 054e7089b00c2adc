//! Since when work waits for a vendor, and whether a person knows.

use serde::{Deserialize, Serialize};

use super::Why;
use crate::time::{SignedDuration, Timestamp, later};

/// So long without trouble ends it: a vendor that refuses every few minutes is in trouble all along.
/// Counted from the end of a pause whose length it named: the first answer after one proves little,
/// and a vendor that refuses one thing again and again would never be in trouble for long. Shorter
/// than the longest pause of our own, so that the answer after one can end it.
const QUIET: SignedDuration = SignedDuration::from_mins(4);

/// Trouble of which nothing was heard for so long is another one.
const STALE: SignedDuration = SignedDuration::from_hours(1);

/// A stretch of time in which a vendor keeps work waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// When it was first seen.
    pub since: Timestamp,
    /// When the vendor last showed it; a pause whose length it named shows it to its end.
    pub last: Timestamp,
    /// When it will be over, as far as that is known.
    pub until: Option<Timestamp>,
    /// What it is, by the latest sign.
    #[serde(flatten)]
    pub why: Why,
    /// Whether a person was told.
    pub told: bool,
}

impl Trouble {
    /// Another sign of trouble: from the vendor (`shown`), or work that has to wait for it.
    pub(super) fn goes_on(
        trouble: &mut Option<Self>,
        shown: bool,
        (why, until): (Why, Option<Timestamp>),
        now: Timestamp,
    ) {
        let same = trouble.filter(|known| known.heard_of().duration_since(now) >= -STALE);
        *trouble = Some(Self {
            since: same.map_or(now, |known| known.since),
            last: same.filter(|_| !shown).map_or(now, |known| known.last),
            until,
            why,
            told: same.is_some_and(|known| known.told),
        });
    }

    /// The vendor shows it until then: it said so.
    pub(super) fn is_shown_until(&mut self, until: Timestamp) {
        self.last = self.last.max(until);
    }

    /// Nothing of it lies after `now`.
    pub(super) fn correct(&mut self, now: Timestamp) {
        self.since = self.since.min(now);
        self.last = self.last.min(now);
        self.until = self.until.map(|until| until.min(now));
    }

    /// Until when something was known of it.
    fn heard_of(&self) -> Timestamp {
        self.until.unwrap_or(self.last).max(self.last)
    }

    /// Whether an answer at `now` ends it.
    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        now >= later(self.last, QUIET)
    }

    /// Whether a person has to hear of it: it lasts for so long, or is known to.
    pub(super) fn is_to_be_told(&self, after: SignedDuration, now: Timestamp) -> bool {
        let lasts = self.until.unwrap_or(now).max(now);
        !self.told && lasts >= later(self.since, after)
    }
}
