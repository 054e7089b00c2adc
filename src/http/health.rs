//! `GET /healthz` and `GET /readyz`, for whoever supervises the process.
//!
//! `healthz` says that the process answers, and nothing about the database: restarting us does
//! not mend a full disk. `readyz` reads and writes the database. It is looked at no more than
//! once a second, however often it is asked, because a write costs a sync to disk and the route
//! is open to everyone. Neither names a client.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::StatusCode;
use relay_core::time::{SignedDuration, Timestamp};
use relay_store::{Batch, Op, StoreError};
use serde_json::json;
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::HttpState;

/// How long an answer of the database stands, real time.
const FRESH: SignedDuration = SignedDuration::from_secs(1);
/// How long the database may take, real time.
const PATIENCE: Duration = Duration::from_secs(5);
/// The setting that is written to see whether the database can be written.
pub const PROBE_SETTING: &str = "readiness.checked_at";

/// The last look, with when it was taken (real time).
#[derive(Debug, Default)]
pub(super) struct LastLook(Mutex<Option<(Timestamp, StatusCode, serde_json::Value)>>);

/// The routes.
pub(super) fn routes() -> Router<Arc<HttpState>> {
    Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
}

async fn healthz() -> Response {
    Json(json!({ "status": "alive" })).into_response()
}

async fn readyz(State(state): State<Arc<HttpState>>) -> Response {
    let real_now = state.real.now();
    // Held during the look, so that a crowd of askers causes one look.
    let mut last = state.last_look.0.lock().await;
    if let Some((at, status, body)) = &*last
        && real_now.duration_since(*at).abs() < FRESH
    {
        return (*status, Json(body.clone())).into_response();
    }
    let (status, body) = look(&state).await;
    *last = Some((real_now, status, body.clone()));
    (status, Json(body)).into_response()
}

async fn look(state: &HttpState) -> (StatusCode, serde_json::Value) {
    let unready = |what: &str| {
        let body = json!({ "status": "not_ready", "reason": what });
        (StatusCode::SERVICE_UNAVAILABLE, body)
    };
    match timeout(PATIENCE, check(state)).await {
        Ok(Ok(body)) => (StatusCode::OK, body),
        Ok(Err(error)) => {
            tracing::error!(%error, "not ready");
            unready("the database can't be read or written")
        }
        Err(_) => {
            tracing::error!("not ready: the database took too long");
            unready("the database did not answer in time")
        }
    }
}

async fn check(state: &HttpState) -> Result<serde_json::Value, StoreError> {
    let store = &state.receiver.store;
    let now = state.receiver.now();
    store
        .commit(Batch::from(vec![Op::PutSetting {
            key: PROBE_SETTING.to_owned(),
            value: json!(now.to_string()),
        }]))
        .await?;
    let health = store.health(now).await?;
    let oldest = health
        .oldest_due
        .map(|due| now.duration_since(due).as_secs().max(0));
    let jobs: serde_json::Map<_, _> = health
        .jobs
        .iter()
        .map(|(state, count)| (state.as_str().to_owned(), json!(count)))
        .collect();
    Ok(json!({
        "status": "ready",
        "oldest_due_job_seconds": oldest,
        "unread_receipts": health.unread_receipts,
        "open_work": health.open_work,
        "open_cases": health.open_cases,
        "jobs": jobs,
    }))
}
