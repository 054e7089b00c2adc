//! `[incidents]`: when failures of a vendor that many cases meet are one incident.

use relay_core::incidents::IncidentNumbers;
use relay_core::time::SignedDuration;

use super::reader::Reader;

pub(super) const EXAMPLE: &str = r"[incidents]
# So many cases that meet the same failure of a vendor within so many minutes are one incident: the admin gets one
# item, what they wanted waits, and goes on by itself after so many successes in a row.
cases = 3
within_minutes = 10
successes = 3
";

/// The numbers, checked.
pub(super) fn read(mut reader: Reader<'_>) -> IncidentNumbers {
    let default = IncidentNumbers::standard();
    let within = reader.ranged("within_minutes", 1..=1_440);
    let numbers = IncidentNumbers {
        cases: reader.ranged("cases", 2..=1_000).unwrap_or(default.cases),
        within: within.map_or(default.within, |minutes| {
            SignedDuration::from_mins(minutes.into())
        }),
        successes: reader
            .ranged("successes", 1..=1_000)
            .unwrap_or(default.successes),
    };
    reader.finish();
    numbers
}
