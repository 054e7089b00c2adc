//! The keeper of one connection: gives out its token, and has a new one bought in time.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use relay_core::random::Random;
use relay_core::retry::Class;
use relay_core::time::{Clocks, SignedDuration, Timestamp};
use relay_http_client::CallError;
use relay_store::{Credential, CredentialState, Store, StoreError};
use secrecy::{ExposeSecret as _, SecretString};
use subtle::ConstantTimeEq as _;
use tokio::sync::Mutex;

use super::pair::{IDLE, Pair, RefreshWait, renew_at};
use super::refresh::{Attempt, Turn};
use super::seal::{SealError, Sealer};
use crate::ports::{ConnectionState, ConnectionStatus, TokenEndpoint};

/// How long a token that was just issued is not replaced because of a refusal: a vendor that
/// refuses good tokens would be asked for one more with each request.
const SETTLING: SignedDuration = SignedDuration::from_mins(5);
/// How often the row is looked at, while another process refreshes, before somebody gives up.
const LOOKS: u32 = 600;

/// What a keeper is made of.
#[derive(Clone)]
pub struct KeeperParts {
    /// The vendor, as commands name it.
    pub name: &'static str,
    /// What errors say was being done; begins with the vendor's name.
    pub operation: &'static str,
    /// The key of the periodic job that raises the alarm.
    pub job: &'static str,
    /// Where the pair is kept.
    pub store: Arc<dyn Store>,
    /// Seals it.
    pub sealer: Sealer,
    /// Where pairs come from.
    pub tokens: Arc<dyn TokenEndpoint>,
    /// The two clocks.
    pub clocks: Clocks,
    /// Nonces, states.
    pub random: Arc<dyn Random>,
    /// The name this process leases under.
    pub owner: String,
    /// How to wait for another process.
    pub refresh_wait: Arc<dyn RefreshWait>,
}

impl fmt::Debug for KeeperParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeeperParts")
            .field("name", &self.name)
            .field("owner", &self.owner)
            .finish_non_exhaustive()
    }
}

/// Keeps one connection. Clones share it.
#[derive(Debug, Clone)]
pub struct Keeper(pub(super) Arc<Inner>);

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) parts: KeeperParts,
    /// What was read last, so that a request needs no read.
    known: RwLock<Option<Arc<OpenedPair>>>,
    /// One refresh at a time.
    pub(super) turn: Mutex<Turn>,
}

/// A pair, opened, with its times.
#[derive(Debug)]
pub(super) struct OpenedPair {
    pub(super) version: u64,
    pub(super) pair: Pair,
    pub(super) issued_at: Timestamp,
    pub(super) expires_at: Timestamp,
}

impl OpenedPair {
    fn renew_at(&self) -> Timestamp {
        renew_at(self.issued_at, self.expires_at)
    }

    fn shows(&self, shown: &SecretString) -> bool {
        let (ours, theirs) = (self.pair.access.expose_secret(), shown.expose_secret());
        ours.as_bytes().ct_eq(theirs.as_bytes()).into()
    }
}

/// Why somebody asks.
#[derive(Debug)]
enum Want {
    /// A token for a request.
    Any,
    /// One instead of this, which was refused.
    Instead(SecretString),
    /// That the connection stays alive.
    Alive,
}

impl Keeper {
    /// A keeper of these parts.
    pub fn new(parts: KeeperParts) -> Self {
        Self(Arc::new(Inner {
            parts,
            known: RwLock::default(),
            turn: Mutex::default(),
        }))
    }

    /// The vendor, as commands name it.
    pub fn name(&self) -> &'static str {
        self.0.parts.name
    }

    /// A token for a request that is about to be made.
    pub async fn current(&self) -> Result<SecretString, CallError> {
        if let Some(known) = self.0.known() {
            let now = self.0.now();
            // Somebody else's refresh is nothing to wait for while the old token is good.
            let busy = now < known.expires_at && self.0.turn.try_lock().is_err();
            if now < known.renew_at() || busy {
                return Ok(known.pair.access.clone());
            }
        }
        let token = self.in_a_task(Want::Any).await?;
        token.ok_or_else(|| self.0.error(Class::Unauthorised, "there is no token"))
    }

    /// A token instead of one that was refused; `None` if there is no better one.
    pub async fn refused(&self, shown: &SecretString) -> Result<Option<SecretString>, CallError> {
        self.in_a_task(Want::Instead(shown.clone())).await
    }

    /// Refreshes if the connection was idle for long, or a refresh was left uncertain.
    pub async fn keep_fresh(&self) -> Result<ConnectionStatus, StoreError> {
        let failed = self.in_a_task(Want::Alive).await.err();
        let mut status = self.status().await?;
        if let Some(error) = failed.filter(|_| status.problem.is_none()) {
            status.problem = Some(error.to_string());
        }
        Ok(status)
    }

    /// A refresh goes on even if whoever asked for it is gone.
    async fn in_a_task(&self, want: Want) -> Result<Option<SecretString>, CallError> {
        let inner = Arc::clone(&self.0);
        let work = tokio::spawn(async move {
            let mut turn = inner.turn.lock().await;
            inner.serve(&want, &mut turn).await
        });
        let cut_off = || self.0.later("the refresh was cut off", None);
        work.await.unwrap_or_else(|_| Err(cut_off()))
    }

    /// How the connection stands, from what is stored.
    pub async fn status(&self) -> Result<ConnectionStatus, StoreError> {
        let parts = &self.0.parts;
        let mut status = ConnectionStatus {
            name: parts.name.to_owned(),
            kind: "oauth".to_owned(),
            state: ConnectionState::NotConnected,
            tenant: None,
            access_expires_at: None,
            refresh_expires_at: None,
            refreshed_at: None,
            problem: None,
            remedy: Some(self.0.remedy()),
        };
        let Some(row) = parts.store.credential(parts.name).await? else {
            status.problem = Some("nobody has connected yet".to_owned());
            return Ok(status);
        };
        status.state = match row.state {
            CredentialState::Fresh => ConnectionState::Fresh,
            CredentialState::Uncertain => ConnectionState::Uncertain,
            CredentialState::Dead => ConnectionState::Dead,
        };
        if row.state != CredentialState::Dead {
            status.remedy = None;
        }
        status.problem.clone_from(&row.note);
        if let Err(error) = self.0.open(&row) {
            status.state = ConnectionState::Unreadable;
            status.problem = Some(error.to_string());
            status.remedy = Some(self.0.remedy());
        }
        status.tenant = row.pair.tenant;
        status.access_expires_at = Some(row.pair.access_expires_at);
        status.refresh_expires_at = Some(row.pair.refresh_expires_at);
        status.refreshed_at = Some(row.pair.issued_at);
        Ok(status)
    }
}

