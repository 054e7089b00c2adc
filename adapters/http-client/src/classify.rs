//! From a status to a class.

use http::header::RETRY_AFTER;
use http::{HeaderMap, StatusCode};
use relay_core::retry::{Class, LONGEST_WAIT};
use relay_core::time::{SignedDuration, Timestamp};

/// The class of an answer that is not a success.
///
/// | status | read | mutating |
/// |---|---|---|
/// | 401 | unauthorised | unauthorised |
/// | 408, 425 | retryable | unclear: the server gave up on us, not on the work |
/// | 404, 410 | retryable | unclear: a bare status or a page, which anybody on the way can answer |
/// | 429 | retryable | retryable: refused before the work |
/// | 500, 502, 504 and other 5xx | retryable | unclear |
/// | 503 with `Retry-After` | retryable | retryable: a refusal that names its end |
/// | 503 without | retryable | unclear: proxies say it after the work, too |
/// | 3xx, other 4xx | permanent | permanent |
///
/// *Not there* is therefore never read from the status alone. An adapter that finds its vendor's own
/// error in the body, in a shape that was recorded or documented, makes it permanent; see
/// [`CallError::is_not_found`](crate::CallError::is_not_found).
pub fn classify(status: StatusCode, headers: &HeaderMap, mutating: bool, now: Timestamp) -> Class {
    let after = retry_after(headers, now);
    match status.as_u16() {
        401 => Class::Unauthorised,
        503 if after.is_some() => Class::Retryable { after },
        404 | 408 | 410 | 425 | 500..=599 if mutating => Class::Unclear,
        404 | 408 | 410 | 425 | 429 | 500..=599 => Class::Retryable { after },
        _ => Class::Permanent,
    }
}

/// `Retry-After`, as seconds or as an HTTP date; never negative. Procedure time.
///
/// `None`, as if it were not there, where it is longer than a vendor can mean ([`LONGEST_WAIT`]): a
/// point in time in seconds since 1970 would keep everybody waiting for half a century.
pub fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<SignedDuration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let after = if let Ok(seconds) = text.parse::<u32>() {
        SignedDuration::from_secs(seconds.into())
    } else {
        let date = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
        date.duration_since(now).max(SignedDuration::ZERO)
    };
    Some(after).filter(|after| *after <= LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-03T16:00:00Z".parse().expect("a valid time")
    }

    fn class(status: u16, headers: &[(&'static str, &str)], mutating: bool) -> Class {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().expect("a valid header"));
        }
        classify(
            StatusCode::from_u16(status).expect("a status"),
            &map,
            mutating,
            now(),
        )
    }

    #[test]
    fn a_write_that_met_a_server_error_is_unclear_and_a_read_is_not() {
        for status in [408, 425, 500, 502, 503, 504, 599] {
            assert_eq!(class(status, &[], true), Class::Unclear, "{status}");
            assert_eq!(
                class(status, &[], false),
                Class::Retryable { after: None },
                "{status}"
            );
        }
    }

    #[test]
    fn a_refusal_that_names_its_end_may_be_repeated() {
        let ten = Class::Retryable {
            after: Some(SignedDuration::from_secs(10)),
        };
        assert_eq!(class(429, &[("retry-after", "10")], true), ten);
        assert_eq!(class(503, &[("retry-after", "10")], true), ten);
        assert_eq!(class(429, &[], true), Class::Retryable { after: None });
    }

    #[test]
    fn retry_after_may_be_a_date_and_is_never_negative() {
        let in_a_minute = [("retry-after", "Tue, 03 Nov 2026 16:01:00 GMT")];
        assert_eq!(
            class(429, &in_a_minute, false),
            Class::Retryable {
                after: Some(SignedDuration::from_mins(1))
            }
        );
        let past = [("retry-after", "Tue, 03 Nov 2026 15:00:00 GMT")];
        assert_eq!(
            class(429, &past, false),
            Class::Retryable {
                after: Some(SignedDuration::ZERO)
            }
        );
        assert_eq!(
            class(429, &[("retry-after", "soon")], false),
            Class::Retryable { after: None }
        );
    }

    #[test]
    fn a_retry_after_longer_than_a_vendor_can_mean_is_none() {
        let longest = Class::Retryable {
            after: Some(LONGEST_WAIT),
        };
        assert_eq!(class(429, &[("retry-after", "90000")], true), longest);
        for odd in [
            "90001",
            "1793721600",
            "1793721600000",
            "Wed, 03 Nov 2027 16:00:00 GMT",
        ] {
            let unknown = Class::Retryable { after: None };
            assert_eq!(class(429, &[("retry-after", odd)], true), unknown, "{odd}");
            // Nor does it make a refusal of what may come after the work.
            assert_eq!(class(503, &[("retry-after", odd)], true), Class::Unclear);
        }
    }

    #[test]
    fn a_status_alone_never_says_that_a_thing_is_not_there() {
        for status in [404, 410] {
            assert_eq!(class(status, &[], true), Class::Unclear, "{status}");
            let again = Class::Retryable { after: None };
            assert_eq!(class(status, &[], false), again, "{status}");
        }
    }

    #[test]
    fn everything_else_is_final() {
        for status in [301, 302, 400, 403, 405, 409, 422, 451] {
            assert_eq!(class(status, &[], true), Class::Permanent, "{status}");
        }
        assert_eq!(class(401, &[], true), Class::Unauthorised);
    }
}
