//! Before a second request of the same effect: is the first one there all the same?
//!
//! A vendor that refuses (429, 401, 503 with `Retry-After`, a 400 that somebody replays) has
//! normally done nothing, but a gateway may refuse an answer after the work was done. Looking is
//! free; a second text is the worst we can do.
//!
//! Rules:
//! - A request that never left this machine needs no look.
//! - Each request that the vendor answered is looked for with its own words, for a second one may
//!   have been rendered anew.
//! - Not being listed counts only once the vendor has had the time in which it is known to list
//!   things: what its absence is proven after, and for what is never proven (the email) the last
//!   look that an unclear one would get. Until then nothing is sent.
//!
//! Not guaranteed: an email that was refused, was sent all the same, and is listed later than that
//! goes out twice. Asking a person after every 429 would be the alternative.

use relay_core::effects::{Absence, Request};
use relay_core::retry::Class;
use relay_core::time::{SignedDuration, Timestamp};
use relay_store::{Effect, Intent};

use crate::checkpoint::PROBE;
use crate::effects::Sighting;
use crate::effects::probe::SKEW;
use crate::engine::{Engine, EngineError};

/// What became of the earlier requests of an effect that is to be sent.
#[derive(Debug)]
pub(super) enum Earlier {
    /// There was none, or the vendor does not have it: the way is free.
    Nothing,
    /// The vendor has it.
    There {
        /// When it was asked for.
        at: Timestamp,
        /// The vendor's id for it.
        vendor_ref: Option<String>,
    },
    /// It is not listed, and may still come to be.
    MayShowUp {
        /// When not being listed begins to count.
        until: Timestamp,
    },
}

impl Engine {
    /// Looks for the earlier requests of `effect`. Changes nothing.
    pub(super) async fn earlier(&self, effect: &Effect) -> Result<Earlier, EngineError> {
        let absence = effect.kind().absence();
        // A desired state is read before it is written in any case.
        if effect.revision == 0 || absence == Absence::DesiredState {
            return Ok(Earlier::Nothing);
        }
        let mut answered = self.store.intents(effect.key()).await?;
        answered.retain(|intent| intent.outcome.as_deref() != Some(Class::NotSent.as_str()));
        // What becomes visible while a look is under way may be on a page that was read already.
        let began = self.now();
        for (request, at) in different(&answered) {
            let from = at.saturating_sub(SKEW).unwrap_or(at);
            let look = self.perform.probe(effect.key(), request, from);
            if let Sighting::Seen { vendor_ref } = self.call(PROBE, look).await? {
                return Ok(Earlier::There { at, vendor_ref });
            }
        }
        let latest = answered.iter().map(|intent| intent.at).max();
        let until = latest.and_then(|at| at.saturating_add(self.shown_after(absence)).ok());
        Ok(match until.filter(|until| *until > began) {
            Some(until) => Earlier::MayShowUp { until },
            None => Earlier::Nothing,
        })
    }

    /// How long a vendor may take to list what it accepted.
    fn shown_after(&self, absence: Absence) -> SignedDuration {
        match absence {
            Absence::ProvenAfter(after) => after,
            Absence::Never => self.probes.looks.iter().max().copied().unwrap_or_default(),
            Absence::DesiredState => SignedDuration::ZERO,
        }
    }
}

/// Each request once, with the time at which it was first made.
fn different(intents: &[Intent]) -> Vec<(&Request, Timestamp)> {
    let mut all: Vec<(&Request, Timestamp)> = Vec::new();
    for intent in intents {
        match all.iter_mut().find(|(known, _)| **known == intent.request) {
            Some((_, at)) => *at = intent.at.min(*at),
            None => all.push((&intent.request, intent.at)),
        }
    }
    all
}
