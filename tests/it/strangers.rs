//! Strangers at the doors: they are refused before they cost anything, and where there is no room
//! left it is they who give way.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use clear_relay::failpoint::{NoFailpoints, RECEIVE};
use clear_relay::http::{BodyLimits, ConnectionLimits, Limits, room_for, serve_within};
use clear_relay::lifecycle::pause;
use clear_relay::telemetry::LogThrottle;
use futures_util::{StreamExt as _, stream};
use http::{Response, StatusCode};
use http_body_util::BodyExt as _;
use relay_core::time::SystemClock;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tower::ServiceExt as _;

use crate::support::failpoints::StopAt;
use crate::support::receiving::{World, error_code, post, signed, world, world_with};

/// Longer than anything here takes, so that what hangs fails.
const LONG: Duration = Duration::from_mins(1);

fn limited(change: impl FnOnce(&mut Limits)) -> World {
    let mut limits = Limits {
        body: BodyLimits {
            whole: LONG,
            window: LONG,
            least: 0,
        },
        ..Limits::default()
    };
    change(&mut limits);
    world_with(limits, Arc::new(NoFailpoints))
}

/// A body that never comes, and whether anybody has asked for it.
fn unasked() -> (Arc<AtomicBool>, Body) {
    let asked = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&asked);
    let body = stream::poll_fn(move |_| {
        seen.store(true, Ordering::SeqCst);
        Poll::<Option<Result<Bytes, std::io::Error>>>::Pending
    });
    (asked, Body::from_stream(body))
}

#[tokio::test]
async fn who_is_not_known_is_refused_before_a_byte_of_the_body_is_read() {
    let world = limited(|_| {});
    for (path, status) in [
        ("/hooks/secretive/wrong", StatusCode::NOT_FOUND),
        ("/hooks/secretive/wrong/", StatusCode::NOT_FOUND),
        ("/hooks/nobody", StatusCode::NOT_FOUND),
        ("/hooks/signing", StatusCode::BAD_REQUEST),
    ] {
        let (asked, body) = unasked();
        let answer = timeout(LONG / 4, world.send(post(path, &[], body))).await;
        let answer = answer.expect("answered at once");
        assert_eq!(answer.status(), status, "{path}");
        assert!(!asked.load(Ordering::SeqCst), "{path}: the body was read");
    }
}

#[tokio::test]
async fn a_slash_at_the_end_of_a_path_changes_nothing() {
    let world = world();
    for (path, headers) in [
        (
            "/hooks/signing/",
            [("x-signature", "good"), ("x-id", "evt-1")].as_slice(),
        ),
        ("/hooks/secretive/right/", &[]),
    ] {
        let answer = world.send(post(path, headers, "a")).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
    }
    assert_eq!(world.store.state().receipts.len(), 2);
    for path in ["/hooks/secretive/", "/hooks/secretive/wrong/"] {
        let answer = world.send(post(path, &[], "a")).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
    }
}

/// A stranger whose headers look right: `bytes` of its body arrive, and then nothing.
async fn trickle(world: &World, bytes: usize) -> JoinHandle<Response<Body>> {
    let (asked, mut was_asked) = mpsc::unbounded_channel();
    let first = stream::iter([Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; bytes]))]);
    let rest = stream::poll_fn(move |_| {
        let _ = asked.send(());
        Poll::Pending
    });
    let body = Body::from_stream(first.chain(rest));
    let request = post("/hooks/signing", &[("x-signature", "bad")], body);
    let router = world.router.clone();
    let task = tokio::spawn(async move { router.oneshot(request).await.expect("infallible") });
    was_asked.recv().await.expect("what has come is read");
    task
}

async fn gave_way(task: JoinHandle<Response<Body>>) {
    let answer = timeout(LONG, task).await.expect("answered");
    let (parts, body) = answer.expect("no panic").into_parts();
    let body = body.collect().await.expect("a body").to_bytes();
    let answer = Response::from_parts(parts, body);
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.headers().contains_key("retry-after"));
    assert_eq!(error_code(&answer), "busy");
}

#[tokio::test]
async fn where_all_slots_are_taken_the_body_that_arrives_longest_gives_way() {
    let world = limited(|limits| limits.concurrent = 3);
    let mut strangers = Vec::new();
    for _ in 0..3 {
        strangers.push(trickle(&world, 1).await);
    }
    let answer = world.send(signed("evt-1", "a")).await;
    assert_eq!(answer.status(), StatusCode::OK);
    gave_way(strangers.remove(0)).await;
    assert!(strangers.iter().all(|task| !task.is_finished()));
    for number in 0..100 {
        let answer = world.send(signed(&format!("evt-a-{number}"), "a")).await;
        assert_eq!(answer.status(), StatusCode::OK, "{number}");
    }
    let left = strangers.iter().filter(|task| !task.is_finished()).count();
    assert_eq!(
        left, 2,
        "a slot that got free is used before anybody gives way"
    );
}

