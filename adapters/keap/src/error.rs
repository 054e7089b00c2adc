//! The shapes of Keap's refusals, and what may be said of them.
//!
//! Four shapes are known and any may meet any status: the gateway's fault, the v2 error, the v1
//! error, and HTML. They are tried in that order. A code is preferred to a message, because a
//! message may quote a person; where there is only a message it goes through
//! [`relay_http_client::redact`].

use http::StatusCode;
use relay_core::retry::Class;
use relay_core::time::{SignedDuration, Timestamp};
use relay_http_client::{Answer, CallError, classify, redact};
use serde_json::Value;

use crate::VENDOR;

/// The error for an answer that is not a success. `mutating` decides whether a server error
/// leaves the outcome unclear; `now` turns dates into durations.
///
/// Beyond the common table: 404 with Keap's own error is "there is no such thing" (permanent), and
/// without it says nothing about the thing (its body decides); 501 is a call that Keap never carries out (permanent);
/// and where the day's quota is used up, the wait is until it is renewed.
pub fn refusal(
    operation: &'static str,
    answer: &Answer,
    mutating: bool,
    now: Timestamp,
) -> CallError {
    let class = match classify(answer.status, &answer.headers, mutating, now) {
        _ if answer.status == StatusCode::NOT_IMPLEMENTED => Class::Permanent,
        _ if answer.status == StatusCode::NOT_FOUND && says_absent(&answer.body) => {
            Class::Permanent
        }
        Class::Retryable { after } if answer.status == StatusCode::TOO_MANY_REQUESTS => {
            Class::Retryable {
                after: after.or_else(|| until_quota_is_renewed(answer, now)),
            }
        }
        class => class,
    };
    CallError {
        vendor: Some(VENDOR),
        class,
        operation,
        status: Some(answer.status.as_u16()),
        message: match class {
            Class::Retryable { .. } | Class::Unclear if is_gone_status(answer.status) => format!(
                "{}, and not Keap's own error: is the address of Keap right?",
                words(&answer.body)
            ),
            _ => words(&answer.body),
        },
    }
}

fn is_gone_status(status: StatusCode) -> bool {
    matches!(status, StatusCode::NOT_FOUND | StatusCode::GONE)
}

/// Whether the body of a 404 is the API's own error, which alone says that an object isn't there.
///
/// Two shapes count: that of v2 as described, with `code` as a number or as text (both recorded),
/// and the recorded sentence of v1, which some answers of v2 wear as well. A page of the gateway, its
/// `fault`, an empty body and the JSON of anybody else on the way do not.
fn says_absent(body: &[u8]) -> bool {
    let Ok(Value::Object(error)) = serde_json::from_slice::<Value>(body) else {
        return false;
    };
    let text = |name: &str| error.get(name).and_then(Value::as_str);
    let Some(message) = text("message") else {
        return false;
    };
    let v2_code = match error.get("code") {
        Some(Value::Number(code)) => code.as_u64() == Some(404),
        Some(Value::String(code)) => code == "404",
        _ => false,
    };
    let v2 = v2_code && text("status").is_some() && error.contains_key("details");
    let v1 = V1_MEMBERS
        .iter()
        .filter(|name| error.contains_key(**name))
        .count()
        == error.len()
        && message.starts_with(V1_ABSENT);
    v2 || v1
}

/// What an error of v1 may hold.
const V1_MEMBERS: [&str; 5] = [
    "message",
    "cause",
    "stackTrace",
    "localizedMessage",
    "suppressed",
];

/// How v1 says that there is no such object, as recorded for contacts.
const V1_ABSENT: &str = "Unable to find ";

/// Whether the gateway refused, which it does before it looks at the path: nothing was done.
pub(crate) fn is_gateways(answer: &Answer) -> bool {
    serde_json::from_slice::<Value>(&answer.body)
        .is_ok_and(|body| body.pointer("/fault/detail/errorcode").is_some())
}

/// How long until the day's quota is renewed, if the headers say that none is left. An empty
/// header means unknown, not zero.
fn until_quota_is_renewed(answer: &Answer, now: Timestamp) -> Option<SignedDuration> {
    let day = crate::quota::read(&answer.headers).key_day;
    if day.available? > 0 {
        return None;
    }
    let wait = day.expires?.duration_since(now);
    // More than a day is no end of a day.
    let sensible = SignedDuration::ZERO..=SignedDuration::from_hours(25);
    sensible.contains(&wait).then_some(wait)
}

