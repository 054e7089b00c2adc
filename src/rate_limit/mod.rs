//! The rate limiter: one for each vendor, shared by all who ask it.
//!
//! People: the *engine* asks for a job's permit before it runs and says when it is over; the
//! [`VendorMeter`] sits in the vendor's transport, counts what is really called, reads what the
//! vendor says of its limits, and keeps calls back while it is known that nobody answers or that
//! the vendor asked for a pause. The rules themselves are pure: [`relay_core::rate_limit`].
//!
//! ```text
//! worker ─▶ enter(crm, portal) ─▶ the job runs ─▶ leave: what was prepaid and not called comes back
//!               │ wait: the job is put off            │ each call
//!               ▼                                     ▼
//!             row of the vendor  ◀── version ──  VendorMeter: charged, headers, 429, failures
//! ```
//!
//! Rules:
//! - A vendor's state is one row, replaced only by who has read its version. So every worker of
//!   every process on this database shares one budget, one pause and one breaker. Within a process
//!   changes wait for each other; between processes the slower one reads again.
//! - A vendor without limits that answers has no row and is never written of. What other processes
//!   have written is looked at once a second (real time), not before each call.
//! - A clock that ran ahead and was corrected is noticed by what is kept ([`RateLimiter::set_back`]), also
//!   by the next process; the engine brings back the jobs that were put off by it.
//! - A call that was made is never undone by a failure to write it down: that is logged, and the
//!   budget is short of one call.
//!
//! Guarantee: `Retry-After` holds for all workers from the moment its answer is stored; a call of
//! another process that is on its way, or that began within that second, is not called back.
//!
//! Not guaranteed: that calls within a job are spaced: they follow each other as the vendor answers.
//! Jobs are. And a job that dies with its process has paid for a usual job, or for what it
//! called if that was more.

pub mod dates;
mod lines;
mod meter;
mod permit;

use std::sync::Arc;

use lines::Lines;
pub use meter::{ReadQuota, VendorMeter};
pub use permit::{HeldCall, Permit, failed_last, held, note};
use relay_core::effects::Port;
use relay_core::random::Random;
use relay_core::rate_limit::{
    Ask, Exchange, LimiterChange, LimiterState, Limits, RateLimitDecision, Trouble, Why,
};
use relay_core::time::{Clock, Clocks, SignedDuration, Timestamp};
use relay_store::{Op, Precondition, Store, StoreError, WorkSettled};
use tokio::sync::Mutex;

/// How often a change is computed anew because another process was faster.
const TRIES: usize = 64;

/// How old, in real time, what is remembered of a row may be for an answer that changes nothing.
const FRESH: SignedDuration = SignedDuration::from_secs(1);

/// A vendor whose calls are limited.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Vendor {
    /// What it is to us; `None` for one that no job calls.
    pub port: Option<Port>,
    /// Its name, as people know it. What is kept of it is kept under this name.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// What it is granted.
    pub limits: Limits,
}

/// What is remembered of a vendor's row.
#[derive(Debug, Clone)]
struct CachedState {
    version: u64,
    limiter: LimiterState,
    /// Real time.
    at: Timestamp,
}

#[derive(Debug)]
struct Tracked {
    vendor: Vendor,
    seen: Mutex<Option<CachedState>>,
}

/// The answer to who asks for a permit.
#[derive(Debug)]
pub enum Entry {
    /// Now. To be handed back with [`RateLimiter::leave`].
    In(Permit),
    /// Not before `at`.
    Wait {
        /// Whom it waits for.
        vendor: &'static str,
        /// When to ask again.
        at: Timestamp,
        /// What stands in the way.
        why: Why,
    },
}

/// The rate limiters of all vendors.
#[derive(Debug)]
pub struct RateLimiter {
    vendors: Vec<Tracked>,
    store: Arc<dyn Store>,
    clocks: Clocks,
    random: Arc<dyn Random>,
    dates: dates::Dates,
    lines: Lines,
}

/// The key of the work item that tells that a vendor has refused a call for its credential. The next
/// call that it carries out settles it.
pub fn connection_key(vendor: &str) -> String {
    format!("connection/{vendor}")
}

