//! The subscriptions by which the CRM tells us of changes.

use std::fmt::Debug;

use async_trait::async_trait;
use relay_http_client::CallError;
use serde::Serialize;

/// One event we need, and how it stands. Never holds the address, which has a secret in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HookStatus {
    /// The event.
    pub event: String,
    /// The vendor's key of the subscription, if there is one.
    pub key: Option<String>,
    /// `missing`, `not offered by this account`, or the vendor's own word.
    pub status: String,
}

/// The subscriptions that point at this relay.
#[async_trait]
pub trait HookRegistry: Debug + Send + Sync {
    /// How each event we need stands.
    async fn list(&self) -> Result<Vec<HookStatus>, CallError>;
    /// Makes what is missing and verifies what is not. Safe to repeat. With `dry_run`, only says
    /// what stands how.
    async fn sync(&self, dry_run: bool) -> Result<Vec<HookStatus>, CallError>;
}
