//! The kinds of job, as a table: one row each, which stands in the file of the kind.
//!
//! A kind that is not in the list is a newer version's. It is not claimed, so that it waits for that
//! version instead of dying in this one.
//!
//! How a newcomer adds one: a line in the list below, and a file beside this one with its `SPEC` and its
//! run. A periodic one is besides in the list of the store's mending (`mended.rs` in `store-sqlite`), and
//! a kind whose payload follows from its key may be mended there. A name is never used for anything
//! else, and a kind stays while a database may hold a job of it.

use futures_util::future::BoxFuture;
use relay_core::effects::Port;
use relay_core::rate_limit::Priority;
use relay_core::time::Timestamp;
use relay_store::{Job, JobState};

use super::{
    credential, effect, engagement, hooks_watch, missed_check, read, reconcile, refresh, reminder,
    reread, reread_batch, timer,
};
use crate::engine::{Engine, EngineError};

/// Makes the enum, the list of its members and the way to their rows from one list, so that none of the
/// three can lack a member.
macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $spec:path;)*) => {
        /// A kind of job.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum JobKind {
            $($(#[$doc])* $kind,)*
        }

        impl JobKind {
            /// Every kind.
            pub const ALL: [Self; [$(stringify!($kind)),*].len()] = [$(Self::$kind),*];

            /// Its row of the table.
            pub const fn spec(self) -> &'static JobSpec {
                match self {
                    $(Self::$kind => &$spec,)*
                }
            }
        }
    };
}

kinds! {
    /// A case's wait comes to its end.
    Timer = timer::SPEC;
    /// An effect is carried out, or looked for.
    Effect = effect::SPEC;
    /// A read that a case waits for.
    Read = read::SPEC;
    /// The look whether a check-in was missed.
    MissedCheck = missed_check::SPEC;
    /// An object that a change notification named is read again.
    Reread = reread::SPEC;
    /// The same for several objects at once.
    RereadBatch = reread_batch::SPEC;
    /// An open case is compared with the vendors.
    Refresh = refresh::SPEC;
    /// The owner of a work item is reminded.
    Reminder = reminder::SPEC;
    /// A contact whose opens may have changed is read.
    EngagementRead = engagement::READ;
    /// The daily comparison of what is stored with what must hold.
    Reconcile = reconcile::SPEC;
    /// Connections are renewed.
    Credential = credential::SPEC;
    /// The subscriptions to change notifications are looked at.
    HooksWatch = hooks_watch::SPEC;
    /// It is looked who has opened or clicked.
    EngagementPoll = engagement::POLL;
}

/// What holds of a kind.
#[derive(Debug)]
pub struct JobSpec {
    /// The stored name.
    pub name: &'static str,
    /// What a periodic job has besides; `None` for a job that ends.
    pub repeats: Option<Repeats>,
    /// Whose permits it needs before it runs.
    pub asks: Asks,
    /// What did not happen when it was given up: the title of the item that says so.
    pub lost: fn(&Job) -> String,
    /// What its death means for the case it belongs to.
    pub death: Death,
    /// What cancelling a job of this kind would lose.
    pub cancelling: Cancelling,
    /// Runs it. An error is a failed try; see `Engine::run_job`.
    pub run: Run,
}

/// Runs a job.
pub type Run = for<'a> fn(&'a Engine, &'a Job) -> BoxFuture<'a, Result<(), EngineError>>;

/// A periodic job: one row, whose key, kind and lane are its name.
#[derive(Debug)]
pub struct Repeats {
    /// When it runs next.
    pub next: fn(&Engine, Timestamp) -> Timestamp,
    /// Whether this relay has work for it.
    pub has_work: fn(&Engine) -> bool,
}

/// Which permits a job needs. Its calls are counted in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asks {
    /// None: it calls nobody, or what nothing works without.
    Nothing,
    /// Those of these ports, and how much it can wait for them.
    Of(Priority, &'static [Port]),
    /// What the kind of its effect says.
    ForItsEffect,
    /// The portal's, and the CRM's where its case has a call task to look at; in the background.
    ForItsCase,
}

