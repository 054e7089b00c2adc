//! What either side wrote, and who has seen it (A3, A33, A40, A41, E43).
//!
//! > If the client still has not completed their check-in or responded back to you.
//!
//! A reply hands the case to the coach, who reads it in the portal and decides. What she decides
//! about is what she was *shown*, and nothing else: an event may be hours late, the portal may list
//! a message after one that is younger, and a client may write again while the coach types. So a
//! case keeps the ids of messages, and asks of each whether somebody who decided has been shown it.
//! Their order means nothing, and their time only bounds how far back the conversation counts: from
//! `D` (A40).
//!
//! - A message that nobody who decided was shown pauses, whenever it is told and however old it is.
//! - Who resumes has been shown what an open case was paused for: nobody could resume it before. What
//!   came while it was paused or held already is shown to her first, and the resuming is hers to
//!   repeat; so is a promise, which an open case takes as well.
//! - A pause of another kind is a question of its own. It is asked again once the newer is answered.
//! - What she answered elsewhere, staff tell (E8). It has no id and is never compared with a time: it pauses
//!   whenever it is told.
//! - A coach's own message is an objection (E43) until somebody who decided was shown it.
//! - After *continue* the next step is not before the short wait since the last outreach (A41).

use super::answers::CoachAnswer;
use super::known::at_words;
use super::next::next_words;
use super::noted;
use super::questions::{REPLY, STOPPED};
use super::run::{Ask, MissedCheckInRun};
use crate::case::CaseStatus;
use crate::ids::MessageId;
use crate::scripts::date_words;
use crate::time::{Date, Timestamp, later};
use crate::work_kinds;
use crate::workflow::Answers;

/// The first version whose cases wait after *continue* (A41).
pub(super) const WAITS_SINCE: u32 = 3;

