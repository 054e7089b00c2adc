//! What the targets share that read answers, and heads of lines: a transport with one answer for
//! everything, and the form that answers and requests are written in.
//!
//! ```text
//! 200                       first line: what the target makes of it
//! retry-after: 7            headers, until an empty line
//!
//! {"emails": []}            the body
//! ```

use std::future::Future;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use relay_core::ids::ReceiptId;
use relay_core::random::SeededRandom;
use relay_core::time::{ManualClock, Timestamp};
use relay_http_client::{Answer, Call, Transport, TransportError};
use relay_store::{Receipt, ReceiptState};
use tokio::runtime::{Builder, Runtime};
use url::Url;

use crate::json::split_body;

/// An input in three parts.
#[derive(Debug)]
pub struct Written<'a> {
    /// The first line.
    pub first: &'a [u8],
    /// Headers that HTTP can carry; lines that are none are left out.
    pub headers: HeaderMap,
    /// What stands behind the empty line.
    pub body: &'a [u8],
}

/// Takes an input apart. Without an empty line it is all body.
pub fn written(data: &[u8]) -> Written<'_> {
    let (head, body) = split_body(data);
    let mut lines = head.split(|byte| *byte == b'\n');
    let first = lines.next().unwrap_or_default();
    let mut headers = HeaderMap::new();
    for line in lines {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            continue;
        };
        let name = HeaderName::from_bytes(&line[..colon]);
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii());
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.append(name, value);
        }
    }
    Written {
        first,
        headers,
        body,
    }
}

/// The instant at which everything here happens.
pub fn now() -> Timestamp {
    // 2026-11-03T16:00:00Z
    Timestamp::from_second(1_793_721_600).unwrap_or_default()
}

/// A clock that stands at [`now`].
pub fn clock() -> ManualClock {
    ManualClock::new(now())
}

thread_local! {
    static RUNTIME: Option<Runtime> =
        Builder::new_current_thread().enable_all().build().ok();
}

/// Runs a future to its end on this thread's runtime.
///
/// # Panics
/// If there is no runtime.
pub fn block_on<F: Future>(future: F) -> F::Output {
    RUNTIME.with(|runtime| match runtime {
        Some(runtime) => runtime.block_on(future),
        None => unreachable!("a runtime of one thread can be made"),
    })
}

/// A transport that answers everything in the same way, and remembers what was asked.
#[derive(Debug)]
pub struct OneAnswer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    asked: Mutex<Vec<Url>>,
}

impl OneAnswer {
    /// The answer that an input describes.
    pub fn new(data: &[u8]) -> Self {
        let written = written(data);
        let status = std::str::from_utf8(written.first).ok();
        let status = status.and_then(|text| text.trim().parse::<u16>().ok());
        let status = status.and_then(|code| StatusCode::from_u16(code).ok());
        Self {
            status: status.unwrap_or(StatusCode::OK),
            headers: written.headers,
            body: Bytes::copy_from_slice(written.body),
            asked: Mutex::default(),
        }
    }

    /// Every address that was asked since the last look.
    pub fn asked(&self) -> Vec<Url> {
        std::mem::take(&mut *self.asked.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl Transport for OneAnswer {
    async fn send(&self, call: Call) -> Result<Answer, TransportError> {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.push(call.url);
        Ok(Answer {
            status: self.status,
            headers: self.headers.clone(),
            body: self.body.clone(),
        })
    }
}

/// A stored delivery with this body.
pub fn receipt(source: &str, body: &[u8]) -> Receipt {
    Receipt {
        id: ReceiptId::new(&SeededRandom::new(1), now()),
        source: source.to_owned(),
        dedupe_key: "k".to_owned(),
        dedupe_forever: false,
        verified_by: "k1".to_owned(),
        received_at: now(),
        content_type: None,
        body: body.to_vec(),
        state: ReceiptState::New,
        duplicate_of: None,
        note: None,
        processed_at: None,
    }
}
