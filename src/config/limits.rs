//! `[…limits]`: how much a vendor may be asked.

use relay_core::rate_limit::{BreakerPolicy, Limits, Rate};
use relay_core::time::SignedDuration;

use super::reader::Reader;

/// What a vendor is granted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LimitsConfig {
    /// The limits.
    pub limits: Limits,
    /// Whether the quotas that the vendor's answers name are kept.
    pub obey_quota: bool,
}

impl LimitsConfig {
    /// Reads the section. `usual` is its budget where nothing is written: calls a minute, and at
    /// once; `None`: as many as there are.
    pub(super) fn read(mut reader: Reader<'_>, usual: Option<(u32, u32)>) -> Self {
        let per_minute = reader.ranged("calls_per_minute", 1..=6_000);
        let burst = reader.ranged("burst", 1..=10_000);
        let none = Limits::none();
        let failures = reader.ranged("breaker_failures", 1..=1_000);
        let tell = reader.ranged("tell_after_minutes", 1..=10_080);
        // Only a vendor that has a usual budget tells of quotas of its own.
        let (reserve, obey_quota) = match usual {
            Some(_) => (
                reader.ranged("reserve_percent", 0..=50),
                reader.flag("obey_quota", true),
            ),
            None => (None, false),
        };
        if usual.is_none() && per_minute.is_none() && burst.is_some() {
            reader.mistake(
                "burst",
                "says nothing without a rate",
                "write calls_per_minute = 600, or leave burst out",
            );
        }
        let rate = match (per_minute, usual) {
            (Some(calls), usual) => Some((calls, burst.or(usual.map(|usual| usual.1)))),
            (None, Some((calls, at_once))) => Some((calls, burst.or(Some(at_once)))),
            (None, None) => None,
        };
        reader.finish();
        Self {
            limits: Limits {
                rate: rate.map(|(calls, burst)| Rate::per_minute(calls, burst.unwrap_or(1))),
                reserve_percent: reserve
                    .and_then(|percent| u8::try_from(percent).ok())
                    .unwrap_or(none.reserve_percent),
                breaker: BreakerPolicy {
                    failures: failures.unwrap_or(none.breaker.failures),
                    ..none.breaker
                },
                tell_after: tell.map_or(none.tell_after, |minutes| {
                    SignedDuration::from_mins(minutes.into())
                }),
                ..none
            },
            obey_quota,
        }
    }
}
