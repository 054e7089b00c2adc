//! The one way in: credential, quota, form, route, faults, headers. In this order; the token
//! endpoint stands beside it, because whoever asks there has no credential yet.

use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use percent_encoding::percent_decode_str;
use relay_http_client::emulation::described::{Operation, OperationMatch};
use relay_http_client::emulation::lock;

use super::quota::Beyond;
use super::registry::WRITES;
use super::reply::{Handled, MAX_BODY, Reply, Version, html_page};
use super::request::Incoming;
use super::routes::{self, Handler, Route};
use super::settings::{KeyHeader, Settings};
use super::tenant::Keap;
use super::{described, drift, oauth, quota};

/// Answers a request.
pub(super) async fn answer(keap: &Keap, request: Request) -> Response {
    if oauth::is_ours(request.uri().path()) {
        return finish(keap, oauth::answer(keap, request).await, HeaderMap::new());
    }
    let (parts, body) = request.into_parts();
    let settings = lock(&keap.settings).clone();
    if let Some(code) = judge(keap, &settings, &parts.headers) {
        let headers = quota::empty_headers(&settings, keap.kit.now());
        return finish(keap, Reply::unauthorised(code).into_response(), headers);
    }
    let (beyond, headers) = count(keap, &settings);
    if let Some(beyond) = beyond.filter(|_| settings.limits.enforced) {
        let reply = Reply::too_many(beyond);
        return finish(keap, reply.into_response(), headers);
    }
    let answer = match axum::body::to_bytes(body, MAX_BODY).await {
        Ok(body) => match incoming(parts, &body) {
            Ok(incoming) => route(keap, &settings, &incoming).await,
            Err(reply) => reply.into_response(),
        },
        Err(_) => Reply::too_large().into_response(),
    };
    finish(keap, answer, headers)
}

/// Both headers are documented; a tenant that takes only one sees nothing in the other.
fn credential(headers: &HeaderMap, taken: KeyHeader) -> Option<&str> {
    let text = |name: &str| headers.get(name)?.to_str().ok();
    let bearer = || text(AUTHORIZATION.as_str())?.strip_prefix("Bearer ");
    let key = || text("x-keap-api-key");
    let presented = match taken {
        KeyHeader::Either => bearer().or_else(key),
        KeyHeader::Bearer => bearer(),
        KeyHeader::ApiKey => key(),
    };
    presented.filter(|key| !key.is_empty())
}

/// `None` if the request is let in, else the gateway's code. A token is not let in as a key is.
fn judge(keap: &Keap, settings: &Settings, headers: &HeaderMap) -> Option<&'static str> {
    let Some(presented) = credential(headers, settings.key_header) else {
        return Some("oauth.v2.InvalidAccessToken");
    };
    if settings.keys.iter().any(|key| key == presented) {
        return None;
    }
    if !headers.contains_key(AUTHORIZATION) {
        return Some("keymanagement.service.invalid_access_token");
    }
    lock(&keap.state).issued.judge(presented, keap.kit.now())
}

fn count(keap: &Keap, settings: &Settings) -> (Option<Beyond>, HeaderMap) {
    let now = keap.kit.now();
    let mut state = lock(&keap.state);
    let beyond = state.usage.count(now, &settings.limits);
    (beyond, quota::headers(&state.usage, settings, now))
}

/// Takes the request apart, or says at once what is wrong with its form.
fn incoming(parts: http::request::Parts, body: &Bytes) -> Result<Incoming, Reply> {
    if parts.method == Method::GET && !body.is_empty() {
        let page = html_page("400: malformed or illegal request");
        return Err(Reply::html(400, page));
    }
    let unknown = || Reply::html(404, html_page("Page not found"));
    let path = parts.uri.path().strip_prefix("/crm/rest");
    let path = path.ok_or_else(unknown)?.to_owned();
    let (version, rest) = match path.strip_prefix("/v1/") {
        Some(rest) => (Version::V1, rest),
        None => (Version::V2, path.strip_prefix("/v2/").ok_or_else(unknown)?),
    };
    // Old clients wrote a slash behind it, and v1 has answered them.
    let (path, rest) = match version {
        Version::V1 => (path.trim_end_matches('/'), rest.trim_end_matches('/')),
        Version::V2 => (path.as_str(), rest),
    };
    let segments = rest.split('/').map(decode).collect();
    let query = parts.uri.query().unwrap_or_default();
    let query = url::form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect();
    let body = json(&parts.headers, body, version)?;
    Ok(Incoming {
        method: parts.method,
        version,
        path: path.to_owned(),
        segments,
        query,
        headers: parts.headers,
        body,
    })
}

