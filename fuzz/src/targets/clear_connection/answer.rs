//! What the portal answers, whatever was asked.
//!
//! An input is a status and an id, headers, an empty line, a body. The id is a client's; it comes
//! out of an event, so anything may stand in it.

use std::sync::Arc;

use relay_clear_connection::PortalClient;
use relay_core::ids::{ClientId, CoachId};
use relay_core::time::Date;
use relay_http_client::CallError;
use secrecy::SecretString;

use crate::targets::answers::{OneAnswer, block_on, clock, now, written};
use crate::targets::{Target, check_words};

/// The target.
pub const TARGET: Target = Target {
    name: "portal_answer",
    run,
    words: &[
        "200",
        "201",
        "401",
        "404",
        "409",
        "429",
        "503",
        "retry-after: ",
        "data",
        "next_cursor",
        "id",
        "client_id",
        "first_name",
        "status",
        "online",
        "due_date",
        "due_at",
        "submitted",
        "submitted_at",
        "withdrawn",
        "complete",
        "text",
        "from",
        "coach",
        "sent_at",
        "author",
        "written_at",
        "name",
        "email",
        "error",
        "code",
        "field",
        "2026-11-03",
        "2026-11-03T09:00:00-07:00",
        "..",
        ".\t.",
        "%2e%2e",
        "/",
        "?",
        "#",
        "\n\n",
        "kanari.vogel@example.test",
    ],
    fixtures: &[],
    executions: 1_500,
};

/// Runs one input.
///
/// # Panics
/// If a promise is broken.
pub fn run(data: &[u8]) {
    let transport = Arc::new(OneAnswer::new(data));
    let first = String::from_utf8_lossy(written(data).first).into_owned();
    let id = first.split_once(' ').map_or("c-1", |(_, id)| id).to_owned();
    let Ok(base) = "https://portal.test/api/".parse() else {
        return;
    };
    let bearer = SecretString::from("a-token");
    let clock = Arc::new(clock());
    let portal = PortalClient::new(Arc::clone(&transport) as _, base, bearer, clock);
    block_on(ask(&portal, &id));
    for url in transport.asked() {
        assert_eq!(url.host_str(), Some("portal.test"));
        assert!(url.fragment().is_none());
        let mut path = url.path_segments().into_iter().flatten();
        assert_eq!(path.next(), Some("api"), "{}", url.path());
        let rest: Vec<&str> = path.collect();
        let shape = matches!(
            rest.as_slice(),
            ["check-ins" | "clients" | "coaches"]
                | ["clients", _]
                | ["clients", _, "check-ins" | "messages" | "notes"]
        );
        assert!(shape, "{}", url.path());
    }
}

async fn ask(portal: &PortalClient, id: &str) {
    let client = ClientId(id.to_owned());
    let coach = CoachId(id.to_owned());
    let day = Date::constant(2026, 11, 3);
    if let Ok(Some(told)) = see(portal.client(&client).await) {
        assert_eq!(told.id, client, "another client's answer");
    }
    if let Ok(found) = see(portal.clients_by_email(id).await) {
        let same = |told: &str| told.eq_ignore_ascii_case(id.trim());
        assert!(
            found
                .iter()
                .all(|c| c.email.as_deref().is_some_and(same) || id.trim().is_empty())
        );
    }
    let _ = see(portal.check_ins(&client, day).await);
    if let Ok(told) = see(portal.open_check_ins(day).await) {
        assert!(told.open.iter().all(|check_in| check_in.client.is_some()));
    }
    if let Ok(messages) = see(portal.messages(&client, now()).await) {
        assert!(messages.is_sorted_by_key(|message| message.sent_at));
        assert!(messages.iter().all(|message| message.sent_at >= now()));
    }
    let _ = see(portal.notes(&client, now()).await);
    let _ = see(portal.coaches().await);
    let _ = see(portal.send_message("key-1", &client, &coach, "Hi").await);
    let _ = see(portal.add_note("key-1", &client, Some(&coach), "Hi").await);
}

fn see<T>(result: Result<T, CallError>) -> Result<T, CallError> {
    if let Err(error) = &result {
        check_words(&error.to_string(), 300);
    }
    result
}
