//! The subscriptions by which the CRM tells us of changes.
//!
//! A subscription may become inactive without a word, and what happens while it is inactive is never told.
//! So a registry also answers what changed since a time.

use std::fmt::Debug;

use async_trait::async_trait;
use relay_core::time::{SignedDuration, Timestamp};
use relay_http_client::CallError;
use serde::Serialize;

use crate::receipts::HintObject;

/// Whether a subscription tells us anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SubscriptionState {
    /// It does.
    #[serde(rename = "awake")]
    Active,
    /// It is there and does not: never verified, or switched off.
    #[serde(rename = "asleep")]
    Inactive,
    /// There is none.
    Missing,
    /// The vendor's account has no such event.
    NotOffered,
}

/// One event we need, and the state of its subscription. Never holds the address, which has a secret in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HookStatus {
    /// The event.
    pub event: String,
    /// What kind of object it is about.
    pub object: HintObject,
    /// The vendor's key of the subscription, if there is one.
    pub key: Option<String>,
    /// Whether it tells us anything.
    #[serde(rename = "standing")]
    pub state: SubscriptionState,
    /// `missing`, `not offered by this account`, or the vendor's own word.
    pub status: String,
    /// The id of the secret in the path it sends to; `None` if there is none or it is no longer
    /// configured.
    pub path: Option<String>,
    /// What was done, or would be; empty where nothing is to be done.
    pub done: Vec<String>,
    /// Why it could not be made what it should be.
    pub problem: Option<String>,
}

/// What a sync is to do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SyncWish {
    /// Only say what would be done.
    pub dry_run: bool,
    /// Close the older paths, once every subscription sends to the current one.
    pub finish_rotation: bool,
    /// Only these events; all if `None`.
    pub only: Option<Vec<String>>,
}

/// What a sync did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Synced {
    /// How each event stands now.
    pub hooks: Vec<HookStatus>,
    /// The ids of the secrets whose paths are closed.
    pub closed: Vec<String>,
}

/// An object that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// The vendor's id.
    pub id: String,
    /// When it last changed, on the vendor's clock; `None` where it doesn't say.
    pub at: Option<Timestamp>,
}

/// Which objects are asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Among<'a> {
    /// All there are.
    All,
    /// Those with these ids.
    Ids(&'a [String]),
}

/// The subscriptions that point at this relay.
#[async_trait]
pub trait HookRegistry: Debug + Send + Sync {
    /// How often the subscriptions are to be looked at, procedure time. `None` where none can be
    /// made, because the configuration doesn't say where the vendor is to send.
    fn every(&self) -> Option<SignedDuration>;
    /// Learns, before the first webhook is received, which paths were closed. Asks no vendor.
    async fn prepare(&self) -> Result<(), CallError> {
        Ok(())
    }
    /// How each event we need stands.
    async fn list(&self) -> Result<Vec<HookStatus>, CallError>;
    /// Makes what is missing, verifies what is not, moves what sends to an older path, removes
    /// what is there twice. Safe to repeat. One event that can't be restored stops no other: see
    /// [`HookStatus::problem`].
    async fn sync(&self, wish: SyncWish) -> Result<Synced, CallError>;
    /// What changed at or after `since`, each object once. Objects that are gone are not told.
    /// Kinds that can't be listed by time alone are an error with [`Among::All`].
    async fn changed_since(
        &self,
        object: HintObject,
        among: Among<'_>,
        since: Timestamp,
    ) -> Result<Vec<Changed>, CallError>;
}
