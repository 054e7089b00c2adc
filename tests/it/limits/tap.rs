//! Sees every call to the CRM, and lets each of them take its time.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use async_trait::async_trait;
use clear_relay::sandbox::world::{OnTheWay, World};
use relay_core::time::{Clock as _, ManualClock, SignedDuration, Timestamp};
use relay_http_client::{Answer, Call, Transport, TransportError};

/// A call that was sent to the CRM.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen {
    pub(crate) at: Timestamp,
    /// `None`: no answer.
    pub(crate) status: Option<u16>,
}

/// What was seen. Nothing is, until the world is told to be watched.
#[derive(Debug, Default)]
pub(crate) struct Tap {
    seen: Mutex<Vec<Seen>>,
    clock: OnceLock<Arc<ManualClock>>,
    takes: SignedDuration,
}

impl Tap {
    /// A tap behind which each call takes so long on both clocks.
    pub(crate) fn taking(takes: SignedDuration) -> Arc<Self> {
        Arc::new(Self {
            takes,
            ..Self::default()
        })
    }

    pub(crate) fn on_the_way(self: &Arc<Self>) -> OnTheWay {
        let tap = Arc::clone(self);
        Arc::new(move |inner| {
            Arc::new(Tapped {
                inner,
                tap: Arc::clone(&tap),
            })
        })
    }

    /// From now on everything is seen.
    pub(crate) fn watch(&self, world: &World) {
        self.clock
            .set(Arc::clone(&world.clock))
            .expect("watched once");
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// How many calls were sent at or after `from` and before `to`.
    pub(crate) fn between(&self, from: Timestamp, to: Timestamp) -> usize {
        let seen = self.seen();
        seen.iter().filter(|s| s.at >= from && s.at < to).count()
    }
}

#[derive(Debug)]
struct Tapped {
    inner: Arc<dyn Transport>,
    tap: Arc<Tap>,
}

#[async_trait]
impl Transport for Tapped {
    async fn send(&self, call: Call) -> Result<Answer, TransportError> {
        let clock = self.tap.clock.get();
        let Some(clock) = clock.filter(|_| call.url.host_str() == Some("keap.test")) else {
            return self.inner.send(call).await;
        };
        let at = clock.now();
        let outcome = self.inner.send(call).await;
        clock.advance(self.tap.takes);
        let status = outcome.as_ref().ok().map(|answer| answer.status.as_u16());
        self.tap
            .seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(Seen { at, status });
        outcome
    }
}
