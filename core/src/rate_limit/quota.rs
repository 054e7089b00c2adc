//! What a vendor says is left of its own limits, and who may still use it.
//!
//! Rules:
//! - What a vendor does not say is unknown, and unknown is neither nothing nor news.
//! - Nothing left means nobody, until the window is renewed.
//! - A part of each window is kept for what has a deadline; what runs in the background stops at
//!   twice that part, so that it stops first.
//! - When little of a day is left, what may still be used is spread over the rest of the day.
//! - A job is let in only where its usual number of calls is left: one that is cut in the middle
//!   starts over and uses up twice as much.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Priority, Why};
use crate::time::{SignedDuration, Timestamp, later};

/// A day is low when less than this part of it is left.
const LOW: u64 = 4;

/// One of a vendor's limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Window {
    /// Our key, a minute.
    KeyMinute,
    /// Our key, a day.
    KeyDay,
    /// Everybody who calls for the account, a minute.
    TenantMinute,
    /// Everybody who calls for the account, a day.
    TenantDay,
}

impl Window {
    /// Every window.
    pub const ALL: [Self; 4] = [
        Self::KeyMinute,
        Self::KeyDay,
        Self::TenantMinute,
        Self::TenantDay,
    ];

    fn is_day(self) -> bool {
        matches!(self, Self::KeyDay | Self::TenantDay)
    }

    /// When it is renewed at the latest, where the vendor doesn't say: days end at midnight UTC.
    fn ends(self, now: Timestamp) -> Timestamp {
        if !self.is_day() {
            return later(now, SignedDuration::from_mins(1));
        }
        let day = SignedDuration::from_hours(24).as_secs();
        let midnight = (now.as_second().div_euclid(day) + 1) * day;
        Timestamp::from_second(midnight).unwrap_or(Timestamp::MAX)
    }

    /// The longest wait that can be meant. A longer one is a clock that is wrong, or a number
    /// that is no time.
    fn longest(self) -> SignedDuration {
        if self.is_day() {
            SignedDuration::from_hours(25)
        } else {
            SignedDuration::from_mins(2)
        }
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::KeyMinute => "the key's minute",
            Self::KeyDay => "the key's day",
            Self::TenantMinute => "the account's minute",
            Self::TenantDay => "the account's day",
        })
    }
}

/// What one answer said of a window. What is not there was not said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WindowReading {
    /// Calls left.
    pub available: Option<u64>,
    /// Calls allowed.
    pub limit: Option<u64>,
    /// When it is renewed.
    pub expires: Option<Timestamp>,
}

/// What one answer said of all windows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct QuotaReading {
    /// Our key, a minute.
    pub key_minute: WindowReading,
    /// Our key, a day.
    pub key_day: WindowReading,
    /// The account, a minute.
    pub tenant_minute: WindowReading,
    /// The account, a day.
    pub tenant_day: WindowReading,
}

impl QuotaReading {
    fn of(&self, window: Window) -> WindowReading {
        match window {
            Window::KeyMinute => self.key_minute,
            Window::KeyDay => self.key_day,
            Window::TenantMinute => self.tenant_minute,
            Window::TenantDay => self.tenant_day,
        }
    }
}

/// What is known of a window until it is renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowQuota {
    /// The window that is counted.
    pub window: Window,
    /// Calls left.
    pub available: u64,
    /// Calls allowed, if the vendor says so.
    pub limit: Option<u64>,
    /// When it is renewed.
    pub until: Timestamp,
}

impl WindowQuota {
    /// The part that is kept for what has a deadline.
    fn reserve(&self, percent: u8) -> u64 {
        let limit = self.limit.unwrap_or(0);
        limit.saturating_mul(u64::from(percent.min(100))) / 100
    }

    fn floor(&self, percent: u8, priority: Priority) -> u64 {
        match priority {
            Priority::Background => self.reserve(percent).saturating_mul(2),
            Priority::Normal => self.reserve(percent),
            Priority::Deadline | Priority::Ordered => 0,
        }
    }

