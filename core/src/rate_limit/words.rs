//! What is asked of a rate limiter, what it answers, and what it is told.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{BreakerPolicy, QuotaReading, Rate, Window};
use crate::time::{SignedDuration, Timestamp};

/// How much work can wait. More urgent is greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// Nobody notices for a day: polls, backfill, the daily comparison.
    Background,
    /// Everything else.
    Normal,
    /// Late is worth nothing: what goes to a client, what tells a coach to call, what stops money.
    Deadline,
    /// A person waits for it at this moment. Goes at once, unless the vendor refuses.
    Ordered,
}

/// A job asks for its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask {
    /// How much it can wait.
    pub priority: Priority,
    /// Whether it has been put off before and comes at the time it was given.
    pub waited: bool,
}

/// The answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateLimitDecision {
    /// It may call now.
    Admit {
        /// Calls that are charged already: what such a job usually makes.
        prepaid: u32,
        /// Whether it tries a vendor that did not answer.
        trial: bool,
    },
    /// Not before `at`.
    Later {
        /// When to ask again.
        at: Timestamp,
        /// What stands in the way.
        why: Why,
    },
}

/// Why something has to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum Why {
    /// Calls are spaced.
    Turn,
    /// A low day's rest is spread.
    Spread,
    /// What is left is kept for what has a deadline.
    Reserved {
        /// The window whose rest is kept.
        window: Window,
    },
    /// Nothing is left, or not enough for a whole job.
    UsedUp {
        /// The window that is used up.
        window: Window,
    },
    /// The vendor asked for a pause.
    Asked,
    /// The vendor does not answer.
    Down,
    /// The vendor did not answer, and one job is trying.
    Trial,
}

impl Why {
    /// Whether the vendor is the reason, not our own rate limit.
    pub(super) fn is_trouble(self) -> bool {
        !matches!(self, Self::Turn | Self::Spread)
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Turn => f.write_str("calls are spaced"),
            Self::Spread => f.write_str("what is left of the day's quota is spread over the day"),
            Self::Reserved { window } => write!(
                f,
                "what is left of {window} is kept for messages with a deadline"
            ),
            Self::UsedUp { window } => write!(f, "the quota is used up ({window})"),
            Self::Asked => f.write_str("it refused with a request to wait"),
            Self::Down => f.write_str("it does not answer"),
            Self::Trial => f.write_str("it did not answer; one job is trying"),
        }
    }
}

/// What a vendor is granted, and how its failures are met.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// How many calls; `None`: as many as there are.
    pub rate: Option<Rate>,
    /// The part of the vendor's own quotas that is kept for what has a deadline, in percent.
    pub reserve_percent: u8,
    /// When it is taken for down.
    pub breaker: BreakerPolicy,
    /// The pause after a first refusal that names no end; twice as long each further time.
    pub pause: SignedDuration,
    /// The longest such pause, before jitter. Does not shorten a `Retry-After`.
    pub longest_pause: SignedDuration,
    /// How long work may wait for the vendor before a person hears of it.
    pub tell_after: SignedDuration,
}

impl Limits {
    /// No budget. Pauses and the breaker hold for every vendor.
    pub const fn none() -> Self {
        Self {
            rate: None,
            reserve_percent: 10,
            breaker: BreakerPolicy::standard(),
            pause: SignedDuration::from_secs(1),
            longest_pause: SignedDuration::from_mins(5),
            tell_after: SignedDuration::from_hours(1),
        }
    }
}

/// What an exchange showed of the vendor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answered {
    /// It answered; what, is not our business.
    Alive,
    /// It refused for now and may have said for how long.
    Refused {
        /// Its `Retry-After`.
        after: Option<SignedDuration>,
    },
    /// No answer, or a server error.
    Failed,
}

/// What an exchange tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exchange {
    /// How it ended.
    pub answered: Answered,
    /// What it said of its limits.
    pub quota: QuotaReading,
    /// Whether it is to be charged; `false` where its job has prepaid.
    pub charged: bool,
}

/// Something to be logged, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimiterChange {
    /// The vendor does not answer: nothing is asked of it.
    Opened {
        /// Until then.
        until: Timestamp,
    },
    /// It answers again.
    Closed,
    /// It refused with a request to wait.
    Paused {
        /// Until then.
        until: Timestamp,
    },
    /// Work no longer waits for it.
    Recovered {
        /// Whether a person was told of the trouble.
        told: bool,
    },
}

/// How a job that was let in ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    /// Prepaid calls that were not made.
    pub unused: u32,
    /// Calls that were made.
    pub calls: u32,
    /// Whether it was the trial.
    pub trial: bool,
    /// Whether it ran; `false` when another vendor kept it out after all.
    pub came_in: bool,
}
