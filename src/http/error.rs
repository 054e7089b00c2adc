//! What is said when a request is not accepted: `{"error":{"code","message"}}`.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};

/// How long a sender should wait before it tries again, in seconds, where it is our fault.
const RETRY_AFTER_SECONDS: u16 = 5;

/// A refusal as it goes over the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl ApiError {
    /// A refusal with a stable code and a message for the sender's developer.
    ///
    /// 410 becomes 404: to some senders *gone* means *stop for good*, and a subscription that
    /// ends silently is the way webhooks are lost.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        let status = match status {
            StatusCode::GONE => StatusCode::NOT_FOUND,
            other => other,
        };
        Self {
            status,
            code,
            message: message.into(),
        }
    }

    /// There is no such route. The same bytes whether the path, its secret or its length is
    /// wrong, so that a guess teaches nothing.
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "there is nothing here")
    }

    /// The body is longer than `limit` bytes.
    pub fn too_long(limit: usize) -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body_too_long",
            format!("the body may have at most {limit} bytes"),
        )
    }

    /// The body did not arrive in time.
    pub fn too_slow(seconds: u64) -> Self {
        Self::new(
            StatusCode::REQUEST_TIMEOUT,
            "body_too_slow",
            format!("the body must arrive within {seconds} seconds"),
        )
    }

    /// The body ended before its end.
    pub fn cut_off() -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "body_cut_off",
            "the body could not be read to its end",
        )
    }

    /// We can't store now.
    pub fn unavailable(status: StatusCode) -> Self {
        Self::new(
            status,
            "unavailable",
            "the request can't be stored now; send it again",
        )
    }

    /// Too many requests are being received at once.
    pub fn busy() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "busy",
            "too many requests at once; send it again",
        )
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = serde_json::json!({
            "error": { "code": self.code, "message": self.message }
        });
        let mut response = (self.status, Json(body)).into_response();
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            response
                .headers_mut()
                .insert(RETRY_AFTER, HeaderValue::from(RETRY_AFTER_SECONDS));
        }
        response
    }
}