/// The key of the work item that tells that a connection has ended, though its last token may still be
/// let in for a while. Connecting anew settles it, or the look at connections that finds it good.
pub fn ended_key(connection: &str) -> String {
    format!("connection/{connection}/ended")
}

/// The key of the work item that tells of a vendor's trouble.
pub fn trouble_key(vendor: &str) -> String {
    format!("vendor/{vendor}")
}

impl RateLimiter {
    /// A limiter of these vendors. One that is not among them is not limited.
    pub fn new(
        vendors: Vec<Vendor>,
        store: Arc<dyn Store>,
        clocks: Clocks,
        random: Arc<dyn Random>,
    ) -> Self {
        let tracked = |vendor| Tracked {
            vendor,
            seen: Mutex::new(None),
        };
        let mut vendors: Vec<Tracked> = vendors.into_iter().map(tracked).collect();
        // Those that are only looked at come first: a permit at the others would have to be given
        // back if one of them says no.
        vendors.sort_by_key(|tracked| tracked.vendor.limits.rate.is_some());
        Self {
            vendors,
            store,
            clocks,
            random,
            dates: dates::Dates::default(),
            lines: Lines::default(),
        }
    }

    /// Asks for the permit of a job that calls the vendors of `ports`: all of them, or none.
    pub async fn enter(&self, ports: &[Port], ask: Ask) -> Result<Entry, StoreError> {
        let mut permit = Permit::default();
        for tracked in &self.vendors {
            let vendor = tracked.vendor;
            if !vendor.port.is_some_and(|port| ports.contains(&port)) {
                continue;
            }
            let limits = vendor.limits;
            let decided = self
                .change(tracked, |limiter, now| {
                    (limiter.ask(&limits, ask, now), vec![])
                })
                .await;
            match decided {
                Ok(RateLimitDecision::Admit { prepaid, trial }) => {
                    permit.add(vendor.name, prepaid, trial);
                }
                Ok(RateLimitDecision::Later { at, why }) => {
                    self.give_back(&permit, false).await;
                    return Ok(Entry::Wait {
                        vendor: vendor.name,
                        at,
                        why,
                    });
                }
                Err(error) => {
                    self.give_back(&permit, false).await;
                    return Err(error);
                }
            }
        }
        Ok(Entry::In(permit))
    }

    /// The job of a permit is over.
    pub async fn leave(&self, permit: &Permit) {
        self.give_back(permit, true).await;
    }

    async fn give_back(&self, permit: &Permit, came_in: bool) {
        for (name, left) in permit.left(came_in) {
            let Some(tracked) = self.tracked(name) else {
                continue;
            };
            let limits = tracked.vendor.limits;
            let given = self
                .change(tracked, |limiter, now| {
                    (limiter.leave(&limits, left, now), vec![])
                })
                .await;
            if let Err(error) = given {
                tracing::warn!(vendor = name, %error, "a permit could not be given back");
            }
        }
    }

    /// Until when no call may be made at all, and why.
    pub async fn closed(&self, vendor: &str) -> Result<Option<(Timestamp, Why)>, StoreError> {
        let Some(tracked) = self.tracked(vendor) else {
            return Ok(None);
        };
        self.change(tracked, |limiter, now| (limiter.closed(now), vec![]))
            .await
    }

    /// A call was made. Returns until when no further one may be, and why; and whether a refusal
    /// is the vendor's throttle rather than an answer to this call.
    pub async fn observe(
        &self,
        vendor: &str,
        exchange: &Exchange,
    ) -> Result<(Option<(Timestamp, Why)>, bool), StoreError> {
        let Some(tracked) = self.tracked(vendor) else {
            return Ok((None, false));
        };
        // Drawn only where it is used: a run must not depend on how often somebody answers.
        let unit = match exchange.answered {
            relay_core::rate_limit::Answered::Alive => 0.5,
            _ => self.random.unit(),
        };
        let Vendor { name, limits, .. } = tracked.vendor;
        let (changes, closed, throttled) = self
            .change(tracked, |limiter, now| {
                let changes = limiter.observe(&limits, exchange, now, unit);
                let ops = settled(name, &changes, now);
                let throttled = limiter.is_throttled(&limits, now);
                ((changes, limiter.closed(now), throttled), ops)
            })
            .await?;
        for change in changes {
            self.log(name, change);
        }
        Ok((closed, throttled))
    }

