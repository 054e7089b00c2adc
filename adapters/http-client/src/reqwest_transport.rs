//! The transport that goes over the network.

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};

use crate::{Answer, Call, MAX_ANSWER, Transport, TransportError};

/// HTTPS by rustls, HTTP for loopback; no redirects, no cookies, no proxy from the environment.
#[derive(Debug, Clone)]
pub struct ReqwestTransport {
    client: reqwest::Client,
}

impl ReqwestTransport {
    /// A client with its own connection pool.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that builds a client"
    )]
    pub fn new() -> Result<Self, TransportError> {
        // A second installation in one process fails harmlessly: the first one stays.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .user_agent(concat!("clear-relay/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| TransportError::NotSent(error.without_url().to_string()))?;
        Ok(Self { client })
    }
}

#[async_trait]
impl Transport for ReqwestTransport {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that sends a request"
    )]
    async fn send(&self, call: Call) -> Result<Answer, TransportError> {
        let mut request = self
            .client
            .request(call.method, call.url)
            .headers(call.headers)
            .timeout(call.timeout);
        if !call.body.is_empty() {
            request = request.body(call.body);
        }
        let mut response = request.send().await.map_err(|error| {
            if error.is_connect() || error.is_builder() {
                TransportError::NotSent(error.without_url().to_string())
            } else if error.is_timeout() {
                TransportError::TimedOut
            } else {
                TransportError::Cut
            }
        })?;
        let status = response.status();
        let headers = std::mem::take(response.headers_mut());
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| {
            if error.is_timeout() {
                TransportError::TimedOut
            } else {
                TransportError::Cut
            }
        })? {
            if body.len() + chunk.len() > MAX_ANSWER {
                return Err(TransportError::Cut);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer {
            status,
            headers,
            body: Bytes::from(body),
        })
    }
}
