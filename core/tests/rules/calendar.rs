//! The calendar case by case, with dates worked out by hand.

use std::collections::BTreeSet;

use relay_core::calendar::{Calendar, CalendarSettings, Hours, OfficeHours};
use relay_core::time::{Date, Timestamp};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn closing(days: &[&str]) -> Calendar {
    Calendar::new(CalendarSettings {
        closed_days: days.iter().copied().map(day).collect(),
        ..CalendarSettings::default()
    })
    .unwrap()
}

/// A clinic open all year, with `from` to `to` as every kind of hours.
fn always(zone: &str, from: &str, to: &str) -> Calendar {
    let hours = Hours {
        from: from.parse().unwrap(),
        to: to.parse().unwrap(),
    };
    let mut office_hours = OfficeHours::weekdays(hours);
    office_hours.saturday = Some(hours);
    office_hours.sunday = Some(hours);
    Calendar::new(CalendarSettings {
        zone: zone.to_owned(),
        portal_hours: hours,
        outreach_hours: hours,
        office_hours,
        ..CalendarSettings::default()
    })
    .unwrap()
}

#[test]
fn the_default_clinic_is_in_denver() {
    let calendar = Calendar::default_denver();
    assert_eq!(calendar.zone().iana_name(), Some("America/Denver"));
    // Half past six in the morning in UTC is still the evening before in Denver.
    assert_eq!(
        calendar.date_of(at("2026-11-04T06:30:00Z")),
        day("2026-11-03")
    );
    assert_eq!(
        calendar.start_of_day(day("2026-11-04")),
        at("2026-11-04T07:00:00Z")
    );
    assert_eq!(
        calendar.portal_opening(day("2026-11-07")),
        at("2026-11-07T16:00:00Z")
    );
}

#[test]
fn a_slot_includes_the_opening_and_excludes_the_closing() {
    let calendar = Calendar::default_denver();
    let open = at("2026-11-03T16:00:00Z");
    assert_eq!(calendar.portal_slot(at("2026-11-03T15:59:59Z")), open);
    assert_eq!(calendar.portal_slot(open), open);
    let last = at("2026-11-04T00:59:59.999Z");
    assert_eq!(calendar.portal_slot(last), last);
    assert_eq!(
        calendar.portal_slot(at("2026-11-04T01:00:00Z")),
        at("2026-11-04T16:00:00Z")
    );
}

#[test]
fn e28_the_portal_is_open_on_days_when_nobody_calls_or_mails() {
    let calendar = Calendar::new(CalendarSettings {
        holidays: BTreeSet::from([day("2026-11-26")]),
        closed_days: BTreeSet::from([day("2026-11-27")]),
        ..CalendarSettings::default()
    })
    .unwrap();
    // Thanksgiving on Thursday, snow on Friday, then the weekend.
    let eve = at("2026-11-26T02:00:00Z");
    let monday = at("2026-11-30T16:00:00Z");
    assert_eq!(calendar.portal_slot(eve), at("2026-11-26T16:00:00Z"));
    assert_eq!(calendar.office_slot(eve), monday);
    assert_eq!(calendar.outreach_slot(eve, None), monday);
    assert_eq!(calendar.next_working_morning(eve), monday);
}

#[test]
fn e28_a_day_closed_at_short_notice_moves_what_was_pending() {
    let slot = at("2026-02-03T16:00:00Z");
    assert_eq!(Calendar::default_denver().office_slot(slot), slot);
    let snow = closing(&["2026-02-03"]);
    assert_eq!(snow.office_slot(slot), at("2026-02-04T16:00:00Z"));
}

