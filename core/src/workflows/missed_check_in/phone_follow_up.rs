//! Scenario 2: the coach calls (A8).
//!
//! > The client is not opening their emails from you which you saw in KEAP. In this case, you will
//! > want to follow up with a phone call.
//!
//! A call can't be made by a machine: the coach gets a task in the CRM with the reason, the number
//! and S3, and records what came of it. *Spoke* counts as a reply. Voicemail, no answer, and a task
//! that was completed without a word count as called, not reached. A wrong number goes on as not
//! reached and is shown to her as a flaw of the contact. The wait starts with the recorded call.
//!
//! What counts is when she called, not when we are told (E34): a call that was made before its task
//! was taken back by a pause stands, and nobody is asked to make it again. "Tasks closed by us don't
//! count": whose a completion without a word is, our closing says, which finds the task completed
//! already or completes it. The clocks of the CRM and of this machine are not compared for that.

use super::run::{Ask, MissedCheckInRun, call_is_over};
use super::state::{Call, ClosedBy, How, LastCall, Progress, Step};
use crate::case::CaseStatus;
use crate::clients::Records;
use crate::effects::{About, EffectInput, Settled};
use crate::facts::CallOutcome;
use crate::ids::{EffectKey, TaskId};
use crate::scripts::date_words;
use crate::time::Timestamp;
use crate::work_kinds;
use crate::workflow::Answers;
use crate::workflows::PROGRAM_MANAGER;

/// The sentence that the step carries out.
pub(super) const SOP: &str = "Scenario #2) The client is not opening their emails from you which \
     you saw in KEAP. In this case, you will want to follow up with a phone call.";

/// The script that she reads.
pub(super) const SCRIPT: &str = "S3";

/// The first version in whose cases a call counts that is told late.
const COUNTS_LATE_SINCE: u32 = 3;

