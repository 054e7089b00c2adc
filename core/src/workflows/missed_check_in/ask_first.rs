//! Her coach is told before a message goes out in her name, and can stop it (A30).
//!
//! > the coach is told two working hours before ("going out in your name at 14:00: Maya"), and can stop it or say "she
//! > answered elsewhere"
//!
//! The guard lets the message out first, so that nobody is asked about one that would not go; then this asks, and the
//! effect waits. What follows is the guard's to say: her word "send" lets it go at once; silence does, once whoever
//! acts for her coach has been able to see the question for two hours of the office's time. A question that nobody
//! could see sends nothing: then it waits, and whoever is reminded of it hears of it as of any other.
//!
//! The moment that she reads is the one by which it goes: [`goes_out`] is asked with the moment at which her task is
//! written, and by the guard with the one at which it was there, which is never before.

use super::hand_over::add_decision;
use super::outreach::Outreach;
use super::replies::at_words;
use super::run::{Ask, MissedCheckInRun};
use crate::calendar::Calendar;
use crate::case::{CaseStatus, Wait};
use crate::effects::EffectKind;
use crate::ids::EffectKey;
use crate::time::{SignedDuration, Timestamp};
use crate::work_kinds;
use crate::workflow::Answers;

/// How much of the office's time she has to stop it.
const NOTICE: SignedDuration = SignedDuration::from_hours(2);

/// How long her task may take to reach her after it was written, so that the moment in it stays true.
const DELIVERY: SignedDuration = SignedDuration::from_mins(10);

/// Moments that people read are whole quarters of an hour.
const QUARTER_SECONDS: i64 = 15 * 60;

/// How she answers.
const ANSWERS: Answers = Answers::Of(&[
    "send_anyway",
    "stop_it",
    "replied",
    "promised",
    "done_by_hand",
    "skip",
    "wants_to_leave",
    "complaint",
    "unwell",
    "no_contact",
    "close",
]);

/// When a message of this kind goes out to a client in `zone` (an IANA name) whose coach has been told at `told`: the
/// first allowed moment after two hours of the office's time. Never earlier for one who was told later.
pub fn goes_out(
    calendar: &Calendar,
    kind: EffectKind,
    zone: Option<&str>,
    told: Timestamp,
) -> Timestamp {
    let notice = calendar.office_time_after(told, NOTICE + DELIVERY);
    let at = next_quarter(notice);
    match Outreach::of(kind) {
        Some(Outreach::PortalMessage) => calendar.portal_slot(at),
        Some(Outreach::Email) => calendar.outreach_slot(at, zone),
        Some(Outreach::CallTask) | None => at,
    }
}

fn next_quarter(at: Timestamp) -> Timestamp {
    let over = at.as_second().rem_euclid(QUARTER_SECONDS);
    let is_one = over == 0 && at.subsec_nanosecond() == 0;
    let seconds = at.as_second() - over + if is_one { 0 } else { QUARTER_SECONDS };
    Timestamp::from_second(seconds).unwrap_or(at)
}

/// Whether her coach is asked about the message that is waited for.
pub(super) fn is_asked(run: &MissedCheckInRun<'_>) -> bool {
    let asked = &run.state.asked_first;
    run.is_open() && asked.is_some() && *asked == run.state.current
}

/// Asks about the message of `key`, which goes out at `at` unless she stops it; `false` if it is no longer the one that is
/// waited for.
pub(super) fn ask(run: &mut MissedCheckInRun<'_>, key: &EffectKey, at: Timestamp) -> bool {
    let kind = run.state.pending.get(key).map(|pending| pending.kind);
    let way = kind.and_then(Outreach::of);
    let (Some(way), true) = (way, run.is_current(key) && run.moves()) else {
        return false;
    };
    let silence_counts = run.draft.cx.ask_first.silence_counts;
    let what = way.words();
    let who = run.state.who();
    let (title, remedy) = if silence_counts {
        (
            format!("{who}: {what} goes out to her unless you stop it"),
            "nothing, if it may go out. Answer \"stop\" to stop it, \"replied\" if she has answered you elsewhere, \
             \"send\" to send it now",
        )
    } else {
        (
            format!("{who}: may {what} go out to her?"),
            "answer \"send\" and it goes out, \"stop\" if it should not, \"replied\" if she has answered you elsewhere. \
             It waits for your answer",
        )
    };
    let when = at_words(run, at);
    run.draft.say(if silence_counts {
        format!("Her coach is told that {what} goes out, {when} at the earliest")
    } else {
        format!("Her coach is asked whether {what} may go out")
    });
    run.state.hold = None;
    run.draft.status = CaseStatus::Open;
    let calendar = run.draft.cx.calendar;
    let days = run.procedure.parameters.coach.hold_reminder_days;
    let remind_at = calendar.add_working_days(calendar.date_of(at), days);
    let mut detail = serde_json::json!({
        "effect": key,
        "reason": format!("{what} is ready, and you can look at it before it goes out in her coach's name"),
        "remedy": remedy,
        "contact": run.state.client.contact,
        "of_today": way == Outreach::PortalMessage,
    });
    if silence_counts {
        detail["goes_out"] = serde_json::json!({ "kind": kind, "at": at });
    }
    let true_at = if silence_counts { at } else { run.now() };
    detail["ready"] = run.ready_text(&script_of(run, way, true_at));
    if way == Outreach::Email {
        add_decision(&run.state, &mut detail);
    }
    run.ask(Ask {
        kind: work_kinds::ASK_FIRST,
        owner: run.owner(),
        title,
        detail,
        answers: ANSWERS,
        remind_at: calendar.office_opening(remind_at),
    });
    run.state.asked_first = Some(key.clone());
    // It goes out by itself, or once she says so: what is waited for stays the message.
    run.draft.wait = Some(Wait::Effect { key: key.clone() });
    true
}

/// The wording that is true when it goes out, as the guard has chosen it.
fn script_of(run: &MissedCheckInRun<'_>, way: Outreach, at: Timestamp) -> String {
    let window_days = run.procedure.parameters.window_days;
    let day = run.draft.cx.calendar.date_of(at);
    let truth = run.state.truth(day, window_days);
    let chosen = run.procedure.scripts.choose(way.script(), &truth);
    chosen.map_or(way.script(), |(id, _)| id).to_owned()
}
