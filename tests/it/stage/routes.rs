//! Who may look and who may press, and what is said to whoever asks wrongly.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use clear_relay::stage::{Stage, routes};
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::theatre::show;

async fn page() -> (Arc<Stage>, Router) {
    let stage = Stage::of_show(show(&["maya", "jo"]).await);
    let router = routes::router(Arc::clone(&stage));
    (stage, router)
}

/// Asks as this page itself would, but for the headers that are named.
async fn ask(
    router: &Router,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> (StatusCode, Value) {
    let mut request = Request::builder().method(method).uri(path);
    for (name, usual) in [
        ("host", "127.0.0.1:9000"),
        ("content-type", "application/json"),
    ] {
        let given = headers.iter().find(|(given, _)| *given == name);
        request = request.header(name, given.map_or(usual, |(_, value)| value));
    }
    for (name, value) in headers {
        if !["host", "content-type"].contains(name) {
            request = request.header(*name, *value);
        }
    }
    let request = request
        .body(Body::from(body.to_owned()))
        .expect("a request");
    let answer = router.clone().oneshot(request).await.expect("an answer");
    let status = answer.status();
    let body = answer.into_body().collect().await.expect("a body");
    let body = serde_json::from_slice(&body.to_bytes()).unwrap_or_default();
    (status, body)
}

async fn press(router: &Router, headers: &[(&str, &str)], body: &Value) -> (StatusCode, Value) {
    ask(
        router,
        Method::POST,
        "/stage/press",
        headers,
        &body.to_string(),
    )
    .await
}

#[tokio::test]
async fn a_page_of_another_origin_presses_nothing() {
    let (_, router) = page().await;
    let check_in = json!({ "press": "check_in", "client": "maya" });
    let refused: [(&[(&str, &str)], StatusCode); 6] = [
        (&[("sec-fetch-site", "cross-site")], StatusCode::FORBIDDEN),
        (&[("sec-fetch-site", "same-site")], StatusCode::FORBIDDEN),
        (
            &[("origin", "http://127.0.0.1:8000")],
            StatusCode::FORBIDDEN,
        ),
        (&[("origin", "null")], StatusCode::FORBIDDEN),
        (&[("host", "stage.example.test")], StatusCode::FORBIDDEN),
        (
            &[("content-type", "text/plain")],
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ),
    ];
    for (headers, status) in refused {
        let (answered, body) = press(&router, headers, &check_in).await;
        assert_eq!(answered, status, "{headers:?} {body}");
        assert!(body["error"]["message"].is_string(), "{body}");
    }
    let (_, view) = ask(&router, Method::GET, "/stage/state", &[], "").await;
    let state = &view["people"][0]["portal"]["check_ins"][0]["state"];
    assert_eq!(state, "not due yet", "none of them did anything");
    let own = [
        ("sec-fetch-site", "same-origin"),
        ("origin", "http://127.0.0.1:9000"),
    ];
    let (answered, body) = press(&router, &own, &check_in).await;
    assert_eq!(answered, StatusCode::OK, "{body}");
    let (_, view) = ask(&router, Method::GET, "/stage/state", &[], "").await;
    let state = &view["people"][0]["portal"]["check_ins"][0]["state"];
    assert_eq!(state, "submitted");
}

#[tokio::test]
async fn a_name_of_somebody_elses_that_leads_here_reads_nothing() {
    let (_, router) = page().await;
    for path in ["/", "/stage/state", "/stage/live", "/stage/stage.js"] {
        let other = [("host", "stage.example.test:9000")];
        let (status, _) = ask(&router, Method::GET, path, &other, "").await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{path}");
    }
}

#[tokio::test]
async fn what_is_asked_wrongly_is_answered_with_what_is_wrong() {
    let (_, router) = page().await;
    let wrong = [
        (json!({ "press": "fly" }), "fly"),
        (json!({ "press": "check_in" }), "client"),
        (
            json!({ "press": "check_in", "client": "maya", "x": 1 }),
            "x",
        ),
        (json!({ "press": "check_in", "client": "nobody" }), "nobody"),
        (
            json!({ "press": "open_email", "client": "nobody" }),
            "nobody",
        ),
        (
            json!({ "press": "reply", "client": "maya", "text": "  " }),
            "text",
        ),
        (
            json!({ "press": "call", "client": "maya", "outcome": "spoke" }),
            "task",
        ),
        (
            json!({ "press": "answer", "client": "maya", "task": "999999", "answer": "handled" }),
            "task",
        ),
        (
            json!({ "press": "answer", "client": "maya", "task": "1", "answer": " " }),
            "answer",
        ),
        (
            json!({ "press": "break", "vendor": "moon", "how": "hang" }),
            "portal and keap",
        ),
        (
            json!({ "press": "break", "vendor": "keap", "how": "unavailable", "times": 0 }),
            "times",
        ),
        (
            json!({ "press": "break", "vendor": "keap", "how": "hang", "times": 2 }),
            "times",
        ),
        (
            json!({ "press": "stop_fee", "client": "maya", "confirmed": false }),
            "confirmed",
        ),
        (
            json!({ "press": "replay", "client": "maya" }),
            "no dead job",
        ),
        (
            json!({ "press": "settle", "item": "x", "action": "skip" }),
            "item",
        ),
    ];
    for (body, names) in wrong {
        let (status, answer) = press(&router, &[], &body).await;
        assert!(status.is_client_error(), "{body}: {status}");
        let message = answer["error"]["message"].as_str().unwrap_or_default();
        assert!(message.contains(names), "{body}: {message}");
    }
    let (status, _) = ask(
        &router,
        Method::POST,
        "/stage/clock",
        &[],
        r#"{"do":"fly"}"#,
    )
    .await;
    assert!(status.is_client_error());
    let long = json!({ "press": "reply", "client": "maya", "text": "x".repeat(20_000) });
    let (status, _) = press(&router, &[], &long).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn every_answer_says_what_the_page_may_load_and_each_file_says_what_it_is() {
    let (_, router) = page().await;
    for (path, kind) in [
        ("/", "text/html; charset=utf-8"),
        ("/stage/stage.css", "text/css; charset=utf-8"),
        ("/stage/stage.js", "text/javascript; charset=utf-8"),
        ("/stage/icon.svg", "image/svg+xml"),
        ("/stage/state", "application/json"),
    ] {
        let request = Request::get(path).header("host", "localhost:1");
        let request = request.body(Body::empty()).expect("a request");
        let answer = router.clone().oneshot(request).await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        assert_eq!(answer.headers()["content-type"], kind, "{path}");
        let policy = answer.headers()["content-security-policy"]
            .to_str()
            .expect("a text");
        assert!(policy.starts_with("default-src 'none'; "), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
    }
    let html = include_str!("../../../src/stage/assets/index.html");
    for line in html.lines().filter(|line| line.contains("<script")) {
        assert!(line.contains("src=\"/stage/"), "an inline script: {line}");
    }
    assert!(
        !html.contains("http://") && !html.contains("https://"),
        "a file of elsewhere"
    );
}

#[tokio::test]
async fn a_view_is_asked_of_some_and_a_stream_begins_with_the_same_view() {
    let (stage, router) = page().await;
    let (_, view) = ask(&router, Method::GET, "/stage/state?who=jo", &[], "").await;
    let names = |list: &Value| -> Vec<String> {
        let list = list.as_array().expect("a list").iter();
        list.map(|one| one["id"].as_str().unwrap_or_default().to_owned())
            .collect()
    };
    assert_eq!(names(&view["people"]), ["jo"]);
    assert_eq!(names(&view["roster"]), ["maya", "jo"]);

    let request = Request::get("/stage/live?who=jo").header("host", "localhost");
    let request = request.body(Body::empty()).expect("a request");
    let answer = router.clone().oneshot(request).await.expect("an answer");
    let mut stream = answer.into_body();
    let mut next = async || {
        let frame = stream.frame().await?.expect("a frame");
        let bytes = frame.into_data().expect("bytes");
        let text = String::from_utf8(bytes.to_vec()).expect("a text");
        let mut kind = None;
        let mut data = None;
        for line in text.lines() {
            kind = line.strip_prefix("event: ").or(kind);
            data = line.strip_prefix("data: ").or(data);
        }
        let (kind, data) = (kind.expect("an event"), data.expect("a view"));
        let data: Value = serde_json::from_str(data).expect("a view");
        Some((kind.to_owned(), data))
    };
    assert_eq!(next().await, Some(("view".to_owned(), view)));
    press(
        &router,
        &[],
        &json!({ "press": "check_in", "client": "jo" }),
    )
    .await;
    let (kind, changed) = next().await.expect("an event");
    assert_eq!(kind, "view");
    assert_eq!(
        changed["people"][0]["portal"]["check_ins"][0]["state"],
        "submitted"
    );
    let faster = r#"{"do":"faster"}"#;
    ask(&router, Method::POST, "/stage/clock", &[], faster).await;
    let (kind, clock) = next().await.expect("an event");
    assert_eq!(kind, "clock", "nothing else has changed");
    assert_eq!(clock["pace"], "a day a second");
    stage.close();
    assert_eq!(next().await, None, "a closed stage ends its streams");
}
