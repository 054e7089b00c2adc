//! Scenario 1: a follow-up by email, in the coach's name.
//!
//! > Scenario #1: The client has been opening their emails then you know they are seeing your
//! > message. In this case, you will send them a follow up email.
//!
//! Only the email itself is waited for. What the coach sees of it (a note and a tag in the CRM, a
//! quiet note in the portal) is planned once the email is out, and never stands in its way.

use super::run::MissedCheckInRun;
use super::state::{How, Progress};
use crate::effects::{About, EffectInput, EffectKind};
use crate::outside;
use crate::scripts::date_words;
use crate::time::Timestamp;

/// The sentence that the step carries out.
pub(super) const SOP: &str = "Scenario #1: The client has been opening their emails then you know \
     they are seeing your message. In this case, you will send them a follow up email.";

/// The sentence that the wait after either follow-up carries out.
pub(super) const SOP_WAIT: &str = "Wait another 24-48 hours to see if they respond or check-in.";

/// The script.
pub(super) const SCRIPT: &str = "S2";

impl MissedCheckInRun<'_> {
    pub(super) fn enter_email_follow_up(&mut self) {
        let tag = self.procedure.parameters.tags.phone.clone();
        self.take_tag_off(tag);
        let zone = self.state.client.zone.as_deref();
        let slot = self.draft.cx.calendar.outreach_slot(self.now(), zone);
        let input = EffectInput::Email {
            script: SCRIPT.into(),
            due: self.state.due,
        };
        self.plan_and_wait("email", slot, input);
    }

    pub(super) fn email_done(&mut self, at: Timestamp, how: How) {
        self.state.current = None;
        let said = self.said_how(how, EffectKind::Email, "Follow-up email");
        self.draft.say_sop(said, SOP);
        if matches!(how, How::Sent | How::Proposed) {
            let text = self.follow_up_words("email");
            let about = Some(About::new("followed_up_by_email", self.state.due));
            self.plan_aside(
                "note",
                EffectInput::ContactNote {
                    title: "Missed check-in: follow-up by email".into(),
                    text: text.clone(),
                    about: about.clone(),
                },
            );
            let tag = self.procedure.parameters.tags.email.clone();
            self.put_tag_on(tag);
            self.plan_aside("portal_note", EffectInput::PortalNote { text, about });
        }
        self.followed_up(at, how);
    }

    /// Both scenarios end alike: the wait, then what comes by hand.
    pub(super) fn followed_up(&mut self, at: Timestamp, how: How) {
        self.state.follow_up = Progress::Done { at, how };
        self.tell_window();
        self.draft
            .say_sop("Waiting for the check-in or a reply", SOP_WAIT);
        let until = self.wait_for_answer(at, |run, at| {
            let zone = run.state.client.zone.as_deref();
            run.draft.cx.calendar.outreach_slot(at, zone)
        });
        self.wait_until(until, "time for the client to respond or check in");
    }

    /// What staff read about the chosen channel: facts about mail, nothing about health.
    pub(super) fn follow_up_words(&self, channel: &str) -> String {
        let due = date_words(self.state.due);
        let chosen = self.state.decision.as_ref();
        let reason = chosen.map_or("chosen by hand", |chosen| chosen.reason.as_str());
        let mut text = format!("Check-in due {due}: follow-up by {channel}. Why: {reason}.");
        for caution in chosen.iter().flat_map(|chosen| &chosen.cautions) {
            text.push_str(" Note: ");
            text.push_str(caution);
            text.push('.');
        }
        outside::one_line(&text)
    }

    pub(super) fn put_tag_on(&mut self, tag: String) {
        if self.draft.cx.not_offered.crm {
            return;
        }
        self.state.tags.insert(tag.clone());
        self.plan_aside("tag", EffectInput::AddTag { tag });
    }

    /// A tag of the other scenario must not stay: it would say what is no longer so.
    pub(super) fn take_tag_off(&mut self, tag: String) {
        // While there is no CRM it stays, and goes at the latest when the case closes.
        if !self.draft.cx.not_offered.crm && self.state.tags.remove(&tag) {
            self.plan_aside("untag", EffectInput::RemoveTag { tag });
        }
    }
}
