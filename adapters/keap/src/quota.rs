//! What Keap's answers say of its limits.
//!
//! ```text
//! x-keap-product-quota-{limit,available,expiry-time}     our key, a day
//! x-keap-product-throttle-{limit,available}              our key, a minute
//! x-keap-tenant-throttle-{time-unit,limit,available}     the account: pairs, `minute|day`
//! x-keap-product-spike-limit                             our key, a second: `10ps`
//! ```
//!
//! Rules:
//! - A header that is missing, empty or no number is unknown. On a 401 all of them are there and
//!   empty.
//! - Times are milliseconds since 1970; some recordings hold a shorter number, which is no time.
//! - Where the unit is named, it is believed; else the pair is read as minute, then day, and a
//!   value without a bar as the minute, as it was before Keap counted the account's day.

use http::HeaderMap;
use relay_core::rate_limit::{QuotaReading, WindowReading};
use relay_core::time::Timestamp;

/// Milliseconds of the year 2001: a smaller number was not counted in milliseconds since 1970.
const SHORTEST: i64 = 1_000_000_000_000;

/// The windows that an answer's headers tell of.
pub fn read(headers: &HeaderMap) -> QuotaReading {
    let (tenant_minute, tenant_day) = tenant(headers);
    QuotaReading {
        key_minute: WindowReading {
            available: number(headers, "x-keap-product-throttle-available"),
            limit: number(headers, "x-keap-product-throttle-limit"),
            expires: time(headers, "x-keap-product-throttle-expiry-time"),
        },
        key_day: WindowReading {
            available: number(headers, "x-keap-product-quota-available"),
            limit: number(headers, "x-keap-product-quota-limit"),
            expires: time(headers, "x-keap-product-quota-expiry-time"),
        },
        tenant_minute,
        tenant_day,
    }
}

/// How many requests Keap takes in a second, as the header of its anti-burst limit says.
pub fn spike_limit(headers: &HeaderMap) -> Option<u64> {
    text(headers, "x-keap-product-spike-limit")?
        .strip_suffix("ps")?
        .trim()
        .parse()
        .ok()
}

/// The account's minute and day.
fn tenant(headers: &HeaderMap) -> (WindowReading, WindowReading) {
    let units = pair(headers, "x-keap-tenant-throttle-time-unit");
    let available = pair(headers, "x-keap-tenant-throttle-available");
    let limit = pair(headers, "x-keap-tenant-throttle-limit");
    let said = |half: usize| WindowReading {
        available: available[half].and_then(|text| text.parse().ok()),
        limit: limit[half].and_then(|text| text.parse().ok()),
        expires: None,
    };
    match units[0] {
        Some("day") => (said(1), said(0)),
        _ => (said(0), said(1)),
    }
}

/// Both halves of a pair; an empty half is none.
fn pair<'a>(headers: &'a HeaderMap, name: &str) -> [Option<&'a str>; 2] {
    let text = text(headers, name).unwrap_or_default();
    let (first, second) = text.split_once('|').unwrap_or((text, ""));
    [first, second].map(|half| Some(half.trim()).filter(|half| !half.is_empty()))
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    Some(headers.get(name)?.to_str().ok()?.trim())
}

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    text(headers, name)?.parse().ok()
}

