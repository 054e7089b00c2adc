//! Classes of failure, and the schedule that follows from them.
//!
//! An adapter tries once and says what kind of failure it met ([`Class`]). When a *job* is tried again (when,
//! how often, with how much jitter, until when) is decided here, so that tries never multiply; a handler may
//! name a date of its own.
//!
//! Not decided here: opening the database at start, one more request after a refused token, the repair of
//! lost custom fields (the CRM's client), the refresh of tokens, subscriptions that are restored, the pauses
//! of a vendor ([`crate::rate_limit`]), and deciding anew after a conflict in the store.
//!
//! # Rules
//! - [`Class::Unclear`] is never repeated by a schedule: the thing may have happened, and a second
//!   text is the worst we can do. It is looked at again ([`ProbeSchedule`]); only a proven absence
//!   ([`absence_proven`]) allows another try.
//! - A vendor's `Retry-After` is obeyed in full. Jitter only adds to it. If it points past the
//!   budget, we give up rather than come early. One that can't be meant ([`LONGEST_WAIT`]) is none.
//! - A pause of the whole vendor is no failure of the jobs that wait for it ([`crate::rate_limit`]): they
//!   are put off, not judged here, and so outlive any budget.
//! - No try that the policy allows starts later than the budget after the first failure. Periodic jobs, looks
//!   at a check-in whose client the portal does not know, and jobs that a vendor keeps waiting come again
//!   without asking it. What is given up is not lost: it is a dead job with a work item, and a person replays it.
//! - Failures are counted, not attempts: a guard that says "later" costs nothing.
//!
//! # Not guaranteed
//! That a try starts exactly at its time: the lane may be busy, the process down. Schedules run on
//! elapsed procedure time and survive a restart because they are functions of stored instants.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::effects::Absence;
use crate::time::{SignedDuration, Timestamp, later};

/// The longest wait that a vendor can mean: a day, and an hour for its clock. More is a point in time
/// in the place of a wait, or a clock that is wrong.
pub const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(25);

/// What a failed call means for the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "class", rename_all = "snake_case")]
pub enum Class {
    /// The request never left this machine, or the vendor said it did nothing with it: may be
    /// repeated without looking first.
    NotSent,
    /// The vendor refused for now (429, 503 with a clear refusal, a failed read).
    Retryable {
        /// The vendor's `Retry-After`, obeyed in full.
        after: Option<SignedDuration>,
    },
    /// The credential was refused.
    Unauthorised,
    /// The vendor refused for good: our bug, bad data, or a thing that is not there.
    Permanent,
    /// The request may have been carried out: time-out, reset, or 5xx after it was sent.
    Unclear,
}

impl Class {
    /// The stored name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotSent => "not_sent",
            Self::Retryable { .. } => "retryable",
            Self::Unauthorised => "unauthorised",
            Self::Permanent => "permanent",
            Self::Unclear => "unclear",
        }
    }
}

/// When to try again after a failure, and when to stop. Data; see [`decide`](Self::decide).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RetryPolicy {
    /// The wait after the first failure, before jitter.
    pub base: SignedDuration,
    /// By how much each further failure stretches the wait.
    pub factor: u32,
    /// The longest wait, before jitter. Does not shorten a `Retry-After`.
    pub cap: SignedDuration,
    /// The part of a wait (0 to 1) by which chance lengthens or shortens it, so that jobs which
    /// failed together don't come back together.
    pub jitter: f64,
    /// How long after the first failure the last try may start.
    pub budget: SignedDuration,
    /// How many failures end it even within the budget.
    pub max_failures: u32,
    /// The wait after a refused credential: a person has to change something, and a vendor may
    /// lock out who keeps knocking.
    pub unauthorised_wait: SignedDuration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self::standard()
    }
}

/// What follows from a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryDecision {
    /// Guard again and try again, not before `at`.
    Again {
        /// The earliest instant of the next try.
        at: Timestamp,
    },
    /// It may have happened: look before anything else ([`ProbeSchedule`]).
    Probe,
    /// No more tries.
    GiveUp {
        /// What ends the tries.
        reason: GiveUp,
    },
}

