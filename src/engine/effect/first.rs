//! Before the first request of something that is seen: is it there already?
//!
//! Our own database says that nothing was sent. It may be an earlier copy of itself, or the same
//! thing may have been made under another key. So the vendor is looked at for the marker of the
//! identity. The portal's messages were read by the guard anyway; the CRM is asked one list more.
//!
//! Rules:
//! - It is there → done, with the vendor's id and time; nothing is sent.
//! - A call task that somebody has completed is there, and what came of the call is read.
//! - A call task that the relay closed itself is out of the way: the next ordinal is made.
//! - It is not there → it is sent. But while the memory may be too old (`engine::memory`), what can
//!   never be proven absent (the email) waits in one list for a person, and is looked for again.
//!
//! Not guaranteed: that a text which the portal shows without a key is known again once it would be
//! worded otherwise (another coach, a variant of the script).

use relay_core::effects::{Absence, Request};
use relay_core::time::{Date, SignedDuration, Timestamp, earlier};
use relay_store::{Effect, EffectState, Job};

use crate::effects::kinds::portal_message::message_of;
use crate::effects::{Name, ProbeResult};
use crate::engine::effect::guard::FreshReading;
use crate::engine::effect::settle::found;
use crate::engine::effect::{release, settle};
use crate::engine::{Engine, EngineError, days};
use crate::failpoint::PROBE;

/// How far back is looked for what names a day that is still to come: longer than any follow-up.
const LONG_AGO: SignedDuration = SignedDuration::from_hours(24 * 60);

/// What the look before a first request brought.
#[derive(Debug)]
pub(super) enum FirstLook {
    /// The way is free.
    Free,
    /// It is there, or waits for a person: the job has ended.
    Over,
}

/// Looks for `request` under the names of its effect, unless `looked` says that this was done.
/// Ends the job if it is not to be sent.
pub(super) async fn first_look(
    engine: &Engine,
    job: &Job,
    effect: &Effect,
    name: &mut Name,
    request: &Request,
    read: &FreshReading,
    looked: &[Request],
) -> Result<FirstLook, EngineError> {
    let Some((_, due)) = effect.planned.input.about() else {
        return Ok(FirstLook::Free);
    };
    let sighting = match request {
        Request::PortalMessage(message) => message_of(name, &read.sent, message),
        // A task's ordinal is found by looking.
        request if looked.contains(request) && !effect.kind().has_ordinals() => {
            ProbeResult::NOTHING
        }
        request => {
            let since = looked_for_since(engine, due);
            let look = engine.perform.probe(name, request, since);
            engine.call(PROBE, look).await?
        }
    };
    match sighting {
        ProbeResult::Seen(seen) => {
            let planned = [EffectState::Planned];
            let at = seen.at.unwrap_or_else(|| engine.now());
            let ending = found(
                effect,
                Some(request),
                seen,
                at,
                settle::task_ops(engine, effect),
            );
            settle::settle(engine, job, effect, &planned, ending).await?;
            Ok(FirstLook::Over)
        }
        ProbeResult::NotSeen { taken } => {
            name.ordinal = taken.saturating_add(1);
            if effect.kind().absence() == Absence::Never
                && release::waits_for_release(engine, job, effect, due).await?
            {
                return Ok(FirstLook::Over);
            }
            Ok(FirstLook::Free)
        }
    }
}

/// From when on something about the check-in due on `due` can have been made. A date that has been
/// moved into the future says nothing: what was made about it was made before.
fn looked_for_since(engine: &Engine, due: Date) -> Timestamp {
    let long_ago = earlier(engine.now(), LONG_AGO);
    let start = days::start_of(engine, due);
    if start > engine.now() {
        long_ago
    } else {
        start
    }
}
