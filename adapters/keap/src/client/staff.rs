//! The users of the account: whose addresses they are.

use relay_http_client::CallError;

use super::{KeapClient, unfilterable};
use crate::query::Query;
use crate::types::User;

/// What is read of users beside finding one by her address.
#[derive(Debug, Clone, Copy)]
pub struct StaffReads<'a>(pub &'a KeapClient);

impl StaffReads<'_> {
    /// Every user, whatever her status: an email of somebody who has left is still hers.
    pub async fn every_user(&self) -> Result<Vec<User>, CallError> {
        const OPERATION: &str = "keap list users";
        let query = Query::new()
            .eq("include_inactive", "true")
            .map_err(unfilterable(OPERATION))?
            // The users' list alone refuses more than 100.
            .with("page_size", "100");
        self.0
            .whole_list(OPERATION, &["v2", "users"], &query, "users")
            .await
    }
}
