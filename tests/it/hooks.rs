//! Receiving webhooks: what is answered, and what is stored by then.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use clear_relay::failpoint::{NoFailpoints, RECEIVE};
use clear_relay::http::{Limits, PROBE_SETTING, serve};
use futures_util::stream;
use http::{Request, StatusCode};
use relay_core::time::{Clock as _, SignedDuration};
use relay_store::{FileFault, JobState, ReceiptState};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tower::ServiceExt as _;

use crate::support::failpoints::StopAt;
use crate::support::receiving::{error_code, now, post, signed, world, world_with};

#[tokio::test]
async fn a_genuine_webhook_is_stored_whole_before_it_is_acknowledged() {
    let world = world();
    let request = post(
        "/hooks/signing",
        &[
            ("x-signature", "good"),
            ("x-id", "evt-1"),
            ("content-type", "application/json"),
        ],
        "{\"a\":1}",
    );
    assert_eq!(world.send(request).await.status(), StatusCode::OK);
    assert!(world.woken().await);
    let state = world.store.state();
    let receipt = state.receipts.first().expect("a receipt");
    assert_eq!(receipt.source, "signing");
    assert_eq!(receipt.dedupe_key, "evt-1");
    assert_eq!(receipt.verified_by, "key-a");
    assert_eq!(receipt.body, b"{\"a\":1}");
    assert_eq!(receipt.content_type.as_deref(), Some("application/json"));
    assert_eq!(receipt.received_at, now());
    assert_eq!(receipt.state, ReceiptState::New);
    assert_eq!(world.counters.of("signing", "stored"), 1);
}

#[tokio::test]
async fn a_duplicate_is_acknowledged_and_recorded_and_wakes_the_engine_too() {
    let world = world();
    world.send(signed("evt-1", "a")).await;
    assert!(world.woken().await);
    assert_eq!(
        world.send(signed("evt-1", "a")).await.status(),
        StatusCode::OK
    );
    assert!(world.woken().await);
    let state = world.store.state();
    assert_eq!(state.receipts.len(), 2);
    assert_eq!(state.receipts[1].duplicate_of, Some(state.receipts[0].id));
    assert_eq!(world.counters.of("signing", "duplicate"), 1);
}

#[tokio::test]
async fn a_forged_or_unsigned_webhook_is_refused_with_the_fault_named_and_not_stored() {
    let world = world();
    let forged = world
        .send(post("/hooks/signing", &[("x-signature", "bad")], "a"))
        .await;
    assert_eq!(forged.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(error_code(&forged), "signature_mismatch");
    let unsigned = world.send(post("/hooks/signing", &[], "a")).await;
    assert_eq!(unsigned.status(), StatusCode::BAD_REQUEST);
    assert_eq!(error_code(&unsigned), "missing_header");
    assert_eq!(world.store.state().commits, 0);
    assert!(!world.woken().await);
    assert_eq!(
        world.counters.all(),
        [
            ("signing", "missing_header", 1),
            ("signing", "signature_mismatch", 1)
        ]
    );
}

#[tokio::test]
async fn gone_is_never_said_whatever_a_source_asks_for() {
    let world = world();
    let answer = world
        .send(post("/hooks/signing", &[("x-signature", "gone")], "a"))
        .await;
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_wrong_path_secret_looks_exactly_like_a_route_that_is_not_there() {
    let world = world();
    let there_is_none = world.send(post("/hooks/nobody/x", &[], "a")).await;
    assert_eq!(there_is_none.status(), StatusCode::NOT_FOUND);
    for path in [
        "/hooks/secretive/wrong",
        "/hooks/secretive",
        "/hooks/signing/x",
        "/hooks/secretive/right/x",
        "/hooks/secretive/%ff",
        "/elsewhere",
    ] {
        let answer = world.send(post(path, &[("x-hook-secret", "s")], "a")).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
        assert_eq!(answer.body(), there_is_none.body(), "{path}");
        assert_eq!(answer.headers(), there_is_none.headers(), "{path}");
    }
    assert_eq!(world.store.state().commits, 0);
}

#[tokio::test]
async fn a_handshake_is_echoed_with_exactly_200_and_nothing_is_stored() {
    let world = world();
    let request = post(
        "/hooks/secretive/right",
        &[("x-hook-secret", "temporary")],
        "{}",
    );
    let answer = world.send(request).await;
    assert_eq!(answer.status().as_u16(), 200);
    assert_eq!(answer.headers()["x-hook-secret"], "temporary");
    assert_eq!(world.store.state().commits, 0);
    assert_eq!(world.counters.of("secretive", "handshake"), 1);
}

#[tokio::test]
async fn content_nobody_can_use_is_acknowledged_when_the_sender_is_genuine() {
    let world = world();
    for body in ["", "not json", "[[[[", "\u{0}"] {
        let answer = world.send(post("/hooks/secretive/right", &[], body)).await;
        assert_eq!(answer.status(), StatusCode::OK, "{body:?}");
    }
    assert_eq!(world.store.state().receipts.len(), 4);
}

#[tokio::test]
async fn a_store_that_cannot_store_is_answered_503_with_retry_after() {
    let world = world();
    world.store.state().read_only = true;
    for request in [
        signed("evt-1", "a"),
        post("/hooks/secretive/right", &[], "a"),
    ] {
        let answer = world.send(request).await;
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(answer.headers().contains_key("retry-after"));
        assert_eq!(error_code(&answer), "unavailable");
    }
    world.store.state().read_only = false;
    assert_eq!(
        world.send(signed("evt-1", "a")).await.status(),
        StatusCode::OK
    );
    assert_eq!(world.store.state().receipts.len(), 1);
}

#[tokio::test]
async fn a_body_at_the_cap_passes_and_one_byte_more_is_413() {
    let world = world();
    assert_eq!(
        world.send(signed("a", vec![b'x'; 1000])).await.status(),
        StatusCode::OK
    );
    let answer = world.send(signed("b", vec![b'x'; 1001])).await;
    assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(error_code(&answer), "body_too_long");
}

#[tokio::test]
async fn a_long_body_without_a_declared_length_is_413_before_its_end() {
    let world = world();
    // Never ends: an answer proves that reading stopped.
    let endless = stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(&[b'x'; 100])));
    let answer = world.send(signed("a", Body::from_stream(endless))).await;
    assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(world.store.state().commits, 0);
}

