//! Answers in the portal's own shapes.

use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};

/// An error in the portal's own shape.
pub(super) struct Refused {
    status: StatusCode,
    code: &'static str,
    message: &'static str,
    field: Option<&'static str>,
}

impl Refused {
    pub(super) const fn new(status: StatusCode, code: &'static str, message: &'static str) -> Self {
        Self {
            status,
            code,
            message,
            field: None,
        }
    }

    pub(super) const fn field(field: &'static str, message: &'static str) -> Self {
        Self {
            field: Some(field),
            ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", message)
        }
    }
}

pub(super) const NO_CLIENT: Refused =
    Refused::new(StatusCode::NOT_FOUND, "not_found", "no such client");

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut error = json!({"code": self.code, "message": self.message});
        if let Some(field) = self.field {
            error["field"] = field.into();
        }
        answer(self.status, &json!({"error": error}))
    }
}

pub(super) fn answer(status: StatusCode, body: &Value) -> Response {
    let json = HeaderValue::from_static("application/json");
    (status, [(CONTENT_TYPE, json)], body.to_string()).into_response()
}

/// What a handler returns.
pub(super) type Answered = Result<Response, Refused>;

/// A fault on order, in the portal's shape where the order has no body.
pub(super) fn fault(code: u16, body: Option<&str>) -> Response {
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let usual = json!({"error": {"code": "fault", "message": "a fault on order"}});
    match body {
        Some(body) => (status, body.to_owned()).into_response(),
        None => answer(status, &usual),
    }
}
