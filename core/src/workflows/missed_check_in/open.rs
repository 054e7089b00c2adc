//! Whether a missed check-in opens a case.
//!
//! > Effectively following up with a client 24 hours after a client has missed their check-in.

use super::run::MissedCheckInRun;
use super::state::{State, Step};
use super::steps;
use crate::clients::{CheckIn, ClientSnapshot, ClientStatus, is_in_person};
use crate::procedure::MissedCheckInProcedure;
use crate::scripts::date_words;
use crate::time::Date;
use crate::workflow::{Context, NotOpened, Recheck, Transition};

/// The title sentence of SOP A.
pub(super) const SOP: &str =
    "Effectively following up with a client 24 hours after a client has missed their check-in.";

/// Opens a case on a check-in that was read as missed, or says why not.
pub(super) fn open(
    procedure: &MissedCheckInProcedure,
    cx: Context<'_>,
    case: &crate::case::Case,
    check_in: &CheckIn,
    client: &ClientSnapshot,
) -> Result<Transition, NotOpened> {
    let today = cx.calendar.date_of(cx.now);
    check(check_in, client, today)?;
    if client.status == ClientStatus::TransitionCallOnly {
        return transition_call(procedure, cx, case, check_in, client);
    }
    let mut run = MissedCheckInRun::new(
        procedure,
        cx,
        case,
        State::new(check_in, client, cx),
        steps::begin,
    );
    Step::PortalMessage.as_str().clone_into(&mut run.draft.step);
    let due = date_words(check_in.due);
    run.draft.say_sop(
        format!(
            "The check-in due {due} was not there on {}",
            date_words(today)
        ),
        SOP,
    );
    if run.window_end().is_none() {
        run.draft
            .say("The date of the last regimen change is unknown: no wait is shortened for the end of her three weeks");
    }
    run.enter(Step::PortalMessage);
    run.finish()
        .ok_or_else(|| "the state of the new case can't be stored".into())
}

/// A23: nobody is followed up, but somebody must hear of the call. The case is opened only to be
/// closed with that work item.
fn transition_call(
    procedure: &MissedCheckInProcedure,
    cx: Context<'_>,
    case: &crate::case::Case,
    check_in: &CheckIn,
    client: &ClientSnapshot,
) -> Result<Transition, NotOpened> {
    let mut run = MissedCheckInRun::new(
        procedure,
        cx,
        case,
        State::new(check_in, client, cx),
        steps::begin,
    );
    run.transition_call();
    run.finish()
        .ok_or_else(|| "the state of the new case can't be stored".into())
}

/// Whether the contact type in the CRM allows a follow-up, as it was read for this opening: the portal
/// may say *online* of a client who comes to the clinic (A22).
pub fn contact_type_allows(contact_type: Option<&str>) -> Result<(), NotOpened> {
    if contact_type.is_some_and(is_in_person) {
        return Err(NotOpened {
            reason: "the client comes to the clinic (contact type In-Person in the CRM)".into(),
            recheck: Recheck::WhileContactType,
        });
    }
    Ok(())
}

/// The conditions. Only the status *online* is ever followed up (and the exception above), and one
/// whose break is over by its date (E12); a word that we don't know is not *online* (E39).
fn check(check_in: &CheckIn, client: &ClientSnapshot, today: Date) -> Result<(), NotOpened> {
    if check_in.submitted_at.is_some() {
        return Err("the check-in has been submitted".into());
    }
    if check_in.withdrawn {
        return Err("the check-in was withdrawn".into());
    }
    if today <= check_in.due {
        return Err(format!(
            "the check-in is due {}: it counts as missed from the day after",
            date_words(check_in.due)
        )
        .into());
    }
    let (reason, recheck) = match &client.status {
        ClientStatus::Online | ClientStatus::TransitionCallOnly => return Ok(()),
        ClientStatus::OnBreak if client.break_is_over(today) => return Ok(()),
        ClientStatus::OnBreak => (
            match client.break_until {
                Some(until) => format!(
                    "the client is on an agreed break until {}",
                    date_words(until)
                ),
                None => "the client is on an agreed break".to_owned(),
            },
            Recheck::AfterBreak(client.break_until),
        ),
        ClientStatus::InPerson => (
            "the client comes to the clinic".to_owned(),
            Recheck::WhileStatus,
        ),
        ClientStatus::Quit => (
            "the client's program has ended".to_owned(),
            Recheck::WhileStatus,
        ),
        ClientStatus::Graduated => (
            "the client has completed the program".to_owned(),
            Recheck::WhileStatus,
        ),
        ClientStatus::Maintenance => (
            "the client is on maintenance".to_owned(),
            Recheck::WhileStatus,
        ),
        ClientStatus::Unknown(word) => (
            format!("her status is a word that we don't know ({word:?})"),
            Recheck::UnknownWord(word.clone()),
        ),
    };
    Err(NotOpened { reason, recheck })
}
