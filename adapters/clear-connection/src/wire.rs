//! Reading members of JSON that somebody else wrote.
//!
//! Every reader takes "absent", `null`, and a value of the wrong shape for the same thing: not
//! told. What must be told is decided by the caller.

use relay_core::time::Timestamp;
use serde_json::Value;

use crate::types::When;

/// The longest id that is believed to be one, in bytes.
const MAX_ID: usize = 200;

/// Text without surrounding spaces; `None` when there is nothing but spaces.
pub(crate) fn text(value: Option<&Value>) -> Option<String> {
    let text = value?.as_str()?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// Text to the character: for what is compared or shown as it was written.
pub(crate) fn exact_text(value: Option<&Value>) -> Option<String> {
    value?.as_str().map(str::to_owned)
}

/// An id: text or a whole number, because the same object may be either from one answer to the
/// next (E39).
pub(crate) fn id<T: From<String>>(value: Option<&Value>) -> Option<T> {
    let id = match value? {
        Value::Number(number) if number.is_u64() || number.is_i64() => number.to_string(),
        other => text(Some(other))?,
    };
    (id.len() <= MAX_ID).then(|| T::from(id))
}

/// A truth value, also as a word or a number.
pub(crate) fn flag(value: Option<&Value>) -> Option<bool> {
    match value? {
        Value::Bool(flag) => Some(*flag),
        Value::Number(number) => match number.as_i64()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        },
        Value::String(word) => match word.trim() {
            "true" | "yes" | "1" => Some(true),
            "false" | "no" | "0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// A day or an instant.
pub(crate) fn when(value: Option<&Value>) -> Option<When> {
    When::parse(value?.as_str()?)
}

/// An instant; a bare day is not one.
pub(crate) fn instant(value: Option<&Value>) -> Option<Timestamp> {
    when(value)?.instant()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_id_may_be_a_number_or_text_but_not_nothing() {
        assert_eq!(id::<String>(Some(&json!(7))), Some("7".to_owned()));
        assert_eq!(id::<String>(Some(&json!(" 7 "))), Some("7".to_owned()));
        for nothing in [json!(""), json!("  "), json!(null), json!(1.5), json!([7])] {
            assert_eq!(id::<String>(Some(&nothing)), None, "{nothing}");
        }
        assert_eq!(id::<String>(None), None);
        assert_eq!(id::<String>(Some(&json!("x".repeat(201)))), None);
    }

    #[test]
    fn a_bare_day_is_no_instant() {
        assert_eq!(instant(Some(&json!("2026-11-03"))), None);
        assert!(instant(Some(&json!("2026-11-03T09:00:00-07:00"))).is_some());
    }

    #[test]
    fn truth_may_be_spelt() {
        assert_eq!(flag(Some(&json!("true"))), Some(true));
        assert_eq!(flag(Some(&json!(0))), Some(false));
        assert_eq!(flag(Some(&json!("perhaps"))), None);
        assert_eq!(flag(Some(&json!(null))), None);
    }
}
