//! The rows, as the relay sees them.

use relay_core::ids::{CaseId, ClientId, ContactId, EffectKey, JobId, ReceiptId, WorkItemId};
use relay_core::time::Timestamp;
use serde::{Deserialize, Serialize};

macro_rules! states {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$vdoc])* $variant),* }

        impl $name {
            /// Every state.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];
            /// The stored name.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }
            /// The state with this stored name.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($text => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

states! {
    /// Where a receipt stands. The receipt row is the intake queue.
    ReceiptState {
        /// Stored and acknowledged, not yet read.
        New = "new",
        /// Read: its facts and jobs are stored.
        Done = "done",
        /// Content we can't use; kept with the reason, answered 2xx where the vendor needs that.
        Quarantined = "quarantined",
        /// The same event as an earlier receipt.
        Duplicate = "duplicate",
    }
}

/// An inbound webhook as received: the raw bytes, whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Our id.
    pub id: ReceiptId,
    /// The route it came by: `clear-connection`, `keap`, `keap-automation`.
    pub source: String,
    /// What makes it the same event as another: the vendor's id, or a hash of the body. Another body
    /// under a vendor's id is never a duplicate: it is stored under [`reused_key`](Self::reused_key).
    pub dedupe_key: String,
    /// Whether the dedupe key stays taken forever (`true`: the vendor's id), or only while an
    /// equal receipt is unprocessed (`false`: Keap's body hash).
    pub dedupe_forever: bool,
    /// The id of the key or secret that verified it (leaked-key lists, E74).
    pub verified_by: String,
    /// When it arrived, procedure time.
    pub received_at: Timestamp,
    /// The media type it came with.
    pub content_type: Option<String>,
    /// The bytes that were verified.
    pub body: Vec<u8>,
    /// Where it stands.
    pub state: ReceiptState,
    /// The original, when this is a duplicate.
    pub duplicate_of: Option<ReceiptId>,
    /// Why it is quarantined, or what came of it, in one line.
    pub note: Option<String>,
    /// When it left [`ReceiptState::New`].
    pub processed_at: Option<Timestamp>,
}

/// What parts a sender's id from the digest of the body that came under it once more: no header can
/// hold it.
const PARTS: char = '\u{1F}';

impl Receipt {
    /// The key of a body that came under a dedupe key which another body has already.
    pub fn reused_key(dedupe_key: &str, body_digest: &str) -> String {
        format!("{dedupe_key}{PARTS}{body_digest}")
    }

    /// The sender's id, where it was used for another body before.
    pub fn reused_id(&self) -> Option<&str> {
        let (id, _) = self.dedupe_key.split_once(PARTS)?;
        Some(id)
    }
}

states! {
    /// Where a job stands.
    ///
    /// ```text
    /// ready ──claim──▶ running ──▶ done
    ///   ▲  ▲              ├──▶ ready again (retry: a failure more; snooze: none)
    ///   │  │              ├──▶ parked ──person──▶ ready
    ///   │  └──rescue──────┤
    ///   └──replay── dead ◀┘        cancelled ◀── ready, parked, dead
    /// ```
    ///
    /// A running job may also end cancelled, or be handed back as ready. A new wish makes any job ready that
    /// is not running; a replay, any that is dead, parked or cancelled.
    JobState {
        /// Waits for its time and its lane.
        Ready = "ready",
        /// Claimed under a lease.
        Running = "running",
        /// It has done what it was for.
        Done = "done",
        /// Waits for a person.
        Parked = "parked",
        /// Given up; may be replayed.
        Dead = "dead",
        /// No longer wanted.
        Cancelled = "cancelled",
    }
}

