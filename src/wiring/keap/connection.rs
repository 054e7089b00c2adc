//! The connection to Keap: a key that stays, or tokens that a keeper looks after.

use std::sync::Arc;

use async_trait::async_trait;
use relay_core::retry::Class;
use relay_core::time::{Clock, SignedDuration};
use relay_http_client::{CallError, Transport};
use relay_keap::oauth::{Application, Fate, OAuthClient, TokenFailure, Tokens};
use relay_keap::{
    ContactTypeField, Credential, CustomFieldsMode, FixedKey, HeaderStyle, KeapClient, Settings,
};
use relay_store::StoreError;
use secrecy::SecretString;
use url::Url;

use crate::config::{self, Config, CredentialKind, KeapConfig, VendorMode};
use crate::credentials::{Keeper, KeeperParts, RealRefreshWait, RefreshWait, Sealer};
use crate::engine::job_kinds::JobKind;
use crate::ports::{
    Authorize, Begun, CameBack, ConnectError, ConnectionState, ConnectionStatus, Connections,
    IssuedPair, NoConnections, NoTokens, TokenEndpoint, TokenFate,
};
use crate::wiring::{AssembleError, Runtime, setting};

/// As commands, jobs and errors name it.
const NAME: &str = relay_keap::VENDOR;
/// How long a refresh token lives, by Keap's word; each refresh brings a new one.
const REFRESH_LIFE: SignedDuration = SignedDuration::from_hours(45 * 24);

/// Keap, and how we are let in.
#[derive(Debug)]
pub struct KeapConnection {
    kind: CredentialKind,
    keeper: Option<Keeper>,
    client: Arc<KeapClient>,
}

impl KeapConnection {
    /// The connection that is configured. `transport` is the way that calls take; tokens are
    /// fetched past every budget, because nothing works without them.
    pub fn new(
        config: &Config,
        runtime: &Runtime,
        transport: Arc<dyn Transport>,
    ) -> Result<Self, AssembleError> {
        Self::with_refresh_wait(config, runtime, transport, Arc::new(RealRefreshWait))
    }

    /// The same, waiting for other processes by `refresh_wait`.
    pub fn with_refresh_wait(
        config: &Config,
        runtime: &Runtime,
        transport: Arc<dyn Transport>,
        refresh_wait: Arc<dyn RefreshWait>,
    ) -> Result<Self, AssembleError> {
        let keap = &config.vendors.keap;
        if keap.mode != VendorMode::On {
            return Err(AssembleError::Off { vendor: NAME });
        }
        let (keeper, credential): (_, Arc<dyn Credential>) = match keap.credential {
            CredentialKind::OAuth => {
                let keeper = keeper(config, runtime, refresh_wait)?;
                (Some(keeper.clone()), Arc::new(KeptToken(keeper)))
            }
            CredentialKind::ServiceAccountKey | CredentialKind::PersonalAccessToken => {
                (None, fixed(keap)?)
            }
        };
        let client = KeapClient::new(
            transport,
            Arc::clone(&runtime.clocks.procedure),
            settings(keap, credential),
        );
        Ok(Self {
            kind: keap.credential,
            keeper,
            client: Arc::new(client.map_err(|problem| setting("keap", problem))?),
        })
    }