fn time(headers: &HeaderMap, name: &str) -> Option<Timestamp> {
    let millis: i64 = text(headers, name)?.parse().ok()?;
    let millis = Some(millis).filter(|millis| *millis >= SHORTEST)?;
    Timestamp::from_millisecond(millis).ok()
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};
    use proptest::prelude::*;

    use super::*;

    fn map(headers: &[(&'static str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().expect("a valid header"));
        }
        map
    }

    fn said(available: u64, limit: u64) -> WindowReading {
        WindowReading {
            available: Some(available),
            limit: Some(limit),
            expires: None,
        }
    }

    #[test]
    fn an_ordinary_answer_tells_of_four_windows_and_the_second() {
        let headers = map(&[
            ("x-keap-product-quota-limit", "30000"),
            ("x-keap-product-quota-available", "29998"),
            ("x-keap-product-quota-expiry-time", "1723680000000"),
            ("x-keap-product-throttle-limit", "240"),
            ("x-keap-product-throttle-available", "238"),
            ("x-keap-product-spike-limit", "10ps"),
            ("x-keap-tenant-throttle-time-unit", "minute|day"),
            ("x-keap-tenant-throttle-limit", "10000|250000"),
            ("x-keap-tenant-throttle-available", "9998|249998"),
        ]);
        let expires = "2024-08-15T00:00:00Z".parse().ok();
        assert_eq!(
            read(&headers),
            QuotaReading {
                key_minute: said(238, 240),
                key_day: WindowReading {
                    expires,
                    ..said(29_998, 30_000)
                },
                tenant_minute: said(9_998, 10_000),
                tenant_day: said(249_998, 250_000),
            }
        );
        assert_eq!(spike_limit(&headers), Some(10));
    }

    #[test]
    fn the_accounts_limits_may_come_alone_or_the_other_way_round() {
        let alone = map(&[
            ("x-keap-tenant-throttle-time-unit", "minute"),
            ("x-keap-tenant-throttle-limit", "5000"),
            ("x-keap-tenant-throttle-available", "4999"),
        ]);
        assert_eq!(read(&alone).tenant_minute, said(4_999, 5_000));
        assert_eq!(read(&alone).tenant_day, WindowReading::default());
        let turned = map(&[
            ("x-keap-tenant-throttle-time-unit", "day|minute"),
            ("x-keap-tenant-throttle-limit", "250000|10000"),
            ("x-keap-tenant-throttle-available", "0|7"),
        ]);
        assert_eq!(read(&turned).tenant_minute, said(7, 10_000));
        assert_eq!(read(&turned).tenant_day, said(0, 250_000));
    }

    #[test]
    fn what_is_empty_odd_or_too_short_is_unknown() {
        let headers = map(&[
            ("x-keap-product-quota-limit", ""),
            ("x-keap-product-quota-available", ""),
            ("x-keap-product-quota-expiry-time", "1723680"),
            ("x-keap-product-throttle-available", "-1"),
            ("x-keap-product-throttle-limit", "two hundred"),
            ("x-keap-product-spike-limit", "ps"),
            ("x-keap-tenant-throttle-limit", "|"),
            ("x-keap-tenant-throttle-available", "|"),
            ("x-keap-tenant-throttle-time-unit", "|"),
        ]);
        assert_eq!(read(&headers), QuotaReading::default());
        assert_eq!(spike_limit(&headers), None);
        assert_eq!(read(&HeaderMap::new()), QuotaReading::default());
    }

    const NAMES: [&str; 10] = [
        "x-keap-product-quota-limit",
        "x-keap-product-quota-available",
        "x-keap-product-quota-expiry-time",
        "x-keap-product-throttle-limit",
        "x-keap-product-throttle-available",
        "x-keap-product-throttle-expiry-time",
        "x-keap-product-spike-limit",
        "x-keap-tenant-throttle-time-unit",
        "x-keap-tenant-throttle-limit",
        "x-keap-tenant-throttle-available",
    ];

    proptest! {
        #[test]
        fn no_header_makes_the_reader_panic(
            values in proptest::collection::vec(
                (0..NAMES.len(), proptest::collection::vec(any::<u8>(), 0..24)), 0..20),
            numbers in proptest::collection::vec(
                (0..NAMES.len(), "[-|0-9 ]{0,24}|minute[|]day|[0-9]{1,4}ps"), 0..20),
        ) {
            let mut headers = HeaderMap::new();
            let numbers = numbers.into_iter().map(|(name, text)| (name, text.into_bytes()));
            for (name, value) in values.into_iter().chain(numbers) {
                if let Ok(value) = HeaderValue::from_bytes(&value) {
                    headers.insert(HeaderName::from_static(NAMES[name]), value);
                }
            }
            let _ = (read(&headers), spike_limit(&headers));
        }
    }
}
