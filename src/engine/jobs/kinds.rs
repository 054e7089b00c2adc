//! The kinds of job, in one list: what each is called, and what its loss would mean.
//!
//! A kind that is not in the list is a newer version's. It is not claimed, so that it waits for that
//! version instead of dying in this one.
//!
//! How a newcomer adds one: a member here with its line in each `match`, and a line in
//! `Engine::handle`.

use relay_store::{Job, JobState};

/// A kind of job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A case's wait comes to its end.
    Timer,
    /// An effect is carried out, or looked for.
    Effect,
    /// A read that a case waits for.
    Read,
    /// The look whether a check-in was missed.
    MissedCheck,
    /// An object that a change notification named is read again.
    Reread,
    /// The same for several objects at once.
    RereadBatch,
    /// An open case is compared with the vendors.
    Refresh,
    /// The owner of a work item is reminded.
    Reminder,
    /// A contact whose opens may have changed is read.
    EngagementRead,
    /// The daily comparison of what is stored with what must hold.
    Reconcile,
    /// Connections are renewed.
    Credential,
    /// The subscriptions to change notifications are looked at.
    HooksWatch,
    /// It is looked who has opened or clicked.
    EngagementPoll,
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

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 13] = [
        Self::Timer,
        Self::Effect,
        Self::Read,
        Self::MissedCheck,
        Self::Reread,
        Self::RereadBatch,
        Self::Refresh,
        Self::Reminder,
        Self::EngagementRead,
        Self::Reconcile,
        Self::Credential,
        Self::HooksWatch,
        Self::EngagementPoll,
    ];

    /// The stored name. Never used for anything else.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Timer => "timer",
            Self::Effect => "effect",
            Self::Read => "read",
            Self::MissedCheck => "missed_check",
            Self::Reread => "reread",
            Self::RereadBatch => "reread_batch",
            Self::Refresh => "refresh",
            Self::Reminder => "reminder",
            Self::EngagementRead => "engagement_read",
            Self::Reconcile => super::standing::RECONCILE,
            Self::Credential => super::standing::CREDENTIAL,
            Self::HooksWatch => super::standing::HOOKS_WATCH,
            Self::EngagementPoll => super::standing::ENGAGEMENT,
        }
    }

    /// The kind with this stored name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// What cancelling a job of this kind would lose.
    pub const fn cancelling(self) -> Cancelling {
        match self {
            Self::Timer => Cancelling::NotWhileCaseIsOpen {
                instead: "its case waits for it: pause the case (`clear-relay cases pause CASE --by \
                          NAME --reason TEXT`) or close it (`clear-relay cases close CASE --by NAME \
                          --reason TEXT`)",
            },
            Self::Effect => Cancelling::NotWhileCaseIsOpen {
                instead: "its case waits for it: pause the case (`clear-relay cases pause CASE --by \
                          NAME --reason TEXT`) or close it (`clear-relay cases close CASE --by NAME \
                          --reason TEXT`); `clear-relay stop --by NAME` halts all outreach",
            },
            Self::Read => Cancelling::NotWhileCaseIsOpen {
                instead: "its case waits for what it reads: replay it (`clear-relay jobs replay JOB \
                          --by NAME`), or close the case (`clear-relay cases close CASE --by NAME \
                          --reason TEXT`)",
            },
            Self::MissedCheck => Cancelling::Never {
                instead: "it looks whether this client missed her check-in, and nobody else does: \
                          withdraw the check-in in the portal, or let it look and close the case \
                          (`clear-relay cases close CASE --by NAME --reason TEXT`)",
            },
            Self::Reminder => Cancelling::Never {
                instead: "it reminds the owner of an open work item, and nothing else does: settle \
                          the item (`clear-relay work list`, `clear-relay work done ITEM --action \
                          ACTION --by NAME`)",
            },
            Self::Reread | Self::RereadBatch => Cancelling::OnceDead {
                instead: "it reads what a vendor has told of and does not tell again: let it run; \
                          once it is given up it can be replayed (`clear-relay jobs replay JOB --by \
                          NAME`) or cancelled",
            },
            // Each is made anew every day, and what it reads is read then.
            Self::Refresh | Self::EngagementRead => Cancelling::Allowed,
            Self::Reconcile | Self::Credential | Self::HooksWatch | Self::EngagementPoll => {
                Cancelling::Never {
                    instead: "the relay queues it again by itself; `clear-relay stop --by NAME` \
                              halts all outreach",
                }
            }
        }
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
    let Some(kind) = Kind::from_name(&job.kind) else {
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
    use super::{Cancelling, Kind};

    #[test]
    fn every_kind_is_known_by_its_name_and_every_refusal_names_a_command() {
        for kind in Kind::ALL {
            assert_eq!(Kind::from_name(kind.name()), Some(kind));
            match kind.cancelling() {
                Cancelling::Allowed => {}
                Cancelling::NotWhileCaseIsOpen { instead }
                | Cancelling::OnceDead { instead }
                | Cancelling::Never { instead } => {
                    assert!(instead.contains("`clear-relay "), "{instead}");
                }
            }
        }
        assert_eq!(Kind::from_name("of a newer version"), None);
    }
}
