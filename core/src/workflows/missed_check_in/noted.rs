//! Notes on the contact that say what was decided about the follow-up, for whoever opens it next (A33).
//!
//! People: a *coach* who wrote a date sees which one was read; a *colleague* who is about to write or call sees that nothing
//! is to go out. Why every channel stopped is not said: it may be health data, and a note is read by anybody in the account
//! (A32). The manager is told.
//!
//! Not guaranteed: a note where the portal names no contact and nothing has gone out by the CRM yet. Whose contact it is would
//! have to be found first, and a note must not ask anybody for that.

use super::run::MissedCheckInRun;
use super::state::{How, Progress};
use crate::effects::{About, EffectInput};
use crate::outside;
use crate::scripts::date_words;
use crate::time::Date;

/// She is waited for until the end of that day. `pauses_on`: it is paused for something else as well.
pub(super) fn waits(run: &mut MissedCheckInRun<'_>, by: &str, until: Date, pauses_on: bool) {
    if until < run.today() {
        return;
    }
    let (who, day) = (run.state.who(), date_words(until));
    let then = if pauses_on {
        "It is paused for something else, too, and does not go on before that is answered."
    } else {
        "Unless she checks in, it goes on the day after."
    };
    let text = format!("Noted, by {by}: the follow-up of {who} waits until {day}. {then}");
    note(run, &format!("waits_until_{until}"), &text);
}

/// Every channel to her is stopped.
pub(super) fn stopped(run: &mut MissedCheckInRun<'_>, by: &str) {
    let who = run.state.who();
    let text = format!(
        "Noted, by {by}: the follow-up of {who} is stopped. Nothing goes out to her: the Program Manager is asked how \
         it goes on."
    );
    note(run, "stopped", &text);
}

/// That is lifted.
pub(super) fn lifted(run: &mut MissedCheckInRun<'_>, by: &str) {
    let who = run.state.who();
    let text = format!("Noted, by {by}: the follow-up of {who} is no longer stopped.");
    note(run, "stop_lifted", &text);
}

fn note(run: &mut MissedCheckInRun<'_>, what: &str, text: &str) {
    let was_in_crm = matches!(run.state.follow_up, Progress::Done { how: How::Sent, .. });
    let is_known = run.state.client.contact.is_some() || was_in_crm;
    if run.state.contact_gone || !is_known {
        return;
    }
    run.state.noted = run.state.noted.saturating_add(1);
    let number = run.state.noted;
    let about = About::new(&format!("{what}-{number}"), run.state.due);
    run.plan_aside(
        &format!("noted-{number}"),
        EffectInput::ContactNote {
            title: "Follow-up: noted".into(),
            text: outside::one_line(text),
            about: Some(about),
        },
    );
}
