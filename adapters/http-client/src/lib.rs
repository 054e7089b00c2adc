//! One way to call out, and what senders of webhooks to us have in common ([`standard_webhooks`]).
//!
//! Every vendor crate builds a [`Call`], hands it to a [`Transport`] and classifies what comes
//! back as a [`CallError`]. One call is one attempt: nothing here repeats anything, because only
//! the job queue knows whether a repeat is safe.
//!
//! Rules:
//! - Redirects are refused: a vendor's answer never decides where our credential goes.
//! - Answers are read up to [`MAX_ANSWER`] bytes and no further.
//! - A failure before the request can have left is [`TransportError::NotSent`]; any later one is
//!   [`TransportError::TimedOut`] or [`TransportError::Cut`], and for a mutating request that
//!   means *unclear*.
//! - A 404 is *not there* only in the vendor's own words ([`CallError::is_not_found`]).
//! - Error texts carry a status, the vendor's own code and a redacted excerpt; never a URL's
//!   query, never a header, never a body of ours.
//!
//! Not guaranteed: that `NotSent` is reported whenever it could be. In doubt it is "unclear".

mod classify;
#[cfg(feature = "in-process")]
pub mod emulation;
#[cfg(feature = "in-process")]
pub mod emulation_server;
#[cfg(feature = "in-process")]
mod in_process;
mod metered;
mod path;
mod redact;
mod reqwest_transport;
pub mod standard_webhooks;

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use relay_core::retry::Class;
use thiserror::Error;
use url::Url;

pub use classify::{classify, retry_after};
#[cfg(feature = "in-process")]
pub use in_process::{RouterTransport, TransportFault};
pub use metered::{Meter, Metered};
pub use path::below;
pub use redact::redact;
pub use reqwest_transport::ReqwestTransport;

/// The largest answer that is read: 8 MiB. A longer one is cut off as unusable.
pub const MAX_ANSWER: usize = 8 * 1024 * 1024;

/// One request to a vendor.
#[derive(Clone)]
pub struct Call {
    /// The method.
    pub method: Method,
    /// The whole address.
    pub url: Url,
    /// The headers, credential included.
    pub headers: HeaderMap,
    /// The body; empty means none, and then no `Content-Type` is sent.
    pub body: Bytes,
    /// The limit for the whole exchange, real time.
    pub timeout: Duration,
}

impl Debug for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Headers hold the credential, query and body hold people: none of them is shown.
        f.debug_struct("Call")
            .field("method", &self.method)
            .field("host", &self.url.host_str())
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// A vendor's answer.
#[derive(Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, whole.
    pub body: Bytes,
}

impl Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answer")
            .field("status", &self.status)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, Error)]
pub enum TransportError {
    /// The request never left: no connection, no name, no TLS.
    #[error("not sent: {0}")]
    NotSent(String),
    /// The time limit passed after the request may have left.
    #[error("no answer in time")]
    TimedOut,
    /// The connection ended after the request may have left, or the answer was unusable.
    #[error("the connection was cut before the answer was whole")]
    Cut,
}

/// Carries one request and its answer.
#[async_trait]
pub trait Transport: Debug + Send + Sync {
    /// One attempt. A status of any kind is an answer, not an error.
    async fn send(&self, call: Call) -> Result<Answer, TransportError>;
}

/// Why a vendor call failed, and what that means for the next one.
#[derive(Debug, Clone, Error)]
#[error("{operation} failed{}: {message}", .status.map(|s| format!(" with status {s}")).unwrap_or_default())]
pub struct CallError {
    /// What it means.
    pub class: Class,
    /// The name of the vendor that was called, as each vendor's crate says it; `None` where the relay
    /// found the failure without calling anybody.
    pub vendor: Option<&'static str>,
    /// What was being done, in the vendor's words: `keap send email`.
    pub operation: &'static str,
    /// The status, if there was an answer.
    pub status: Option<u16>,
    /// The vendor's code and a redacted excerpt, or our own words.
    pub message: String,
}

impl CallError {
    /// An error without an answer.
    pub fn transport(
        vendor: &'static str,
        operation: &'static str,
        error: &TransportError,
        mutating: bool,
    ) -> Self {
        let class = match error {
            TransportError::NotSent(_) => Class::NotSent,
            _ if mutating => Class::Unclear,
            _ => Class::Retryable { after: None },
        };
        Self {
            class,
            vendor: Some(vendor),
            operation,
            status: None,
            message: error.to_string(),
        }
    }

    /// A permanent error in our own words: an answer that can't be read, a thing that isn't there.
    pub fn permanent(
        vendor: &'static str,
        operation: &'static str,
        message: impl Into<String>,
    ) -> Self {
        Self {
            vendor: Some(vendor),
            ..Self::ours(Class::Permanent, operation, message)
        }
    }

    /// A failure that the relay found itself, whoever would have been called.
    pub fn ours(class: Class, operation: &'static str, message: impl Into<String>) -> Self {
        Self {
            class,
            vendor: None,
            operation,
            status: None,
            message: message.into(),
        }
    }

    /// A good answer whose content can't be used: the vendor has drifted from what we know of it. The
    /// status is 200 for all of them, because what was read may be several answers.
    pub fn unusable_answer(
        vendor: &'static str,
        operation: &'static str,
        message: impl Into<String>,
    ) -> Self {
        Self {
            status: Some(200),
            ..Self::permanent(vendor, operation, message)
        }
    }

    /// Whether the vendor said, in its own words, that there is no such thing: a 404 whose body is
    /// the error that it documents. Anything else with that status is not permanent
    /// ([`classify()`]), so no page of a proxy and no wrong address passes for an absence.
    pub fn is_not_found(&self) -> bool {
        self.status == Some(404) && self.class == Class::Permanent
    }

    /// Whether somebody answered "not there" without the vendor's own words: mostly an address
    /// that is wrong, or a proxy that answers in the vendor's place.
    pub fn may_be_wrong_address(&self) -> bool {
        matches!(self.status, Some(404 | 410)) && self.class != Class::Permanent
    }
}