    /// A connection by a key, which needs no database.
    pub fn by_key(
        keap: &KeapConfig,
        transport: Arc<dyn Transport>,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, AssembleError> {
        if keap.mode != VendorMode::On || keap.credential == CredentialKind::OAuth {
            return Err(AssembleError::Off { vendor: NAME });
        }
        let credential = fixed(keap)?;
        let client = KeapClient::new(transport, Arc::clone(clock), settings(keap, credential));
        Ok(Self {
            kind: keap.credential,
            keeper: None,
            client: Arc::new(client.map_err(|problem| setting("keap", problem))?),
        })
    }

    /// The same key in another header; `None` where there is no key.
    pub fn in_header(
        &self,
        keap: &KeapConfig,
        header: config::KeyHeader,
        transport: &Arc<dyn Transport>,
        clock: &Arc<dyn Clock>,
    ) -> Option<Arc<KeapClient>> {
        let keap = KeapConfig {
            header,
            ..keap.clone()
        };
        let other = Self::by_key(&keap, Arc::clone(transport), clock).ok()?;
        Some(other.client)
    }

    /// What calls Keap.
    pub fn client(&self) -> &Arc<KeapClient> {
        &self.client
    }

    /// How the connection stands, and whether a call that needs it succeeds.
    pub async fn prove(&self) -> Result<ConnectionStatus, StoreError> {
        let proof = self.client.who_am_i().await;
        let mut status = self.one_status().await?;
        match proof {
            Ok(tenant) => status.tenant = status.tenant.or(tenant),
            Err(error) => {
                status.problem = Some(format!("a call to prove it failed: {error}"));
                // A key that was never looked at is not one to renew.
                status.remedy = Some(if error.class == Class::Unauthorised {
                    self.remedy(NAME)
                } else {
                    "try again; if it stays so, look at this machine's network and at keap.base_url"
                        .to_owned()
                });
            }
        }
        Ok(status)
    }

    async fn one_status(&self) -> Result<ConnectionStatus, StoreError> {
        match &self.keeper {
            Some(keeper) => keeper.status().await,
            None => Ok(ConnectionStatus {
                name: NAME.to_owned(),
                kind: self.kind.as_str().to_owned(),
                state: ConnectionState::Fixed,
                tenant: None,
                access_expires_at: None,
                refresh_expires_at: None,
                refreshed_at: None,
                problem: None,
                remedy: None,
            }),
        }
    }
}

fn fixed(keap: &KeapConfig) -> Result<Arc<dyn Credential>, AssembleError> {
    let key = keap.key.clone();
    let key = key.ok_or_else(|| setting("keap.key", "is missing"))?;
    let key = FixedKey::new(key).map_err(|problem| setting("keap.key", problem))?;
    Ok(Arc::new(key))
}

fn settings(keap: &KeapConfig, credential: Arc<dyn Credential>) -> Settings {
    Settings {
        base: keap.base_url.clone(),
        credential,
        header: match (keap.credential, keap.header) {
            (CredentialKind::OAuth, _) | (_, config::KeyHeader::Bearer) => HeaderStyle::Bearer,
            (_, config::KeyHeader::ApiKey) => HeaderStyle::ApiKey,
        },
        custom_fields: match keap.custom_fields_mode {
            config::CustomFieldsMode::Full => CustomFieldsMode::Full,
            config::CustomFieldsMode::Single => CustomFieldsMode::Single,
            config::CustomFieldsMode::V1Single => CustomFieldsMode::V1Single,
        },
        contact_type: ContactTypeField {
            id: keap.contact_type_field.id.clone(),
            tab: keap.contact_type_field.tab.clone(),
            label: keap.contact_type_field.name.clone(),
        },
    }
}

fn keeper(
    config: &Config,
    runtime: &Runtime,
    refresh_wait: Arc<dyn RefreshWait>,
) -> Result<Keeper, AssembleError> {
    let missing = |key| setting(key, "is missing");
    let oauth = &config.vendors.keap.oauth;
    let key = config.secrets.encryption_key.clone();
    let application = Application {
        client_id: oauth
            .client_id
            .clone()
            .ok_or_else(|| missing("keap.oauth.client_id"))?,
        client_secret: oauth
            .client_secret
            .clone()
            .ok_or_else(|| missing("keap.oauth.client_secret"))?,
        authorize_url: oauth.authorize_url.clone(),
        token_url: oauth.token_url.clone(),
        redirect_url: config
            .vendors
            .keap
            .redirect_url(config.http.public_url.as_ref())
            .ok_or_else(|| missing("keap.oauth.redirect_url"))?,
    };
    let clock = Arc::clone(&runtime.clocks.procedure);
    let client = OAuthClient::new(Arc::clone(&runtime.transport), clock, application);
    Ok(Keeper::new(KeeperParts {
        name: NAME,
        operation: "keap credential",
        job: JobKind::Credential.name(),
        store: Arc::clone(&runtime.store),
        sealer: Sealer::new(
            key.ok_or_else(|| missing("secrets.encryption_key"))?,
            config.secrets.older_keys.clone(),
        ),
        tokens: Arc::new(KeapTokens(client)),
        clocks: runtime.clocks.clone(),
        random: Arc::clone(&runtime.random),
        owner: runtime.worker.clone(),
        refresh_wait,
    }))
}

#[async_trait]
impl Connections for KeapConnection {
    async fn status(&self) -> Result<Vec<ConnectionStatus>, StoreError> {
        Ok(vec![self.one_status().await?])
    }

