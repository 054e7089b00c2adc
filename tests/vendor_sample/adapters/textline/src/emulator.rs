//! The service in memory. Everything it does is assumed: the service is invented.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::extract::{Path, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::{Method, StatusCode};
use relay_core::random::Random;
use relay_core::time::{Clock, Timestamp};
use relay_http_client::emulation::{Emulator, Kit, lock};
use serde_json::{Value, json};

/// An emulated account.
#[derive(Debug)]
pub struct Textline {
    kit: Kit,
    texts: Mutex<Vec<Value>>,
}

impl Textline {
    /// An account that has sent nothing.
    pub fn new(clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Arc<Self> {
        Arc::new(Self {
            kit: Kit::new(clock, random),
            texts: Mutex::default(),
        })
    }
}

#[async_trait]
impl Emulator for Textline {
    fn kit(&self) -> &Kit {
        &self.kit
    }

    fn act(&self, _what: Value) -> Result<Value, String> {
        Err("nobody does anything here".to_owned())
    }

    fn router(self: Arc<Self>) -> Router {
        let texts = get(|State(all): State<Arc<Self>>| async move { Json(json!(*lock(&all.texts))) });
        Router::new()
            .route(
                "/account",
                get(|| async { Json(json!({ "name": "Clinic" })) }),
            )
            .route("/numbers", get(|| async { Json(json!(["+15550100"])) }))
            .route("/texts", texts.post(send))
            .route("/texts/{id}", get(one))
            .layer(from_fn_with_state(Arc::clone(&self), struck))
            .with_state(self)
    }

    fn next_due(&self) -> Option<Timestamp> {
        None
    }

    async fn deliver_due(&self) -> usize {
        0
    }

    fn reset(&self) {
        lock(&self.texts).clear();
        self.kit.reset();
    }
}

fn fault(code: u16, body: Option<&str>) -> Response {
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = body.map_or_else(|| json!({ "error": "fault" }).to_string(), str::to_owned);
    (status, body).into_response()
}

/// Faults strike here, before or after the request is carried out.
async fn struck(State(all): State<Arc<Textline>>, request: Request, next: Next) -> Response {
    let operation = match *request.method() {
        Method::POST => "text",
        _ => "read",
    };
    let run = next.run(request);
    all.kit.faults().around(operation, &fault, run).await
}

async fn send(State(all): State<Arc<Textline>>, Json(mut text): Json<Value>) -> Json<Value> {
    text["id"] = json!(all.kit.named_id("text"));
    lock(&all.texts).push(text.clone());
    let who = text["to"].as_str().unwrap_or_default();
    all.kit.accept("text", &who, text.clone());
    Json(text)
}

async fn one(
    State(all): State<Arc<Textline>>,
    Path(id): Path<String>,
) -> Result<Json<Value>, StatusCode> {
    let texts = lock(&all.texts);
    let found = texts.iter().find(|text| text["id"] == id);
    found.cloned().map(Json).ok_or(StatusCode::NOT_FOUND)
}
