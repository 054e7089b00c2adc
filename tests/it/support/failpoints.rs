//! Failpoints that stop a task forever and tell that they were reached, and one at which
//! something happens.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use clear_relay::failpoint::Failpoints;
use futures_util::future::BoxFuture;
use tokio::sync::Notify;

/// Stops at one name; remembers all.
#[derive(Debug, Default)]
pub(crate) struct StopAt {
    name: Option<&'static str>,
    /// Passes until it is armed.
    unarmed: AtomicBool,
    reached: Mutex<Vec<&'static str>>,
    stopped: Notify,
}

impl StopAt {
    /// Stops forever at `name`.
    pub(crate) fn name(name: &'static str) -> Self {
        Self {
            name: Some(name),
            ..Self::default()
        }
    }

    /// Stops forever at `name`, once it is armed.
    pub(crate) fn unarmed(name: &'static str) -> Self {
        Self {
            unarmed: AtomicBool::new(true),
            ..Self::name(name)
        }
    }

    pub(crate) fn arm(&self) {
        self.unarmed.store(false, Ordering::SeqCst);
    }

    /// Every name reached so far.
    pub(crate) fn reached(&self) -> Vec<&'static str> {
        self.reached
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Completes once a task has stopped.
    pub(crate) async fn stopped(&self) {
        self.stopped.notified().await;
    }
}

#[async_trait]
impl Failpoints for StopAt {
    async fn reach(&self, name: &'static str) {
        self.reached
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(name);
        if self.name == Some(name) && !self.unarmed.load(Ordering::SeqCst) {
            self.stopped.notify_one();
            std::future::pending::<()>().await;
        }
    }
}

/// Lets something happen at one place, the first time it is passed.
pub(crate) struct Meanwhile {
    name: &'static str,
    act: Mutex<Option<BoxFuture<'static, ()>>>,
}

impl std::fmt::Debug for Meanwhile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Meanwhile")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Meanwhile {
    /// At `name`, `act` happens.
    pub(crate) fn at(name: &'static str, act: impl Future<Output = ()> + Send + 'static) -> Self {
        Self {
            name,
            act: Mutex::new(Some(Box::pin(act))),
        }
    }

    /// Whether it has happened.
    pub(crate) fn happened(&self) -> bool {
        self.act
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_none()
    }
}

#[async_trait]
impl Failpoints for Meanwhile {
    async fn reach(&self, name: &'static str) {
        if self.name != name {
            return;
        }
        let act = self
            .act
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(act) = act {
            act.await;
        }
    }
}
