//! The subscriptions at Keap: listed, made, verified.

use std::sync::Arc;

use async_trait::async_trait;
use relay_http_client::CallError;
use relay_keap::KeapClient;
use url::Url;

use crate::ports::{HookRegistry, HookStatus};

/// The events the relay needs: hints that a contact, a call task or a subscription changed, or
/// that a contact is gone (E40).
pub const EVENTS: [&str; 5] = [
    "contact.edit",
    "contact.delete",
    "task.edit",
    "task.complete",
    "subscription.edit",
];

/// Keap's hooks that point at this relay.
#[derive(Debug, Clone)]
pub struct KeapHooks {
    client: Arc<KeapClient>,
    url: Option<Url>,
}

impl KeapHooks {
    /// Hooks to `url`, which holds the path secret; `None` when none can be built.
    pub fn new(client: Arc<KeapClient>, url: Option<Url>) -> Self {
        Self { client, url }
    }

    fn url(&self) -> Result<&Url, CallError> {
        self.url.as_ref().ok_or_else(|| {
            CallError::permanent(
                "keap hooks",
                "set http.public_url and keap.hook_secrets, so that Keap can be told where to send",
            )
        })
    }
}

#[async_trait]
impl HookRegistry for KeapHooks {
    async fn list(&self) -> Result<Vec<HookStatus>, CallError> {
        let url = self.url()?;
        let there = self.client.hooks().await?;
        let ours = |event: &str| {
            there.iter().find(|hook| {
                hook.event_key.as_deref() == Some(event)
                    && hook.hook_url.as_deref() == Some(url.as_str())
            })
        };
        Ok(EVENTS
            .into_iter()
            .map(|event| match ours(event) {
                None => HookStatus {
                    event: event.to_owned(),
                    key: None,
                    status: "missing".into(),
                },
                Some(hook) => HookStatus {
                    event: event.to_owned(),
                    key: hook.key.clone(),
                    status: hook.status.clone().unwrap_or_else(|| "unknown".to_owned()),
                },
            })
            .collect())
    }

    async fn sync(&self, dry_run: bool) -> Result<Vec<HookStatus>, CallError> {
        let url = self.url()?;
        let known = self.client.hook_event_keys().await?;
        let mut synced = Vec::new();
        for mut hook in self.list().await? {
            let offered = known.contains(&hook.event);
            if !offered {
                "not offered by this account".clone_into(&mut hook.status);
            } else if !dry_run && hook.status != "Verified" {
                let changed = match &hook.key {
                    None => self.client.create_hook(&hook.event, url).await?,
                    Some(key) => self.client.verify_hook(key).await?,
                };
                hook.key = changed.key;
                hook.status = changed.status.unwrap_or_else(|| "unknown".to_owned());
            }
            synced.push(hook);
        }
        Ok(synced)
    }
}
