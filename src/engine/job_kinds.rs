//! The kinds of job: their names, and what can hold of one.
//!
//! | a kind is | where |
//! |---|---|
//! | a name, forever | the list below |
//! | a row: its permits, what its loss, its death and a cancellation mean, what runs it | `SPEC` in its file in `jobs/` |
//! | an arm that leads from one to the other | [`jobs::spec`](crate::engine::jobs::spec), exhaustive |
//!
//! A kind that is not in the list is a newer version's. It is not claimed, so that it waits for that
//! version instead of dying in this one.
//!
//! How a newcomer adds one: those three places; its name in `JOB_KINDS` and a payload in `texts.rs` of
//! `tests/it/corpus`. In `store-sqlite`: one that has a case which does not wait for it in `job_goes`
//! (`consequences.rs`); a periodic one in `PERIODIC`, and one whose payload follows from its key in `payload`
//! (`mended.rs`). A periodic one also in the table of `periodic.rs`. A name is never used for anything else, and a
//! kind stays while a database may hold a job of it.
//!
//! The rows stand above the engine's parts, which read them through [`Engine::job_spec`]: so
//! a part can ask what holds of a kind without knowing what runs it.

use futures_util::future::BoxFuture;
use relay_core::effects::Port;
use relay_core::rate_limit::Priority;
use relay_core::time::Timestamp;
use relay_store::Job;

use crate::engine::error::EngineError;
use crate::engine::parts::Engine;

/// Makes the enum, the list of its members and their stored names from one list, so that none of the
/// three can lack a member.
macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $name:literal;)*) => {
        /// A kind of job.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum JobKind {
            $($(#[$doc])* $kind,)*
        }

        impl JobKind {
            /// Every kind.
            pub const ALL: [Self; [$($name),*].len()] = [$(Self::$kind),*];

            /// The stored name. Never used for anything else.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)*
                }
            }
        }
    };
}

kinds! {
    /// A case's wait comes to its end.
    Timer = "timer";
    /// An effect is carried out, or looked for.
    Effect = "effect";
    /// A read that a case waits for.
    Read = "read";
    /// The look whether a check-in was missed.
    MissedCheck = "missed_check";
    /// An object that a change notification named is read again.
    Reread = "reread";
    /// The same for several objects at once.
    RereadBatch = "reread_batch";
    /// An open case is compared with the vendors.
    Refresh = "refresh";
    /// The owner of a work item is reminded.
    Reminder = "reminder";
    /// What a coach is asked about a client is compared with her task in the CRM.
    Inbox = "inbox";
    /// A contact whose opens may have changed is read.
    EngagementRead = "engagement_read";
    /// The daily comparison of what is stored with what must hold.
    Reconcile = "reconcile";
    /// Connections are renewed.
    Credential = "credential";
    /// The subscriptions to change notifications are looked at.
    HooksWatch = "hooks_watch";
    /// It is looked who has opened or clicked.
    EngagementPoll = "engagement_poll";
    /// The incidents of a vendor are looked after, while it has any.
    Incident = "incident";
    /// It is looked who has missed a check-in, where nobody tells it by itself.
    CheckInList = "check_in_list";
}

/// What holds of a kind.
#[derive(Debug)]
pub struct JobSpec {
    /// What a periodic job has besides; `None` for a job that ends.
    pub schedule: Option<PeriodicSchedule>,
    /// Whose permits it needs before it runs.
    pub asks: Asks,
    /// What did not happen when it was given up: the title of the item that says so.
    pub lost: fn(&Job) -> String,
    /// What its death means for the case it belongs to.
    pub death: Death,
    /// What cancelling a job of this kind would lose.
    pub cancelling: Cancelling,
    /// Runs it. An error is a failed try; see `run.rs`.
    pub run: RunFn,
}

/// Runs a job.
pub type RunFn = for<'a> fn(&'a Engine, &'a Job) -> BoxFuture<'a, Result<(), EngineError>>;

/// A periodic job: one row, whose key, kind and lane are its name.
#[derive(Debug)]
pub struct PeriodicSchedule {
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
    /// Nothing, and it is not dead where a vendor did not answer: it is tried again each hour, and what was told of it
    /// ends once it has come through.
    IsTriedOn,
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
pub(crate) const BY_ITSELF: Cancelling = Cancelling::Never {
    instead: "the relay queues it again by itself; `clear-relay stop --by NAME` halts all outreach",
};

/// What is read because a vendor has told of it.
pub(crate) const AS_TOLD: Cancelling = Cancelling::OnceDead {
    instead: "it reads what a vendor has told of and does not tell again: let it run; once it is given \
              up it can be replayed (`clear-relay jobs replay JOB --by NAME`) or cancelled",
};

impl JobKind {
    /// The kind with this stored name; `None` for one of a newer version.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The kind of a job; `None` for one of a newer version.
    pub fn of(job: &Job) -> Option<Self> {
        Self::from_name(&job.kind)
    }
}

/// The rows of all kinds.
pub type JobTable = fn(JobKind) -> &'static JobSpec;
