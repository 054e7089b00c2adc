//! Starting, running and ending the process in order.
//!
//! ```text
//! running ──signal, end of a task──▶ draining ──all tasks ended──────────────▶ closing ──▶ exit
//!                                       └──second signal, limit──▶ cut ──▶ ...──┘
//! ```
//!
//! - *draining*: tasks take no new work. The HTTP server accepts no connection and answers what
//!   it has; a worker claims nothing and finishes what it runs.
//! - *cut*: tasks drop what they are doing and hand back their leases. What is dropped between an
//!   intent and its outcome is *unclear*, and is probed after the next start. That is a good end: a
//!   vendor that hangs must not make a failure of every restart.
//! - *closing*: the closers run, last added first. The store is opened first, so it is closed
//!   last, when nobody can need it any more.
//!
//! Guarantees: a task that fails or panics ends the process with a failure, because a relay that
//! answers webhooks and works on none is worse than one that is restarted. A task that ends
//! before it was asked to counts as failed. No task outlives [`Lifecycle::run`].
//!
//! Not guaranteed: that draining ends by itself; every phase has a limit in real time.
//!
//! | signal | what it does |
//! |---|---|
//! | TERM, INT, QUIT, USR1, USR2, ALRM, VTALRM, PROF, IO, XCPU, STKFLT, PWR | the first drains, the second cuts |
//! | HUP | nothing, and a log line: there is nothing to read again, and a terminal that was closed must not end a service |
//! | XFSZ | nothing, and a log line: a file that may not grow is an error of the write |
//! | PIPE | nothing: a reader that is gone is an error of the write |
//! | ILL, TRAP, ABRT, BUS, FPE, SEGV, SYS | what the system says: the program itself is broken |
//! | KILL, STOP, those of real time | what the system says; what was committed is kept, and leases end by themselves |

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::process::ExitCode;
use std::time::Duration;

use rustix::process::Signal;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::timeout;

/// After so many tasks each thread looks whether something came from outside. Every answer of the
/// database does: it comes from the thread of a connection. By its own rule the scheduler may first
/// run what it has for 200 µs, and the writer, for whom all wait, would stand behind that.
const LOOK_OUTSIDE_EVERY: u32 = 4;

/// What everything runs on: a thread per processor.
pub fn runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .global_queue_interval(LOOK_OUTSIDE_EVERY)
        .build()
}

/// Waits for a while in real time, where nothing else can wake: another process may have queued
/// work, a person is watching.
pub async fn pause(wait: Duration) {
    // A timeout on a future that never ends: a sleep that a `select!` may end early.
    let _ = timeout(wait, std::future::pending::<()>()).await;
}

/// How far the end has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Take work and do it.
    Running,
    /// Take no new work; finish what is begun.
    Draining,
    /// Drop what is begun, hand back, return.
    Cut,
}

/// Tells a task when to end. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Stop(watch::Receiver<Phase>);

impl Stop {
    /// The present phase.
    pub fn phase(&self) -> Phase {
        *self.0.borrow()
    }

    /// Completes when no new work is to be taken.
    pub async fn draining(&self) {
        self.reached(Phase::Draining).await;
    }

    /// Completes when even work begun is to be dropped.
    pub async fn cut(&self) {
        self.reached(Phase::Cut).await;
    }

    async fn reached(&self, phase: Phase) {
        // An error means that the lifecycle is gone, and then everything is to end.
        let _ = self.0.clone().wait_for(|now| *now >= phase).await;
    }
}