    /// Why a job of `calls` calls can't be let in, if it can't.
    fn stops(&self, percent: u8, priority: Priority, calls: u32) -> Option<Why> {
        let window = self.window;
        if self.available == 0 {
            return Some(Why::UsedUp { window });
        }
        let left = self.available.saturating_sub(self.floor(percent, priority));
        if left == 0 {
            return Some(Why::Reserved { window });
        }
        // Never more than a tenth of the window: else a small one would let nobody in.
        let tenth = (self.limit.unwrap_or(0) / 10).max(1);
        let needed = match priority {
            Priority::Ordered => 1,
            _ => u64::from(calls).min(tenth),
        };
        (left < needed).then_some(Why::UsedUp { window })
    }
}

/// What is left of a vendor's limits, as far as it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Quota {
    known: Vec<WindowQuota>,
    /// When the next call is due by the spreading of a low day.
    spread_until: Option<Timestamp>,
}

impl Quota {
    /// What is known at `now`; what has been renewed since is unknown again.
    pub fn known(&self, now: Timestamp) -> impl Iterator<Item = &WindowQuota> {
        self.known.iter().filter(move |known| known.until > now)
    }

    /// Takes in what an answer said.
    pub(super) fn read(&mut self, said: &QuotaReading, now: Timestamp) {
        for window in Window::ALL {
            let said = said.of(window);
            let Some(available) = said.available else {
                continue;
            };
            let sensible = |at: &Timestamp| {
                let wait = at.duration_since(now);
                wait > SignedDuration::ZERO && wait <= window.longest()
            };
            self.known.retain(|known| known.window != window);
            self.known.push(WindowQuota {
                window,
                available,
                limit: said.limit,
                until: said.expires.filter(sensible).unwrap_or(window.ends(now)),
            });
        }
        self.known.retain(|known| known.until > now);
    }

    /// Forgets what a clock that ran ahead has read.
    pub(super) fn correct(&mut self, now: Timestamp) {
        let meant = |known: &WindowQuota| known.until.duration_since(now) <= known.window.longest();
        self.known.retain(meant);
        self.spread_until = None;
    }

    /// Until when, and why, a job of `calls` calls can't be let in, if it can't.
    pub(super) fn stop(
        &self,
        percent: u8,
        priority: Priority,
        calls: u32,
        now: Timestamp,
    ) -> Option<(Timestamp, Why)> {
        self.known(now)
            .filter_map(|known| Some((known.until, known.stops(percent, priority, calls)?)))
            .max_by_key(|(until, _)| *until)
    }

    /// Calls were made: where a day is low, the next one has to wait for its share of the day.
    pub(super) fn charge(&mut self, percent: u8, calls: u32, now: Timestamp) {
        self.spread_until = self.share(percent, now).map(|(gap, end)| {
            let begun = self.spread_until.unwrap_or(now).max(now);
            let calls = i32::try_from(calls).unwrap_or(i32::MAX);
            later(begun, gap.checked_mul(calls).unwrap_or(gap)).min(end)
        });
    }

    /// Until when what has no deadline waits for its share of a low day.
    pub(super) fn spread(&self, percent: u8, now: Timestamp) -> Option<Timestamp> {
        self.share(percent, now)?;
        self.spread_until.filter(|until| *until > now)
    }

    /// How far apart calls are, where a day is low, and when that day ends.
    pub(super) fn share(&self, percent: u8, now: Timestamp) -> Option<(SignedDuration, Timestamp)> {
        let low = |known: &&WindowQuota| {
            let limit = known.limit.unwrap_or(0);
            known.window.is_day() && known.available < limit / LOW
        };
        let gap = |known: &WindowQuota| {
            let usable = known.available.saturating_sub(known.reserve(percent));
            let usable = i32::try_from(usable.max(1)).unwrap_or(i32::MAX);
            (known.until.duration_since(now) / usable, known.until)
        };
        self.known(now).filter(low).map(gap).max()
    }
}
