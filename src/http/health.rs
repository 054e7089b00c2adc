//! `GET /healthz` and `GET /readyz`, for whoever supervises the process.
//!
//! `healthz` says that the process answers, and nothing about the database: restarting us does
//! not mend a full disk. `readyz` reads and writes the database, and looks whether its files are still
//! those that were opened. Neither names a client.
//!
//! The routes are open to everyone, so asking often must cost nothing: the database is looked at no
//! more than once a second, because a write costs a sync to disk; and what is counted (jobs by state,
//! open cases and work) no more than once a minute, because that takes longer the more there is.
//! `counted_at` says when.
//!
//! A relay whose outreach is stopped is ready, because it receives: `outreach` says `stopped`.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::StatusCode;
use relay_core::time::{SignedDuration, Timestamp};
use relay_store::{Batch, FileFault, Op, Store, StoreError};
use serde_json::{Map, Value, json};
use thiserror::Error;
use tokio::sync::Mutex;
use tokio::time::error::Elapsed;
use tokio::time::timeout;

use super::HttpState;
use crate::engine::outreach::stopped_since;

/// How long an answer of the database stands, real time.
const FRESH: SignedDuration = SignedDuration::from_secs(1);
/// How long what was counted stands, real time.
const COUNTED: SignedDuration = SignedDuration::from_mins(1);
/// How long the database may take, real time.
const PATIENCE: Duration = Duration::from_secs(5);
/// The setting that is written to see whether the database can be written.
pub const PROBE_SETTING: &str = "readiness.checked_at";

/// The last look (real time), and what was counted last.
#[derive(Debug, Default)]
pub(super) struct LastLook(Mutex<Looked>);

#[derive(Debug, Default)]
struct Looked {
    answer: Option<(Timestamp, StatusCode, Map<String, Value>)>,
    counts: Option<(Timestamp, Map<String, Value>)>,
}

/// Why the relay is not ready.
#[derive(Debug, Error)]
enum NotReady {
    #[error("the database can't be read or written")]
    Store(#[from] StoreError),
    /// The log names the file; a stranger need not know it.
    #[error("the database's file is not the one that was opened; the log tells more")]
    File(#[from] FileFault),
    #[error("the database did not answer in time")]
    Late(#[from] Elapsed),
}

impl NotReady {
    fn code(&self) -> &'static str {
        match self {
            Self::Store(_) => "store",
            Self::File(_) => "file",
            Self::Late(_) => "late",
        }
    }
}

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
    let mut looked = state.last_look.0.lock().await;
    if let Some((at, status, body)) = &looked.answer
        && is_fresh(*at, real_now, FRESH)
    {
        return (*status, Json(body.clone())).into_response();
    }
    let (status, body) = match look(&state, &mut looked, real_now).await {
        Ok(body) => (StatusCode::OK, body),
        Err(error) => {
            if let Some(unsaid) = state.receiver.log_throttle.admit(("readyz", error.code())) {
                tracing::error!(%error, cause = cause(&error), unsaid, "not ready");
            }
            let body = object(json!({ "status": "not_ready", "reason": error.to_string() }));
            (StatusCode::SERVICE_UNAVAILABLE, body)
        }
    };
    looked.answer = Some((real_now, status, body.clone()));
    (status, Json(body)).into_response()
}

fn is_fresh(at: Timestamp, now: Timestamp, for_: SignedDuration) -> bool {
    now.duration_since(at).abs() < for_
}

fn cause(error: &NotReady) -> Option<String> {
    std::error::Error::source(error).map(ToString::to_string)
}

async fn look(
    state: &HttpState,
    looked: &mut Looked,
    real_now: Timestamp,
) -> Result<Map<String, Value>, NotReady> {
    let store = &state.receiver.store;
    timeout(PATIENCE, store.check_file()).await??;
    let now = state.receiver.now();
    let mut body = timeout(PATIENCE, check(&**store, now)).await??;
    let counts = match looked.counts.take() {
        Some((at, counts)) if is_fresh(at, real_now, COUNTED) => (at, counts),
        _ => (
            real_now,
            timeout(PATIENCE, count(&**store, now, real_now)).await??,
        ),
    };
    body.extend(counts.1.clone());
    looked.counts = Some(counts);
    Ok(body)
}

/// What is looked at each time: a write, and three rows.
async fn check(store: &dyn Store, now: Timestamp) -> Result<Map<String, Value>, StoreError> {
    store
        .commit(Batch::from(vec![Op::PutSetting {
            key: PROBE_SETTING.to_owned(),
            value: json!(now.to_string()),
        }]))
        .await?;
    let outreach = match stopped_since(store).await? {
        Some(_) => "stopped",
        None => "allowed",
    };
    let due = store.next_due().await?.filter(|due| *due <= now);
    Ok(object(json!({
        "status": "ready",
        "outreach": outreach,
        "oldest_due_job_seconds": due.map(|due| now.duration_since(due).as_secs()),
    })))
}

/// What takes the longer the more there is.
async fn count(
    store: &dyn Store,
    now: Timestamp,
    real_now: Timestamp,
) -> Result<Map<String, Value>, StoreError> {
    let health = store.health(now).await?;
    let jobs = health.jobs.iter();
    let jobs: Map<_, _> = jobs
        .map(|(state, count)| (state.as_str().to_owned(), json!(count)))
        .collect();
    Ok(object(json!({
        "counted_at": real_now,
        "unread_receipts": health.unread_receipts,
        "open_work": health.open_work,
        "open_cases": health.open_cases,
        "jobs": jobs,
    })))
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
