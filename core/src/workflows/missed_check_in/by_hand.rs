//! What comes after the last wait, asked of the coach.
//!
//! > If the client has not responded, send a text message and email through your gmail account, to
//! > the client.
//!
//! The relay does not carry out this step nor those after it. A case must not end for that ("Continue
//! to follow up with client until check-in is completed"), so it waits for the coach with the
//! sentence, and with S4 ready. What S4 claims and is not so stands beside it as `check` (A9): she
//! decides about the words. When she has done it, the rest of the document is what she is asked.

use super::run::{Ask, Run};
use crate::scripts::date_words;

/// The sentence whose work is handed over.
pub(super) const SOP: &str = "If the client has not responded, send a text message and email \
     through your gmail account, to the client.";

/// What the document asks after that.
pub(super) const SOP_AFTER: [&str; 4] = [
    "If the client still has not submitted their check-in. Report the client as non-compliant to \
     the Program Manager in Slack so that they can contact the client.",
    "If the Program Manager approves, send a final message in clear connection.",
    "End the client program if the client never responded or checked-in (Refer to SOP-V-2128). \
     ONLY END A CLIENT PROGRAM ONCE A MANAGER HAS APPROVED IT",
    "Stop the Monthly Coaching Fee subscription in KEAP. (Refer to SOP-2155)",
];

impl Run<'_> {
    pub(super) fn enter_by_hand(&mut self) {
        self.draft.say_sop(
            "The relay goes no further: the coach continues by hand",
            SOP,
        );
        let due = date_words(self.state.due);
        let chosen = self.state.decision.as_ref();
        let mut detail = serde_json::json!({
            "check_in_due": due,
            "window": self.window_words(),
            "contact": self.state.client.contact,
            "follow_up": chosen.map(|chosen| chosen.reason.clone()),
            "then": SOP_AFTER,
        });
        if let Some(detail) = detail.as_object_mut()
            && !self.state.text_by_hand
        {
            detail.insert("next".into(), SOP.into());
            detail.insert("ready".into(), self.ready_text("S4"));
        }
        let title = format!(
            "{}: continue by hand (check-in due {due})",
            self.state.who()
        );
        let days = self.procedure.parameters.coach.hold_reminder_days;
        self.ask(Ask {
            kind: "by_hand",
            owner: self.owner(),
            title,
            detail,
            actions: &["done_by_hand", "pause", "close"],
            remind_at: self.working_days_from_now(days),
        });
    }
}
