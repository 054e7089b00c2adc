//! The rules of the rate limiter: how fast a vendor may be asked, and when not at all (budget, quota,
//! circuit breaker).
//!
//! People: a *vendor* with limits of its own, which other integrations of the same account use up,
//! too; *jobs*, which ask for their turn before they call it; the *engine*, which puts off those
//! that have to wait.
//!
//! ```text
//! a job asks ─▶ does it answer? ─▶ did it ask for a pause? ─▶ is its quota left for this? ─┐
//!                 (breaker)            (429)                    (quota, reserve)           │
//!               later at T ◀──────────────── no, at each of them                           ▼
//!                    ▲                                                       is it our turn? (budget)
//!                    └──────────────────────────────────────────────── no ◀──┴──▶ yes: its calls
//! ```
//!
//! # Rules
//! - **A job is let in or not; for the budget its calls are only counted.** Only a pause or an open breaker
//!   keeps back the calls of a job that was let in. Once in, its calls are charged as they
//!   happen and may leave a debt, which the next job waits out. Cutting a job of seven reads in the
//!   middle would make it start over, and over.
//! - **A vendor's word is obeyed in full.** `Retry-After` is never shortened, chance only adds.
//! - **Who waits gets a turn of its own**, one after the other, so that a hundred waiting jobs
//!   don't come back at once. What has a [deadline](Priority) never waits behind what has none.
//! - A refused credential and a final refusal are answers: they neither open the breaker nor pause.
//! - **A clock that ran ahead and was corrected stops nobody.** What was kept by it (a pause, an open
//!   breaker, turns) lies in a future that nobody meant: it is dropped, and the vendor is asked.
//!   What it really refuses, it refuses again.
//!
//! # Guarantees
//! - In any span of time no more calls are made than the span fills at the [rate](Rate), a burst,
//!   and the calls of one job; where jobs run side by side, also what each makes more than a usual
//!   one. (An [`Ordered`](Priority::Ordered) job, a person's command and a job that asks for no permit come on
//!   top; what they call is charged, and paid back.)
//! - Work with a deadline is let in after the debt it finds, whatever else waits.
//! - The answers to jobs of one kind that ask one after another name instants in that order.
//!
//! # Not guaranteed
//! That a vendor never says 429: others use the same account, and its limit per second is finer
//! than ours.
//!
//! Everything here is a function of a stored [`LimiterState`] and an instant (procedure time); nothing
//! reads a clock. Whoever stores it decides who shares it.

mod breaker;
mod budget;
mod line;
mod quota;
mod trouble;
mod words;

use serde::{Deserialize, Serialize};

use crate::time::{SignedDuration, Timestamp, later};

pub use breaker::{Breaker, BreakerPolicy, BreakerState};
pub use budget::{Budget, Rate};
pub use quota::{Quota, QuotaReading, Window, WindowQuota, WindowReading};
pub use trouble::Trouble;
pub use words::{
    Answered, Ask, Exchange, Left, LimiterChange, Limits, Priority, RateLimitDecision, Why,
};

use line::Line;

/// How often a waiting job asks again while one job tries a vendor that did not answer.
const TRIAL_WAIT: SignedDuration = SignedDuration::from_secs(10);

/// A clock may be set back by so much without a word: what waits is late by no more than that.
const SLACK: SignedDuration = SignedDuration::from_mins(1);

/// How many calls a job is taken for before any was seen.
const FIRST_GUESS: u32 = 3;

/// Where a vendor stands: everything that is kept of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LimiterState {
    budget: Budget,
    quota: Quota,
    breaker: Breaker,
    /// The pause that the vendor asked for.
    paused_until: Option<Timestamp>,
    /// Refusals without an answer in between, one for each pause.
    refusals: u32,
    line: Line,
    /// Calls of a usual job, in eighths.
    cost: Option<u32>,
    trouble: Option<Trouble>,
    /// When something that lies in the future was last kept.
    kept_at: Option<Timestamp>,
    /// The clock was set back since, and jobs that were put off by it may still wait.
    set_back: bool,
}