/// What the death of a job means for the case it belongs to. A person is told in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Death {
    /// Nothing: no case waits for it.
    IsToldOnly,
    /// Its effect ends: dead, or unsettled if it may have gone out.
    EndsItsEffect,
    /// The read that the case waits for has failed.
    FailsItsRead,
    /// A case waits for it; it dies only with its process, and taken up again it would end the next one.
    /// The case is paused.
    PausesItsCase,
}

/// What a person's wish to cancel a job comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cancelling {
    /// Nobody is forgotten by it.
    Allowed,
    /// While the case of the job is open, it is what the case waits for, or may be.
    NotWhileCaseIsOpen {
        /// What to do instead: with a command.
        instead: &'static str,
    },
    /// Only once it is given up, and a person was told.
    OnceDead {
        /// What to do instead: with a command.
        instead: &'static str,
    },
    /// Never: somebody would be forgotten.
    Never {
        /// What to do instead: with a command.
        instead: &'static str,
    },
}

/// What the relay does by itself for as long as it is installed.
pub(super) const BY_ITSELF: Cancelling = Cancelling::Never {
    instead: "the relay queues it again by itself; `clear-relay stop --by NAME` halts all outreach",
};

/// What is read because a vendor has told of it.
pub(super) const AS_TOLD: Cancelling = Cancelling::OnceDead {
    instead: "it reads what a vendor has told of and does not tell again: let it run; once it is given \
              up it can be replayed (`clear-relay jobs replay JOB --by NAME`) or cancelled",
};

impl JobKind {
    /// The stored name. Never used for anything else.
    pub const fn name(self) -> &'static str {
        self.spec().name
    }

    /// The kind with this stored name; `None` for one of a newer version.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The kind of a job; `None` for one of a newer version.
    pub fn of(job: &Job) -> Option<Self> {
        Self::from_name(&job.kind)
    }

    /// The kinds that are periodic.
    pub fn periodic() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|kind| kind.is_periodic())
    }

    /// Whether it is a periodic job.
    pub const fn is_periodic(self) -> bool {
        self.spec().repeats.is_some()
    }

    /// What cancelling a job of this kind would lose.
    pub const fn cancelling(self) -> Cancelling {
        self.spec().cancelling
    }
}

/// The title of the item that a dead job leaves, where its effect is not at hand.
pub(crate) fn dead_title(job: &Job) -> String {
    match JobKind::of(job) {
        Some(kind) => (kind.spec().lost)(job),
        None => format!(
            "Work of a kind that this release does not know was given up: {}",
            job.kind
        ),
    }
}

/// Why a person may not cancel a job; `None`: she may. `case_waits`: whether the case that the job
/// belongs to is open and may be left waiting for it.
pub fn why_not_cancelled(job: &Job, case_waits: bool) -> Option<String> {
    match job.state {
        JobState::Ready | JobState::Parked | JobState::Dead => {}
        JobState::Running | JobState::Done | JobState::Cancelled => {
            return Some(format!(
                "it is {}; only ready, parked and dead jobs can be cancelled",
                job.state.as_str()
            ));
        }
    }
    let Some(kind) = JobKind::of(job) else {
        return Some(format!(
            "this version knows no job of the kind {:?}: a newer version queued it, and runs it",
            job.kind
        ));
    };
    let instead = match kind.cancelling() {
        Cancelling::Allowed => return None,
        Cancelling::NotWhileCaseIsOpen { instead } => {
            if !case_waits {
                return None;
            }
            instead
        }
        Cancelling::OnceDead { instead } => {
            if job.state == JobState::Dead {
                return None;
            }
            instead
        }
        Cancelling::Never { instead } => instead,
    };
    let mut text = instead.replace("JOB", &job.id.to_string());
    if let Some(case) = job.case {
        text = text.replace("CASE", &case.to_string());
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Cancelling, JobKind};

    #[test]
    fn every_kind_is_known_by_its_name_and_every_refusal_names_a_command() {
        let names: BTreeSet<_> = JobKind::ALL.map(JobKind::name).into();
        assert_eq!(names.len(), JobKind::ALL.len(), "one name, one kind");
        for kind in JobKind::ALL {
            assert_eq!(JobKind::from_name(kind.name()), Some(kind));
            match kind.cancelling() {
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
