//! One refresh, from the lease to what is stored of its end.

use relay_core::retry::Class;
use relay_core::time::{SignedDuration, Timestamp, later};
use relay_http_client::CallError;
use relay_store::{
    Credential, CredentialLease, CredentialSettled, CredentialState, NewCredential, Op, StoreError,
};
use secrecy::SecretString;

use super::keeper::{Inner, OpenedPair};
use super::pair::{Pair, next_try};
use crate::ports::{IssuedPair, NoTokens, TokenFate};

/// How long nobody else refreshes, real time: longer than a request may take.
const LEASE: SignedDuration = SignedDuration::from_secs(45);
/// Refreshes without an answer after which a token is given up.
const TRIES: u32 = 2;

/// How an attempt ended.
#[derive(Debug)]
pub(super) enum Attempt {
    /// The row has changed (there may be a new pair), or may have: read it again.
    LookAgain,
    /// Another process holds the lease.
    Busy,
    /// There is none.
    Failed(CallError),
}

/// What only the one whose turn it is may look at.
#[derive(Debug, Default)]
pub(super) struct Turn {
    /// A pair that waits to be stored.
    pub(super) unsaved: Option<Unsaved>,
    /// Until when the endpoint is left alone, and what it said.
    held_off: Option<(Timestamp, CallError)>,
}

/// A pair that was issued and could not be stored yet. It is not used before it is.
#[derive(Debug)]
pub(super) struct Unsaved {
    row: NewCredential,
    pair: Pair,
}

impl Unsaved {
    pub(super) fn row(&self) -> &NewCredential {
        &self.row
    }
}

impl Inner {
    /// One request to the token endpoint, if this is the time for it and nobody else makes it.
    pub(super) async fn attempt(
        &self,
        row: &Credential,
        known: &OpenedPair,
        urgent: bool,
        refused_once: &mut bool,
        turn: &mut Turn,
    ) -> Attempt {
        if row.state == CredentialState::Dead {
            let why = row.note.as_deref().unwrap_or("the connection has ended");
            return Attempt::Failed(self.ended(why));
        }
        let real_now = self.parts.clocks.real.now();
        if row
            .lease
            .as_ref()
            .is_some_and(|(_, until)| *until > real_now)
        {
            return Attempt::Busy;
        }
        let held_off = turn.held_off.as_ref();
        if let Some((_, error)) = held_off.filter(|(until, _)| *until > self.now()) {
            return Attempt::Failed(error.clone());
        }
        let wait = next_try(row, urgent).map(|at| at.duration_since(self.now()));
        if let Some(wait) = wait.filter(|wait| *wait > SignedDuration::ZERO) {
            let why = "the answer to a refresh was lost; it is tried once more";
            return Attempt::Failed(self.later(why, Some(wait)));
        }
        let owner = format!("{}/{:016x}", self.parts.owner, self.parts.random.next_u64());
        if let Err(error) = self.take_lease(row, &owner, real_now).await {
            return if error.is_conflict() {
                Attempt::LookAgain
            } else {
                Attempt::Failed(self.unstored(&error))
            };
        }
        if row.tries >= TRIES {
            return self
                .give_up(row, &owner, "two refreshes got no answer")
                .await;
        }
        let issued_at = self.now();
        let answer = self.parts.tokens.refresh(&known.pair.refresh).await;
        match answer {
            Ok(issued) => {
                let unsaved = &mut turn.unsaved;
                self.store(row, known, issued, issued_at, unsaved).await
            }
            Err(failure) => {
                tracing::warn!(connection = self.parts.name, %failure, "no new tokens");
                let no_tokens = self.no_tokens(row, &owner, &failure, urgent, refused_once);
                let attempt = no_tokens.await;
                if let (Some(wait), Attempt::Failed(error)) = (hold_off(&failure), &attempt) {
                    let until = later(self.now(), wait);
                    turn.held_off = Some((until, error.clone()));
                }
                attempt
            }
        }
    }

