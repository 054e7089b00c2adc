//! What the queue can do: one file per kind of job, and the table of them.
//!
//! A kind that is no longer made keeps its handler here until no release in use can have queued it.

pub(crate) mod check_in_list;
pub(crate) mod credential;
pub(crate) mod effect;
pub(crate) mod engagement;
pub(crate) mod hooks_watch;
pub(crate) mod inbox;
pub(crate) mod incident;
pub(crate) mod missed_check;
pub(crate) mod read;
pub(crate) mod reconcile;
pub(crate) mod refresh;
pub(crate) mod reminder;
pub(crate) mod reread;
pub(crate) mod reread_batch;
pub(crate) mod timer;

use super::job_kinds::{JobKind, JobSpec};

/// The row of each kind.
pub const fn spec(kind: JobKind) -> &'static JobSpec {
    match kind {
        JobKind::Timer => &timer::SPEC,
        JobKind::Effect => &effect::SPEC,
        JobKind::Read => &read::SPEC,
        JobKind::MissedCheck => &missed_check::SPEC,
        JobKind::Reread => &reread::SPEC,
        JobKind::RereadBatch => &reread_batch::SPEC,
        JobKind::Refresh => &refresh::SPEC,
        JobKind::Reminder => &reminder::SPEC,
        JobKind::Inbox => &inbox::SPEC,
        JobKind::EngagementRead => &engagement::READ,
        JobKind::Reconcile => &reconcile::SPEC,
        JobKind::Credential => &credential::SPEC,
        JobKind::HooksWatch => &hooks_watch::SPEC,
        JobKind::EngagementPoll => &engagement::POLL,
        JobKind::Incident => &incident::SPEC,
        JobKind::CheckInList => &check_in_list::SPEC,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::spec;
    use crate::engine::job_kinds::{Cancelling, JobKind};

    #[test]
    fn every_kind_is_known_by_its_name_and_every_refusal_names_a_command() {
        let names: BTreeSet<_> = JobKind::ALL.map(JobKind::name).into();
        assert_eq!(names.len(), JobKind::ALL.len(), "one name, one kind");
        for kind in JobKind::ALL {
            assert_eq!(JobKind::from_name(kind.name()), Some(kind));
            match spec(kind).cancelling {
                Cancelling::Allowed => {}
                Cancelling::NotWhileCaseIsOpen { instead }
                | Cancelling::OnceDead { instead }
                | Cancelling::Never { instead } => {
                    assert!(instead.contains("`clear-relay "), "{instead}");
                }
            }
        }
        assert_eq!(JobKind::from_name("of a newer version"), None);
    }
}
