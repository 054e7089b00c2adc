//! She comes to the clinic: the follow-up stops (E25, E60).
//!
//! > Click on their name and change their contact type in the "Clear Connection" tab to "In-Person"
//!
//! The portal's status and the contact type in the CRM say the same thing in two places, and a coach
//! changes the second by hand. So the contact type is a fact, whoever set it:
//!
//! - Our own order to set it pauses the follow-up in the very commit that stores the order; the
//!   field may take a while, and a message must not go out meanwhile.
//! - It closes once the CRM shows the value: after our own write, after a change by hand that a hook
//!   tells of, at a daily read, or at a guard that asks the CRM anyway.
//! - A case does not open on a value that was stored: the engine reads it for the opening, and while it
//!   is *In-Person* no case opens (`open.rs`).

use super::closing::Closing;
use super::run::{Ask, MissedCheckInRun};
use crate::case::CaseStatus;
use crate::clients::is_in_person;
use crate::facts::Order;
use crate::work_kinds;
use crate::workflow::Answers;

/// The kind of its question.
pub(super) const KIND: &str = work_kinds::CONTACT_TYPE;

impl MissedCheckInRun<'_> {
    /// A person ordered something for her; `false` if it does not concern the follow-up.
    pub(super) fn ordered(&mut self, by: &str, order: &Order) -> bool {
        let Order::SetContactType { value } = order else {
            return false;
        };
        let asked = self.state.asked.iter();
        let asked = asked.chain(self.state.paused_for.iter().map(|paused| &paused.work));
        let waits = asked.clone().any(|work| work.kind == KIND)
            && matches!(self.draft.status, CaseStatus::Paused { .. });
        if !is_in_person(value) || waits {
            return false;
        }
        let reason = "her contact type is being set to In-Person";
        let ask = Ask {
            kind: KIND,
            owner: self.owner(),
            title: format!(
                "{}: {reason} ({by}). The follow-up ends once the CRM shows it",
                self.state.who()
            ),
            detail: serde_json::json!({
                "reason": reason,
                "by": by,
                "contact": self.state.client.contact,
                "resume": "she stays in the online program after all: goes on with the next step",
            }),
            answers: Answers::Of(&["resume", "close"]),
            remind_at: self.working_days_from_now(1),
        };
        self.pause(reason, ask);
        true
    }

    /// The CRM shows the contact, with this contact type.
    pub(super) fn contact_type_read(&mut self, value: Option<&str>) -> bool {
        if value.is_some_and(is_in_person) {
            self.close(
                Closing::InPerson,
                "the client comes to the clinic now (contact type In-Person in the CRM)",
            );
            return true;
        }
        self.contact_seen()
    }
}
