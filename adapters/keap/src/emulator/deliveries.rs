//! The hook resource with its handshake, and the deliveries.

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue};
use relay_core::time::Timestamp;
use relay_http_client::Answer;
use relay_http_client::emulation::lock;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use url::Url;

use super::hooks::{Hook, HookCall, Status, body, event_keys, order};
use super::reply::{Handled, Reply};
use super::request::Incoming;
use super::tenant::Keap;

/// The header of the handshake.
const SECRET: HeaderName = HeaderName::from_static("x-hook-secret");

impl Keap {
    /// When the next delivery is due; `None` if nothing waits.
    pub fn next_due(&self) -> Option<Timestamp> {
        let state = lock(&self.state);
        let both = [state.hooks.queue.next_due(), state.posts.next_due()];
        both.into_iter().flatten().min()
    }

    /// Sends what is due, one delivery after the other. Returns how many were tried.
    ///
    /// A failed delivery is due again 30–60 s later, then after 5 and after 30 minutes; the
    /// fourth failure, or 410 at any time, makes its subscription inactive.
    pub async fn deliver_due(&self) -> usize {
        let _one_at_a_time = self.kit.one_driver().await;
        let settings = lock(&self.settings).clone();
        let order = order(settings.arrival);
        let due = lock(&self.state).hooks.queue.due(self.kit.now(), order);
        let mut tried = 0;
        for number in due {
            let taken = lock(&self.state).hooks.attempt(number);
            let Some((waiting, hook)) = taken else {
                continue;
            };
            tried += 1;
            let content = body(&hook.event_key, &waiting.what, &settings);
            let answer = self.post(&hook.url, HeaderMap::new(), &content).await;
            let status = answer.map(|answer| answer.status.as_u16());
            if status.is_some_and(|status| (200..400).contains(&status)) {
                let digest = Sha256::digest(content.to_string().as_bytes());
                self.kit.acknowledge(hex::encode(digest));
            }
            let mut state = lock(&self.state);
            state
                .hooks
                .settle(waiting, status, settings.arrival, &self.kit);
        }
        tried + self.post_due().await
    }

    /// POSTs JSON to a receiver; `None` if no answer came within the limit.
    async fn post(&self, url: &str, mut headers: HeaderMap, content: &Value) -> Option<Answer> {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self.kit.post(url, headers, content.to_string()).await
    }

    /// A call of `/v1/hooks…`.
    pub(super) async fn hook_call(&self, request: &Incoming, call: HookCall<'_>) -> Handled {
        match call {
            HookCall::EventKeys => Reply::ok(json!(self.event_keys())),
            HookCall::List => {
                let state = lock(&self.state);
                let hooks = state.hooks.by_key.iter();
                Reply::ok(hooks.map(|(key, hook)| hook.view(*key)).collect::<Value>())
            }
            HookCall::Create => self.create_hook(request).await,
            HookCall::Update(key) => self.update_hook(request, key),
            HookCall::Delete(key) => self.delete_hook(request, key),
            HookCall::Verify(key) => {
                let number = parse(request, key)?;
                let before = self.show_hook(request, key);
                self.shake_hands(number).await;
                self.note("verify_hook", json!({ "key": key }));
                self.verified(before, request, key)
            }
        }
    }

    /// The keys that this tenant offers.
    fn event_keys(&self) -> Vec<&'static str> {
        let settings = lock(&self.settings);
        let offered = |key: &&str| !settings.unoffered_events.iter().any(|not| not == *key);
        event_keys().filter(offered).collect()
    }

    fn note(&self, operation: &str, content: Value) {
        self.with_world(|world| world.accept(operation, &"", content));
    }

    fn show_hook(&self, request: &Incoming, key: &str) -> Handled {
        let number = parse(request, key)?;
        let state = lock(&self.state);
        let hook = state.hooks.by_key.get(&number);
        Reply::ok(hook.ok_or_else(|| request.not_found("Hook"))?.view(number))
    }

    async fn create_hook(&self, request: &Incoming) -> Handled {
        let (event_key, url) = wanted(request, &self.event_keys())?;
        let key = lock(&self.state).hooks.insert(Hook {
            event_key: event_key.clone(),
            url,
            status: Status::Unverified,
        });
        self.note("create_hook", json!({ "event_key": event_key }));
        let key = key.to_string();
        let before = self.show_hook(request, &key);
        self.shake_hands(parse(request, &key)?).await;
        self.verified(before, request, &key)
    }

    /// What a call shows that has made a handshake.
    fn verified(&self, before: Handled, request: &Incoming, key: &str) -> Handled {
        if lock(&self.settings).verified_late {
            return before;
        }
        self.show_hook(request, key)
    }

    /// Changing the address or the key needs a new handshake, which the caller has to ask for.
    fn update_hook(&self, request: &Incoming, key: &str) -> Handled {
        let (event_key, url) = wanted(request, &self.event_keys())?;
        let number = parse(request, key)?;
        {
            let mut state = lock(&self.state);
            let hook = state.hooks.by_key.get_mut(&number);
            let hook = hook.ok_or_else(|| request.not_found("Hook"))?;
            hook.event_key.clone_from(&event_key);
            hook.url = url;
            state.hooks.set_status(number, Status::Unverified);
        }
        self.note("update_hook", json!({ "key": key, "event_key": event_key }));
        self.show_hook(request, key)
    }

    fn delete_hook(&self, request: &Incoming, key: &str) -> Handled {
        let number = parse(request, key)?;
        if !lock(&self.state).hooks.remove(number) {
            return Err(request.not_found("Hook"));
        }
        self.note("delete_hook", json!({ "key": key }));
        Ok(Reply::empty(204))
    }

    /// Verified only if the receiver answers exactly 200 and echoes the secret. The receiver is
    /// called while the caller waits, and nothing is locked meanwhile.
    async fn shake_hands(&self, key: u64) {
        let secret = self.kit.secret();
        let url = {
            let mut state = lock(&self.state);
            let Some(hook) = state.hooks.by_key.get_mut(&key) else {
                return;
            };
            hook.url.clone()
        };
        let mut headers = HeaderMap::new();
        if let Ok(value) = HeaderValue::from_str(&secret) {
            headers.insert(SECRET, value);
        }
        // Not empty, as a receiver in the field relies on; the header is what counts.
        let body = json!({ "verification_key": secret });
        let answer = self.post(&url, headers, &body).await;
        let echoed = answer.is_some_and(|answer| {
            let echo = answer.headers.get(SECRET);
            answer.status == 200 && echo.is_some_and(|echo| echo.as_bytes() == secret.as_bytes())
        });
        let status = if echoed {
            Status::Verified
        } else {
            Status::Unverified
        };
        lock(&self.state).hooks.set_status(key, status);
    }
}

fn parse(request: &Incoming, key: &str) -> Result<u64, Reply> {
    key.parse().map_err(|_| request.not_found("Hook"))
}

/// The event key and the address of a subscription to make or change.
fn wanted(request: &Incoming, offered: &[&str]) -> Result<(String, String), Reply> {
    let invalid = || request.bad("Input could not be converted to a valid request");
    let event_key = request.text("eventKey").ok_or_else(invalid)?;
    let url = request.text("hookUrl").ok_or_else(invalid)?;
    let reachable = Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    if !reachable || !offered.contains(&event_key) {
        return Err(invalid());
    }
    Ok((event_key.to_owned(), url.to_owned()))
}