#[tokio::test]
async fn a_body_that_stops_arriving_is_408() {
    let mut limits = Limits::default();
    limits.body.whole = Duration::from_millis(1);
    let world = world_with(limits, Arc::new(NoFailpoints));
    let silent = stream::pending::<Result<Bytes, std::io::Error>>();
    let answer = world.send(signed("a", Body::from_stream(silent))).await;
    assert_eq!(answer.status(), StatusCode::REQUEST_TIMEOUT);
    assert_eq!(error_code(&answer), "body_too_slow");
}

#[tokio::test]
async fn a_body_that_breaks_off_is_400_and_not_stored() {
    let world = world();
    let broken = stream::iter([
        Ok(Bytes::from_static(b"half")),
        Err(std::io::Error::other("reset")),
    ]);
    let answer = world.send(signed("a", Body::from_stream(broken))).await;
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    assert_eq!(world.store.state().commits, 0);
}

#[tokio::test]
async fn more_requests_than_there_are_slots_are_told_to_come_back() {
    let limits = Limits {
        concurrent: 1,
        ..Limits::default()
    };
    let stop = Arc::new(StopAt::name(RECEIVE.before));
    let world = world_with(limits, Arc::clone(&stop) as _);
    let held = tokio::spawn(world.router.clone().oneshot(signed("a", "a")));
    stop.stopped().await;
    let answer = world.send(signed("b", "b")).await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(error_code(&answer), "busy");
    held.abort();
    assert!(held.await.is_err());
    // The slot is free again; the next one reaches the same place and is not "busy".
    let next = tokio::spawn(world.router.clone().oneshot(signed("c", "c")));
    stop.stopped().await;
    next.abort();
}

#[tokio::test]
async fn a_crash_before_the_commit_stores_and_answers_nothing() {
    let stop = Arc::new(StopAt::name(RECEIVE.before));
    let world = world_with(Limits::default(), Arc::clone(&stop) as _);
    let request = tokio::spawn(world.router.clone().oneshot(signed("a", "a")));
    stop.stopped().await;
    assert!(!request.is_finished());
    assert_eq!(world.store.state().receipts.len(), 0);
    request.abort();
}

#[tokio::test]
async fn a_crash_after_the_commit_has_answered_nothing_and_the_repeat_is_a_duplicate() {
    let stop = Arc::new(StopAt::name(RECEIVE.after));
    let world = world_with(Limits::default(), Arc::clone(&stop) as _);
    let request = tokio::spawn(world.router.clone().oneshot(signed("a", "a")));
    stop.stopped().await;
    assert!(!request.is_finished());
    assert_eq!(world.store.state().receipts.len(), 1);
    request.abort();
    let repeat = tokio::spawn(world.router.clone().oneshot(signed("a", "a")));
    stop.stopped().await;
    assert_eq!(
        world.store.state().receipts[1].state,
        ReceiptState::Duplicate
    );
    repeat.abort();
}

#[tokio::test]
async fn every_failpoint_of_receiving_is_reached_by_one_request_in_the_tables_order() {
    let watch = Arc::new(StopAt::default());
    let world = world_with(Limits::default(), Arc::clone(&watch) as _);
    world.send(signed("a", "a")).await;
    let table = [RECEIVE.before, RECEIVE.after];
    assert_eq!(watch.reached(), table);
}

