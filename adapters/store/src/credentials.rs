//! Rows of credentials that change under way.
//!
//! A credential is a pair of tokens, sealed by whoever stores it; the store sees ciphertext. Its
//! version counts pairs. A refresh uses up the pair it is made with, so *before* the request the
//! row says that one is under way ([`Op::LeaseCredential`](crate::Op::LeaseCredential)): a process
//! that dies in the middle leaves an uncertain row, never one that looks fresh.

use relay_core::time::Timestamp;

/// How far a credential can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialState {
    /// The pair is the latest, and unused.
    Fresh,
    /// A refresh with it is under way, or its answer was lost.
    Uncertain,
    /// It can't be refreshed any more: a person must connect anew.
    Dead,
}

impl CredentialState {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Fresh, Self::Uncertain, Self::Dead];

    /// The stored name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Uncertain => "uncertain",
            Self::Dead => "dead",
        }
    }

    /// The state of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

/// A pair to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCredential {
    /// The connection that it is for.
    pub name: String,
    /// One more than the stored version; 1 for the first.
    pub version: u64,
    /// The id of the key that opens it.
    pub key_id: String,
    /// The pair, sealed.
    pub sealed: Vec<u8>,
    /// Whose it is, as the vendor names it; `None` leaves what is known.
    pub tenant: Option<String>,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When the access token ends.
    pub access_expires_at: Timestamp,
    /// When the refresh token ends.
    pub refresh_expires_at: Timestamp,
}

/// A stored pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// The pair itself.
    pub pair: NewCredential,
    /// How far it can be trusted.
    pub state: CredentialState,
    /// Refreshes with it whose outcome is not known, the one under way included.
    pub tries: u32,
    /// When the latest refresh with it began.
    pub tried_at: Option<Timestamp>,
    /// Why it is as it is, in one line.
    pub note: Option<String>,
    /// Who refreshes it, and until when nobody else does (real time).
    pub lease: Option<(String, Timestamp)>,
    /// When the row last changed.
    pub changed_at: Timestamp,
}

/// The right to make one refresh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialLease {
    /// The connection whose pair is refreshed.
    pub name: String,
    /// The version the refresh is made with.
    pub version: u64,
    /// Who makes it.
    pub owner: String,
    /// Real time.
    pub real_now: Timestamp,
    /// Until when nobody else may, real time.
    pub until: Timestamp,
    /// When, procedure time.
    pub at: Timestamp,
}

/// How a refresh ended that brought no new pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialSettled {
    /// The connection whose pair was to be refreshed.
    pub name: String,
    /// The version it was made with.
    pub version: u64,
    /// Who made it.
    pub owner: String,
    /// The state from now on.
    pub state: CredentialState,
    /// Refreshes whose outcome is not known, from now on.
    pub tries: u32,
    /// Why, in one line.
    pub note: Option<String>,
    /// When, procedure time.
    pub at: Timestamp,
}

/// An authorization that a person has begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorization {
    /// The connection that it is for.
    pub name: String,
    /// The SHA-256 of the word that must come back with it.
    pub state_hash: [u8; 32],
    /// When it is too late, procedure time.
    pub expires_at: Timestamp,
}
