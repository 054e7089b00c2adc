//! An invented text-message service: five calls of one attempt each, and one event.

#[cfg(feature = "emulator")]
pub mod emulator;
pub mod webhook;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method};
use relay_core::time::Clock;
use relay_http_client::{Call, CallError, Transport, below, classify};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use url::Url;

/// The name under which jobs, errors and commands know the service.
pub const VENDOR: &str = "textline";

/// The service, as we call it.
#[derive(Clone)]
pub struct TextlineClient {
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    base: Url,
    token: SecretString,
}

impl fmt::Debug for TextlineClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TextlineClient").finish_non_exhaustive()
    }
}

impl TextlineClient {
    /// A client of the service at `base`. `clock` is procedure time.
    pub fn new(
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
        base: Url,
        token: SecretString,
    ) -> Self {
        Self {
            transport,
            clock,
            base,
            token,
        }
    }

    /// The account.
    pub async fn account(&self) -> Result<Value, CallError> {
        self.get("textline account", &["account"]).await
    }

    /// The numbers that texts can be sent from.
    pub async fn numbers(&self) -> Result<Value, CallError> {
        self.get("textline numbers", &["numbers"]).await
    }

    /// Every text.
    pub async fn texts(&self) -> Result<Value, CallError> {
        self.get("textline texts", &["texts"]).await
    }

    /// One text.
    pub async fn text(&self, id: &str) -> Result<Value, CallError> {
        self.get("textline text", &["texts", id]).await
    }

    /// Sends a text. After an unclear outcome look among [`texts`](Self::texts) for `key`.
    pub async fn send(&self, key: &str, to: &str, text: &str) -> Result<Value, CallError> {
        let body = json!({ "key": key, "to": to, "text": text });
        self.call("textline send", Method::POST, &["texts"], Some(&body))
            .await
    }

    async fn get(&self, operation: &'static str, path: &[&str]) -> Result<Value, CallError> {
        self.call(operation, Method::GET, path, None).await
    }

    async fn call(
        &self,
        operation: &'static str,
        method: Method,
        path: &[&str],
        body: Option<&Value>,
    ) -> Result<Value, CallError> {
        let mutating = method != Method::GET;
        let url = below(&self.base, path);
        let url = url.ok_or_else(|| CallError::permanent(VENDOR, operation, "this is no id"))?;
        let bearer = format!("Bearer {}", self.token.expose_secret());
        let bearer = HeaderValue::from_str(&bearer);
        let mut bearer =
            bearer.map_err(|_| CallError::permanent(VENDOR, operation, "the token is no header"))?;
        bearer.set_sensitive(true);
        let json = HeaderValue::from_static("application/json");
        let call = Call {
            method,
            url,
            headers: HeaderMap::from_iter([(AUTHORIZATION, bearer), (CONTENT_TYPE, json)]),
            body: body.map_or_else(Bytes::new, |body| Bytes::from(body.to_string())),
            timeout: Duration::from_secs(30),
        };
        let answer = self.transport.send(call).await;
        let answer = answer.map_err(|error| CallError::transport(VENDOR, operation, &error, mutating))?;
        if !answer.status.is_success() {
            let now = self.clock.now();
            return Err(CallError {
                class: classify(answer.status, &answer.headers, mutating, now),
                vendor: Some(VENDOR),
                operation,
                status: Some(answer.status.as_u16()),
                message: "refused".to_owned(),
            });
        }
        serde_json::from_slice(&answer.body)
            .map_err(|_| CallError::unusable_answer(VENDOR, operation, "is no JSON"))
    }
}
