//! Who acts for a coach while she is away (A25).
//!
//! Time off is a period of whole days, by the clinic's calendar, with a deputy. What a coach is asked, calls she
//! should make and, unless the clinic says otherwise, messages in her name are the deputy's during it; her clients
//! and their cases stay hers, and come back by themselves on the day after.
//!
//! Rules:
//! - A deputy who is away herself has a deputy of her own: the chain is followed to somebody who is there.
//! - No chain leads back to where it began: what would make one is refused before it is stored
//!   ([`TimeOffList::leads_back`]). Should a damaged row make one all the same, the coach acts for herself: a question
//!   that waits for her is found by its reminder, one that goes round in a circle by nobody.

use serde::{Deserialize, Serialize};

use crate::ids::CoachId;
use crate::time::Date;

/// A period in which a coach is away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeOff {
    /// The coach who is away.
    pub coach: CoachId,
    /// The first day.
    pub from: Date,
    /// The last day. Before `from` where it was called off.
    pub until: Date,
    /// Who acts for her.
    pub deputy: CoachId,
}

impl TimeOff {
    /// Whether the coach is away on `day`.
    pub fn covers(&self, day: Date) -> bool {
        self.from <= day && day <= self.until
    }

    /// Whether both have a day in common.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.from <= other.until
            && other.from <= self.until
            && self.from <= self.until
            && other.from <= other.until
    }

    /// The first day on which she is there again.
    pub fn back_on(&self) -> Date {
        self.until.tomorrow().unwrap_or(Date::MAX)
    }
}

/// Who acts for a coach on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acting<'a> {
    /// Who acts: the coach herself or somebody else.
    pub coach: &'a CoachId,
    /// Her own time off, where somebody else acts.
    pub while_away: Option<&'a TimeOff>,
}

/// Every period that is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TimeOffList(Vec<TimeOff>);

impl FromIterator<TimeOff> for TimeOffList {
    fn from_iter<I: IntoIterator<Item = TimeOff>>(periods: I) -> Self {
        Self(periods.into_iter().collect())
    }
}

impl TimeOffList {
    /// A list without any period.
    pub const EMPTY: &'static Self = &Self(Vec::new());

    /// Every period, in the order in which they were given.
    pub fn iter(&self) -> impl Iterator<Item = &TimeOff> {
        self.0.iter()
    }

    /// The period in which `coach` is away on `day`.
    pub fn of(&self, coach: &CoachId, day: Date) -> Option<&TimeOff> {
        let mut periods = self.0.iter();
        periods.find(|period| period.coach == *coach && period.covers(day))
    }

    /// Who acts for `coach` on `day`.
    pub fn acting_for<'a>(&'a self, coach: &'a CoachId, day: Date) -> Acting<'a> {
        let herself = Acting {
            coach,
            while_away: None,
        };
        let Some(own) = self.of(coach, day) else {
            return herself;
        };
        let mut acting = &own.deputy;
        // A chain without a circle has no more links than there are periods.
        for _ in 0..self.0.len() {
            match self.of(acting, day) {
                None => {
                    return Acting {
                        coach: acting,
                        while_away: Some(own),
                    };
                }
                Some(next) => acting = &next.deputy,
            }
        }
        herself
    }

    /// The first day on which `new`, added to the list, would make a chain of deputies lead back to her.
    pub fn leads_back(&self, new: &TimeOff) -> Option<Date> {
        let mut day = new.from;
        while day <= new.until {
            let mut acting = &new.deputy;
            for _ in 0..=self.0.len() {
                if *acting == new.coach {
                    return Some(day);
                }
                match self.of(acting, day) {
                    None => break,
                    Some(next) => acting = &next.deputy,
                }
            }
            day = day.tomorrow().ok()?;
        }
        None
    }

    /// Those for whom `deputy` acts on `day`, directly or for another deputy.
    pub fn relying_on(&self, deputy: &CoachId, day: Date) -> Vec<&CoachId> {
        let away = self.0.iter().filter(|period| period.covers(day));
        let relies = |period: &&TimeOff| self.passes(&period.coach, deputy, day);
        away.filter(relies).map(|period| &period.coach).collect()
    }