#[tokio::test]
async fn bodies_fill_no_more_memory_than_they_may_and_a_genuine_one_fits_in() {
    let world = limited(|limits| limits.memory = 3_000);
    let mut strangers = Vec::new();
    for _ in 0..3 {
        strangers.push(trickle(&world, 900).await);
    }
    let answer = world.send(signed("evt-1", vec![b'x'; 900])).await;
    assert_eq!(answer.status(), StatusCode::OK);
    gave_way(strangers.remove(0)).await;
    assert!(strangers.iter().all(|task| !task.is_finished()));
    let last = trickle(&world, 900).await;
    let answer = world.send(signed("evt-2", vec![b'x'; 1_000])).await;
    assert_eq!(answer.status(), StatusCode::OK);
    gave_way(strangers.remove(0)).await;
    assert!(!last.is_finished());
}

#[tokio::test]
async fn what_is_held_on_one_route_costs_the_others_nothing() {
    let stop = Arc::new(StopAt::name(RECEIVE.before));
    let limits = Limits {
        concurrent: 1,
        ..Limits::default()
    };
    let world = world_with(limits, Arc::clone(&stop) as _);
    let held = tokio::spawn(world.router.clone().oneshot(signed("a", "a")));
    stop.stopped().await;
    let answer = world.send(signed("b", "b")).await;
    assert_eq!(
        error_code(&answer),
        "busy",
        "a whole body gives way to nobody"
    );
    let other = post("/hooks/secretive/right", &[], "a");
    let other = tokio::spawn(world.router.clone().oneshot(other));
    stop.stopped().await;
    held.abort();
    other.abort();
}

#[tokio::test]
async fn a_small_body_whose_last_segment_is_late_is_taken() {
    let world = limited(|limits| {
        limits.body.window = Duration::from_millis(500);
        limits.body.least = 1_000;
    });
    let late = stream::once(async {
        // Real time: a window ends before the segment comes.
        pause(Duration::from_millis(600)).await;
        Ok::<_, std::io::Error>(Bytes::from_static(b"{}"))
    });
    let request = signed("late", Body::from_stream(late));
    assert_eq!(world.send(request).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_body_slower_than_the_minimum_rate_is_408() {
    let world = limited(|limits| {
        limits.body.window = Duration::from_millis(1);
        limits.body.least = 1;
    });
    let answer = trickle(&world, 500).await.await.expect("no panic");
    assert_eq!(answer.status(), StatusCode::REQUEST_TIMEOUT);
    assert_eq!(world.counters.of("signing", "body_too_slow"), 1);
}

/// A server on a socket.
struct Served {
    address: std::net::SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<std::io::Result<()>>,
    world: World,
}

async fn served(connections: ConnectionLimits) -> Served {
    let world = limited(|limits| limits.concurrent = 8);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (stop, stopped) = oneshot::channel();
    let log_throttle = Arc::new(LogThrottle::new(Arc::new(SystemClock)));
    let task = tokio::spawn(serve_within(
        listener,
        world.router.clone(),
        connections,
        log_throttle,
        async {
            let _ = stopped.await;
        },
    ));
    Served {
        address,
        stop: Some(stop),
        task,
        world,
    }
}

fn patient(most: usize) -> ConnectionLimits {
    ConnectionLimits {
        most,
        head: LONG,
        idle: LONG,
    }
}

impl Served {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address)
            .await
            .expect("a connection")
    }

    async fn end(mut self) {
        let stop = self.stop.take().expect("once");
        stop.send(()).expect("the server listens");
        let ended = timeout(LONG, self.task).await.expect("it ends");
        ended.expect("no panic").expect("served");
    }
}

/// Sends a genuine webhook and reads the answer's status line.
async fn genuine(socket: &mut TcpStream, id: &str) -> std::io::Result<String> {
    let request = format!(
        "POST /hooks/signing HTTP/1.1\r\nhost: t\r\nx-signature: good\r\nx-id: {id}\r\n\
         content-length: 1\r\n\r\na"
    );
    socket.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(timeout(LONG, socket.read_u8()).await.expect("an answer")?);
    }
    let answer = String::from_utf8(answer).expect("text");
    Ok(answer.lines().next().unwrap_or_default().to_owned())
}

/// Waits until the other side has closed.
async fn is_closed(socket: &mut TcpStream) -> bool {
    let mut rest = Vec::new();
    // A reset is an end, too.
    let read = timeout(LONG, socket.read_to_end(&mut rest)).await;
    read.is_ok()
}

