//! The token endpoint: a code or a refresh token in, a pair of tokens out.
//!
//! The `oauth2` crate makes addresses and bodies and reads answers; they travel through our
//! [`Transport`], so its limits, its refusal of redirects and its emulators hold here, too.
//!
//! Rules:
//! - Keap wants client id and secret in the *body* when a code is exchanged, and as HTTP Basic
//!   when a token is refreshed. The scope is `full`; there is no other, and PKCE is not documented,
//!   so it is not used.
//! - One call is one request. A refresh kills the token it is made with, so what matters of a
//!   failure is whether that token may have been used ([`Fate`]).
//!
//! Not guaranteed: that a token whose fate is unknown still works. Keap documents no grace.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use oauth2::basic::{BasicClient, BasicErrorResponse, BasicErrorResponseType, BasicTokenResponse};
use oauth2::{
    AsyncHttpClient, AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken,
    EndpointNotSet, EndpointSet, HttpRequest, HttpResponse, RedirectUrl, RefreshToken,
    RequestTokenError, Scope, TokenResponse as _, TokenUrl,
};
use relay_core::time::{Clock, SignedDuration};
use relay_http_client::{Call, Transport, TransportError, retry_after};
use secrecy::{ExposeSecret as _, SecretString};
use thiserror::Error;
use tracing::debug;
use url::Url;

/// The limit for a token request, real time.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// How long an access token lives where the answer doesn't say: the shortest that was reported.
const SHORTEST_LIFE: SignedDuration = SignedDuration::from_hours(1);
/// The only scope.
const SCOPE: &str = "full";

/// What an application registered with Keap is known by, and where it talks to Keap.
#[derive(Debug, Clone)]
pub struct Application {
    /// Its id.
    pub client_id: String,
    /// Its secret.
    pub client_secret: SecretString,
    /// The page on which a person agrees.
    pub authorize_url: Url,
    /// The token endpoint.
    pub token_url: Url,
    /// Where the browser is sent back to. Must be the registered one.
    pub redirect_url: Url,
}

/// A pair of tokens, as told.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// Shown with each request.
    pub access: SecretString,
    /// Buys the next pair. `None` when the answer held none.
    pub refresh: Option<SecretString>,
    /// How long `access` lives.
    pub lifetime: SignedDuration,
    /// The tenant, where the scope names it (`full|TENANT`).
    pub tenant: Option<String>,
}

/// What a failure means for the code or token that was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Unused: the request never left, or was refused for now.
    Untouched {
        /// `Retry-After`, if any.
        after: Option<SignedDuration>,
    },
    /// It is not, or no longer, valid.
    Refused,
    /// The application is not known by this id and secret, or this is no token endpoint; nothing
    /// was done with the token.
    UnknownApplication,
    /// It may have been used, and then it is dead and its successor lost.
    Unknown,
}

/// Why there are no tokens.
#[derive(Debug, Clone, Error)]
#[error("{message}")]
pub struct TokenFailure {
    /// What became of the code or token.
    pub fate: Fate,
    /// In our words, with Keap's code. Never a token.
    pub message: String,
}

type Client = BasicClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

/// The token endpoint, for one application.
pub struct OAuthClient {
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    client: Client,
}

impl fmt::Debug for OAuthClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuthClient").finish_non_exhaustive()
    }
}

impl OAuthClient {
    /// An endpoint reached through `transport`.
    pub fn new(
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
        application: Application,
    ) -> Self {
        let secret = application.client_secret.expose_secret().to_owned();
        let client = BasicClient::new(ClientId::new(application.client_id))
            .set_client_secret(ClientSecret::new(secret))
            .set_auth_uri(AuthUrl::from_url(application.authorize_url))
            .set_token_uri(TokenUrl::from_url(application.token_url))
            .set_redirect_uri(RedirectUrl::from_url(application.redirect_url));
        Self {
            transport,
            clock,
            client,
        }
    }

    /// The page on which a person agrees. `state` comes back with the code.
    pub fn authorize_url(&self, state: &SecretString) -> Url {
        let state = CsrfToken::new(state.expose_secret().to_owned());
        let request = self.client.authorize_url(move || state);
        request.add_scope(Scope::new(SCOPE.to_owned())).url().0
    }

    /// Exchanges the code that the browser brought back. It can be done once, and soon.
    pub async fn exchange(&self, code: &SecretString) -> Result<Tokens, TokenFailure> {
        let client = self.client.clone().set_auth_type(AuthType::RequestBody);
        let code = AuthorizationCode::new(code.expose_secret().to_owned());
        let bridge = self.bridge();
        let result = client.exchange_code(code).request_async(&bridge).await;
        self.outcome("keap exchange code", result, &bridge)
    }

    /// Buys the next pair.
    pub async fn refresh(&self, token: &SecretString) -> Result<Tokens, TokenFailure> {
        let client = self.client.clone().set_auth_type(AuthType::BasicAuth);
        let token = RefreshToken::new(token.expose_secret().to_owned());
        let bridge = self.bridge();
        let request = client.exchange_refresh_token(&token);
        let result = request.request_async(&bridge).await;
        self.outcome("keap refresh token", result, &bridge)
    }

