//! The clinic's days and hours (SOP A1, A2, A8, A13, A26; E24, E28, E29).
//!
//! # People
//! A client should hear from the clinic at decent hours where *she* is; a coach calls in office
//! hours; the manager counts in working days; the owner closes a day at short notice and expects
//! everything pending to move.
//!
//! # Rules
//! - A **portal** message disturbs nobody: portal hours hold every day of the year, clinic time.
//! - **Outreach** (mail, text) goes out when the clinic is open that day by *its* calendar, at an
//!   hour that is allowed in *her* zone, and not on a Saturday or Sunday where she is (E24): Friday
//!   evening in Denver is Saturday in Tokyo. An unknown zone means the clinic's; there the calendar
//!   alone says which days are open, Saturdays too.
//! - **Calls** go by office hours, clinic time, and where she lives elsewhere also by hers, as far as
//!   the two meet. A *working day* (an open day) is a weekday with
//!   office hours that is neither a holiday nor closed at short notice.
//! - A slot is the first allowed instant at or after the one asked about. So a slot asked about
//!   itself is itself, and a slot moves when a day is closed: whoever waited asks again.
//! - "9:00 on Tuesday" is civil time: the clock on the wall. A wait of 48 hours is elapsed time and
//!   is no business of this module. Where the clocks change inside a span of hours, an opening
//!   that is skipped moves forward by the size of the jump, and one that occurs twice means the
//!   first (the *compatible* reading of RFC 5545); the same holds for closings.
//!
//! # Guarantees
//! Every function is pure and total. Searches are bounded by the data: a listed day can close at
//! most one day, so the next open day is at most `7 × (listed days + 2)` days away; a calendar with
//! four hundred closed days in a row answers with the day after them. When a search runs into the
//! end of representable time (the year 9999) it answers [`Timestamp::MAX`]: later than any wait,
//! so nothing is sent.
//!
//! # Not guaranteed
//! A slot says when sending is allowed, not that it is still right: the guard decides that at the
//! moment of sending, and asks for the slot again.

mod settings;
mod window;

use serde::{Deserialize, Serialize};

pub use self::settings::{CalendarError, CalendarMistake, CalendarSettings, Hours, OfficeHours};
use crate::time::{Date, Time, TimeZone, Timestamp, Weekday};

/// The clinic's days and hours, checked.
///
/// Stored and configured as [`CalendarSettings`]; deserializing checks them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "CalendarSettings", into = "CalendarSettings")]
pub struct Calendar {
    settings: CalendarSettings,
    zone: TimeZone,
}

impl TryFrom<CalendarSettings> for Calendar {
    type Error = CalendarError;

    fn try_from(settings: CalendarSettings) -> Result<Self, CalendarError> {
        Self::new(settings)
    }
}

impl From<Calendar> for CalendarSettings {
    fn from(calendar: Calendar) -> Self {
        calendar.settings
    }
}

impl Calendar {
    /// The calendar that `settings` describe, or every mistake in them.
    pub fn new(settings: CalendarSettings) -> Result<Self, CalendarError> {
        let zone = settings::check(&settings)?;
        Ok(Self { settings, zone })
    }