impl Inner {
    pub(super) fn now(&self) -> Timestamp {
        self.parts.clocks.procedure.now()
    }

    fn known(&self) -> Option<Arc<OpenedPair>> {
        self.known
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(super) fn remember(&self, known: OpenedPair) -> Arc<OpenedPair> {
        let known = Arc::new(known);
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&known));
        known
    }

    /// What a person must do when nothing else helps.
    pub(super) fn remedy(&self) -> String {
        format!("clear-relay connect {} --by NAME", self.parts.name)
    }

    pub(super) fn error(&self, class: Class, message: impl Into<String>) -> CallError {
        CallError {
            class,
            vendor: Some(self.parts.name),
            operation: self.parts.operation,
            status: None,
            message: message.into(),
        }
    }

    /// It may work later without anybody doing anything.
    pub(super) fn later(&self, message: &str, after: Option<SignedDuration>) -> CallError {
        self.error(Class::Retryable { after }, message)
    }

    /// Nothing works until a person has connected anew.
    pub(super) fn ended(&self, why: &str) -> CallError {
        let message = format!("{why}; run: {}", self.remedy());
        self.error(Class::Unauthorised, message)
    }

    pub(super) fn unstored(&self, error: &StoreError) -> CallError {
        tracing::warn!(connection = self.parts.name, %error, "the tokens can't be read or stored");
        self.later("the tokens can't be read or stored now", None)
    }

    /// Opens a row.
    pub(super) fn open(&self, row: &Credential) -> Result<OpenedPair, SealError> {
        let (parts, stored) = (&self.parts, &row.pair);
        let sealer = &parts.sealer;
        let opened = sealer.open(&stored.key_id, parts.name, stored.version, &stored.sealed)?;
        Ok(OpenedPair {
            version: stored.version,
            pair: Pair::from_bytes(&opened).ok_or(SealError::Damaged)?,
            issued_at: stored.issued_at,
            expires_at: stored.access_expires_at,
        })
    }

    /// Reads the row, and opens it unless it is the one that is known.
    async fn look(&self) -> Result<(Credential, Arc<OpenedPair>), CallError> {
        let row = self.parts.store.credential(self.parts.name).await;
        let row = row.map_err(|error| self.unstored(&error))?;
        let row = row.ok_or_else(|| self.ended("nobody has connected yet"))?;
        let same = |known: &Arc<OpenedPair>| known.version == row.pair.version;
        if let Some(known) = self.known().filter(same) {
            return Ok((row, known));
        }
        let known = self
            .open(&row)
            .map_err(|error| self.ended(&error.to_string()))?;
        Ok((row, self.remember(known)))
    }

    async fn serve(&self, want: &Want, turn: &mut Turn) -> Result<Option<SecretString>, CallError> {
        if let Err(error) = self.save(&mut turn.unsaved).await {
            let known = self.known().filter(|known| self.now() < known.expires_at);
            return match known.filter(|_| matches!(want, Want::Any)) {
                Some(known) => Ok(Some(known.pair.access.clone())),
                None => Err(error),
            };
        }
        let mut refused_once = false;
        for _ in 0..LOOKS {
            let (row, known) = self.look().await?;
            let now = self.now();
            let refused = matches!(want, Want::Instead(shown) if known.shows(shown));
            let usable = !refused && now < known.expires_at;
            // Only a request needs a token; to be alive is enough for a connection at rest.
            let enough = usable || matches!(want, Want::Alive);
            let token = || Ok(Some(known.pair.access.clone()));
            if enough && !self.is_due(want, &row, &known, now) {
                return token();
            }
            if refused && now.duration_since(known.issued_at).abs() < SETTLING {
                return Ok(None);
            }
            let attempt = self.attempt(&row, &known, !enough, &mut refused_once, turn);
            match attempt.await {
                Attempt::LookAgain => {}
                Attempt::Failed(error) if usable && matches!(want, Want::Any) => {
                    tracing::debug!(connection = self.parts.name, %error, "still on the old token");
                    return token();
                }
                Attempt::Failed(error) => return Err(error),
                // Another process is at it.
                Attempt::Busy if enough => return token(),
                Attempt::Busy => self.parts.refresh_wait.a_moment().await,
            }
        }
        Err(self.later("another process has been refreshing for long", None))
    }

    fn is_due(&self, want: &Want, row: &Credential, known: &OpenedPair, now: Timestamp) -> bool {
        if !matches!(want, Want::Alive) {
            return now >= known.renew_at();
        }
        let idle = now.duration_since(known.issued_at) >= IDLE;
        let other_key = row.pair.key_id != self.parts.sealer.key_id();
        idle || other_key || row.tries > 0
    }
}
