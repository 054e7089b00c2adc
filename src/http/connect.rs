//! `GET /oauth/{vendor}/callback`: where a browser comes back to after somebody has agreed.
//!
//! The address holds a code, so nothing of it is shown, logged or passed on: the page says how it
//! ended, loads nothing, links nowhere, and is not kept. A word that is not the one we sent ends in
//! the same page whatever is wrong with it.

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY};
use http::{HeaderValue, StatusCode};

use super::HttpState;
use super::error::ApiError;
use crate::ports::{CameBack, ConnectError, ConnectionStatus};

/// The routes.
pub(super) fn routes() -> Router<Arc<HttpState>> {
    Router::new().route("/oauth/{vendor}/callback", get(callback))
}

async fn callback(
    State(state): State<Arc<HttpState>>,
    path: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
) -> Response {
    let vendor = path.as_ref().map_or("", |Path(name)| name.as_str());
    let mut known = state.authorize.iter();
    let Some(connection) = known.find(|connection| connection.name() == vendor) else {
        return ApiError::not_found().into_response();
    };
    let came_back = CameBack::read(&format!("?{}", query.unwrap_or_default()));
    let ended = match came_back {
        Some(came_back) => connection.finish(came_back).await,
        None => Err(ConnectError::NotOurs),
    };
    match ended {
        Ok(status) => page(StatusCode::OK, &connected(&status)),
        Err(error) => page(status_of(&error), &error.to_string()),
    }
}

fn connected(status: &ConnectionStatus) -> String {
    let whose = status.tenant.as_deref().unwrap_or("the account");
    match &status.problem {
        None => format!("Connected to {whose}. You can close this page."),
        Some(problem) => format!("Connected to {whose}, but {problem}"),
    }
}

fn status_of(error: &ConnectError) -> StatusCode {
    match error {
        ConnectError::NotNeeded => StatusCode::NOT_FOUND,
        ConnectError::NotOurs | ConnectError::Denied => StatusCode::BAD_REQUEST,
        ConnectError::OtherAccount { .. } => StatusCode::CONFLICT,
        ConnectError::Refused(_) => StatusCode::BAD_GATEWAY,
        ConnectError::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

fn page(status: StatusCode, text: &str) -> Response {
    let headers = [
        (CONTENT_TYPE, "text/plain; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
        (REFERRER_POLICY, "no-referrer"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'"),
    ];
    let mut response = (status, format!("{text}\n")).into_response();
    for (name, value) in headers {
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    response
}