impl LimiterState {
    /// Drops what was kept by a clock that ran ahead. Returns whether jobs which were put off by
    /// such a clock may still wait ([`all_are_back`](Self::all_are_back)).
    pub fn correct(&mut self, now: Timestamp) -> bool {
        let ahead = |kept: &Timestamp| kept.duration_since(now) > SLACK;
        if self.kept_at.as_ref().is_some_and(ahead) {
            self.kept_at = Some(now);
            self.set_back = true;
            self.paused_until = None;
            self.line = Line::default();
            self.breaker.correct(now);
            self.budget.correct();
            self.quota.correct(now);
            if let Some(trouble) = &mut self.trouble {
                trouble.correct(now);
            }
        }
        self.set_back
    }

    /// Jobs that were put off by a clock that ran ahead have been made due.
    pub fn all_are_back(&mut self) {
        self.set_back = false;
    }

    /// A person wants the vendor to be asked now, whatever it said: no pause, no open breaker. Its
    /// quotas, as far as it told them, and our own rate limit hold on. Returns what was in the way.
    pub fn resume(&mut self, now: Timestamp) -> Option<(Timestamp, Why)> {
        let closed = self.closed(now);
        if closed.is_some() {
            self.paused_until = None;
            self.line = Line::default();
            self.breaker.correct(now);
            if let Some(trouble) = &mut self.trouble {
                trouble.correct(now);
            }
        }
        closed
    }

    /// A job asks for its turn.
    pub fn ask(&mut self, limits: &Limits, ask: Ask, now: Timestamp) -> RateLimitDecision {
        self.correct(now);
        let stop = self.stop(limits, ask.priority, now);
        let Some((at, why)) = stop.or_else(|| self.wait(limits, ask, now)) else {
            return self.admit(limits, now);
        };
        let at = whole_millis(at);
        if why.is_trouble() && ask.priority > Priority::Background {
            Trouble::goes_on(&mut self.trouble, false, (why, Some(at)), now);
            self.kept_at = Some(now);
        }
        let at = match limits.rate {
            Some(_) => {
                // A turn behind a vendor's obstacle means nothing once that is gone.
                let behind = if why.is_trouble() { at } else { now };
                let apart = self.step(limits, why, now);
                self.kept_at = Some(now);
                whole_millis(self.line.stand(ask, (at, behind), apart, now))
            }
            None => at,
        };
        RateLimitDecision::Later { at, why }
    }

    /// Until when the vendor itself is in the way.
    fn stop(
        &self,
        limits: &Limits,
        priority: Priority,
        now: Timestamp,
    ) -> Option<(Timestamp, Why)> {
        let trial = match self.breaker.state(now) {
            BreakerState::Trial { until } => Some((until.min(later(now, TRIAL_WAIT)), Why::Trial)),
            _ => None,
        };
        let calls = self.usual_calls();
        let quota = self
            .quota
            .stop(limits.reserve_percent, priority, calls, now);
        [self.closed(now), trial, quota]
            .into_iter()
            .flatten()
            .max_by_key(|(until, _)| *until)
    }

    /// Until when our own rate limit is in the way.
    fn wait(&mut self, limits: &Limits, ask: Ask, now: Timestamp) -> Option<(Timestamp, Why)> {
        let rate = limits.rate?;
        if ask.priority == Priority::Ordered {
            return None;
        }
        let ready = self.budget.ready(rate, now);
        let spread = self
            .quota
            .spread(limits.reserve_percent, now)
            .filter(|until| ask.priority < Priority::Deadline && *until >= ready);
        if let Some(until) = spread {
            return Some((until, Why::Spread));
        }
        let behind = self.line.is_behind(ask, now);
        (ready > now || behind).then_some((ready, Why::Turn))
    }

