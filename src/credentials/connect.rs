//! A person connects: a word goes out with the address of a page and must come back with a code.
//!
//! The word is 32 random bytes. The database holds its hash; it works once and for ten minutes, and
//! a wrong one uses nothing up, so that a stranger who calls the route can't spoil it.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use relay_core::retry::Class;
use relay_core::time::later;
use relay_store::{
    AuditEntry, Authorization, JobFilter, JobState, Op, Page, StoreError, WorkSettled,
};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use url::Url;

use super::keeper::{Inner, Keeper};
use super::pair::AUTHORIZATION;
use super::refresh::{Turn, Unsaved};
use crate::ports::{Begun, CameBack, ConnectError};
use crate::rate_limit::{connection_key, ended_key};

/// How often the row may change under a person who connects.
const TRIES: u32 = 5;
/// How many waiting jobs are woken at most.
const WAITING: Page = Page {
    offset: 0,
    limit: 1_000,
};

impl CameBack {
    /// What the address holds that a browser was sent back to, whole or from its `?` on.
    pub fn read(address: &str) -> Option<Self> {
        let address = address.trim();
        let query = match Url::parse(address) {
            Ok(url) => url.query()?.to_owned(),
            Err(_) => address.split_once('?')?.1.to_owned(),
        };
        let get = |name: &str| {
            let mut pairs = url::form_urlencoded::parse(query.as_bytes());
            let (_, value) = pairs.find(|(key, _)| key == name)?;
            (!value.is_empty()).then(|| SecretString::from(value.as_ref()))
        };
        Some(Self {
            state: get("state")?,
            code: get("code"),
        })
    }
}

impl Keeper {
    /// Begins an authorization; the one before it is void.
    pub async fn begin(&self, by: &str) -> Result<Begun, StoreError> {
        let parts = &self.0.parts;
        let mut bytes = [0; 32];
        parts.random.fill(&mut bytes);
        let state = SecretString::from(BASE64_URL_SAFE_NO_PAD.encode(bytes));
        let now = self.0.now();
        let expires_at = later(now, AUTHORIZATION);
        let begun = Authorization {
            name: parts.name.to_owned(),
            state_hash: hash(&state),
            expires_at,
        };
        let audit = self.0.audit(by, "connect.begin", json!({}));
        let ops = vec![Op::BeginAuthorization(begun), audit];
        parts.store.commit(ops.into()).await?;
        let url = parts.tokens.authorize_url(&state);
        Ok(Begun { url, expires_at })
    }

    /// Ends it: the tokens are stored, and what was open because there were none is settled. It
    /// goes on even if the browser has left.
    pub async fn finish(&self, came_back: CameBack) -> Result<(), ConnectError> {
        let inner = std::sync::Arc::clone(&self.0);
        let work = tokio::spawn(async move {
            let mut turn = inner.turn.lock().await;
            inner.finish(came_back).await?;
            // What waited for the old grant is worth nothing beside a new one.
            *turn = Turn::default();
            Ok(())
        });
        let cut_off = || ConnectError::Refused("it was cut off".to_owned());
        work.await.unwrap_or_else(|_| Err(cut_off()))
    }
}

impl Inner {
    async fn finish(&self, came_back: CameBack) -> Result<(), ConnectError> {
        let parts = &self.parts;
        let expected = parts.store.authorization(parts.name).await?;
        let expected = expected.ok_or(ConnectError::NotOurs)?;
        let same: bool = hash(&came_back.state).ct_eq(&expected.state_hash).into();
        if !same || self.now() >= expected.expires_at {
            return Err(ConnectError::NotOurs);
        }
        let used = parts
            .store
            .commit(vec![Op::UseAuthorization(expected)].into());
        match used.await {
            Err(error) if error.is_conflict() => return Err(ConnectError::NotOurs),
            other => other?,
        };
        let code = came_back.code.ok_or(ConnectError::Denied)?;
        let issued_at = self.now();
        let issued = parts.tokens.exchange(&code).await;
        let issued = issued.map_err(|failure| ConnectError::Refused(failure.message))?;
        for _ in 0..TRIES {
            let row = parts.store.credential(parts.name).await?;
            let before = row.as_ref().and_then(|row| row.pair.tenant.clone());
            if let (Some(before), Some(now)) = (&before, &issued.tenant)
                && before != now
            {
                return Err(ConnectError::OtherAccount {
                    before: before.clone(),
                    now: now.clone(),
                });
            }
            let version = row.map_or(0, |row| row.pair.version) + 1;
            let fresh = self.sealed(version, issued.clone(), issued_at, None);
            let fresh = fresh.map_err(|error| ConnectError::Refused(error.message))?;
            match parts.store.commit(self.connected(&fresh).into()).await {
                Ok(_) => {
                    tracing::info!(connection = parts.name, version, "connected");
                    self.take_over(fresh);
                    self.wake_what_waits().await;
                    return Ok(());
                }
                // Somebody's refresh came in between: the new grant goes on top of it.
                Err(error) if error.is_conflict() => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(ConnectError::Refused("the row keeps changing".to_owned()))
    }

    /// Jobs that this vendor has turned away are due now, instead of at their next try. One that
    /// can't be told comes by itself; one that was given up needs a person, as ever.
    async fn wake_what_waits(&self) {
        let (store, at) = (&self.parts.store, self.now());
        let waiting = JobFilter {
            states: vec![JobState::Ready],
            class: Some(Class::Unauthorised.as_str().to_owned()),
            ..JobFilter::default()
        };
        let ours = Some(self.parts.name);
        let Ok(jobs) = store.jobs(&waiting, WAITING).await else {
            return;
        };
        for job in jobs {
            let error = job.last_error.as_ref();
            if error.and_then(|error| error.vendor.as_deref()) == ours {
                let wake = Op::ReplayJob { id: job.id, at };
                if let Err(error) = store.commit(vec![wake].into()).await {
                    tracing::debug!(job = %job.id, %error, "it comes by itself");
                }
            }
        }
    }

    fn connected(&self, fresh: &Unsaved) -> Vec<Op> {
        let name = self.parts.name;
        let mut ops = vec![
            Op::PutCredential(fresh.row().clone()),
            self.audit("relay", "connect", json!({ "tenant": fresh.row().tenant })),
        ];
        let items = [
            connection_key(name),
            ended_key(name),
            format!("credential/{name}"),
        ];
        for dedupe_key in items {
            ops.push(Op::SettleWorkByKey {
                dedupe_key,
                settled: WorkSettled {
                    at: self.now(),
                    by: "relay".to_owned(),
                    action: "connected".to_owned(),
                },
            });
        }
        ops
    }

    fn audit(&self, who: &str, what: &str, detail: serde_json::Value) -> Op {
        Op::Audit(AuditEntry {
            at: self.now(),
            who: who.to_owned(),
            what: what.to_owned(),
            object: self.parts.name.to_owned(),
            detail,
        })
    }
}

fn hash(state: &SecretString) -> [u8; 32] {
    Sha256::digest(state.expose_secret().as_bytes()).into()
}
