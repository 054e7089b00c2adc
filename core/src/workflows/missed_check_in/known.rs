//! What is known when a person is asked: the text that is ready for her, what the client has had, and what is left
//! with the manager when a case ends.

use super::closing::Closing;
use super::questions::STOPPED;
use super::run::{Ask, MissedCheckInRun};
use super::state::{How, Progress, State, Step};
use crate::answers::StopReason;
use crate::ids::CoachId;
use crate::scripts::{Assertion, Values, called, date_words};
use crate::time::{SignedDuration, Timestamp, later};
use crate::work_kinds;
use crate::workflow::Answers;
use crate::workflows::PROGRAM_MANAGER;

impl MissedCheckInRun<'_> {
    /// What scripts are filled with, as far as it is known between reads.
    pub(super) fn values(&self) -> Values {
        // Whoever acts for her coach uses the text.
        let (cx, acting) = (self.draft.cx, acting(self));
        let coach = cx.coaches.iter().find(|coach| Some(&coach.id) == acting);
        Values {
            client_name: self.state.client.first_name.clone(),
            coach_unknown: coach.is_none() && self.state.client.coach.is_some(),
            coach_name: coach.map(|coach| coach.name.clone()),
            due: Some(self.state.due),
            records: cx.not_offered.records,
        }
    }

    /// A script's text for a person to use, `signed_by` whoever acts for her coach: the text, or why it can't be filled.
    pub(super) fn ready_text(&self, id: &str) -> serde_json::Value {
        let Some(script) = self.procedure.scripts.get(id) else {
            return serde_json::json!({ "script": id });
        };
        let window = self.procedure.parameters.window_days;
        // She reads it when she is there (A42): what is true on a Saturday may not be on Monday.
        let calendar = self.draft.cx.calendar;
        let day = calendar.date_of(calendar.office_slot(self.now()));
        let mut truth = self.state.truth(day, window);
        // Ready for her own phone: as a text message it is one (A31).
        if id == "S4" {
            truth.insert(Assertion::SentAsText);
        }
        let check: Vec<_> = script
            .faults(&truth)
            .iter()
            .map(|one| one.fault())
            .collect();
        // "Yesterday" is so on one day: a task that is written later must not offer it.
        let only_on = script
            .asserts
            .contains(&Assertion::DueYesterday)
            .then(|| self.state.due.tomorrow().ok());
        match script.render(id, &self.values()) {
            Ok(rendered) => serde_json::json!({
                "script": id, "as": called(id), "text": rendered.text, "characters": rendered.chars, "check": check,
                "only_on": only_on.flatten(), "signed_by": acting(self),
            }),
            Err(error) => serde_json::json!({
                "script": id, "missing": error.to_string(), "check": check, "signed_by": acting(self),
            }),
        }
    }
}

/// Who acts for her coach now.
fn acting<'a>(run: &'a MissedCheckInRun<'_>) -> Option<&'a CoachId> {
    let assigned = run.state.client.coach.as_ref()?;
    let time_off = run.draft.cx.time_off;
    Some(time_off.acting_for(assigned, run.today()).coach)
}

/// Adds what whoever is asked needs to know besides: when the check-in was due, what the client has had, where
/// she lives, that she is a minor. Shape of `had`: `[{"what": WORDS, "at": MOMENT}]`.
pub(super) fn add_what_is_known(run: &MissedCheckInRun<'_>, detail: &mut serde_json::Value) {
    let (state, window) = (&run.state, run.window_words());
    let Some(detail) = detail.as_object_mut() else {
        return;
    };
    let mut add = |name: &str, value: serde_json::Value| {
        detail.entry(name).or_insert(value);
    };
    add("check_in_due", date_words(state.due).into());
    add("window", window.into());
    add("zone", state.client.zone.clone().into());
    add("had", state.had().into());
    if let Some(minor) = state.client.as_minor(run.draft.cx.not_offered.records) {
        add("minor", minor.into());
    }
}

impl State {
    /// Whether this is what is asked now.
    pub(super) fn is_asked(&self, kind: &str) -> bool {
        self.asked.as_ref().is_some_and(|work| work.kind == kind)
    }

    /// What the client has had, oldest first.
    fn had(&self) -> Vec<serde_json::Value> {
        let by_phone = match self.called {
            Some(Some(outcome)) => Some(format!("a call ({})", outcome.as_str())),
            Some(None) => Some("a call".to_owned()),
            None => None,
        };
        let follow_up = by_phone.unwrap_or_else(|| "the follow-up email".to_owned());
        let sent = [
            (
                "the first message in the portal".to_owned(),
                &self.first_message,
            ),
            (follow_up, &self.follow_up),
        ];
        let reached = |(what, progress): (String, &Progress)| match progress {
            Progress::Done {
                at,
                how: How::Sent | How::ByHand,
            } => Some(serde_json::json!({ "what": what, "at": at })),
            Progress::Done {
                how: How::Proposed | How::Skipped,
                ..
            }
            | Progress::Pending
            | Progress::Unclear => None,
        };
        sent.into_iter().filter_map(reached).collect()
    }
}

/// What follows where a person lets the follow-up go on: whoever says so should know what the client gets.
pub(super) fn next_words(run: &MissedCheckInRun<'_>) -> String {
    let not_offered = run.draft.cx.not_offered;
    let next = match run.state.next() {
        Step::PortalMessage if not_offered.messages => {
            "her coach is asked to send the first message"
        }
        Step::PortalMessage => "the first message goes out to her",
        Step::ChooseChannel | Step::EmailFollowUp | Step::PhoneFollowUp if not_offered.crm => {
            "her coach is asked to call, or to mail her"
        }
        Step::ChooseChannel | Step::EmailFollowUp | Step::PhoneFollowUp => {
            "the follow-up email goes out to her, or a call is asked for, by what she has opened"
        }
        Step::ByHand => "what comes next by hand is asked of her coach",
    };
    format!("the follow-up goes on: {next}")
}

/// How long a manager has before the first reminder, so that it comes on the same working day.
const TOLD_TODAY: SignedDuration = SignedDuration::from_hours(2);

/// When the manager is reminded of a stop first.
pub(super) fn manager_reminder(run: &MissedCheckInRun<'_>) -> Timestamp {
    let soon = later(run.now(), TOLD_TODAY);
    run.draft.cx.calendar.office_slot(soon)
}

/// The case ends, and the manager has not answered: she has to know of it all the same.
pub(super) fn leaves_stop(run: &MissedCheckInRun<'_>, ended: Closing) -> Option<Ask> {
    let state = &run.state;
    let mut others = state.paused_for.iter();
    let waits = others.any(|paused| paused.work.kind == STOPPED);
    let is_asked = state.is_asked(STOPPED) && ended != Closing::ByPerson;
    let why = state.stopped.filter(|_| waits || is_asked)?;
    let (who, words) = (state.who(), why.words());
    let then = match why {
        StopReason::WantsToLeave => " End her program and stop the fee?",
        StopReason::Complaint | StopReason::Unwell | StopReason::NoContact => "",
    };
    Some(Ask {
        kind: work_kinds::STOPPED_ENDED,
        owner: PROGRAM_MANAGER.into(),
        title: format!(
            "{who} {words}, as her coach said, and the follow-up has ended meanwhile. The next one would ask \
             you first.{then}"
        ),
        detail: serde_json::json!({
            "why": why,
            "reason": format!("she {words}"),
            "contact": state.client.contact,
        }),
        answers: Answers::Notice,
        remind_at: manager_reminder(run),
    })
}
