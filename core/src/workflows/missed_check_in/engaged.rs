//! She opened or clicked an email, and we are told after the decision was made.
//!
//! > Scenario #2) The client is not opening their emails from you which you saw in KEAP.
//!
//! The document has the coach look, and then act at once; the relay looks, and its call task is
//! made when the office next opens, which may be three days later. So:
//!
//! - **Before the call task is made** an open or click makes the decision anew, on the evidence it
//!   was made on and what was told since. It is the same pure decision: where it says *seen*, the
//!   call is withdrawn and the email goes out; the timeline holds both decisions. The coach would
//!   not call a client of whom she sees in the CRM that she reads her mail.
//! - **Once it is made** nothing turns: the coach may have the telephone in her hand. The timeline
//!   says it.
//! - **An email never turns into a call**: nothing that is told can show that she does not read.
//! - **A case held because the history can't be read** goes on by email when an event that counts is
//!   told. It can't go on by phone: *not opening* is nothing that anybody tells.
//! - While a read is under way nothing happens here: that read takes in what was told until then.
//! - A step that a person was asked about is hers, and does not turn.
//!
//! What a forged post could do is therefore to turn a call into an email, and nothing else.

use super::run::MissedCheckInRun;
use super::state::{Hold, Progress, Step};
use crate::case::{CaseStatus, Wait};
use crate::channel::{Channel, EngagementEvent, MailEvidence};

/// The first version of this procedure whose cases are turned.
const TURNS_SINCE: u32 = 2;

impl MissedCheckInRun<'_> {
    /// Takes an open or click in; `false` if it changes nothing.
    pub(super) fn engaged(&mut self, event: &EngagementEvent) -> bool {
        if self.draft.case.logic < TURNS_SINCE {
            return false;
        }
        if self.state.hold == Some(Hold::Unread) && self.step() == Some(Step::ChooseChannel) {
            return self.decide_unread(event);
        }
        if self.step() != Some(Step::PhoneFollowUp) || self.state.follow_up != Progress::Pending {
            return false;
        }
        if self.awaits_call() {
            return self.told_while_calling(event);
        }
        let planned = self.is_open()
            && self.state.current.is_some()
            && matches!(self.draft.wait, Some(Wait::Effect { .. }));
        planned && self.decide_again(event)
    }

    /// The evidence of the call with `event` in it; `None` where it is in it already, or where no
    /// evidence led to the call.
    fn with(&self, event: &EngagementEvent) -> Option<MailEvidence> {
        let mut evidence = self.state.evidence.as_deref()?.clone();
        // A read knows more than the post that told of the same.
        let same = |known: &EngagementEvent| known == event || known.is_same(event);
        if evidence
            .engagement
            .iter()
            .any(|known| same(known) && (known.exact || !event.exact))
        {
            return None;
        }
        evidence.engagement.retain(|known| !same(known));
        evidence.engagement.push(event.clone());
        Some(evidence)
    }

    fn decide_again(&mut self, event: &EngagementEvent) -> bool {
        let Some(evidence) = self.with(event) else {
            return false;
        };
        let decision = self.decide_on(&evidence);
        if decision.channel == Channel::Email {
            let line = format!("Decided anew, by email: {}", decision.reason);
            self.follow(&line, &decision, evidence);
        } else {
            let words = event.words(self.draft.cx.calendar.zone());
            let reason = &decision.reason;
            let line = format!("Still by phone, although {words}: {reason}");
            let detail = serde_json::json!({ "decision": decision, "evidence": evidence });
            self.draft.say_more(line, None, Some(detail));
            self.state.evidence = Some(Box::new(evidence));
        }
        true
    }

    fn told_while_calling(&mut self, event: &EngagementEvent) -> bool {
        let Some(evidence) = self.with(event) else {
            return false;
        };
        let turns = self.decide_on(&evidence).channel == Channel::Email;
        if turns {
            let words = event.words(self.draft.cx.calendar.zone());
            let line = format!("Told too late to turn the call, whose task is made: {words}");
            self.draft.say(line);
            self.state.evidence = Some(Box::new(evidence));
        }
        turns
    }

    fn decide_unread(&mut self, event: &EngagementEvent) -> bool {
        let CaseStatus::Held { reason } = &self.draft.status else {
            return false;
        };
        let has_phone = self.state.client.has_phone;
        let told = vec![event.clone()];
        let evidence = MailEvidence::unread(self.now(), has_phone, reason.clone(), told);
        let decides = self.decide_on(&evidence).channel == Channel::Email;
        if decides {
            self.mail_read(&evidence);
        }
        decides
    }
}