    fn admit(&mut self, limits: &Limits, now: Timestamp) -> RateLimitDecision {
        let trial = self.breaker.begin_trial(&limits.breaker, now);
        if trial || limits.rate.is_some() {
            self.kept_at = Some(now);
        }
        let prepaid = limits.rate.map_or(0, |rate| {
            let calls = self.usual_calls();
            self.budget.charge(rate, calls, now);
            calls
        });
        RateLimitDecision::Admit { prepaid, trial }
    }

    /// A job that was let in is over: `unused` of its prepaid calls were not made, `calls` were.
    pub fn leave(&mut self, limits: &Limits, left: Left, now: Timestamp) {
        if left.trial && left.calls == 0 {
            self.breaker.give_back_trial();
        }
        let Some(rate) = limits.rate else { return };
        if left.unused > 0 {
            self.budget.refund(rate, left.unused, now);
        }
        if left.came_in {
            let cost = self.cost.unwrap_or(FIRST_GUESS * 8);
            // A moving mean: each job counts for an eighth.
            self.cost = Some(cost - cost / 8 + left.calls.min(1_000));
        }
    }

    /// Calls of a usual job, at least one.
    fn usual_calls(&self) -> u32 {
        let eighths = self.cost.unwrap_or(FIRST_GUESS * 8);
        ((eighths + 4) / 8).max(1)
    }

    /// How far apart the turns of waiting jobs are.
    fn step(&self, limits: &Limits, why: Why, now: Timestamp) -> SignedDuration {
        let gap = limits.rate.map_or(SignedDuration::ZERO, |rate| rate.gap);
        // Behind an obstacle a low day is over, or not what they wait for.
        let spread = self
            .quota
            .share(limits.reserve_percent, now)
            .filter(|_| why == Why::Spread)
            .map(|(gap, _)| gap);
        let calls = i32::try_from(self.usual_calls()).unwrap_or(i32::MAX);
        let gap = gap.max(spread.unwrap_or_default());
        gap.checked_mul(calls).unwrap_or(gap)
    }

    /// Until when no call may be made at all, not even within a job that was let in.
    pub fn closed(&self, now: Timestamp) -> Option<(Timestamp, Why)> {
        let open = match self.breaker.state(now) {
            BreakerState::Open { until } => Some((until, Why::Down)),
            _ => None,
        };
        let paused = self.paused_until.filter(|until| *until > now);
        let paused = paused.map(|until| (until, Why::Asked));
        open.into_iter()
            .chain(paused)
            .max_by_key(|(until, _)| *until)
    }

    /// A call was made. `unit` is a number in `0.0..1.0`.
    pub fn observe(
        &mut self,
        limits: &Limits,
        exchange: &Exchange,
        now: Timestamp,
        unit: f64,
    ) -> Vec<LimiterChange> {
        let mut changes = Vec::new();
        self.correct(now);
        let told = exchange.quota != QuotaReading::default();
        // A vendor without limits that answers leaves no trace.
        if told || limits.rate.is_some() || exchange.answered != Answered::Alive {
            self.kept_at = Some(now);
        }
        self.quota.read(&exchange.quota, now);
        if let Some(rate) = limits.rate {
            self.budget.charge(rate, u32::from(exchange.charged), now);
            self.quota.charge(limits.reserve_percent, 1, now);
        }
        match exchange.answered {
            Answered::Failed => {
                if let Some(until) = self.breaker.failed(&limits.breaker, now, unit) {
                    Trouble::goes_on(&mut self.trouble, true, (Why::Down, Some(until)), now);
                    changes.push(LimiterChange::Opened { until });
                }
            }
            Answered::Refused { after } => {
                if self.breaker.answered() {
                    changes.push(LimiterChange::Closed);
                }
                changes.extend(self.refused(limits, after, now, unit));
            }
            Answered::Alive => {
                if self.breaker.answered() {
                    changes.push(LimiterChange::Closed);
                }
                if self.paused_until.is_none_or(|until| until <= now) {
                    self.paused_until = None;
                    self.refusals = 0;
                }
                let free = self.stop(limits, Priority::Normal, now).is_none();
                if free && self.trouble.as_ref().is_some_and(|t| t.is_over(now)) {
                    let told = self.trouble.take().is_some_and(|trouble| trouble.told);
                    changes.push(LimiterChange::Recovered { told });
                }
            }
        }
        changes
    }

