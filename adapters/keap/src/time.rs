//! Instants and days as Keap writes them, and as we write them.
//!
//! v1 says `2026-06-12T09:10:55.000+0000`, v2 mostly `…Z`, and hooks have been seen with a zone in
//! brackets (`…Z[UTC]`). All are read; only one form is written, with milliseconds and `Z`, because
//! query values without milliseconds were refused or misread.

use relay_core::time::{Date, Timestamp};
use serde::{Deserialize, Deserializer, de};

/// Reads an instant in any form Keap is known to write. `None` for everything else, including a
/// time without a zone: guessing one would move a message by hours.
pub fn parse(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let text = text
        .split_once('[')
        .map_or(text, |(instant, _zone)| instant);
    text.parse().ok()
}

/// Writes an instant the only way that every filter accepts: `2026-08-01T00:00:00.000Z`.
pub fn format(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// Reads a day, `YYYY-MM-DD`; of a longer text only its date part.
pub fn parse_date(text: &str) -> Option<Date> {
    text.trim().get(..10)?.parse().ok()
}

/// For times that decide something: absent, null or empty is `None`; unreadable is an error,
/// because "never opened" and "opened at a time we can't read" are different findings.
pub(crate) fn strict<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Timestamp>, D::Error> {
    match Option::<String>::deserialize(from)? {
        Some(text) if !text.trim().is_empty() => parse(&text)
            .map(Some)
            .ok_or_else(|| de::Error::custom("unreadable time")),
        _ => Ok(None),
    }
}

/// For times that only inform: whatever can't be read is `None`.
pub(crate) fn lenient<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Timestamp>, D::Error> {
    let value = serde_json::Value::deserialize(from)?;
    Ok(value.as_str().and_then(parse))
}

/// For days that only inform: whatever can't be read is `None`.
pub(crate) fn lenient_date<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Date>, D::Error> {
    let value = serde_json::Value::deserialize(from)?;
    Ok(value.as_str().and_then(parse_date))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a valid time")
    }

    #[test]
    fn every_known_spelling_of_an_instant_is_read() {
        let expected = at("2026-06-12T09:10:55Z");
        for text in [
            "2026-06-12T09:10:55Z",
            "2026-06-12T09:10:55.000Z",
            "2026-06-12T09:10:55.000+0000",
            "2026-06-12T09:10:55+00:00",
            "2026-06-12T03:10:55-0600",
            "2026-06-12T09:10:55Z[UTC]",
            " 2026-06-12T09:10:55Z ",
        ] {
            assert_eq!(parse(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn a_time_without_a_zone_is_not_guessed() {
        for text in ["2026-06-12T09:10:55", "2026-06-12", "", "soon", "[UTC]"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn instants_are_written_with_milliseconds_and_z() {
        assert_eq!(
            format(at("2026-08-01T00:00:00Z")),
            "2026-08-01T00:00:00.000Z"
        );
        assert_eq!(
            format(at("2026-08-01T00:00:00.123456Z")),
            "2026-08-01T00:00:00.123Z"
        );
    }

    #[test]
    fn a_day_is_read_from_a_date_or_from_the_start_of_a_longer_text() {
        let day: Date = "2026-09-01".parse().expect("a valid day");
        assert_eq!(parse_date("2026-09-01"), Some(day));
        assert_eq!(parse_date("2026-09-01T00:00:00.000Z"), Some(day));
        assert_eq!(parse_date("next week"), None);
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parsers_panic(text in "\\PC{0,60}") {
            let _ = (parse(&text), parse_date(&text));
        }
    }
}
