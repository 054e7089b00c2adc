//! Answers, and the shapes an error can have: any of them may meet any status.

use axum::body::Body;
use axum::response::Response;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::{Value, json};

use super::quota::Beyond;

/// The largest body that is read: attachments make mails large.
pub(super) const MAX_BODY: usize = 16 * 1024 * 1024;

/// The version of the API a path belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    /// Integer ids, `+0000` times, errors with a `message`.
    V1,
    /// Text ids, `Z` times, errors with `code`, `message`, `status`, `details`.
    V2,
}

/// What an answer carries.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Payload {
    Empty,
    Json(Value),
    Html(String),
}

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) payload: Payload,
    /// Where to, for a redirect.
    pub(super) location: Option<(HeaderName, HeaderValue)>,
}

/// What a handler returns: the error side is an answer, too.
pub(super) type Handled = Result<Reply, Reply>;

impl Reply {
    pub(super) fn json(status: u16, body: Value) -> Self {
        Self {
            status,
            payload: Payload::Json(body),
            location: None,
        }
    }

    /// 200 with a body, as handlers end.
    #[expect(
        clippy::unnecessary_wraps,
        reason = "handlers share one signature, whether or not they can refuse"
    )]
    pub(super) fn ok(body: impl Into<Value>) -> Handled {
        Ok(Self::json(200, body.into()))
    }

    pub(super) fn empty(status: u16) -> Self {
        Self {
            status,
            payload: Payload::Empty,
            location: None,
        }
    }

    pub(super) fn html(status: u16, body: String) -> Self {
        Self {
            status,
            payload: Payload::Html(body),
            location: None,
        }
    }

    /// An error in the version's own shape.
    pub(super) fn error(version: Version, status: u16, message: &str) -> Self {
        let body = match version {
            Version::V1 => json!({ "message": message }),
            Version::V2 => json!({
                "code": status,
                "message": message,
                "status": status_word(status),
                "details": [{ "domain": "crm", "resource": "" }],
            }),
        };
        Self::json(status, body)
    }

    pub(super) fn bad(message: &str) -> Self {
        Self::error(Version::V2, 400, message)
    }

    pub(super) fn not_found(what: &str) -> Self {
        Self::error(Version::V2, 404, &format!("Unable to find this {what}"))
    }

    /// What was found, or 404.
    pub(super) fn found<T>(found: Option<T>, what: &str) -> Result<T, Self> {
        found.ok_or_else(|| Self::not_found(what))
    }

    /// The gateway refuses the credential with this code.
    pub(super) fn unauthorised(code: &str) -> Self {
        let text = match code {
            "keymanagement.service.access_token_expired" => "Access Token expired",
            _ => "Invalid Access Token",
        };
        Self::json(401, gateway_fault(text, code))
    }

    /// The gateway's words; the application's are those of a fault on order.
    pub(super) fn too_many(beyond: Beyond) -> Self {
        let (text, code) = match beyond {
            Beyond::Spike => (
                "Spike arrest violation",
                "policies.ratelimit.SpikeArrestViolation",
            ),
            Beyond::Quota => (
                "Rate limit quota violation",
                "policies.ratelimit.QuotaViolation",
            ),
        };
        Self::json(429, gateway_fault(text, code))
    }

    /// What a fault on order says.
    pub(super) fn ordered(version: Version, code: u16, body: Option<&str>) -> Self {
        let Some(text) = body else {
            return match code {
                401 => Self::unauthorised("keymanagement.service.invalid_access_token"),
                429 => Self::json(429, quota_exceeded()),
                _ => Self::error(version, code, "Something went wrong"),
            };
        };
        match serde_json::from_str(text) {
            Ok(body) => Self::json(code, body),
            Err(_) if text.is_empty() => Self::empty(code),
            Err(_) => Self::html(code, text.to_owned()),
        }
    }

    pub(super) fn too_large() -> Self {
        Self::html(413, html_page("Request Entity Too Large"))
    }

    /// The answer as HTTP.
    pub(super) fn into_response(self) -> Response {
        let (kind, body) = match self.payload {
            Payload::Empty => (None, String::new()),
            Payload::Json(body) => (Some("application/json"), body.to_string()),
            Payload::Html(body) => (Some("text/html;charset=UTF-8"), body),
        };
        let mut response = Response::new(Body::from(body));
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        if let Some(kind) = kind {
            let headers = response.headers_mut();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        }
        if let Some((name, value)) = self.location {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

/// The gateway's shape, for a fault that should wear it; `errorcode` as in
/// `keymanagement.service.access_token_expired` or `policies.ratelimit.QuotaViolation`.
pub fn gateway_fault(text: &str, errorcode: &str) -> Value {
    json!({ "fault": { "faultstring": text, "detail": { "errorcode": errorcode } } })
}

/// The body of 429 as seen in the wild: `code` is a string there.
pub fn quota_exceeded() -> Value {
    json!({
        "code": "429",
        "message": "Quota Exceeded",
        "status": "Request Throttled",
        "details": null,
    })
}

/// A page such as the edge answers with.
pub fn html_page(title: &str) -> String {
    format!(
        "<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"
    )
}

fn status_word(status: u16) -> &'static str {
    match status {
        400 => "INVALID_ARGUMENT",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        405 | 501 => "UNIMPLEMENTED",
        409 => "ABORTED",
        _ => "INTERNAL",
    }
}