    async fn take_lease(
        &self,
        row: &Credential,
        owner: &str,
        real_now: Timestamp,
    ) -> Result<(), StoreError> {
        let lease = CredentialLease {
            name: row.pair.name.clone(),
            version: row.pair.version,
            owner: owner.to_owned(),
            real_now,
            until: later(real_now, LEASE),
            at: self.now(),
        };
        let ops = vec![Op::LeaseCredential(lease)];
        self.parts.store.commit(ops.into()).await.map(|_| ())
    }

    /// Stores what was issued; only then it is used.
    async fn store(
        &self,
        row: &Credential,
        known: &OpenedPair,
        issued: IssuedPair,
        issued_at: Timestamp,
        unsaved: &mut Option<Unsaved>,
    ) -> Attempt {
        // No new refresh token: the one before stays good, for as long as it was to be.
        let kept = (known.pair.refresh.clone(), row.pair.refresh_expires_at);
        let fresh = self.sealed(row.pair.version + 1, issued, issued_at, Some(kept));
        match fresh {
            Ok(fresh) => *unsaved = Some(fresh),
            Err(error) => return Attempt::Failed(error),
        }
        match self.save(unsaved).await {
            Ok(()) => Attempt::LookAgain,
            Err(error) => Attempt::Failed(error),
        }
    }

    /// A row for an issued pair. `kept` is the refresh token to go on with where none was issued.
    pub(super) fn sealed(
        &self,
        version: u64,
        issued: IssuedPair,
        issued_at: Timestamp,
        kept: Option<(SecretString, Timestamp)>,
    ) -> Result<Unsaved, CallError> {
        let parts = &self.parts;
        let ends = |life| later(issued_at, life);
        let bought = issued
            .refresh
            .map(|token| (token, ends(parts.tokens.refresh_life())));
        let (refresh, refresh_expires_at) = bought
            .or(kept)
            .ok_or_else(|| self.ended("the vendor gave no refresh token"))?;
        let pair = Pair {
            access: issued.access,
            refresh,
        };
        let text = pair.to_bytes();
        let sealed = parts
            .sealer
            .seal(&*parts.random, parts.name, version, &text)
            .map_err(|error| self.ended(&error.to_string()))?;
        let row = NewCredential {
            name: parts.name.to_owned(),
            version,
            key_id: parts.sealer.key_id().to_owned(),
            sealed,
            tenant: issued.tenant,
            issued_at,
            access_expires_at: ends(issued.lifetime),
            refresh_expires_at,
        };
        Ok(Unsaved { row, pair })
    }

    /// Stores a pair that waits for it, if one does.
    pub(super) async fn save(&self, unsaved: &mut Option<Unsaved>) -> Result<(), CallError> {
        let Some(Unsaved { row, .. }) = unsaved else {
            return Ok(());
        };
        let op = Op::PutCredential(row.clone());
        match self.parts.store.commit(vec![op].into()).await {
            Ok(_) => {
                if let Some(saved) = unsaved.take() {
                    tracing::info!(
                        connection = self.parts.name,
                        version = saved.row.version,
                        "refreshed"
                    );
                    self.take_over(saved);
                }
                Ok(())
            }
            // Somebody has connected anew meanwhile, or stored a pair of this version: theirs
            // stands.
            Err(error) if error.is_conflict() => {
                *unsaved = None;
                Ok(())
            }
            Err(error) => Err(self.unstored(&error)),
        }
    }

    /// What was stored is what is used from now on.
    pub(super) fn take_over(&self, saved: Unsaved) {
        self.remember(OpenedPair {
            version: saved.row.version,
            pair: saved.pair,
            issued_at: saved.row.issued_at,
            expires_at: saved.row.access_expires_at,
        });
    }