#[test]
fn e24_outreach_keeps_her_hours_on_the_clinics_days() {
    let calendar = Calendar::default_denver();
    // Tuesday 9:00 in Denver is 17:00 in London: still her day.
    let tuesday = at("2026-11-03T16:00:00Z");
    assert_eq!(
        calendar.outreach_slot(tuesday, Some("Europe/London")),
        tuesday
    );
    // Two hours later it is 19:00 there: tomorrow at her nine.
    assert_eq!(
        calendar.outreach_slot(at("2026-11-03T18:00:00Z"), Some("Europe/London")),
        at("2026-11-04T09:00:00Z")
    );
    // Friday evening in Denver is Saturday in Tokyo and in Auckland: the clinic is open, and she is
    // left in peace until it is a working day for both: her Monday afternoon, her Tuesday.
    for (asked, zone, expected) in [
        ("2026-11-07T00:00:00Z", "Asia/Tokyo", "2026-11-09T07:00:00Z"),
        (
            "2026-11-06T19:00:00Z",
            "Pacific/Auckland",
            "2026-11-09T20:00:00Z",
        ),
    ] {
        assert_eq!(
            calendar.outreach_slot(at(asked), Some(zone)),
            at(expected),
            "{zone}"
        );
    }
    // Her Monday 9:00 is the clinic's Sunday: it waits until Monday begins in Denver, at 20:00 hers,
    // and so until her Tuesday.
    assert_eq!(
        calendar.outreach_slot(at("2026-11-08T20:00:00Z"), Some("Pacific/Auckland")),
        at("2026-11-09T20:00:00Z")
    );
}

#[test]
fn e24_a_call_is_made_in_office_hours_that_are_hours_for_calls_where_she_lives() {
    let calendar = Calendar::default_denver();
    let slot = |asked: &str, zone| calendar.call_slot(at(asked), zone);
    // Friday 10:00 in Denver is 17:00 in London; at 11:00 it is too late there, and her weekend is
    // next: Monday 8:00 in Denver is 15:00 there.
    let friday = "2026-11-06T17:00:00Z";
    assert_eq!(slot(friday, Some("Europe/London")), at(friday));
    assert_eq!(
        slot("2026-11-06T18:30:00Z", Some("Europe/London")),
        at("2026-11-09T16:00:00Z")
    );
    // Friday 16:00 in Denver is Saturday 8:00 in Tokyo. No hour of the office is an hour for calls
    // there in winter: the coach sees her hours and decides.
    let never = calendar.office_slot(at("2026-11-06T16:30:00Z"));
    assert_eq!(slot("2026-11-06T16:30:00Z", Some("Asia/Tokyo")), never);
    for zone in [None, Some("America/Denver"), Some("Mars/Olympus")] {
        let morning = "2026-11-06T13:00:00Z";
        assert_eq!(slot(morning, zone), calendar.office_slot(at(morning)));
    }
}

#[test]
fn e24_a_zone_nobody_knows_means_the_clinics() {
    let calendar = Calendar::default_denver();
    let night = at("2026-11-03T09:00:00Z");
    let expected = at("2026-11-03T16:00:00Z");
    for zone in [None, Some(""), Some("Mars/Olympus"), Some("Etc/Unknown")] {
        assert_eq!(calendar.outreach_slot(night, zone), expected, "{zone:?}");
    }
}

#[test]
fn e29_hours_stay_the_same_on_the_wall_across_clock_changes() {
    let calendar = Calendar::default_denver();
    // 2026-03-08: standard time ends. 2026-11-01: it begins again.
    for (date, opening) in [
        ("2026-03-07", "2026-03-07T16:00:00Z"),
        ("2026-03-08", "2026-03-08T15:00:00Z"),
        ("2026-10-31", "2026-10-31T15:00:00Z"),
        ("2026-11-01", "2026-11-01T16:00:00Z"),
    ] {
        assert_eq!(calendar.portal_opening(day(date)), at(opening), "{date}");
    }
    // A wait of 48 hours over the November change ends an hour earlier on the wall: elapsed time.
    let sent = at("2026-10-31T15:00:00Z");
    let due = sent + relay_core::time::SignedDuration::from_hours(48);
    assert_eq!(calendar.portal_slot(due), at("2026-11-02T16:00:00Z"));
}

#[test]
fn e29_an_opening_that_the_clocks_skip_moves_forward_by_the_jump() {
    let calendar = always("America/Denver", "02:30", "18:00");
    let midnight = at("2026-03-08T07:00:00Z");
    // 2:30 doesn't exist that day; the compatible reading is 3:30 summer time.
    assert_eq!(calendar.portal_slot(midnight), at("2026-03-08T09:30:00Z"));
    assert_eq!(calendar.office_slot(midnight), at("2026-03-08T09:30:00Z"));
    assert_eq!(
        calendar.outreach_slot(midnight, None),
        at("2026-03-08T09:30:00Z")
    );
}

