//! The emulated portal's HTTP side: routes, authorisation, faults, reads.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query, Request, State as Shared};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use relay_core::time::{Date, Timestamp};
use relay_http_client::emulation::{FaultAct, Moment};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::state::{CheckIn, Coach, oddly, show_client};
use super::writes::{add_note, send_message};
use super::{Portal, later, seconds};

type Parameters = Query<BTreeMap<String, String>>;

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

/// What the shared layer of one route knows.
#[derive(Clone)]
struct Route {
    portal: Arc<Portal>,
    read: &'static str,
    write: &'static str,
}

/// Faults and authorisation, for every route alike, so that no handler can forget them.
async fn shared(Shared(route): Shared<Route>, request: Request, next: Next) -> Response {
    let operation = if request.method() == Method::GET {
        route.read
    } else {
        route.write
    };
    let faults = &route.portal.faults;
    if let Some(act) = faults.take(operation, Moment::Before) {
        return strike(&act);
    }
    if !route.portal.authorised(request.headers()) {
        let refused = Refused::new(StatusCode::UNAUTHORIZED, "unauthorised", "unknown token");
        return refused.into_response();
    }
    let response = next.run(request).await;
    match faults.take(operation, Moment::After) {
        Some(act @ FaultAct::Slow { .. }) => outcome_of(&act, response),
        Some(act) => strike(&act),
        None => response,
    }
}

fn strike(act: &FaultAct) -> Response {
    let response = match act {
        FaultAct::Status {
            code,
            retry_after,
            body,
        } => {
            let status = StatusCode::from_u16(*code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let usual = json!({"error": {"code": "fault", "message": "a fault on order"}});
            let mut response = match body {
                Some(body) => (status, body.clone()).into_response(),
                None => answer(status, &usual),
            };
            if let Some(wait) = retry_after {
                response
                    .headers_mut()
                    .insert(RETRY_AFTER, HeaderValue::from(*wait));
            }
            response
        }
        FaultAct::Hang | FaultAct::Reset | FaultAct::Refuse | FaultAct::Slow { .. } => {
            StatusCode::GATEWAY_TIMEOUT.into_response()
        }
    };
    outcome_of(act, response)
}

/// The answer with what is to become of it.
fn outcome_of(act: &FaultAct, mut response: Response) -> Response {
    if let Some(outcome) = act.outcome() {
        response.extensions_mut().insert(outcome);
    }
    response
}

impl Portal {
    /// The portal's API, at the root of whatever it is mounted on.
    pub fn router(self: &Arc<Self>) -> Router {
        let route = |path: MethodRouter<Arc<Self>>, read, write| {
            let portal = Arc::clone(self);
            path.layer(from_fn_with_state(
                Route {
                    portal,
                    read,
                    write,
                },
                shared,
            ))
        };
        let none = "no_such_call";
        Router::new()
            .route("/clients", route(get(find_clients), "find_clients", none))
            .route("/clients/{id}", route(get(get_client), "get_client", none))
            .route(
                "/clients/{id}/check-ins",
                route(get(client_check_ins), "list_check_ins", none),
            )
            .route(
                "/check-ins",
                route(get(open_check_ins), "list_open_check_ins", none),
            )
            .route(
                "/clients/{id}/messages",
                route(
                    get(messages).post(send_message),
                    "list_messages",
                    "portal_message",
                ),
            )
            .route(
                "/clients/{id}/notes",
                route(get(notes).post(add_note), "list_notes", "portal_note"),
            )
            .route("/coaches", route(get(coaches), "list_coaches", none))
            .with_state(Arc::clone(self))
    }

    fn authorised(&self, headers: &HeaderMap) -> bool {
        let expected = format!("Bearer {}", self.settings.token.expose_secret());
        headers
            .get(AUTHORIZATION)
            .is_some_and(|shown| shown.as_bytes() == expected.as_bytes())
    }

    pub(super) fn shape(&self, value: Value) -> Value {
        if self.switches().odd_shapes {
            oddly(value)
        } else {
            value
        }
    }

    /// One page of `entries`. The cursor is the number of entries already shown.
    fn page(&self, entries: Vec<Value>, parameters: &Parameters) -> Result<Response, Refused> {
        let start: usize = match parameters.get("cursor") {
            Some(cursor) => cursor
                .strip_prefix("after-")
                .and_then(|count| count.parse().ok())
                .ok_or(Refused::field("cursor", "not one of our cursors"))?,
            None => 0,
        };
        let end = start.saturating_add(self.settings.page_size.max(1));
        let next = (end < entries.len()).then(|| format!("after-{end}"));
        let data: Vec<Value> = entries
            .into_iter()
            .skip(start)
            .take(self.settings.page_size.max(1))
            .collect();
        let body = self.shape(json!({"data": data, "next_cursor": next}));
        Ok(answer(StatusCode::OK, &body))
    }

    /// A parameter that filters; `None` when it is absent or filters are ignored.
    fn filter<'a>(&self, parameters: &'a Parameters, name: &str) -> Option<&'a str> {
        if self.switches().filters_ignored {
            return None;
        }
        parameters.get(name).map(String::as_str)
    }

    fn known(&self, client: &str) -> Result<(), Refused> {
        self.state().client(client).map(|_| ()).ok_or(NO_CLIENT)
    }
}

