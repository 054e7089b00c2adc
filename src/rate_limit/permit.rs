//! What a job that was let in has paid for and has called.
//!
//! A permit goes with its job's future, so that a call made deep in an adapter is counted for the job
//! that caused it. Work that a job hands to another task would be counted for nobody; jobs don't.
//!
//! It is task-local because a transport is made once for all jobs: passed on, it would be a parameter of
//! every method of every port and adapter, or a set of vendor clients for each run.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use relay_core::incidents::Capability;
use relay_core::rate_limit::Left;
use relay_core::time::Timestamp;

tokio::task_local! {
    static TURN: Arc<Inner>;
}

/// A job's permit.
#[derive(Debug, Default)]
pub struct Permit(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner(Mutex<PermitState>);

#[derive(Debug, Default)]
struct PermitState {
    tickets: Vec<Ticket>,
    held: Option<HeldCall>,
    worked: Vec<Capability>,
    failed: Vec<Capability>,
}

#[derive(Debug)]
struct Ticket {
    vendor: &'static str,
    prepaid: u32,
    trial: bool,
    calls: u32,
}

/// A vendor kept the job's last call back, or refused it with a request to wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldCall {
    /// The vendor, by its name.
    pub vendor: &'static str,
    /// When it may be called again.
    pub at: Timestamp,
    /// The reason, in one line.
    pub why: String,
    /// It was this job's call that was refused, while the vendor answers others.
    pub alone: bool,
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, PermitState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit {
    /// The job was let in at a vendor.
    pub(super) fn add(&mut self, vendor: &'static str, prepaid: u32, trial: bool) {
        self.0.state().tickets.push(Ticket {
            vendor,
            prepaid,
            trial,
            calls: 0,
        });
    }

    /// Runs the job's work: what it calls is counted here.
    pub async fn within<F: Future>(&self, work: F) -> F::Output {
        TURN.scope(Arc::clone(&self.0), work).await
    }

    /// What keeps the job from going on, if its last call was kept back or refused.
    pub fn held(&self) -> Option<HeldCall> {
        self.0.state().held.clone()
    }

    /// What worked that the job asked of vendors, and what failed.
    pub fn outcomes(&self) -> (Vec<Capability>, Vec<Capability>) {
        let state = self.0.state();
        (state.worked.clone(), state.failed.clone())
    }

    /// How the job ended, for each vendor it was let in at.
    pub(super) fn left(&self, came_in: bool) -> Vec<(&'static str, Left)> {
        let left = |ticket: &Ticket| {
            let left = Left {
                unused: ticket.prepaid.saturating_sub(ticket.calls),
                calls: ticket.calls,
                trial: ticket.trial,
                came_in,
            };
            (ticket.vendor, left)
        };
        self.0.state().tickets.iter().map(left).collect()
    }
}

/// What keeps the job that asks from going on.
pub fn held() -> Option<HeldCall> {
    TURN.try_with(|inner| inner.state().held.clone())
        .ok()
        .flatten()
}

/// Something that the present job has asked of a vendor has worked, or failed.
pub fn note(capability: Capability, worked: bool) {
    // Outside a job nobody is concerned.
    let _ = TURN.try_with(|inner| {
        let mut state = inner.state();
        let noted = if worked {
            &mut state.worked
        } else {
            &mut state.failed
        };
        // The latest stands last.
        noted.retain(|known| *known != capability);
        noted.push(capability);
    });
}

/// What failed last of that which the present job asked of a vendor.
pub fn failed_last() -> Option<Capability> {
    TURN.try_with(|inner| inner.state().failed.last().copied())
        .ok()
        .flatten()
}

/// A call is made for the present job. Returns whether it is to be charged.
pub(super) fn spend(vendor: &str) -> bool {
    let spent = TURN.try_with(|inner| {
        let mut state = inner.state();
        let ticket = state.tickets.iter_mut().find(|t| t.vendor == vendor)?;
        ticket.calls = ticket.calls.saturating_add(1);
        Some(ticket.calls > ticket.prepaid)
    });
    spent.ok().flatten().unwrap_or(true)
}

/// The present job's last call was kept back or refused, or it was not.
pub(super) fn hold(held: Option<HeldCall>) {
    // Outside a job nobody is held.
    let _ = TURN.try_with(|inner| inner.state().held = held);
}
