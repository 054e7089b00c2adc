//! Checkpoints that stop a task for ever, and tell that they were reached.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use clear_relay::checkpoint::Checkpoints;
use tokio::sync::Notify;

/// Stops at one name; remembers all.
#[derive(Debug, Default)]
pub(crate) struct StopAt {
    name: Option<&'static str>,
    reached: Mutex<Vec<&'static str>>,
    stopped: Notify,
}

impl StopAt {
    /// Stops for ever at `name`.
    pub(crate) fn name(name: &'static str) -> Self {
        Self {
            name: Some(name),
            ..Self::default()
        }
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
impl Checkpoints for StopAt {
    async fn reach(&self, name: &'static str) {
        self.reached
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(name);
        if self.name == Some(name) {
            self.stopped.notify_one();
            std::future::pending::<()>().await;
        }
    }
}
