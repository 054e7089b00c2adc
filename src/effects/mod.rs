//! Effects: done to the outside world once, whatever crashes, time-outs and replays occur.
//!
//! No vendor offers an idempotency key that can be relied on, so an effect goes this way:
//!
//! ```text
//! guard ─▶ intent stored ─▶ ONE mutating request ─▶ done
//!   │        (with the case version          ├─ not sent ─▶ planned again: guard again
//!   │         the guard saw)                 ├─ refused for good ─▶ dead + work item
//!   │                                        └─ unclear ─▶ probe ─▶ done
//!   ├─ overtaken: nothing is sent                            ├─ absence proven ─▶ planned again
//!   ├─ hold: a person, with the text ready                   └─ can't tell ─▶ a person decides
//!   └─ later: at its time
//! ```
//!
//! Guarantees:
//! - A guard that could not read never sends: a failed read is a failed try of the job.
//! - Between the intent and its outcome nothing else is sent under the same key. An intent found
//!   without an outcome (a crash) is treated as unclear.
//! - After an unclear outcome the request's bytes are frozen; only a definite "not sent" or a
//!   proven absence leads back to the guard.
//! - Before any request of something that is seen, the first too, the vendor is looked at for its
//!   marker (`first.rs`), and for what earlier requests of the same identity may have left, whatever
//!   they were answered and under whatever key (`again.rs`): a refusal may have come after the work
//!   was done, and the database may be an earlier copy of itself.
//! - What is cancelled although it may have been carried out is looked for all the same (*withdrawn*),
//!   never sent again, and its case hears of it if it was.
//!
//! Not guaranteed: that an effect whose vendor can't prove absence is carried out without a person
//! once its outcome was lost. That two things of one purpose about one check-in both go out: they
//! are one, even if the clinic had reworded the script between.

mod again;
mod attempt;
mod contact_gap;
mod first;
mod guard;
pub mod link;
mod name;
mod perform;
mod probe;
mod run;
pub mod settle;

use std::fmt::Debug;

use async_trait::async_trait;
use relay_core::effects::{Request, Settled};
use relay_core::time::Timestamp;
use relay_http_client::CallError;
use relay_store::Effect;

pub use name::Name;
pub(crate) use name::is_ours;
pub use perform::ThroughPorts;

/// Carries requests out and looks for them afterwards.
#[async_trait]
pub trait Perform: Debug + Send + Sync {
    /// Whether a desired state holds already. Only asked for kinds whose absence is
    /// [`DesiredState`](relay_core::effects::Absence::DesiredState).
    async fn holds(&self, request: &Request) -> Result<Holds, CallError>;

    /// One mutating request at `now`. The vendor's id for what was made, where it gives one, and
    /// what else is worth keeping.
    async fn attempt(
        &self,
        name: &Name,
        request: &Request,
        now: Timestamp,
    ) -> Result<Performed, CallError>;

    /// Looks whether a request made at or after `since` was carried out, under any of the names.
    async fn probe(
        &self,
        name: &Name,
        request: &Request,
        since: Timestamp,
    ) -> Result<ProbeResult, CallError>;
}

/// Whether a desired state holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// It does not.
    No,
    /// It does, and the vendor does not show who brought it about.
    Yes,
    /// The relay has brought it about, as the vendor shows.
    ByUs,
    /// Somebody else has, as the vendor shows: a coach who completed her task has called.
    ByOthers,
}

/// What a successful attempt gave.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Performed {
    /// The vendor's id for what was made.
    pub vendor_ref: Option<String>,
    /// Something an admin must know, in one line: other fields were disturbed.
    pub alarm: Option<String>,
    /// Why the effect is not carried out yet although nothing failed: this attempt's one mutating
    /// request was the first of two, and the next attempt makes the other.
    pub unfinished: Option<&'static str>,
}

/// What a probe saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProbeResult {
    /// It is there.
    Seen(Seen),
    /// It is not in what the vendor shows.
    NotSeen {
        /// The highest ordinal that was seen of things that are out of the way; 0 if none was.
        taken: u32,
    },
}

/// Something of ours at a vendor.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// The vendor's id for it.
    pub vendor_ref: Option<String>,
    /// When it was made there, where the vendor tells.
    pub at: Option<Timestamp>,
    /// A task that somebody has completed: what came of it is there to be read.
    pub completed: bool,
    /// A desired state that holds, and not because of us.
    pub by_others: bool,
}

impl ProbeResult {
    /// Nothing of ours is there.
    pub const NOTHING: Self = Self::NotSeen { taken: 0 };
}

/// The vendor's id for what a done effect made.
pub(crate) fn vendor_ref(effect: &Effect) -> Option<&str> {
    match effect.settled.as_ref()? {
        Settled::Done { vendor_ref, .. } => vendor_ref.as_deref(),
        _ => None,
    }
}
