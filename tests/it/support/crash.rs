//! Failpoints at which a relay dies, and the doorstep where its senders notice.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use clear_relay::failpoint::Failpoints;
use http::StatusCode;
use relay_disk_recorder::Recorder;
use relay_http_client::{Answer, Call, RouterTransport, Transport, TransportError};
use tokio::sync::watch;

/// Where a life of the relay ends: at the `hit`th time (from 1) that `name` is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Death {
    pub(crate) name: &'static str,
    pub(crate) hit: u64,
}

/// Counts the places that one life passes, and ends that life at one of them, or at the first one after
/// the power has failed.
#[derive(Debug)]
pub(crate) struct Life {
    death: Option<Death>,
    disk: Option<Arc<Recorder>>,
    passed: Mutex<BTreeMap<&'static str, u64>>,
    dead: watch::Sender<bool>,
}

impl Life {
    pub(crate) fn new(death: Option<Death>) -> Arc<Self> {
        Self::on(None, death)
    }

    /// One that ends when the disk has failed.
    pub(crate) fn powered(disk: Arc<Recorder>) -> Arc<Self> {
        Self::on(Some(disk), None)
    }

    fn on(disk: Option<Arc<Recorder>>, death: Option<Death>) -> Arc<Self> {
        Arc::new(Self {
            death,
            disk,
            passed: Mutex::default(),
            dead: watch::Sender::new(false),
        })
    }

    /// How often each place was passed.
    pub(crate) fn passed(&self) -> BTreeMap<&'static str, u64> {
        lock(&self.passed).clone()
    }

    /// What the relay did since the power failed, nobody has seen: so this is asked before anything of it
    /// is.
    pub(crate) fn is_over(&self) -> bool {
        if self.disk.as_ref().is_some_and(|disk| disk.is_cut()) {
            self.dead.send_replace(true);
        }
        *self.dead.borrow()
    }

    /// Completes once this life has ended.
    pub(crate) async fn ended(&self) {
        let mut dead = self.dead.subscribe();
        let waited = dead.wait_for(|dead| *dead).await.is_ok();
        assert!(waited, "the sender lives as long as `self`");
    }
}

#[async_trait]
impl Failpoints for Life {
    async fn reach(&self, name: &'static str) {
        let hit = {
            let mut passed = lock(&self.passed);
            let count = passed.entry(name).or_insert(0);
            *count += 1;
            *count
        };
        if self.death == Some(Death { name, hit }) {
            self.dead.send_replace(true);
        }
        if self.is_over() {
            std::future::pending::<()>().await;
        }
    }
}

/// A delivery, as its sender saw it.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    pub(crate) body: Bytes,
    /// What it was answered; `None` if it was cut off.
    pub(crate) answer: Option<StatusCode>,
}

/// The way to the relay's routes: cut when the relay dies, and all that came is written down.
#[derive(Debug)]
pub(crate) struct Doorstep {
    inner: RouterTransport,
    life: Mutex<Arc<Life>>,
    deliveries: Mutex<Vec<Delivery>>,
}

impl Doorstep {
    pub(crate) fn new(inner: RouterTransport, life: Arc<Life>) -> Arc<Self> {
        Arc::new(Self {
            inner,
            life: Mutex::new(life),
            deliveries: Mutex::default(),
        })
    }

    /// The relay lives again.
    pub(crate) fn next_life(&self, life: Arc<Life>) {
        *lock(&self.life) = life;
    }

    pub(crate) fn deliveries(&self) -> Vec<Delivery> {
        lock(&self.deliveries).clone()
    }
}

#[async_trait]
impl Transport for Doorstep {
    async fn send(&self, call: Call) -> Result<Answer, TransportError> {
        let life = Arc::clone(&lock(&self.life));
        let body = call.body.clone();
        let answer = tokio::select! {
            biased;
            () = life.ended() => Err(TransportError::Cut),
            answer = self.inner.send(call) => answer,
        };
        let answer = if life.is_over() {
            Err(TransportError::Cut)
        } else {
            answer
        };
        lock(&self.deliveries).push(Delivery {
            body,
            answer: answer.as_ref().ok().map(|answer| answer.status),
        });
        answer
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
