//! The service in memory.

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Path, State};
use axum::routing::get;
use axum::{Json, Router};
use http::StatusCode;
use relay_core::time::Clock;
use relay_http_client::emulation::{Accepted, Book, Faults};
use serde_json::{Value, json};

/// An emulated account.
#[derive(Debug)]
pub struct Textline {
    clock: Arc<dyn Clock>,
    texts: Mutex<Vec<Value>>,
    book: Book,
    faults: Faults,
}

impl Textline {
    /// An account that has sent nothing.
    pub fn new(clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self {
            clock,
            texts: Mutex::default(),
            book: Book::default(),
            faults: Faults::default(),
        })
    }

    /// The interface.
    pub fn router(self: &Arc<Self>) -> Router {
        let texts = get(|State(all): State<Arc<Self>>| async move { Json(json!(all.all())) });
        Router::new()
            .route(
                "/account",
                get(|| async { Json(json!({ "name": "Clinic" })) }),
            )
            .route("/numbers", get(|| async { Json(json!(["+15550100"])) }))
            .route("/texts", texts.post(send))
            .route("/texts/{id}", get(one))
            .with_state(Arc::clone(self))
    }

    /// Every text that was sent.
    pub fn accepted(&self) -> Vec<Accepted> {
        self.book.all()
    }

    /// The faults on order.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Forgets everything.
    pub fn reset(&self) {
        self.texts().clear();
        self.book.clear();
        self.faults.clear();
    }

    fn texts(&self) -> std::sync::MutexGuard<'_, Vec<Value>> {
        self.texts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn all(&self) -> Vec<Value> {
        self.texts().clone()
    }
}

async fn send(State(all): State<Arc<Textline>>, Json(mut text): Json<Value>) -> Json<Value> {
    text["id"] = json!(format!("t{}", all.texts().len() + 1));
    all.texts().push(text.clone());
    all.book.add(Accepted {
        at: all.clock.now(),
        operation: "text".to_owned(),
        who: text["to"].as_str().unwrap_or_default().to_owned(),
        content: text.clone(),
    });
    Json(text)
}

async fn one(
    State(all): State<Arc<Textline>>,
    Path(id): Path<String>,
) -> Result<Json<Value>, StatusCode> {
    let found = all.all().into_iter().find(|text| text["id"] == id);
    found.map(Json).ok_or(StatusCode::NOT_FOUND)
}
