//! What comes after the last wait, asked of the coach.
//!
//! > If the client has not responded, send a text message and email through your gmail account, to
//! > the client.
//!
//! The relay does not carry out this step nor those after it. A case must not end for that ("Continue
//! to follow up with client until check-in is completed"), so it waits for the coach with the
//! sentence, and with S4 ready. What S4 claims and is not so stands beside it as `check` (A9): she
//! decides about the words. Each sentence is an item of its own: *done by hand* settles it, the
//! document's waits pass, and the next sentence is asked for. Where the relay can't read the portal, she gets S4 only after
//! she has said that no reply stands there: it tells the client so. After the last one nothing is left to
//! do, and the case closes. A case of older decision code keeps what its coach was told: one item for
//! all of it, which stays until a person closes the case.

use super::closing::Closing;
use super::hand_over::add_reach;
use super::reach::{no_mail, no_text};
use super::run::{Ask, MissedCheckInRun};
use super::send_by_hand::look_first;
use super::state::{Looked, State, Step};
use crate::answers::NO_REPLY;
use crate::case::Wait;
use crate::outside;
use crate::scripts::date_words;
use crate::work_kinds;
use crate::workflow::Answers;

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

/// The first version whose cases ask for one sentence after the other.
const ONE_BY_ONE_SINCE: u32 = 3;

/// What each sentence asks of the coach, in a few words: the first of all, then those after it.
const ASKED: [&str; 5] = [
    "continue by hand with a text and an email",
    "report her to the Program Manager if she has still not checked in",
    "send the final message if the Program Manager approved it",
    "end her program if a manager approved it and she never answered",
    "stop the coaching fee",
];

/// The first of them as far as she can be reached: where a text, an email (E15) or neither can be sent to her, another
/// than the document's, and what her coach should know of it.
fn asked_of(state: &State) -> Option<(&'static str, String)> {
    match (no_text(state), no_mail(state)) {
        (None, None) => None,
        (None, Some(why)) => Some((
            "continue by hand with a text alone",
            format!("{why}, so send her the text alone"),
        )),
        (Some(why), None) => Some((
            "continue by hand with an email alone",
            format!("{why}, so send her the email alone"),
        )),
        (Some(no_text), Some(no_mail)) => Some((
            "continue by hand in the portal alone",
            format!(
                "neither a text nor an email can reach her ({no_text}; {no_mail}), so write to her in the portal"
            ),
        )),
    }
}

/// How she answers where she has to look into the portal before she gets a text. Not that it is done: she has been given nothing
/// to do it with, and a task that is only ticked off must not say so.
const ANSWERS: [&str; 8] = [
    NO_REPLY,
    "replied",
    "pause",
    "wants_to_leave",
    "complaint",
    "unwell",
    "no_contact",
    "close",
];

/// How she answers otherwise.
const ANSWERS_AFTER_A_LOOK: [&str; 8] = [
    "done_by_hand",
    "replied",
    "pause",
    "wants_to_leave",
    "complaint",
    "unwell",
    "no_contact",
    "close",
];

/// Whether the relay can't read what she writes in the portal.
fn is_unread(run: &MissedCheckInRun<'_>) -> bool {
    run.draft.cx.not_offered.messages || run.state.portal_unread
}

/// Whether nobody has looked there today: S4 says that she has not written. Of one who is known to have answered it says what
/// is not so in any case.
fn must_look(run: &MissedCheckInRun<'_>) -> bool {
    let looked = run.state.looked.as_ref();
    let is_old = looked.is_none_or(|looked| looked.on != run.today());
    is_unread(run) && is_old && !run.state.replied
}

/// Her coach has looked into the portal, and the client has not written: she gets the text; `false` if she was not
/// asked.
pub(super) fn found_no_reply(run: &mut MissedCheckInRun<'_>, by: &str) -> bool {
    let asks = matches!(run.draft.wait, Some(Wait::Person { .. }))
        && run.state.next() == Step::ByHand
        && run.hand() == 0;
    if !asks || !must_look(run) {
        return false;
    }
    run.draft.say(format!(
        "{by} looked into the portal: the client has not written there"
    ));
    run.state.looked = Some(Looked {
        by: by.to_owned(),
        on: run.today(),
    });
    run.stop_asking();
    run.enter(Step::ByHand);
    true
}

