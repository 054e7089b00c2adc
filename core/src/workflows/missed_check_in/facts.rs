//! What may be learned at any step, and what follows from it.
//!
//! > Continue to follow up with client until check-in is completed
//!
//! A check-in closes the case wherever it stands, also one that the portal calls incomplete (E5) and
//! a later one (E7). A reply pauses it, whatever it says: no reading of the text decides alone (E10).

use super::another_coach::{CALLS_ANEW_SINCE, ask_again, call_anew, sign_anew};
use super::answers::{CoachAnswer, STOP_FEE};
use super::closing::Closing;
use super::pauses::is_her_coachs;
use super::run::{Ask, MissedCheckInRun};
use super::staff_said::staff_said;
use super::state::{Hold, KnownClient, Progress, Step};
use crate::case::CaseStatus;
use crate::clients::{ClientSnapshot, ClientStatus};
use crate::effects::{EffectInput, EffectKind};
use crate::facts::{Fact, FactBody};
use crate::ids::{CheckInId, CoachId};
use crate::outside;
use crate::scripts::date_words;
use crate::time::{Date, Timestamp};
use crate::work_kinds;
use crate::workflow::Answers;
use crate::workflows::PROGRAM_MANAGER;

/// The exception of the document.
pub(super) const SOP_TRANSITION: &str = "If a client is at the end of the program and just needing \
     to complete a Transition Maintenance Call, please refer to this article for the appropriate \
     procedure- https://naturalacneclinic.happyfox.com/kb/article/563-sop-2330-submit-happyfox-tickets/";

