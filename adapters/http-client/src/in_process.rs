//! The transport that answers from an axum router in this process: emulators in tests and demo.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use tower::ServiceExt as _;

use crate::{Answer, Call, MAX_ANSWER, Transport, TransportError};

/// What an emulator wants to happen to its answer. It puts one into the response's extensions;
/// this transport turns it into the error a caller would meet, at once; a server that serves the
/// emulator over TCP hangs or cuts for real.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransportFault {
    /// No answer within any limit.
    Hang,
    /// The connection is cut before the answer.
    Reset,
    /// The connection is refused.
    Refuse,
    /// The answer comes this much later. No time passes in this process: a caller whose limit is
    /// shorter meets a time-out, any other the answer.
    Late(Duration),
}

/// Routes calls by host to routers in this process.
#[derive(Clone, Default)]
pub struct RouterTransport {
    // A router is `Send` but not `Sync`; it is cloned out for each call.
    routers: Arc<Mutex<Vec<(String, Router)>>>,
}

impl fmt::Debug for RouterTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RouterTransport").finish_non_exhaustive()
    }
}

impl RouterTransport {
    /// A transport that reaches nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Calls to `host` (name only, as in `http://keap.test/…`) are answered by `router`.
    pub fn serve(&self, host: &str, router: Router) {
        self.routers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push((host.to_owned(), router));
    }

    /// Calls to `host` are answered by `router` from now on, whatever answered them before.
    pub fn replace(&self, host: &str, router: Router) {
        let mut routers = self.routers.lock().unwrap_or_else(PoisonError::into_inner);
        routers.retain(|(name, _)| name != host);
        routers.push((host.to_owned(), router));
    }

    fn router(&self, host: &str) -> Option<Router> {
        let routers = self.routers.lock().unwrap_or_else(PoisonError::into_inner);
        routers
            .iter()
            .find(|(name, _)| name == host)
            .map(|(_, router)| router.clone())
    }
}

#[async_trait]
impl Transport for RouterTransport {
    async fn send(&self, call: Call) -> Result<Answer, TransportError> {
        let host = call.url.host_str().unwrap_or_default().to_owned();
        let limit = call.timeout;
        let router = self
            .router(&host)
            .ok_or_else(|| TransportError::NotSent(format!("no such host: {host}")))?;
        let mut request = http::Request::new(Body::from(call.body));
        *request.method_mut() = call.method;
        *request.uri_mut() = call.url.as_str().parse().map_err(|_| {
            TransportError::NotSent("the address is not a valid request target".to_owned())
        })?;
        *request.headers_mut() = call.headers;
        let response = router
            .oneshot(request)
            .await
            .map_err(|_| TransportError::Cut)?;
        match response.extensions().get::<TransportFault>() {
            Some(TransportFault::Hang) => return Err(TransportError::TimedOut),
            Some(TransportFault::Reset) => return Err(TransportError::Cut),
            Some(TransportFault::Refuse) => {
                return Err(TransportError::NotSent("connection refused".to_owned()));
            }
            Some(TransportFault::Late(wait)) if *wait >= limit => {
                return Err(TransportError::TimedOut);
            }
            Some(TransportFault::Late(_)) | None => {}
        }
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, MAX_ANSWER)
            .await
            .map_err(|_| TransportError::Cut)?;
        Ok(Answer {
            status: parts.status,
            headers: parts.headers,
            body,
        })
    }
}
