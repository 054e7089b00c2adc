//! What people may do with a case.

use super::answers::CoachAnswer;
use super::ask_first::is_asked;
use super::by_hand::found_no_reply;
use super::closing::Closing;
use super::next::next_words;
use super::noted;
use super::questions::REPLY;
use super::replies::replied_in;
use super::run::{Ask, MissedCheckInRun};
use super::state::{Hold, How, Progress, Step};
use crate::case::CaseStatus;
use crate::work_kinds;
use crate::workflow::{Action, Answers};

/// The kind of the question that a person's pause leaves.
pub(super) const PAUSED: &str = work_kinds::PAUSED;

impl MissedCheckInRun<'_> {
    /// Carries out what a person decided; `false` if it does not apply to the case as it stands.
    /// Never called on a closed case.
    pub(super) fn person(&mut self, by: &str, action: &Action) -> bool {
        match action {
            Action::Pause { reason } => self.pause_by(by, reason),
            Action::Resume => self.resume(by),
            Action::Close { reason } => {
                self.close(Closing::ByPerson, &format!("closed by {by}: {reason}"));
                true
            }
            Action::Promised { until } => self.promised(by, *until),
            Action::DoneByHand => self.done_by_hand(by),
            Action::SendAnyway => self.send_anyway(by),
            Action::Skip => self.skip(by),
            Action::NoReply => found_no_reply(self, by),
            Action::Handled => CoachAnswer::to(self).handled(by),
            Action::Replied => {
                replied_in(self, &format!("she has answered, says {by}"), "");
                true
            }
            Action::StopOutreach { why } => CoachAnswer::to(self).stops(by, *why),
            Action::CallOutcome { outcome } => {
                let waits = self.awaits_call();
                if waits {
                    self.draft.say(format!("{by} recorded the call"));
                    self.call_recorded(self.now(), Some(*outcome), false);
                    return true;
                }
                // She called before her task was taken back, and says so here instead of in the CRM.
                let task = self.state.last_call.as_ref().map(|last| last.task.clone());
                let told =
                    task.is_some_and(|task| self.call_told_late(&task, self.now(), Some(*outcome)));
                if told {
                    self.draft.say(format!("{by} recorded the call"));
                }
                told
            }
        }
    }

    pub(super) fn is_held(&self) -> bool {
        matches!(self.draft.status, CaseStatus::Held { .. })
    }

    pub(super) fn pause_by(&mut self, by: &str, reason: &str) -> bool {
        let paused = matches!(self.draft.status, CaseStatus::Paused { .. });
        let mut asked = self.state.asked.iter();
        if paused && asked.any(|work| work.kind == PAUSED) {
            return false;
        }
        let days = self.procedure.parameters.coach.hold_reminder_days;
        let ask = Ask {
            kind: PAUSED,
            owner: self.owner(),
            title: format!("{}: paused by {by}: {reason}", self.state.who()),
            detail: serde_json::json!({ "reason": reason, "by": by, "resume": next_words(self) }),
            answers: Answers::Of(&[
                "resume",
                "promised",
                "replied",
                "wants_to_leave",
                "complaint",
                "unwell",
                "no_contact",
                "close",
            ]),
            remind_at: self.working_days_from_now(days),
        };
        self.pause(&format!("{reason} ({by})"), ask);
        true
    }

    /// Goes on with the first step that has not been carried out. After a pause, what she was shown
    /// is dealt with; what she was not shown is shown first, and she decides again. A held step is
    /// tried anew, except one that may have reached her.
    fn resume(&mut self, by: &str) -> bool {
        match self.draft.status {
            CaseStatus::Paused { .. } => {
                let over = std::mem::take(&mut self.state.paused_over);
                self.state.shown.extend(over);
                if self.shows_first(by) {
                    return true;
                }
                if self.state.lift_stop() {
                    noted::lifted(self, by);
                }
                let asked = self.state.asked.as_ref();
                let wrote_since = |promised_at| {
                    let mut written = self.state.unanswered.values();
                    written.any(|at| *at > promised_at)
                };
                if asked.is_some_and(|asked| asked.kind == REPLY)
                    && self.state.promised_at.is_some_and(wrote_since)
                {
                    // It is answered with "go on".
                    self.state.promised = None;
                }
                let others = &self.state.paused_for;
                if !others.iter().any(|other| other.work.kind == REPLY) {
                    self.state.dealt_with(self.now());
                }
                self.draft.say(format!("{by} resumed"));
                if self.pauses_on() {
                    return true;
                }
            }
            CaseStatus::Held { .. } if self.state.hold != Some(Hold::Unclear) => {
                self.draft.say(format!("{by} resumed"));
            }
            _ => return false,
        }
        self.state.later = None;
        // If the contact is still gone, the next read says so again (E40).
        self.state.contact_gone = false;
        self.go_on();
        true
    }

    fn done_by_hand(&mut self, by: &str) -> bool {
        if self.step() == Some(Step::ByHand) && self.is_open() {
            return self.next_by_hand(by);
        }
        let done = self.is_held() || is_asked(self);
        if done {
            self.draft.say(format!("{by} did it by hand"));
            self.pass(How::ByHand);
        }
        done
    }

    fn skip(&mut self, by: &str) -> bool {
        let skipped = self.is_held() || (self.is_open() && self.awaits_call()) || is_asked(self);
        if skipped {
            self.draft.say(format!("{by} left the step out"));
            self.pass(How::Skipped);
        }
        skipped
    }

    /// Goes on as if the step had been carried out at this moment.
    fn pass(&mut self, how: How) {
        self.withdraw_current();
        self.withdraw_call("it is no longer needed");
        self.state.hold = None;
        let now = self.now();
        match self.step() {
            Some(Step::EmailFollowUp) => self.email_done(now, how),
            Some(Step::ChooseChannel) => self.followed_up(now, how),
            Some(Step::PhoneFollowUp) => {
                self.state.called = (how == How::ByHand).then_some(None);
                self.followed_up(now, how);
            }
            Some(Step::PortalMessage) if self.state.first_message_open() => {
                self.portal_message_done(now, how);
            }
            _ => self.enter(self.state.next()),
        }
    }

    /// The coach wants it sent: at once, where she was asked before it goes out (A30); although she wrote by hand
    /// (E43), or although the client is a minor, where the item told her so (A36). Only these objections are lifted: a text that would be false, or can't be
    /// filled, is not sent for being asked for.
    fn send_anyway(&mut self, by: &str) -> bool {
        let Some(step @ (Step::PortalMessage | Step::EmailFollowUp | Step::PhoneFollowUp)) =
            self.step()
        else {
            return false;
        };
        let is_held = self.is_held() && self.state.hold == Some(Hold::NotSent);
        if !is_held && !is_asked(self) {
            return false;
        }
        let asked = self.state.asked.as_ref();
        let of_minor = asked.is_some_and(|work| work.detail.get("minor").is_some());
        self.draft.say(if is_held {
            format!("{by} wants it sent all the same")
        } else {
            format!("{by} wants it sent now")
        });
        self.enter(step);
        self.state.anyway.clone_from(&self.state.current);
        self.state.anyway_of_minor = of_minor;
        self.state.anyway_at = Some(self.now());
        true
    }
}

impl super::state::State {
    /// Whether the first message has not been carried out for sure.
    fn first_message_open(&self) -> bool {
        !matches!(self.first_message, Progress::Done { .. })
    }
}
