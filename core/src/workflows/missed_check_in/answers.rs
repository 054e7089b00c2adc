//! What a coach answers about a client who wrote (A3, A33).
//!
//! - *Handled*: she has answered her, and the case stays paused. Two working days later she is asked once how
//!   the follow-up goes on. A coach who answers in the portal need not say so: her message does, if it was
//!   written after everything that she was asked about.
//! - *Wants to leave*, *complaint*, *unwell*, *no contact*: every channel stops, and the manager is told the
//!   same working day. Only an answer to her question lifts that, and it outlasts the case: one that opens later
//!   opens paused for it. While she is asked, what the client writes is news for the coach and changes nothing.
//!   A case that ends with her question unanswered leaves it with her.
//! - *Wait until* and *continue* are in [`replies`](super::replies) and [`people`](super::people).

use super::known::manager_reminder;
use super::next::next_words;
use super::noted;
use super::questions::{REPLY, STOPPED};
use super::run::{Ask, MissedCheckInRun};
use super::state::{Paused, Progress, State};
use crate::answers::StopReason;
use crate::case::{CaseStatus, Wait};
use crate::scripts::date_words;
use crate::time::Timestamp;
use crate::workflow::Answers;
use crate::workflows::PROGRAM_MANAGER;

/// The first version whose cases take a coach's own message as her answer.
const ANSWERED_IN_PORTAL_SINCE: u32 = 4;

/// How many working days after her answer a coach is asked how it goes on (A3).
const ASKED_AGAIN_AFTER_DAYS: i32 = 2;

/// A coach's answer, being taken in.
pub(super) struct CoachAnswer<'r, 'a> {
    run: &'r mut MissedCheckInRun<'a>,
}

impl<'r, 'a> CoachAnswer<'r, 'a> {
    /// To the case of `run`.
    pub(super) fn to(run: &'r mut MissedCheckInRun<'a>) -> Self {
        Self { run }
    }

    /// The coach has dealt with what the client wrote; `false` if that was not asked.
    pub(super) fn handled(mut self, by: &str) -> bool {
        if !self.run.state.is_asked(REPLY) {
            return false;
        }
        self.saw_what_it_is_about();
        if !self.run.shows_first(by) {
            self.was_handled(by);
        }
        true
    }

    /// A coach wrote to her at `at`: after all that she was asked about, it is the answer.
    pub(super) fn in_portal(mut self, at: Timestamp) {
        let state = &self.run.state;
        let all_before = state.unanswered.values().all(|wrote| *wrote < at);
        let counts = self.run.draft.case.logic >= ANSWERED_IN_PORTAL_SINCE;
        // One of ours whose outcome is not known may be told as hers.
        let certain = state.first_message != Progress::Unclear;
        let is_asked = state.is_asked(REPLY) && !state.unanswered.is_empty();
        if counts && certain && is_asked && all_before {
            self.was_handled("her coach");
        }
    }

    /// Who answers has seen what an open case was paused for.
    fn saw_what_it_is_about(&mut self) {
        let over = std::mem::take(&mut self.run.state.paused_over);
        self.run.state.shown.extend(over);
    }

    fn was_handled(&mut self, by: &str) {
        let run = &mut *self.run;
        run.state.dealt_with(run.now());
        let today = date_words(run.today());
        run.draft.say(format!("{by} answered the client"));
        let reason = format!("{by} answered the client {today}");
        let remind_at = run.working_days_from_now(ASKED_AGAIN_AFTER_DAYS);
        let work = run.reply_ask(&reason, remind_at).into_work();
        let later = Paused { reason, work };
        if run.state.paused_for.is_empty() {
            let (until, why) = (later.work.remind_at, later.reason.clone());
            run.stop_asking();
            run.draft.status = CaseStatus::Paused {
                reason: why.clone(),
            };
            run.draft.wait = Some(Wait::Timer { until, why });
            run.state.later = Some(Box::new(later));
        } else {
            // What else it is paused for is asked now; how it goes on after her answer comes last.
            run.state.paused_for.insert(0, later);
            run.pauses_on();
        }
    }

    /// The question that was put off is asked; `false` if there is none.
    pub(super) fn ask_later(self) -> bool {
        let run = self.run;
        let Some(later) = run.state.later.take() else {
            return false;
        };
        let days = run.procedure.parameters.coach.reply_reminder_days;
        let remind_at = run.working_days_from_now(days);
        run.draft
            .say(format!("{}: asked how it goes on", later.reason));
        let ask = run.reply_ask(&later.reason, remind_at);
        run.ask(ask);
        true
    }

    /// Every channel stops until the manager decides; `false` if it has for this reason already.
    pub(super) fn stops(mut self, by: &str, why: StopReason) -> bool {
        if self.run.state.stopped == Some(why) && self.run.state.is_asked(STOPPED) {
            return false;
        }
        self.saw_what_it_is_about();
        let run = self.run;
        if run.state.is_asked(REPLY) && run.state.not_shown().next().is_none() {
            // This is her answer to it.
            run.state.dealt_with(run.now());
            run.stop_asking();
        }
        run.state.stopped = Some(why);
        let ask = stop_ask(run, by, why);
        run.pause(&format!("she {} ({by})", why.words()), ask);
        noted::stopped(run, by);
        true
    }
}

/// How an admin stops a client's fee.
pub(super) const STOP_FEE: &str = "clear-relay keap cancel-subscription CLIENT --by NAME";

/// What the manager is asked about a stop.
fn stop_ask(run: &MissedCheckInRun<'_>, by: &str, why: StopReason) -> Ask {
    let (who, words) = (run.state.who(), why.words());
    // A list of titles is read by anybody who passes: what is health stands inside (A32).
    let title = if why.is_health() {
        format!("{who}: {by} has stopped everything; why stands inside.")
    } else {
        format!("{who} {words}, says {by}.")
    };
    let stops_fee = why == StopReason::WantsToLeave && !run.draft.cx.not_offered.crm;
    let command = stops_fee.then_some(STOP_FEE);
    let (then, remedy) = match why {
        StopReason::WantsToLeave => (
            "End her program and stop the fee?",
            Some(if run.draft.cx.not_offered.crm {
                "end the program in the portal, and stop the fee by hand where the clinic bills it (SOP-2155): the \
                 relay can't"
            } else {
                "end the program in the portal, and ask your admin to stop the fee"
            }),
        ),
        StopReason::Complaint | StopReason::Unwell | StopReason::NoContact => {
            ("How does it go on?", None)
        }
    };
    Ask {
        kind: STOPPED,
        owner: PROGRAM_MANAGER.into(),
        title: format!("{title} Nothing goes out to her. {then}"),
        detail: serde_json::json!({
            "why": why,
            "reason": format!("she {words}"),
            "by": by,
            "contact": run.state.client.contact,
            "resume": next_words(run),
            "close": "this follow-up ends; another one would ask you first",
            "remedy": remedy,
            "command": command,
        }),
        answers: Answers::Of(&["resume", "close"]),
        remind_at: manager_reminder(run),
    }
}

impl State {
    /// Lifts a stop, if that is what is answered now.
    pub(super) fn lift_stop(&mut self) -> bool {
        let is_asked = self.is_asked(STOPPED);
        if is_asked {
            self.stopped = None;
        }
        is_asked
    }
}
