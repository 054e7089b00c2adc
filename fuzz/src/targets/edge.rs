//! The open edge: `POST /hooks/…` as anybody on the internet may send it, over a real store.
//!
//! An input is `METHOD PATH PIECE`, headers, an empty line, a body. The body arrives in pieces of
//! `PIECE` bytes, without a declared length. The header `fuzz-sign: 1` lets the key of the vendor whose
//! path it is sign what is there.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use clear_relay::failpoint::NoFailpoints;
use clear_relay::http::{HttpState, Limits, router};
use clear_relay::receipts::{Counters, Receiver};
use clear_relay::telemetry::LogThrottle;
use futures_util::stream;
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use relay_core::random::SeededRandom;
use relay_store_sqlite::{Options, SqliteStore};
use tempfile::TempDir;
use tokio::sync::Notify;
use tower::ServiceExt as _;

use super::answers::{block_on, clock, written};
use super::{Target, VENDORS, check_words};

/// The target.
pub const TARGET: Target = Target {
    name: "edge",
    run,
    words: &[
        "POST ",
        "GET ",
        "PUT ",
        "HEAD ",
        "OPTIONS ",
        "BREW ",
        "/hooks/",
        "/healthz",
        "/readyz",
        "/../",
        "//",
        "%2f",
        "%ff",
        "%00",
        "?x=1",
        "fuzz-sign: 1",
        "content-length: 5",
        "content-length: 99999999999",
        "transfer-encoding: chunked",
        "content-type: application/json",
        "expect: 100-continue",
        "content-encoding: gzip",
        "\n\n",
        " 1\n",
        " 7\n",
    ],
    fixtures: &[],
    executions: 1_500,
};

/// The edge over a store in a file that is thrown away.
struct Edge {
    router: Router,
    _folder: TempDir,
}

thread_local! {
    static EDGE: Option<Edge> = edge();
}

fn edge() -> Option<Edge> {
    let folder = tempfile::tempdir().ok()?;
    let options = Options {
        throw_away: true,
        ..Options::default()
    };
    let store = block_on(async {
        let store = SqliteStore::open_with(folder.path().join("edge.db"), options).await;
        let store = store.ok()?;
        store.migrate().await.ok()?;
        Some(store)
    })?;
    let receiver = Receiver {
        store: Arc::new(store),
        clock: Arc::new(clock()),
        real: Arc::new(clock()),
        random: Arc::new(SeededRandom::new(1)),
        wake: Arc::new(Notify::new()),
        failpoints: Arc::new(NoFailpoints),
        counters: Arc::new(Counters::default()),
        log_throttle: Arc::new(LogThrottle::new(Arc::new(clock()))),
    };
    let sources: Option<Vec<_>> = VENDORS.iter().map(|vendor| (vendor.source)()).collect();
    let sources = sources?;
    let state = HttpState::new(receiver, sources, Arc::new(clock()), Limits::default());
    Some(Edge {
        router: router(state),
        _folder: folder,
    })
}

/// Runs one input.
///
/// # Panics
/// If a promise is broken.
pub fn run(data: &[u8]) {
    EDGE.with(|edge| match edge {
        Some(edge) => send(edge, data),
        None => unreachable!("a store in a temporary folder can be opened"),
    });
}

fn send(edge: &Edge, data: &[u8]) {
    let written = written(data);
    let first = String::from_utf8_lossy(written.first).into_owned();
    let mut words = first.split(' ');
    let method = Method::from_bytes(words.next().unwrap_or_default().as_bytes());
    let path = words.next().unwrap_or_default();
    let piece = words
        .next()
        .and_then(|word| word.parse().ok())
        .unwrap_or(1_024);
    let pieces: Vec<Result<Bytes, Infallible>> = written
        .body
        .chunks(usize::clamp(piece, 1, 4_096))
        .map(|piece| Ok(Bytes::copy_from_slice(piece)))
        .collect();
    let request = Request::builder().uri(path);
    let Ok(mut request) = request.body(Body::from_stream(stream::iter(pieces))) else {
        return;
    };
    *request.method_mut() = method.unwrap_or(Method::POST);
    *request.headers_mut() = written.headers;
    let asked = request.headers_mut().remove("fuzz-sign").is_some();
    let path = request.uri().path().to_owned();
    // A path that no vendor signs for is signed all the same, as a sender may who is wrong about it.
    let signs = || VENDORS.iter().filter_map(|vendor| vendor.sign);
    let signed = signs().find(|sign| asked && sign.path == path);
    if let Some(sign) = signed.or(signs().next()).filter(|_| asked) {
        (sign.with)(request.headers_mut(), written.body);
    }
    let handshake = request.headers().get("x-hook-secret").cloned();
    let is_post = request.method() == Method::POST;
    let (status, echo, body) = block_on(async {
        let response = edge.router.clone().oneshot(request).await;
        let Ok(response) = response;
        let status = response.status();
        let echo = response.headers().get("x-hook-secret").cloned();
        let body = response.into_body().collect().await;
        (
            status,
            echo,
            body.map(http_body_util::Collected::to_bytes)
                .unwrap_or_default(),
        )
    });
    assert_ne!(
        status,
        StatusCode::GONE,
        "410 would end a subscription for good"
    );
    assert!(!status.is_server_error(), "{status}");
    assert!(
        echo.is_none() || echo == handshake,
        "what is echoed was sent"
    );
    check_words(&String::from_utf8_lossy(&body), 1_000);
    if signed.is_some() && is_post {
        assert_eq!(status, StatusCode::OK, "genuine and refused");
    }
}
