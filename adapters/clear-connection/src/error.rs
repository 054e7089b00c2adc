//! From the portal's answer to the class of a failure.
//!
//! The contract's error body is `{"error":{"code","message","field"}}`. Only `code` and `field`
//! are quoted, and only when they look like identifiers: a young portal may put a name or an
//! address into its message.

use http::StatusCode;
use relay_core::retry::Class;
use relay_core::time::Timestamp;
use relay_http_client::{Answer, CallError, classify};
use serde_json::Value;

/// The longest code or field name that is quoted, in characters.
const MAX_WORD: usize = 40;

/// The error for an answer that is not a success.
pub(crate) fn refused(
    operation: &'static str,
    answer: &Answer,
    mutating: bool,
    now: Timestamp,
) -> CallError {
    CallError {
        class: classify(answer.status, &answer.headers, mutating, now),
        operation,
        status: Some(answer.status.as_u16()),
        message: words(&answer.body),
    }
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
    use super::words;

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
