//! Connections to vendors: how they stand, how a person makes one, and where tokens come from.

use std::fmt::Debug;

use async_trait::async_trait;
use relay_core::time::{SignedDuration, Timestamp};
use relay_store::StoreError;
use secrecy::SecretString;
use serde::Serialize;
use thiserror::Error;
use url::Url;

/// How a connection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectionState {
    /// A key that stays as it is; whether it is good only a call can tell.
    Fixed,
    /// Nobody has connected yet.
    NotConnected,
    /// Good, and refreshed by itself.
    Fresh,
    /// A refresh is under way, or its answer was lost; it is tried once more.
    Uncertain,
    /// It can't be refreshed any more.
    Dead,
    /// What is stored can't be opened with the configured keys.
    Unreadable,
}

impl ConnectionState {
    /// The name that is shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fixed => "fixed",
            Self::NotConnected => "not connected",
            Self::Fresh => "fresh",
            Self::Uncertain => "uncertain",
            Self::Dead => "dead",
            Self::Unreadable => "unreadable",
        }
    }

    /// Whether nothing can be done with it until a person acts.
    pub fn is_broken(self) -> bool {
        matches!(self, Self::NotConnected | Self::Dead | Self::Unreadable)
    }
}

/// A connection as it is shown. Holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConnectionStatus {
    /// The vendor, as commands name it.
    pub name: String,
    /// The kind of credential: `service_account_key`, `personal_access_token`, `oauth`.
    pub kind: String,
    /// How it stands.
    pub state: ConnectionState,
    /// Whose account it is, as the vendor names it.
    pub tenant: Option<String>,
    /// When the access token ends. The relay renews it before.
    pub access_expires_at: Option<Timestamp>,
    /// When the refresh token ends, by what the vendor says of its tokens.
    pub refresh_expires_at: Option<Timestamp>,
    /// When the present tokens were issued.
    pub refreshed_at: Option<Timestamp>,
    /// What is wrong, if anything is.
    pub problem: Option<String>,
    /// What a person must do about it.
    pub remedy: Option<String>,
}

/// Every connection of the relay.
#[async_trait]
pub trait Connections: Debug + Send + Sync {
    /// How each stands, from what is stored. Asks no vendor.
    async fn status(&self) -> Result<Vec<ConnectionStatus>, StoreError>;

    /// Refreshes what has long been idle, or was left uncertain. What failed is told in the status.
    async fn keep_fresh(&self) -> Result<Vec<ConnectionStatus>, StoreError>;

    /// Whether any of them has to be kept fresh.
    fn are_renewed(&self) -> bool;

    /// What a person must do when `vendor` refuses the credential.
    fn remedy(&self, vendor: &str) -> String;
}

/// A relay without connections that are looked after.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoConnections;

#[async_trait]
impl Connections for NoConnections {
    async fn status(&self) -> Result<Vec<ConnectionStatus>, StoreError> {
        Ok(Vec::new())
    }
    async fn keep_fresh(&self) -> Result<Vec<ConnectionStatus>, StoreError> {
        Ok(Vec::new())
    }
    fn are_renewed(&self) -> bool {
        false
    }
    fn remedy(&self, _vendor: &str) -> String {
        "renew the credential in the configuration and restart".to_owned()
    }
}

/// An authorization that was begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begun {
    /// The page that a person opens. Holds a word that works once, and no secret of ours.
    pub url: Url,
    /// When it is too late to come back.
    pub expires_at: Timestamp,
}

/// What a browser brought back.
#[derive(Debug)]
pub struct CameBack {
    /// The word it was sent with.
    pub state: SecretString,
    /// The code, if the person agreed.
    pub code: Option<SecretString>,
}

/// Why there is no connection after all.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// There is nothing to agree to.
    #[error("this connection uses a key from the configuration; there is nothing to connect")]
    NotNeeded,
    /// The word is not the one that was sent, was used already, or came too late.
    #[error(
        "this answer does not belong to an authorization that is under way: it is wrong, was used \
         already, or is more than ten minutes old. Begin anew"
    )]
    NotOurs,
    /// The person said no, or nothing.
    #[error("it was not allowed on the vendor's page; nothing has changed")]
    Denied,
    /// The vendor did not give tokens.
    #[error("the vendor gave no tokens ({0}); nothing has changed. Begin anew")]
    Refused(String),
    /// It is another account than before.
    #[error(
        "this is the account {now}, and the relay's data belong to {before}; nothing was stored. \
         Sign in to {before}, or use a database of its own for {now}"
    )]
    OtherAccount {
        /// The account whose data are stored.
        before: String,
        /// The account that was connected.
        now: String,
    },
    /// The database failed.
    #[error("the database: {0}")]
    Store(#[from] StoreError),
}

/// A connection that a person makes by agreeing on the vendor's page.
#[async_trait]
pub trait Authorize: Debug + Send + Sync {
    /// The vendor, as commands and routes name it.
    fn name(&self) -> &str;

    /// Begins an authorization; the one before it is void.
    async fn begin(&self, by: &str) -> Result<Begun, ConnectError>;

    /// Ends it: checks the word, takes the tokens, stores them, and proves them with a call.
    async fn finish(&self, came_back: CameBack) -> Result<ConnectionStatus, ConnectError>;
}

/// A pair of tokens, as a vendor issued it.
#[derive(Debug, Clone)]
pub struct IssuedPair {
    /// Shown with each request.
    pub access: SecretString,
    /// Buys the next pair; `None` if the one before stays good.
    pub refresh: Option<SecretString>,
    /// How long `access` lives.
    pub lifetime: SignedDuration,
    /// Whose account it is, if told.
    pub tenant: Option<String>,
}

/// What a failure means for the code or token that was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenFate {
    /// It was not used.
    Untouched {
        /// How long the vendor asks to wait.
        after: Option<SignedDuration>,
    },
    /// It is not valid (any more).
    Refused,
    /// The vendor doesn't know this application; nothing was done with the token.
    UnknownApplication,
    /// It may have been used.
    Unknown,
}

/// Why there is no pair.
#[derive(Debug, Clone, Error)]
#[error("{message}")]
pub struct NoTokens {
    /// What became of the code or token.
    pub fate: TokenFate,
    /// In words that hold no secret.
    pub message: String,
}

/// Where tokens come from.
#[async_trait]
pub trait TokenEndpoint: Debug + Send + Sync {
    /// The page on which a person agrees.
    fn authorize_url(&self, state: &SecretString) -> Url;
    /// Exchanges a code. One request.
    async fn exchange(&self, code: &SecretString) -> Result<IssuedPair, NoTokens>;
    /// Buys the next pair. One request.
    async fn refresh(&self, token: &SecretString) -> Result<IssuedPair, NoTokens>;
    /// How long a refresh token lives.
    fn refresh_life(&self) -> SignedDuration;
}