    fn log(&self, vendor: &'static str, change: LimiterChange) {
        let (kind, until) = match change {
            LimiterChange::Opened { until } => ("down", Some(until)),
            LimiterChange::Paused { until } => ("paused", Some(until)),
            LimiterChange::Closed => ("up", None),
            LimiterChange::Recovered { .. } => ("recovered", None),
        };
        let Some(left_out) = self.lines.due(vendor, kind, self.clocks.real.now()) else {
            return;
        };
        let until = until.map(tracing::field::display);
        match change {
            LimiterChange::Opened { .. } => {
                tracing::warn!(
                    vendor,
                    until,
                    left_out,
                    "does not answer; nothing is asked of it for now"
                );
            }
            LimiterChange::Closed => tracing::info!(vendor, left_out, "answers again"),
            LimiterChange::Paused { .. } => {
                tracing::warn!(
                    vendor,
                    until,
                    left_out,
                    "refused with a request to wait; all its calls wait"
                );
            }
            LimiterChange::Recovered { .. } => {
                tracing::info!(vendor, left_out, "work no longer waits for it");
            }
        }
    }

    /// The vendor has let us in: an item that says it has refused a call is over. One that says that a
    /// connection has ended is not: what is left of its access may still open, until it runs out.
    pub async fn let_in(&self, vendor: &str) -> Result<(), StoreError> {
        let Some(tracked) = self.tracked(vendor) else {
            return Ok(());
        };
        let at = self.clocks.procedure.now();
        let Vendor { name, port, .. } = tracked.vendor;
        let settle = |known: &str| Op::SettleWorkByKey {
            dedupe_key: connection_key(known),
            settled: WorkSettled {
                at,
                by: "relay".to_owned(),
                action: "it works again".to_owned(),
            },
        };
        let known = [Some(name), port.map(Port::as_str)];
        let ops: Vec<Op> = known.into_iter().flatten().map(settle).collect();
        self.store.commit(ops.into()).await.map(|_| ())
    }

    /// Whether the clock was set back since something was kept of a vendor, so that jobs may have
    /// been put off to a time that nobody meant. Drops what else was kept by that clock.
    pub async fn set_back(&self) -> Result<bool, StoreError> {
        let mut set_back = false;
        for tracked in &self.vendors {
            let changed = self.change(tracked, |limiter, now| (limiter.correct(now), vec![]));
            set_back |= match changed.await {
                // It is begun anew, and then nothing of it was kept by any clock.
                Err(StoreError::Corrupt(_)) => false,
                changed => changed?,
            };
        }
        Ok(set_back)
    }

    /// Those jobs have been made due.
    pub async fn all_are_back(&self) -> Result<(), StoreError> {
        for tracked in &self.vendors {
            let changed = self.change(tracked, |limiter, _| (limiter.all_are_back(), vec![]));
            match changed.await {
                Err(StoreError::Corrupt(_)) => {}
                changed => changed?,
            }
        }
        Ok(())
    }

    /// A person wants the vendor to be asked now; `op` is stored with that. Returns what was in the
    /// way. `None`: there is no such vendor.
    pub async fn resume(
        &self,
        vendor: &str,
        op: &Op,
    ) -> Result<Option<Option<(Timestamp, Why)>>, StoreError> {
        let Some(tracked) = self.tracked(vendor) else {
            return Ok(None);
        };
        self.change(tracked, |limiter, now| {
            (limiter.resume(now), vec![op.clone()])
        })
        .await
        .map(Some)
    }

    /// What the vendors' answers say of the time.
    pub fn dates(&self) -> &dates::Dates {
        &self.dates
    }

