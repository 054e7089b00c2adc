//! From raw bytes to a stored receipt.
//!
//! For everyone whose webhook must not be lost, and for whoever adds a sender: this code is the
//! same for all of them and knows none.
//!
//! Guarantees:
//! - `Ok` is returned after the commit, so 2xx is said only of what survives a crash.
//! - A duplicate is answered like the original, and only once the original is stored: both go
//!   through the same commit queue, in order.
//! - Nothing in the body is read before it is verified, and nothing of it reaches a log.
//! - Refusals and a database that can't store are lines that a sender can provoke at will: they go
//!   through [`LogThrottle`], and every one is counted ([`Counters`]).
//!
//! Not guaranteed: that the engine is woken. A sender who hangs up during the commit ends this
//! future; the receipt may be stored all the same, and the engine's next look finds it.

use std::sync::Arc;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use relay_core::ids::ReceiptId;
use relay_core::random::Random;
use relay_core::time::{Clock, Timestamp};
use relay_store::{Batch, Op, Receipt, ReceiptState, Store, StoreError};
use thiserror::Error;
use tokio::sync::Notify;

use super::{Counters, Refusal, Source, Verified};
use crate::failpoint::{Failpoints, RECEIVE};
use crate::settings::setting_or_none;
use crate::telemetry::LogThrottle;

/// A longer media type is cut: it is stored for people and decides nothing.
const MAX_CONTENT_TYPE: usize = 120;

/// What became of a request that was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// Stored as a receipt of its own.
    Stored {
        /// The id of the new receipt.
        id: ReceiptId,
    },
    /// Stored as a duplicate of an earlier receipt.
    Duplicate {
        /// The id of the receipt that repeats.
        id: ReceiptId,
        /// The original.
        of: ReceiptId,
    },
    /// A handshake: nothing is stored.
    Handshake {
        /// The header to echo.
        header: (HeaderName, HeaderValue),
    },
}

/// Why a request was not accepted.
#[derive(Debug, Error)]
pub enum NotReceived {
    /// Verification failed. For the sender's developer.
    #[error("refused: {}", .0.code)]
    Refused(Refusal),
    /// It is genuine and can't be stored now. The sender must try again.
    #[error("can't be stored now")]
    Unavailable(#[source] StoreError),
}

/// Receives for every source.
#[derive(Debug, Clone)]
pub struct Receiver {
    /// Where receipts are stored.
    pub store: Arc<dyn Store>,
    /// Procedure time: stamps receipts, and signature windows are measured on it.
    pub clock: Arc<dyn Clock>,
    /// Real time: how long a handshake may be asked for is measured on it.
    pub real: Arc<dyn Clock>,
    /// Makes receipt ids.
    pub random: Arc<dyn Random>,
    /// Wakes the engine after a commit.
    pub wake: Arc<Notify>,
    /// Where a test may cut us off.
    pub failpoints: Arc<dyn Failpoints>,
    /// What happened how often.
    pub counters: Arc<Counters>,
    /// Bounds the log lines that a sender can provoke.
    pub log_throttle: Arc<LogThrottle>,
}

impl Receiver {
    /// Refuses, before anything of the body is read, whoever the path or the headers give away.
    pub fn admit(
        &self,
        source: &dyn Source,
        headers: &HeaderMap,
        path_secret: Option<&str>,
    ) -> Result<(), NotReceived> {
        source
            .admit(headers, path_secret, self.clock.now())
            .map_err(|refusal| self.refused(source, refusal))
    }

    /// Verifies `body` as sent to `source`, stores it, wakes the engine.
    pub async fn receive(
        &self,
        source: &dyn Source,
        headers: &HeaderMap,
        path_secret: Option<&str>,
        body: Bytes,
    ) -> Result<Received, NotReceived> {
        let now = self.clock.now();
        let verified = source
            .verify(headers, path_secret, &body, now)
            .map_err(|refusal| self.refused(source, refusal))?;
        let receipt = match verified {
            Verified::Handshake { header } => {
                self.is_asked_for(source).await?;
                self.counters.count(source.name(), "handshake");
                tracing::info!(source = source.name(), "answered a handshake");
                return Ok(Received::Handshake { header });
            }
            Verified::Delivery {
                dedupe_key,
                dedupe_forever,
                verified_by,
            } => Receipt {
                id: ReceiptId::new(&*self.random, now),
                source: source.name().to_owned(),
                dedupe_key,
                dedupe_forever,
                verified_by,
                received_at: now,
                content_type: content_type(headers),
                body: body.into(),
                state: ReceiptState::New,
                duplicate_of: None,
                note: None,
                processed_at: None,
            },
        };
        self.store(source, receipt).await
    }

    /// Refuses a handshake that nobody of ours is asking for now. The question may be another
    /// process's, so the store is where it stands.
    async fn is_asked_for(&self, source: &dyn Source) -> Result<(), NotReceived> {
        let Some(window) = source.handshake_window() else {
            return Ok(());
        };
        let until = setting_or_none(self.store.as_ref(), window)
            .await
            .map_err(|error| self.unavailable(source, error))?;
        let until: Option<Timestamp> = until.and_then(|at| serde_json::from_value(at).ok());
        if until.is_some_and(|until| until > self.real.now()) {
            return Ok(());
        }
        let refusal = Refusal {
            status: StatusCode::NOT_FOUND,
            code: "handshake_unasked",
            message: "no handshake was asked for".to_owned(),
        };
        Err(self.refused(source, refusal))
    }

    async fn store(&self, source: &dyn Source, receipt: Receipt) -> Result<Received, NotReceived> {
        let id = receipt.id;
        self.failpoints.reach(RECEIVE.before).await;
        let committed = self
            .store
            .commit(Batch::from(vec![Op::InsertReceipt(receipt)]))
            .await
            .map_err(|error| self.unavailable(source, error))?;
        self.failpoints.reach(RECEIVE.after).await;
        // Also for a duplicate: a repeat may be the first word of a receipt whose wake-up was lost.
        self.wake.notify_one();
        if let Some(of) = committed.duplicates.first().copied().flatten() {
            self.counters.count(source.name(), "duplicate");
            tracing::info!(source = source.name(), receipt = %id, original = %of, "duplicate");
            return Ok(Received::Duplicate { id, of });
        }
        self.counters.count(source.name(), "stored");
        tracing::info!(source = source.name(), receipt = %id, "stored");
        Ok(Received::Stored { id })
    }

    fn refused(&self, source: &dyn Source, refusal: Refusal) -> NotReceived {
        // The message is for the sender; the log gets the code, which can't quote anything.
        self.count_refusal(source, refusal.code);
        NotReceived::Refused(refusal)
    }

    fn unavailable(&self, source: &dyn Source, error: StoreError) -> NotReceived {
        self.counters.count(source.name(), "unavailable");
        if let Some(unsaid) = self.log_throttle.admit((source.name(), "unavailable")) {
            // The driver's own words stay with the store, which knows what they may hold.
            tracing::error!(source = source.name(), %error, unsaid, "can't store a genuine request");
        }
        NotReceived::Unavailable(error)
    }

    /// Counts a request that was refused.
    pub fn count_refusal(&self, source: &dyn Source, code: &'static str) {
        self.counters.count(source.name(), code);
        if let Some(unsaid) = self.log_throttle.admit((source.name(), code)) {
            tracing::warn!(source = source.name(), code, unsaid, "refused a request");
        }
    }

    /// Procedure time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

fn content_type(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    Some(text.chars().take(MAX_CONTENT_TYPE).collect())
}
