//! Moments of the clinic's days.

use relay_core::time::{Date, Time, Timestamp};

use crate::engine::Engine;

/// The start of the next clinic day.
pub(crate) fn tomorrow(engine: &Engine, now: Timestamp) -> Timestamp {
    let today = engine.calendar.date_of(now);
    engine
        .calendar
        .start_of_day(today.tomorrow().unwrap_or(today))
}

/// The first instant of a day at the clinic.
pub(crate) fn start_of(engine: &Engine, day: Date) -> Timestamp {
    let midnight = day.to_datetime(Time::midnight());
    let zone = engine.calendar.zone();
    let start = zone.to_ambiguous_timestamp(midnight).compatible();
    start.unwrap_or(Timestamp::MIN)
}
