//! The limits of a key, and the headers that tell how much of them is left.

use http::{HeaderMap, HeaderName, HeaderValue};
use relay_core::time::Timestamp;

use super::settings::{Limits, Settings};

/// Requests counted in the running second, minute and day (UTC).
#[derive(Debug, Default)]
pub(super) struct Usage {
    second: Window,
    minute: Window,
    day: Window,
}

#[derive(Debug, Default)]
struct Window {
    number: i64,
    used: u32,
}

impl Window {
    fn count(&mut self, number: i64) -> u32 {
        if self.number != number {
            *self = Self { number, used: 0 };
        }
        self.used = self.used.saturating_add(1);
        self.used
    }
}

const MILLIS_A_DAY: i64 = 86_400_000;

impl Usage {
    /// Counts a request. Returns whether it is within the limits.
    pub(super) fn count(&mut self, now: Timestamp, limits: &Limits) -> bool {
        let millis = now.as_millisecond();
        let within_second = self.second.count(millis.div_euclid(1_000)) <= limits.per_second;
        let within_minute = self.minute.count(millis.div_euclid(60_000)) <= limits.per_minute;
        let within_day = self.day.count(millis.div_euclid(MILLIS_A_DAY)) <= limits.per_day;
        within_second && within_minute && within_day
    }
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
    put("x-keap-tenant-throttle-limit", "10000|250000".to_owned());
    put("x-keap-tenant-throttle-time-unit", "minute|day".to_owned());
    put("x-keap-tenant-throttle-interval", "1|1".to_owned());
    let (minute, day) = (left(10_000, &usage.minute), left(250_000, &usage.day));
    put(
        "x-keap-tenant-throttle-available",
        format!("{minute}|{day}"),
    );
    put(
        "x-keap-tenant-throttle-used",
        format!("{}|{}", usage.minute.used, usage.day.used),
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
