//! Before a second request: is the first one there after all?
//!
//! A vendor's refusal (429, 401, 400, 503 with its end) means that nothing was done. A gateway may
//! say it all the same after the work was done, and then a second request is a second message.
//! Looking is free, so it is done before every request but the first; only a request that never
//! left this machine needs none.

use relay_core::effects::Absence;
use relay_core::retry::Class;
use relay_core::time::Timestamp;
use relay_store::Effect;

use crate::checkpoint::PROBE;
use crate::effects::Sighting;
use crate::effects::probe::SKEW;
use crate::engine::{Engine, EngineError};

/// What is found before another request.
#[derive(Debug)]
pub(super) enum BeforeAnother {
    /// Nothing is there: it may be made.
    Clear,
    /// Nothing is there yet, and the vendor lists such a thing late: look again then.
    NotYet {
        /// When.
        at: Timestamp,
    },
    /// The refused request was carried out.
    ThereAfterAll {
        /// The vendor's id for what it made.
        vendor_ref: Option<String>,
    },
}

impl Engine {
    /// Looks before a second request. A desired state needs no look of its own: it is read before
    /// every write.
    pub(super) async fn before_another(
        &self,
        effect: &Effect,
    ) -> Result<BeforeAnother, EngineError> {
        let (Some(request), Some(since)) = (&effect.request, effect.intended_at) else {
            return Ok(BeforeAnother::Clear);
        };
        let absence = effect.kind().absence();
        if effect.revision == 0
            || absence == Absence::DesiredState
            || self.never_left(effect).await?
        {
            return Ok(BeforeAnother::Clear);
        }
        let now = self.now();
        let from = since.saturating_sub(SKEW).unwrap_or(since);
        let look = self.perform.probe(effect.key(), request, from);
        if let Sighting::Seen { vendor_ref } = self.call(PROBE, look).await? {
            return Ok(BeforeAnother::ThereAfterAll { vendor_ref });
        }
        // Its absence is never proven; at least every look of the schedule is taken.
        let looks = self.probes.looks.iter();
        let mut coming = looks.filter_map(|wait| since.saturating_add(*wait).ok());
        let next = coming.find(|at| *at > now);
        Ok(match next {
            Some(at) if absence == Absence::Never => BeforeAnother::NotYet { at },
            _ => BeforeAnother::Clear,
        })
    }

    /// Whether the last request is known not to have left this machine.
    async fn never_left(&self, effect: &Effect) -> Result<bool, EngineError> {
        let intents = self.store.intents(effect.key()).await?;
        let outcome = intents.last().and_then(|intent| intent.outcome.as_deref());
        Ok(outcome == Some(Class::NotSent.as_str()))
    }
}
