//! What a kind of sender must teach us: how to verify it, and how to read what it sent.

use std::fmt::Debug;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use relay_core::channel::EngagementEvent;
use relay_core::facts::Fact;
use relay_core::ids::{ClientId, ContactId};
use relay_core::time::Timestamp;
use relay_store::Receipt;

/// A sender of webhooks. Implemented in `wiring`, one per route; verification and parsing proper
/// live in the vendor's crate.
pub trait Source: Debug + Send + Sync {
    /// The name stored with each receipt, and the last part of the route (`/hooks/NAME`).
    fn name(&self) -> &'static str;

    /// Whether the route carries a secret as a further path segment (`/hooks/NAME/{secret}`).
    fn secret_in_path(&self) -> bool;

    /// The largest body that is read, in bytes; a longer one is refused with 413.
    fn max_body(&self) -> usize;

    /// The body with the query of the address, for a sender that may put content there. Nothing of
    /// a query reaches a log; by default it is not looked at.
    fn with_query(&self, _headers: &HeaderMap, _query: Option<&str>, body: Bytes) -> Bytes {
        body
    }

    /// Whether the body is worth reading: refuses whoever the path's secret or the headers alone give
    /// away. It costs no more than they do, and a genuine request passes whatever its body holds.
    /// What passes is not verified yet.
    fn admit(
        &self,
        headers: &HeaderMap,
        path_secret: Option<&str>,
        now: Timestamp,
    ) -> Result<(), Refusal>;

    /// Verifies the raw bytes. Nothing in them is believed before this returns `Ok`.
    fn verify(
        &self,
        headers: &HeaderMap,
        path_secret: Option<&str>,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Verified, Refusal>;

    /// Reads a stored receipt. Never fails: what can't be used is quarantined with the reason.
    fn parse(&self, receipt: &Receipt) -> Parsed;

    /// Whether it tells again and again what it told before, so that only what differs is news: a list that
    /// is sent whole.
    fn repeats(&self) -> bool {
        false
    }

    /// When what a receipt says was so: what is said of a later moment outranks it.
    fn told_at(&self, receipt: &Receipt) -> Timestamp {
        receipt.received_at
    }

    /// The setting that must hold a later moment, real time, for a handshake to be echoed: we are
    /// asking for one. `None`: every verified handshake is echoed.
    fn handshake_window(&self) -> Option<&'static str> {
        None
    }

    /// The answer when the database can't store: 503, so that the sender tries again.
    fn unavailable(&self) -> StatusCode {
        StatusCode::SERVICE_UNAVAILABLE
    }
}

/// What verification found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verified {
    /// A delivery.
    Delivery {
        /// See [`Receipt::dedupe_key`].
        dedupe_key: String,
        /// See [`Receipt::dedupe_forever`].
        dedupe_forever: bool,
        /// The id (never the value) of the key that verified it.
        verified_by: String,
    },
    /// A handshake: answered 200 with this header, nothing is stored.
    Handshake {
        /// The header to echo.
        header: (HeaderName, HeaderValue),
    },
}

/// Why a request is refused: the fault in words for the sender's developer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The status: 400, 401, 404 or 413 where a sender can act on it.
    pub status: StatusCode,
    /// A stable code: `signature_mismatch`, `timestamp_outside_window`, …
    pub code: &'static str,
    /// What is wrong and what would be right. No secret, no content.
    pub message: String,
}

/// What a receipt says.
#[derive(Debug, Clone, PartialEq)]
pub enum Parsed {
    /// Facts and hints, either of which may be none.
    Content {
        /// What a signed sender told us.
        facts: Vec<Fact>,
        /// What changed, to be read again before it is believed.
        hints: Vec<Hint>,
        /// What came of it, in one line without personal data (`unknown type x`, `2 tasks`).
        note: Option<String>,
    },
    /// A contact opened or clicked an email. Believed as told: it can do no more than turn a
    /// planned call into an email.
    Engagement {
        /// Whose contact in the CRM.
        contact: ContactId,
        /// The open or click that was told.
        event: EngagementEvent,
    },
    /// Content we can't use.
    Quarantine {
        /// What is wrong with it, for people.
        reason: String,
        /// What could be used all the same: one broken object among 1,000 stops only itself (E36).
        hints: Vec<Hint>,
        /// The same of what a signed sender told us.
        facts: Vec<Fact>,
        /// The clients about whom something was left out: what is known of them may be old.
        unread: Vec<ClientId>,
    },
}

/// Something changed in the CRM: to be read again.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Hint {
    /// What kind of object.
    pub object: HintObject,
    /// Its id.
    pub id: String,
    /// When it changed, if the sender says so; capped at the time of receipt.
    pub at: Option<Timestamp>,
    /// Whether it was deleted.
    pub deleted: bool,
    /// Of tags: the one that was put on, by its id, where that is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
}

/// The kinds of object that hints are about.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum HintObject {
    /// A contact.
    Contact,
    /// A task.
    Task,
    /// A subscription.
    Subscription,
    /// The tags of a contact, by its id.
    Tags,
}
