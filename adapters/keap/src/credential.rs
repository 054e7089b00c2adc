//! What a request shows to be let in: a key that stays, or a token that changes under way.
//!
//! People: the client asks before each request; whoever keeps the credential (a fixed key here,
//! the relay's store of tokens elsewhere) answers.
//!
//! Rules:
//! - The client shows what [`Credential::current`] gives, and nothing it remembers.
//! - A refusal (401) is told once a request, by what was shown. If there is another one to show,
//!   the request is made once more with it; a second refusal is the caller's.
//! - A request that changes something is made again only if the *gateway* refused it, which it does
//!   before it looks at the path. A refusal by what lies behind it may have come after the work.

use std::fmt::Debug;

use async_trait::async_trait;
use relay_http_client::CallError;
use secrecy::{ExposeSecret as _, SecretString};

use crate::client::SettingsError;

/// Keeps the credential of one tenant.
#[async_trait]
pub trait Credential: Debug + Send + Sync {
    /// What is to be shown now. An error ends the request before it is made.
    async fn current(&self) -> Result<SecretString, CallError>;

    /// Keap refused `shown`. Another one to show, or `None` if there is no other.
    async fn refused(&self, shown: &SecretString) -> Result<Option<SecretString>, CallError>;
}

/// A service-account key or a personal access token: it never changes.
#[derive(Debug, Clone)]
pub struct FixedKey(SecretString);

impl FixedKey {
    /// Such a key; refuses one that no header may hold.
    pub fn new(key: SecretString) -> Result<Self, SettingsError> {
        let text = key.expose_secret();
        let trimmed = text.trim();
        if trimmed.is_empty() || !trimmed.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(SettingsError::Key);
        }
        if trimmed.len() < text.len() {
            return Ok(Self(SecretString::from(trimmed)));
        }
        Ok(Self(key))
    }
}

#[async_trait]
impl Credential for FixedKey {
    async fn current(&self) -> Result<SecretString, CallError> {
        Ok(self.0.clone())
    }

    async fn refused(&self, _shown: &SecretString) -> Result<Option<SecretString>, CallError> {
        Ok(None)
    }
}
