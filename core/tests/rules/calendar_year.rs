//! Slots over every hour of a year in ten zones, against an independent walk.
//!
//! The walk steps backwards through the year half an hour at a time and asks at each step, by
//! civil time alone, whether sending is allowed there. The earliest allowed step at or after an
//! hour is what a slot must be: not before it, inside the hours, minimal. All openings in these
//! zones fall on half hours, so a step can't miss one.

use std::collections::BTreeSet;

use relay_core::calendar::{Calendar, CalendarSettings};
use relay_core::time::{Date, SignedDuration, TimeZone, Timestamp, Weekday};

const ZONES: [&str; 10] = [
    "Pacific/Kiritimati",
    "Pacific/Pago_Pago",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "America/Denver",
    "America/Phoenix",
    "America/St_Johns",
    "Europe/London",
    "Africa/Casablanca",
    "Pacific/Auckland",
];

/// 2028 has a leap day, both clock changes everywhere, and Christmas on a Monday.
fn calendar(zone: &str) -> Calendar {
    Calendar::new(CalendarSettings {
        zone: zone.to_owned(),
        holidays: dates(&["2028-01-01", "2028-07-04", "2028-11-23", "2028-12-25"]),
        closed_days: dates(&["2028-02-29", "2028-03-13"]),
        ..CalendarSettings::default()
    })
    .unwrap()
}

fn dates(dates: &[&str]) -> BTreeSet<Date> {
    dates.iter().map(|date| date.parse().unwrap()).collect()
}

fn year() -> (Timestamp, Timestamp) {
    (
        "2028-01-01T00:00:00Z".parse().unwrap(),
        "2029-01-01T00:00:00Z".parse().unwrap(),
    )
}

/// Checks `slot` at every hour of the year against `allowed`, and that it is idempotent and
/// monotone.
fn check_year(
    name: &str,
    slot: impl Fn(Timestamp) -> Timestamp,
    allowed: impl Fn(Timestamp) -> bool,
) {
    let (start, end) = year();
    let step = SignedDuration::from_mins(30);
    // Begin two weeks after the end of the year, so that its last hours have an answer.
    let mut at = end + SignedDuration::from_hours(14 * 24);
    let mut next_allowed = None;
    let mut later_slot = Timestamp::MAX;
    let mut checked = 0;
    while at >= start {
        if allowed(at) {
            next_allowed = Some(at);
        }
        if at < end && at.as_second() % 3600 == 0 {
            let expected = next_allowed.unwrap();
            let found = slot(at);
            assert_eq!(found, expected, "{name}: slot at or after {at}");
            if found != later_slot {
                assert_eq!(slot(found), found, "{name}: the slot of a slot is itself");
            }
            assert!(found <= later_slot, "{name}: slots keep the order, {at}");
            later_slot = found;
            checked += 1;
        }
        at -= step;
    }
    assert_eq!(checked, 366 * 24);
}

fn clock(zone: &TimeZone, at: Timestamp) -> (Date, i8) {
    let civil = zone.to_datetime(at);
    (civil.date(), civil.hour())
}

fn is_open(calendar: &Calendar, date: Date) -> bool {
    let settings = calendar.settings();
    !matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday)
        && !settings.holidays.contains(&date)
        && !settings.closed_days.contains(&date)
}

#[test]
fn a_portal_slot_is_the_first_allowed_instant_in_ten_zones() {
    for name in ZONES {
        let calendar = calendar(name);
        let zone = TimeZone::get(name).unwrap();
        check_year(
            name,
            |at| calendar.portal_slot(at),
            |at| (9..18).contains(&clock(&zone, at).1),
        );
    }
}

#[test]
fn an_office_slot_is_the_first_allowed_instant_in_ten_zones() {
    for name in ZONES {
        let calendar = calendar(name);
        let zone = TimeZone::get(name).unwrap();
        check_year(
            name,
            |at| calendar.office_slot(at),
            |at| {
                let (date, hour) = clock(&zone, at);
                (9..17).contains(&hour) && is_open(&calendar, date)
            },
        );
    }
}

fn check_outreach(zones: &[&str]) {
    let calendar = calendar("America/Denver");
    let denver = TimeZone::get("America/Denver").unwrap();
    for name in zones {
        let hers = TimeZone::get(name).unwrap();
        check_year(
            name,
            |at| calendar.outreach_slot(at, Some(name)),
            |at| {
                let (day, hour) = clock(&hers, at);
                // In the clinic's own zone the calendar alone decides.
                let weekend = *name != "America/Denver"
                    && matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
                (9..18).contains(&hour) && !weekend && is_open(&calendar, clock(&denver, at).0)
            },
        );
    }
}

#[test]
fn an_outreach_slot_is_the_first_allowed_instant_for_clients_in_five_zones() {
    check_outreach(&ZONES[..5]);
}

#[test]
fn an_outreach_slot_is_the_first_allowed_instant_for_clients_in_five_more_zones() {
    check_outreach(&ZONES[5..]);
}
