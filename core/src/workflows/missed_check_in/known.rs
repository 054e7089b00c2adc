//! What is known when a person is asked: the text that is ready for her, what the client has had, and what is left
//! with the manager when a case ends.

use super::closing::Closing;
use super::questions::STOPPED;
use super::reach::{has_wrong_number, no_text};
use super::run::{Ask, MissedCheckInRun};
use super::state::{How, Progress, State};
use crate::answers::StopReason;
use crate::facts::CallOutcome;
use crate::ids::CoachId;
use crate::scripts::{Assertion, Values, called, date_words, moment_words};
use crate::time::{Date, SignedDuration, Timestamp, later};
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
        // Ready for her own phone: as a text message it is one (A31), where she can be texted.
        if id == "S4" && no_text(&self.state).is_none() {
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
    let had = state.had();
    let had: Vec<_> = had
        .map(|(what, at)| serde_json::json!({ "what": what, "at": at }))
        .collect();
    add("had", had.into());
    if let Some(minor) = state.client.as_minor(run.draft.cx.not_offered.records) {
        add("minor", minor.into());
    }
    if has_wrong_number(state) {
        // Nobody is to use the one on file.
        add("no_number", true.into());
    }
}

impl State {
    /// Whether this is what is asked now.
    pub(super) fn is_asked(&self, kind: &str) -> bool {
        self.asked.as_ref().is_some_and(|work| work.kind == kind)
    }

    /// What the client has had, oldest first.
    pub(super) fn had(&self) -> impl Iterator<Item = (&'static str, Timestamp)> {
        let follow_up = match self.called {
            Some(Some(CallOutcome::WrongNumber)) => None,
            Some(Some(CallOutcome::Spoke)) => Some("a call, and you spoke"),
            Some(Some(CallOutcome::Voicemail)) => Some("a call, with a voicemail"),
            Some(Some(CallOutcome::NoAnswer)) => Some("a call that she did not answer"),
            Some(None) => Some("a call"),
            None => Some("the follow-up email"),
        };
        let sent = [
            (Some("the first message in the portal"), &self.first_message),
            (follow_up, &self.follow_up),
        ];
        sent.into_iter()
            .filter_map(|(what, progress)| match progress {
                Progress::Done {
                    at,
                    how: How::Sent | How::ByHand,
                } => Some((what?, *at)),
                Progress::Done {
                    how: How::Proposed | How::Skipped,
                    ..
                }
                | Progress::Pending
                | Progress::Unclear => None,
            })
    }

    /// What people are told about the three weeks, of which `window_days` are the length, in a few words.
    pub(super) fn window_words(&self, window_days: i32, today: Date) -> String {
        match self.window_end(window_days) {
            None => "date of the last regimen change unknown".into(),
            Some(end) if end < today => {
                format!("three-week window over since {}", date_words(end))
            }
            Some(end) => format!("three-week window ends {}", date_words(end)),
        }
    }
}

/// A moment as staff read it, clinic time: `November 6, 14:02`.
pub(super) fn at_words(run: &MissedCheckInRun<'_>, at: Timestamp) -> String {
    moment_words(run.draft.cx.calendar.zone().to_datetime(at))
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
    let is_over = matches!(ended, Closing::Ended | Closing::Quit);
    if is_over && why == StopReason::WantsToLeave {
        // She is asked about the fee, and nothing else is left of it.
        return None;
    }
    let (who, words) = (state.who(), why.words());
    let said = if why.is_health() {
        format!("{who}: her coach has stopped everything (why stands inside)")
    } else {
        format!("{who} {words}, as her coach said")
    };
    let then = match why {
        StopReason::WantsToLeave => " End her program and stop the fee?",
        StopReason::Complaint | StopReason::Unwell | StopReason::NoContact => "",
    };
    Some(Ask {
        kind: work_kinds::STOPPED_ENDED,
        owner: PROGRAM_MANAGER.into(),
        title: format!(
            "{said}, and the follow-up has ended meanwhile. The next one would ask you first.{then}"
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
