//! The clinic's days and hours: what was true when it was written and is no longer.

use jiff::tz::AmbiguousOffset;
use relay_core::calendar::{Calendar, CalendarSettings, Hours};
use relay_core::time::{Date, SignedDuration, Time, TimeZone, Timestamp, later};

use super::{Area, Finding};

/// How far ahead the list of holidays must reach, in days.
const AHEAD: i64 = 60;
/// How far ahead clock changes are looked for, in days.
const A_YEAR: i64 = 366;

pub(super) fn look(calendar: &Calendar, now: Timestamp) -> Vec<Finding> {
    let settings = calendar.settings();
    let today = calendar.date_of(now);
    let mut findings = Vec::new();
    findings.extend(holidays(settings, today));
    findings.extend(past(settings, today));
    findings.extend(lost_hours(settings, calendar.zone(), now));
    findings.extend(open_days(calendar, today));
    if findings.is_empty() {
        let what = format!("days and hours are set for {}", settings.zone);
        findings.push(Finding::ok(Area::Calendar, "clinic", what));
    }
    findings
}

fn in_days(day: Date, days: i64) -> Date {
    day.saturating_add(SignedDuration::from_hours(24 * days))
}

fn holidays(settings: &CalendarSettings, today: Date) -> Option<Finding> {
    let key = "clinic.holidays";
    let remedy = "write the clinic's holidays of the coming year there (A26)";
    let Some(last) = settings.holidays.last() else {
        let what = format!("{key} is empty: people are called and mailed on public holidays");
        return Some(Finding::warning(Area::Calendar, key, what, remedy));
    };
    (*last < in_days(today, AHEAD)).then(|| {
        let what = format!("{key} ends with {last}: later holidays are not known");
        Finding::warning(Area::Calendar, key, what, remedy)
    })
}

/// Days closed at short notice that are over. They do no harm, and hide the ones that matter.
fn past(settings: &CalendarSettings, today: Date) -> Option<Finding> {
    let over = settings
        .closed_days
        .iter()
        .filter(|day| **day < today)
        .count();
    let first = settings.closed_days.first().filter(|_| over > 0)?;
    let key = "clinic.closed_days";
    let what = format!("{key} has {over} that are over, the first of them {first}");
    Some(Finding::note(Area::Calendar, key, what).with_remedy("take them out"))
}

/// Hours that begin or end in the hour that a clock change leaves out.
fn lost_hours(settings: &CalendarSettings, zone: &TimeZone, now: Timestamp) -> Vec<Finding> {
    let spans = [
        ("clinic.portal_hours", settings.portal_hours),
        ("clinic.outreach_hours", settings.outreach_hours),
    ];
    let until = later(now, SignedDuration::from_hours(24 * A_YEAR));
    let changes: Vec<Date> = zone
        .following(now)
        .map(|change| change.timestamp())
        .take_while(|at| *at < until)
        .map(|at| zone.to_datetime(at).date())
        .collect();
    let lost = |time: Time| {
        let mut days = changes.iter();
        days.find(|day| {
            let local = zone.to_ambiguous_timestamp(day.to_datetime(time));
            matches!(local.offset(), AmbiguousOffset::Gap { .. })
        })
    };
    let mut findings = Vec::new();
    for (key, Hours { from, to }) in spans {
        for time in [from, to] {
            let Some(day) = lost(time) else { continue };
            findings.push(Finding::warning(
                Area::Calendar,
                key,
                format!("{key}: there is no {time} on {day}, when the clocks change"),
                "write hours that begin and end in the day",
            ));
        }
    }
    findings
}

/// A calendar may close every working day there is: then nobody is ever called.
fn open_days(calendar: &Calendar, today: Date) -> Option<Finding> {
    let mut days = (0..AHEAD).map(|n| in_days(today, n));
    if days.any(|day| calendar.is_working_day(day)) {
        return None;
    }
    let what =
        format!("no day of the next {AHEAD} is a working day: nobody is called, mailed or texted");
    let remedy = "take days out of clinic.holidays and clinic.closed_days";
    Some(Finding::fault(Area::Calendar, "clinic", what, remedy))
}
