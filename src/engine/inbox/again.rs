//! When whoever has a task is asked in another.

use relay_core::effects::{AskedAgain, EffectInput};
use relay_core::ids::ClientId;
use relay_core::time::{SignedDuration, Timestamp, later};
use relay_store::{Effect, Op};

use crate::engine::Engine;
use crate::engine::inbox_job::{Again, look};

/// How long something that is no answer yet may become one.
pub(super) const STILL_WRITING: SignedDuration = SignedDuration::from_hours(1);

/// Whoever has the task that `effect` made is asked in another. Who wrote something is waiting for what comes of it; who only
/// ticked it off is not, unless a message waits that can go out today only (`soon`). `noted`: what is remembered of the task
/// once she is asked in another.
pub(super) fn once_more(
    engine: &Engine,
    client: &ClientId,
    effect: &Effect,
    why: AskedAgain,
    soon: bool,
    noted: Option<String>,
) -> Vec<Op> {
    let now = engine.now();
    let morning = engine.calendar.next_working_morning(now);
    // Once a day: an automation of the clinic's may complete or delete every task that is made.
    let before = match &effect.planned.input {
        EffectInput::WorkTask { again, .. } => again.is_some(),
        _ => false,
    };
    let at = match why {
        AskedAgain::MomentPassed => now,
        AskedAgain::Ticked if soon && !before => now,
        AskedAgain::Deleted
        | AskedAgain::Unreadable
        | AskedAgain::NotOffered
        | AskedAgain::NotPossible
            if !before =>
        {
            now
        }
        AskedAgain::Deleted
        | AskedAgain::Unreadable
        | AskedAgain::NotOffered
        | AskedAgain::NotPossible
        | AskedAgain::Ticked
        | AskedAgain::Changed => morning,
    };
    ask_again(engine, client, effect, why, at, noted)
}

/// The same once she can be thought to have written what she wanted.
pub(super) fn once_written(
    engine: &Engine,
    client: &ClientId,
    effect: &Effect,
    why: AskedAgain,
) -> Vec<Op> {
    let at = match why {
        AskedAgain::Unreadable | AskedAgain::Changed => later(engine.now(), STILL_WRITING),
        AskedAgain::Deleted
        | AskedAgain::MomentPassed
        | AskedAgain::NotOffered
        | AskedAgain::NotPossible
        | AskedAgain::Ticked => engine.now(),
    };
    ask_again(engine, client, effect, why, at, None)
}

fn ask_again(
    engine: &Engine,
    client: &ClientId,
    effect: &Effect,
    why: AskedAgain,
    at: Timestamp,
    noted: Option<String>,
) -> Vec<Op> {
    let made_by = effect.key().clone();
    let what = format!("again/{made_by}");
    let again = Again {
        made_by,
        why,
        noted,
    };
    let at = engine.calendar.office_slot(at);
    look(engine, client, &what, at, Some(&again))
        .into_iter()
        .collect()
}
