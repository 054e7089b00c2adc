//! The first message, in the portal (A1).
//!
//! > Log into Clear Connection, and message your client in the CC messages.
//!
//! S1 says "yesterday", so it goes out on the day after `D`, clinic time, in the first portal slot
//! of that day; where the portal gives a due *time*, not before 24 hours after it. If only a later
//! slot is left, an approved variant without "yesterday" goes out, or the step is held with the
//! text ready. Which, the guard says: it is asked only after a look whether the message is there
//! already, so that nobody is asked to write what an earlier case, or a forgotten life, has sent.

use super::run::{ENDS_IN_WINDOW_SINCE, MissedCheckInRun};
use super::state::{How, Progress};
use crate::effects::{EffectInput, EffectKind};
use crate::time::{SignedDuration, Timestamp, later};

/// The sentence that the step carries out.
pub(super) const SOP: &str =
    "Log into Clear Connection, and message your client in the CC messages.";

/// The sentence that the wait after it carries out.
pub(super) const SOP_WAIT: &str = "Wait another 24-48 hours for the client to complete the \
     check-in before reaching out again.";

/// The script.
pub(super) const SCRIPT: &str = "S1";

impl MissedCheckInRun<'_> {
    pub(super) fn enter_portal_message(&mut self) {
        let slot = self.first_message_slot();
        let input = EffectInput::PortalMessage {
            script: SCRIPT.into(),
            due: self.state.due,
        };
        self.plan_and_wait("message", slot, input);
    }

    /// What follows is an email or a call. A case of older decision code looks for the portal's hours.
    fn next_step_slot(&self, at: Timestamp) -> Timestamp {
        if self.draft.case.logic < ENDS_IN_WINDOW_SINCE {
            self.draft.cx.calendar.portal_slot(at)
        } else {
            self.mail_and_office_slot(at)
        }
    }

    /// The first portal slot of the day after `D`, from now on.
    pub(super) fn first_message_slot(&self) -> Timestamp {
        let calendar = self.draft.cx.calendar;
        let hours = self
            .procedure
            .parameters
            .waits
            .first_message_after_due_hours;
        let next_day = self.state.due.tomorrow().unwrap_or(self.state.due);
        let mut earliest = calendar.portal_opening(next_day).max(self.now());
        if let Some(due_at) = self.state.due_at {
            earliest = earliest.max(later(due_at, SignedDuration::from_hours(hours)));
        }
        calendar.portal_slot(earliest)
    }

    pub(super) fn portal_message_done(&mut self, at: Timestamp, how: How) {
        self.state.first_message = Progress::Done { at, how };
        self.state.current = None;
        let window_days = self.procedure.parameters.window_days;
        let truth = self.state.truth(self.today(), window_days);
        let has_text = self.procedure.scripts.choose(SCRIPT, &truth).is_ok();
        let is_hers = self.draft.cx.not_offered.messages;
        let what = if how == How::Proposed && is_hers && !has_text {
            "First message in the portal, in her own words since no text of the clinic's is so by now"
        } else {
            "First message in the portal"
        };
        let said = self.said_how(how, EffectKind::PortalMessage, what);
        self.draft.say_sop(said, SOP);
        self.tell_window();
        self.draft.say_sop("Waiting for the check-in", SOP_WAIT);
        let until = self.wait_for_answer(at, Self::next_step_slot);
        self.wait_until(until, "time for the client to complete the check-in");
    }
}
