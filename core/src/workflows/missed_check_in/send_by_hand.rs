//! The first message where no tool lets the relay write in the portal: the coach sends it, and says when
//! she has.
//!
//! The guard has passed the message: it is wanted, this is the hour for it, every sentence is true. What
//! it can't know is what stands in the portal, so she is asked to look there first. The case waits for
//! her, she is reminded as of any hold, and a check-in closes the case as anywhere.

use super::portal_message;
use super::run::{Ask, MissedCheckInRun};
use super::state::Hold;
use crate::case::CaseStatus;
use crate::ids::EffectKey;
use crate::scripts::date_words;
use crate::workflow::Answers;

/// What only she can see, and how she answers then.
pub(super) const LOOK_FIRST: &str = "Look in the portal first, where the relay can't read: if she has \
     written or checked in, answer \"pause\"";

impl MissedCheckInRun<'_> {
    pub(super) fn ask_to_send(&mut self, key: &EffectKey) {
        let window_days = self.procedure.parameters.window_days;
        let truth = self.state.truth(self.today(), window_days);
        // The wording that is true today, as the guard has chosen it.
        let chosen = self
            .procedure
            .scripts
            .choose(portal_message::SCRIPT, &truth);
        let chosen = chosen
            .map_or(portal_message::SCRIPT, |(id, _)| id)
            .to_owned();
        let due = date_words(self.state.due);
        let yesterday = self
            .state
            .due
            .tomorrow()
            .is_ok_and(|next| next == self.today());
        let today = if yesterday {
            "today, since it says \"yesterday\""
        } else {
            "today"
        };
        self.state.portal_unread = true;
        self.state.hold = Some(Hold::ByHand);
        self.state.later = None;
        self.state.waits_for_contact = false;
        let reason =
            "the relay can't write in the portal: her coach is asked to send the first message";
        self.draft.status = CaseStatus::Held {
            reason: reason.to_owned(),
        };
        self.draft.say(format!("Held: {reason}"));
        let detail = serde_json::json!({
            "effect": key,
            "reason": "the relay can't write in the portal, so this message is yours to send",
            "check_in_due": due,
            "window": self.window_words(),
            "contact": self.state.client.contact,
            "ready": self.ready_text(&chosen),
            "remedy": format!("{LOOK_FIRST}. Else send her the text {today}, and answer \"done\""),
        });
        let days = self.procedure.parameters.coach.hold_reminder_days;
        self.ask(Ask {
            kind: "send_by_hand",
            owner: self.owner(),
            title: format!(
                "{}: send her the first message in the portal (check-in due {due})",
                self.state.who()
            ),
            detail,
            answers: Answers::Of(&[
                "done_by_hand",
                "skip",
                "pause",
                "wants_to_leave",
                "complaint",
                "unwell",
                "no_contact",
                "close",
            ]),
            remind_at: self.working_days_from_now(days),
        });
    }
}