const OK: &str = "HTTP/1.1 200 OK";

#[tokio::test]
async fn genuine_senders_are_answered_while_strangers_hold_slow_bodies_on_every_path() {
    let served = served(patient(1_000)).await;
    let mut strangers = Vec::new();
    for number in 0..120 {
        let mut socket = served.connect().await;
        let (path, headers) = match number % 2 {
            0 => ("/hooks/secretive/WRONG", ""),
            _ => ("/hooks/signing", "x-signature: bad\r\n"),
        };
        let head =
            format!("POST {path} HTTP/1.1\r\nhost: t\r\n{headers}content-length: 1000\r\n\r\nx");
        socket.write_all(head.as_bytes()).await.expect("sent");
        strangers.push(socket);
        if number % 3 == 0 {
            let mut sender = served.connect().await;
            let status = genuine(&mut sender, &format!("evt-{number}")).await;
            assert_eq!(status.expect("answered"), OK, "{number}");
        }
    }
    assert_eq!(served.world.store.state().receipts.len(), 40);
    // Those under a wrong path were answered and closed without their bodies.
    for socket in strangers.iter_mut().step_by(2) {
        let mut answer = Vec::new();
        let read = timeout(LONG, socket.read_to_end(&mut answer)).await;
        read.expect("closed").expect("answered");
        assert!(answer.starts_with(b"HTTP/1.1 404"));
    }
}

#[tokio::test]
async fn a_connection_too_many_closes_the_stranger_that_waits_longest() {
    let served = served(patient(4)).await;
    let mut sender = served.connect().await;
    assert_eq!(genuine(&mut sender, "evt-1").await.expect("answered"), OK);
    let mut first = served.connect().await;
    let mut half = served.connect().await;
    half.write_all(b"POST /hooks/sign").await.expect("sent");
    let third = served.connect().await;
    // That is four. Connections are accepted in order, so each answer says that all before are in.
    let mut another = served.connect().await;
    assert_eq!(genuine(&mut another, "evt-2").await.expect("answered"), OK);
    assert!(is_closed(&mut first).await);
    let mut one_more = served.connect().await;
    assert_eq!(genuine(&mut one_more, "evt-3").await.expect("answered"), OK);
    assert!(is_closed(&mut half).await, "half a head is no request");
    let status = genuine(&mut sender, "evt-4").await;
    assert_eq!(status.expect("a genuine sender's is kept"), OK);
    drop(third);
    served.end().await;
}

#[tokio::test]
async fn a_connection_that_brings_no_request_in_time_is_closed() {
    let soon = Duration::from_millis(20);
    let served = served(ConnectionLimits {
        head: soon,
        ..patient(10)
    })
    .await;
    let mut silent = served.connect().await;
    assert!(is_closed(&mut silent).await);
    let mut slow = served.connect().await;
    slow.write_all(b"POST /hooks/signing HTTP/1.1\r\nhost:")
        .await
        .expect("sent");
    assert!(is_closed(&mut slow).await);
}

#[tokio::test]
async fn a_kept_connection_that_brings_nothing_more_is_closed() {
    let served = served(ConnectionLimits {
        idle: Duration::from_millis(200),
        ..patient(10)
    })
    .await;
    let mut sender = served.connect().await;
    assert_eq!(genuine(&mut sender, "evt-1").await.expect("answered"), OK);
    assert!(is_closed(&mut sender).await);
}

#[tokio::test]
async fn half_a_head_and_idle_connections_do_not_hold_up_the_end() {
    let served = served(patient(10)).await;
    let mut half = served.connect().await;
    half.write_all(b"POST /hooks/signing HTTP/1.1\r\nhost:")
        .await
        .expect("sent");
    let _idle = served.connect().await;
    let mut sender = served.connect().await;
    assert_eq!(genuine(&mut sender, "evt-1").await.expect("answered"), OK);
    served.end().await;
}

#[tokio::test]
async fn a_head_that_is_too_long_is_refused() {
    let served = served(patient(10)).await;
    let mut socket = served.connect().await;
    let head = format!(
        "POST /hooks/signing HTTP/1.1\r\nhost: t\r\nx: {}\r\n\r\n",
        "x".repeat(20_000)
    );
    let _ = socket.write_all(head.as_bytes()).await;
    let mut answer = [0; 12];
    socket.read_exact(&mut answer).await.expect("an answer");
    assert_eq!(&answer, b"HTTP/1.1 431");
}

#[test]
fn there_is_room_for_as_many_connections_as_the_system_allows_and_no_more() {
    assert_eq!(room_for(16), 16);
    let most = room_for(usize::MAX);
    assert!(most >= 16);
    assert_eq!(room_for(most), most, "the limit was raised once");
}
