//! Standing jobs: what the relay does by itself, again and again, for as long as it is installed.
//!
//! Each is one row whose key, kind and lane are its name. It is queued at start unless it is there,
//! ends every run by being put off until its next time, and is never given up: where another job
//! would die, it comes back at its next time, and the work item says that it has failed.
//!
//! How a newcomer adds one: a name here and in [`STANDING`], its next time in
//! [`Engine::next_standing`], a file beside this one with its run, a line in `Engine::handle`.

use relay_core::ids::JobId;
use relay_core::time::Timestamp;
use relay_store::{Existing, NewJob, Op};
use serde_json::json;

use super::credential;
use crate::engine::Engine;

/// The daily read of the portal.
pub(crate) const RECONCILE: &str = "reconcile";

/// Looks after connections that are renewed.
pub(crate) const CREDENTIAL: &str = "credential";

/// The look at the subscriptions by which the CRM tells us of changes.
pub(crate) const HOOKS_WATCH: &str = "hooks_watch";

/// The look who has opened or clicked.
pub(crate) const ENGAGEMENT: &str = "engagement_poll";

/// Every standing job, by name.
pub(crate) const STANDING: [&str; 4] = [RECONCILE, CREDENTIAL, HOOKS_WATCH, ENGAGEMENT];

/// Whether a kind of job is a standing one.
pub(crate) fn is_standing(kind: &str) -> bool {
    STANDING.contains(&kind)
}

impl Engine {
    /// Queues every standing job that this relay has work for.
    pub(crate) fn standing_jobs(&self) -> Vec<Op> {
        let wanted = self.periodic_names();
        wanted
            .into_iter()
            .map(|name| self.standing_job(name))
            .collect()
    }

    /// The standing jobs that this relay has work for, by name.
    pub fn periodic_names(&self) -> Vec<&'static str> {
        let has_work = |name: &&str| match *name {
            CREDENTIAL => self.ports.connections.are_renewed(),
            ENGAGEMENT => self.poll_opens.is_some(),
            _ => true,
        };
        STANDING.into_iter().filter(has_work).collect()
    }

    /// Queues the standing job of this name unless it is there.
    pub fn standing_job(&self, name: &str) -> Op {
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

    /// When a standing job runs next; `None` for any other kind.
    pub(super) fn next_standing(&self, kind: &str, now: Timestamp) -> Option<Timestamp> {
        match kind {
            RECONCILE => Some(self.next_reconcile(now)),
            CREDENTIAL => Some(credential::next_credential(now)),
            HOOKS_WATCH => Some(self.next_hooks_watch(now)),
            ENGAGEMENT => Some(self.next_engagement_poll(now)),
            _ => None,
        }
    }
}
