//! Lines that somebody outside can provoke as often as he likes.
//!
//! For everyone who writes such a line: a refused webhook, a full house of connections, a database
//! that can't be written while senders go on sending. Fifteen thousand guesses of a secret must not
//! be fifteen thousand lines.
//!
//! Rules:
//! - The first of a kind is written at once, then one every [`EVERY`], with the number of those that
//!   were not (`unsaid`). What is left when the flood ends is told by [`LogThrottle::left`].
//! - A kind is two of our own words, so that the number of kinds is bounded by our code and never
//!   by what is sent.
//! - What happened how often is counted elsewhere (`receipts::Counters`); this bounds the log only.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use relay_core::time::{Clock, SignedDuration, Timestamp};

/// Between two lines of one kind, real time.
pub const EVERY: SignedDuration = SignedDuration::from_secs(5);

/// What a line is about: where, and what.
pub type LineKind = (&'static str, &'static str);

/// How often each kind was written, and how often not.
#[derive(Debug)]
pub struct LogThrottle {
    real: Arc<dyn Clock>,
    kinds: Mutex<BTreeMap<LineKind, LineCount>>,
}

#[derive(Debug)]
struct LineCount {
    at: Timestamp,
    unsaid: u64,
}

impl LogThrottle {
    /// Nothing was written yet. `real` is the clock that nothing scales.
    pub fn new(real: Arc<dyn Clock>) -> Self {
        Self {
            real,
            kinds: Mutex::default(),
        }
    }

    /// Whether a line of this kind is to be written now: then with how many were not since the last
    /// one. `None` counts it as not written.
    pub fn admit(&self, kind: LineKind) -> Option<u64> {
        let now = self.real.now();
        let mut kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(said) = kinds.get_mut(&kind) else {
            kinds.insert(kind, LineCount { at: now, unsaid: 0 });
            return Some(0);
        };
        if !is_due(said.at, now) {
            said.unsaid = said.unsaid.saturating_add(1);
            return None;
        }
        said.at = now;
        Some(std::mem::take(&mut said.unsaid))
    }

    /// The kinds of which lines were not written and no later one told how many; they count as told
    /// from now on. Asked now and then, so that the end of a flood is not left out.
    pub fn left(&self) -> Vec<(LineKind, u64)> {
        let now = self.real.now();
        let mut kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        let due = kinds.iter_mut();
        let due = due.filter(|(_, said)| said.unsaid > 0 && is_due(said.at, now));
        due.map(|(kind, said)| {
            said.at = now;
            (*kind, std::mem::take(&mut said.unsaid))
        })
        .collect()
    }
}

/// A clock that was set back must not silence a kind until it has caught up.
fn is_due(last: Timestamp, now: Timestamp) -> bool {
    now.duration_since(last).abs() >= EVERY
}

#[cfg(test)]
mod tests {
    use relay_core::time::ManualClock;

    use super::*;

    const GUESS: LineKind = ("keap", "not_found");

    fn log_throttle() -> (Arc<ManualClock>, LogThrottle) {
        let now = "2026-11-03T16:00:00Z".parse().expect("a valid time");
        let clock = Arc::new(ManualClock::new(now));
        (Arc::clone(&clock), LogThrottle::new(clock))
    }

    #[test]
    fn a_flood_is_one_line_every_few_seconds_with_the_number_of_the_others() {
        let (clock, log_throttle) = log_throttle();
        let mut lines = Vec::new();
        for _ in 0..15_000 {
            lines.extend(log_throttle.admit(GUESS));
        }
        assert_eq!(lines, [0], "the first is written at once");
        clock.advance(EVERY);
        assert_eq!(log_throttle.admit(GUESS), Some(14_999));
        assert_eq!(log_throttle.admit(GUESS), None);
        assert_eq!(
            log_throttle.admit(("keap", "busy")),
            Some(0),
            "another kind"
        );
    }

    #[test]
    fn what_is_left_at_the_end_of_a_flood_is_told_once() {
        let (clock, log_throttle) = log_throttle();
        for _ in 0..10 {
            log_throttle.admit(GUESS);
        }
        assert_eq!(log_throttle.left(), [], "not before its time");
        clock.advance(EVERY);
        assert_eq!(log_throttle.left(), [(GUESS, 9)]);
        clock.advance(EVERY);
        assert_eq!(log_throttle.left(), []);
    }

    #[test]
    fn a_clock_that_was_set_back_silences_nothing() {
        let (clock, log_throttle) = log_throttle();
        log_throttle.admit(GUESS);
        clock.advance(-SignedDuration::from_hours(24));
        assert_eq!(log_throttle.admit(GUESS), Some(0));
    }
}