    /// The vendor that stands for a side of the world.
    pub fn vendor_of(&self, port: Port) -> Option<&'static str> {
        let mut vendors = self.vendors.iter().map(|tracked| &tracked.vendor);
        vendors
            .find(|vendor| vendor.port == Some(port))
            .map(|vendor| vendor.name)
    }

    /// What people call a vendor.
    pub fn title(&self, name: &str) -> Option<&'static str> {
        self.tracked(name).map(|tracked| tracked.vendor.title)
    }

    /// The names of the vendors.
    pub fn names(&self) -> Vec<&'static str> {
        self.vendors
            .iter()
            .map(|tracked| tracked.vendor.name)
            .collect()
    }

    /// The trouble with a vendor that a person has to hear of and hasn't.
    pub async fn to_tell(&self, vendor: &str) -> Result<Option<Trouble>, StoreError> {
        let Some(tracked) = self.tracked(vendor) else {
            return Ok(None);
        };
        let limits = tracked.vendor.limits;
        self.change(tracked, |limiter, now| {
            (limiter.to_tell(&limits, now).copied(), vec![])
        })
        .await
    }

    /// Tells a person by `ops`, unless that has been done.
    pub async fn tell(&self, vendor: &str, ops: &[Op]) -> Result<(), StoreError> {
        let Some(tracked) = self.tracked(vendor) else {
            return Ok(());
        };
        let limits = tracked.vendor.limits;
        self.change(tracked, |limiter, now| {
            if limiter.to_tell(&limits, now).is_none() {
                return ((), vec![]);
            }
            limiter.told();
            ((), ops.to_vec())
        })
        .await
    }

    fn tracked(&self, name: &str) -> Option<&Tracked> {
        self.vendors
            .iter()
            .find(|tracked| tracked.vendor.name == name)
    }

    /// Computes a change on what is stored and stores it together with what comes of it, as often
    /// as another process is faster.
    async fn change<T>(
        &self,
        tracked: &Tracked,
        act: impl Fn(&mut LimiterState, Timestamp) -> (T, Vec<Op>),
    ) -> Result<T, StoreError> {
        let vendor = tracked.vendor.name;
        let mut seen = tracked.seen.lock().await;
        for _ in 0..TRIES {
            let real = self.clocks.real.now();
            let known = match seen.take() {
                Some(known) if real.duration_since(known.at).abs() < FRESH => known,
                _ => self.read(vendor, real).await?,
            };
            let now = self.clocks.procedure.now();
            let mut limiter = known.limiter.clone();
            let (out, mut ops) = act(&mut limiter, now);
            if limiter == known.limiter && ops.is_empty() {
                *seen = Some(known);
                return Ok(out);
            }
            ops.push(put(vendor, known.version, &limiter)?);
            match self.store.commit(ops.into()).await {
                Ok(_) => {
                    *seen = Some(CachedState {
                        version: known.version + 1,
                        limiter,
                        at: real,
                    });
                    return Ok(out);
                }
                Err(StoreError::Conflict {
                    what: Precondition::LimiterVersion,
                }) => {}
                Err(error) => return Err(error),
            }
        }
        Err(StoreError::Conflict {
            what: Precondition::LimiterVersion,
        })
    }

    async fn read(&self, vendor: &str, real: Timestamp) -> Result<CachedState, StoreError> {
        let Some(row) = self.store.limiter_state(vendor).await? else {
            return Ok(CachedState {
                version: 0,
                limiter: LimiterState::default(),
                at: real,
            });
        };
        let limiter = serde_json::from_value(row.body).unwrap_or_else(|error| {
            // Of another release, perhaps. Nobody is lost by it: the vendor tells its limits again.
            tracing::warn!(vendor, %error, "the rate limiter's state can't be read; begun anew");
            LimiterState::default()
        });
        Ok(CachedState {
            version: row.version,
            limiter,
            at: real,
        })
    }
}

fn put(vendor: &str, expected: u64, limiter: &LimiterState) -> Result<Op, StoreError> {
    let body =
        serde_json::to_value(limiter).map_err(|error| StoreError::Driver(Box::new(error)))?;
    Ok(Op::PutLimiterState {
        vendor: vendor.to_owned(),
        expected,
        body,
    })
}

/// A person who was told of the trouble need not look any more.
fn settled(vendor: &str, changes: &[LimiterChange], now: Timestamp) -> Vec<Op> {
    let over = changes.contains(&LimiterChange::Recovered { told: true });
    let settle = || Op::SettleWorkByKey {
        dedupe_key: trouble_key(vendor),
        settled: WorkSettled {
            at: now,
            by: "relay".to_owned(),
            action: "work goes on".to_owned(),
        },
    };
    over.then(settle).into_iter().collect()
}
