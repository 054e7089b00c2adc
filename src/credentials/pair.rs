//! A pair of tokens, opened, and when it is renewed.

use std::borrow::Cow;

use async_trait::async_trait;
use relay_core::time::{SignedDuration, Timestamp, earlier, later};
use relay_store::Credential;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use crate::lifecycle::pause;

/// A pair of tokens, opened.
#[derive(Debug, Clone)]
pub(crate) struct Pair {
    pub(crate) access: SecretString,
    pub(crate) refresh: SecretString,
}

impl Pair {
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let sealed = Sealed {
            access: self.access.expose_secret().into(),
            refresh: self.refresh.expose_secret().into(),
        };
        // Two texts always are JSON.
        serde_json::to_vec(&sealed).unwrap_or_default()
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let sealed: Sealed<'_> = serde_json::from_slice(bytes).ok()?;
        Some(Self {
            access: SecretString::from(sealed.access.as_ref()),
            refresh: SecretString::from(sealed.refresh.as_ref()),
        })
    }
}

/// What is sealed.
#[derive(Serialize, Deserialize)]
struct Sealed<'a> {
    access: Cow<'a, str>,
    refresh: Cow<'a, str>,
}

/// How long before its end an access token is renewed at the latest.
const MARGIN: SignedDuration = SignedDuration::from_mins(5);

/// How long a connection may be idle before it is refreshed all the same.
pub const IDLE: SignedDuration = SignedDuration::from_hours(20 * 24);

/// How long before the end of a refresh token somebody hears of it.
pub const ALARM: SignedDuration = SignedDuration::from_hours(10 * 24);

/// How long an authorization may take.
pub const AUTHORIZATION: SignedDuration = SignedDuration::from_mins(10);

/// How somebody waits for another process to bring new tokens.
#[async_trait]
pub trait RefreshWait: std::fmt::Debug + Send + Sync {
    /// Lets a moment pass.
    async fn a_moment(&self);
}

/// A tenth of a real second.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealRefreshWait;

#[async_trait]
impl RefreshWait for RealRefreshWait {
    async fn a_moment(&self) {
        pause(std::time::Duration::from_millis(100)).await;
    }
}

/// When the access token of a pair is to be renewed: a tenth of its life before its end.
pub(crate) fn renew_at(issued: Timestamp, expires: Timestamp) -> Timestamp {
    let margin = (expires.duration_since(issued) / 10).max(MARGIN);
    earlier(expires, margin)
}

/// When the same token may be tried again after a lost answer: soon where work stands still, and
/// else late enough for a vendor to recover.
pub(crate) fn next_try(row: &Credential, urgent: bool) -> Option<Timestamp> {
    let wait = if urgent {
        SignedDuration::from_mins(1)
    } else {
        SignedDuration::from_mins(30)
    };
    let tried = row.tried_at.filter(|_| row.tries > 0)?;
    Some(later(tried, wait))
}
