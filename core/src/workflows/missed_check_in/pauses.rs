//! A paused case: no outreach until a person says how to go on.
//!
//! One word lifts one pause. A manager's *pause*, a reply and the change of the contact type are each a
//! question of its own; the newest is asked, and the one before it again once that is answered.

use super::another_coach::sign_anew;
use super::in_person::KIND as CONTACT_TYPE;
use super::next::next_words;
use super::people::PAUSED as BY_PERSON;
use super::questions::REPLY;
use super::questions::STOPPED;
use super::run::{Ask, MissedCheckInRun};
use super::state::Paused;
use crate::case::CaseStatus;
use crate::workflow::NewWork;

/// The kinds of question of a paused case that stay asked when another one comes: a person's own
/// pause, what the client wrote, the change of her contact type, and a stop of every channel. An agreed break is read
/// anew from the portal before anything goes out.
const OUTLASTS: [&str; 4] = [BY_PERSON, REPLY, CONTACT_TYPE, STOPPED];

impl MissedCheckInRun<'_> {
    /// Stops all outreach until a person says how to go on. What it was paused for before is asked
    /// again once this is answered: one word lifts one pause.
    pub(super) fn pause(&mut self, reason: &str, ask: Ask) {
        if let CaseStatus::Paused { reason } = &self.draft.status
            && let Some(work) = self.state.asked.clone()
            && OUTLASTS.contains(&work.kind.as_str())
            && work.kind != ask.kind
        {
            let reason = reason.clone();
            self.state.paused_for.push(Paused { reason, work });
        }
        let later = self.state.later.take();
        self.state.paused_for.extend(later.map(|later| *later));
        self.state
            .paused_for
            .retain(|other| other.work.kind != ask.kind);
        self.withdraw_current();
        self.withdraw_call("outreach is paused");
        self.state.hold = None;
        self.state.resting = None;
        self.draft.status = CaseStatus::Paused {
            reason: reason.to_owned(),
        };
        self.draft.say(format!("Paused: {reason}"));
        self.ask(ask);
    }

    /// A question of a paused case was answered: the one that stood before it is asked again. `false`
    /// if there is none.
    pub(super) fn pauses_on(&mut self) -> bool {
        let Some(Paused { reason, mut work }) = self.state.paused_for.pop() else {
            return false;
        };
        self.draft.say(format!("Still paused: {reason}"));
        self.draft.status = CaseStatus::Paused { reason };
        if is_her_coachs(&work) {
            work.owner = self.owner();
            sign_anew(self, &mut work);
        }
        work.remind_at = work.remind_at.max(self.working_days_from_now(1));
        work.due = work.remind_at;
        if work.detail.get("resume").is_some() {
            // What was so when it was first asked may not be any more.
            work.detail["resume"] = next_words(self).into();
        }
        self.stop_asking();
        self.ask_for(work);
        true
    }
}

/// Whether a question goes to the client's coach, whoever that is by now; else it stays with whom it was
/// asked of.
pub(super) fn is_her_coachs(work: &NewWork) -> bool {
    work.kind != STOPPED
}