    /// Whether the chain from `coach` passes `deputy`, whoever it ends with.
    fn passes(&self, coach: &CoachId, deputy: &CoachId, day: Date) -> bool {
        let mut acting = coach;
        for _ in 0..self.0.len() {
            match self.of(acting, day) {
                None => return false,
                Some(next) if next.deputy == *deputy => return true,
                Some(next) => acting = &next.deputy,
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Date {
        text.parse().expect("a date")
    }

    fn off(coach: &str, from: &str, until: &str, deputy: &str) -> TimeOff {
        TimeOff {
            coach: coach.into(),
            from: day(from),
            until: day(until),
            deputy: deputy.into(),
        }
    }

    fn acting(list: &TimeOffList, coach: &str, on: &str) -> String {
        list.acting_for(&coach.into(), day(on)).coach.to_string()
    }

    #[test]
    fn a_deputy_acts_from_the_first_day_to_the_last_and_not_a_day_longer() {
        let list = TimeOffList::from_iter([off("beth", "2026-11-09", "2026-11-13", "cleo")]);
        let on = [
            ("2026-11-08", "beth"),
            ("2026-11-09", "cleo"),
            ("2026-11-13", "cleo"),
            ("2026-11-14", "beth"),
        ];
        for (date, who) in on {
            assert_eq!(acting(&list, "beth", date), who, "{date}");
            assert_eq!(acting(&list, "cleo", date), "cleo", "{date}");
        }
        let beth = CoachId::from("beth");
        let stands_in = list.acting_for(&beth, day("2026-11-09"));
        let back = stands_in.while_away.map(TimeOff::back_on);
        assert_eq!(back, Some(day("2026-11-14")));
    }

    #[test]
    fn a_deputy_who_is_away_herself_has_one_too() {
        let list = TimeOffList::from_iter([
            off("beth", "2026-11-09", "2026-11-20", "cleo"),
            off("cleo", "2026-11-12", "2026-11-12", "ivy"),
        ]);
        assert_eq!(acting(&list, "beth", "2026-11-11"), "cleo");
        assert_eq!(acting(&list, "beth", "2026-11-12"), "ivy");
        assert_eq!(acting(&list, "beth", "2026-11-13"), "cleo");
        let relying: Vec<_> = list.relying_on(&"ivy".into(), day("2026-11-12"));
        assert_eq!(relying, [&CoachId::from("beth"), &CoachId::from("cleo")]);
        assert!(list.relying_on(&"ivy".into(), day("2026-11-13")).is_empty());
    }

    #[test]
    fn what_would_lead_back_is_found_on_its_first_day() {
        let list = TimeOffList::from_iter([
            off("beth", "2026-11-09", "2026-11-20", "cleo"),
            off("ivy", "2026-11-18", "2026-11-19", "beth"),
        ]);
        let leads = |new: TimeOff| list.leads_back(&new);
        assert_eq!(
            leads(off("cleo", "2026-11-01", "2026-11-30", "beth")),
            Some(day("2026-11-09"))
        );
        assert_eq!(
            leads(off("cleo", "2026-11-16", "2026-11-30", "ivy")),
            Some(day("2026-11-18"))
        );
        assert_eq!(leads(off("cleo", "2026-11-20", "2026-11-30", "ivy")), None);
        assert_eq!(
            leads(off("dana", "2026-11-01", "2026-11-02", "dana")),
            Some(day("2026-11-01"))
        );
    }

    #[test]
    fn a_circle_in_damaged_rows_ends_with_the_coach_herself() {
        let list = TimeOffList::from_iter([
            off("beth", "2026-11-09", "2026-11-20", "cleo"),
            off("cleo", "2026-11-09", "2026-11-20", "beth"),
        ]);
        assert_eq!(acting(&list, "beth", "2026-11-10"), "beth");
        assert_eq!(acting(&list, "cleo", "2026-11-10"), "cleo");
    }

    #[test]
    fn what_was_called_off_covers_and_overlaps_nothing() {
        let called_off = off("beth", "2026-11-09", "2026-11-08", "cleo");
        assert!(!called_off.covers(day("2026-11-09")));
        assert!(!called_off.overlaps(&off("beth", "2026-11-01", "2026-11-30", "cleo")));
        assert!(
            off("beth", "2026-11-01", "2026-11-09", "cleo").overlaps(&off(
                "beth",
                "2026-11-09",
                "2026-11-09",
                "ivy"
            ))
        );
    }
}