/// A piece of queued work.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// Unique for all time: the same wish queued twice is one job.
    pub key: String,
    /// What to do: `effect`, `timer`, `read`, `missed_check`, `reread`, `reconcile`, `reminder`, …
    pub kind: String,
    /// Its order of work, for most kinds the client's own: one running job per lane, in `seq` order among those
    /// due (but see [`Claim::case`](crate::Claim)).
    pub lane: String,
    /// Order of creation, given by the store.
    pub seq: i64,
    /// Where it stands.
    pub state: JobState,
    /// Not before this, procedure time.
    pub run_at: Timestamp,
    /// Raised by every claim; every change made by the holder names it.
    pub fence: u64,
    /// Tries that failed since it was last queued anew, replayed, or put off by a run that failed at nothing.
    /// Snoozes don't count.
    pub failures: u32,
    /// When the first of those failures was: the budget of tries counts from here.
    pub failing_since: Option<Timestamp>,
    /// Who runs it.
    pub leased_by: Option<String>,
    /// Until when the lease holds, real time.
    pub lease_until: Option<Timestamp>,
    /// The client, for filters.
    pub client: Option<ClientId>,
    /// The case, for filters and cancelling.
    pub case: Option<CaseId>,
    /// What the kind needs.
    pub payload: serde_json::Value,
    /// The class and text of the last failure.
    pub last_error: Option<JobError>,
    /// Why it was put off or cancelled, in one line; `None` once it runs again.
    pub note: Option<String>,
    /// The vendor that keeps it waiting: it had no permit, or its call was kept back or refused with
    /// "too many". Any other end, and a new wish, clear it.
    pub deferred_by: Option<String>,
    /// Whether a call of its own was refused with "too many" while the vendor answered others. Said anew
    /// by each end that brings it back; any other end, and a new wish, clear it.
    pub refused: bool,
    /// How often in a row it was taken back because its process died while it ran: any end of a
    /// run, and a new wish, begin anew. See [`SUSPECT`].
    pub rescues: u32,
    /// When it was queued.
    pub created_at: Timestamp,
    /// When it last changed state.
    pub changed_at: Timestamp,
}

/// After so many rescues in a row a job is a suspect: it may be what ended its process, or may
/// have run beside it. It is claimed only while no other job runs, and no other is claimed until
/// it has run.
pub const SUSPECT: u32 = 2;

/// A job to be queued.
#[derive(Debug, Clone, PartialEq)]
pub struct NewJob {
    /// Its id, should it be new. The moment it was made, which the id carries to the millisecond,
    /// becomes [`Job::created_at`].
    pub id: JobId,
    /// See [`Job::key`].
    pub key: String,
    /// See [`Job::kind`].
    pub kind: String,
    /// See [`Job::lane`].
    pub lane: String,
    /// See [`Job::run_at`].
    pub run_at: Timestamp,
    /// See [`Job::client`].
    pub client: Option<ClientId>,
    /// See [`Job::case`].
    pub case: Option<CaseId>,
    /// See [`Job::payload`].
    pub payload: serde_json::Value,
}

/// The key of the job that carries out an effect: what `Op::CancelEffect` cancels with it.
pub fn effect_job_key(key: &EffectKey) -> String {
    format!("effect/{key}")
}

/// Why a try failed: the class's stored name and a text without personal data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobError {
    /// `not_sent`, `retryable`, `unauthorised`, `permanent`, `unclear` (the classes of `relay_core::retry`),
    /// `held` (a guard held it for a person), `not_listed` (the portal does not list the check-in),
    /// `died_with_process`, `internal` (its failure could not be handled) or `unreadable` (its row is
    /// damaged).
    pub class: String,
    /// In one line.
    pub message: String,
    /// The name of the vendor whose call failed; `None` where it was no vendor's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor: Option<String>,
}

impl JobError {
    /// An error that is no vendor's.
    pub fn new(class: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            class: class.into(),
            message: message.into(),
            vendor: None,
        }
    }
}

/// One try of a job, a row for each fence. At least the latest 200 of a job are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The job.
    pub job: JobId,
    /// The fence it ran under.
    pub fence: u64,
    /// Procedure time.
    pub ended_at: Timestamp,
    /// `done`, `again`, `snoozed`, `parked`, `dead`, `cancelled`, `rescued`.
    pub result: String,
    /// Why, where it failed.
    pub error: Option<JobError>,
    /// Why it was put off or cancelled, in one line.
    pub note: Option<String>,
}

