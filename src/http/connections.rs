//! Connections: who may hold one, and for how long.
//!
//! People: *senders*, who keep a connection or open one for each webhook, mostly through a proxy, so
//! that all of them have one address; *strangers*, who open as many as they can and send nothing,
//! half a head, or a byte now and then.
//!
//! Rules:
//! - There are at most [`ConnectionLimits::most`] connections, below what the system grants in open
//!   files. When one more comes, the one that has waited longest outside a request is closed, and
//!   those that never brought a genuine webhook go first. No address is counted: behind a proxy it is
//!   the proxy's.
//! - The first head must be whole within [`ConnectionLimits::head`]; a later one, waiting included,
//!   within [`ConnectionLimits::idle`]. That is longer than the 60 seconds for which a usual proxy
//!   keeps a connection: it must be the proxy that closes, or it may lose a request.
//! - A head has at most [`HEAD`] bytes.
//! - At the end no connection is accepted, requests under way are answered, and what is not in a
//!   request is closed: half a head is a request that nobody has acknowledged.
//!
//! Guarantee: no failed accept ends the server. Too many open files (other parts of the process need
//! some) closes the connection that waited longest, and is logged.

use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tower::ServiceExt as _;

use crate::lifecycle::pause;
use crate::telemetry::LogThrottle;

/// The most bytes of a head, and of what is read ahead of a body, for each connection.
pub const HEAD: usize = 16 * 1024;

/// How long the last answers may take to get out once the server ends, real time. An answer is
/// written at once; this is for a peer that reads slowly.
const LINGER: Duration = Duration::from_secs(1);

/// How long to wait before accepting again where the system refuses, real time.
const BREATH: Duration = Duration::from_millis(50);

/// How many connections, and how long. Real time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// At once.
    pub most: usize,
    /// From the connection to the end of the first head.
    pub head: Duration,
    /// From the end of an answer to the end of the next head.
    pub idle: Duration,
}

impl Default for ConnectionLimits {
    /// A thousand; ten seconds, as for a body; 75 seconds, as the server that most proxies are
    /// configured for.
    fn default() -> Self {
        Self {
            most: 1_000,
            head: Duration::from_secs(10),
            idle: Duration::from_secs(75),
        }
    }
}

/// Marks the answer to a genuine webhook: its connection is the last to be closed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Genuine;

/// Puts `router` on a socket until `stop` completes and the requests under way are answered. The
/// caller limits how long that may take, by dropping this.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: ConnectionLimits,
    log_throttle: Arc<LogThrottle>,
    stop: impl Future<Output = ()> + Send,
) -> io::Result<()> {
    let server = Server {
        router,
        limits,
        builder: builder(limits),
        open: Arc::default(),
        ending: watch::Sender::new(false),
    };
    let mut tasks = JoinSet::new();
    tokio::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            Some(_) = tasks.join_next(), if !tasks.is_empty() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => server.take(stream, &mut tasks, &log_throttle),
                Err(error) => server.not_accepted(&error, &log_throttle).await,
            }
        }
    }
    drop(listener);
    server.ending.send_replace(true);
    while tasks.join_next().await.is_some() {}
    Ok(())
}

fn builder(limits: ConnectionLimits) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(limits.idle)
        .max_buf_size(HEAD);
    builder
}

struct Server {
    router: Router,
    limits: ConnectionLimits,
    builder: http1::Builder,
    open: Arc<Open>,
    ending: watch::Sender<bool>,
}

impl Server {
    fn take(&self, stream: TcpStream, tasks: &mut JoinSet<()>, log_throttle: &LogThrottle) {
        if self.open.count() >= self.limits.most {
            if let Some(unsaid) = log_throttle.admit(("http", "connections")) {
                let most = self.limits.most;
                tracing::warn!(
                    most,
                    unsaid,
                    "as many connections as there may be; closing those that wait longest"
                );
            }
            if !self.open.close_the_longest_waiting() {
                return;
            }
        }
        let connection = Connection {
            entry: Arc::new(self.open.add()),
            router: self.router.clone(),
            head: self.limits.head,
            ending: self.ending.subscribe(),
        };
        tasks.spawn(connection.run(stream, self.builder.clone()));
    }

    async fn not_accepted(&self, error: &io::Error, log_throttle: &LogThrottle) {
        use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
        if matches!(
            error.kind(),
            ConnectionAborted | ConnectionRefused | ConnectionReset
        ) {
            return;
        }
        self.open.close_the_longest_waiting();
        if let Some(unsaid) = log_throttle.admit(("http", "accept")) {
            tracing::error!(%error, unsaid, "a connection can't be accepted");
        }
        pause(BREATH).await;
    }
}

/// The connections there are.
#[derive(Debug, Default)]
struct Open(Mutex<Connections>);