    async fn keep_fresh(&self) -> Result<Vec<ConnectionStatus>, StoreError> {
        match &self.keeper {
            Some(keeper) => Ok(vec![keeper.keep_fresh().await?]),
            None => Ok(Vec::new()),
        }
    }

    fn are_renewed(&self) -> bool {
        self.keeper.is_some()
    }

    fn remedy(&self, vendor: &str) -> String {
        match &self.keeper {
            _ if vendor != NAME => NoConnections.remedy(vendor),
            Some(_) => format!("clear-relay connect {NAME} --by NAME"),
            None => "renew the key in the configuration (keap.key_file) and restart".to_owned(),
        }
    }
}

#[async_trait]
impl Authorize for KeapConnection {
    fn name(&self) -> &str {
        NAME
    }

    async fn begin(&self, by: &str) -> Result<Begun, ConnectError> {
        let keeper = self.keeper.as_ref().ok_or(ConnectError::NotNeeded)?;
        Ok(keeper.begin(by).await?)
    }

    async fn finish(&self, came_back: CameBack) -> Result<ConnectionStatus, ConnectError> {
        let keeper = self.keeper.as_ref().ok_or(ConnectError::NotNeeded)?;
        keeper.finish(came_back).await?;
        Ok(self.prove().await?)
    }
}

/// Shows the token that a keeper gives.
#[derive(Debug)]
struct KeptToken(Keeper);

#[async_trait]
impl Credential for KeptToken {
    async fn current(&self) -> Result<SecretString, CallError> {
        self.0.current().await
    }

    async fn refused(&self, shown: &SecretString) -> Result<Option<SecretString>, CallError> {
        self.0.refused(shown).await
    }
}

/// Keap's token endpoint, as the keeper needs it.
#[derive(Debug)]
struct KeapTokens(OAuthClient);

fn issued(tokens: Tokens) -> IssuedPair {
    IssuedPair {
        access: tokens.access,
        refresh: tokens.refresh,
        lifetime: tokens.lifetime,
        tenant: tokens.tenant,
    }
}

fn no_tokens(failure: TokenFailure) -> NoTokens {
    NoTokens {
        fate: match failure.fate {
            Fate::Untouched { after } => TokenFate::Untouched { after },
            Fate::Refused => TokenFate::Refused,
            Fate::UnknownApplication => TokenFate::UnknownApplication,
            Fate::Unknown => TokenFate::Unknown,
        },
        message: failure.message,
    }
}

#[async_trait]
impl TokenEndpoint for KeapTokens {
    fn authorize_url(&self, state: &SecretString) -> Url {
        self.0.authorize_url(state)
    }

    async fn exchange(&self, code: &SecretString) -> Result<IssuedPair, NoTokens> {
        self.0.exchange(code).await.map(issued).map_err(no_tokens)
    }

    async fn refresh(&self, token: &SecretString) -> Result<IssuedPair, NoTokens> {
        self.0.refresh(token).await.map(issued).map_err(no_tokens)
    }

    fn refresh_life(&self) -> SignedDuration {
        REFRESH_LIFE
    }
}
