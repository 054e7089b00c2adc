//! The limits of a key and of the tenant, and the headers that tell how much of them is left.
//!
//! The tenant's windows count every integration of the account; what the others do is an
//! [`Act`](super::Act). Minutes and seconds are those of the clock, days end at midnight UTC.

use http::{HeaderMap, HeaderName, HeaderValue};
use relay_core::time::Timestamp;

use super::settings::{Limits, Settings};

/// Requests counted in the running second, minute and day (UTC).
#[derive(Debug, Default)]
pub(super) struct Usage {
    second: Window,
    minute: Window,
    day: Window,
    tenant_minute: Window,
    tenant_day: Window,
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
    /// Counts a request of ours. Returns whether it is within all limits.
    pub(super) fn count(&mut self, now: Timestamp, limits: &Limits) -> bool {
        let second = now.as_millisecond().div_euclid(1_000);
        let (minute, day) = windows(now);
        let within = [
            self.second.count(second, 1) <= limits.per_second,
            self.minute.count(minute, 1) <= limits.per_minute,
            self.day.count(day, 1) <= limits.per_day,
            self.tenant_minute.count(minute, 1) <= limits.tenant_per_minute,
            self.tenant_day.count(day, 1) <= limits.tenant_per_day,
        ];
        within.into_iter().all(|within| within)
    }

    /// Another integration makes requests: with a key of its own, or with ours.
    pub(super) fn count_others(&mut self, now: Timestamp, requests: u32, our_key: bool) {
        let (minute, day) = windows(now);
        self.tenant_minute.count(minute, requests);
        self.tenant_day.count(day, requests);
        if our_key {
            self.minute.count(minute, requests);
            self.day.count(day, requests);
        }
    }
}

/// The numbers of the running minute and day.
fn windows(now: Timestamp) -> (i64, i64) {
    let millis = now.as_millisecond();
    (millis.div_euclid(60_000), millis.div_euclid(MILLIS_A_DAY))
}

/// The headers of an answer to a request that was let in.
pub(super) fn headers(usage: &Usage, settings: &Settings, now: Timestamp) -> HeaderMap {
    let limits = &settings.limits;
    let midnight = (now.as_millisecond().div_euclid(MILLIS_A_DAY) + 1) * MILLIS_A_DAY;
    let left = |limit: u32, window: &Window| limit.saturating_sub(window.used).to_string();
    let mut map = HeaderMap::new();
    let mut put = |name: &'static str, value: String| insert(&mut map, name, &value);
    put("x-keap-product-quota-limit", limits.per_day.to_string());
    put("x-keap-product-quota-time-unit", "day".to_owned());
    put("x-keap-product-quota-interval", "1".to_owned());
    put(
        "x-keap-product-quota-available",
        left(limits.per_day, &usage.day),
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
        left(limits.per_minute, &usage.minute),
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
    let minute = left(minute, &usage.tenant_minute);
    let day = left(day, &usage.tenant_day);
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
