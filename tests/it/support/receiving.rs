//! The HTTP side of the relay over a store in memory, and requests to send it.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use clear_relay::failpoint::{Failpoints, NoFailpoints};
use clear_relay::http::{HttpState, Limits, router};
use clear_relay::receipts::{Counters, Receiver};
use clear_relay::telemetry::LogThrottle;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use relay_core::random::SeededRandom;
use relay_core::time::{ManualClock, Timestamp};
use tokio::sync::Notify;
use tower::ServiceExt as _;

use super::fake_store::FakeStore;
use super::sender::{Secretive, Signing};

/// The routes over a store in memory.
pub(crate) struct World {
    pub(crate) store: Arc<FakeStore>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) wake: Arc<Notify>,
    pub(crate) real: Arc<ManualClock>,
    pub(crate) log_throttle: Arc<LogThrottle>,
    pub(crate) router: Router,
}

pub(crate) fn now() -> Timestamp {
    "2026-11-03T16:00:00Z".parse().expect("a valid time")
}

pub(crate) fn world() -> World {
    world_with(Limits::default(), Arc::new(NoFailpoints))
}

pub(crate) fn world_with(limits: Limits, failpoints: Arc<dyn Failpoints>) -> World {
    let store = Arc::new(FakeStore::default());
    let counters = Arc::new(Counters::default());
    let wake = Arc::new(Notify::new());
    let real = Arc::new(ManualClock::new(now()));
    let log_throttle = Arc::new(LogThrottle::new(Arc::clone(&real) as _));
    let receiver = Receiver {
        store: Arc::clone(&store) as _,
        clock: Arc::new(ManualClock::new(now())),
        real: Arc::clone(&real) as _,
        random: Arc::new(SeededRandom::new(1)),
        wake: Arc::clone(&wake),
        failpoints,
        counters: Arc::clone(&counters),
        log_throttle: Arc::clone(&log_throttle),
    };
    let sources = vec![Arc::new(Signing) as _, Arc::new(Secretive) as _];
    let state = HttpState::new(receiver, sources, Arc::clone(&real) as _, limits);
    World {
        store,
        counters,
        wake,
        real,
        log_throttle,
        router: router(state),
    }
}

impl World {
    pub(crate) async fn send(&self, request: Request<Body>) -> Response<Bytes> {
        let response = self
            .router
            .clone()
            .oneshot(request)
            .await
            .expect("infallible");
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("a whole body").to_bytes();
        Response::from_parts(parts, body)
    }

    pub(crate) async fn woken(&self) -> bool {
        tokio::time::timeout(Duration::ZERO, self.wake.notified())
            .await
            .is_ok()
    }
}

pub(crate) fn post(path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Request<Body> {
    let mut request = Request::post(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body.into()).expect("a valid request")
}

pub(crate) fn signed(id: &str, body: impl Into<Body>) -> Request<Body> {
    post(
        "/hooks/signing",
        &[("x-signature", "good"), ("x-id", id)],
        body,
    )
}

pub(crate) fn error_code(response: &Response<Bytes>) -> String {
    let body: serde_json::Value = serde_json::from_slice(response.body()).expect("JSON");
    assert!(body["error"]["message"].is_string(), "{body}");
    body["error"]["code"].as_str().expect("a code").to_owned()
}