#[derive(Debug, Default)]
struct Connections {
    next: u64,
    known: HashMap<u64, KnownConnection>,
    /// Those outside a request, in the order in which they are closed.
    waiting: BTreeMap<Turn, (u64, Arc<Notify>)>,
}

/// Who is closed first: (whether it brought a genuine webhook, since when it waits).
type Turn = (bool, u64);

/// What is known of a connection.
#[derive(Debug, Clone, Copy, Default)]
struct KnownConnection {
    /// Whether it has brought a request.
    begun: bool,
    /// Whether it has brought a genuine webhook.
    genuine: bool,
    /// Its turn while it waits; `None` in a request.
    turn: Option<Turn>,
}

impl Connections {
    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn change(&mut self, id: u64, close: &Arc<Notify>, change: impl FnOnce(&mut KnownConnection)) {
        let number = self.number();
        // One that was closed is not known any more.
        let Some(known) = self.known.get_mut(&id) else {
            return;
        };
        if let Some(turn) = known.turn.take() {
            self.waiting.remove(&turn);
        }
        known.turn = Some((known.genuine, number));
        change(known);
        if let Some(turn) = &mut known.turn {
            turn.0 = known.genuine;
            self.waiting.insert(*turn, (id, Arc::clone(close)));
        }
    }
}

impl Open {
    fn lock(&self) -> MutexGuard<'_, Connections> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self) -> usize {
        self.lock().known.len()
    }

    /// Closes the connection whose turn it is; `false` if all are in a request.
    fn close_the_longest_waiting(&self) -> bool {
        let mut connections = self.lock();
        let Some((_, (id, close))) = connections.waiting.pop_first() else {
            return false;
        };
        connections.known.remove(&id);
        close.notify_one();
        true
    }

    fn add(self: &Arc<Self>) -> Entry {
        let mut connections = self.lock();
        let entry = Entry {
            id: connections.number(),
            close: Arc::new(Notify::new()),
            open: Arc::clone(self),
        };
        connections
            .known
            .insert(entry.id, KnownConnection::default());
        connections.change(entry.id, &entry.close, |_| {});
        entry
    }
}

/// A connection's place among the others.
#[derive(Debug)]
struct Entry {
    id: u64,
    /// Rung when it is to be closed.
    close: Arc<Notify>,
    open: Arc<Open>,
}

impl Entry {
    fn begin(&self) {
        self.open.lock().change(self.id, &self.close, |known| {
            known.begun = true;
            known.turn = None;
        });
    }

    fn end(&self, genuine: bool) {
        self.open.lock().change(self.id, &self.close, |known| {
            known.genuine |= genuine;
        });
    }

    fn known(&self) -> KnownConnection {
        let connections = self.open.lock();
        connections.known.get(&self.id).copied().unwrap_or_default()
    }

    fn is_in_request(&self) -> bool {
        let connections = self.open.lock();
        let known = connections.known.get(&self.id);
        known.is_some_and(|known| known.turn.is_none())
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut connections = self.open.lock();
        let known = connections.known.remove(&self.id);
        if let Some(turn) = known.and_then(|known| known.turn) {
            connections.waiting.remove(&turn);
        }
    }
}

/// One connection, from its beginning to its end.
struct Connection {
    entry: Arc<Entry>,
    router: Router,
    head: Duration,
    ending: watch::Receiver<bool>,
}

impl Connection {
    async fn run(self, stream: TcpStream, builder: http1::Builder) {
        let Self {
            entry,
            router,
            head,
            mut ending,
        } = self;
        // It only makes small answers slower where it can't be set.
        let _ = stream.set_nodelay(true);
        let of_requests = Arc::clone(&entry);
        let service = service_fn(move |request: Request<Incoming>| {
            let (router, entry) = (router.clone(), Arc::clone(&of_requests));
            async move {
                entry.begin();
                let Ok(response) = router.oneshot(request.map(Body::new)).await;
                entry.end(response.extensions().get::<Genuine>().is_some());
                Ok::<_, Infallible>(response)
            }
        });
        let connection = builder.serve_connection(TokioIo::new(stream), service);
        tokio::pin!(connection);
        let first_head = pause(head);
        tokio::pin!(first_head);
        let (mut is_first, mut is_ending) = (true, false);
        loop {
            tokio::select! {
                biased;
                // How it broke is its peer's affair.
                _ = connection.as_mut() => return,
                () = entry.close.notified() => return,
                () = &mut first_head, if is_first => {
                    is_first = false;
                    if !entry.known().begun {
                        return;
                    }
                }
                () = ended(&mut ending), if !is_ending => {
                    is_ending = true;
                    connection.as_mut().graceful_shutdown();
                }
                () = pause(LINGER), if is_ending => {
                    if !entry.is_in_request() {
                        return;
                    }
                }
            }
        }
    }
}

async fn ended(ending: &mut watch::Receiver<bool>) {
    // An error means that the server is gone, and then everything is to end.
    let _ = ending.wait_for(|ending| *ending).await;
}