#[test]
fn e29_an_opening_that_occurs_twice_is_the_first() {
    let calendar = always("America/Denver", "01:30", "18:00");
    let first = at("2026-11-01T07:30:00Z");
    assert_eq!(calendar.portal_slot(at("2026-11-01T06:00:00Z")), first);
    let between = at("2026-11-01T08:10:00Z");
    assert_eq!(calendar.portal_slot(between), between);
}

#[test]
fn e29_the_leap_day_is_a_day() {
    let calendar = Calendar::default_denver();
    assert_eq!(
        calendar.add_working_days(day("2028-02-28"), 1),
        day("2028-02-29")
    );
    assert_eq!(
        calendar.office_slot(at("2028-02-29T02:00:00Z")),
        at("2028-02-29T16:00:00Z")
    );
}

#[test]
fn working_days_are_counted_over_weekends_and_closed_days_both_ways() {
    let calendar = closing(&["2026-11-26"]);
    let thursday = day("2026-11-26");
    let friday = day("2026-11-27");
    assert!(!calendar.is_working_day(thursday));
    assert!(calendar.is_working_day(friday));
    assert!(!calendar.is_working_day(day("2026-11-28")));
    assert_eq!(calendar.add_working_days(day("2026-11-25"), 1), friday);
    assert_eq!(calendar.add_working_days(friday, 2), day("2026-12-01"));
    assert_eq!(calendar.add_working_days(friday, -1), day("2026-11-25"));
    assert_eq!(calendar.add_working_days(day("2026-11-29"), -1), friday);
    assert_eq!(calendar.add_working_days(thursday, 0), thursday);
}

#[test]
fn the_next_working_morning_is_never_today() {
    let calendar = Calendar::default_denver();
    // Monday before opening: the reminder is Tuesday's.
    assert_eq!(
        calendar.next_working_morning(at("2026-11-02T12:00:00Z")),
        at("2026-11-03T16:00:00Z")
    );
    // Friday evening: Monday's.
    assert_eq!(
        calendar.next_working_morning(at("2026-11-07T01:00:00Z")),
        at("2026-11-09T16:00:00Z")
    );
}

#[test]
fn a13_the_week_ends_on_friday_at_close_of_business() {
    let calendar = Calendar::default_denver();
    let friday = at("2026-11-07T00:00:00Z");
    assert_eq!(calendar.end_of_week(at("2026-11-02T16:00:00Z")), friday);
    assert_eq!(calendar.end_of_week(at("2026-11-06T23:59:59Z")), friday);
    // From the closing itself on, and over the weekend, it is the next week's.
    let next = at("2026-11-14T00:00:00Z");
    assert_eq!(calendar.end_of_week(friday), next);
    assert_eq!(calendar.end_of_week(at("2026-11-08T20:00:00Z")), next);
}

#[test]
fn a13_a_closed_friday_ends_the_week_the_day_before() {
    let calendar = closing(&["2026-11-26", "2026-11-27"]);
    assert_eq!(
        calendar.end_of_week(at("2026-11-23T17:00:00Z")),
        at("2026-11-26T00:00:00Z")
    );
    // After that closing the week has ended.
    assert_eq!(
        calendar.end_of_week(at("2026-11-26T00:00:00Z")),
        at("2026-12-05T00:00:00Z")
    );
}

#[test]
fn a13_a_week_closed_from_monday_to_friday_has_no_end_of_its_own() {
    let calendar = closing(&[
        "2026-12-21",
        "2026-12-22",
        "2026-12-23",
        "2026-12-24",
        "2026-12-25",
    ]);
    assert_eq!(
        calendar.end_of_week(at("2026-12-21T17:00:00Z")),
        at("2027-01-02T00:00:00Z")
    );
}

#[test]
fn a_clinic_open_at_weekends_only_ends_its_week_on_sunday() {
    let hours = Some(Hours::oclock(9, 17));
    let calendar = Calendar::new(CalendarSettings {
        office_hours: OfficeHours {
            saturday: hours,
            sunday: hours,
            ..OfficeHours::default()
        },
        ..CalendarSettings::default()
    })
    .unwrap();
    assert_eq!(
        calendar.end_of_week(at("2026-11-04T17:00:00Z")),
        at("2026-11-09T00:00:00Z")
    );
    // A Wednesday has no hours of its own and borrows Saturday's.
    assert_eq!(
        calendar.office_opening(day("2026-11-04")),
        at("2026-11-04T16:00:00Z")
    );
    assert_eq!(
        calendar.office_closing(day("2026-11-04")),
        at("2026-11-05T00:00:00Z")
    );
}

