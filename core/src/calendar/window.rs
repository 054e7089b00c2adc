//! The last allowed moment of a window (A2), and the end of so much of the office's time (A30).

use super::{Calendar, instant};
use crate::time::{Date, SignedDuration, Timestamp, later};

impl Calendar {
    /// The first instant by which so much of the office's time has passed since `from`: from 16:00 in an
    /// office that closes at 17:00, two hours are over at the second hour of the next working day.
    pub fn office_time_after(&self, from: Timestamp, span: SignedDuration) -> Timestamp {
        let mut at = self.office_slot(from);
        let mut left = span;
        while at < Timestamp::MAX {
            let closing = self.office_closing(self.date_of(at));
            let open = closing.duration_since(at);
            if left <= open {
                return later(at, left);
            }
            left -= open;
            at = self.office_slot(closing);
        }
        at
    }

    /// The last moment from `from` to `to`, both included, at which `slot` lets something go out:
    /// `to` itself, else its hour on the wall on the last day of the window that is allowed at that
    /// hour, else the first allowed moment of the last day that has one. `None` if the window has no
    /// allowed moment.
    ///
    /// `slot` gives the first allowed moment at or after the one it is given.
    pub fn last_in_window(
        &self,
        from: Timestamp,
        to: Timestamp,
        slot: impl Fn(Timestamp) -> Timestamp,
    ) -> Option<Timestamp> {
        if from > to {
            return None;
        }
        if slot(to) == to {
            return Some(to);
        }
        let days = self.days_back(from, to);
        let clock = self.zone.to_datetime(to).time();
        let same_hour = days
            .iter()
            .map(|day| instant(&self.zone, *day, clock))
            .find(|at| (from..=to).contains(at) && slot(*at) == *at);
        same_hour.or_else(|| {
            days.iter()
                .map(|day| slot(self.start_of_day(*day).max(from)))
                .find(|at| *at <= to)
        })
    }

    /// The clinic's days from that of `to` back to that of `from`.
    fn days_back(&self, from: Timestamp, to: Timestamp) -> Vec<Date> {
        let first = self.date_of(from);
        let mut day = self.date_of(to);
        let mut days = vec![day];
        while day > first
            && let Ok(before) = day.yesterday()
        {
            day = before;
            days.push(day);
        }
        days
    }
}
