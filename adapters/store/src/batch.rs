//! A batch: typed operations with preconditions, all or nothing.

use relay_core::case::{Case, TimelineEntry};
use relay_core::clients::Coach;
use relay_core::effects::{Request, Settled};
use relay_core::ids::{CaseId, ClientId, EffectKey, JobId, ReceiptId, WorkItemId};
use relay_core::time::Timestamp;

use crate::credentials::{Authorization, CredentialLease, CredentialSettled, NewCredential};
use crate::effect::{Effect, Intent};
use crate::engagement::{Engagement, WatchedContact};
use crate::records::{
    AuditEntry, EffectState, FactRow, JobError, Link, NewJob, ProcedureVersion, Receipt,
    ReceiptState, WorkItem, WorkSettled,
};

/// Operations carried out in order, all or nothing.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// The operations.
    pub ops: Vec<Op>,
}

impl Batch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an operation.
    pub fn push(&mut self, op: Op) -> &mut Self {
        self.ops.push(op);
        self
    }
}

impl From<Vec<Op>> for Batch {
    fn from(ops: Vec<Op>) -> Self {
        Self { ops }
    }
}

/// The right of a worker over a job: valid while the job is running under this number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fence {
    /// The job.
    pub job: JobId,
    /// The fence it was claimed with.
    pub fence: u64,
}

/// What a job that comes again has met at a vendor. Kept with the job until its next end, and decided
/// on; why it was put off is in words beside it, for people.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Deferral {
    /// See [`Job::deferred_by`](crate::Job::deferred_by).
    pub vendor: Option<String>,
    /// See [`Job::refused`](crate::Job::refused).
    pub refused: bool,
}

/// How a run of a job ends.
#[derive(Debug, Clone, PartialEq)]
pub enum JobEnd {
    /// It has done what it was for.
    Done,
    /// Failed; again at `at` (procedure time). Counts as a failure.
    Again {
        /// When it is tried again, procedure time.
        at: Timestamp,
        /// The failure after which it is tried again.
        error: JobError,
        /// See [`Job::refused`](crate::Job::refused).
        refused: bool,
    },
    /// Not now; again at `at`. Counts as nothing.
    Snooze {
        /// When it comes again, procedure time.
        at: Timestamp,
        /// The reason, in one line.
        why: String,
        /// Whether a vendor has to do with it.
        deferral: Deferral,
    },
    /// Waits for a person.
    Parked {
        /// The failure that a person must look at.
        error: JobError,
    },
    /// Given up.
    Dead {
        /// The failure that ended it.
        error: JobError,
    },
    /// No longer wanted.
    Cancelled {
        /// The reason, in one line.
        why: String,
    },
}

impl JobEnd {
    /// Failed, by no vendor's "too many"; again at `at`.
    pub fn again(at: Timestamp, error: JobError) -> Self {
        let refused = false;
        Self::Again { at, error, refused }
    }

    /// Not now, for a reason of our own; again at `at`.
    pub fn snooze(at: Timestamp, why: impl Into<String>) -> Self {
        let (why, deferral) = (why.into(), Deferral::default());
        Self::Snooze { at, why, deferral }
    }
}

/// What to do when a job with this key is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// Leave it as it is, whatever its state.
    Keep,
    /// Make it ready at the new time with the new payload and its failures and deferral forgotten, unless it is
    /// running (then it is left, and the batch fails with a conflict on `job state`, so that the
    /// caller decides again).
    Reschedule,
    /// Make sure that it will run, no later than the new time, with the new payload: one that is
    /// ready keeps an earlier time, its failures and its deferral, one that is over or stopped begins anew, one
    /// that is running is left. Never a conflict.
    Wake,
}