impl MissedCheckInRun<'_> {
    /// Takes a fact in; `false` if it changes nothing. Never called on a closed case.
    pub(super) fn fact(&mut self, fact: &Fact) -> bool {
        match &fact.body {
            FactBody::CheckInSubmitted { check_in, complete } => {
                self.submitted(check_in, *complete)
            }
            FactBody::CheckInWithdrawn { check_in } => self.withdrawn(check_in),
            FactBody::CheckInDue {
                check_in,
                due,
                due_at,
            } => self.due_told(check_in, *due, *due_at, fact.source_time),
            // A time of day that is not told belonged to the old date.
            FactBody::CheckInRescheduled { check_in, due } => {
                self.due_told(check_in, *due, None, fact.source_time)
            }
            FactBody::CheckInMissed { check_in, .. } => self.missed(&check_in.id, check_in.due),
            FactBody::ClientReplied { message, channel } => {
                self.client_wrote(message.as_ref(), channel, fact.source_time)
            }
            FactBody::CoachWrote { message, .. } => self.coach_wrote(message, fact.source_time),
            FactBody::RegimenChanged { on } => self.regimen_changed(*on),
            FactBody::ClientUpdated { client } => {
                let news = self.is_news_of_her(fact.source_time);
                news && self.client_updated(client)
            }
            FactBody::ProgramEnded => {
                let news = self.is_news_of_her(fact.source_time);
                news && self.program_ended(Closing::Ended)
            }
            FactBody::MailRead { evidence } => {
                let asked = self.reads_mail();
                if asked {
                    self.mail_read(evidence);
                }
                asked
            }
            FactBody::Engaged { event } => self.engaged(event),
            FactBody::CallTaskChanged {
                task,
                completed,
                outcome,
            } => self.call_told(task, fact.source_time, *completed, *outcome),
            FactBody::ContactGone => self.contact_gone(),
            FactBody::ContactType { value } => self.contact_type_read(value.as_deref()),
            FactBody::Ordered { by, order } => self.ordered(by, order),
            FactBody::ContactSeen => self.contact_seen(),
            FactBody::OutreachStopped { by, why } => CoachAnswer::to(self).stops(by, *why),
            FactBody::StaffSaid { word, by, .. } => staff_said(self, *word, by),
            FactBody::MessageRead { .. }
            | FactBody::OutreachAllowed { .. }
            | FactBody::ProgramReactivated
            | FactBody::BillingRead { .. } => false,
        }
    }

    /// E34: what an event tells late must not undo what was read or told since.
    fn is_news_of_her(&mut self, told_at: Timestamp) -> bool {
        let news = told_at >= self.state.client_told_at;
        if news {
            self.state.client_told_at = told_at;
        }
        news
    }

    /// E7: only a *later* check-in stands for the missed one. One whose date is not known closes
    /// nothing yet: the next read of the portal tells it.
    fn submitted(&mut self, check_in: &CheckInId, complete: bool) -> bool {
        if *check_in == self.state.check_in {
            self.close(
                Closing::Submitted,
                if complete {
                    "the check-in was submitted"
                } else {
                    "the check-in was submitted (the portal calls it incomplete; \
                 the coach may ask for the rest)"
                },
            );
            return true;
        }
        self.state.missed_too.remove(check_in);
        let new = self.state.submitted.insert(check_in.clone());
        match self.state.others.get(check_in).copied() {
            Some(due) => self.other_submitted(due),
            None if new => self.draft.say("Another check-in was submitted"),
            None => {}
        }
        new || self.draft.status.is_closed()
    }

    fn other_submitted(&mut self, due: Date) {
        if due > self.state.due {
            self.close(
                Closing::LaterSubmitted,
                "superseded: a later check-in was submitted",
            );
        } else {
            self.draft.say("An earlier check-in was submitted");
        }
    }

    fn withdrawn(&mut self, check_in: &CheckInId) -> bool {
        if *check_in == self.state.check_in {
            self.close(Closing::Withdrawn, "the check-in was withdrawn");
            return true;
        }
        self.state.missed_too.remove(check_in).is_some()
    }

    /// Of another check-in the date is remembered; if it was submitted, it can now be told whether
    /// it is a later one.
    fn other_due_told(&mut self, check_in: &CheckInId, due: Date) -> bool {
        if self.state.others.insert(check_in.clone(), due) == Some(due) {
            return false;
        }
        if due >= self.today() {
            self.state.missed_too.remove(check_in);
        }
        if self.state.submitted.contains(check_in) {
            self.other_submitted(due);
        }
        true
    }

    /// E32: due another day than we thought. A word older than the last one is not taken (E34).
    fn due_told(
        &mut self,
        check_in: &CheckInId,
        due: Date,
        due_at: Option<Timestamp>,
        told_at: Timestamp,
    ) -> bool {
        if *check_in != self.state.check_in {
            return self.other_due_told(check_in, due);
        }
        if told_at < self.state.due_told_at || due == self.state.due {
            return false;
        }
        self.state.due_told_at = told_at;
        let words = date_words(due);
        if self.today() <= due {
            // Closed before the date is taken over: what ends is the follow-up of the old one, and
            // what the closing writes must say so.
            let reason = format!("rescheduled: the check-in is now due {words}");
            self.moved_to = Some(due);
            self.close(Closing::Rescheduled, &reason);
            self.state.due = due;
            self.state.due_at = due_at;
            return true;
        }
        self.state.due = due;
        self.state.due_at = due_at;
        self.draft.say(format!("The check-in is now due {words}"));
        let names_the_date = self.state.current.is_some()
            || (self.state.hold == Some(Hold::NotSent)
                && self.state.first_message == Progress::Pending);
        if names_the_date && !matches!(self.draft.status, CaseStatus::Paused { .. }) {
            // What was planned names the old date: planned anew, as another visit.
            match self.step() {
                Some(step @ (Step::PortalMessage | Step::EmailFollowUp | Step::PhoneFollowUp))
                    if self.state.hold != Some(Hold::Unclear) =>
                {
                    self.enter(step);
                }
                _ => {}
            }
        }
        true
    }

    /// E66: one case per client; another missed check-in attaches to it.
    fn missed(&mut self, check_in: &CheckInId, due: Date) -> bool {
        if *check_in == self.state.check_in {
            return false;
        }
        self.state.others.insert(check_in.clone(), due);
        let new = self.state.missed_too.insert(check_in.clone(), due) != Some(due);
        if new {
            let words = date_words(due);
            self.draft
                .say(format!("Another check-in, due {words}, is missed too"));
        }
        new
    }

    fn regimen_changed(&mut self, on: Date) -> bool {
        if self.state.client.regimen.is_some_and(|known| known >= on) {
            return false;
        }
        self.state.client.regimen = Some(on);
        let words = self.window_words();
        self.draft.say(format!("The regimen changed: {words}"));
        true
    }

    fn client_updated(&mut self, client: &ClientSnapshot) -> bool {
        let known = KnownClient::from(client).after(&self.state.client);
        let has_number = client.phone.is_some() && self.state.now_has_number();
        let before = std::mem::replace(&mut self.state.client, known);
        let changed = before != self.state.client || has_number;
        if before.coach != self.state.client.coach {
            self.coach_changed(before.coach.as_ref());
        }
        if self.state.client.contact.is_some() && before.contact != self.state.client.contact {
            self.contact_seen();
        }
        // By all that is known: an event may leave out the end of the break.
        let until = self.state.client.break_until;
        let over = until.is_some_and(|until| until < self.today());
        let break_over = over && self.goes_on_after_breaks();
        match client.status.clone() {
            ClientStatus::OnBreak if break_over => self.rests() && self.break_over(),
            ClientStatus::Online => {
                if before.status != ClientStatus::Online {
                    self.draft.say("The client is online again");
                }
                let goes_on = self.goes_on_after_breaks() && self.rests() && self.break_over();
                changed || goes_on
            }
            ClientStatus::InPerson => {
                self.close(Closing::InPerson, "the client comes to the clinic now");
                true
            }
            ClientStatus::Quit => self.program_ended(Closing::Quit),
            ClientStatus::Graduated => {
                self.close(Closing::Graduated, "the client has completed the program");
                true
            }
            ClientStatus::Maintenance => {
                self.close(Closing::Maintenance, "the client is on maintenance now");
                true
            }
            ClientStatus::TransitionCallOnly => {
                self.transition_call();
                true
            }
            ClientStatus::OnBreak => {
                let news = before.status != ClientStatus::OnBreak
                    || self.is_open()
                    || (self.rests() && before.break_until != self.state.client.break_until);
                if news && self.goes_on_after_breaks() {
                    self.rest(self.state.client.break_until);
                } else if news {
                    self.on_break(self.state.client.break_until);
                }
                changed || news
            }
            ClientStatus::Unknown(word) => {
                let news = self.is_open();
                if news {
                    self.withdraw_current();
                    let word = outside::short_line(&word, 40);
                    let reason = format!("her status is a word that we don't know ({word:?})");
                    self.hold(Hold::NotSent, &reason, serde_json::json!({}));
                }
                changed || news
            }
        }
    }

    /// E41: the new coach inherits the case, what was asked, and the open call.
    fn coach_changed(&mut self, before: Option<&CoachId>) {
        self.draft.say("The client has another coach");
        let (time_off, today) = (self.draft.cx.time_off, self.today());
        let acts = |coach: &CoachId| time_off.acting_for(coach, today).coach.clone();
        let after = self.state.client.coach.as_ref().map(acts);
        let calls_anew = self.draft.case.logic >= CALLS_ANEW_SINCE;
        // Who has acted for the one before may be her coach now: the call is hers already.
        // What was asked by hand has no task: the question is asked again, signed anew.
        let has_task = self.state.call.as_ref().is_some_and(|call| !call.by_hand);
        if self.awaits_call() && has_task && calls_anew && before.map(acts) != after {
            call_anew(self);
        }
        let owner = self.owner();
        if let Some(mut work) = self.state.asked.take() {
            if is_her_coachs(&work) {
                work.owner = owner;
                sign_anew(self, &mut work);
            }
            ask_again(self, work);
        }
        if let (Some(call), Some(coach)) =
            (self.state.call.as_mut(), self.state.client.coach.clone())
            && !call.by_hand
            && !calls_anew
        {
            call.moves = call.moves.saturating_add(1);
            let name = format!("move-{}", call.moves);
            let made_by = call.made_by.clone();
            self.plan_aside(&name, EffectInput::ReassignTask { made_by, coach });
        }
    }

    /// A23: no follow-up, but a ticket for the call, which the coach submits until the relay does.
    pub(super) fn transition_call(&mut self) {
        self.close(
            Closing::TransitionCall,
            "only the Transition Maintenance Call is open (SOP-2330)",
        );
        let remind_at = self.working_days_from_now(1);
        self.tell(Ask {
            kind: work_kinds::TRANSITION_CALL,
            owner: self.owner(),
            title: format!(
                "{}: only the Transition Maintenance Call is open. Submit the HappyFox ticket",
                self.state.who()
            ),
            detail: serde_json::json!({
                "check_in_due": date_words(self.state.due),
                "contact": self.state.client.contact,
                "sop": SOP_TRANSITION,
            }),
            answers: Answers::Notice,
            remind_at,
        });
    }

    /// E25: ended by hand. The coaching fee may still run, which only a manager may stop.
    fn program_ended(&mut self, why: Closing) -> bool {
        self.close(why, "the program was ended by hand in the portal");
        let calendar = self.draft.cx.calendar;
        let remind_at: Timestamp = calendar.next_working_morning(self.now());
        self.tell(Ask {
            kind: work_kinds::FEE,
            owner: PROGRAM_MANAGER.into(),
            title: format!(
                "{}: program ended by hand. Stop the coaching fee?",
                self.state.who()
            ),
            detail: serde_json::json!({
                "contact": self.state.client.contact,
                "remedy": if self.draft.cx.not_offered.crm {
                    "look at the next bill date, and stop the fee by hand where the clinic bills it (SOP-2155): the \
                     relay can't"
                } else {
                    "look at the next bill date, and ask your admin to stop the fee"
                },
                "command": (!self.draft.cx.not_offered.crm).then_some(STOP_FEE),
            }),
            // Stopping the fee is an order of its own: settling an item must not look like one.
            answers: Answers::Notice,
            remind_at,
        });
        true
    }

    /// E40: nothing more is done in the CRM; the portal goes on.
    fn contact_gone(&mut self) -> bool {
        if self.state.contact_gone {
            return false;
        }
        self.state.contact_gone = true;
        self.draft.say("Her contact in the CRM is gone");
        let in_crm = matches!(
            self.step(),
            Some(Step::ChooseChannel | Step::EmailFollowUp | Step::PhoneFollowUp)
        );
        if self.is_open() && in_crm && self.state.follow_up == Progress::Pending {
            self.withdraw_current();
            self.hold_contact_gone();
        }
        // Tags and notes can't be written any more either.
        let aside = self.state.pending.iter().filter(|(_, pending)| {
            !pending.cancelled
                && matches!(
                    pending.kind,
                    EffectKind::ContactNote | EffectKind::AddTag | EffectKind::RemoveTag
                )
        });
        let keys: Vec<_> = aside.map(|(key, _)| key.clone()).collect();
        for key in keys {
            self.state.pending.remove(&key);
            self.draft.cancel(key);
        }
        self.state.tags.clear();
        true
    }

    /// The contact is there after all, or another one is: what waited for nothing else goes on.
    pub(super) fn contact_seen(&mut self) -> bool {
        if !self.state.contact_gone {
            return false;
        }
        self.state.contact_gone = false;
        self.draft.say("Her contact in the CRM is there");
        if self.is_held() && self.state.waits_for_contact {
            self.go_on();
            // What was no reason to ask while nothing could go out anyway.
            if self.state.client.status == ClientStatus::OnBreak {
                self.rest(self.state.client.break_until);
            }
        }
        true
    }
}
