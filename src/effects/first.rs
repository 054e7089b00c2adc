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
use relay_core::time::{Date, Time, Timestamp};
use relay_store::{Effect, EffectState, Job};

use crate::checkpoint::PROBE;
use crate::effects::guard::Fresh;
use crate::effects::perform::message_of;
use crate::effects::settle::found;
use crate::effects::{Name, Sighting};
use crate::engine::{Engine, EngineError};

/// What the look before a first request brought.
#[derive(Debug)]
pub(super) enum First {
    /// The way is free.
    Free,
    /// It is there, or waits for a person: the job has ended.
    Over,
}

impl Engine {
    /// Looks for `request` under the names of its effect, unless `looked` says that this was done.
    /// Ends the job if it is not to be sent.
    pub(super) async fn first_look(
        &self,
        job: &Job,
        effect: &Effect,
        name: &mut Name,
        request: &Request,
        read: &Fresh,
        looked: &[Request],
    ) -> Result<First, EngineError> {
        let Some((_, due)) = effect.planned.input.about() else {
            return Ok(First::Free);
        };
        let sighting = match request {
            Request::PortalMessage { author, text, .. } => {
                message_of(name, &read.sent, author, text)
            }
            // A task's ordinal is found by looking.
            request if looked.contains(request) && !effect.kind().has_ordinals() => {
                Sighting::NOTHING
            }
            request => {
                let since = self.start_of(due);
                let look = self.perform.probe(name, request, since);
                self.call(PROBE, look).await?
            }
        };
        match sighting {
            Sighting::Seen(seen) => {
                let planned = [EffectState::Planned];
                let at = seen.at.unwrap_or_else(|| self.now());
                let ending = found(effect, Some(request), seen, at, self.task_ops(effect));
                self.settle(job, effect, &planned, ending).await?;
                Ok(First::Over)
            }
            Sighting::NotSeen { taken } => {
                name.ordinal = taken.saturating_add(1);
                if effect.kind().absence() == Absence::Never
                    && self.waits_for_release(job, effect, due).await?
                {
                    return Ok(First::Over);
                }
                Ok(First::Free)
            }
        }
    }

    /// The first instant of a day at the clinic.
    pub(crate) fn start_of(&self, day: Date) -> Timestamp {
        let midnight = day.to_datetime(Time::midnight());
        let zone = self.calendar.zone();
        let start = zone.to_ambiguous_timestamp(midnight).compatible();
        start.unwrap_or(Timestamp::MIN)
    }
}
