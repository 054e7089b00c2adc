//! Email: the history with its single open and click time, sending without an answer, and the
//! status of addresses.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use relay_core::time::Timestamp;
use serde_json::{Value, json};

use super::super::filter::{Kind, field, named};
use super::super::list::{self, Item, Listing};
use super::super::reply::{Handled, Reply, Version};
use super::super::request::Incoming;
use super::super::settings::{AddressList, OptedOut, Undecodable};
use super::super::state::{Record, Row, v2_time};
use super::super::world::World;
use super::contacts::is_opted_in;

/// Members that an email may lack.
const OPTIONAL: &[&str] = &[
    "subject",
    "headers",
    "sent_time",
    "received_time",
    "opened_time",
    "clicked_time",
    "original_provider_id",
    "provider_source_id",
];

/// Statuses to which nothing is delivered.
const DEAD: &[&str] = &[
    "HARD_BOUNCE",
    "SPAM",
    "FEEDBACK",
    "INVALID",
    "DEACTIVATED",
    "LOCKDOWN",
    "SYSTEM",
];

/// `GET /v2/emails`
pub(crate) fn list(world: &mut World<'_>, request: &Incoming) -> Handled {
    let items = world
        .state
        .emails
        .iter()
        .filter(|record| world.is_listed(record))
        .map(|record| Item {
            index: World::index(record),
            shown: Value::Object(view(world, record)),
        })
        .collect();
    let listing = Listing {
        key: "emails",
        fields: vec![
            field("contact_id", Kind::Text),
            named("email", "sent_to_address", Kind::Text),
            named("start_created_time", "sent_time", Kind::Since),
            named("end_created_time", "sent_time", Kind::Until),
        ],
        orders: &[("created_time", "sent_time")],
        page: 0..=1000,
    };
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

/// `POST /v2/emails:send`
pub(crate) fn send(world: &mut World<'_>, request: &Incoming) -> Handled {
    let contacts: Vec<String> = request
        .member("contacts")
        .and_then(|list| serde_json::from_value(list.clone()).ok())
        .filter(|list: &Vec<String>| !list.is_empty())
        .ok_or_else(|| Reply::bad("contacts is required"))?;
    let subject = request.required("subject")?.to_owned();
    let from = sender(world, request)?;
    let slot = slot(request)?;
    let mail = Mail {
        content: json!({
            "user_id": request.text("user_id"),
            "subject": subject,
            "text": decoded(world, request.text("plain_content"))?,
            "html": decoded(world, request.text("html_content"))?,
        }),
        row: row(&[
            ("subject", subject.into()),
            ("sent_from_address", from.clone().into()),
            ("sent_from_reply_address", from.into()),
            (
                "plain_content",
                request.member("plain_content").cloned().unwrap_or_default(),
            ),
            (
                "html_content",
                request.member("html_content").cloned().unwrap_or_default(),
            ),
        ]),
        slot,
    };
    for contact in contacts {
        post(world, &contact, &mail);
    }
    Ok(Reply::empty(202))
}

struct Mail {
    content: Value,
    row: Row,
    slot: &'static str,
}

/// Exactly one of the two ways to name a sender.
fn sender(world: &World<'_>, request: &Incoming) -> Result<String, Reply> {
    match (request.text("user_id"), request.text("from_address")) {
        (Some(user), None) => {
            let user = world.state.users.find(user);
            let user = user.ok_or_else(|| Reply::bad("user_id is invalid"))?;
            let address = user
                .row
                .get("email_addresses")
                .map(|list| &list[0]["email"]);
            Ok(address
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned())
        }
        (None, Some(address)) => Ok(address.to_owned()),
        _ => Err(Reply::bad(
            "Exactly one of user_id or from_address is required",
        )),
    }
}

fn slot(request: &Incoming) -> Result<&'static str, Reply> {
    match request.text("address_field") {
        None | Some("Email") => Ok("EMAIL1"),
        Some("EmailAddress2") => Ok("EMAIL2"),
        Some("EmailAddress3") => Ok("EMAIL3"),
        Some(_) => Err(Reply::bad("address_field is invalid")),
    }
}

/// Content is Base64 of UTF-8; what becomes of other content is a switch.
fn decoded(world: &World<'_>, part: Option<&str>) -> Result<Option<String>, Reply> {
    let Some(part) = part else { return Ok(None) };
    let bytes = STANDARD.decode(part).ok();
    match bytes.and_then(|bytes| String::from_utf8(bytes).ok()) {
        Some(text) => Ok(Some(text)),
        None if world.settings.undecodable == Undecodable::Sent => Ok(Some(part.to_owned())),
        None => Err(Reply::bad("content is not valid Base64")),
    }
}

/// Sends to one contact, or drops the mail in silence; the book knows which (`email`,
/// `email_dropped`), the caller never does.
fn post(world: &mut World<'_>, contact: &str, mail: &Mail) {
    let address = recipient(world, contact, mail.slot).filter(|a| delivers(world, a));
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

fn recipient(world: &World<'_>, contact: &str, slot: &str) -> Option<String> {
    let contact = world.state.contacts.find(contact)?;
    let addresses = contact.row.get("email_addresses")?.as_array()?;
    let address = addresses.iter().find(|address| address["field"] == slot)?;
    Some(address["email"].as_str()?.to_owned())
}

fn delivers(world: &World<'_>, address: &str) -> bool {
    let row = world.state.addresses.get(&address.to_lowercase());
    let Some(status) = row.and_then(|row| row.get("status")?.as_str()) else {
        return true;
    };
    let opted_out = !is_opted_in(status) && status != "BOUNCE";
    let spared = world.settings.opted_out == OptedOut::Sent;
    !DEAD.contains(&status) && (!opted_out || spared)
}

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
    let listing = Listing {
        key: "email_addresses",
        fields: vec![
            named("emails", "email", Kind::Set),
            named("statuses", "status", Kind::Set),
            field("opted_in", Kind::Flag),
        ],
        orders: &[
            ("email", "email"),
            ("status", "status"),
            ("create_time", "create_time"),
            ("last_click_time", "last_click_time"),
            ("last_open_time", "last_open_time"),
            ("last_sent_time", "last_sent_time"),
        ],
        page: 0..=1000,
    };
    list::page(world, request, &listing, items)
}

fn status_view(row: &Row) -> Value {
    let mut row = row.clone();
    let status = row.get("status").and_then(Value::as_str);
    let opted_in = status.is_some_and(is_opted_in);
    row.insert("opted_in".to_owned(), opted_in.into());
    Value::Object(row)
}
