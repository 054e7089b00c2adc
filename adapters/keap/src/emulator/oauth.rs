//! The token endpoint and the page on which an admin agrees.
//!
//! A grant is a pair of tokens. A refresh makes the next pair and ends the refresh token it was
//! made with. What becomes of the other tokens of the old pair is unknown, and a switch.

use axum::extract::Request;
use axum::response::Response;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, LOCATION};
use http::{HeaderMap, HeaderValue, Method};
use relay_core::time::{SignedDuration, later};
use relay_http_client::emulation::lock;
use serde_json::{Value, json};

use super::reply::{Handled, MAX_BODY, Reply, Version, html_page};
use super::settings::{Consent, OAuthSettings, OldToken, RefusedToken};
use super::tenant::Keap;
use super::tokens::Token;
use super::world::World;

/// How long an access token lives.
const ACCESS_LIFE: SignedDuration = SignedDuration::from_hours(24);
/// How long a refresh token lives.
const REFRESH_LIFE: SignedDuration = SignedDuration::from_hours(45 * 24);
/// How long a code can be exchanged.
const CODE_LIFE: SignedDuration = SignedDuration::from_mins(10);

/// Whether a path is ours. The credential of the API is not asked for here.
pub(super) fn is_ours(path: &str) -> bool {
    matches!(path, "/token" | "/app/oauth/authorize")
}

/// Answers such a request.
pub(super) async fn answer(keap: &Keap, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    if parts.uri.path() != "/token" {
        let query = pairs(parts.uri.query().unwrap_or_default().as_bytes());
        let handled = authorize(keap, &parts.method, &query);
        return handled.unwrap_or_else(|refusal| refusal).into_response();
    }
    let Ok(body) = axum::body::to_bytes(body, MAX_BODY).await else {
        return Reply::too_large().into_response();
    };
    let asked = TokenRequest::read(&parts.headers, &body);
    let operation = match asked.get("grant_type") {
        Some("authorization_code") => "token_code",
        Some("refresh_token") => "token_refresh",
        _ => "token",
    };
    let ordered =
        |code, text: Option<&str>| Reply::ordered(Version::V2, code, text).into_response();
    let run = async {
        let handled = if parts.method == Method::POST {
            keap.with_world(|world| world.token(&asked))
        } else {
            Err(Reply::error(Version::V2, 405, "Method not allowed"))
        };
        handled.unwrap_or_else(|refusal| refusal).into_response()
    };
    keap.kit.faults().around(operation, &ordered, run).await
}

/// The page. Somebody clicks at once, as the switch says.
fn authorize(keap: &Keap, method: &Method, query: &[(String, String)]) -> Handled {
    let get = |name: &str| find(query, name);
    let page = |status, title: &str| Reply::html(status, html_page(title));
    if method != Method::GET {
        return Err(page(405, "Method not allowed"));
    }
    let settings = lock(&keap.settings).oauth.clone();
    let redirect = get("redirect_uri").unwrap_or_default();
    let known = get("client_id") == Some(&settings.client_id) && redirect == settings.redirect_uri;
    if !known || get("response_type") != Some("code") || get("scope") != Some("full") {
        return Err(page(400, "The application can't be authorized"));
    }
    let mut back = url::Url::parse(redirect).map_err(|_| page(400, "No such address"))?;
    if settings.consent == Consent::Given {
        let code = keap.with_world(new_code);
        back.query_pairs_mut()
            .append_pair("code", &code)
            .append_pair("scope", &format!("full|{}", lock(&keap.settings).tenant));
    } else {
        back.query_pairs_mut().append_pair("error", "access_denied");
    }
    if let Some(state) = get("state") {
        back.query_pairs_mut().append_pair("state", state);
    }
    let mut reply = Reply::empty(302);
    reply.location = HeaderValue::from_str(back.as_str())
        .ok()
        .map(|to| (LOCATION, to));
    Ok(reply)
}

/// A token request, taken apart.
struct TokenRequest {
    form: Option<Vec<(String, String)>>,
    basic: Option<(String, String)>,
}

impl TokenRequest {
    fn read(headers: &HeaderMap, body: &Bytes) -> Self {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let is_form = text(CONTENT_TYPE)
            .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
        Self {
            form: is_form.then(|| pairs(body)),
            basic: text(AUTHORIZATION).and_then(basic),
        }
    }

    fn get(&self, name: &str) -> Option<&str> {
        find(self.form.as_deref()?, name)
    }
}

fn pairs(text: &[u8]) -> Vec<(String, String)> {
    url::form_urlencoded::parse(text).into_owned().collect()
}

