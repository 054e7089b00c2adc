//! The HTTP side: webhooks in, health out, and where a browser comes back to that connects.
//!
//! [`router`] is the whole of it and needs no socket: tests and the demo call it in this process,
//! [`serve`] puts it on one. A handler reads, does one commit, answers; what a webhook means is
//! found out later by the engine.
//!
//! Who is not known costs nothing: a path's secret is compared, and what a request's headers tell is
//! looked at, before a slot is taken and a byte of the body is read (`hooks`). Connections, heads,
//! bodies and their memory are bounded (`connections`, `body`), and where a bound is reached the
//! oldest stranger gives way.
//!
//! Not guaranteed: protection against more packets than the machine can take, nor TLS. Put a proxy in
//! front of a public address.

mod body;
mod connect;
mod connections;
mod error;
mod health;
mod hooks;
mod open_files;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use relay_core::time::{Clock, SystemClock};
use tokio::net::TcpListener;

use body::Bodies;
pub use body::BodyLimits;
pub use connections::{ConnectionLimits, HEAD, serve as serve_within};
pub use error::ApiError;
pub use health::PROBE_SETTING;
pub use open_files::room_for;

use crate::ports::Authorize;
use crate::receipts::{Receiver, Source};
use crate::telemetry::LogThrottle;

/// Limits of receiving. Real time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How a body must arrive.
    pub body: BodyLimits,
    /// How many bodies of one route may be held at once; more are answered 503.
    pub concurrent: usize,
    /// How many bytes the bodies of one route may have together.
    pub memory: usize,
    /// How many connections, and how long.
    pub connections: ConnectionLimits,
}

impl Default for Limits {
    /// Ten seconds: the shortest patience among the senders is thirty, and the commit and the
    /// answer need their share. At least 1,000 bytes in two seconds, after the first six: any modem does that. 512
    /// bodies and 16 MiB for each route: a flood gives way before it fills the memory, and the largest body fits in
    /// sixteen times.
    fn default() -> Self {
        Self {
            body: BodyLimits {
                whole: Duration::from_secs(10),
                window: Duration::from_secs(2),
                least: 1_000,
            },
            concurrent: 512,
            memory: 16 * 1024 * 1024,
            connections: ConnectionLimits::default(),
        }
    }
}

/// What the handlers share.
#[derive(Debug)]
pub struct HttpState {
    receiver: Receiver,
    routes: Vec<Route>,
    authorize: Vec<Arc<dyn Authorize>>,
    real: Arc<dyn Clock>,
    limits: Limits,
    last_look: health::LastLook,
}

/// A sender, and the bodies that arrive from it.
#[derive(Debug)]
struct Route {
    source: Arc<dyn Source>,
    bodies: Bodies,
}

impl HttpState {
    /// State for these sources. `real` is the clock that nothing scales.
    pub fn new(
        receiver: Receiver,
        sources: Vec<Arc<dyn Source>>,
        real: Arc<dyn Clock>,
        limits: Limits,
    ) -> Self {
        let routes = sources.into_iter().map(|source| Route {
            source,
            bodies: Bodies::new(limits.concurrent, limits.memory),
        });
        Self {
            receiver,
            routes: routes.collect(),
            authorize: Vec::new(),
            real,
            limits,
            last_look: health::LastLook::default(),
        }
    }

    /// Also the connections that a person may make through a browser.
    #[must_use]
    pub fn with_authorize(mut self, authorize: Vec<Arc<dyn Authorize>>) -> Self {
        self.authorize = authorize;
        self
    }

    fn route(&self, name: &str) -> Option<&Route> {
        let mut routes = self.routes.iter();
        routes.find(|route| route.source.name() == name)
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

/// Serves `router` within the usual limits of connections until `stop` completes; then no connection
/// is accepted, and requests under way are answered. The caller limits how long that may take.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()> + Send,
) -> std::io::Result<()> {
    let log_throttle = Arc::new(LogThrottle::new(Arc::new(SystemClock)));
    serve_within(
        listener,
        router,
        ConnectionLimits::default(),
        log_throttle,
        stop,
    )
    .await
}
