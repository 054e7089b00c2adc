//! Outcomes over a real socket.
#![cfg(feature = "in-process")]
#![expect(
    clippy::expect_used,
    reason = "a helper of tests fails by panicking, like the tests"
)]

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Response;
use axum::middleware::from_fn;
use axum::routing::get;
use bytes::Bytes;
use http::{HeaderMap, Method};
use relay_http_client::emulation_server::realize_outcomes;
use relay_http_client::{
    Answer, Call, ReqwestTransport, Transport, TransportError, TransportFault,
};

async fn meets(outcome: Option<TransportFault>) -> Result<Answer, TransportError> {
    let answer = move || async move {
        let mut response = Response::new(Body::from("whole"));
        if let Some(outcome) = outcome {
            response.extensions_mut().insert(outcome);
        }
        response
    };
    let router = Router::new().route("/", get(answer));
    let router = router.layer(from_fn(realize_outcomes));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("an address");
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    let call = Call {
        method: Method::GET,
        url: format!("http://{address}/").parse().expect("an address"),
        headers: HeaderMap::new(),
        body: Bytes::new(),
        timeout: Duration::from_millis(200),
    };
    let answer = ReqwestTransport::new().expect("a client").send(call).await;
    server.abort();
    answer
}

#[tokio::test]
async fn an_answer_without_an_outcome_arrives_whole() {
    let answer = meets(None).await.expect("an answer");
    assert_eq!(answer.body, "whole");
}

#[tokio::test]
async fn a_hang_lasts_until_the_callers_own_limit() {
    let error = meets(Some(TransportFault::Hang))
        .await
        .expect_err("no answer");
    assert!(matches!(error, TransportError::TimedOut), "{error}");
}

#[tokio::test]
async fn a_reset_cuts_the_connection() {
    let error = meets(Some(TransportFault::Reset))
        .await
        .expect_err("no answer");
    assert!(matches!(error, TransportError::Cut), "{error}");
}

#[tokio::test]
async fn a_late_answer_is_the_answer_for_whoever_still_waits() {
    let answer = meets(Some(TransportFault::Late(Duration::ZERO))).await;
    assert_eq!(answer.expect("an answer").body, "whole");
    let late = TransportFault::Late(Duration::from_hours(1));
    let error = meets(Some(late)).await.expect_err("gone by then");
    assert!(matches!(error, TransportError::TimedOut), "{error}");
}
