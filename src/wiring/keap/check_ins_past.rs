//! What became of check-ins of the past, by what a contact shows now and by the facts.

use std::collections::BTreeMap;

use relay_core::clients::CheckIn;
use relay_core::facts::FactBody;
use relay_core::ids::CheckInId;
use relay_core::time::{Date, Timestamp};
use relay_store::FactRow;

/// What a contact shows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown {
    /// The tag of a missed check-in is on.
    pub(super) missed: bool,
    /// The tag of those who have checked in is on.
    pub(super) checked_in: bool,
    /// The day it was due.
    pub(super) due: Option<Date>,
    /// The day of the last check-in.
    pub(super) last: Option<Date>,
}

impl Shown {
    /// Whether the check-in due on this day is there.
    pub(super) fn is_there(self, due: Date) -> bool {
        self.checked_in || self.last.is_some_and(|last| last >= due)
    }
}

/// What is known of a check-in of the past.
#[derive(Debug)]
pub(super) struct Past {
    due: Date,
    submitted: Option<Timestamp>,
    withdrawn: bool,
}

pub(super) fn past(facts: &[FactRow]) -> BTreeMap<CheckInId, Past> {
    let mut known: BTreeMap<CheckInId, Past> = BTreeMap::new();
    let mut dated = |id: &CheckInId, due: Date| {
        let unknown = Past {
            due,
            submitted: None,
            withdrawn: false,
        };
        known.entry(id.clone()).or_insert(unknown).due = due;
    };
    for row in facts {
        match &row.fact.body {
            FactBody::CheckInDue { check_in, due, .. } => dated(check_in, *due),
            FactBody::CheckInMissed { check_in, .. } => dated(&check_in.id, check_in.due),
            _ => {}
        }
    }
    // What ended one may have been told before its day was.
    for row in facts {
        match &row.fact.body {
            FactBody::CheckInSubmitted { check_in, .. } => {
                if let Some(past) = known.get_mut(check_in) {
                    past.submitted.get_or_insert(row.fact.source_time);
                }
            }
            FactBody::CheckInWithdrawn { check_in } => {
                if let Some(past) = known.get_mut(check_in) {
                    past.withdrawn = true;
                }
            }
            _ => {}
        }
    }
    known
}

/// One of the past, as it stands now; `None` where that can't be told.
pub(super) fn as_it_stands(
    id: CheckInId,
    past: &Past,
    shown: Shown,
    now: Timestamp,
) -> Option<CheckIn> {
    let mut one = CheckIn {
        id,
        due: past.due,
        due_at: None,
        submitted_at: past.submitted,
        withdrawn: past.withdrawn,
    };
    if one.submitted_at.is_some() || one.withdrawn {
        return Some(one);
    }
    if !shown.missed || shown.is_there(past.due) {
        one.submitted_at = Some(now);
        return Some(one);
    }
    // The tag is on. Another day has taken its place; or none, and nothing is known.
    shown.due?;
    one.withdrawn = true;
    Some(one)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Date {
        text.parse().expect("a day")
    }

    fn now() -> Timestamp {
        "2026-11-06T16:00:00Z".parse().expect("a time")
    }

    fn stands(past: &Past, shown: Shown) -> Option<(bool, bool)> {
        let one = as_it_stands(past.due.to_string().into(), past, shown, now())?;
        Some((one.submitted_at.is_some(), one.withdrawn))
    }

    #[test]
    fn one_of_the_past_is_there_moved_or_unknown_by_what_the_contact_shows() {
        let open = Past {
            due: day("2026-11-03"),
            submitted: None,
            withdrawn: false,
        };
        let off = Shown {
            missed: false,
            checked_in: false,
            due: None,
            last: None,
        };
        let on = Shown {
            missed: true,
            ..off
        };
        let later = Some(day("2026-11-24"));
        let (there, moved) = (Some((true, false)), Some((false, true)));
        assert_eq!(stands(&open, off), there, "the tag is off");
        assert_eq!(stands(&open, Shown { due: later, ..off }), there);
        assert_eq!(stands(&open, Shown { due: later, ..on }), moved);
        assert_eq!(stands(&open, on), None, "no day: nothing is known");
        for last in ["2026-11-03", "2026-11-05"] {
            let last = Some(day(last));
            assert_eq!(stands(&open, Shown { last, ..on }), there);
            assert_eq!(
                stands(
                    &open,
                    Shown {
                        last,
                        due: later,
                        ..on
                    }
                ),
                there
            );
        }
        let last = Some(day("2026-11-02"));
        assert_eq!(
            stands(
                &open,
                Shown {
                    last,
                    due: later,
                    ..on
                }
            ),
            moved
        );
        let tagged = Shown {
            checked_in: true,
            due: later,
            ..on
        };
        assert_eq!(stands(&open, tagged), there);
        // What is over stays over.
        let withdrawn = Past {
            withdrawn: true,
            ..open
        };
        assert_eq!(stands(&withdrawn, off), moved);
        let submitted = Past {
            submitted: Some(now()),
            withdrawn: false,
            due: withdrawn.due,
        };
        assert_eq!(stands(&submitted, Shown { due: later, ..on }), there);
    }
}