/// Why there are no more tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GiveUp {
    /// The vendor refused for good.
    Refused,
    /// It has failed as often as allowed.
    TooManyFailures,
    /// The next try would start later than the budget allows.
    BudgetSpent,
}

impl fmt::Display for GiveUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused => "refused for good",
            Self::TooManyFailures => "failed as often as allowed",
            Self::BudgetSpent => "failed for as long as allowed",
        })
    }
}

impl RetryPolicy {
    /// The policy of the durable queue, for reads and sends alike: 5 s, then three times as long
    /// each time up to an hour, ±20 %, for a day; after a refused credential 15 min.
    ///
    /// A day, because an outage at night is seen in the morning and because a message that is more
    /// than a day late is rarely still true. The number of failures is a second stop, above what a
    /// day can hold (96 refused credentials), in case the clock is set back.
    pub const fn standard() -> Self {
        Self {
            base: SignedDuration::from_secs(5),
            factor: 3,
            cap: SignedDuration::from_hours(1),
            jitter: 0.2,
            budget: SignedDuration::from_hours(24),
            max_failures: 120,
            unauthorised_wait: SignedDuration::from_mins(15),
        }
    }

    /// Every mistake in a configured policy, one line each with the key; empty if it is sound.
    ///
    /// [`decide`](Self::decide) is total for unsound policies too; this is for telling the owner.
    pub fn mistakes(&self) -> Vec<String> {
        let spans = [
            ("base", self.base),
            ("cap", self.cap),
            ("budget", self.budget),
            ("unauthorised_wait", self.unauthorised_wait),
        ];
        let mut mistakes: Vec<String> = spans
            .into_iter()
            .filter(|(_, span)| *span <= SignedDuration::ZERO)
            .map(|(key, span)| format!("{key}: {span:#} must be longer than nothing"))
            .collect();
        if self.cap < self.base {
            mistakes.push("cap: must not be shorter than `base`".to_owned());
        }
        if self.factor == 0 {
            mistakes.push("factor: 0 would make waits vanish; write 1 or more".to_owned());
        }
        if !(0.0..=1.0).contains(&self.jitter) {
            mistakes.push(format!(
                "jitter: {} is no part of a wait; write 0 to 1",
                self.jitter
            ));
        }
        if self.max_failures == 0 {
            mistakes.push("max_failures: 0 would never try again; write 1 or more".to_owned());
        }
        mistakes
    }

    /// The instant after which no try starts, for a job that first failed at `first_failure`.
    pub fn deadline(&self, first_failure: Timestamp) -> Timestamp {
        later(first_failure, self.budget.max(SignedDuration::ZERO))
    }

    /// What follows from a failure of `class` at `now`.
    ///
    /// `failures` counts this one (so the first is 1), `first_failure` is the time of the first,
    /// and `unit_random` is a number in `0.0..1.0` ([`Random::unit`](crate::random::Random::unit));
    /// 0.5 means no jitter. Any input gets an answer; numbers out of range count as the nearest
    /// one in range.
    pub fn decide(
        &self,
        failures: u32,
        first_failure: Timestamp,
        now: Timestamp,
        class: Class,
        unit_random: f64,
    ) -> RetryDecision {
        let unit = in_unit(unit_random);
        let wait = match class {
            Class::Permanent => return give_up(GiveUp::Refused),
            Class::Unclear => return RetryDecision::Probe,
            Class::NotSent => self.backoff(failures, unit),
            Class::Retryable { after } => self
                .backoff(failures, unit)
                .max(self.no_earlier(after.unwrap_or_default(), unit)),
            Class::Unauthorised => self.no_earlier(self.unauthorised_wait, unit),
        };
        if failures >= self.max_failures {
            return give_up(GiveUp::TooManyFailures);
        }
        let at = later(now, wait.max(SignedDuration::ZERO));
        if at > self.deadline(first_failure) {
            return give_up(GiveUp::BudgetSpent);
        }
        RetryDecision::Again { at }
    }