/// Signals that ask the process to end.
#[derive(Debug)]
pub struct Signals(mpsc::UnboundedReceiver<&'static str>);

/// The kinds that ask the process to end, with the names that are logged.
fn ending() -> [(SignalKind, &'static str); 12] {
    let raw = |signal: Signal| SignalKind::from_raw(signal.as_raw());
    [
        (SignalKind::interrupt(), "interrupt"),
        (SignalKind::terminate(), "terminate"),
        (SignalKind::quit(), "quit"),
        (SignalKind::user_defined1(), "user 1"),
        (SignalKind::user_defined2(), "user 2"),
        (SignalKind::alarm(), "alarm"),
        (raw(Signal::VTALARM), "virtual alarm"),
        (raw(Signal::PROF), "profiling timer"),
        (SignalKind::io(), "input or output"),
        (raw(Signal::XCPU), "time of the processor"),
        (raw(Signal::STKFLT), "fault of a stack"),
        (raw(Signal::POWER), "power"),
    ]
}

/// The kinds that would end a process that does not care for them, and end nothing here.
fn harmless() -> [(SignalKind, &'static str); 2] {
    [
        (
            SignalKind::hangup(),
            "hangup: there is nothing to read again; restart to change the configuration",
        ),
        (
            SignalKind::from_raw(Signal::XFSZ.as_raw()),
            "a file has reached the size that the system allows",
        ),
    ]
}

impl Signals {
    /// Those of the operating system. From now on none of them kills the process.
    pub fn of_process() -> io::Result<Self> {
        let (sender, receiver) = mpsc::unbounded_channel();
        for (kind, name) in ending() {
            let mut source = signal(kind)?;
            let sender = sender.clone();
            tokio::spawn(async move {
                while source.recv().await.is_some() && sender.send(name).is_ok() {}
            });
        }
        for (kind, what) in harmless() {
            let mut source = signal(kind)?;
            tokio::spawn(async move {
                // Once: the file that may not grow can be the log, and each line would be the next
                // signal.
                if source.recv().await.is_some() {
                    tracing::warn!("{what}; told once");
                }
                while source.recv().await.is_some() {}
            });
        }
        Ok(Self(receiver))
    }

    /// Those that a test sends.
    pub fn from_channel(receiver: mpsc::UnboundedReceiver<&'static str>) -> Self {
        Self(receiver)
    }

    /// The next one.
    pub async fn next(&mut self) -> &'static str {
        match self.0.recv().await {
            Some(name) => name,
            None => std::future::pending().await,
        }
    }
}

/// How the process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// As it should, cut or not.
    Well,
    /// A task failed or did not return after the cut, or a closer did not close.
    Badly,
}

impl From<Ended> for ExitCode {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Well => Self::SUCCESS,
            Ended::Badly => Self::FAILURE,
        }
    }
}

/// Limits of the end, real time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// How long draining may take; then it is cut.
    pub drain: Duration,
    /// How long tasks may take to hand back after the cut; then they are dropped.
    pub cut: Duration,
    /// How long each closer may take.
    pub close: Duration,
}

impl Default for Patience {
    /// Ten seconds, three, ten: under the thirty that supervisors usually wait. Most calls to a
    /// vendor end within ten; a database with a long log takes some seconds to be put away.
    fn default() -> Self {
        Self {
            drain: Duration::from_secs(10),
            cut: Duration::from_secs(3),
            close: Duration::from_secs(10),
        }
    }
}

/// Whether a task may end by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// Its end before draining is a failure.
    Service,
    /// Its end is the end of the process.
    Main,
}

type Failure = Box<dyn std::error::Error + Send + Sync>;
type Closer = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>>;

/// Owns every long-running task.
pub struct Lifecycle {
    phase: watch::Sender<Phase>,
    tasks: JoinSet<Result<(), Failure>>,
    names: Vec<(Id, &'static str, Role)>,
    closers: Vec<(&'static str, Closer)>,
    patience: Patience,
    ended: Ended,
}

impl fmt::Debug for Lifecycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lifecycle")
            .field("tasks", &self.tasks.len())
            .field("closers", &self.closers.len())
            .finish_non_exhaustive()
    }
}

impl Lifecycle {
    /// With no task yet.
    pub fn new(patience: Patience) -> Self {
        Self {
            phase: watch::Sender::new(Phase::Running),
            tasks: JoinSet::new(),
            names: Vec::new(),
            closers: Vec::new(),
            patience,
            ended: Ended::Well,
        }
    }

    /// What tells a task when to end.
    pub fn stop(&self) -> Stop {
        Stop(self.phase.subscribe())
    }