fn decode(segment: &str) -> String {
    percent_decode_str(segment).decode_utf8_lossy().into_owned()
}

fn json(
    headers: &HeaderMap,
    body: &Bytes,
    version: Version,
) -> Result<Option<serde_json::Value>, Reply> {
    if body.is_empty() {
        return Ok(None);
    }
    let kind = headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok());
    let is_json = kind.is_some_and(|kind| kind.starts_with("application/json"));
    let invalid = "Input could not be converted to a valid request";
    match serde_json::from_slice(body) {
        Ok(body) if is_json => Ok(Some(body)),
        _ => Err(Reply::error(version, 400, invalid)),
    }
}

async fn route(keap: &Keap, settings: &Settings, request: &Incoming) -> Response {
    let drifted = |reply| drift::drifted(reply, settings).into_response();
    let (described, route) = match known(keap, request) {
        Ok(known) => known,
        Err(refusal) => return drifted(refusal),
    };
    let operation = route.operation;
    let ordered = |code, text: Option<&str>| drifted(Reply::ordered(request.version, code, text));
    let run = async {
        let handled = carry_out(keap, request, route).await;
        let reply = handled.unwrap_or_else(|refusal| refusal);
        described::check(keap, described, request.version, &reply);
        drifted(reply)
    };
    keap.kit.faults().around(operation, &ordered, run).await
}

/// What the vendor says of a request and what carries it out, or the refusal.
fn known<'a>(keap: &Keap, request: &'a Incoming) -> Result<(&'static Operation, Route<'a>), Reply> {
    // Keap has it, and this emulator doesn't: nobody may take that for Keap's word.
    let elsewhere = || {
        let message = "Keap has this, and its emulator does not";
        Reply::error(request.version, 501, message)
    };
    let described = match described::find(request) {
        OperationMatch::Operation(operation) => operation,
        OperationMatch::OtherMethod => {
            return Err(Reply::error(request.version, 405, "Method not allowed"));
        }
        OperationMatch::Elsewhere => return Err(elsewhere()),
        OperationMatch::Nothing => return Err(Reply::html(404, html_page("Page not found"))),
    };
    let route = routes::find(request).ok_or_else(elsewhere)?;
    if let Some(refusal) = described::refusal(keap, described, request) {
        return Err(refusal);
    }
    if request.method != Method::GET && !WRITES.contains(&route.operation) {
        let message = "a write that the emulator's registry doesn't list";
        return Err(Reply::error(request.version, 501, message));
    }
    Ok((described, route))
}

async fn carry_out(keap: &Keap, request: &Incoming, route: Route<'_>) -> Handled {
    match route.run {
        Handler::Plain(run) => keap.with_world(|world| run(world, request)),
        Handler::One(run, id) => keap.with_world(|world| run(world, request, id)),
        Handler::Two(run, a, b) => keap.with_world(|world| run(world, request, a, b)),
        Handler::Hook(call) => keap.hook_call(request, call).await,
    }
}

fn finish(keap: &Keap, mut answer: Response, headers: HeaderMap) -> Response {
    answer.headers_mut().extend(headers);
    if let Ok(id) = HeaderValue::from_str(&keap.kit.request_id()) {
        let name = HeaderName::from_static("x-request-id");
        answer.headers_mut().insert(name, id);
    }
    answer
}
