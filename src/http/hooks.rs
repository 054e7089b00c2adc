//! `POST /hooks/{source}` and `POST /hooks/{source}/{secret}`.
//!
//! | what | answer |
//! |---|---|
//! | stored, or a duplicate of something stored | 200 |
//! | handshake of a sender that has one | 200 with the header echoed, nothing stored |
//! | handshake that nobody of ours is asking for | 404, as if there were no such path |
//! | verification failed | what the source says: 400 or 401, with the fault named |
//! | unknown route, secret missing, wrong or unasked for | 404, the same bytes for all of them |
//! | body longer than the source's cap, declared or chunked | 413 |
//! | body not whole in time, or slower than the minimum rate | 408 |
//! | can't be stored, or too much at once | 503 with `Retry-After` |
//!
//! A slash at the end of a path changes nothing: some senders add one.
//!
//! The order is the protection: the route, the path's secret and what the headers tell come first;
//! then a slot among the bodies of this route; then the body, as far as the slot allows; then what is
//! signed over it; then the commit. Who fails at one step costs nothing of the next. A refusal before
//! the body closes the connection, and a sender that is still writing may miss the answer.
//!
//! Never 410, and never 4xx for content that a genuine sender sent: what can't be used is stored,
//! acknowledged and quarantined by the engine. A source's cap must therefore be well above the
//! largest body it can honestly send.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Extension, Router};
use http::StatusCode;

use super::HttpState;
use super::body::BodyError;
use super::connections::Genuine;
use super::error::ApiError;
use crate::receipts::{NotReceived, Received, Source};

/// The routes.
pub(super) fn routes() -> Router<Arc<HttpState>> {
    Router::new()
        .route("/hooks/{source}", post(without_secret))
        .route("/hooks/{source}/", post(without_secret))
        .route("/hooks/{source}/{secret}", post(with_secret))
        .route("/hooks/{source}/{secret}/", post(with_secret))
}

async fn without_secret(
    State(state): State<Arc<HttpState>>,
    path: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    match path {
        Ok(Path(source)) => respond(handle(&state, &source, None, request).await),
        Err(_) => ApiError::not_found().into_response(),
    }
}

async fn with_secret(
    State(state): State<Arc<HttpState>>,
    path: Result<Path<(String, String)>, PathRejection>,
    request: Request,
) -> Response {
    match path {
        Ok(Path((source, secret))) => {
            respond(handle(&state, &source, Some(&secret), request).await)
        }
        Err(_) => ApiError::not_found().into_response(),
    }
}

async fn handle(
    state: &HttpState,
    name: &str,
    secret: Option<&str>,
    request: Request,
) -> Result<Received, ApiError> {
    let route = state
        .route(name)
        .filter(|route| route.source.secret_in_path() == secret.is_some())
        .ok_or_else(ApiError::not_found)?;
    let source = &*route.source;
    let (parts, body) = request.into_parts();
    state
        .receiver
        .admit(source, &parts.headers, secret)
        .map_err(|error| not_received(source, error))?;
    let slot = route.bodies.enter();
    let slot = slot.ok_or_else(|| unread(state, source, BodyError::GaveWay))?;
    let body = slot
        .read(body, source.max_body(), state.limits.body)
        .await
        .map_err(|error| unread(state, source, error))?;
    let body = source.with_query(&parts.headers, parts.uri.query(), body);
    if body.len() > source.max_body() {
        return Err(unread(state, source, BodyError::TooLong));
    }
    state
        .receiver
        .receive(source, &parts.headers, secret, body)
        .await
        .map_err(|error| not_received(source, error))
}

fn unread(state: &HttpState, source: &dyn Source, error: BodyError) -> ApiError {
    let (code, answer) = match error {
        BodyError::TooLong => ("body_too_long", ApiError::too_long(source.max_body())),
        BodyError::TooSlow => (
            "body_too_slow",
            ApiError::too_slow(state.limits.body.whole.as_secs()),
        ),
        BodyError::CutOff => ("body_cut_off", ApiError::cut_off()),
        BodyError::GaveWay => ("busy", ApiError::busy()),
    };
    state.receiver.count_refusal(source, code);
    answer
}

fn not_received(source: &dyn Source, error: NotReceived) -> ApiError {
    match error {
        NotReceived::Unavailable(_) => ApiError::unavailable(source.unavailable()),
        NotReceived::Refused(refusal) if refusal.status == StatusCode::NOT_FOUND => {
            ApiError::not_found()
        }
        NotReceived::Refused(refusal) => {
            ApiError::new(refusal.status, refusal.code, refusal.message)
        }
    }
}

fn respond(result: Result<Received, ApiError>) -> Response {
    match result {
        // Duplicate or not is our business: the sender has done its part.
        Ok(Received::Stored { .. } | Received::Duplicate { .. }) => {
            (StatusCode::OK, Extension(Genuine)).into_response()
        }
        Ok(Received::Handshake {
            header: (name, value),
        }) => (StatusCode::OK, [(name, value)]).into_response(),
        Err(error) => error.into_response(),
    }
}
