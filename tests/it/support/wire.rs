//! What a story's relay asks the vendors for.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use http::Method;
use relay_core::time::{Clock as _, ManualClock, Timestamp};
use relay_http_client::{Answer, Call, Transport, TransportError};

/// A mutating request on its way to a vendor.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) at: Timestamp,
    pub(crate) host: String,
    pub(crate) path: String,
    /// Whether it is about a call, as the title of a task says.
    pub(crate) is_call: bool,
}

/// What writes down every mutating request, whatever comes of it.
#[derive(Debug, Default)]
pub(crate) struct Wire(Mutex<Vec<Sent>>);

impl Wire {
    pub(crate) fn sent(&self) -> Vec<Sent> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

fn says_call(body: &[u8]) -> bool {
    String::from_utf8_lossy(body).contains("\"title\":\"CALL ")
}

/// The clock of a story, once it has begun.
pub(crate) type StoryClock = Arc<Mutex<Option<Arc<ManualClock>>>>;

/// A way to the vendors on which every mutating request is written down.
#[derive(Debug)]
pub(crate) struct Tapped {
    inner: Arc<dyn Transport>,
    wire: Arc<Wire>,
    clock: StoryClock,
}

impl Tapped {
    pub(crate) fn new(inner: Arc<dyn Transport>, wire: &Arc<Wire>, clock: &StoryClock) -> Self {
        Self {
            inner,
            wire: Arc::clone(wire),
            clock: Arc::clone(clock),
        }
    }
}

#[async_trait]
impl Transport for Tapped {
    async fn send(&self, call: Call) -> Result<Answer, TransportError> {
        let clock = self
            .clock
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        // Before the story begins the clinic is only set up.
        if let Some(clock) = clock.filter(|_| call.method != Method::GET) {
            let sent = Sent {
                at: clock.now(),
                host: call.url.host_str().unwrap_or_default().to_owned(),
                path: call.url.path().to_owned(),
                is_call: says_call(&call.body),
            };
            self.wire
                .0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(sent);
        }
        self.inner.send(call).await
    }
}
