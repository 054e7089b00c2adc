//! Email: the history with its single open and click time, sending without an answer, and the
//! status of addresses.

use relay_core::time::Timestamp;
use relay_http_client::emulation::listing::{FilterKind, Item, by, by_member};
use serde_json::{Value, json};

use super::super::list::{self, Listing};
use super::super::reply::{Handled, Reply, Version};
use super::super::request::Incoming;
use super::super::settings::AddressList;
use super::super::state::{Record, Row, v2_time};
use super::super::world::World;
use super::contacts::is_opted_in;
use super::content::{decoded, shown};

/// Members that an email may lack.
const OPTIONAL: &[&str] = &[
    "subject",
    "headers",
    "sent_from_address",
    "sent_from_reply_address",
    "sent_time",
    "received_time",
    "opened_time",
    "clicked_time",
    "original_provider_id",
    "provider_source_id",
];

/// `GET /v2/emails`
pub(crate) fn list(world: &mut World<'_>, request: &Incoming) -> Handled {
    let items = world
        .state
        .emails
        .iter()
        .filter(|record| world.is_listed(record))
        .map(|record| World::item(record, Value::Object(view(world, record))))
        .collect();
    let filters = [
        by("contact_id", FilterKind::Word),
        by_member("start_created_time", "sent_time", FilterKind::Since),
    ];
    let listing = Listing::new("emails", &filters, &[("created_time", "sent_time")]);
    list::page(world, request, &listing, items)
}

/// `GET /v2/emails/{id}`
pub(crate) fn get(world: &mut World<'_>, _: &Incoming, id: &str) -> Handled {
    let record = world.state.emails.find(id);
    let record = record
        .filter(|record| world.is_listed(record))
        .ok_or_else(|| Reply::not_found("Email"))?;
    let mut row = view(world, record);
    for part in ["plain_content", "html_content"] {
        let content = record.row.get(part).cloned().unwrap_or_default();
        let content = shown(world, &content, part == "html_content");
        row.insert(part.to_owned(), content);
    }
    Reply::ok(row)
}

/// A row without content, and without opens and clicks that have not happened yet.
fn view(world: &World<'_>, record: &Record) -> Row {
    let mut row = world.shown(record, OPTIONAL);
    row.remove("plain_content");
    row.remove("html_content");
    for member in ["opened_time", "clicked_time"] {
        let at = record
            .text(member)
            .and_then(|t| t.parse::<Timestamp>().ok());
        if at.is_some_and(|at| at > world.now) {
            row.insert(member.to_owned(), Value::Null);
        }
    }
    row
}

/// `POST /v2/emails:send`. Attachments, a sender without a user and another address than the first
/// are refused: Keap takes them, and nothing of ours sends them.
pub(crate) fn send(world: &mut World<'_>, request: &Incoming) -> Handled {
    let contacts: Vec<String> = request
        .member("contacts")
        .and_then(|list| serde_json::from_value(list.clone()).ok())
        .filter(|list: &Vec<String>| !list.is_empty())
        .ok_or_else(|| Reply::bad("contacts is required"))?;
    let subject = request.required("subject")?;
    let user = request.required("user_id")?;
    let from = user_address(world, user)?;
    let address_field = request.text("address_field").unwrap_or("Email");
    let elsewhere = ["attachments", "from_address"];
    let elsewhere = elsewhere.iter().find(|name| request.member(name).is_some());
    if elsewhere.is_some() || address_field != "Email" {
        return Err(Reply::bad("Keap may take this, and its emulator does not"));
    }
    let part = |name: &str| request.member(name).cloned().unwrap_or_default();
    let mail = Mail {
        content: json!({
            "user_id": user,
            "subject": subject,
            "text": decoded(request.text("plain_content")),
            "html": decoded(request.text("html_content")),
        }),
        row: row(&[
            ("subject", subject.into()),
            ("sent_from_address", from.clone().into()),
            ("sent_from_reply_address", from.into()),
            ("plain_content", part("plain_content")),
            ("html_content", part("html_content")),
        ]),
    };
    for contact in contacts {
        post(world, &contact, &mail);
    }
    Ok(Reply::empty(202))
}

