//! Credentials that change under way: tokens, kept so that they are never lost.
//!
//! A vendor's refresh token works once. Whoever uses it twice, loses the answer, or lets two
//! processes use it at the same time, loses the connection, and a person has to sign in again.
//!
//! ```text
//!            ┌──────── new pair stored ◀─────── answer ────────┐
//!            ▼                                                 │
//!  fresh ──lease: "one is under way" is stored──▶ uncertain ──request──▶ no answer
//!    ▲                                                │            │
//!    │ refused for now, not sent                      │            └─▶ once more, later ──▶ dead
//!    └────────────────────────────────────────────────┘                refused, or no answer again
//! ```
//!
//! People: the *keeper* of a connection gives tokens to the vendor's client and buys new ones; a
//! person *connects* (prints a page's address, agrees there); the periodic job `credential` keeps
//! idle connections alive and raises the alarm in time.
//!
//! Rules:
//! - One refresh at a time: in a process by a lock, across processes by a lease in the row. Whoever
//!   comes second reads what the first one brought.
//! - That a refresh is under way is stored before its request; a new pair is stored before it is
//!   used.
//! - A refresh is a task of its own: a job that is dropped in the middle does not take the answer
//!   with it.
//! - After a lost answer the same token is tried once more, not sooner than it must be, and then
//!   never again.
//! - Tokens are sealed at rest, and stand in no log, error or URL.
//!
//! Guarantees: a crash at any place leaves a row that says so. While an access token is good, work
//! goes on, whatever became of a refresh.
//!
//! Not guaranteed: that a lost answer can be made up for. If the vendor has rotated and knows no
//! grace, a person must connect anew; then it is the alarm that is guaranteed.

mod connect;
mod keeper;
mod refresh;
mod seal;

use async_trait::async_trait;
use relay_core::time::{SignedDuration, Timestamp};
use relay_store::Credential;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

pub use keeper::{Keeper, Parts};
pub use seal::{KEY_BYTES, SealError, SealKey, Sealer, new_key};

use crate::lifecycle::pause;

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
pub trait Pace: std::fmt::Debug + Send + Sync {
    /// Lets a moment pass.
    async fn a_moment(&self);
}

/// A tenth of a real second.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealPace;

#[async_trait]
impl Pace for RealPace {
    async fn a_moment(&self) {
        pause(std::time::Duration::from_millis(100)).await;
    }
}

/// A pair of tokens, opened.
#[derive(Debug, Clone)]
struct Pair {
    access: SecretString,
    refresh: SecretString,
}

/// What is sealed.
#[derive(Serialize, Deserialize)]
struct Sealed<'a> {
    access: std::borrow::Cow<'a, str>,
    refresh: std::borrow::Cow<'a, str>,
}

impl Pair {
    fn to_bytes(&self) -> Vec<u8> {
        let sealed = Sealed {
            access: self.access.expose_secret().into(),
            refresh: self.refresh.expose_secret().into(),
        };
        // Two texts always are JSON.
        serde_json::to_vec(&sealed).unwrap_or_default()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let sealed: Sealed<'_> = serde_json::from_slice(bytes).ok()?;
        Some(Self {
            access: SecretString::from(sealed.access.as_ref()),
            refresh: SecretString::from(sealed.refresh.as_ref()),
        })
    }
}

/// When the access token of a pair is to be renewed: a tenth of its life before its end.
fn renew_at(issued: Timestamp, expires: Timestamp) -> Timestamp {
    let margin = (expires.duration_since(issued) / 10).max(MARGIN);
    expires.saturating_sub(margin).unwrap_or(Timestamp::MIN)
}

/// When the same token may be tried again after a lost answer: soon where work stands still, and
/// else late enough for a vendor to recover.
fn next_try(row: &Credential, urgent: bool) -> Option<Timestamp> {
    let wait = if urgent {
        SignedDuration::from_mins(1)
    } else {
        SignedDuration::from_mins(30)
    };
    let tried = row.tried_at.filter(|_| row.tries > 0)?;
    Some(tried.saturating_add(wait).unwrap_or(Timestamp::MAX))
}