pub(super) type Answered = Result<Response, Refused>;

async fn get_client(Shared(portal): Shared<Arc<Portal>>, Path(id): Path<String>) -> Answered {
    let shown = portal
        .state()
        .client(&id)
        .map(show_client)
        .ok_or(NO_CLIENT)?;
    Ok(answer(StatusCode::OK, &portal.shape(shown)))
}

async fn find_clients(Shared(portal): Shared<Arc<Portal>>, parameters: Parameters) -> Answered {
    let email = portal.filter(&parameters, "email").map(str::to_lowercase);
    let shown = portal
        .state()
        .clients
        .iter()
        .filter(|client| {
            let told = client.email.as_deref().map(str::to_lowercase);
            email.is_none() || told == email
        })
        .map(show_client)
        .collect();
    portal.page(shown, &parameters)
}

async fn client_check_ins(
    Shared(portal): Shared<Arc<Portal>>,
    Path(id): Path<String>,
    parameters: Parameters,
) -> Answered {
    portal.known(&id)?;
    let since: Option<Date> = parse("since", portal.filter(&parameters, "since"))?;
    let shown = portal
        .state()
        .check_ins
        .iter()
        .filter(|check_in| check_in.client == id && since.is_none_or(|day| check_in.due >= day))
        .map(CheckIn::show)
        .collect();
    portal.page(shown, &parameters)
}

async fn open_check_ins(Shared(portal): Shared<Arc<Portal>>, parameters: Parameters) -> Answered {
    let before: Option<Date> = parse("due_before", portal.filter(&parameters, "due_before"))?;
    let open_only = portal.filter(&parameters, "status") == Some("open");
    let shown = portal
        .state()
        .check_ins
        .iter()
        .filter(|check_in| !open_only || check_in.is_open())
        .filter(|check_in| before.is_none_or(|day| check_in.due < day))
        .map(CheckIn::show)
        .collect();
    portal.page(shown, &parameters)
}

async fn messages(
    Shared(portal): Shared<Arc<Portal>>,
    Path(id): Path<String>,
    parameters: Parameters,
) -> Answered {
    portal.known(&id)?;
    let since: Option<Timestamp> = parse("since", portal.filter(&parameters, "since"))?;
    let switches = portal.switches();
    let lag = seconds(switches.list_lag_seconds);
    let now = portal.now();
    let shown = portal
        .state()
        .messages
        .iter()
        .filter(|message| message.client == id)
        .filter(|message| since.is_none_or(|since| message.sent_at >= since))
        .filter(|message| later(message.sent_at, lag) <= now)
        .map(|message| listed(message.show(), switches.keys_not_shown))
        .collect();
    portal.page(shown, &parameters)
}

async fn notes(
    Shared(portal): Shared<Arc<Portal>>,
    Path(id): Path<String>,
    parameters: Parameters,
) -> Answered {
    portal.known(&id)?;
    let since: Option<Timestamp> = parse("since", portal.filter(&parameters, "since"))?;
    let switches = portal.switches();
    let lag = seconds(switches.list_lag_seconds);
    let now = portal.now();
    let shown = portal
        .state()
        .notes
        .iter()
        .filter(|note| note.client == id && since.is_none_or(|since| note.written_at >= since))
        .filter(|note| later(note.written_at, lag) <= now)
        .map(|note| listed(note.show(), switches.keys_not_shown))
        .collect();
    portal.page(shown, &parameters)
}

async fn coaches(Shared(portal): Shared<Arc<Portal>>, parameters: Parameters) -> Answered {
    let shown = portal.state().coaches.iter().map(Coach::show).collect();
    portal.page(shown, &parameters)
}

/// A listed message or note, without the key it was written with where that is not shown.
fn listed(mut shown: Value, without_key: bool) -> Value {
    if let Some(members) = shown.as_object_mut().filter(|_| without_key) {
        members.remove("idempotency_key");
    }
    shown
}

fn parse<T: std::str::FromStr>(
    field: &'static str,
    text: Option<&str>,
) -> Result<Option<T>, Refused> {
    text.map(|text| {
        text.parse()
            .map_err(|_| Refused::field(field, "not a date or time"))
    })
    .transpose()
}