#[test]
fn four_hundred_closed_days_in_a_row_still_have_an_end() {
    let first = day("2026-01-01");
    let mut closed_days = BTreeSet::new();
    let mut date = first;
    for _ in 0..400 {
        closed_days.insert(date);
        date = date.tomorrow().unwrap();
    }
    assert_eq!(date, day("2027-02-05"), "a Friday");
    let calendar = Calendar::new(CalendarSettings {
        closed_days,
        ..CalendarSettings::default()
    })
    .unwrap();
    let start = at("2026-01-01T12:00:00Z");
    let opening = at("2027-02-05T16:00:00Z");
    assert_eq!(calendar.office_slot(start), opening);
    assert_eq!(calendar.outreach_slot(start, None), opening);
    assert_eq!(
        calendar.outreach_slot(start, Some("Pacific/Kiritimati")),
        at("2027-02-08T19:00:00Z"),
        "the clinic's Friday is her Saturday: nine o'clock hers, noon on the clinic's Monday"
    );
    assert_eq!(calendar.next_working_morning(start), opening);
    assert_eq!(calendar.end_of_week(start), at("2027-02-06T00:00:00Z"));
}

#[test]
fn the_ends_of_time_get_an_answer() {
    let calendar = Calendar::default_denver();
    for edge in [Timestamp::MIN, Timestamp::MAX] {
        assert!(calendar.portal_slot(edge) >= edge);
        assert!(calendar.office_slot(edge) >= edge);
        assert!(calendar.outreach_slot(edge, Some("Pacific/Pago_Pago")) >= edge);
        assert!(calendar.end_of_week(edge) >= edge);
        assert!(calendar.next_working_morning(edge) >= edge || edge == Timestamp::MAX);
    }
    let last = day("9999-12-31");
    assert_eq!(calendar.add_working_days(last, i32::MAX), last);
    assert_eq!(calendar.add_working_days(Date::MIN, i32::MIN), Date::MIN);
}

#[test]
fn every_mistake_is_reported_at_once() {
    let error = Calendar::new(CalendarSettings {
        zone: "America/Denvr".to_owned(),
        portal_hours: Hours::oclock(18, 9),
        outreach_hours: Hours::oclock(9, 9),
        office_hours: OfficeHours::default(),
        ..CalendarSettings::default()
    })
    .unwrap_err();
    let keys: Vec<_> = error
        .mistakes
        .iter()
        .map(|mistake| mistake.key.as_str())
        .collect();
    assert_eq!(
        keys,
        ["zone", "portal_hours", "outreach_hours", "office_hours"]
    );
    let text = error.to_string();
    let mut lines = error.mistakes.iter().map(ToString::to_string);
    assert!(lines.all(|line| text.contains(&line)));
}

#[test]
fn reversed_office_hours_name_their_weekday() {
    let error = Calendar::new(CalendarSettings {
        office_hours: OfficeHours {
            friday: Some(Hours::oclock(17, 9)),
            ..OfficeHours::weekdays(Hours::oclock(9, 17))
        },
        ..CalendarSettings::default()
    })
    .unwrap_err();
    assert_eq!(error.mistakes.len(), 1);
    assert!(error.mistakes[0].key == "friday", "{error}");
}

#[test]
fn a_calendar_is_written_in_toml_and_checked_when_read() {
    let text = r#"
        zone = "America/Chicago"
        outreach_hours = { from = "10:00", to = "17:30" }
        office_hours.monday = { from = "09:00", to = "12:00" }
        holidays = ["2026-12-25"]
    "#;
    let calendar: Calendar = toml::from_str(text).unwrap();
    assert_eq!(
        calendar.outreach_slot(at("2026-11-02T12:00:00Z"), None),
        at("2026-11-02T16:00:00Z")
    );
    assert!(!calendar.is_working_day(day("2026-11-03")), "only Mondays");
    let copy: Calendar = serde_json::from_value(serde_json::to_value(&calendar).unwrap()).unwrap();
    assert_eq!(copy, calendar);

    let wrong = toml::from_str::<Calendar>(r#"zone = "Nowhere""#).unwrap_err();
    assert!(wrong.to_string().contains("Nowhere"));
    assert!(toml::from_str::<Calendar>("holydays = []").is_err());
}
