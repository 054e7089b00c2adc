//! What follows where a person lets the follow-up go on: whoever says so should know what the client gets.
//!
//! Nothing is promised that the guard would hold: a text that can't be true any more (A1, A9) comes to her coach, and so
//! does one that is asked about first (A30).

use super::ask_first::goes_out;
use super::run::MissedCheckInRun;
use super::state::Step;
use super::{email_follow_up, portal_message};
use crate::case::Mode;
use crate::effects::EffectKind;
use crate::scripts::date_words;
use crate::time::{Date, Timestamp};

/// What follows, as the meaning of an answer.
pub(super) fn next_words(run: &MissedCheckInRun<'_>) -> String {
    let not_offered = run.draft.cx.not_offered;
    let next = match run.state.next() {
        Step::PortalMessage if not_offered.messages => {
            "her coach is asked to send the first message".to_owned()
        }
        Step::PortalMessage => first_message(run),
        Step::ChooseChannel | Step::EmailFollowUp | Step::PhoneFollowUp if not_offered.crm => {
            "her coach is asked to call, or to mail her".to_owned()
        }
        Step::ChooseChannel | Step::EmailFollowUp | Step::PhoneFollowUp => follow_up(run),
        Step::ByHand => "what comes next by hand is asked of her coach".to_owned(),
    };
    format!("the follow-up goes on: {next}")
}

/// The first message says "yesterday", which is so on one day alone.
fn first_message(run: &MissedCheckInRun<'_>) -> String {
    let asks = asks_first(run, Step::PortalMessage);
    let slot = run.first_message_slot();
    let rest = run.promised_until().map(|(until, _)| until);
    let at = rest.map_or(slot, |until| until.max(slot));
    let at = if asks {
        told_first(run, EffectKind::PortalMessage, at)
    } else {
        at
    };
    let day = run.draft.cx.calendar.date_of(at);
    let later = day.tomorrow().unwrap_or(day);
    let goes_out = if asks {
        "her coach is asked before the first message goes out to her"
    } else {
        "the first message goes out to her"
    };
    match (
        not_true(run, portal_message::SCRIPT, day),
        not_true(run, portal_message::SCRIPT, later),
    ) {
        (None, None) => goes_out.to_owned(),
        (None, Some(_)) => format!(
            "if this is answered in time for {}, {goes_out}; after that it would not be true any more, and her coach \
             is asked how it goes on",
            date_words(day)
        ),
        (Some(why), _) => format!("her coach is asked how, since {why}"),
    }
}

fn follow_up(run: &MissedCheckInRun<'_>) -> String {
    let asks = asks_first(run, Step::EmailFollowUp);
    match not_true(run, email_follow_up::SCRIPT, run.today()) {
        Some(why) => format!(
            "a call is asked for, or her coach is asked how, since {why}; which, by what she has opened"
        ),
        None if asks => {
            "her coach is asked before the follow-up email goes out to her, or is asked to call, by what she has opened"
                .to_owned()
        }
        None => {
            "the follow-up email goes out to her, or a call is asked for, by what she has opened"
                .to_owned()
        }
    }
}

/// Why no wording of `script` could go out on `day`; `None`: one could.
fn not_true(run: &MissedCheckInRun<'_>, script: &str, day: Date) -> Option<String> {
    let truth = run.state.truth(day, run.procedure.parameters.window_days);
    let chosen = run.procedure.scripts.choose(script, &truth);
    chosen.err().map(|error| error.to_string())
}

/// Whether her coach is asked before the message of `step` goes out.
fn asks_first(run: &MissedCheckInRun<'_>, step: Step) -> bool {
    run.draft.case.mode == Mode::Act && run.draft.cx.ask_first.contains(step.as_str())
}

/// When a message goes out whose coach is told at `at`.
fn told_first(run: &MissedCheckInRun<'_>, kind: EffectKind, at: Timestamp) -> Timestamp {
    let zone = run.state.client.zone.as_deref();
    goes_out(run.draft.cx.calendar, kind, zone, at)
}