impl MissedCheckInRun<'_> {
    /// Which of the sentences is due: 0 is [`SOP`], then [`SOP_AFTER`].
    fn hand(&self) -> usize {
        usize::from(self.state.text_by_hand) + self.state.by_hand
    }

    fn one_by_one(&self) -> bool {
        self.draft.case.logic >= ONE_BY_ONE_SINCE
    }

    /// The coach has done what she was asked; `false` if she was asked nothing.
    pub(super) fn next_by_hand(&mut self, by: &str) -> bool {
        if !self.one_by_one() {
            self.draft.say(format!("{by} did it by hand"));
            self.state.text_by_hand = true;
            self.enter(Step::ByHand);
            return true;
        }
        if !matches!(self.draft.wait, Some(Wait::Person { .. })) {
            return false;
        }
        let hand = self.hand();
        let what = ASKED.get(hand).copied().unwrap_or_default();
        self.draft.say(format!("{by} did it by hand: {what}"));
        if self.state.text_by_hand {
            self.state.by_hand = self.state.by_hand.saturating_add(1);
        } else {
            self.state.text_by_hand = true;
        }
        self.state.by_hand_at = Some(self.now());
        let calendar = self.draft.cx.calendar;
        match hand {
            // "If the client still has not submitted": she is given the usual time (A10).
            0 => {
                let until = calendar.office_slot(self.wait_after(self.now()));
                self.wait_until(until, "time for the client to respond or check in");
            }
            // "by the end of the week" (A13).
            2 => {
                let end = calendar.end_of_week(self.now());
                let until = calendar.next_working_morning(end);
                self.wait_until(until, "the end of the week that the final message names");
            }
            last if last + 1 >= ASKED.len() => {
                self.close(
                    Closing::CarriedOut,
                    "the coach has carried out the procedure by hand to its end",
                );
            }
            _ => self.enter(Step::ByHand),
        }
        true
    }

    pub(super) fn enter_by_hand(&mut self) {
        let hand = self.hand();
        let sentence = hand.checked_sub(1).and_then(|after| SOP_AFTER.get(after));
        let sentence = sentence.copied().unwrap_or(SOP);
        self.draft.say_sop(
            "The relay goes no further: the coach continues by hand",
            if self.one_by_one() { sentence } else { SOP },
        );
        let due = date_words(self.state.due);
        let chosen = self.state.decision.as_ref();
        let then = if self.one_by_one() {
            SOP_AFTER.get(hand..).unwrap_or_default()
        } else {
            &SOP_AFTER[..]
        };
        let mut detail = serde_json::json!({
            "check_in_due": due,
            "window": self.window_words(),
            "contact": self.state.client.contact,
            "follow_up": chosen.map(|chosen| chosen.reason.clone()),
            "then": then,
        });
        let asks_first = hand == 0 && must_look(self);
        let ready = match hand {
            0 => Some("S4"),
            2 if self.one_by_one() => Some("S5"),
            _ => None,
        };
        if let Some(detail) = detail.as_object_mut() {
            if hand == 0 || self.one_by_one() {
                detail.insert("next".into(), sentence.into());
            }
            if let Some(script) = ready {
                if asks_first {
                    let look = look_first(self);
                    let remedy = format!(
                        "{look}. If she has not written, answer \"no reply\", and you get the text to send"
                    );
                    detail.insert("remedy".into(), remedy.into());
                } else {
                    detail.insert("ready".into(), self.ready_text(script));
                    match &self.state.looked {
                        Some(looked) if hand == 0 && is_unread(self) => {
                            let (by, day) = (outside::one_line(&looked.by), date_words(looked.on));
                            let remedy = format!(
                                "{by} looked into the portal on {day}, and she had not written. If you send the text \
                                 on a later day, look once more before you do"
                            );
                            detail.insert("remedy".into(), remedy.into());
                        }
                        _ if is_unread(self) => {
                            detail.insert("remedy".into(), look_first(self).into());
                        }
                        _ => {}
                    }
                }
            }
        }
        let alone = asked_of(&self.state).filter(|_| hand == 0);
        if hand == 0 {
            add_reach(self, &mut detail);
        }
        let mut what = match ASKED.get(hand) {
            Some(what) if self.one_by_one() => *what,
            _ => "continue by hand",
        };
        if let Some((asked, caution)) = alone {
            detail["cautions"] = serde_json::json!([caution]);
            if self.one_by_one() {
                what = asked;
            }
        }
        let title = format!("{}: {what} (check-in due {due})", self.state.who());
        let days = self.procedure.parameters.coach.hold_reminder_days;
        self.ask(Ask {
            kind: work_kinds::BY_HAND,
            owner: self.owner(),
            title,
            detail,
            answers: Answers::Of(if asks_first {
                &ANSWERS
            } else {
                &ANSWERS_AFTER_A_LOOK
            }),
            remind_at: self.working_days_from_now(days),
        });
    }
}