/// One operation.
#[derive(Debug, Clone)]
pub enum Op {
    /// Stores a receipt. When its dedupe key is taken (see [`Receipt::dedupe_forever`]) by a receipt
    /// with the same body, it is stored as [`ReceiptState::Duplicate`] with `duplicate_of` set;
    /// `Committed` tells. Another body under a key that is taken forever is stored as a new receipt
    /// under [`Receipt::reused_key`].
    InsertReceipt(Receipt),
    /// A receipt leaves [`ReceiptState::New`]. Conflict `receipt state` if it has left already,
    /// is not there, or is to become anything else than done or quarantined.
    FinishReceipt {
        /// The receipt that is finished.
        id: ReceiptId,
        /// Its state from now on: `Done` or `Quarantined`.
        state: ReceiptState,
        /// The reason, or what came of it.
        note: Option<String>,
        /// When it was finished, procedure time.
        at: Timestamp,
    },
    /// Stores a fact; one that is known (see [`Identity`](relay_core::facts::Identity)) is left as it
    /// is.
    InsertFact(FactRow),
    /// Stores a new case. Conflict `open case` if the client has one of the same procedure that
    /// is not closed.
    InsertCase(Case),
    /// Replaces a case. Conflict `case version` unless the stored version is `expected`.
    /// The new version must be `expected + 1`. Conflict `open case` if it would be open again
    /// beside another of the same client and procedure.
    UpdateCase {
        /// The case as it is to be.
        case: Case,
        /// The version it was computed from.
        expected: u64,
    },
    /// Requires that a case still has this version. Conflict `case version`.
    RequireCase {
        /// The case that must not have changed.
        case: CaseId,
        /// The version.
        version: u64,
    },
    /// Requires that a work item is open. Conflict `work item state`.
    RequireOpenWork {
        /// The item that must be open.
        item: WorkItemId,
    },
    /// Adds a line to a case's history.
    AppendTimeline {
        /// The case whose history it is.
        case: CaseId,
        /// The line.
        entry: TimelineEntry,
    },
    /// Stores a planned effect. The same key with the same input hash is left as it is; with
    /// another: [`StoreError::KeyReused`](crate::StoreError::KeyReused).
    PlanEffect(Effect),
    /// The right to one mutating request: the effect goes from `Planned` to `Intended`, its
    /// revision, request and `intended_at` are set from the intent. Conflict `effect state`
    /// unless it is `Planned`; the intent's revision must be the effect's plus one.
    Intend(Intent),
    /// How the one request of an intent ended. Conflict `effect state` if it is told already.
    EndIntent {
        /// The effect.
        key: EffectKey,
        /// The revision.
        revision: u32,
        /// See [`Intent::outcome`].
        outcome: String,
    },
    /// An effect changes state. Conflict `effect state` unless it is in one of `from`.
    /// Moving to `Unclear` sets `probes` to 0; moving from `Unclear` to `Unclear` adds one.
    MoveEffect {
        /// The effect whose state changes.
        key: EffectKey,
        /// Allowed present states.
        from: Vec<EffectState>,
        /// The new state.
        to: EffectState,
        /// How it ended; `None` unless the new state is an end.
        settled: Option<Settled>,
        /// What would have been sent (held, proposed); `None` leaves it.
        request: Option<Request>,
        /// When it changed, procedure time.
        at: Timestamp,
    },
    /// Cancels an effect that is still `Planned` (or `Held`, `Dead`, `Unsettled` with `settled`
    /// kept), and its job (see [`effect_job_key`](crate::effect_job_key)) unless that is running.
    ///
    /// One that may have been carried out all the same is not cancelled but withdrawn: it has an
    /// intent whose outcome is none or anything but `not_sent`, its kind is no desired state, and it
    /// is `Planned`, `Held` or `Dead`. It becomes `Unclear` with no probes, `withdrawn_at` is set, and
    /// its job is made ready at `at` unless it is running. One that is `Intended` or `Unclear` keeps
    /// its state and its job, and is withdrawn unless it is already.
    ///
    /// An effect in any other state is left, and its job too. Never a conflict.
    CancelEffect {
        /// The effect that is not wanted any more.
        key: EffectKey,
        /// The reason, in one line.
        why: String,
        /// When it was cancelled, procedure time.
        at: Timestamp,
    },
    /// Queues a job.
    Enqueue {
        /// The job.
        job: NewJob,
        /// What if its key is there.
        existing: Existing,
    },
    /// Queues the reminder of a work item, if the item with this id is there. One that was not
    /// stored because its wish is an open item already has a reminder under that item. Never a
    /// conflict.
    Remind {
        /// The item.
        item: WorkItemId,
        /// The job that reminds its owner.
        job: NewJob,
    },
    /// Requires that the worker still holds the job. Conflict `job fence`.
    RequireFence(Fence),
    /// Ends a run, writes its attempt row, frees the lane. An end that carries an error counts as
    /// a failure. Conflict `job fence`.
    FinishJob {
        /// The worker's right to the job.
        fence: Fence,
        /// How the run ends.
        end: JobEnd,
        /// When it ended, procedure time.
        at: Timestamp,
    },
    /// A dead, parked or cancelled job is ready again, in its lane, with failures and deferral forgotten.
    /// One that is ready is made due at `at` and keeps them. Conflict `job state` if running or done.
    ReplayJob {
        /// The job that runs again.
        id: JobId,
        /// When it is due from now on, procedure time.
        at: Timestamp,
    },
    /// Cancels a job that is ready, parked or dead. Conflict `job state` if running or done.
    CancelJob {
        /// The job that is not wanted any more.
        id: JobId,
        /// The reason, in one line.
        why: String,
        /// When it was cancelled, procedure time.
        at: Timestamp,
    },
    /// Cancels a job by key if it is ready, parked or dead; else nothing. Never a conflict.
    CancelJobByKey {
        /// The job that is not wanted any more, by its key.
        key: String,
        /// The reason, in one line.
        why: String,
        /// When it was cancelled, procedure time.
        at: Timestamp,
    },
    /// Opens a work item; if one with the same dedupe key is open, that one is left as it is.
    OpenWork(WorkItem),
    /// Settles a work item. Conflict `work item state` if it is settled.
    SettleWork {
        /// The item that is settled.
        id: WorkItemId,
        /// By whom, when and by which action.
        settled: WorkSettled,
    },
    /// Puts an entry into the list of the open work item with this dedupe key (the member `list` of
    /// its detail, by name), or takes it out. Never a conflict.
    ListInWork {
        /// The item whose list it is, by its dedupe key.
        dedupe_key: String,
        /// The entry's name.
        entry: String,
        /// What is listed; `None` takes it out.
        value: Option<serde_json::Value>,
    },
    /// Settles every open work item of a case. Never a conflict.
    SettleCaseWork {
        /// The case whose items are settled.
        case: CaseId,
        /// By whom, when and by which action.
        settled: WorkSettled,
    },
    /// Settles the open work item with this dedupe key, if there is one. Never a conflict.
    SettleWorkByKey {
        /// The item that is settled, by its dedupe key.
        dedupe_key: String,
        /// By whom, when and by which action.
        settled: WorkSettled,
    },
    /// An owner was reminded. Conflict `work item state` if it is settled.
    RemindWork {
        /// The item whose owner was reminded.
        id: WorkItemId,
        /// When she is reminded next.
        next: Timestamp,
        /// The owner from now on (escalation).
        owner: String,
    },
    /// Links a client to a contact, or replaces the link. Conflict `contact` if another client is
    /// linked to it.
    PutLink(Link),
    /// Forgets a link.
    RemoveLink {
        /// The client who is linked no more.
        client: ClientId,
    },
    /// Stores an open or click. What is known already is left, or completed by what was read: see
    /// [`Engagement`]. Never a conflict.
    PutEngagement(Engagement),
    /// Stores or replaces what is known of the address of a contact.
    PutWatched(WatchedContact),
    /// Stores or replaces a coach.
    PutCoach(Coach),
    /// Stores a setting as JSON.
    PutSetting {
        /// Its name.
        key: String,
        /// Its value.
        value: serde_json::Value,
    },
    /// Stores a setting unless it is there.
    PutSettingOnce {
        /// Its name.
        key: String,
        /// Its value.
        value: serde_json::Value,
    },
    /// Stores a procedure version unless it is there.
    PutProcedure(ProcedureVersion),
    /// Stores a pair of tokens as fresh and frees the lease. Conflict `credential version` unless
    /// the stored version is one less (none for version 1). The lease is not asked for: a pair that
    /// the vendor has issued is the only one that works, whoever's turn it has become meanwhile.
    PutCredential(NewCredential),
    /// The right to refresh with this version: the credential becomes uncertain, with one try
    /// more. Conflict `credential lease` if it has another version, is dead, or is leased.
    LeaseCredential(CredentialLease),
    /// A refresh brought no new pair; frees the lease. Conflict `credential lease` unless version
    /// and owner are still those of the lease.
    SettleCredential(CredentialSettled),
    /// A person begins to connect. Replaces what she had begun before.
    BeginAuthorization(Authorization),
    /// The authorization of this name and hash is used up. Conflict `authorization` if it is not
    /// there (any more).
    UseAuthorization(Authorization),
    /// Replaces what is kept of a vendor's rate limiter. Conflict `pace version` unless the stored version
    /// is `expected`; 0 where there is none. The stored version becomes `expected + 1`.
    PutLimiterState {
        /// The vendor, by its stored name.
        vendor: String,
        /// The version it was computed from.
        expected: u64,
        /// What is to be kept.
        body: serde_json::Value,
    },
    /// Replaces what is kept of a vendor's incidents. Conflict `incidents version` unless the stored version is
    /// `expected`; 0 where there is none. The stored version becomes `expected + 1`.
    PutIncidents {
        /// The vendor, by its stored name.
        vendor: String,
        /// The version it was computed from.
        expected: u64,
        /// What is to be kept.
        body: serde_json::Value,
    },
    /// Writes the audit log.
    Audit(AuditEntry),
}
