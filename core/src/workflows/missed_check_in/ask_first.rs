//! Her coach is told before a message goes out in her name, and can stop it (A30).
//!
//! > the coach is told two working hours before ("going out in your name at 14:00: Maya"), and can stop it or say "she
//! > answered elsewhere"
//!
//! The guard lets the message out first, so that nobody is asked about one that would not go; then this asks, and the
//! effect waits. What follows is the guard's to say: her word "send" lets it go at once; silence does at the moment that
//! she has read, if whoever acts for her coach could see it for two hours of the office's time before ([`notice`]). A
//! question that nobody could see sends nothing; after two working days it waits for a word, and says so.
//!
//! The moment is the one in the text of her task: [`goes_out`] is asked when that is written, and what it said is kept
//! with the task.

use super::hand_over::add_decision;
use super::known::at_words;
use super::outreach::Outreach;
use super::run::{Ask, MissedCheckInRun};
use crate::calendar::Calendar;
use crate::case::{CaseStatus, Wait};
use crate::effects::EffectKind;
use crate::ids::EffectKey;
use crate::scripts::{Assertion, ChooseError, date_words};
use crate::time::{SignedDuration, Timestamp, later};
use crate::work_kinds;
use crate::workflow::{Answers, NewWork};

/// How much of the office's time she has to stop it.
const NOTICE: SignedDuration = SignedDuration::from_hours(2);

/// How long her task may take to reach her after it was written, so that she still has her two hours.
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

/// How long after its moment a message may still go out. Later, whoever has read the moment takes it for sent.
const LATE: SignedDuration = SignedDuration::from_hours(1);

/// After so many working days a question that nobody could see waits for a word.
const UNTOLD_DAYS: i32 = 2;

/// When a message of this kind goes out to a client in `zone` (an IANA name) whose coach is told by a task that is
/// written at `written`: the first allowed moment that leaves her two hours of the office's time.
pub fn goes_out(
    calendar: &Calendar,
    kind: EffectKind,
    zone: Option<&str>,
    written: Timestamp,
) -> Timestamp {
    let notice = calendar.office_time_after(written, NOTICE + DELIVERY);
    let at = next_quarter(notice);
    match Outreach::of(kind) {
        Some(Outreach::PortalMessage) => calendar.portal_slot(at),
        Some(Outreach::Email) => calendar.outreach_slot(at, zone),
        Some(Outreach::CallTask) | None => at,
    }
}

/// Whether the moment that a task names can be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// She has her two hours, and it is not over, or only just.
    InTime,
    /// Her task was there too late for that moment, or the moment is over: she is to be told another.
    Passed,
}

/// Whether a message of which a task says that it goes out at `moment`, and which was there at `told`, may still go out
/// then.
pub fn notice(calendar: &Calendar, told: Timestamp, moment: Timestamp, now: Timestamp) -> Notice {
    let has_time = calendar.office_time_after(told, NOTICE) <= moment;
    if has_time && now <= later(moment, LATE) {
        Notice::InTime
    } else {
        Notice::Passed
    }
}

/// Whether nobody could see the question about a message that was to go out at `moment` for so long that it waits for a
/// word.
pub(super) fn is_overdue(calendar: &Calendar, moment: Timestamp, now: Timestamp) -> bool {
    let day = calendar.add_working_days(calendar.date_of(moment), UNTOLD_DAYS);
    now >= calendar.office_opening(day)
}

/// Why a message of this kind is held that is true at `now`, and will not be once her coach has had her two hours:
/// `error` is what will be wrong then.
pub(super) fn too_late(
    calendar: &Calendar,
    kind: EffectKind,
    error: &ChooseError,
    now: Timestamp,
) -> String {
    let what = Outreach::of(kind).map_or("it", Outreach::words);
    let why = if error.is_of(Assertion::DueYesterday) {
        "it says \"yesterday\""
    } else {
        "it would not be true any more"
    };
    let today = calendar.date_of(now);
    // Read on another day, that she can send it herself would not be so.
    let is_there = calendar.date_of(calendar.office_slot(now)) == today;
    let herself =
        is_there.then(|| format!(". You can still send it yourself on {}", date_words(today)));
    let herself = herself.unwrap_or_default();
    format!(
        "{what} was not sent: {why}, and there was no time left to ask you two hours before{herself}"
    )
}

/// The moment that the question about a message names; `None` where only a word lets it go.
pub(super) fn moment_of(work: &NewWork) -> Option<Timestamp> {
    serde_json::from_value(work.detail["goes_out"]["at"].clone()).ok()
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

/// Asks about the message of `key`, which goes out at `at` unless she stops it, or where `silence` is not enough once she
/// says so; `false` if it is no longer the one that is waited for.
pub(super) fn ask(
    run: &mut MissedCheckInRun<'_>,
    key: &EffectKey,
    at: Timestamp,
    silence: bool,
) -> bool {
    let kind = run.state.pending.get(key).map(|pending| pending.kind);
    let way = kind.and_then(Outreach::of);
    let (Some(way), true) = (way, run.is_current(key) && run.moves()) else {
        return false;
    };
    let (what, who) = (way.words(), run.state.who());
    let could_not = run.state.asked_first.as_ref() == Some(key) && !silence;
    let when = at_words(run, at);
    let (waits_title, waits_remedy) = (
        format!("{who}: may {what} go out to her?"),
        "answer \"send\" and it goes out, \"stop\" if it should not, \"replied\" if she has answered you elsewhere. It \
         waits for your answer",
    );
    let (title, reason, remedy, said) = if silence {
        (
            format!("{who}: {what} goes out to her unless you stop it"),
            format!(
                "{what} is ready, and you can look at it before it goes out in her coach's name"
            ),
            "nothing, if it may go out. Answer \"stop\" to stop it, \"replied\" if she has answered you elsewhere, \
             \"send\" to send it now",
            format!("Her coach is told that {what} goes out, {when} at the earliest"),
        )
    } else {
        let reason = if could_not {
            format!("{what} has not gone out, since her coach could not be told of it in time")
        } else {
            format!("{what} is ready, and her coach is to see it before it goes out in her name")
        };
        (
            waits_title.clone(),
            reason,
            waits_remedy,
            format!("Her coach is asked whether {what} may go out"),
        )
    };
    run.draft.say(said);
    run.state.hold = None;
    run.draft.status = CaseStatus::Open;
    let calendar = run.draft.cx.calendar;
    let days = run.procedure.parameters.coach.hold_reminder_days;
    let remind_at = calendar.add_working_days(calendar.date_of(at), days);
    let mut detail = serde_json::json!({
        "effect": key,
        "reason": reason,
        "remedy": remedy,
        "contact": run.state.client.contact,
    });
    if silence {
        detail["goes_out"] = serde_json::json!({ "kind": kind, "at": at });
        // Once somebody has touched her task.
        detail["waits"] = serde_json::json!({ "title": waits_title, "remedy": waits_remedy });
    }
    let true_at = if silence { at } else { run.now() };
    detail["ready"] = run.ready_text(&script_of(run, way, true_at));
    if way == Outreach::Email {
        add_decision(&run.state, &mut detail);
    }
    let ask = Ask {
        kind: work_kinds::ASK_FIRST,
        owner: run.owner(),
        title,
        detail,
        answers: ANSWERS,
        remind_at: calendar.office_opening(remind_at),
    };
    run.ask(ask);
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