    /// The vendor refused. One pause for all the calls that were on their way.
    fn refused(
        &mut self,
        limits: &Limits,
        after: Option<SignedDuration>,
        now: Timestamp,
        unit: f64,
    ) -> Option<LimiterChange> {
        let running = self.paused_until.filter(|until| *until > now);
        let wait = match after {
            Some(after) => {
                let after = after.max(SignedDuration::ZERO);
                after.saturating_add(share(after.min(limits.longest_pause), 0.1 * unit))
            }
            None if running.is_some() => return None,
            None => {
                let wait = stretched(limits.pause, self.refusals, limits.longest_pause);
                wait.saturating_add(share(wait, 0.5 * unit))
            }
        };
        if running.is_none() {
            self.refusals = self.refusals.saturating_add(1);
        }
        let until = later(now, wait).max(running.unwrap_or(now));
        self.paused_until = Some(until);
        Trouble::goes_on(&mut self.trouble, true, (Why::Asked, Some(until)), now);
        if after.is_some()
            && let Some(trouble) = &mut self.trouble
        {
            trouble.is_shown_until(until);
        }
        (running != Some(until)).then_some(LimiterChange::Paused { until })
    }

    /// Whether a refusal just now is the vendor's throttle: its quota is used up, or it has refused
    /// pause after pause with no answer in between. One that answers everything else refuses what
    /// was asked, not who asks.
    pub fn is_throttled(&self, limits: &Limits, now: Timestamp) -> bool {
        let percent = limits.reserve_percent;
        let quota = self.quota.stop(percent, Priority::Ordered, 1, now);
        self.refusals >= 2 || quota.is_some()
    }

    /// The trouble that a person has to hear of now and hasn't.
    pub fn to_tell(&self, limits: &Limits, now: Timestamp) -> Option<&Trouble> {
        let trouble = self.trouble.as_ref()?;
        trouble
            .is_to_be_told(limits.tell_after, now)
            .then_some(trouble)
    }

    /// A person has been told.
    pub fn told(&mut self) {
        if let Some(trouble) = &mut self.trouble {
            trouble.told = true;
        }
    }

    /// The budget.
    pub fn budget(&self) -> &Budget {
        &self.budget
    }

    /// The vendor's own limits.
    pub fn quota(&self) -> &Quota {
        &self.quota
    }

    /// The breaker.
    pub fn breaker(&self) -> &Breaker {
        &self.breaker
    }

    /// What work waits for, if it waits.
    pub fn trouble(&self) -> Option<&Trouble> {
        self.trouble.as_ref()
    }

    /// Until when `priority` waits for the vendor, and why.
    pub fn held(
        &self,
        limits: &Limits,
        priority: Priority,
        now: Timestamp,
    ) -> Option<(Timestamp, Why)> {
        self.stop(limits, priority, now)
    }
}

/// The first whole millisecond at or after `at`. A store may keep less than we compute with, and who
/// comes back a nanosecond too early would be sent away forever.
fn whole_millis(at: Timestamp) -> Timestamp {
    let whole = Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at);
    if whole >= at {
        return whole;
    }
    later(whole, SignedDuration::from_millis(1))
}

/// A part of `wait`; nothing where the part is none.
fn share(wait: SignedDuration, part: f64) -> SignedDuration {
    let part = if part.is_nan() {
        0.0
    } else {
        part.clamp(0.0, 1.0)
    };
    SignedDuration::try_from_secs_f64(wait.as_secs_f64() * part).unwrap_or_default()
}

/// `base`, doubled `times` times, at most `cap`.
fn stretched(base: SignedDuration, times: u32, cap: SignedDuration) -> SignedDuration {
    let factor = 1_i32.checked_shl(times.min(30)).unwrap_or(i32::MAX);
    base.checked_mul(factor).map_or(cap, |wait| wait.min(cap))
}
