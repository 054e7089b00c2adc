//! REST hook subscriptions. They exist only in v1, where ids are numbers and names camel case.

use http::Method;
use relay_http_client::CallError;
use serde_json::json;
use url::Url;

use super::{KeapClient, decode, done_but_unread, segment};
use crate::query::Query;
use crate::types::Hook;

impl KeapClient {
    /// The event keys that this tenant knows. Nothing else may be subscribed to.
    pub async fn hook_event_keys(&self) -> Result<Vec<String>, CallError> {
        let path = ["v1", "hooks", "event_keys"];
        self.read("keap list event keys", &path, &Query::new())
            .await
    }

    /// Every hook subscription of the tenant, ours and others'.
    pub async fn hooks(&self) -> Result<Vec<Hook>, CallError> {
        self.read("keap list hooks", &["v1", "hooks"], &Query::new())
            .await
    }

    /// Subscribes. Keap calls `url` for the handshake while this call is under way. A second
    /// subscription for the same pair is probably made: list first.
    pub async fn create_hook(&self, event_key: &str, url: &Url) -> Result<Hook, CallError> {
        const OPERATION: &str = "keap create hook";
        let body = json!({"eventKey": event_key, "hookUrl": url.as_str()});
        let path = ["v1", "hooks"];
        let answer = self
            .write(OPERATION, Method::POST, &path, &Query::new(), Some(&body))
            .await?;
        decode(OPERATION, &answer.body)
            .map_err(|_| done_but_unread(OPERATION, &answer, "the answer can't be read"))
    }

    /// Gives a subscription another address. It is `Unverified` until it is verified again, and what
    /// waited to be delivered to it may be lost.
    pub async fn update_hook(
        &self,
        key: &str,
        event_key: &str,
        url: &Url,
    ) -> Result<Hook, CallError> {
        const OPERATION: &str = "keap update hook";
        let body = json!({"eventKey": event_key, "hookUrl": url.as_str()});
        let path = ["v1", "hooks", segment(OPERATION, key)?];
        let answer = self
            .write(OPERATION, Method::PUT, &path, &Query::new(), Some(&body))
            .await?;
        decode(OPERATION, &answer.body)
            .map_err(|_| done_but_unread(OPERATION, &answer, "the answer can't be read"))
    }

    /// Asks Keap to repeat the handshake; what wakes an inactive subscription.
    pub async fn verify_hook(&self, key: &str) -> Result<Hook, CallError> {
        const OPERATION: &str = "keap verify hook";
        let path = ["v1", "hooks", segment(OPERATION, key)?, "verify"];
        let answer = self
            .write(OPERATION, Method::POST, &path, &Query::new(), None)
            .await?;
        decode(OPERATION, &answer.body)
            .map_err(|_| done_but_unread(OPERATION, &answer, "the answer can't be read"))
    }

    /// Ends a subscription. One that is gone is left alone.
    pub async fn delete_hook(&self, key: &str) -> Result<(), CallError> {
        const OPERATION: &str = "keap delete hook";
        let path = ["v1", "hooks", segment(OPERATION, key)?];
        match self
            .write(OPERATION, Method::DELETE, &path, &Query::new(), None)
            .await
        {
            Err(error) if !error.is_not_found() => Err(error),
            _ => Ok(()),
        }
    }
}