    async fn no_tokens(
        &self,
        row: &Credential,
        owner: &str,
        failure: &NoTokens,
        urgent: bool,
        refused_once: &mut bool,
    ) -> Attempt {
        let why = failure.message.as_str();
        // What this request changes nothing about.
        let (state, tries) = (row.state, row.tries);
        match failure.fate {
            TokenFate::Untouched { .. } => {
                let error = self.later(why, hold_off(failure));
                self.end(row, owner, state, tries, Some(why), error).await
            }
            TokenFate::UnknownApplication => {
                let error = self.error(
                    Class::Unauthorised,
                    format!("{why}; check the application's id, secret and address"),
                );
                self.end(row, owner, state, tries, Some(why), error).await
            }
            TokenFate::Unknown if tries + 1 >= TRIES => {
                self.give_up(row, owner, "two refreshes got no answer")
                    .await
            }
            TokenFate::Unknown => {
                let wait = if urgent { 60 } else { 1_800 };
                let error = self.later(why, Some(SignedDuration::from_secs(wait)));
                let state = CredentialState::Uncertain;
                self.end(row, owner, state, tries + 1, Some(why), error)
                    .await
            }
            TokenFate::Refused if tries > 0 => {
                let why = "a refresh was not answered, and its token is not valid any more";
                self.give_up(row, owner, why).await
            }
            TokenFate::Refused if *refused_once => {
                self.give_up(row, owner, "the refresh token is not valid any more")
                    .await
            }
            // A refusal out of the blue may be a vendor's bad moment, or mean that the row has
            // changed since it was read.
            TokenFate::Refused => {
                *refused_once = true;
                match self.settle(row, owner, state, tries, Some(why)).await {
                    Err(error) if !error.is_conflict() => Attempt::Failed(self.unstored(&error)),
                    _ => Attempt::LookAgain,
                }
            }
        }
    }

    async fn give_up(&self, row: &Credential, owner: &str, why: &str) -> Attempt {
        tracing::error!(
            connection = self.parts.name,
            why,
            "the connection has ended"
        );
        let (state, error) = (CredentialState::Dead, self.ended(why));
        let end = self.end(row, owner, state, row.tries + 1, Some(why), error);
        let end = end.await;
        self.wake_the_job().await;
        end
    }

    /// The periodic job that raises the alarm runs at once. If it can't be told, it comes by itself.
    async fn wake_the_job(&self) {
        let store = &self.parts.store;
        if let Ok(Some(job)) = store.job_by_key(self.parts.job).await {
            let wake = Op::ReplayJob {
                id: job.id,
                at: self.now(),
            };
            if let Err(error) = store.commit(vec![wake].into()).await {
                tracing::debug!(%error, "the alarm comes a little later");
            }
        }
    }

    /// Stores how a refresh ended. If the row has moved on meanwhile, that is what counts.
    async fn end(
        &self,
        row: &Credential,
        owner: &str,
        state: CredentialState,
        tries: u32,
        note: Option<&str>,
        error: CallError,
    ) -> Attempt {
        match self.settle(row, owner, state, tries, note).await {
            Ok(()) => Attempt::Failed(error),
            Err(problem) if problem.is_conflict() => Attempt::LookAgain,
            Err(problem) => Attempt::Failed(self.unstored(&problem)),
        }
    }

    async fn settle(
        &self,
        row: &Credential,
        owner: &str,
        state: CredentialState,
        tries: u32,
        note: Option<&str>,
    ) -> Result<(), StoreError> {
        let settled = CredentialSettled {
            name: row.pair.name.clone(),
            version: row.pair.version,
            owner: owner.to_owned(),
            state,
            tries,
            note: note.map(str::to_owned),
            at: self.now(),
        };
        let ops = vec![Op::SettleCredential(settled)];
        self.parts.store.commit(ops.into()).await.map(|_| ())
    }
}

/// How long the endpoint is left alone after it did nothing with a token. `Retry-After` is obeyed
/// in full.
fn hold_off(failure: &NoTokens) -> Option<SignedDuration> {
    match failure.fate {
        TokenFate::Untouched { after } => Some(after.unwrap_or(SignedDuration::from_secs(30))),
        TokenFate::UnknownApplication => Some(SignedDuration::from_mins(1)),
        TokenFate::Refused | TokenFate::Unknown => None,
    }
}