states! {
    /// Where an effect stands.
    ///
    /// ```text
    /// planned ──intent──▶ intended ──▶ done
    ///   ▲  │                 ├──not sent──▶ planned (next revision)
    ///   │  │                 ├──dead
    ///   │  │                 └──unclear ──probe──▶ done | planned (absence proven) | unsettled
    ///   │  └──▶ overtaken, held, proposed, cancelled, done (already true), dead
    ///   └──person or replay── held, dead, unsettled
    /// ```
    ///
    /// One that is cancelled although a request of it may have been carried out becomes *unclear*
    /// and is withdrawn: it is looked for, and ends as done, cancelled or unsettled. Also planned → unsettled,
    /// where an earlier one may have gone out, and unsettled → done, by an answer that comes late.
    EffectState {
        /// Wanted; nothing has been sent.
        Planned = "planned",
        /// The intent is stored: from here on the vendor may have it.
        Intended = "intended",
        /// It was sent and the outcome is not known: only a probe may follow.
        Unclear = "unclear",
        /// It happened (or was already true).
        Done = "done",
        /// Propose mode: shown, not sent.
        Proposed = "proposed",
        /// The world moved on; not sent.
        Overtaken = "overtaken",
        /// A person must settle something first; not sent.
        Held = "held",
        /// Given up.
        Dead = "dead",
        /// The probe can't tell: a person decides; never sent again by itself.
        Unsettled = "unsettled",
        /// No longer wanted; not sent.
        Cancelled = "cancelled",
    }
}

/// A fact as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct FactRow {
    /// The fact.
    pub fact: relay_core::facts::Fact,
    /// The receipt it came by, if it did.
    pub receipt: Option<ReceiptId>,
    /// When we learned it, procedure time.
    pub learned_at: Timestamp,
}

/// Something a person must do.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkItem {
    /// Its id.
    pub id: WorkItemId,
    /// One open item per key: the same wish opened twice is one item.
    pub dedupe_key: String,
    /// `reply`, `hold`, `by_hand`, `call_outcome`, `unsettled`, `dead_job`, `link`, `backlog`, …
    pub kind: String,
    /// A coach id, or a role such as `program_manager`, `admin`.
    pub owner: String,
    /// What is to be done, in one line.
    pub title: String,
    /// Everything needed to do it.
    pub detail: serde_json::Value,
    /// The names of the actions that settle it.
    pub actions: Vec<String>,
    /// The client, where there is one.
    pub client: Option<ClientId>,
    /// The case, where there is one.
    pub case: Option<CaseId>,
    /// The effect, where it is about one.
    pub effect: Option<EffectKey>,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When it should be done.
    pub due: Timestamp,
    /// When the owner is reminded next.
    pub remind_at: Timestamp,
    /// How often she has been.
    pub reminders: u32,
    /// How it was settled: who, when, what; `None` while open.
    pub settled: Option<WorkSettled>,
}

/// How a work item was settled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkSettled {
    /// When it was settled, procedure time.
    pub at: Timestamp,
    /// By whom: a name, or `relay` when an event settled it.
    pub by: String,
    /// Which action, or why.
    pub action: String,
}

/// Which CRM contact a client is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The client.
    pub client: ClientId,
    /// The contact.
    pub contact: ContactId,
    /// How we know: `portal`, `email`, or `person:NAME`.
    pub source: String,
    /// When it was made, procedure time.
    pub at: Timestamp,
}

/// A line of the audit log: what a person did.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditEntry {
    /// When it was done, procedure time.
    pub at: Timestamp,
    /// The person, by name.
    pub who: String,
    /// What: `stop`, `resume`, `replay`, `cancel`, `work.done`, `case.close`, `link`, …
    pub what: String,
    /// The object it was done to: an id, or a name.
    pub object: String,
    /// The rest.
    pub detail: serde_json::Value,
}

/// A stored version of a procedure, so that old cases keep theirs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcedureVersion {
    /// Its hash.
    pub hash: String,
    /// The procedure's name.
    pub name: String,
    /// Parameters and scripts as one JSON document.
    pub body: String,
}

/// What many cases meet alike at a vendor. One row for each vendor of which there is anything to remember.
#[derive(Debug, Clone, PartialEq)]
pub struct IncidentsRow {
    /// The vendor.
    pub vendor: String,
    /// Raised by one with each change.
    pub version: u64,
    /// What is kept, as one document.
    pub body: serde_json::Value,
}

/// Where a vendor stands: how much of it may be asked, and when. One row for each vendor of which
/// there is anything to remember; every worker of every process reads and changes it.
#[derive(Debug, Clone, PartialEq)]
pub struct LimiterRow {
    /// The vendor.
    pub vendor: String,
    /// Raised by one with each change.
    pub version: u64,
    /// What is kept, as one document.
    pub body: serde_json::Value,
}
