//! The sandbox as a process of its own, met over HTTP.

use std::process::Stdio;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use relay_http_client::{Call, ReqwestTransport, Transport as _};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

struct Sandbox {
    _process: Child,
    address: String,
    transport: ReqwestTransport,
}

impl Sandbox {
    async fn start(arguments: &[&str]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_clear-relay"))
            .args(["sandbox", "--port", "0"])
            .args(arguments)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("a process");
        let mut lines = BufReader::new(process.stdout.take().expect("an output")).lines();
        let first = lines.next_line().await.expect("a line").expect("a line");
        let address = first
            .strip_prefix("The sandbox listens on ")
            .expect("an address");
        Self {
            address: address.to_owned(),
            _process: process,
            transport: ReqwestTransport::new().expect("a transport"),
        }
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> (StatusCode, Value) {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static("application/json"));
        let bearer = HeaderValue::from_static("Bearer sandbox-portal-token");
        headers.insert("authorization", bearer);
        headers.insert("idempotency-key", HeaderValue::from_static("key-of-a-test"));
        let call = Call {
            method,
            url: format!("{}{path}", self.address)
                .parse()
                .expect("an address"),
            headers,
            body: body.map_or_else(Bytes::new, |body| Bytes::from(body.to_string())),
            timeout: Duration::from_secs(10),
        };
        let answer = self.transport.send(call).await.expect("an answer");
        (
            answer.status,
            serde_json::from_slice(&answer.body).unwrap_or_default(),
        )
    }

    async fn act(&self, what: Value) -> StatusCode {
        let doing = json!({ "by": "portal", "do": what });
        self.call(Method::POST, "/_sandbox/act", Some(doing))
            .await
            .0
    }

    async fn someone_is_there(&self) {
        let coach = json!({ "act": "add_coach", "id": "c", "name": "Beth", "email": "b@x.test" });
        assert_eq!(self.act(coach).await, StatusCode::OK);
        let client = json!({ "act": "add_client", "id": "maya", "coach": "c" });
        assert_eq!(self.act(client).await, StatusCode::OK);
    }

    async fn write_note(&self) -> StatusCode {
        let note = json!({ "author": "c", "text": "hello" });
        let path = "/clear-connection/clients/maya/notes";
        self.call(Method::POST, path, Some(note)).await.0
    }

    async fn accepted(&self) -> Value {
        self.call(Method::GET, "/_sandbox/accepted", None).await.1
    }
}

