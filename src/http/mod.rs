//! The HTTP side: webhooks in, health out, and where a browser comes back to that connects.
//!
//! [`router`] is the whole of it and needs no socket: tests and the demo call it in this process,
//! [`serve`] puts it on one. A handler reads, does one commit, answers; what a webhook means is
//! found out later by the engine.
//!
//! Not guaranteed: protection against slow *headers*. Put a proxy in front of a public address,
//! as for TLS.

mod body;
mod connect;
mod error;
mod health;
mod hooks;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use relay_core::time::Clock;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

pub use error::ApiError;
pub use health::PROBE_SETTING;

use crate::ports::Authorize;
use crate::receipts::{Receiver, Source};

/// Limits of receiving. Real time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How long a body may take to arrive.
    pub body: Duration,
    /// How many bodies may be held at once; more are answered 503.
    pub concurrent: usize,
}

impl Default for Limits {
    /// Ten seconds: the shortest patience among the senders is thirty, and the commit and the
    /// answer need their share. 512 bodies: a flood is refused before it fills the memory.
    fn default() -> Self {
        Self {
            body: Duration::from_secs(10),
            concurrent: 512,
        }
    }
}

/// What the handlers share.
#[derive(Debug)]
pub struct HttpState {
    receiver: Receiver,
    sources: Vec<Arc<dyn Source>>,
    authorize: Vec<Arc<dyn Authorize>>,
    real: Arc<dyn Clock>,
    limits: Limits,
    slots: Semaphore,
    last_look: health::LastLook,
}

impl HttpState {
    /// State for these sources. `real` is the clock that nothing scales.
    pub fn new(
        receiver: Receiver,
        sources: Vec<Arc<dyn Source>>,
        real: Arc<dyn Clock>,
        limits: Limits,
    ) -> Self {
        Self {
            receiver,
            sources,
            authorize: Vec::new(),
            real,
            limits,
            slots: Semaphore::new(limits.concurrent),
            last_look: health::LastLook::default(),
        }
    }

    /// Also the connections that a person may make through a browser.
    #[must_use]
    pub fn with_authorize(mut self, authorize: Vec<Arc<dyn Authorize>>) -> Self {
        self.authorize = authorize;
        self
    }

    fn source(&self, name: &str) -> Option<&dyn Source> {
        self.sources
            .iter()
            .map(|source| &**source)
            .find(|source| source.name() == name)
    }
}

/// Every route.
pub fn router(state: HttpState) -> Router {
    Router::new()
        .merge(hooks::routes())
        .merge(health::routes())
        .merge(connect::routes())
        .fallback(|| async { ApiError::not_found() })
        .with_state(Arc::new(state))
}

/// Serves `router` until `stop` completes; then no connection is accepted, and requests under
/// way are answered. The caller limits how long that may take.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    axum::serve(listener, router)
        .with_graceful_shutdown(stop)
        .await
}
