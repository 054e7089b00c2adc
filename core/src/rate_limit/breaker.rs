//! The circuit breaker: stops asking a vendor that does not answer. What others call half-open is its trial.
//!
//! ```text
//! closed ──N failures in a row──▶ open ──its time is over──▶ one trial ──an answer──▶ closed
//!                                  ▲                            │
//!                                  └──── longer, up to a cap ◀──┘ a failure
//! ```
//!
//! A failure is no answer, a 408, a 425 or a 5xx, but not a 501 or a 503 that says when to come again. Any
//! other answer, a refusal too, shows that somebody is there.

use serde::{Deserialize, Serialize};

use super::{share, stretched};
use crate::time::{SignedDuration, Timestamp, later};

/// When to stop asking, and for how long.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BreakerPolicy {
    /// So many failures in a row open it.
    pub failures: u32,
    /// How long it is open the first time; twice as long each further time.
    pub open: SignedDuration,
    /// The longest it is open at once, before jitter.
    pub cap: SignedDuration,
    /// The part of that time (0 to 1) which chance may add.
    pub jitter: f64,
    /// How long a trial may take before another one is let in: longer than any call.
    pub trial: SignedDuration,
}

impl BreakerPolicy {
    /// Five failures; half a minute, up to a quarter of an hour.
    pub const fn standard() -> Self {
        Self {
            failures: 5,
            open: SignedDuration::from_secs(30),
            cap: SignedDuration::from_mins(15),
            jitter: 0.2,
            trial: SignedDuration::from_mins(2),
        }
    }
}

/// What has been seen of a vendor's failing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Breaker {
    /// Failures in a row.
    failures: u32,
    /// How often it has opened without an answer in between.
    openings: u32,
    /// Until when it is open; in the past: a trial is due.
    open_until: Option<Timestamp>,
    /// Until when the trial under way may take.
    trial_until: Option<Timestamp>,
}

/// How a breaker stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerState {
    /// Calls pass.
    Closed,
    /// Nothing passes.
    Open {
        /// Until then.
        until: Timestamp,
    },
    /// The next job is the trial.
    TrialDue,
    /// One job is trying.
    Trial {
        /// After that, another one may.
        until: Timestamp,
    },
}

impl Breaker {
    /// How it stands at `now`.
    pub fn state(&self, now: Timestamp) -> BreakerState {
        let Some(until) = self.open_until else {
            return BreakerState::Closed;
        };
        if until > now {
            return BreakerState::Open { until };
        }
        match self.trial_until.filter(|until| *until > now) {
            Some(until) => BreakerState::Trial { until },
            None => BreakerState::TrialDue,
        }
    }

    /// Lets a trial begin, if one is due. Returns whether it did.
    pub(super) fn begin_trial(&mut self, policy: &BreakerPolicy, now: Timestamp) -> bool {
        let due = self.state(now) == BreakerState::TrialDue;
        if due {
            self.trial_until = Some(later(now, policy.trial));
        }
        due
    }

    /// The trial asked nothing: another one may.
    pub(super) fn give_back_trial(&mut self) {
        self.trial_until = None;
    }

    /// It is not open longer than `now`: a trial is due.
    pub(super) fn correct(&mut self, now: Timestamp) {
        self.open_until = self.open_until.map(|until| until.min(now));
        self.trial_until = None;
    }

    /// Somebody answered. Returns whether it was open.
    pub(super) fn answered(&mut self) -> bool {
        let was_open = self.open_until.is_some();
        *self = Self::default();
        was_open
    }

    /// Nobody answered. Returns until when it is open, if it opens by this.
    pub(super) fn failed(
        &mut self,
        policy: &BreakerPolicy,
        now: Timestamp,
        unit: f64,
    ) -> Option<Timestamp> {
        self.failures = self.failures.saturating_add(1);
        let opens = match self.state(now) {
            BreakerState::Closed => self.failures >= policy.failures.max(1),
            // A call that was on its way when it opened says nothing new.
            BreakerState::Open { .. } => false,
            BreakerState::TrialDue | BreakerState::Trial { .. } => true,
        };
        if !opens {
            return None;
        }
        let wait = stretched(policy.open, self.openings, policy.cap);
        self.openings = self.openings.saturating_add(1);
        self.trial_until = None;
        let until = later(now, wait.saturating_add(share(wait, policy.jitter * unit)));
        self.open_until = Some(until);
        Some(until)
    }
}
