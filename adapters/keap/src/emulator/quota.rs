//! The limits of a key and of the tenant, and the headers that tell how much of them is left.
//!
//! The tenant's windows count every integration of the account; what the others do is an
//! act. Seconds and minutes are the last one before each request, not those of the
//! clock; days end at midnight UTC. What is refused counts, too.

use std::collections::VecDeque;

use http::{HeaderMap, HeaderName, HeaderValue};
use relay_core::time::Timestamp;

use super::settings::{Limits, Settings};

/// Requests counted in the last second, the last minute and the running day (UTC).
#[derive(Debug, Default)]
pub(super) struct Usage {
    second: Rolling<1_000>,
    minute: Rolling<60_000>,
    day: Window,
    tenant_minute: Rolling<60_000>,
    tenant_day: Window,
}

/// Which limit a request is beyond.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beyond {
    /// The one against bursts.
    Spike,
    /// One of a minute or a day.
    Quota,
}

/// Requests of the last so many milliseconds.
#[derive(Debug, Default)]
struct Rolling<const MILLIS: i64> {
    made: VecDeque<(i64, u32)>,
    used: u32,
}

impl<const MILLIS: i64> Rolling<MILLIS> {
    fn count(&mut self, now: Timestamp, requests: u32) -> u32 {
        let now = now.as_millisecond();
        while let Some((at, made)) = self.made.front().copied()
            && now - at >= MILLIS
        {
            self.made.pop_front();
            self.used = self.used.saturating_sub(made);
        }
        self.made.push_back((now, requests));
        self.used = self.used.saturating_add(requests);
        self.used
    }
}

#[derive(Debug, Default)]
struct Window {
    number: i64,
    used: u32,
}

impl Window {
    /// Counts requests made now.
    fn count(&mut self, number: i64, requests: u32) -> u32 {
        if self.number != number {
            *self = Self { number, used: 0 };
        }
        self.used = self.used.saturating_add(requests);
        self.used
    }
}

const MILLIS_A_DAY: i64 = 86_400_000;

impl Usage {
    /// Counts a request of ours. Returns the limit that it is beyond, if it is.
    pub(super) fn count(&mut self, now: Timestamp, limits: &Limits) -> Option<Beyond> {
        let day = day(now);
        let quota = [
            self.minute.count(now, 1) <= limits.per_minute,
            self.day.count(day, 1) <= limits.per_day,
            self.tenant_minute.count(now, 1) <= limits.tenant_per_minute,
            self.tenant_day.count(day, 1) <= limits.tenant_per_day,
        ];
        if self.second.count(now, 1) > limits.per_second {
            return Some(Beyond::Spike);
        }
        quota.contains(&false).then_some(Beyond::Quota)
    }

    /// Another integration makes requests: with a key of its own, or with ours.
    pub(super) fn count_others(&mut self, now: Timestamp, requests: u32, our_key: bool) {
        let day = day(now);
        self.tenant_minute.count(now, requests);
        self.tenant_day.count(day, requests);
        if our_key {
            self.minute.count(now, requests);
            self.day.count(day, requests);
        }
    }
}

/// The number of the running day.
fn day(now: Timestamp) -> i64 {
    now.as_millisecond().div_euclid(MILLIS_A_DAY)
}

/// The headers of an answer to a request that was let in.
pub(super) fn headers(usage: &Usage, settings: &Settings, now: Timestamp) -> HeaderMap {
    let limits = &settings.limits;
    let midnight = (now.as_millisecond().div_euclid(MILLIS_A_DAY) + 1) * MILLIS_A_DAY;
    let left = |limit: u32, used: u32| limit.saturating_sub(used).to_string();
    let mut map = HeaderMap::new();
    let mut put = |name: &'static str, value: String| insert(&mut map, name, &value);
    put("x-keap-product-quota-limit", limits.per_day.to_string());
    put("x-keap-product-quota-time-unit", "day".to_owned());
    put("x-keap-product-quota-interval", "1".to_owned());
    put(
        "x-keap-product-quota-available",
        left(limits.per_day, usage.day.used),
    );
    put("x-keap-product-quota-used", usage.day.used.to_string());
    put("x-keap-product-quota-expiry-time", midnight.to_string());
    put(
        "x-keap-product-throttle-limit",
        limits.per_minute.to_string(),
    );
    put("x-keap-product-throttle-time-unit", "minute".to_owned());
    put("x-keap-product-throttle-interval", "1".to_owned());
    put(
        "x-keap-product-throttle-available",
        left(limits.per_minute, usage.minute.used),
    );
    put(
        "x-keap-product-throttle-used",
        usage.minute.used.to_string(),
    );
    put(
        "x-keap-product-spike-limit",
        format!("{}ps", limits.per_second),
    );
    put("x-keap-tenant-id", settings.tenant.clone());
    let (minute, day) = (limits.tenant_per_minute, limits.tenant_per_day);
    put("x-keap-tenant-throttle-limit", format!("{minute}|{day}"));
    put("x-keap-tenant-throttle-time-unit", "minute|day".to_owned());
    put("x-keap-tenant-throttle-interval", "1|1".to_owned());
    let minute = left(minute, usage.tenant_minute.used);
    let day = left(day, usage.tenant_day.used);
    put(
        "x-keap-tenant-throttle-available",
        format!("{minute}|{day}"),
    );
    put(
        "x-keap-tenant-throttle-used",
        format!("{}|{}", usage.tenant_minute.used, usage.tenant_day.used),
    );
    map
}

/// The headers of a 401: every name is there, every value is empty, pairs are a bare `|`.
pub(super) fn empty_headers(settings: &Settings, now: Timestamp) -> HeaderMap {
    let mut map = headers(&Usage::default(), settings, now);
    for (name, value) in &mut map {
        let pair = name.as_str().starts_with("x-keap-tenant-throttle-");
        *value = HeaderValue::from_static(if pair { "|" } else { "" });
    }
    map
}

fn insert(map: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        map.insert(HeaderName::from_static(name), value);
    }
}