#[tokio::test]
async fn over_a_socket_a_chunked_body_that_is_too_long_sees_its_413() {
    let world = world();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (stop, stopped) = oneshot::channel::<()>();
    let server = tokio::spawn(serve(listener, world.router.clone(), async {
        let _ = stopped.await;
    }));
    let mut socket = TcpStream::connect(address).await.expect("a connection");
    let head = "POST /hooks/signing HTTP/1.1\r\nhost: t\r\nx-signature: good\r\nx-id: a\r\n\
                transfer-encoding: chunked\r\nconnection: close\r\n\r\n";
    socket.write_all(head.as_bytes()).await.expect("sent");
    for _ in 0..15 {
        let chunk = format!("64\r\n{}\r\n", "x".repeat(100));
        socket.write_all(chunk.as_bytes()).await.expect("sent");
    }
    socket.write_all(b"0\r\n\r\n").await.expect("sent");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert!(answer.contains("body_too_long"), "{answer}");
    stop.send(()).expect("the server listens");
    server.await.expect("no panic").expect("served");
}

#[tokio::test]
async fn the_process_is_alive_whatever_the_database_does() {
    let world = world();
    world.store.state().read_only = true;
    let request = Request::get("/healthz").body(Body::empty()).expect("valid");
    assert_eq!(world.send(request).await.status(), StatusCode::OK);
}

fn ready() -> Request<Body> {
    Request::get("/readyz").body(Body::empty()).expect("valid")
}

fn body(answer: &http::Response<Bytes>) -> serde_json::Value {
    serde_json::from_slice(answer.body()).expect("JSON")
}

#[tokio::test]
async fn readiness_writes_to_the_database_and_tells_the_age_of_the_oldest_due_job() {
    let world = world();
    {
        let mut state = world.store.state();
        state.next_due = Some(now() - SignedDuration::from_secs(90));
        state.health.jobs = vec![(JobState::Ready, 3)];
    }
    let answer = world.send(ready()).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let body = body(&answer);
    assert_eq!(body["oldest_due_job_seconds"], 90);
    assert_eq!(body["jobs"]["ready"], 3);
    assert_eq!(body["outreach"], "allowed");
    assert!(world.store.state().settings.contains_key(PROBE_SETTING));
    world.store.state().read_only = true;
    assert_eq!(
        world.send(ready()).await.status(),
        StatusCode::OK,
        "still the last look"
    );
    assert_eq!(world.store.state().commits, 1);
    world.real.advance(SignedDuration::from_secs(2));
    assert_eq!(
        world.send(ready()).await.status(),
        StatusCode::SERVICE_UNAVAILABLE
    );
}

#[tokio::test]
async fn readiness_counts_jobs_once_a_minute_however_often_it_is_asked() {
    let world = world();
    for _ in 0..30 {
        let answer = world.send(ready()).await;
        assert_eq!(body(&answer)["counted_at"], now().to_string());
        world.real.advance(SignedDuration::from_secs(2));
    }
    assert_eq!(world.store.state().commits, 30, "it is looked at each time");
    assert_eq!(world.store.state().counted, 1);
    let answer = world.send(ready()).await;
    assert_eq!(body(&answer)["counted_at"], world.real.now().to_string());
    assert_eq!(world.store.state().counted, 2);
}

#[tokio::test]
async fn a_job_that_is_due_later_is_not_late() {
    let world = world();
    world.store.state().next_due = Some(now() + SignedDuration::from_secs(90));
    let answer = world.send(ready()).await;
    assert_eq!(
        body(&answer)["oldest_due_job_seconds"],
        serde_json::Value::Null
    );
}

#[tokio::test]
async fn a_relay_whose_outreach_is_stopped_says_so_and_is_ready() {
    let world = world();
    let stopped = serde_json::json!({ "stopped": true, "by": "Pat", "at": now(), "reason": null });
    {
        let settings = &mut world.store.state().settings;
        settings.insert("outreach".to_owned(), stopped);
    }
    let answer = world.send(ready()).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(body(&answer)["outreach"], "stopped");
    assert!(
        !body(&answer).to_string().contains("Pat"),
        "it is open to everyone"
    );
}

#[tokio::test]
async fn a_relay_whose_database_file_is_not_its_own_is_not_ready() {
    let world = world();
    let path = std::path::PathBuf::from("/clinic/relay.db");
    world.store.state().file_fault = Some(FileFault::Replaced(path));
    let answer = world.send(ready()).await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    let body = body(&answer);
    assert_eq!(body["status"], "not_ready");
    assert!(
        !body.to_string().contains("/clinic"),
        "a stranger need not know where"
    );
    assert_eq!(world.store.state().commits, 0, "nothing is written into it");
    world.store.state().file_fault = None;
    world.real.advance(SignedDuration::from_secs(2));
    assert_eq!(world.send(ready()).await.status(), StatusCode::OK);
}