#[tokio::test]
async fn what_a_vendor_accepted_can_be_read_and_forgotten() {
    let sandbox = Sandbox::start(&[]).await;
    sandbox.someone_is_there().await;
    assert_eq!(sandbox.accepted().await, json!([]));
    assert_eq!(sandbox.write_note().await, StatusCode::CREATED);
    let accepted = sandbox.accepted().await;
    assert_eq!(accepted[0]["operation"], "portal_note");
    assert_eq!(accepted[0]["who"], "maya");
    let reset = sandbox.call(Method::POST, "/_sandbox/reset", None).await;
    assert_eq!(reset.0, StatusCode::OK);
    assert_eq!(sandbox.accepted().await, json!([]));
    assert_eq!(sandbox.write_note().await, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn another_page_or_another_name_of_this_machine_gets_nothing_and_changes_nothing() {
    let sandbox = Sandbox::start(&[]).await;
    sandbox.someone_is_there().await;
    assert_eq!(sandbox.write_note().await, StatusCode::CREATED);
    let evil = HeaderValue::from_static("https://evil.example");
    let foreign = HeaderValue::from_static("evil.example");
    let plain = HeaderValue::from_static("text/plain");
    for (method, path, name, value, status) in [
        (
            Method::POST,
            "reset",
            "origin",
            &evil,
            StatusCode::FORBIDDEN,
        ),
        (
            Method::POST,
            "reset",
            "host",
            &foreign,
            StatusCode::FORBIDDEN,
        ),
        (
            Method::POST,
            "reset",
            "content-type",
            &plain,
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ),
        (Method::POST, "act", "origin", &evil, StatusCode::FORBIDDEN),
        (
            Method::POST,
            "faults",
            "origin",
            &evil,
            StatusCode::FORBIDDEN,
        ),
        (
            Method::GET,
            "accepted",
            "host",
            &foreign,
            StatusCode::FORBIDDEN,
        ),
        (
            Method::GET,
            "acknowledged",
            "host",
            &foreign,
            StatusCode::FORBIDDEN,
        ),
        (
            Method::GET,
            "clock",
            "host",
            &foreign,
            StatusCode::FORBIDDEN,
        ),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static("application/json"));
        headers.insert(name, value.clone());
        let call = Call {
            method,
            url: format!("{}/_sandbox/{path}", sandbox.address)
                .parse()
                .expect("an address"),
            headers,
            body: Bytes::from_static(b"{}"),
            timeout: Duration::from_secs(10),
        };
        let answer = sandbox.transport.send(call).await.expect("an answer");
        assert_eq!(answer.status, status, "{path} {name}");
    }
    assert_eq!(sandbox.accepted().await.as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_fault_on_order_strikes_once() {
    let sandbox = Sandbox::start(&[]).await;
    sandbox.someone_is_there().await;
    let fault = json!({ "vendor": "portal", "operation": "portal_note", "moment": "before",
                        "act": "status", "code": 503 });
    let ordered = sandbox
        .call(Method::POST, "/_sandbox/faults", Some(fault))
        .await;
    assert_eq!(ordered.0, StatusCode::OK);
    assert_eq!(sandbox.write_note().await, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(sandbox.write_note().await, StatusCode::CREATED);
}

#[tokio::test]
async fn an_act_that_can_not_happen_is_refused_with_the_reason() {
    let sandbox = Sandbox::start(&[]).await;
    let doing = json!({ "by": "portal", "do": { "act": "check_in", "client": "nobody" } });
    let (status, body) = sandbox
        .call(Method::POST, "/_sandbox/act", Some(doing))
        .await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(body["error"].as_str().expect("a reason").contains("nobody"));
}

#[tokio::test]
async fn the_clock_tells_where_it_is_anchored_and_the_cast_has_its_own_first_day() {
    let sandbox = Sandbox::start(&["--play", "short", "--time-scale", "60"]).await;
    let (_, clock) = sandbox.call(Method::GET, "/_sandbox/clock", None).await;
    assert_eq!(clock["scale"], 60);
    assert_eq!(clock["procedure"], "2026-11-02T14:00:00Z");
    assert_ne!(clock["real"], clock["procedure"]);
    let path = "/clear-connection/clients/maya";
    let (status, maya) = sandbox.call(Method::GET, path, None).await;
    assert_eq!(
        (status, &maya["first_name"]),
        (StatusCode::OK, &json!("Maya"))
    );
}

#[tokio::test]
async fn the_configuration_it_writes_is_one_that_serve_accepts() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("sandbox.toml");
    let name = file.to_str().expect("a path");
    let _sandbox = Sandbox::start(&["--write-config", name]).await;
    let checked = Command::new(env!("CARGO_BIN_EXE_clear-relay"))
        .args(["--config", name, "config", "check"])
        .output()
        .await
        .expect("a process");
    assert!(
        checked.status.success(),
        "{}",
        String::from_utf8_lossy(&checked.stderr)
    );
}

#[tokio::test]
async fn a_cast_is_not_played_at_the_pace_of_life() {
    let refused = Command::new(env!("CARGO_BIN_EXE_clear-relay"))
        .args(["sandbox", "--port", "0", "--play", "short"])
        .output()
        .await
        .expect("a process");
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("--time-scale"));
}

#[tokio::test]
async fn its_page_shows_the_vendors_and_says_that_the_relay_is_elsewhere() {
    let sandbox = Sandbox::start(&["--play", "four", "--time-scale", "60"]).await;
    let page = sandbox.call(Method::GET, "/", None).await;
    assert_eq!(page.0, StatusCode::OK);
    let (_, view) = sandbox
        .call(Method::GET, "/stage/state?who=lee", None)
        .await;
    assert_eq!(view["relay_here"], false);
    let lee = &view["people"][0];
    assert_eq!(lee["relay"], Value::Null);
    assert_eq!(lee["keap"]["contact_type"], "Online");
    let read = json!({ "press": "open_email", "client": "lee" });
    let pressed = sandbox.call(Method::POST, "/stage/press", Some(read)).await;
    assert_eq!(pressed.0, StatusCode::OK);
    let (_, view) = sandbox
        .call(Method::GET, "/stage/state?who=lee", None)
        .await;
    assert!(view["people"][0]["keap"]["emails"][0]["opened"].is_string());
    let fee = json!({ "press": "stop_fee", "client": "lee", "confirmed": true });
    let (status, refused) = sandbox.call(Method::POST, "/stage/press", Some(fee)).await;
    assert_eq!(status, StatusCode::CONFLICT);
    let why = refused["error"]["message"].as_str().expect("a reason");
    assert!(why.contains("the relay runs elsewhere"), "{why}");
    let pause = json!({ "do": "pause" });
    let (status, _) = sandbox
        .call(Method::POST, "/stage/clock", Some(pause))
        .await;
    assert_eq!(status, StatusCode::CONFLICT);
}
