//! The v1 surface that is still needed: contacts, their model, email history. Integer ids,
//! times with `+0000`, lists with `limit` and `offset` whose `next` is there even on an empty
//! page.

use relay_core::time::Timestamp;
use serde_json::{Value, json};

use super::custom;
use super::filter::strict_time;
use super::reply::{Handled, Reply};
use super::request::Incoming;
use super::state::{Record, v1_time};
use super::v2::contacts;
use super::v2::model::options;
use super::world::World;

/// A text id as the integer that v1 shows.
fn number(value: Option<&Value>) -> Value {
    let text = value.and_then(Value::as_str);
    json!(text.and_then(|text| text.parse::<u64>().ok()))
}

/// A v2 time as v1 shows it; null if it is unset.
fn time(record: &Record, member: &str) -> Value {
    let at = record
        .text(member)
        .and_then(|t| t.parse::<Timestamp>().ok());
    json!(at.map(v1_time))
}

/// `GET /v1/contacts/{id}`
pub(super) fn contact(world: &mut World<'_>, request: &Incoming, id: &str) -> Handled {
    let record = world.state.contacts.find(id);
    let record = record.ok_or_else(|| request.not_found("Contact"))?;
    Reply::ok(contact_view(world, request, record))
}

fn contact_view(world: &World<'_>, request: &Incoming, record: &Record) -> Value {
    let member = |name: &str| record.row.get(name).cloned().unwrap_or_default();
    let mut view = json!({
        "id": record.id,
        "given_name": member("given_name"),
        "family_name": member("family_name"),
        "email_addresses": member("email_addresses"),
        "phone_numbers": member("phone_numbers"),
        "owner_id": number(record.row.get("owner_id")),
        "contact_type": member("contact_type"),
        "date_created": time(record, "create_time"),
        "last_updated": time(record, "update_time"),
        "last_updated_utc_millis": record
            .text("update_time")
            .and_then(|t| t.parse::<Timestamp>().ok())
            .map(Timestamp::as_millisecond),
        "tag_ids": contacts::tags(world, record.id),
    });
    let asked = request.parameter("optional_properties").unwrap_or_default();
    if asked.split(',').any(|name| name.trim() == "custom_fields") {
        view["custom_fields"] = custom::echo(world, record.id, Value::from);
    }
    view
}

/// `GET /v1/contacts`
pub(super) fn contact_list(world: &mut World<'_>, request: &Incoming) -> Handled {
    let email = request.parameter("email").map(str::to_lowercase);
    let found: Vec<Value> = world
        .state
        .contacts
        .iter()
        .filter(|record| {
            let address = world.state.address(record.id);
            email.is_none() || address == email
        })
        .map(|record| contact_view(world, request, record))
        .collect();
    Reply::ok(page(request, "contacts", &found))
}

/// A page with `count`, `next` and `previous`.
fn page(request: &Incoming, key: &str, items: &[Value]) -> Value {
    let parameter = |name: &str| {
        request
            .parameter(name)
            .and_then(|n| n.parse::<usize>().ok())
    };
    let limit = parameter("limit").unwrap_or(1_000).clamp(1, 1_000);
    let offset = parameter("offset").unwrap_or(0);
    let link = |offset: usize| {
        format!(
            "https://api.infusionsoft.com/crm/rest{}?limit={limit}&offset={offset}",
            request.path
        )
    };
    let shown: Vec<&Value> = items.iter().skip(offset).take(limit).collect();
    let mut body = json!({
        "count": items.len(),
        "next": link(offset.saturating_add(limit)),
        "previous": link(offset.saturating_sub(limit)),
    });
    body[key] = json!(shown);
    body
}

/// `PATCH /v1/contacts/{id}`
pub(super) fn patch_contact(world: &mut World<'_>, request: &Incoming, id: &str) -> Handled {
    let record = world.state.contacts.find(id);
    let contact = record.ok_or_else(|| request.not_found("Contact"))?.id;
    contacts::write(world, request, contact, world.settings.v1_custom_fields)?;
    custom::fresh(world, contact, |world| self::contact(world, request, id))
}

/// `GET /v1/contacts/model`: says what the v2 model may keep to itself.
pub(super) fn contact_model(world: &mut World<'_>, _: &Incoming) -> Handled {
    let fields: Value = world
        .state
        .fields
        .iter()
        .map(|field| {
            json!({
                "id": field.id,
                "label": field.label,
                "field_name": field.name,
                "field_type": v1_kind(&field.kind),
                "record_type": "CONTACT",
                "default_value": null,
                "options": options(field),
            })
        })
        .collect();
    Reply::ok(json!({ "custom_fields": fields, "optional_properties": ["custom_fields"] }))
}

/// `LIST_BOX` as v1 spells it: `ListBox`.
fn v1_kind(kind: &str) -> String {
    kind.split('_')
        .flat_map(|word| {
            let (first, rest) = word.split_at(word.len().min(1));
            [first.to_owned(), rest.to_lowercase()]
        })
        .collect()
}

/// `GET /v1/emails`
pub(super) fn emails(world: &mut World<'_>, request: &Incoming) -> Handled {
    let contact = request.parameter("contact_id");
    let email = request.parameter("email").map(str::to_lowercase);
    let (since, until) = window(request)?;
    let in_window = |record: &Record| {
        let sent = record.text("sent_time");
        let sent = sent.and_then(|at| at.parse::<Timestamp>().ok());
        since.is_none_or(|since| sent.is_some_and(|at| at >= since))
            && until.is_none_or(|until| sent.is_some_and(|at| at <= until))
    };
    let went_to = |record: &Record| record.text("sent_to_address").map(str::to_lowercase);
    let found: Vec<Value> = world
        .state
        .emails
        .iter()
        .filter(|record| world.is_listed(record) && in_window(record))
        .filter(|record| contact.is_none() || record.text("contact_id") == contact)
        .filter(|record| email.is_none() || went_to(record) == email)
        .map(|record| {
            json!({
                "id": record.id,
                "contact_id": number(record.row.get("contact_id")),
                "subject": record.text("subject"),
                "sent_to_address": record.text("sent_to_address"),
                "sent_date": time(record, "sent_time"),
                "opened_date": happened(world, record, "opened_time"),
                "clicked_date": happened(world, record, "clicked_time"),
                "original_provider": record.text("original_provider"),
            })
        })
        .collect();
    Reply::ok(page(request, "emails", &found))
}

/// The window that a v1 list of mail is asked for. `until` without `since` is refused, and so is a
/// time without milliseconds.
fn window(request: &Incoming) -> Result<(Option<Timestamp>, Option<Timestamp>), Reply> {
    let time = |name: &str| match request.parameter(name) {
        None => Ok(None),
        Some(text) => match strict_time(text) {
            None => Err(request.bad(&format!("{name} is not a valid time"))),
            at => Ok(at),
        },
    };
    match (time("since_sent_date")?, time("until_sent_date")?) {
        (None, Some(_)) => Err(request.bad("until_sent_date requires since_sent_date")),
        both => Ok(both),
    }
}

fn happened(world: &World<'_>, record: &Record, member: &str) -> Value {
    let at = record
        .text(member)
        .and_then(|t| t.parse::<Timestamp>().ok());
    json!(at.filter(|at| *at <= world.now).map(v1_time))
}