    /// Runs a task that must not end before [`Stop::draining`].
    pub fn service<F, T>(&mut self, name: &'static str, task: F)
    where
        F: FnOnce(Stop) -> T,
        T: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        self.spawn(name, Role::Service, task);
    }

    /// Runs a task whose end is the end of the process: well if it returns `Ok`.
    pub fn main<F, T>(&mut self, name: &'static str, task: F)
    where
        F: FnOnce(Stop) -> T,
        T: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        self.spawn(name, Role::Main, task);
    }

    fn spawn<F, T>(&mut self, name: &'static str, role: Role, task: F)
    where
        F: FnOnce(Stop) -> T,
        T: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        let handle = self.tasks.spawn(task(self.stop()));
        self.names.push((handle.id(), name, role));
    }

    /// Adds what runs after every task has ended; the last added runs first.
    pub fn closer(
        &mut self,
        name: &'static str,
        closer: impl Future<Output = Result<(), Failure>> + Send + 'static,
    ) {
        self.closers.push((name, Box::pin(closer)));
    }

    /// Runs until a signal or a task ends it, then ends everything in order.
    pub async fn run(mut self, mut signals: Signals) -> Ended {
        self.running(&mut signals).await;
        self.phase.send_replace(Phase::Draining);
        self.draining(&mut signals).await;
        for (name, closer) in std::mem::take(&mut self.closers).into_iter().rev() {
            if close(name, closer, self.patience.close).await == Ended::Badly {
                self.ended = Ended::Badly;
            }
        }
        self.ended
    }

    async fn running(&mut self, signals: &mut Signals) {
        tokio::select! {
            name = signals.next() => tracing::info!(signal = name, "taking no new work"),
            Some(result) = self.tasks.join_next_with_id() => self.judge(result, true),
        }
    }

    async fn draining(&mut self, signals: &mut Signals) {
        let drain = self.patience.drain;
        let drained = tokio::select! {
            drained = timeout(drain, self.join_all()) => drained.is_ok(),
            name = signals.next() => {
                tracing::warn!(signal = name, "asked again");
                false
            }
        };
        if drained {
            return;
        }
        tracing::warn!(
            tasks = self.tasks.len(),
            "cutting off what is still running"
        );
        self.phase.send_replace(Phase::Cut);
        if timeout(self.patience.cut, self.join_all()).await.is_err() {
            tracing::error!(
                tasks = self.tasks.len(),
                "dropping tasks that did not return"
            );
            self.tasks.shutdown().await;
            self.ended = Ended::Badly;
        }
    }

    async fn join_all(&mut self) {
        while let Some(result) = self.tasks.join_next_with_id().await {
            self.judge(result, false);
        }
    }

    /// What the end of a task means for the end of the process.
    fn judge(&mut self, result: Result<(Id, Result<(), Failure>), JoinError>, early: bool) {
        let id = match &result {
            Ok((id, _)) => *id,
            Err(error) => error.id(),
        };
        let task = self.names.iter().find(|(known, ..)| *known == id);
        let (name, role) = task.map_or(("task", Role::Service), |(_, name, role)| (*name, *role));
        match result {
            Ok((_, Ok(()))) if early && role == Role::Service => {
                tracing::error!(task = name, "ended although nobody asked it to");
            }
            Ok((_, Ok(()))) => return,
            Ok((_, Err(error))) => tracing::error!(task = name, %error, "failed"),
            // The panic's text is not logged: it may quote anything.
            Err(_) => tracing::error!(task = name, "crashed"),
        }
        self.ended = Ended::Badly;
    }
}

async fn close(name: &'static str, closer: Closer, limit: Duration) -> Ended {
    match timeout(limit, closer).await {
        Ok(Ok(())) => Ended::Well,
        Ok(Err(error)) => {
            tracing::error!(closer = name, %error, "could not close");
            Ended::Badly
        }
        Err(_) => {
            tracing::error!(closer = name, "did not close in time");
            Ended::Badly
        }
    }
}
