//! A follow-up where the relay has no CRM: nobody tells it of the clinic's mail, and it can neither mail nor make a
//! task. The coach calls, or mails, with the words ready, and says what came of it.
//!
//! > In this case, you will want to follow up with a phone call.
//!
//! People: a *coach* who works from the list of work alone, with the portal and a telephone. What she needs stands in
//! the item: why this way, what the client has had, number or address, the text, how to answer.
//!
//! Rules:
//! - The guard has passed it like any outreach: it is wanted, this is the hour for it, there is a coach and a way to
//!   reach the client. Number and address are those of the portal, read at that moment.
//! - A call is waited for as behind a task: the same outcomes, the same wait after it, the same reminders (A8). What is
//!   told after the question was taken back counts as it would there (E34).
//! - An email is held until she says that she has sent it, as the first message is where the portal takes none
//!   (`send_by_hand.rs`); the wait begins with her word.
//! - What the text claims and is not so stands beside it: she decides about the words.
//! - Another coach signs with her own name.
//!
//! Not guaranteed: that what was asked so becomes a task once there is a CRM again: it is answered where it was asked.

use super::phone_follow_up;
use super::reach::no_text;
use super::run::{Ask, MissedCheckInRun};
use super::send_by_hand::{ANSWERS, LOOK_FIRST};
use super::state::{Call, Hold};
use super::{email_follow_up, state::State};
use crate::case::CaseStatus;
use crate::effects::HandOver;
use crate::facts::CallOutcome;
use crate::ids::EffectKey;
use crate::scripts::date_words;
use crate::work_kinds;
use crate::workflow::Answers;
use crate::workflows::PROGRAM_MANAGER;

/// The coach is asked to call; her word of what came of it is waited for.
pub(super) fn ask_to_call(run: &mut MissedCheckInRun<'_>, key: &EffectKey, with: &HandOver) {
    run.state.current = None;
    run.state.pending.remove(key);
    run.state.hold = None;
    run.draft.status = CaseStatus::Open;
    run.state.handed_over = Some(with.clone());
    run.state.call = Some(Call {
        made_by: key.clone(),
        task: None,
        moves: 0,
        by_hand: true,
    });
    run.draft
        .say_sop("The coach is asked to call", phone_follow_up::SOP);
    run.note_phone();
    let coach = &run.procedure.parameters.coach;
    let (reminder, escalation) = (coach.call_reminder_days, coach.call_escalation_days);
    let remedy = format!(
        "{}call her and say what is ready; to a voicemail, say your name and number only. Then answer with what came \
         of it: spoke, voicemail, no answer or wrong number",
        look_first(&run.state)
    );
    let mut detail = serde_json::json!({
        "number": with.number,
        "outcomes": CallOutcome::ALL.map(CallOutcome::as_str),
        "ready": run.ready_text(phone_follow_up::SCRIPT),
        "remedy": remedy,
        "escalate": {
            "to": PROGRAM_MANAGER,
            "at": run.working_days_from_now(escalation),
        },
    });
    add_decision(&run.state, &mut detail);
    let due = date_words(run.state.due);
    run.ask(Ask {
        kind: work_kinds::CALL_OUTCOME,
        owner: run.owner(),
        title: format!("CALL {}: check-in due {due}", run.state.who()),
        detail,
        answers: Answers::Of(&["call_outcome", "skip", "replied", "pause", "close"]),
        remind_at: run.working_days_from_now(reminder),
    });
}

/// The coach is asked to send the follow-up email; the case is held until she has.
pub(super) fn ask_to_mail(run: &mut MissedCheckInRun<'_>, key: &EffectKey, with: &HandOver) {
    run.state.hold = Some(Hold::ByHand);
    run.state.later = None;
    run.state.waits_for_contact = false;
    run.state.handed_over = Some(with.clone());
    let reason = "the relay can't send email: her coach is asked to send the follow-up";
    run.draft.status = CaseStatus::Held {
        reason: reason.to_owned(),
    };
    run.draft.say(format!("Held: {reason}"));
    let remedy = format!(
        "{}send her the text from your own mailbox, and answer \"done\"",
        look_first(&run.state)
    );
    let mut detail = serde_json::json!({
        "effect": key,
        "reason": "the relay can't send email, so this one is yours to send",
        "address": with.address,
        "subject": with.subject,
        "ready": run.ready_text(email_follow_up::SCRIPT),
        "remedy": remedy,
    });
    add_decision(&run.state, &mut detail);
    let due = date_words(run.state.due);
    let days = run.procedure.parameters.coach.hold_reminder_days;
    run.ask(Ask {
        kind: work_kinds::SEND_BY_HAND,
        owner: run.owner(),
        title: format!(
            "{}: send her the follow-up email (check-in due {due})",
            run.state.who()
        ),
        detail,
        answers: ANSWERS,
        remind_at: run.working_days_from_now(days),
    });
}

/// How her coach reaches her by hand after that: what was read last, where the relay has no CRM to say it.
pub(super) fn add_reach(run: &MissedCheckInRun<'_>, detail: &mut serde_json::Value) {
    let last = run.state.handed_over.as_ref();
    let Some(last) = last.filter(|_| run.draft.cx.not_offered.crm) else {
        return;
    };
    let number = last.number.clone();
    detail["number"] = number.filter(|_| no_text(&run.state).is_none()).into();
    detail["address"] = last.address.clone().into();
}

/// Why this way, and what she should know before she relies on it.
pub(super) fn add_decision(state: &State, detail: &mut serde_json::Value) {
    let Some(chosen) = &state.decision else {
        return;
    };
    detail["follow_up"] = chosen.reason.clone().into();
    if !chosen.cautions.is_empty() {
        detail["cautions"] = chosen.cautions.clone().into();
    }
}

/// What only her coach can see, where the portal shows the relay no messages.
fn look_first(state: &State) -> String {
    if state.portal_unread {
        format!("{LOOK_FIRST}. Else ")
    } else {
        String::new()
    }
}