/// What a refusal says, without a person in it.
fn words(body: &[u8]) -> String {
    let Ok(value) = serde_json::from_slice::<Value>(body) else {
        return match body.trim_ascii_start().first() {
            None => "no body".to_owned(),
            Some(b'<') => "an HTML page".to_owned(),
            Some(_) => "an unreadable body".to_owned(),
        };
    };
    let text = |pointer: &str| match value.pointer(pointer) {
        Some(Value::String(text)) if !text.trim().is_empty() => Some(text.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    };
    // A gateway's code is one long dotted word, which redaction would take for a secret.
    let dotted = |code: &String| {
        code.len() <= 80
            && code
                .chars()
                .all(|c| c.is_ascii_alphabetic() || "._2".contains(c))
    };
    if let Some(code) = text("/fault/detail/errorcode").filter(dotted) {
        return code;
    }
    if let Some(code) = text("/status").or_else(|| text("/error")) {
        return redact(&code);
    }
    text("/fault/faultstring")
        .or_else(|| text("/message"))
        .map_or_else(|| "no message".to_owned(), |message| redact(&message))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::HeaderMap;
    use proptest::prelude::*;

    use super::*;

    fn now() -> Timestamp {
        "2026-11-03T16:00:00Z".parse().expect("a valid time")
    }

    fn answer(status: u16, headers: &[(&'static str, &str)], body: &'static [u8]) -> Answer {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().expect("a valid header"));
        }
        Answer {
            status: StatusCode::from_u16(status).expect("a status"),
            headers: map,
            body: Bytes::from_static(body),
        }
    }

    fn of(status: u16, body: &'static [u8], mutating: bool) -> CallError {
        refusal("keap test", &answer(status, &[], body), mutating, now())
    }

    #[test]
    fn each_shape_of_refusal_is_quoted_by_its_code() {
        let fault = include_bytes!("../../../fixtures/keap/error-gateway.json");
        let error = of(401, fault, false);
        assert_eq!(error.message, "keymanagement.service.invalid_access_token");
        assert_eq!(
            (error.class, error.vendor),
            (Class::Unauthorised, Some("keap"))
        );

        let throttled = include_bytes!("../../../fixtures/keap/error-throttled.json");
        let error = of(429, throttled, true);
        assert_eq!(error.message, "Request Throttled");
        assert_eq!(error.class, Class::Retryable { after: None });

        assert_eq!(
            of(404, br#"{"message":"Unable to find this Contact"}"#, false).message,
            "Unable to find this Contact"
        );
        assert_eq!(
            of(400, b"<html><b>jane@example.test</b>", false).message,
            "an HTML page"
        );
        assert_eq!(of(502, b"", false).message, "no body");
        assert_eq!(of(400, b"[]", false).message, "no message");
    }

    #[test]
    fn only_keaps_own_error_says_that_a_thing_is_not_there() {
        let own: [&[u8]; 3] = [
            br#"{"code":404,"message":"Unable to find this Contact","status":"NOT_FOUND","details":[]}"#,
            br#"{"code":"404","message":"x","status":"Not Found","details":null}"#,
            br#"{"message":"Unable to find this Contact"}"#,
        ];
        for body in own {
            for mutating in [false, true] {
                let error = of(404, body, mutating);
                assert!(error.is_not_found() && !error.may_be_wrong_address());
            }
        }
        let others: [&[u8]; 8] = [
            b"",
            b"<!DOCTYPE html><title>Page not found</title>",
            b"{}",
            b"[]",
            br#"{"message":"no Route matched with those values"}"#,
            br#"{"code":200,"message":"x","status":"OK","details":[]}"#,
            br#"{"error":{"code":"not_found","message":"no such client"}}"#,
            br#"{"fault":{"faultstring":"x","detail":{"errorcode":"messaging.adaptors.http.flow.ApplicationNotFound"}}}"#,
        ];
        for body in others {
            let read = of(404, body, false);
            assert_eq!(read.class, Class::Retryable { after: None });
            assert!(!read.is_not_found() && read.may_be_wrong_address());
            assert_eq!(of(404, body, true).class, Class::Unclear);
        }
        // Said of another status, it is no absence either.
        assert!(!of(400, own[0], false).is_not_found());
    }

    #[test]
    fn a_person_in_a_message_is_taken_out() {
        let error = of(
            400,
            br#"{"message":"jane@example.test (303-555-0134) is not valid"}"#,
            true,
        );
        assert_eq!(error.message, "… … is not valid");
    }

    #[test]
    fn a_server_error_leaves_a_write_unclear_but_not_a_read() {
        assert_eq!(of(500, b"{}", true).class, Class::Unclear);
        assert_eq!(
            of(500, b"{}", false).class,
            Class::Retryable { after: None }
        );
        assert_eq!(of(501, b"{}", true).class, Class::Permanent);
        assert_eq!(of(409, b"{}", true).class, Class::Permanent);
        assert_eq!(of(403, b"{}", false).class, Class::Permanent);
    }

    #[test]
    fn an_empty_quota_waits_until_it_is_renewed() {
        let midnight = now().as_millisecond() + 3_600_000;
        let headers = [
            ("x-keap-product-quota-available", "0"),
            (
                "x-keap-product-quota-expiry-time",
                &midnight.to_string() as &str,
            ),
        ];
        let class = refusal("keap test", &answer(429, &headers, b"{}"), true, now()).class;
        let hour = SignedDuration::from_hours(1);
        assert_eq!(class, Class::Retryable { after: Some(hour) });
    }

    #[test]
    fn an_empty_or_odd_quota_header_is_unknown_rather_than_zero() {
        for (available, expiry) in [
            ("", ""),
            ("0", ""),
            ("0", "1723680"),
            ("5", "1793725200000"),
        ] {
            let headers = [
                ("x-keap-product-quota-available", available),
                ("x-keap-product-quota-expiry-time", expiry),
            ];
            let class = refusal("keap test", &answer(429, &headers, b"{}"), true, now()).class;
            assert_eq!(
                class,
                Class::Retryable { after: None },
                "{available} {expiry}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_body_makes_the_reader_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = words(&body);
        }
    }
}
