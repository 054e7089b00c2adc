//! Email: the history with its single open and click time, sending without an answer, and the
//! status of addresses.

use relay_core::time::Timestamp;
use serde_json::{Value, json};

use super::super::filter::{Kind, field, named};
use super::super::list::{self, Item, Listing};
use super::super::reply::{Handled, Reply, Version};
use super::super::request::Incoming;
use super::super::settings::{AddressList, OptedOut};
use super::super::state::{Record, Row, v2_time};
use super::super::world::World;
use super::contacts::is_opted_in;
use super::content::{check_attachments, decoded, shown};

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
            field("contact_id", Kind::Word),
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
    let contact = record.text("contact_id").unwrap_or_default();
    for part in ["plain_content", "html_content"] {
        let content = record.row.get(part).cloned().unwrap_or_default();
        let content = shown(world, contact, &content, part == "html_content");
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
    let contacts = recipients(request, "contacts")?;
    check_attachments(request)?;
    deliver(world, request, contacts)
}

/// `POST /v1/emails/queue`: the same with integers, and without the other way to name a sender.
pub(crate) fn queue(world: &mut World<'_>, request: &Incoming) -> Handled {
    let contacts: Vec<u64> = request
        .member("contacts")
        .and_then(|list| serde_json::from_value(list.clone()).ok())
        .filter(|list: &Vec<u64>| !list.is_empty())
        .ok_or_else(|| request.bad("contacts is required"))?;
    if request.member("user_id").and_then(Value::as_u64).is_none() {
        return Err(request.bad("user_id is required"));
    }
    let contacts = contacts.iter().map(u64::to_string).collect();
    deliver(world, request, contacts)
}

fn deliver(world: &mut World<'_>, request: &Incoming, contacts: Vec<String>) -> Handled {
    let subject = request.required("subject")?.to_owned();
    let from = sender(world, request)?;
    let slot = slot(world, request)?;
    // v1 names its parts otherwise, in an object of their own.
    let part = |name: &str| {
        let v1 = request
            .member("content")
            .and_then(|content| content.get(name));
        v1.or_else(|| request.member(&format!("{name}_content")))
    };
    let text = |name: &str| part(name).and_then(Value::as_str);
    let mail = Mail {
        operation: "email",
        content: json!({
            "user_id": user_id(request),
            "subject": subject,
            "text": decoded(world, text("plain"))?,
            "html": decoded(world, text("html"))?,
        }),
        row: row(&[
            ("subject", subject.into()),
            ("sent_from_address", from.clone().into()),
            ("sent_from_reply_address", from.into()),
            ("plain_content", part("plain").cloned().unwrap_or_default()),
            ("html_content", part("html").cloned().unwrap_or_default()),
        ]),
        slot,
    };
    for contact in contacts {
        post(world, &contact, &mail);
    }
    Ok(Reply::empty(202))
}

/// A mail that is ready for each of its recipients.
pub(crate) struct Mail {
    /// The name it goes into the book under.
    pub(crate) operation: &'static str,
    pub(crate) content: Value,
    pub(crate) row: Row,
    pub(crate) slot: Slot,
}

/// Where a contact's address is looked for.
pub(crate) enum Slot {
    Address(&'static str),
    /// The id of a custom field.
    Custom(u64),
}

/// The ids of the contacts, as text; at least one.
pub(crate) fn recipients(request: &Incoming, member: &str) -> Result<Vec<String>, Reply> {
    request
        .member(member)
        .and_then(|list| serde_json::from_value(list.clone()).ok())
        .filter(|list: &Vec<String>| !list.is_empty())
        .ok_or_else(|| Reply::bad(&format!("{member} is required")))
}

/// The sending user as text, whichever way the version writes ids.
fn user_id(request: &Incoming) -> Option<String> {
    match (request.version, request.member("user_id")) {
        (Version::V2, Some(Value::String(id))) => Some(id.clone()),
        (Version::V1, Some(Value::Number(id))) => Some(id.to_string()),
        _ => None,
    }
}

/// Exactly one of the two ways to name a sender.
fn sender(world: &World<'_>, request: &Incoming) -> Result<String, Reply> {
    match (user_id(request), request.text("from_address")) {
        (Some(user), None) => user_address(world, &user),
        (None, Some(address)) => Ok(address.to_owned()),
        _ => Err(request.bad("Exactly one of user_id or from_address is required")),
    }
}

/// The address of a user.
pub(crate) fn user_address(world: &World<'_>, user: &str) -> Result<String, Reply> {
    let user = world.state.users.find(user);
    let user = user.ok_or_else(|| Reply::bad("user_id is invalid"))?;
    let list = user.row.get("email_addresses");
    let address = list.and_then(|list| list[0]["email"].as_str());
    Ok(address.unwrap_or_default().to_owned())
}

/// The slot that `address_field` names, to the letter.
pub(crate) fn slot(world: &World<'_>, request: &Incoming) -> Result<Slot, Reply> {
    match request.text("address_field") {
        None | Some("Email") => Ok(Slot::Address("EMAIL1")),
        Some("EmailAddress2") => Ok(Slot::Address("EMAIL2")),
        Some("EmailAddress3") => Ok(Slot::Address("EMAIL3")),
        Some(other) => {
            let custom = other.strip_prefix('_').and_then(|name| {
                let mut fields = world.state.fields.iter();
                fields
                    .find(|field| field.name == name)
                    .map(|field| field.id)
            });
            let custom = custom.ok_or_else(|| request.bad("address_field is invalid"))?;
            Ok(Slot::Custom(custom))
        }
    }
}

/// Sends to one contact, or drops the mail in silence; the book knows which (`email`,
/// `email_dropped`), the caller never does.
pub(crate) fn post(world: &mut World<'_>, contact: &str, mail: &Mail) {
    let address = recipient(world, contact, &mail.slot).filter(|a| delivers(world, a));
    let Some(address) = address else {
        let operation = format!("{}_dropped", mail.operation);
        world.accept(&operation, &contact, mail.content.clone());
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
    world.accept(mail.operation, &contact, mail.content.clone());
}

fn recipient(world: &World<'_>, contact: &str, slot: &Slot) -> Option<String> {
    let contact = world.state.contacts.find(contact)?;
    match slot {
        Slot::Custom(field) => {
            let value = world.state.custom.get(&(contact.id, *field))?;
            Some(value.as_str()?.to_owned())
        }
        Slot::Address(slot) => {
            let addresses = contact.row.get("email_addresses")?.as_array()?;
            let address = addresses.iter().find(|address| address["field"] == *slot)?;
            Some(address["email"].as_str()?.to_owned())
        }
    }
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

/// A row of these members.
pub(crate) fn row(members: &[(&str, Value)]) -> Row {
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
