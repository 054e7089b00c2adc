//! Who has opened or clicked lately: a cheap sign that somebody's mail is worth reading again.

use std::fmt::Debug;

use async_trait::async_trait;
use relay_core::ids::ContactId;
use relay_core::time::Timestamp;
use relay_http_client::CallError;

/// What an address shows, over all mail to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activity {
    /// A digest of the address: enough to know it again, and no address.
    pub address: String,
    /// The latest open.
    pub last_open_at: Option<Timestamp>,
    /// The latest click.
    pub last_click_at: Option<Timestamp>,
}

impl Activity {
    /// The later of the two.
    pub fn latest(&self) -> Option<Timestamp> {
        self.last_open_at.max(self.last_click_at)
    }
}

/// Looks at addresses. Reads only.
#[async_trait]
pub trait Addresses: Debug + Send + Sync {
    /// Every address at which anything was opened or clicked at or after `since`; `None` if the
    /// CRM has no such list.
    async fn moved(&self, since: Timestamp) -> Result<Option<Vec<Activity>>, CallError>;
    /// The digest of a contact's address; `None` if it has none or is gone.
    async fn address(&self, contact: &ContactId) -> Result<Option<String>, CallError>;
    /// What a contact's address shows; `None` if it has none, or nothing was ever mailed there.
    async fn activity(&self, contact: &ContactId) -> Result<Option<Activity>, CallError>;
}
