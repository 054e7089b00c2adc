//! An agreed break in the middle of a case (E12).
//!
//! What opens a case after a break is in [`open`](super::open).

use super::run::{Ask, MissedCheckInRun};
use crate::case::{CaseStatus, Wait};
use crate::scripts::date_words;
use crate::time::Date;
use crate::work_kinds;
use crate::workflow::Answers;

/// The kind of the work item about an agreed break.
const BREAK: &str = work_kinds::BREAK;

/// The first decision code whose cases go on by themselves after a break.
pub(super) const GOES_ON_SINCE: u32 = 3;

impl MissedCheckInRun<'_> {
    /// Whether the case goes on by itself after an agreed break (E12).
    pub(super) fn goes_on_after_breaks(&self) -> bool {
        self.draft.case.logic >= GOES_ON_SINCE
    }

    /// Whether an agreed break is all that keeps the case from going on.
    pub(super) fn rests(&self) -> bool {
        let asked = self.state.asked.as_ref();
        matches!(self.draft.status, CaseStatus::Paused { .. })
            && asked.is_some_and(|work| work.kind == BREAK)
    }

    /// E12: nothing is sent during an agreed break. After its last day the case goes on by itself,
    /// and the coach hears of it on the working day before. A break without a date is hers to end, or
    /// the portal's. What stands still for another reason, a reply or a hold, still needs its person.
    pub(super) fn rest(&mut self, until: Option<Date>) {
        let calendar = self.draft.cx.calendar;
        let reason = match until {
            Some(until) => format!("on an agreed break until {}", date_words(until)),
            None => "on an agreed break".to_owned(),
        };
        if !self.is_open() && !self.rests() {
            self.draft.say(format!("The client is {reason}"));
            return;
        }
        let Some(until) = until else {
            self.on_break(None);
            return;
        };
        let next = until.tomorrow().unwrap_or(until);
        let at = calendar.portal_slot(calendar.portal_opening(next).max(self.now()));
        let day_before = calendar.office_opening(calendar.add_working_days(next, -1));
        let goes_on = date_words(calendar.date_of(at));
        let ask = Ask {
            kind: BREAK,
            owner: self.owner(),
            title: format!(
                "{}: {reason}. The follow-up goes on by itself {goes_on}",
                self.state.who()
            ),
            detail: serde_json::json!({
                "reason": reason, "until": until, "goes_on": goes_on, "told_from": day_before,
                "check_in_due": date_words(self.state.due),
            }),
            answers: Answers::Of(&["resume", "promised", "close"]),
            remind_at: day_before.max(self.now()),
        };
        self.pause(&reason, ask);
        self.state.resting = Some(until);
        self.draft.wait = Some(Wait::Timer {
            until: at,
            why: reason,
        });
    }

    /// The break is over, by its date or because the portal says so: the case goes on.
    pub(super) fn break_over(&mut self) -> bool {
        self.draft.say("The agreed break is over");
        self.go_on();
        true
    }

    /// E12, before a case went on by itself: nothing is sent during an agreed break, and nothing
    /// after it without the coach.
    pub(super) fn on_break(&mut self, until: Option<Date>) {
        let calendar = self.draft.cx.calendar;
        let (reason, remind_at) = match until.filter(|until| *until > self.today()) {
            Some(until) => (
                format!("on an agreed break until {}", date_words(until)),
                calendar.office_slot(calendar.office_opening(until)),
            ),
            None => ("on an agreed break".into(), self.working_days_from_now(1)),
        };
        let ask = Ask {
            kind: BREAK,
            owner: self.owner(),
            title: format!("{}: {reason}. Go on afterwards?", self.state.who()),
            detail: serde_json::json!({ "reason": reason, "until": until }),
            answers: Answers::Of(&["resume", "promised", "close"]),
            remind_at,
        };
        self.pause(&reason, ask);
    }
}
