//! Has she been opening her email? (A4, A5)
//!
//! > If the client still has not completed their check-in or responded back to you. Then navigate
//! > to KEAP to check the history of receiving and opening emails from you.
//!
//! The relay does the looking: it asks for the history, decides by the procedure's rule, and keeps
//! the decision with its evidence in the timeline. A history that can't be read holds the case; it
//! is never taken for "not opening". Where no tool tells the relay of the clinic's mail at all, nobody can tell:
//! the coach calls (E16). Where an open or click was told otherwise, that decides instead
//! of a hold, and the record says so (`engaged.rs`).

use super::run::MissedCheckInRun;
use super::state::{Chosen, Hold, Step};
use crate::case::Wait;
use crate::channel::{Channel, ChannelDecision, EmailEngagement, MailEvidence, decide};
use crate::workflow::{LINK, ReadKind};

/// The sentence that the step carries out.
pub(super) const SOP: &str = "If the client still has not completed their check-in or responded \
     back to you. Then navigate to KEAP to check the history of receiving and opening emails from \
     you.";

/// The sentence that the decision carries out.
pub(super) const SOP_DECIDE: &str = "Determine next form of communication to the client:";

impl MissedCheckInRun<'_> {
    pub(super) fn enter_choose_channel(&mut self) {
        let crm = !self.draft.cx.not_offered.crm;
        if self.state.contact_gone && crm {
            self.hold_contact_gone();
            return;
        }
        self.stop_asking();
        self.draft.read = Some(ReadKind::MailHistory);
        self.draft.wait = Some(Wait::Read {
            what: ReadKind::MailHistory.as_str().into(),
        });
        // "or responded": after a reply it is the coach who lets it go on.
        let why = if self.state.replied {
            "No check-in; the coach goes on after the reply"
        } else {
            "No check-in and no reply"
        };
        let what = if crm {
            "reading the email history"
        } else {
            "choosing the way to reach her, without an email history"
        };
        self.draft.say_sop(format!("{why}: {what}"), SOP);
    }

    /// Whether the case waits for the email history.
    pub(super) fn reads_mail(&self) -> bool {
        let waits = self.is_open() && matches!(self.draft.wait, Some(Wait::Read { .. }));
        // Given up, and made after all: a replay, or the contact was linked.
        let late = self.state.hold == Some(Hold::Unread);
        self.step() == Some(Step::ChooseChannel) && (waits || late)
    }

    pub(super) fn mail_read(&mut self, evidence: &MailEvidence) {
        let mut evidence = evidence.clone();
        // The coach may call the number that the portal has as well (E13). Where there is no other, it was read.
        evidence.has_phone |= !evidence.not_told
            && (evidence.unreadable.is_none() || evidence.address_unread)
            && self.state.client.has_phone;
        let decision = self.decide_on(&evidence);
        // Told something that does not count: the same as told nothing.
        if let Some(why) = &evidence.unreadable
            && !evidence.engagement.is_empty()
            && decision.seen != EmailEngagement::Seen
        {
            let why = why.clone();
            self.mail_unreadable(&why);
            return;
        }
        let line = match decision.channel {
            Channel::Email => format!("Follow-up by email: {}", decision.reason),
            Channel::Phone => format!("Follow-up by phone: {}", decision.reason),
            Channel::Hold => format!("No way to reach her: {}", decision.reason),
        };
        self.follow(&line, &decision, evidence);
    }

    /// The decision on `evidence`, made now.
    pub(super) fn decide_on(&self, evidence: &MailEvidence) -> ChannelDecision {
        // An `R` later than the check-in can't be right and must not hide mail (E26).
        let regimen = self.state.client.regimen.filter(|on| *on <= self.state.due);
        let zone = self.draft.cx.calendar.zone();
        let channel = &self.procedure.parameters.channel;
        decide(evidence, regimen, channel, zone, self.now())
    }

    /// Keeps `decision` with its evidence, and goes the way it says.
    pub(super) fn follow(
        &mut self,
        line: &str,
        decision: &ChannelDecision,
        evidence: MailEvidence,
    ) {
        let detail = serde_json::json!({ "decision": decision, "evidence": evidence });
        self.draft.say_more(line, Some(SOP_DECIDE), Some(detail));
        let chosen = Chosen {
            channel: decision.channel,
            reason: decision.reason.clone(),
            cautions: decision.cautions.clone(),
            no_number: false,
            no_mail: None,
        };
        self.state.decision = Some(chosen.reached_by(&evidence));
        self.state.evidence = (decision.channel == Channel::Phone).then(|| Box::new(evidence));
        match decision.channel {
            Channel::Email => self.enter(Step::EmailFollowUp),
            Channel::Phone => self.enter(Step::PhoneFollowUp),
            Channel::Hold => {
                let extra = serde_json::json!({
                    "decision": decision.reason,
                    "cautions": decision.cautions,
                    "ready": [self.ready_text("S2"), self.ready_text("S3")],
                });
                let reason = format!("neither email nor phone is possible: {}", decision.reason);
                self.hold(Hold::NotSent, &reason, extra);
            }
        }
    }

    pub(super) fn mail_unreadable(&mut self, reason: &str) {
        let technical = serde_json::json!({ "technical": reason });
        self.hold(Hold::Unread, "her email history can't be read", technical);
    }

    /// E40, E21: nothing is done in the CRM without a contact.
    pub(super) fn hold_contact_gone(&mut self) {
        let extra = serde_json::json!({
            "remedy": "restore it, and her follow-up goes on by itself; if she has another contact, tell your admin",
            "command": LINK,
        });
        self.hold(Hold::NotSent, "her contact in the CRM is gone", extra);
        self.state.waits_for_contact = true;
    }
}
