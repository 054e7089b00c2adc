//! Periodic jobs: what the relay does by itself, again and again, for as long as it is installed.
//!
//! Each is one row whose key, kind and lane are its name. It is queued at start unless it is there,
//! ends every run by being put off until its next time, and is never given up: where another job
//! would die, it comes back at its next time, and the work item says that it has failed.
//!
//! Which they are stands in the table of kinds ([`Repeats`](super::kinds::Repeats)).

use relay_core::ids::JobId;
use relay_core::time::Timestamp;
use relay_store::{Existing, Job, NewJob, Op};
use serde_json::json;

use super::kinds::JobKind;
use crate::engine::Engine;

/// Whether a job is a periodic one.
pub(crate) fn is_periodic(job: &Job) -> bool {
    JobKind::of(job).is_some_and(JobKind::is_periodic)
}

impl Engine {
    /// Queues every periodic job that this relay has work for.
    pub(crate) fn periodic_jobs(&self) -> Vec<Op> {
        let wanted = self.periodic_names();
        wanted
            .into_iter()
            .map(|name| self.periodic_job(name))
            .collect()
    }

    /// The periodic jobs that this relay has work for, by name.
    pub fn periodic_names(&self) -> Vec<&'static str> {
        let has_work = |kind: &JobKind| {
            let repeats = kind.spec().repeats.as_ref();
            repeats.is_some_and(|repeats| (repeats.has_work)(self))
        };
        JobKind::ALL
            .into_iter()
            .filter(has_work)
            .map(JobKind::name)
            .collect()
    }

    /// Queues the periodic job of this name unless it is there.
    pub fn periodic_job(&self, name: &str) -> Op {
        let now = self.now();
        Op::Enqueue {
            job: NewJob {
                id: JobId::new(self.random.as_ref(), now),
                key: name.to_owned(),
                kind: name.to_owned(),
                lane: name.to_owned(),
                run_at: now,
                client: None,
                case: None,
                payload: json!({}),
            },
            existing: Existing::Keep,
        }
    }

    /// When a periodic job runs next; `None` for any other.
    pub(super) fn next_run(&self, job: &Job, now: Timestamp) -> Option<Timestamp> {
        let repeats = JobKind::of(job)?.spec().repeats.as_ref()?;
        Some((repeats.next)(self, now))
    }
}