impl MissedCheckInRun<'_> {
    pub(super) fn enter_phone_follow_up(&mut self) {
        let tag = self.procedure.parameters.tags.email.clone();
        self.take_tag_off(tag);
        self.state.called = None;
        let calendar = self.draft.cx.calendar;
        let slot = calendar.call_slot(self.now(), self.state.client.zone.as_deref());
        let chosen = self.state.decision.as_ref();
        let input = EffectInput::CallTask {
            script: SCRIPT.into(),
            due: self.state.due,
            reason: chosen.map_or_else(String::new, |chosen| chosen.reason.clone()),
            call_by: calendar.date_of(slot),
        };
        self.plan_and_wait("call", slot, input);
    }

    /// The task is in the CRM; now the coach is waited for.
    pub(super) fn call_task_made(&mut self, key: &EffectKey, task: Option<&TaskId>) {
        self.state.current = None;
        self.draft.say_sop("Call task made for the coach", SOP);
        self.state.call = Some(Call {
            made_by: key.clone(),
            task: task.cloned(),
            moves: 0,
            by_hand: false,
        });
        self.note_phone();
        let coach = &self.procedure.parameters.coach;
        let detail = serde_json::json!({
            "task": task,
            "contact": self.state.client.contact,
            "outcomes": CallOutcome::ALL.map(CallOutcome::as_str),
            "ready": self.ready_text(SCRIPT),
            "escalate": {
                "to": PROGRAM_MANAGER,
                "at": self.working_days_from_now(coach.call_escalation_days),
            },
        });
        let due = date_words(self.state.due);
        self.ask(Ask {
            kind: work_kinds::CALL_OUTCOME,
            owner: self.owner(),
            title: format!(
                "{}: what came of the call? (check-in due {due})",
                self.state.who()
            ),
            detail,
            answers: Answers::Of(&["call_outcome", "skip", "pause", "close"]),
            remind_at: self.working_days_from_now(coach.call_reminder_days),
        });
    }

    /// In propose mode nobody is asked to call, so nobody will record an outcome.
    pub(super) fn call_task_proposed(&mut self) {
        self.state.current = None;
        self.note_phone();
        let line = "The coach would have been asked to call (propose mode); goes on as not reached";
        self.draft.say_sop(line, SOP);
        self.state.called = Some(Some(CallOutcome::NoAnswer));
        self.followed_up(self.now(), How::Proposed);
    }

    pub(super) fn note_phone(&mut self) {
        let tag = self.procedure.parameters.tags.phone.clone();
        self.put_tag_on(tag);
        let text = self.follow_up_words("phone");
        let about = Some(About::new("followed_up_by_phone", self.state.due));
        self.plan_aside("portal_note", EffectInput::PortalNote { text, about });
    }

    /// Whether the outcome of a call is waited for.
    pub(super) fn awaits_call(&self) -> bool {
        !self.draft.status.is_closed()
            && self.step() == Some(Step::PhoneFollowUp)
            && self.state.call.is_some()
    }

    /// What the CRM shows of a call task; `false` if it is none of ours or says nothing new.
    pub(super) fn call_told(
        &mut self,
        task: &TaskId,
        at: Timestamp,
        completed: bool,
        outcome: Option<CallOutcome>,
    ) -> bool {
        if !completed && outcome.is_none() {
            return false;
        }
        let waited_for = self.state.call.as_ref().and_then(|call| call.task.as_ref());
        if self.awaits_call() && waited_for == Some(task) {
            self.call_recorded(at, outcome, completed);
            return true;
        }
        self.call_told_late(task, at, outcome)
    }

    /// A call that is told of after its task was taken back, or an outcome after the completion.
    pub(super) fn call_told_late(
        &mut self,
        task: &TaskId,
        at: Timestamp,
        outcome: Option<CallOutcome>,
    ) -> bool {
        let last = self.state.last_call.as_ref();
        let Some(last) = last.filter(|last| last.task == *task) else {
            return false;
        };
        let was_another =
            matches!(self.state.called, Some(Some(known)) if known != CallOutcome::Spoke);
        if outcome == Some(CallOutcome::Spoke) && was_another {
            // She knows better now. It only keeps things back, in cases of every version; else a text would say that her
            // client has not answered.
            self.state.called = Some(outcome);
            self.draft
                .say_sop("Called, as is put right now: spoke", SOP);
            self.replied("she was reached by phone");
            return true;
        }
        if self.draft.case.logic < COUNTS_LATE_SINCE {
            return false;
        }
        let hers = outcome.is_some()
            || match last.closed {
                ClosedBy::Her => true,
                ClosedBy::Us => false,
                // Told before our own closing: that one says whose it is.
                ClosedBy::NotKnown if last.closing.is_some() => {
                    let news = last.completed_at != Some(at);
                    if let Some(last) = &mut self.state.last_call {
                        last.completed_at = Some(at);
                    }
                    return news;
                }
                // Kept by an earlier version.
                ClosedBy::NotKnown => at < last.taken_at,
            };
        let first = self.state.follow_up == Progress::Pending;
        // Completed without a word before, and now there is one.
        let adds = self.state.called == Some(None) && outcome.is_some();
        if !hers || !(first || adds) {
            return false;
        }
        self.state.called = Some(outcome);
        let words = outcome.map_or("completed without an outcome", CallOutcome::as_str);
        self.draft
            .say_sop(format!("Called, as is told only now: {words}"), SOP);
        let goes_on = first && self.draft.status == CaseStatus::Open;
        if goes_on {
            self.withdraw_current();
            self.withdraw_call("the call was made already");
        }
        if first {
            self.state.follow_up = Progress::Done { at, how: How::Sent };
        }
        if outcome == Some(CallOutcome::Spoke) {
            self.replied("she was reached by phone");
        } else if goes_on {
            self.followed_up(at, How::Sent);
        }
        if outcome == Some(CallOutcome::WrongNumber) {
            self.tell_wrong_number();
        }
        true
    }

    /// Our closing of the last call task ended: whether it found the task completed says who did it.
    pub(super) fn call_closed(&mut self, key: &EffectKey, settled: &Settled) -> bool {
        let Some(last) = self.state.last_call.as_mut() else {
            return false;
        };
        if last.closing.as_ref() != Some(key) {
            return false;
        }
        match settled {
            Settled::Done { .. } => last.closed = ClosedBy::Us,
            Settled::AlreadyTrue => last.closed = ClosedBy::Her,
            _ => return false,
        }
        if let Some(at) = last.completed_at
            && last.closed == ClosedBy::Her
            && !self.draft.status.is_closed()
        {
            let task = last.task.clone();
            self.call_told_late(&task, at, None);
        }
        true
    }

    /// The coach called. `outcome` is `None` when she completed the task without a word.
    /// `completed` tells whether the task is: if not, it is ours to complete.
    pub(super) fn call_recorded(
        &mut self,
        at: Timestamp,
        outcome: Option<CallOutcome>,
        completed: bool,
    ) {
        let Some(call) = self.state.call.take() else {
            return;
        };
        if call.by_hand {
            call_is_over(self, &call);
        } else if let Some(task) = call.task {
            let closing = (!completed).then(|| {
                let reason = "the outcome was recorded";
                self.close_task(&call.made_by, reason, true)
            });
            self.state.last_call = Some(LastCall::new(task, self.now(), closing));
        }
        self.state.called = Some(outcome);
        let words = outcome.map_or("completed without an outcome", CallOutcome::as_str);
        self.draft.say_sop(format!("Called: {words}"), SOP);
        if outcome == Some(CallOutcome::Spoke) {
            self.state.follow_up = Progress::Done { at, how: How::Sent };
            self.replied("she was reached by phone");
            return;
        }
        self.followed_up(at, How::Sent);
        if outcome == Some(CallOutcome::WrongNumber) {
            self.tell_wrong_number();
        }
    }

    fn tell_wrong_number(&mut self) {
        let remind_at = self.working_days_from_now(1);
        self.tell(Ask {
            kind: work_kinds::WRONG_NUMBER,
            owner: self.owner(),
            title: format!(
                "{}: the phone number belongs to somebody else",
                self.state.who()
            ),
            detail: serde_json::json!({
                "contact": self.state.client.contact,
                "remedy": match (self.draft.cx.not_offered.crm, self.draft.cx.not_offered.records) {
                    (false, Records::Crm) => "correct the number in the CRM".to_owned(),
                    (true, records) => format!("correct the number in {}", records.words()),
                    (false, records) => {
                        format!("correct the number in the CRM and in {}", records.words())
                    }
                },
            }),
            answers: Answers::Notice,
            remind_at,
        });
    }
}
