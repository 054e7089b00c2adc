//! The calendar as configuration writes it, and the check that makes it a [`Calendar`].
//!
//! [`Calendar`]: super::Calendar

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::time::{Date, Time, TimeZone, Weekday};

/// A span of civil time within one day: from `from` inclusive to `to` exclusive.
///
/// Never reaches over midnight; a calendar with `to` at or before `from` is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// The first allowed minute.
    pub from: Time,
    /// The first minute that is no longer allowed.
    pub to: Time,
}

impl Hours {
    /// From `from` o'clock to `to` o'clock (0–23).
    pub const fn oclock(from: i8, to: i8) -> Self {
        Self {
            from: Time::constant(from, 0, 0, 0),
            to: Time::constant(to, 0, 0, 0),
        }
    }
}

/// Office hours by weekday; a weekday without hours is closed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfficeHours {
    /// Monday's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monday: Option<Hours>,
    /// Tuesday's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tuesday: Option<Hours>,
    /// Wednesday's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wednesday: Option<Hours>,
    /// Thursday's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thursday: Option<Hours>,
    /// Friday's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub friday: Option<Hours>,
    /// Saturday's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saturday: Option<Hours>,
    /// Sunday's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sunday: Option<Hours>,
}

impl OfficeHours {
    /// The same hours from Monday to Friday, closed at the weekend.
    pub const fn weekdays(hours: Hours) -> Self {
        Self {
            monday: Some(hours),
            tuesday: Some(hours),
            wednesday: Some(hours),
            thursday: Some(hours),
            friday: Some(hours),
            saturday: None,
            sunday: None,
        }
    }

    /// The hours of `weekday`, if it has any.
    pub fn on(&self, weekday: Weekday) -> Option<Hours> {
        match weekday {
            Weekday::Monday => self.monday,
            Weekday::Tuesday => self.tuesday,
            Weekday::Wednesday => self.wednesday,
            Weekday::Thursday => self.thursday,
            Weekday::Friday => self.friday,
            Weekday::Saturday => self.saturday,
            Weekday::Sunday => self.sunday,
        }
    }

    /// Each weekday's key and hours, Monday first.
    pub(super) fn named(&self) -> [(&'static str, Option<Hours>); 7] {
        [
            ("monday", self.monday),
            ("tuesday", self.tuesday),
            ("wednesday", self.wednesday),
            ("thursday", self.thursday),
            ("friday", self.friday),
            ("saturday", self.saturday),
            ("sunday", self.sunday),
        ]
    }
}

/// The calendar's data, unchecked; a missing key keeps the default clinic's value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CalendarSettings {
    /// The clinic's IANA time zone.
    pub zone: String,
    /// When a portal message may go out, every day of the year, clinic time (A1, A26).
    pub portal_hours: Hours,
    /// When mail and texts may go out, on open days, in the client's zone (A26, E24).
    pub outreach_hours: Hours,
    /// When coaches call, by weekday, clinic time. A weekday without hours is not a working day.
    pub office_hours: OfficeHours,
    /// Days that are closed every time this list is kept for, such as public holidays.
    pub holidays: BTreeSet<Date>,
    /// Days closed at short notice, such as snow days (E28).
    pub closed_days: BTreeSet<Date>,
}

impl Default for CalendarSettings {
    /// Denver; portal and outreach 9:00–18:00; office Monday to Friday 9:00–17:00; no holidays.
    fn default() -> Self {
        Self {
            zone: "America/Denver".to_owned(),
            portal_hours: Hours::oclock(9, 18),
            outreach_hours: Hours::oclock(9, 18),
            office_hours: OfficeHours::weekdays(Hours::oclock(9, 17)),
            holidays: BTreeSet::new(),
            closed_days: BTreeSet::new(),
        }
    }
}

/// What is wrong with a calendar's settings: every mistake, not only the first.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct CalendarError {
    /// Each of them.
    pub mistakes: Vec<CalendarMistake>,
}

/// A setting that can't be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalendarMistake {
    /// The key, within the section.
    pub key: String,
    /// What is wrong.
    pub wrong: String,
    /// What to write instead.
    pub remedy: &'static str,
}

impl fmt::Display for CalendarMistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.key, self.wrong, self.remedy)
    }
}

fn mistake(key: &str, wrong: impl Into<String>, remedy: &'static str) -> CalendarMistake {
    CalendarMistake {
        key: key.to_owned(),
        wrong: wrong.into(),
        remedy,
    }
}

impl fmt::Display for CalendarError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mistakes: Vec<_> = self.mistakes.iter().map(ToString::to_string).collect();
        write!(f, "the calendar can't be used: {}", mistakes.join("; "))
    }
}

/// Checks `settings`; the clinic's zone, or every mistake.
pub(super) fn check(settings: &CalendarSettings) -> Result<TimeZone, CalendarError> {
    let mut mistakes = Vec::new();
    let zone = known_zone(&settings.zone);
    if zone.is_none() {
        mistakes.push(mistake(
            "zone",
            format!("{:?} is no known time zone", settings.zone),
            "write an IANA name such as \"America/Denver\"",
        ));
    }
    let office = settings.office_hours.named();
    let spans = [
        ("portal_hours", Some(settings.portal_hours)),
        ("outreach_hours", Some(settings.outreach_hours)),
    ];
    for (key, hours) in spans.into_iter().chain(office) {
        if let Some(Hours { from, to }) = hours
            && to <= from
        {
            mistakes.push(mistake(
                key,
                format!("{from} to {to} is empty"),
                "`to` must be later than `from` on the same day",
            ));
        }
    }
    if office.iter().all(|(_, hours)| hours.is_none()) {
        mistakes.push(mistake(
            "office_hours",
            "no weekday is open",
            "give at least one weekday `from` and `to`",
        ));
    }
    match zone {
        Some(zone) if mistakes.is_empty() => Ok(zone),
        _ => Err(CalendarError { mistakes }),
    }
}

/// The zone called `name`; `None` for a name that isn't known or that means "not known"
/// (`Etc/Unknown`), which would otherwise silently behave as UTC.
pub(super) fn known_zone(name: &str) -> Option<TimeZone> {
    TimeZone::get(name).ok().filter(|zone| !zone.is_unknown())
}
