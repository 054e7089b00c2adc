//! The routes of the page, and who may use them.
//!
//! | route | does |
//! |---|---|
//! | `GET /` | the page; `/stage/stage.css`, `/stage/stage.js` and `/stage/icon.svg` belong to it |
//! | `GET /stage/state?who=ID,ID` | the view, once |
//! | `GET /stage/live?who=ID,ID` | the view, whenever it changes (Server-Sent Events) |
//! | `GET /stage/plan?client=ID` | what stopping the coaching fee would change |
//! | `POST /stage/press` | a button: see [`Press`] |
//! | `POST /stage/clock` | time: `{"do":"play"}`, `pause`, `slower`, `faster`, `next`, `again` |
//!
//! **Rules.** It listens on this machine only, which keeps other machines out, but not other pages
//! in the visitor's browser. So each request must name this machine as its host (a name of
//! somebody else's that leads here is refused), and what changes something must be JSON and come
//! from this page: a browser says so in `Sec-Fetch-Site` and `Origin`. The page brings no script of
//! another origin and no inline script, and says so to the browser.

use std::sync::Arc;

use axum::extract::rejection::JsonRejection;
use axum::extract::{DefaultBodyLimit, Query, Request, State};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, ORIGIN};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::buttons::{ClockPress, Press};
use super::{Stage, live};
use crate::http::ApiError;

const PAGE: &str = include_str!("assets/index.html");
const STYLE: &str = include_str!("assets/stage.css");
const SCRIPT: &str = include_str!("assets/stage.js");
const ICON: &str = include_str!("assets/icon.svg");

/// What the page may load and do: its own files, and nothing else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// How long a button's body may be.
const MAX_BODY: usize = 16 * 1024;

/// Every route of the page.
pub fn router(stage: Arc<Stage>) -> Router {
    Router::new()
        .route(
            "/",
            get(|| async { file(PAGE, "text/html; charset=utf-8") }),
        )
        .route(
            "/stage/stage.css",
            get(|| async { file(STYLE, "text/css; charset=utf-8") }),
        )
        .route(
            "/stage/stage.js",
            get(|| async { file(SCRIPT, "text/javascript; charset=utf-8") }),
        )
        .route(
            "/stage/icon.svg",
            get(|| async { file(ICON, "image/svg+xml") }),
        )
        .route("/stage/state", get(state))
        .route("/stage/live", get(follow))
        .route("/stage/plan", get(plan))
        .route("/stage/press", post(press))
        .route("/stage/clock", post(clock))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(from_fn(admit))
        .with_state(stage)
}

fn file(text: &'static str, kind: &'static str) -> impl IntoResponse {
    ([(CONTENT_TYPE, kind)], text)
}

/// Lets in whoever may use the page or the sandbox's own routes, which tell and change as much; and
/// says on every answer what the page may do.
pub async fn admit(request: Request, next: Next) -> Response {
    let refused = check(request.method(), request.headers());
    let mut response = match refused {
        Some(refused) => refused.into_response(),
        None => next.run(request).await,
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, POLICY),
        (CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("x-content-type-options"), "nosniff"),
        (HeaderName::from_static("referrer-policy"), "no-referrer"),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Why a request is not let in, if it isn't.
fn check(method: &Method, headers: &HeaderMap) -> Option<ApiError> {
    let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let host = text(&HOST).unwrap_or_default();
    if !is_this_machine(host) {
        return Some(ApiError::new(
            StatusCode::FORBIDDEN,
            "other_host",
            "this is for this machine only: ask for it by 127.0.0.1 or localhost",
        ));
    }
    if *method == Method::GET || *method == Method::HEAD {
        return None;
    }
    let elsewhere = |why: &str| {
        let message = format!("no other page may change anything here: {why}");
        Some(ApiError::new(StatusCode::FORBIDDEN, "other_page", message))
    };
    let site = text(&HeaderName::from_static("sec-fetch-site"));
    if site.is_some_and(|site| site != "same-origin" && site != "none") {
        return elsewhere("Sec-Fetch-Site names another site");
    }
    if headers.contains_key(ORIGIN) && text(&ORIGIN) != Some(format!("http://{host}").as_str()) {
        return elsewhere("Origin names another page");
    }
    let kind = text(&CONTENT_TYPE).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/json") {
        return Some(ApiError::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "not_json",
            "Content-Type must be application/json",
        ));
    }
    None
}

/// Whether a `Host` names this machine, with any port.
fn is_this_machine(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.parse::<u16>().is_ok() => name,
        _ => host,
    };
    ["127.0.0.1", "localhost", "[::1]"].contains(&name)
}

/// Whom a view is asked of.
#[derive(Debug, Default, Deserialize)]
struct Who {
    #[serde(default)]
    who: String,
}

impl Who {
    fn ids(&self) -> Vec<String> {
        let ids = self.who.split(',').map(str::trim);
        ids.filter(|id| !id.is_empty()).map(str::to_owned).collect()
    }
}

async fn state(State(stage): State<Arc<Stage>>, Query(who): Query<Who>) -> Response {
    match stage.view(&who.ids()).await {
        Ok(view) => Json(view).into_response(),
        Err(error) => {
            ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "unreadable", error).into_response()
        }
    }
}

async fn follow(State(stage): State<Arc<Stage>>, Query(who): Query<Who>) -> Response {
    live::stream(stage, who.ids()).into_response()
}

/// Whose fee would be stopped.
#[derive(Debug, Deserialize)]
struct Whose {
    client: String,
}

async fn plan(State(stage): State<Arc<Stage>>, Query(whose): Query<Whose>) -> Response {
    answer(
        stage
            .plan(&whose.client)
            .await
            .map(|lines| json!({ "done": lines })),
    )
}

async fn press(
    State(stage): State<Arc<Stage>>,
    body: Result<Json<Press>, JsonRejection>,
) -> Response {
    match body {
        Ok(Json(press)) => answer(stage.press(press).await),
        Err(error) => unreadable(&error),
    }
}

async fn clock(
    State(stage): State<Arc<Stage>>,
    body: Result<Json<ClockPress>, JsonRejection>,
) -> Response {
    match body {
        Ok(Json(press)) => answer(stage.press_clock(press).await),
        Err(error) => unreadable(&error),
    }
}

fn unreadable(error: &JsonRejection) -> Response {
    ApiError::new(error.status(), "not_understood", error.body_text()).into_response()
}

fn answer(result: Result<impl Serialize, String>) -> Response {
    match result {
        Ok(told) => Json(told).into_response(),
        Err(why) => ApiError::new(StatusCode::CONFLICT, "refused", why).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_this_machine_by_its_name_whatever_the_port() {
        for host in ["127.0.0.1:8123", "localhost", "localhost:1", "[::1]:9000"] {
            assert!(is_this_machine(host), "{host}");
        }
        for host in [
            "",
            "stage.example.test",
            "127.0.0.1.example.test:80",
            "[::1",
        ] {
            assert!(!is_this_machine(host), "{host}");
        }
    }
}
