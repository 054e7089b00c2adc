//! A real Chromium, driven as a person drives it: by the mouse and the keyboard.
//!
//! It is spoken to in the `DevTools` protocol over a pair of pipes, which needs no port, no crate
//! and no other language: messages are JSON with a zero byte between them. Nothing here sleeps:
//! whatever is waited for is watched in the page and told by it.

use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

/// The names under which systems know it.
const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// How long anything may take before the test is given up, real time.
const LIMIT: Duration = Duration::from_mins(5);

/// Browsers at once: each is several processes, and the machines that run tests are small.
static SEATS: Semaphore = Semaphore::const_new(1);

/// Starts `$1` with the two pipes where the browser looks for them.
const LAUNCH: &str =
    "browser=$1; shift; exec \"$browser\" \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>&1";

/// A browser with one page.
pub(super) struct Browser {
    process: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    _profile: TempDir,
    session: Option<String>,
    calls: u64,
    complaints: Vec<String>,
    _seat: SemaphorePermit<'static>,
}

async fn installed() -> &'static str {
    for name in NAMES {
        let asked = Command::new(name)
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .await;
        if asked.is_ok_and(|status| status.success()) {
            return name;
        }
    }
    panic!(
        "the page is tested in a real browser and there is none: install Chromium (Debian: \
         apt-get install chromium); looked for {}",
        NAMES.join(", ")
    );
}

