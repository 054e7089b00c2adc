//! The engine: what turns stored events into effects.
//!
//! People of this story: the *intake* reads stored receipts; the *stepper* runs pure steps and
//! stores what they want; the *worker* claims due jobs, one per client at a time; the *rescuer*
//! takes back the jobs of a worker that died; *commands* are what people do.
//!
//! ```text
//! receipts ──intake──▶ facts ──stepper──▶ one batch: case, timeline, effects, jobs, work items
//!                                ▲                                  │
//!         timers, reads, effects └────────── worker ◀───────────────┘
//! ```
//!
//! Rules:
//! - Nothing is decided on what was not stored first, and nothing is stored half: every arrow
//!   above is one [`Batch`].
//! - A decision names the version of the case it was made on. If the case has moved, the batch is
//!   refused and the decision is made again on what is there now.
//! - A worker's batch names its fence. One that lost its lease changes nothing.
//!
//! Not guaranteed: order between clients. Within a client, work runs one at a time.

pub(crate) mod admission;
mod case_jobs;
pub mod clock;
pub mod commands;
pub(crate) mod conversation;
mod damage;
pub mod dispatcher;
mod drift;
pub mod dry_run;
pub mod error;
mod held_back;
pub(crate) mod hints;
pub mod hook_watch;
mod intake;
pub mod invariants;
pub(crate) mod items;
pub mod jobs;
pub mod memory;
mod mend;
mod open;
pub(crate) mod opening;
pub(crate) mod presence;
pub mod registry;
pub mod repin;
pub mod replay;
mod settling;
pub mod stepper;
mod wake;
mod watch;
mod words;

use std::sync::Arc;

use relay_core::calendar::Calendar;
use relay_core::random::Random;
use relay_core::retry::{ProbeSchedule, RetryPolicy};
use relay_core::time::{Clocks, SignedDuration, Timestamp};
use relay_store::{Batch, Committed, Store};
use tokio::sync::Notify;

use crate::effects::Perform;
use crate::failpoint::{Failpoints, Point};
use crate::ports::Ports;
use crate::rate_limit::RateLimiter;
use crate::receipts::Source;

pub use damage::meaning;
pub(crate) use damage::{damage_key, setting_or_none};
pub use error::EngineError;
pub(crate) use hints::stopped_key;
pub(crate) use jobs::chain;
pub(crate) use jobs::kinds::JobKind;
pub use registry::ProcedureRegistry;
pub use stepper::Stepping;

/// Who settles, closes and sets aside where no person does.
pub(crate) const RELAY: &str = "relay";

/// Who is who among the staff, for owners of work items.
#[derive(Debug, Clone)]
pub struct People {
    /// The role that broken connections and dead jobs go to.
    pub admin: String,
    /// The role that approves.
    pub program_manager: String,
}

impl Default for People {
    fn default() -> Self {
        Self {
            admin: "admin".to_owned(),
            program_manager: "program_manager".to_owned(),
        }
    }
}

/// Everything the engine needs, put together by `wiring`.
#[derive(Debug, Clone)]
pub struct Parts {
    /// The database.
    pub store: Arc<dyn Store>,
    /// The world.
    pub ports: Ports,
    /// What carries effects out. Made from `ports`, except where a test or the demo stands in.
    pub perform: Arc<dyn Perform>,
    /// How much each vendor may be asked.
    pub limiter: Arc<RateLimiter>,
    /// The procedures.
    pub book: Arc<ProcedureRegistry>,
    /// The senders of webhooks.
    pub sources: Vec<Arc<dyn Source>>,
    /// The clinic's days and hours.
    pub calendar: Calendar,
    /// The two clocks.
    pub clocks: Clocks,
    /// Ids and jitter.
    pub random: Arc<dyn Random>,
    /// Who is who.
    pub people: People,
    /// When to try again.
    pub retry: RetryPolicy,
    /// How long a message waits after one of another case to the same client (E66).
    pub contact_gap: SignedDuration,
    /// When to look after an unclear outcome.
    pub probes: ProbeSchedule,
    /// Told of every place the flow passes.
    pub failpoints: Arc<dyn Failpoints>,
    /// Rung whenever there is new work.
    pub wake: Arc<Notify>,
    /// The name this process leases under.
    pub worker: String,
    /// How many seconds of procedure time pass in one real second; 1 except in a sandbox.
    pub time_scale: u32,
    /// How often it is looked who has opened or clicked; `None`: never.
    pub poll_opens: Option<SignedDuration>,
}

/// The engine. Cheap to clone; every clone works on the same store.
#[derive(Debug, Clone)]
pub struct Engine {
    parts: Arc<Parts>,
    latest: Arc<wake::Latest>,
    counter: memory::Counter,
}

impl std::ops::Deref for Engine {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.parts
    }
}

impl Engine {
    /// An engine made of `parts`.
    pub fn new(parts: Parts) -> Self {
        Self {
            parts: Arc::new(parts),
            latest: Arc::default(),
            counter: memory::Counter::default(),
        }
    }

    /// The same, counting the generations of its database with `file` (see [`memory`]).
    #[must_use]
    pub fn counted_with(self, file: Arc<dyn memory::GenerationFile>) -> Self {
        Self {
            counter: memory::Counter::with(file),
            ..self
        }
    }

    /// Finds out whether the database is as new as it should be, and stores what must be there before
    /// the first receipt is read: the procedures in force, since when they are switched on, and the
    /// periodic jobs. No row that can't be read keeps it from that.
    pub async fn prepare(&self) -> Result<(), EngineError> {
        self.look_at_own_rows().await?;
        self.examine_memory().await?;
        let mut ops = self.book.ops_at_start(self.now());
        ops.extend(self.periodic_jobs());
        ops.extend(self.reconcile_at_start().await?);
        self.bring_back().await?;
        // A path that was closed because its secret had leaked stays closed over a restart.
        self.ports.hooks.prepare().await?;
        self.store.commit(ops.into()).await?;
        // From now on nobody waits for these rows, whatever becomes of them.
        for workflow in self.book.current() {
            let store = self.store.as_ref();
            self.book.switched_on(store, workflow.as_ref()).await?;
        }
        Ok(())
    }

    /// Procedure time.
    pub fn now(&self) -> Timestamp {
        self.clocks.procedure.now()
    }

    /// Commits a batch between the two places of `point`.
    pub(crate) async fn commit(
        &self,
        point: Point,
        batch: impl Into<Batch>,
    ) -> Result<Committed, EngineError> {
        self.failpoints.reach(point.before).await;
        let committed = self.store.commit(batch.into()).await?;
        self.failpoints.reach(point.after).await;
        Ok(committed)
    }

    /// Awaits a call to a vendor between the two places of `point`.
    pub(crate) async fn call<T>(&self, point: Point, call: impl Future<Output = T>) -> T {
        self.failpoints.reach(point.before).await;
        let answer = call.await;
        self.failpoints.reach(point.after).await;
        answer
    }
}
