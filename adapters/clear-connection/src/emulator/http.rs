//! The emulated portal's HTTP side: routes, authorisation, faults, reads.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query, Request, State as Shared};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use http::header::AUTHORIZATION;
use http::{HeaderMap, Method, StatusCode};
use relay_core::time::Timestamp;
use relay_http_client::emulation::listing::{
    self, Cursor, Filter, FilterKind, Item, by, by_member,
};
use relay_http_client::emulation::seconds_later;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::portal::Portal;
use super::reply::{Answered, NO_CLIENT, Refused, answer, fault};
use super::settings::Switches;
use super::state::{Coach, show_client};
use super::writes::{add_note, send_message};

type Parameters = Query<BTreeMap<String, String>>;

const CURSOR: Cursor = Cursor("after-");

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
    let run = async {
        if route.portal.authorised(request.headers()) {
            return next.run(request).await;
        }
        Refused::new(StatusCode::UNAUTHORIZED, "unauthorised", "unknown token").into_response()
    };
    let faults = route.portal.faults();
    faults.around(operation, &fault, run).await
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

    /// One page of `items`, of those that pass.
    fn page(
        &self,
        mut items: Vec<Item>,
        filters: &[Filter<'static>],
        asked: &Parameters,
    ) -> Result<Response, Refused> {
        if !self.switches().filters_ignored {
            for filter in filters {
                let Some(value) = asked.get(filter.name) else {
                    continue;
                };
                let condition = filter.with(value);
                let condition =
                    condition.ok_or(Refused::field(filter.name, "not a date or time"))?;
                items.retain(|item| condition.passes(item));
            }
        }
        let start = asked
            .get("cursor")
            .map_or(Some(0), |text| CURSOR.read(text));
        let start = start.ok_or(Refused::field("cursor", "not one of our cursors"))?;
        let (data, next) = listing::page(items, start, self.settings.page_size.max(1));
        let next = next.map(|start| CURSOR.write(start));
        let body = self.shape(json!({"data": data, "next_cursor": next}));
        Ok(answer(StatusCode::OK, &body))
    }

    /// Every check-in. A state that has another word is filtered by what it is.
    fn check_ins(&self) -> Vec<Item> {
        let state = self.state();
        let items = state.check_ins.iter().map(|check_in| {
            let mut item = Item::plain(check_in.show());
            item.index
                .insert("status".to_owned(), check_in.status().into());
            item
        });
        items.collect()
    }

    fn known(&self, client: &str) -> Result<(), Refused> {
        self.state().client(client).map(|_| ()).ok_or(NO_CLIENT)
    }
}

async fn get_client(Shared(portal): Shared<Arc<Portal>>, Path(id): Path<String>) -> Answered {
    let shown = portal.state().client(&id).map(show_client);
    let shown = portal.shape(shown.ok_or(NO_CLIENT)?);
    Ok(answer(StatusCode::OK, &shown))
}

async fn find_clients(Shared(portal): Shared<Arc<Portal>>, asked: Parameters) -> Answered {
    let items = {
        let state = portal.state();
        let clients = state.clients.iter().map(show_client);
        clients.map(Item::plain).collect()
    };
    portal.page(items, &[by("email", FilterKind::Word)], &asked)
}

async fn client_check_ins(
    Shared(portal): Shared<Arc<Portal>>,
    Path(id): Path<String>,
    asked: Parameters,
) -> Answered {
    portal.known(&id)?;
    let mut items = portal.check_ins();
    items.retain(|item| item.index["client_id"] == id);
    let filters = [by_member("since", "due_date", FilterKind::SinceDay)];
    portal.page(items, &filters, &asked)
}

async fn open_check_ins(Shared(portal): Shared<Arc<Portal>>, asked: Parameters) -> Answered {
    let filters = [
        by("status", FilterKind::Word),
        by_member("due_before", "due_date", FilterKind::BeforeDay),
    ];
    portal.page(portal.check_ins(), &filters, &asked)
}

async fn messages(
    Shared(portal): Shared<Arc<Portal>>,
    Path(id): Path<String>,
    asked: Parameters,
) -> Answered {
    portal.known(&id)?;
    let items = {
        let state = portal.state();
        let of_client = state.messages.iter().filter(|one| one.client == id);
        let listed = of_client.filter(|one| is_listed(state.switches, one.sent_at, portal.now()));
        listed.map(|one| item(one.show(), state.switches)).collect()
    };
    let filters = [by_member("since", "sent_at", FilterKind::Since)];
    portal.page(items, &filters, &asked)
}

async fn notes(
    Shared(portal): Shared<Arc<Portal>>,
    Path(id): Path<String>,
    asked: Parameters,
) -> Answered {
    portal.known(&id)?;
    let items = {
        let state = portal.state();
        let of_client = state.notes.iter().filter(|one| one.client == id);
        let listed =
            of_client.filter(|one| is_listed(state.switches, one.written_at, portal.now()));
        listed.map(|one| item(one.show(), state.switches)).collect()
    };
    let filters = [by_member("since", "written_at", FilterKind::Since)];
    portal.page(items, &filters, &asked)
}

async fn coaches(Shared(portal): Shared<Arc<Portal>>, asked: Parameters) -> Answered {
    let items = {
        let state = portal.state();
        let coaches = state.coaches.iter().map(Coach::show);
        coaches.map(Item::plain).collect()
    };
    portal.page(items, &[], &asked)
}

/// Whether lists show what was made at that time.
fn is_listed(switches: Switches, made: Timestamp, now: Timestamp) -> bool {
    seconds_later(made, switches.list_lag_seconds) <= now
}

/// A message or note in a list, without the key it was written with where that is not shown.
fn item(mut shown: Value, switches: Switches) -> Item {
    if let Some(members) = shown.as_object_mut().filter(|_| switches.keys_not_shown) {
        members.remove("idempotency_key");
    }
    Item::plain(shown)
}
