//! What carries requests out, and what comes of it.

use std::fmt::Debug;

use async_trait::async_trait;
use relay_core::effects::Request;
use relay_core::time::Timestamp;
use relay_http_client::CallError;

use super::name::Name;

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
    Seen(FoundAtVendor),
    /// It is not in what the vendor shows.
    NotSeen {
        /// The highest ordinal that was seen of things that are out of the way; 0 if none was.
        taken: u32,
    },
}

/// Something of ours at a vendor.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FoundAtVendor {
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