    fn bridge(&self) -> Bridge {
        Bridge {
            transport: Arc::clone(&self.transport),
            seen: Mutex::default(),
        }
    }

    fn outcome(
        &self,
        operation: &'static str,
        result: Result<BasicTokenResponse, RequestTokenError<TransportError, BasicErrorResponse>>,
        bridge: &Bridge,
    ) -> Result<Tokens, TokenFailure> {
        let seen = bridge.seen();
        let status = seen.as_ref().map(|(status, _)| *status);
        debug!(
            operation,
            status = status.map(|status| status.as_u16()),
            "keap answered"
        );
        let error = match result {
            Ok(answer) => return Ok(tokens(&answer)),
            Err(error) => error,
        };
        let after = seen.and_then(|(_, headers)| retry_after(&headers, self.clock.now()));
        let code = match &error {
            RequestTokenError::ServerResponse(told) => Some(told.error()),
            _ => None,
        };
        let fate = match &error {
            RequestTokenError::Request(TransportError::NotSent(_)) => {
                Fate::Untouched { after: None }
            }
            _ => fate(status, code, after),
        };
        let message = words(operation, &error, status);
        Err(TokenFailure { fate, message })
    }
}

/// What an answer that is no pair of tokens means.
fn fate(
    status: Option<StatusCode>,
    code: Option<&BasicErrorResponseType>,
    after: Option<SignedDuration>,
) -> Fate {
    use BasicErrorResponseType as Code;
    match (status.map(|status| status.as_u16()), code) {
        (Some(429), _) => Fate::Untouched { after },
        (Some(503), _) if after.is_some() => Fate::Untouched { after },
        (Some(401 | 403 | 404 | 405), _)
        | (Some(400), Some(Code::InvalidClient | Code::UnauthorizedClient)) => {
            Fate::UnknownApplication
        }
        // Both codes were seen for a refresh token that is no longer valid.
        (Some(400), Some(_)) => Fate::Refused,
        // No answer, a server error, a success that can't be read, a redirect, a 400 that is not
        // the endpoint's own: nothing says that the token was left alone.
        _ => Fate::Unknown,
    }
}

/// What may be said of a failure: Keap's code, never its description, which may quote a token.
fn words(
    operation: &str,
    error: &RequestTokenError<TransportError, BasicErrorResponse>,
    status: Option<StatusCode>,
) -> String {
    let status = status.map_or_else(String::new, |s| format!(" with status {}", s.as_u16()));
    let what = match error {
        RequestTokenError::Request(error) => error.to_string(),
        RequestTokenError::ServerResponse(told) => code_words(told.error().as_ref()),
        RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
            "the answer can't be read".to_owned()
        }
    };
    format!("{operation} failed{status}: {what}")
}

/// A code in the form that all known ones have. Anything else may be what we sent, sent back.
fn code_words(code: &str) -> String {
    let known_form = code.len() <= 40 && code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    if known_form {
        code.to_owned()
    } else {
        "an error without a known code".to_owned()
    }
}

fn tokens(answer: &BasicTokenResponse) -> Tokens {
    let tenant = answer.scopes().into_iter().flatten().find_map(|scope| {
        let (_, tenant) = scope.split_once('|')?;
        (!tenant.is_empty()).then(|| tenant.to_owned())
    });
    let lifetime = answer
        .expires_in()
        .and_then(|life| SignedDuration::try_from(life).ok());
    Tokens {
        access: SecretString::from(answer.access_token().secret().as_str()),
        refresh: answer
            .refresh_token()
            .map(|token| SecretString::from(token.secret().as_str())),
        lifetime: lifetime.unwrap_or(SHORTEST_LIFE),
        tenant,
    }
}

/// Carries one token request, and remembers what the `oauth2` crate does not hand on: status and
/// headers of a refusal.
struct Bridge {
    transport: Arc<dyn Transport>,
    seen: Mutex<Option<(StatusCode, HeaderMap)>>,
}

impl Bridge {
    fn seen(&self) -> Option<(StatusCode, HeaderMap)> {
        self.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    async fn carry(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let (parts, body) = request.into_parts();
        let url = Url::parse(&parts.uri.to_string())
            .map_err(|_| TransportError::NotSent("the address can't be used".to_owned()))?;
        let mut headers = parts.headers;
        if let Some(secret) = headers.get_mut(http::header::AUTHORIZATION) {
            secret.set_sensitive(true);
        }
        let answer = self
            .transport
            .send(Call {
                method: parts.method,
                url,
                headers,
                body: Bytes::from(body),
                timeout: PATIENCE,
            })
            .await?;
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) =
            Some((answer.status, answer.headers.clone()));
        let mut response = HttpResponse::new(answer.body.to_vec());
        *response.status_mut() = answer.status;
        *response.headers_mut() = answer.headers;
        Ok(response)
    }
}

impl<'c> AsyncHttpClient<'c> for Bridge {
    type Error = TransportError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, TransportError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.carry(request))
    }
}