    /// The default clinic: Denver, [`CalendarSettings::default`].
    ///
    /// # Panics
    /// Never: the zone database is part of the binary, and the default settings are sound.
    #[expect(
        clippy::expect_used,
        reason = "true of every build of this binary, and a test builds this calendar"
    )]
    pub fn default_denver() -> Self {
        Self::new(CalendarSettings::default()).expect("the default calendar is valid")
    }

    /// The data this calendar was made from.
    pub fn settings(&self) -> &CalendarSettings {
        &self.settings
    }

    /// The clinic's time zone.
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// The date on the clinic's wall at `at`.
    pub fn date_of(&self, at: Timestamp) -> Date {
        self.zone.to_datetime(at).date()
    }

    /// The first instant of `date` at the clinic.
    pub fn start_of_day(&self, date: Date) -> Timestamp {
        instant(&self.zone, date, Time::midnight())
    }

    /// The first instant at or after `not_before` at which a portal message may go out (A1).
    pub fn portal_slot(&self, not_before: Timestamp) -> Timestamp {
        slot(&self.zone, self.settings.portal_hours, not_before)
    }

    /// Whether `name` is a time zone: an IANA name. For one that is none the clinic's hours are used.
    pub fn knows_zone(&self, name: &str) -> bool {
        settings::known_zone(name).is_some()
    }

    /// The first instant at or after `not_before` at which mail or a text may go out: on a working
    /// day of the clinic, within outreach hours in `client_zone` (an IANA name; the clinic's zone
    /// where it is `None` or no known name) and not on a weekend there (E24).
    pub fn outreach_slot(&self, not_before: Timestamp, client_zone: Option<&str>) -> Timestamp {
        let theirs = client_zone
            .and_then(settings::known_zone)
            .filter(|zone| *zone != self.zone);
        let zone = theirs.as_ref().unwrap_or(&self.zone);
        let slot = self.open_slot(not_before, zone, theirs.is_some());
        if slot == Timestamp::MAX {
            // A clinic whose only open day is her weekend: rather then than never.
            return self.open_slot(not_before, zone, false);
        }
        slot
    }

    /// The wall clock at `at` where she lives, if that is known to be another zone than the clinic's.
    pub fn clock_elsewhere(
        &self,
        at: Timestamp,
        client_zone: Option<&str>,
    ) -> Option<jiff::civil::DateTime> {
        let zone = client_zone.and_then(settings::known_zone)?;
        (zone != self.zone).then(|| zone.to_datetime(at))
    }

    /// The first instant at or after `not_before` at which a coach may call her: in office hours, and
    /// where she lives elsewhere (`client_zone`, an IANA name) also within outreach hours and on no
    /// weekend there (E24). Where the two never meet, as between Denver and Tokyo in winter, office
    /// hours decide: rather a call at an odd hour, which the coach sees and can move, than none.
    pub fn call_slot(&self, not_before: Timestamp, client_zone: Option<&str>) -> Timestamp {
        let office = self.office_slot(not_before);
        let elsewhere = client_zone
            .and_then(settings::known_zone)
            .is_some_and(|zone| zone != self.zone);
        if !elsewhere {
            return office;
        }
        let mut at = office;
        // A weekend and a holiday, each passed in one turn.
        for _ in 0..8 {
            let hers = self.outreach_slot(at, client_zone);
            at = self.office_slot(hers);
            if at == hers {
                return at;
            }
        }
        office
    }

    /// The first instant of a working day of the clinic within outreach hours in `zone`, on none of
    /// its weekends if these count.
    fn open_slot(&self, not_before: Timestamp, zone: &TimeZone, weekends: bool) -> Timestamp {
        let mut at = not_before;
        // A turn of this loop passes a closed day, a day of her weekend, or reaches her hours; each
        // can happen once a day.
        for _ in 0..3 * self.farthest_open_day() {
            let date = self.date_of(at);
            if self.is_working_day(date) {
                let open = slot(zone, self.settings.outreach_hours, at);
                if open != at {
                    at = open;
                    continue;
                }
                let hers = zone.to_datetime(at).date();
                if !weekends || !is_weekend(hers) {
                    return at;
                }
                let Ok(tomorrow) = hers.tomorrow() else { break };
                at = instant(zone, tomorrow, Time::midnight());
            } else {
                let Ok(tomorrow) = date.tomorrow() else { break };
                at = self.start_of_day(tomorrow);
            }
        }
        Timestamp::MAX
    }

    /// The first instant at or after `not_before` at which a coach is there to call.
    pub fn office_slot(&self, not_before: Timestamp) -> Timestamp {
        let mut date = self.date_of(not_before);
        for _ in 0..self.farthest_open_day() {
            if let Some(hours) = self.working_hours(date)
                && not_before < instant(&self.zone, date, hours.to)
            {
                return not_before.max(instant(&self.zone, date, hours.from));
            }
            let Ok(tomorrow) = date.tomorrow() else { break };
            date = tomorrow;
        }
        Timestamp::MAX
    }

    /// The start of portal hours on `date`.
    pub fn portal_opening(&self, date: Date) -> Timestamp {
        instant(&self.zone, date, self.settings.portal_hours.from)
    }

    /// The start of office hours on `date`. A date whose weekday has none is given those of the
    /// week's first open weekday: the answer is a time of day, not a claim that the office opens.
    pub fn office_opening(&self, date: Date) -> Timestamp {
        instant(&self.zone, date, self.usual_hours(date).from)
    }

    /// The end of office hours on `date`; for a closed weekday see
    /// [`office_opening`](Self::office_opening).
    pub fn office_closing(&self, date: Date) -> Timestamp {
        instant(&self.zone, date, self.usual_hours(date).to)
    }

    /// Whether the clinic is open on `date`.
    pub fn is_working_day(&self, date: Date) -> bool {
        self.working_hours(date).is_some()
    }

    /// The `n`th working day after `date`, or before it for a negative `n`. Zero is `date` itself,
    /// open or not. Stops at the ends of representable time.
    pub fn add_working_days(&self, date: Date, n: i32) -> Date {
        let mut at = date;
        let mut left = n.unsigned_abs();
        while left > 0 {
            let next = if n > 0 { at.tomorrow() } else { at.yesterday() };
            let Ok(next) = next else { return at };
            at = next;
            if self.is_working_day(at) {
                left -= 1;
            }
        }
        at
    }

    /// The start of office hours on the first working day after the clinic's date of `after`: when
    /// a person is reminded (A3, A8).
    pub fn next_working_morning(&self, after: Timestamp) -> Timestamp {
        self.office_opening(self.add_working_days(self.date_of(after), 1))
    }

    /// "The end of the week" (A13): the first one after `at`. A week ends at close of business on
    /// its Friday, or on the last working day before it where Friday is closed; a week without any
    /// working day has no end of its own. Where no weekday up to Friday ever has office hours, the
    /// week ends on its last working day.
    pub fn end_of_week(&self, at: Timestamp) -> Timestamp {
        let date = self.date_of(at);
        let mut monday = add_days(date, -i64::from(date.weekday().to_monday_zero_offset()));
        // A week is passed over because it has ended or because listed days close it.
        for _ in 0..self.listed_days() + 2 {
            if let Some(last) = self.last_working_day(monday) {
                let closing = self.office_closing(last);
                if closing > at {
                    return closing;
                }
            }
            monday = add_days(monday, 7);
        }
        Timestamp::MAX
    }

    /// The working day that ends the week that begins on `monday`.
    fn last_working_day(&self, monday: Date) -> Option<Date> {
        let office = &self.settings.office_hours;
        let to_friday = office.named()[..5].iter().any(|(_, hours)| hours.is_some());
        let days = if to_friday { 5 } else { 7 };
        (0..days)
            .rev()
            .map(|day| add_days(monday, day))
            .find(|date| self.is_working_day(*date))
    }

    /// The office hours of `date` if the clinic is open then.
    fn working_hours(&self, date: Date) -> Option<Hours> {
        let listed =
            self.settings.holidays.contains(&date) || self.settings.closed_days.contains(&date);
        if listed {
            return None;
        }
        self.settings.office_hours.on(date.weekday())
    }

    /// The office hours of `date`'s weekday, else those of the first open weekday.
    fn usual_hours(&self, date: Date) -> Hours {
        let office = &self.settings.office_hours;
        office
            .on(date.weekday())
            .or_else(|| office.named().into_iter().find_map(|(_, hours)| hours))
            // Not reached: a calendar without any open weekday is refused.
            .unwrap_or(self.settings.portal_hours)
    }

    /// How many single days the calendar closes.
    fn listed_days(&self) -> usize {
        self.settings.holidays.len() + self.settings.closed_days.len()
    }

    /// An upper bound, in days, on the way to the next working day and its hours.
    fn farthest_open_day(&self) -> usize {
        7 * (self.listed_days() + 2)
    }
}

fn is_weekend(date: Date) -> bool {
    matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday)
}

/// The first instant at or after `not_before` within `hours` of any day in `zone`.
fn slot(zone: &TimeZone, hours: Hours, not_before: Timestamp) -> Timestamp {
    let mut date = zone.to_datetime(not_before).date();
    // Today, else tomorrow; a third look covers a zone that skips a whole day at the date line.
    for _ in 0..3 {
        if not_before < instant(zone, date, hours.to) {
            return not_before.max(instant(zone, date, hours.from));
        }
        let Ok(tomorrow) = date.tomorrow() else { break };
        date = tomorrow;
    }
    Timestamp::MAX
}

/// The instant at which clocks in `zone` show `time` on `date`; at a clock change the compatible
/// reading; the nearest end of representable time where there is no such instant.
fn instant(zone: &TimeZone, date: Date, time: Time) -> Timestamp {
    zone.to_timestamp(date.to_datetime(time))
        .unwrap_or(if date.year() > 0 {
            Timestamp::MAX
        } else {
            Timestamp::MIN
        })
}

/// `date` moved by `days`; stops at the ends of representable time.
fn add_days(date: Date, days: i64) -> Date {
    date.saturating_add(crate::time::SignedDuration::from_hours(24 * days))
}
