//! What a serving relay looks at by itself, whether or not anybody asks.
//!
//! For whoever reads the log to find out why nothing happens.
//!
//! | every | what | the log says |
//! |---|---|---|
//! | second | the files of the database | which one is not ours any more (the store tells, once) |
//! | five seconds | `stop` | that outreach is stopped, at the start and when it changes |
//! | five seconds | [`LogThrottle`] | how many lines a flood left unsaid |
//!
//! Nothing here ends the process: what can't be looked at now is looked at again.

use std::sync::Arc;
use std::time::Duration;

use relay_store::Store;

use crate::engine::outreach::stopped_since;
use crate::lifecycle::{Stop, pause};
use crate::telemetry::LogThrottle;

/// Between two looks at the files, real time.
const EVERY: Duration = Duration::from_secs(1);

/// One look in so many is at everything.
const AT_ALL: u32 = 5;

/// What is looked at.
#[derive(Debug)]
pub struct SelfCheck {
    store: Arc<dyn Store>,
    log_throttle: Arc<LogThrottle>,
    looks: u32,
    /// Whether outreach was stopped when it was looked at last.
    was_stopped: bool,
}

impl SelfCheck {
    /// Nothing is looked at yet.
    pub fn new(store: Arc<dyn Store>, log_throttle: Arc<LogThrottle>) -> Self {
        Self {
            store,
            log_throttle,
            looks: 0,
            was_stopped: false,
        }
    }

    /// Looks until it is told to stop.
    pub async fn run(mut self, stop: Stop) {
        loop {
            // A disk that does not answer must not hold up the end.
            tokio::select! {
                () = self.look() => {}
                () = stop.draining() => return,
            }
            tokio::select! {
                () = pause(EVERY) => {}
                () = stop.draining() => return,
            }
        }
    }

    /// One look.
    pub async fn look(&mut self) {
        // The store writes the line, and refuses to write anything else.
        let _ = self.store.check_file().await;
        if self.looks.is_multiple_of(AT_ALL) {
            self.look_at_outreach().await;
            for ((part, what), unsaid) in self.log_throttle.left() {
                tracing::warn!(part, what, unsaid, "lines that were not written one by one");
            }
        }
        self.looks = self.looks.wrapping_add(1);
    }

    async fn look_at_outreach(&mut self) {
        // Whoever needs the database more than this writes that it can't be read.
        let Ok(since) = stopped_since(&*self.store).await else {
            return;
        };
        match since {
            Some(since) if !self.was_stopped => tracing::warn!(
                %since,
                "outreach is stopped: nothing goes out to clients until `clear-relay resume --by NAME`"
            ),
            None if self.was_stopped => tracing::warn!("outreach goes on"),
            _ => {}
        }
        self.was_stopped = since.is_some();
    }
}
