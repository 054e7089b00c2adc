//! What a coach answers about a client who wrote (A3, A33).
//!
//! - *Handled*: she has answered her, and the case stays paused. Two working days later she is asked once how
//!   the follow-up goes on. A coach who answers in the portal need not say so: her message does, if it was
//!   written after everything that she was asked about.
//! - *Wants to leave*, *complaint*, *unwell*, *no contact*: every channel stops, and the manager is told the
//!   same working day. Only her answer lifts that, and it outlasts the case: one that opens later opens
//!   paused for it.
//! - *Wait until* and *continue* are in [`replies`](super::replies) and [`people`](super::people).

use super::replies::REPLY;
use super::run::{Ask, MissedCheckInRun};
use super::state::{How, Paused, Progress};
use crate::answers::StopReason;
use crate::case::{CaseStatus, Wait};
use crate::scripts::date_words;
use crate::time::{SignedDuration, Timestamp};
use crate::workflow::Answers;
use crate::workflows::PROGRAM_MANAGER;

/// The kind of the question that a stop leaves with the manager.
pub(super) const STOPPED: &str = "stopped";

/// The first version whose cases take a coach's own message as her answer.
const ANSWERED_IN_PORTAL_SINCE: u32 = 4;

/// How many working days after her answer a coach is asked how it goes on (A3).
const ASKED_AGAIN_AFTER_DAYS: i32 = 2;

/// How long a manager has before the first reminder, so that it comes on the same working day.
const TOLD_TODAY: SignedDuration = SignedDuration::from_hours(2);

