//! From the portal's answer to the class of a failure.
//!
//! The contract's error body is `{"error":{"code","message","field"}}`. Only `code` and `field`
//! are quoted, and only when they look like identifiers: a young portal may put a name or an
//! address into its message.
//!
//! *Not there* is a 404 with that error and the code `not_found`, and nothing else: a page of a proxy
//! or of a wrong address says nothing about a client.

use http::StatusCode;
use relay_core::retry::Class;
use relay_core::time::Timestamp;
use relay_http_client::{Answer, CallError, classify};
use serde_json::Value;

use crate::VENDOR;

/// The longest code or field name that is quoted, in characters.
const MAX_WORD: usize = 40;

/// The error for an answer that is not a success.
pub(crate) fn refused(
    operation: &'static str,
    answer: &Answer,
    mutating: bool,
    now: Timestamp,
) -> CallError {
    let class = match classify(answer.status, &answer.headers, mutating, now) {
        _ if answer.status == StatusCode::NOT_FOUND && says_absent(&answer.body) => {
            Class::Permanent
        }
        // It has something under this key, if not these words: only a look can tell what.
        _ if mutating && answer.status == StatusCode::CONFLICT => Class::Unclear,
        class => class,
    };
    let mut error = CallError {
        vendor: Some(VENDOR),
        class,
        operation,
        status: Some(answer.status.as_u16()),
        message: words(&answer.body),
    };
    if error.may_be_wrong_address() {
        error.message += ": is the address of the portal right?";
    }
    error
}

/// Whether the portal itself says that there is no such thing.
fn says_absent(body: &[u8]) -> bool {
    let body: Option<Value> = serde_json::from_slice(body).ok();
    let error = body.as_ref().and_then(|body| body.get("error"));
    error.is_some_and(|error| error["code"] == "not_found" && error["message"].is_string())
}

/// The error for a success whose body can't be used. A write was carried out all the same, so
/// only a probe can find what it made; a read may meet a whole answer next time.
pub(crate) fn unreadable(
    operation: &'static str,
    status: StatusCode,
    mutating: bool,
    what: &str,
) -> CallError {
    CallError {
        vendor: Some(VENDOR),
        class: if mutating {
            Class::Unclear
        } else {
            Class::Retryable { after: None }
        },
        operation,
        status: Some(status.as_u16()),
        message: what.to_owned(),
    }
}

fn words(body: &[u8]) -> String {
    let body: Option<Value> = serde_json::from_slice(body).ok();
    let error = body.as_ref().and_then(|body| body.get("error"));
    let word = |name| {
        error
            .and_then(|error| error.get(name))
            .and_then(Value::as_str)
            .filter(|word| is_identifier(word))
    };
    match (word("code"), word("field")) {
        (Some(code), Some(field)) => format!("{code} (field {field})"),
        (Some(code), None) => code.to_owned(),
        (None, _) => "no error code in the answer".to_owned(),
    }
}

fn is_identifier(word: &str) -> bool {
    !word.is_empty()
        && word.len() <= MAX_WORD
        && word
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "_.-".contains(c))
        && word.chars().filter(char::is_ascii_digit).count() < 3
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::HeaderMap;

    use super::*;

    fn of(status: u16, body: &'static [u8], mutating: bool) -> CallError {
        let answer = Answer {
            status: StatusCode::from_u16(status).expect("a status"),
            headers: HeaderMap::new(),
            body: Bytes::from_static(body),
        };
        refused("portal test", &answer, mutating, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn only_the_portals_own_error_says_that_a_client_is_not_there() {
        let own = br#"{"error":{"code":"not_found","message":"no such client"}}"#;
        assert!(of(404, own, false).is_not_found() && of(404, own, true).is_not_found());
        assert_eq!(of(404, own, false).vendor, Some("portal"));
        let others: [&[u8]; 5] = [
            b"",
            b"<html>Not found</html>",
            br#"{"error":{"code":"not_found"}}"#,
            br#"{"error":"not_found","message":"no such client"}"#,
            br#"{"code":404,"message":"Unable to find this Contact","status":"x","details":[]}"#,
        ];
        for body in others {
            let read = of(404, body, false);
            assert_eq!(read.class, Class::Retryable { after: None });
            assert!(!read.is_not_found() && read.may_be_wrong_address());
            assert_eq!(of(404, body, true).class, Class::Unclear);
        }
    }

    #[test]
    fn only_identifiers_are_quoted() {
        assert_eq!(
            words(br#"{"error":{"code":"invalid","field":"text","message":"Maya is away"}}"#),
            "invalid (field text)"
        );
        for silent in [
            &br#"{"error":{"code":"maya@example.test"}}"#[..],
            br#"{"error":{"code":"c-3035550134"}}"#,
            br#"{"error":"Maya is away"}"#,
            b"<html>Maya</html>",
            b"",
        ] {
            assert_eq!(words(silent), "no error code in the answer");
        }
    }
}
