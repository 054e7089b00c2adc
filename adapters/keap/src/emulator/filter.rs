//! The filter grammar of v2 lists: `field==value` clauses joined with `;`. Other operators and
//! wildcards, which some of Keap's fields take, are refused, because nothing of ours sends them. A
//! field that a list doesn't know is refused, too; a query parameter that nobody knows is not (see
//! `list.rs`).

use relay_core::time::Timestamp;
use relay_http_client::emulation::listing::{Condition, Filter, FilterKind};

/// Reads a filter. An empty clause (a trailing `;`) is let pass.
pub(super) fn conditions(text: &str, filters: &[Filter<'_>]) -> Result<Vec<Condition>, String> {
    text.split(';')
        .filter(|clause| !clause.trim().is_empty())
        .map(|clause| condition(clause, filters))
        .collect()
}

fn condition(clause: &str, filters: &[Filter<'_>]) -> Result<Condition, String> {
    let split = clause.split_once("==");
    let (name, value) = split.ok_or_else(|| format!("Invalid filter: {clause}"))?;
    let filter = filters
        .iter()
        .find(|filter| filter.name.eq_ignore_ascii_case(name))
        .ok_or_else(|| format!("Invalid filter field, or none of the emulator's: {name}"))?;
    let timely = filter.kind != FilterKind::Since || strict_time(value).is_some();
    let usable = timely && !value.is_empty() && !value.contains('*');
    let condition = filter.with(value).filter(|_| usable);
    condition.ok_or_else(|| format!("Invalid value for filter field: {name}"))
}

/// A whole ISO-8601 time with milliseconds and a zone; anything shorter is refused.
pub(super) fn strict_time(value: &str) -> Option<Timestamp> {
    let (_, fraction) = value.split_once('.')?;
    let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
    if digits < 3 {
        return None;
    }
    value.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use relay_http_client::emulation::listing::by;

    use super::*;

    const FILTERS: [Filter<'static>; 2] = [
        by("contact_id", FilterKind::Word),
        by("since", FilterKind::Since),
    ];

    #[test]
    fn clauses_are_split_and_a_trailing_separator_is_let_pass() {
        let read = |text| conditions(text, &FILTERS).map(|read| read.len());
        let since = "contact_id==12;since==2026-08-01T00:00:00.000Z;";
        assert_eq!(read(since), Ok(2));
        assert_eq!(read(""), Ok(0));
    }

    #[test]
    fn what_is_no_clause_is_refused() {
        for text in [
            "contact_id",
            "=12",
            "contact_id=12",
            "contact_id>12",
            "==12",
            "contact_id==",
            "contact_id==1*",
            "other==1",
        ] {
            assert!(conditions(text, &FILTERS).is_err(), "{text}");
        }
    }

    #[test]
    fn a_time_without_milliseconds_or_zone_is_refused() {
        assert!(strict_time("2026-08-01T00:00:00.000Z").is_some());
        for text in [
            "2026-08-01",
            "2026-08-01T00:00:00Z",
            "2026-08-01T00:00:00.000",
        ] {
            assert!(strict_time(text).is_none(), "{text}");
            assert!(conditions(&format!("since=={text}"), &FILTERS).is_err());
        }
    }

    proptest! {
        #[test]
        fn no_filter_makes_it_panic(text in "\\PC*", value in "\\PC*") {
            for text in [text, format!("contact_id=={value}"), format!("since=={value}")] {
                let _ = conditions(&text, &FILTERS);
            }
        }
    }
}