impl MissedCheckInRun<'_> {
    fn is_asked(&self, kind: &str) -> bool {
        let asked = self.state.asked.as_ref();
        matches!(self.draft.status, CaseStatus::Paused { .. })
            && asked.is_some_and(|work| work.kind == kind)
    }

    /// The coach has dealt with what the client wrote; `false` if that was not asked.
    pub(super) fn handled(&mut self, by: &str) -> bool {
        if !self.is_asked(REPLY) {
            return false;
        }
        let over = std::mem::take(&mut self.state.paused_over);
        self.state.shown.extend(over);
        if !self.shows_first(by) {
            self.was_handled(by);
        }
        true
    }

    /// A coach wrote to her at `at`: after all that she was asked about, it is the answer.
    pub(super) fn answered_in_portal(&mut self, at: Timestamp) {
        let all_before = self.state.unanswered.values().all(|wrote| *wrote < at);
        let counts = self.draft.case.logic >= ANSWERED_IN_PORTAL_SINCE;
        if counts && self.is_asked(REPLY) && !self.state.unanswered.is_empty() && all_before {
            self.was_handled("her coach");
        }
    }

    fn was_handled(&mut self, by: &str) {
        self.state.dealt_with(self.now());
        let today = date_words(self.today());
        self.draft.say(format!("{by} answered the client"));
        let reason = format!("{by} answered the client {today}");
        let remind_at = self.working_days_from_now(ASKED_AGAIN_AFTER_DAYS);
        let work = self.reply_ask(&reason, remind_at).into_work();
        let later = Paused { reason, work };
        if self.state.paused_for.is_empty() {
            self.ask_later(later);
        } else {
            // What else it is paused for is asked now; how it goes on after her answer comes last.
            self.state.paused_for.insert(0, later);
            self.pauses_on();
        }
    }

    fn ask_later(&mut self, later: Paused) {
        let until = later.work.remind_at;
        let why = later.reason.clone();
        self.stop_asking();
        self.draft.status = CaseStatus::Paused {
            reason: why.clone(),
        };
        self.draft.wait = Some(Wait::Timer { until, why });
        self.state.later = Some(Box::new(later));
    }

    /// The question that was put off is asked; `false` if there is none.
    pub(super) fn asks_now(&mut self) -> bool {
        let Some(later) = self.state.later.take() else {
            return false;
        };
        let days = self.procedure.parameters.coach.reply_reminder_days;
        let remind_at = self.working_days_from_now(days);
        self.draft
            .say(format!("{}: asked how it goes on", later.reason));
        let ask = self.reply_ask(&later.reason, remind_at);
        self.ask(ask);
        true
    }

    /// Every channel stops until the manager decides; `false` if it has for this reason already.
    pub(super) fn stop_outreach(&mut self, by: &str, why: StopReason) -> bool {
        let others = self.state.paused_for.iter().map(|paused| &paused.work);
        let mut asked = self.state.asked.iter().chain(others);
        if self.state.stopped == Some(why) && asked.any(|work| work.kind == STOPPED) {
            return false;
        }
        let over = std::mem::take(&mut self.state.paused_over);
        self.state.shown.extend(over);
        if self.is_asked(REPLY) && self.state.not_shown().next().is_none() {
            // This is her answer to it.
            self.state.dealt_with(self.now());
            self.stop_asking();
        }
        self.state.stopped = Some(why);
        let who = self.state.who();
        let words = why.words();
        let (then, remedy) = match why {
            StopReason::WantsToLeave => (
                "End her program and stop the fee?",
                Some(
                    "end the program in the portal; `clear-relay keap cancel-subscription` stops \
                     the fee",
                ),
            ),
            StopReason::Complaint | StopReason::Unwell | StopReason::NoContact => {
                ("How does it go on?", None)
            }
        };
        let calendar = self.draft.cx.calendar;
        let soon = super::run::after(self.now(), TOLD_TODAY);
        let ask = Ask {
            kind: STOPPED,
            owner: PROGRAM_MANAGER.into(),
            title: format!("{who} {words}, says {by}. Nothing goes out to her. {then}"),
            detail: serde_json::json!({
                "reason": why,
                "by": by,
                "check_in_due": date_words(self.state.due),
                "window": self.window_words(),
                "contact": self.state.client.contact,
                "resume": "the follow-up goes on with the next step",
                "close": "this follow-up ends; another one would ask you first",
                "remedy": remedy,
            }),
            answers: Answers::Of(&["resume", "close"]),
            remind_at: calendar.office_slot(soon),
        };
        self.pause(&format!("she {words} ({by})"), ask);
        true
    }

    /// What whoever is asked needs to know besides: when the check-in was due, what the client has had, where
    /// she lives. Shape of `had`: `[{"what": WORDS, "at": MOMENT}]`.
    pub(super) fn add_what_is_known(&self, detail: &mut serde_json::Value) {
        let Some(detail) = detail.as_object_mut() else {
            return;
        };
        let mut add = |name: &str, value: serde_json::Value| {
            detail.entry(name).or_insert(value);
        };
        add("check_in_due", date_words(self.state.due).into());
        add("window", self.window_words().into());
        add("zone", self.state.client.zone.clone().into());
        add("had", self.state.had().into());
    }
}

impl super::state::State {
    /// What the client has had, oldest first.
    fn had(&self) -> Vec<serde_json::Value> {
        let by_phone = match self.called {
            Some(Some(outcome)) => Some(format!("a call ({})", outcome.as_str())),
            Some(None) => Some("a call".to_owned()),
            None => None,
        };
        let follow_up = by_phone.unwrap_or_else(|| "the follow-up email".to_owned());
        let sent = [
            (
                "the first message in the portal".to_owned(),
                &self.first_message,
            ),
            (follow_up, &self.follow_up),
        ];
        let reached = |(what, progress): (String, &Progress)| match progress {
            Progress::Done {
                at,
                how: How::Sent | How::ByHand,
            } => Some(serde_json::json!({ "what": what, "at": at })),
            Progress::Done {
                how: How::Proposed | How::Skipped,
                ..
            }
            | Progress::Pending
            | Progress::Unclear => None,
        };
        sent.into_iter().filter_map(reached).collect()
    }
}