    /// The wait after `failures` failures, longer or shorter by the jitter.
    fn backoff(&self, failures: u32, unit: f64) -> SignedDuration {
        let wait = self.stretched(failures);
        scaled(wait, 1.0 + in_unit(self.jitter) * (2.0 * unit - 1.0))
    }

    /// `base × factor^(failures − 1)`, at most `cap`.
    fn stretched(&self, failures: u32) -> SignedDuration {
        let cap = self.cap.max(SignedDuration::ZERO);
        let factor = i32::try_from(self.factor).unwrap_or(i32::MAX);
        let mut wait = self.base.clamp(SignedDuration::ZERO, cap);
        if factor <= 1 || wait.is_zero() {
            return wait;
        }
        // A factor of two or more reaches any cap within 94 doublings of a nanosecond.
        for _ in 1..failures {
            match wait.checked_mul(factor) {
                Some(longer) if longer < cap => wait = longer,
                _ => return cap,
            }
        }
        wait
    }

    /// `wait` in full, longer by a chance part of it. What is added is at most a part of `cap`, so
    /// that a `Retry-After` of a day isn't stretched by hours.
    fn no_earlier(&self, wait: SignedDuration, unit: f64) -> SignedDuration {
        let wait = wait.max(SignedDuration::ZERO);
        let spread = wait.min(self.cap.max(SignedDuration::ZERO));
        wait.saturating_add(scaled(spread, in_unit(self.jitter) * unit))
    }
}

/// When to look whether something happened, after an outcome that didn't tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProbeSchedule {
    /// How long after the unclear outcome each look is taken, in order.
    pub looks: Vec<SignedDuration>,
}

impl Default for ProbeSchedule {
    fn default() -> Self {
        Self::standard()
    }
}

impl ProbeSchedule {
    /// The first look once the vendor's lists have had a minute to show it, then at 2, 5 and
    /// 15 minutes (`adapters/keap/README.md`: sent mail is listed some time after it was queued).
    pub fn standard() -> Self {
        Self {
            looks: [1, 2, 5, 15].map(SignedDuration::from_mins).to_vec(),
        }
    }

    /// When to look next after `probes` looks that found nothing; `None` when there is nothing
    /// left to wait for and a person decides. A look that is overdue is taken at once.
    ///
    /// A look whose own read failed found nothing out and is not counted: the read is retried by
    /// [`RetryPolicy`] like any other.
    pub fn next(&self, probes: u32, unclear_since: Timestamp, now: Timestamp) -> Option<Timestamp> {
        let look = self.looks.get(usize::try_from(probes).ok()?)?;
        Some(later(unclear_since, (*look).max(SignedDuration::ZERO)).max(now))
    }
}

/// Whether a look that *began* at `now` and found nothing proves that nothing happened.
///
/// `false` means "don't know", never "it happened". A clock set back proves nothing.
pub fn absence_proven(absence: Absence, unclear_since: Timestamp, now: Timestamp) -> bool {
    match absence {
        Absence::ProvenAfter(visible) => now.duration_since(unclear_since) >= visible,
        Absence::Never => false,
        // The state itself was read: if it isn't as wanted, setting it (again) is harmless.
        Absence::DesiredState => true,
    }
}

/// Shorthand for the last word.
const fn give_up(reason: GiveUp) -> RetryDecision {
    RetryDecision::GiveUp { reason }
}

/// `wait × by`; `wait` itself where the product can't be represented.
fn scaled(wait: SignedDuration, by: f64) -> SignedDuration {
    SignedDuration::try_from_secs_f64(wait.as_secs_f64() * by).unwrap_or(wait)
}

/// The nearest number in `0.0..=1.0`; 0 for what is no number.
fn in_unit(x: f64) -> f64 {
    if x.is_nan() { 0.0 } else { x.clamp(0.0, 1.0) }
}