impl Browser {
    /// Opens `address` in a window of this size.
    pub(super) async fn open(address: &str, width: u32, height: u32) -> Self {
        let seat = SEATS.acquire().await.expect("a seat");
        let name = installed().await;
        let profile = tempfile::tempdir().expect("a folder");
        let folder = format!("--user-data-dir={}", profile.path().display());
        let mut process = Command::new("sh")
            .args(["-c", LAUNCH, "sh", name, &folder])
            .args([
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--remote-debugging-pipe",
                "about:blank",
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("a shell");
        let to = process.stdin.take().expect("a pipe");
        let from = BufReader::new(process.stdout.take().expect("a pipe"));
        let mut browser = Self {
            process,
            to,
            from,
            _profile: profile,
            session: None,
            calls: 0,
            complaints: Vec::new(),
            _seat: seat,
        };
        browser.attach().await;
        browser.resize(width, height).await;
        browser
            .call("Page.navigate", json!({ "url": address }))
            .await;
        browser.wait("document.querySelector('article')").await;
        browser
    }

    async fn attach(&mut self) {
        let blank = json!({ "url": "about:blank" });
        let target = self.call("Target.createTarget", blank).await["targetId"].take();
        let attach = json!({ "targetId": target, "flatten": true });
        let attached = self.call("Target.attachToTarget", attach).await;
        self.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log", "Accessibility"] {
            self.call(&format!("{domain}.enable"), json!({})).await;
        }
    }

    /// Gives the window another size; narrow ones are a phone's.
    pub(super) async fn resize(&mut self, width: u32, height: u32) {
        let size = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500,
        });
        self.call("Emulation.setDeviceMetricsOverride", size).await;
    }

    /// What the browser complained of: scripts that failed, what a policy refused.
    pub(super) fn complaints(&self) -> &[String] {
        &self.complaints
    }

    /// Carries out one command of the protocol.
    pub(super) async fn call(&mut self, method: &str, params: Value) -> Value {
        self.calls += 1;
        let mut message = json!({ "id": self.calls, "method": method, "params": params });
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        self.to.write_all(&bytes).await.expect("a browser");
        loop {
            let read = timeout(LIMIT, self.message()).await;
            let mut answer = read.unwrap_or_else(|_| panic!("{method} {params}: no answer"));
            if answer["id"] == self.calls {
                assert_eq!(answer["error"], Value::Null, "{method} {params}");
                return answer["result"].take();
            }
            self.listen(&answer);
        }
    }

    async fn message(&mut self) -> Value {
        let mut bytes = Vec::new();
        let read = self.from.read_until(0, &mut bytes).await.expect("a pipe");
        assert!(read > 0, "the browser has ended");
        bytes.pop();
        serde_json::from_slice(&bytes).expect("a message")
    }

    fn listen(&mut self, message: &Value) {
        let params = &message["params"];
        let complaint = match message["method"].as_str() {
            Some("Runtime.exceptionThrown") => &params["exceptionDetails"],
            Some("Log.entryAdded") if params["entry"]["level"] == "error" => &params["entry"],
            _ => return,
        };
        self.complaints.push(complaint.to_string());
    }

    /// The value of an expression in the page; a promise is awaited.
    pub(super) async fn eval(&mut self, expression: &str) -> Value {
        let params = json!({
            "expression": expression, "awaitPromise": true, "returnByValue": true,
        });
        let mut result = self.call("Runtime.evaluate", params).await;
        let failed = &result["exceptionDetails"];
        assert_eq!(*failed, Value::Null, "{expression}");
        result["result"]["value"].take()
    }

    /// Waits until an expression is true, looking again whenever the page changes.
    pub(super) async fn wait(&mut self, expression: &str) {
        let watch = format!(
            "new Promise((resolve) => {{
                const look = () => {{
                    if (!({expression})) return;
                    watcher.disconnect();
                    resolve(true);
                }};
                const watcher = new MutationObserver(look);
                const all = {{ subtree: true, childList: true, attributes: true, characterData: true }};
                watcher.observe(document, all);
                look();
            }})"
        );
        self.eval(&watch).await;
    }

    /// Whether an expression is true now.
    pub(super) async fn is(&mut self, expression: &str) -> bool {
        self.eval(&format!("Boolean({expression})")).await == json!(true)
    }

    /// The text of the first element that matches.
    pub(super) async fn text(&mut self, selector: &str) -> String {
        let text = self
            .eval(&format!(
                "document.querySelector({})?.textContent",
                json!(selector)
            ))
            .await;
        let text = text
            .as_str()
            .unwrap_or_else(|| panic!("{selector}: nothing"));
        text.to_owned()
    }

    /// The texts of all elements that match.
    pub(super) async fn texts(&mut self, selector: &str) -> Vec<String> {
        let texts = format!(
            "[...document.querySelectorAll({})].map((one) => one.textContent)",
            json!(selector)
        );
        serde_json::from_value(self.eval(&texts).await).expect("texts")
    }

    /// Clicks the element that matches with the mouse: it must be there, usable, and on top.
    pub(super) async fn click(&mut self, selector: &str) {
        let quoted = json!(selector);
        let place = self
            .eval(&format!(
                "(() => {{
                    const one = document.querySelector({quoted});
                    if (!one) return 'is not there';
                    if (one.disabled) return 'can not be used';
                    one.scrollIntoView({{ block: 'center', behavior: 'instant' }});
                    const box = one.getBoundingClientRect();
                    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
                    const top = document.elementFromPoint(x, y);
                    return one.contains(top) ? [x, y] : `is covered by ${{top?.outerHTML}}`;
                }})()"
            ))
            .await;
        assert!(place.is_array(), "{selector} {place}");
        for kind in ["mousePressed", "mouseReleased"] {
            let event = json!({
                "type": kind, "x": place[0], "y": place[1], "button": "left", "clickCount": 1,
            });
            self.call("Input.dispatchMouseEvent", event).await;
        }
    }

    /// Presses a key.
    pub(super) async fn key(&mut self, key: &str, code: u32, text: &str) {
        for kind in ["keyDown", "keyUp"] {
            let text = if kind == "keyDown" { text } else { "" };
            let event = json!({
                "type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code, "text": text,
            });
            self.call("Input.dispatchKeyEvent", event).await;
        }
    }

    /// Ends the browser and waits until it is gone.
    pub(super) async fn end(mut self) {
        self.session = None;
        self.call("Browser.close", json!({})).await;
        let _ = timeout(LIMIT, self.process.wait()).await;
    }
}