/// A mail that is ready for each of its recipients.
struct Mail {
    content: Value,
    row: Row,
}

/// The address of a user.
fn user_address(world: &World<'_>, user: &str) -> Result<String, Reply> {
    let user = world.state.users.find(user);
    let user = user.ok_or_else(|| Reply::bad("user_id is invalid"))?;
    let list = user.row.get("email_addresses");
    let address = list.and_then(|list| list[0]["email"].as_str());
    Ok(address.unwrap_or_default().to_owned())
}

/// Sends to one contact, or drops the mail in silence; what was accepted tells which (`email`,
/// `email_dropped`), the caller never knows.
fn post(world: &mut World<'_>, contact: &str, mail: &Mail) {
    let address = recipient(world, contact).filter(|a| delivers(world, a));
    let Some(address) = address else {
        world.accept("email_dropped", &contact, mail.content.clone());
        return;
    };
    let mut row = mail.row.clone();
    let listed_from = world.soon(&world.settings.email_delay);
    for (name, value) in [
        ("contact_id", json!(contact)),
        ("sent_to_address", json!(address)),
        ("sent_to_cc_address_list", json!([])),
        ("sent_to_bcc_address_list", json!([])),
        ("sent_time", json!(v2_time(world.now))),
        ("original_provider", json!("INFUSIONSOFT")),
    ] {
        row.insert(name.to_owned(), value);
    }
    world.state.emails.insert(None, row, listed_from);
    let now = world.now;
    world
        .state
        .stamp_address(&address.to_lowercase(), "last_sent_time", now);
    world.accept("email", &contact, mail.content.clone());
}

fn recipient(world: &World<'_>, contact: &str) -> Option<String> {
    let contact = world.state.contacts.find(contact)?;
    let addresses = contact.row.get("email_addresses")?.as_array()?;
    let first = addresses.iter().find(|one| one["field"] == "EMAIL1")?;
    Some(first["email"].as_str()?.to_owned())
}

fn delivers(world: &World<'_>, address: &str) -> bool {
    let row = world.state.addresses.get(&address.to_lowercase());
    let status = row.and_then(|row| row.get("status")?.as_str());
    // Mail to people who opted out is dropped, too: the harder of two readings.
    status.is_none_or(|status| is_opted_in(status) || status == "BOUNCE")
}

/// A row of these members.
fn row(members: &[(&str, Value)]) -> Row {
    let members = members.iter();
    members
        .map(|(name, value)| ((*name).to_owned(), value.clone()))
        .collect()
}

/// `GET /v2/emailAddresses/{email}/status`
pub(crate) fn status(world: &mut World<'_>, _: &Incoming, email: &str) -> Handled {
    let key = email.to_lowercase();
    let row = world.state.addresses.get(&key);
    let row = row.ok_or_else(|| Reply::not_found("Email Address"))?;
    Reply::ok(status_view(row))
}

/// `GET /v2/emailAddresses`
pub(crate) fn statuses(world: &mut World<'_>, request: &Incoming) -> Handled {
    match world.settings.address_list {
        AddressList::Offered => {}
        AddressList::NotFound => return Err(Reply::not_found("Resource")),
        AddressList::NotImplemented => {
            return Err(Reply::error(Version::V2, 501, "Not Implemented"));
        }
    }
    let items = world
        .state
        .addresses
        .values()
        .map(|row| {
            let shown = status_view(row);
            Item {
                index: shown.as_object().cloned().unwrap_or_default(),
                shown,
            }
        })
        .collect();
    let listing = Listing::new(
        "email_addresses",
        &[],
        &[
            ("last_click_time", "last_click_time"),
            ("last_open_time", "last_open_time"),
        ],
    );
    list::page(world, request, &listing, items)
}

fn status_view(row: &Row) -> Value {
    let mut row = row.clone();
    let status = row.get("status").and_then(Value::as_str);
    let opted_in = status.is_some_and(is_opted_in);
    row.insert("opted_in".to_owned(), opted_in.into());
    Value::Object(row)
}
