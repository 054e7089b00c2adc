//! The first message where no tool lets the relay write in the portal: the coach sends it, and says when
//! she has.
//!
//! The guard has passed the message: it is wanted, this is the hour for it, every sentence is true. What
//! it can't know is what stands in the portal, so she is asked to look there first. A client who has
//! written there is *replied*: the case pauses as for a reply, and no later text says that she has not. One
//! who has checked in there is *close*. The case waits for her, she is reminded as of any hold, and a check-in
//! closes the case as anywhere.

use super::portal_message;
use super::run::{Ask, MissedCheckInRun};
use super::state::Hold;
use crate::case::CaseStatus;
use crate::clients::Records;
use crate::ids::EffectKey;
use crate::scripts::date_words;
use crate::work_kinds;
use crate::workflow::Answers;

/// What only she can see, and how she answers then.
pub(super) const LOOK_FIRST: &str = "Look in the portal first, where the relay can't read: if she has \
     written, answer \"replied\"; if she has checked in, answer \"close\"";

/// The same where a tag in the CRM says who has missed a check-in: it stays on until somebody takes it off, and the next
/// check-in would count as missed on its day.
const LOOK_FIRST_BY_TAG: &str = "Look in the portal first, where the relay can't read: if she has written, answer \
     \"replied\"; if she has checked in, take the tag that says she missed it off in the CRM, and answer \"close\"";

/// What only she can see, in the clinic of `run`.
pub(super) fn look_first(run: &MissedCheckInRun<'_>) -> &'static str {
    if run.draft.cx.not_offered.records == Records::Crm {
        LOOK_FIRST_BY_TAG
    } else {
        LOOK_FIRST
    }
}

/// How she answers where something is hers to send.
pub(super) const ANSWERS: Answers = Answers::Of(&[
    "done_by_hand",
    "skip",
    "replied",
    "pause",
    "wants_to_leave",
    "complaint",
    "unwell",
    "no_contact",
    "close",
]);

pub(super) fn ask_to_send(run: &mut MissedCheckInRun<'_>, key: &EffectKey) {
    let window_days = run.procedure.parameters.window_days;
    let truth = run.state.truth(run.today(), window_days);
    // The wording that is true today, as the guard has chosen it.
    let chosen = run
        .procedure
        .scripts
        .choose(portal_message::SCRIPT, &truth)
        .map(|(id, _)| id.to_owned());
    let due = date_words(run.state.due);
    let today = date_words(run.today());
    let yesterday = run
        .state
        .due
        .tomorrow()
        .is_ok_and(|next| next == run.today());
    let own_words = "write to her in your own words";
    let send = match &chosen {
        // The task may be read on another day.
        Ok(_) if yesterday => format!(
            "send her the text on {today}, since it says \"yesterday\" (on a later day leave that word out)"
        ),
        Ok(_) => "send her the text".to_owned(),
        Err(_) => own_words.to_owned(),
    };
    let chosen = chosen.unwrap_or_else(|_| portal_message::SCRIPT.to_owned());
    run.state.portal_unread = true;
    run.state.hold = Some(Hold::ByHand);
    run.state.later = None;
    run.state.waits_for_contact = false;
    let reason =
        "the relay can't write in the portal: her coach is asked to send the first message";
    run.draft.status = CaseStatus::Held {
        reason: reason.to_owned(),
    };
    run.draft.say(format!("Held: {reason}"));
    let detail = serde_json::json!({
        "effect": key,
        "reason": "the relay can't write in the portal, so this message is yours to send",
        "check_in_due": due,
        "window": run.window_words(),
        "contact": run.state.client.contact,
        "ready": run.ready_text(&chosen),
        "remedy": format!("{}. Else {send}, and answer \"done\"", look_first(run)),
        "remedy_after": format!("{}. Else {own_words}, and answer \"done\"", look_first(run)),
        "was_sent": "If you have sent it already, do not send it again: just answer \"done\" below",
    });
    let days = run.procedure.parameters.coach.hold_reminder_days;
    run.ask(Ask {
        kind: work_kinds::SEND_BY_HAND,
        owner: run.owner(),
        title: format!(
            "{}: send her the first message in the portal (check-in due {due})",
            run.state.who()
        ),
        detail,
        answers: ANSWERS,
        remind_at: run.working_days_from_now(days),
    });
}
