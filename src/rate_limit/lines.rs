//! The log lines about a vendor: the first at once, then a count.
//!
//! An outage of an hour makes a line for each trial and each refusal, and the one line that matters
//! (a job was given up) drowns in them.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use relay_core::time::{SignedDuration, Timestamp};

/// The same line about the same vendor is written at most this often, real time.
const EVERY: SignedDuration = SignedDuration::from_mins(10);

/// What was written last, by vendor and kind of line.
#[derive(Debug, Default)]
pub(super) struct Lines(Mutex<HashMap<(&'static str, &'static str), Last>>);

#[derive(Debug)]
struct Last {
    at: Timestamp,
    left_out: u64,
}

impl Lines {
    /// Whether the line is to be written now, and how many like it were left out before it. A
    /// clock that was set back writes it.
    pub(super) fn due(
        &self,
        vendor: &'static str,
        kind: &'static str,
        now: Timestamp,
    ) -> Option<u64> {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(last) = lines.get_mut(&(vendor, kind)) else {
            let first = Last {
                at: now,
                left_out: 0,
            };
            lines.insert((vendor, kind), first);
            return Some(0);
        };
        let since = now.duration_since(last.at);
        if (SignedDuration::ZERO..EVERY).contains(&since) {
            last.left_out += 1;
            return None;
        }
        last.at = now;
        Some(std::mem::take(&mut last.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_of_an_hour_is_seven_lines_and_they_count_the_rest() {
        let lines = Lines::default();
        let start: Timestamp = "2026-11-03T16:00:00Z".parse().expect("a time");
        let mut written = Vec::new();
        for seconds in 0..=3_600 {
            let now = start + SignedDuration::from_secs(seconds);
            written.extend(lines.due("crm", "paused", now));
        }
        assert_eq!(written, [0, 599, 599, 599, 599, 599, 599]);
        assert_eq!(lines.due("portal", "paused", start), Some(0));
        assert_eq!(lines.due("crm", "down", start), Some(0));
        assert_eq!(lines.due("crm", "paused", start), Some(0), "set back");
    }
}