fn find<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let found = pairs.iter().find(|(key, _)| key == name);
    found.map(|(_, value)| value.as_str())
}

fn basic(header: &str) -> Option<(String, String)> {
    let bytes = BASE64_STANDARD
        .decode(header.strip_prefix("Basic ")?)
        .ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}

fn refusal(status: u16, error: &str, description: &str) -> Reply {
    Reply::json(
        status,
        json!({ "error": error, "error_description": description }),
    )
}

fn malformed(description: &str) -> Reply {
    refusal(400, "invalid_request", description)
}

fn known(settings: &OAuthSettings, id: Option<&str>, secret: Option<&str>) -> Result<(), Reply> {
    let known = id == Some(&settings.client_id) && secret == Some(settings.client_secret.as_str());
    known
        .then_some(())
        .ok_or_else(|| refusal(401, "invalid_client", "Invalid client credentials"))
}

/// Issues a code for the registered address.
fn new_code(world: &mut World<'_>) -> String {
    let code = world.new_token(CODE_LIFE);
    let redirect = world.settings.oauth.redirect_uri.clone();
    world.state.issued.codes.push((code.clone(), redirect));
    code.text
}

impl World<'_> {
    fn token(&mut self, asked: &TokenRequest) -> Handled {
        if asked.form.is_none() {
            return Err(malformed("The body is not a form"));
        }
        match asked.get("grant_type") {
            Some("authorization_code") => self.exchange(asked),
            Some("refresh_token") => self.refresh(asked),
            _ => Err(refusal(
                400,
                "unsupported_grant_type",
                "Unsupported grant type",
            )),
        }
    }

    /// The client's credentials stand in the body here.
    fn exchange(&mut self, asked: &TokenRequest) -> Handled {
        let settings = self.settings.oauth.clone();
        known(
            &settings,
            asked.get("client_id"),
            asked.get("client_secret"),
        )?;
        let (now, code) = (self.now, asked.get("code").unwrap_or_default());
        let codes = &mut self.state.issued.codes;
        let at = codes.iter().position(|(token, _)| token.text == code);
        // A code is used up by whoever shows it, whatever comes of it.
        let found = at.map(|at| codes.remove(at));
        match found {
            Some((token, redirect))
                if now < token.until && asked.get("redirect_uri") == Some(&redirect) =>
            {
                let body = self.new_pair();
                self.accept("token_code", &"", json!({ "grant": "code" }));
                Reply::ok(body)
            }
            _ => Err(refusal(400, "invalid_grant", "Invalid authorization code")),
        }
    }

    /// Here they stand in the header.
    fn refresh(&mut self, asked: &TokenRequest) -> Handled {
        let settings = self.settings.oauth.clone();
        let (id, secret) = asked.basic.clone().unzip();
        known(&settings, id.as_deref(), secret.as_deref())?;
        if asked.get("client_secret").is_some() {
            return Err(malformed("More than one way to authenticate"));
        }
        let (now, shown) = (self.now, asked.get("refresh_token").unwrap_or_default());
        let issued = &mut self.state.issued;
        let at = issued
            .refresh
            .iter()
            .position(|token| token.text == shown && now < token.until);
        let Some(at) = at else {
            return Err(match settings.refused_token {
                RefusedToken::InvalidGrant => {
                    refusal(400, "invalid_grant", "Invalid refresh token")
                }
                RefusedToken::InvalidRequest => {
                    refusal(400, "invalid_request", "Invalid Refresh Token")
                }
            });
        };
        if settings.old_refresh == OldToken::Dies {
            issued.refresh.remove(at);
        }
        if settings.old_access == OldToken::Dies {
            issued.access.clear();
        }
        let body = self.new_pair();
        self.accept("token_refresh", &"", json!({ "grant": "refresh" }));
        Reply::ok(body)
    }

    fn new_pair(&mut self) -> Value {
        let (access, refresh) = (self.new_token(ACCESS_LIFE), self.new_token(REFRESH_LIFE));
        self.state.issued.access.push(access.clone());
        self.state.issued.refresh.push(refresh.clone());
        json!({
            "access_token": access.text,
            "token_type": "bearer",
            "expires_in": ACCESS_LIFE.as_secs(),
            "refresh_token": refresh.text,
            "scope": format!("full|{}", self.settings.tenant),
        })
    }

    fn new_token(&self, life: SignedDuration) -> Token {
        Token {
            text: format!("{}{}", self.settings.oauth.token_prefix, self.kit.secret()),
            until: later(self.now, life),
        }
    }
}
