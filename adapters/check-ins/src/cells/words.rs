//! Single words of a cell: ids, days, times, yes and no.

use relay_core::time::{Date, DateTime};

pub(super) fn is_id(id: &str) -> bool {
    let first = id.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
    let rest = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':');
    first && id.bytes().all(rest)
}

pub(super) fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

pub(super) fn flag(text: &str) -> Option<bool> {
    match text.to_lowercase().as_str() {
        "yes" | "true" | "1" => Some(true),
        "no" | "false" | "0" => Some(false),
        _ => None,
    }
}

/// A day written year first, with nothing beside it.
pub(super) fn iso_day(text: &str) -> Option<Date> {
    let shape = text.len() == 10 && text.bytes().filter(|b| *b == b'-').count() == 2;
    shape.then(|| text.parse().ok())?
}

/// A day, year first, with a time of day and no offset.
pub(super) fn local_time(text: &str) -> Option<DateTime> {
    iso_day(text.get(..10)?)?;
    text.parse().ok()
}

/// Which common kind of no day it is.
pub(super) fn day_trouble(text: &str) -> Option<&'static str> {
    let of = |others: &[u8]| {
        let mut bytes = text.bytes();
        bytes.all(|b| b.is_ascii_digit() || others.contains(&b))
    };
    if of(b"") {
        return Some("is a bare number and no day");
    }
    if of(b"/.-") {
        return Some("can be read as two different days, or as none");
    }
    let with_time = text.get(..10).and_then(iso_day).is_some();
    with_time.then_some("has more than a day in it")
}