impl MissedCheckInRun<'_> {
    /// The client wrote at `at`; `false` if that is known or does not belong to the case.
    pub(super) fn client_wrote(
        &mut self,
        message: Option<&MessageId>,
        channel: &str,
        at: Timestamp,
    ) -> bool {
        let Some(message) = message else {
            // Told by staff: it has no id, and whoever told it has seen it.
            let news = self.state.is_news(at);
            if news {
                self.replied(&format!("the client replied ({channel})"));
            }
            return news;
        };
        let known = self.state.unanswered.contains_key(message);
        if known || !self.state.is_unseen(message, at) {
            return false;
        }
        self.state.unanswered.insert(message.clone(), at);
        let when = at_words(self, at);
        self.replied(&format!("the client wrote in the {channel} ({when})"));
        true
    }

    /// A coach wrote at `at`; `false` if that is known.
    pub(super) fn coach_wrote(&mut self, message: &MessageId, at: Timestamp) -> bool {
        let news = self.state.is_unseen(message, at) && self.state.by_coach.insert(message.clone());
        if news {
            self.draft.say("The coach wrote to her by hand");
            CoachAnswer::to(self).in_portal(at);
        }
        news
    }

    /// A3: a reply pauses all outreach until the coach decides. It never resumes by itself.
    pub(super) fn replied(&mut self, reason: &str) {
        replied_in(self, reason, ". Read it in the portal");
    }

    pub(super) fn reply_ask(&self, reason: &str, remind_at: Timestamp) -> Ask {
        let messages: Vec<_> = self
            .state
            .unanswered
            .iter()
            .map(|(id, at)| serde_json::json!({ "message": id, "at": at_words(self, *at) }))
            .collect();
        let more = match messages.len() {
            0 | 1 => String::new(),
            many => format!(", {many} messages to read"),
        };
        Ask {
            kind: REPLY,
            owner: self.owner(),
            title: format!("{}: {reason}{more}. How does it go on?", self.state.who()),
            detail: serde_json::json!({
                "reason": reason,
                "messages": messages,
                "check_in_due": date_words(self.state.due),
                "window": self.window_words(),
                "contact": self.state.client.contact,
                "handled": "you answered her; the follow-up stays paused, and you are asked once more in two \
                            working days",
                "resume": next_words(self),
                "promised": "waits until the day she promised, then goes on",
            }),
            answers: Answers::Of(&[
                "handled",
                "promised",
                "resume",
                "wants_to_leave",
                "complaint",
                "unwell",
                "no_contact",
                "close",
            ]),
            remind_at,
        }
    }

    /// A person acts on an item that named these messages.
    pub(super) fn was_shown(&mut self, messages: &[MessageId]) -> bool {
        let unanswered = &self.state.unanswered;
        let named: Vec<_> = messages
            .iter()
            .filter(|message| unanswered.contains_key(*message))
            .cloned()
            .collect();
        if named.is_empty() {
            return false;
        }
        let before = self.state.shown.len();
        // Who is shown what came since knows what the case was paused for.
        let over = std::mem::take(&mut self.state.paused_over);
        self.state.shown.extend(named.into_iter().chain(over));
        self.state.shown.len() != before
    }

    /// Whoever wants to go on has not been shown all that was written: now she is, and nothing else
    /// happens.
    pub(super) fn shows_first(&mut self, by: &str) -> bool {
        let new: Vec<Timestamp> = self.state.not_shown().map(|(_, at)| *at).collect();
        let Some(last) = new.iter().max() else {
            return false;
        };
        let reason = format!("the client wrote again ({})", at_words(self, *last));
        self.draft.say(format!(
            "Not resumed: {by} had not been shown that {reason}"
        ));
        self.draft.shown_first = true;
        self.replied(&reason);
        self.state.shown = self.state.unanswered.keys().cloned().collect();
        true
    }

    /// Goes on with the first step that has not been carried out, and not before the day is over by
    /// which she promised to check in, nor before the short wait after the last outreach is over (A41):
    /// "continue" an hour after a message is no reason for the next one to follow at once.
    pub(super) fn go_on(&mut self) {
        let rests = self.rests_until();
        let (until, why) = match (self.promised_until(), rests) {
            (Some((at, words)), rests) => (rests.map_or(at, |rest| rest.max(at)), words),
            (None, Some(rest)) => (rest, "time since the last message or call".to_owned()),
            (None, None) => return self.enter(self.state.next()),
        };
        self.withdraw_current();
        self.state.hold = None;
        self.state.resting = None;
        self.state.later = None;
        self.wait_until(until, &why);
    }

    /// The first portal slot after the day by which she promised to check in, unless that is over, and
    /// what is waited for.
    pub(super) fn promised_until(&self) -> Option<(Timestamp, String)> {
        let until = self.state.promised?;
        if until < self.today() {
            return None;
        }
        let calendar = self.draft.cx.calendar;
        let next = until.tomorrow().unwrap_or(until);
        let at = calendar.portal_slot(calendar.portal_opening(next).max(self.now()));
        Some((
            at,
            format!("the check-in promised for {}", date_words(until)),
        ))
    }

    /// Until when nothing is to follow the last outreach; `None` if that is over.
    pub(super) fn rests_until(&self) -> Option<Timestamp> {
        if self.draft.case.logic < WAITS_SINCE {
            return None;
        }
        let last = self.state.last_outreach()?;
        let until = later(last, self.procedure.parameters.waits.short());
        let slot = self.draft.cx.calendar.portal_slot(until);
        (until > self.now()).then_some(slot)
    }

    /// She promised to check in by a day: wait for the end of it, then go on.
    pub(super) fn promised(&mut self, by: &str, until: Date) -> bool {
        if matches!(self.draft.status, CaseStatus::Paused { .. }) && self.shows_first(by) {
            return true;
        }
        self.withdraw_current();
        self.withdraw_call("the client promised to check in");
        self.state.lift_stop();
        self.state.hold = None;
        self.state.resting = None;
        self.state.later = None;
        let others = &self.state.paused_for;
        if !others.iter().any(|other| other.work.kind == REPLY) {
            self.state.dealt_with(self.now());
        }
        self.state.promised = Some(until);
        self.state.promised_at = Some(self.now());
        let words = date_words(until);
        self.draft
            .say(format!("{by}: the client promised to check in by {words}"));
        let is_paused = matches!(self.draft.status, CaseStatus::Paused { .. });
        let pauses_on = is_paused && self.pauses_on();
        noted::waits(self, by, until, pauses_on);
        if !pauses_on {
            self.go_on();
        }
        true
    }
}

/// The same of what is found elsewhere than in the portal. `read`: where, as the end of a sentence.
pub(super) fn replied_in(run: &mut MissedCheckInRun<'_>, reason: &str, read: &str) {
    run.state.replied = true;
    if run.state.is_asked(STOPPED) {
        // The manager's question stays hers; nothing goes out in any case.
        run.draft.say(format!("Again: {reason}"));
        let remind_at = run.working_days_from_now(1);
        run.tell(Ask {
            kind: work_kinds::WROTE_SINCE,
            owner: run.owner(),
            title: format!("{}: {reason}{read}", run.state.who()),
            detail: serde_json::json!({ "contact": run.state.client.contact }),
            answers: Answers::Notice,
            remind_at,
        });
        return;
    }
    let was_open = run.is_open();
    let was_paused = matches!(run.draft.status, CaseStatus::Paused { .. });
    let asked = run.state.asked.as_ref();
    let asked = asked.filter(|work| was_paused && work.kind == REPLY);
    if let Some(work) = asked {
        // Asked for already: what came since is named, and the reminder stays where it was.
        let remind_at = work.remind_at;
        run.draft.say(format!("Again: {reason}"));
        run.draft.status = CaseStatus::Paused {
            reason: reason.to_owned(),
        };
        let ask = run.reply_ask(reason, remind_at);
        run.ask(ask);
        return;
    }
    let days = run.procedure.parameters.coach.reply_reminder_days;
    let ask = run.reply_ask(reason, run.working_days_from_now(days));
    run.pause(reason, ask);
    if was_open {
        // Nobody could resume before this: who does has seen what it is about.
        run.state.paused_over = run.state.unanswered.keys().cloned().collect();
    }
}
