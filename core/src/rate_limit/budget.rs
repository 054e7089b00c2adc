//! A bucket of calls that fills at a steady rate, holds a burst, and may go into debt.
//!
//! It is kept as one instant: when the bucket will be full again. A call moves that instant by one
//! gap; time does the filling. So nothing has to run in between, two processes agree by reading
//! one value, and a crash forgets no call that was charged.

use serde::{Deserialize, Serialize};

use crate::time::{SignedDuration, Timestamp, earlier, later};

/// More debt than this many calls is forgiven: no job makes more, so it is a clock that was set
/// back, and nobody must be told to come back in a year.
const MOST_DEBT: i32 = 1_000;

/// How many calls, on average and at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// The time that fills the bucket by one call.
    pub gap: SignedDuration,
    /// How many calls the bucket holds; at least one.
    pub burst: u32,
}

impl Rate {
    /// So many calls a minute on average, `burst` of them at once. Nothing counts as one.
    pub fn per_minute(calls: u32, burst: u32) -> Self {
        let calls = i32::try_from(calls.max(1)).unwrap_or(i32::MAX);
        Self {
            gap: SignedDuration::from_mins(1) / calls,
            burst: burst.max(1),
        }
    }

    /// The time that fills the bucket by so many calls.
    pub(super) fn time_for(self, calls: u32) -> SignedDuration {
        let calls = i32::try_from(calls).unwrap_or(i32::MAX);
        self.gap.checked_mul(calls).unwrap_or(SignedDuration::MAX)
    }
}

/// What a vendor's bucket holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Budget {
    /// When the bucket is full again; `None` or the past: it is full.
    full_at: Option<Timestamp>,
}

impl Budget {
    /// How many calls the bucket holds at `now`; less than nothing is a debt.
    pub fn level(&self, rate: Rate, now: Timestamp) -> f64 {
        let missing = self.full_at(rate, now).duration_since(now);
        f64::from(rate.burst) - missing.as_secs_f64() / rate.gap.as_secs_f64()
    }

    /// The first instant, `now` or later, at which the bucket holds a whole call.
    pub(super) fn ready(&self, rate: Rate, now: Timestamp) -> Timestamp {
        let spare = rate.time_for(rate.burst.max(1) - 1);
        let ready = earlier(self.full_at(rate, now), spare);
        ready.max(now)
    }

    /// Takes out so many calls, whether they are there or not.
    pub(super) fn charge(&mut self, rate: Rate, calls: u32, now: Timestamp) {
        if calls > 0 {
            self.full_at = Some(later(self.full_at(rate, now), rate.time_for(calls)));
        }
    }

    /// Forgets what a clock that ran ahead has charged: the debt of a year would be paid by nobody.
    pub(super) fn correct(&mut self) {
        self.full_at = None;
    }

    /// Puts back calls that were taken out and not made.
    pub(super) fn refund(&mut self, rate: Rate, calls: u32, now: Timestamp) {
        let full_at = self.full_at(rate, now);
        let back = earlier(full_at, rate.time_for(calls));
        self.full_at = Some(back.max(now));
    }

    fn full_at(&self, rate: Rate, now: Timestamp) -> Timestamp {
        let most = later(now, rate.time_for(rate.burst) + rate.gap * MOST_DEBT);
        self.full_at.unwrap_or(now).clamp(now, most.max(now))
    }
}
