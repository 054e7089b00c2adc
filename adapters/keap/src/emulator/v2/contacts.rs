//! Contacts: read, found, patched.

use relay_http_client::emulation::listing::{FilterKind, Item, by, by_member};
use serde_json::{Value, json};

use super::super::custom;
use super::super::list::{self, Listing};
use super::super::reply::{Handled, Reply};
use super::super::request::{Incoming, only};
use super::super::settings::ListWrite;
use super::super::state::{Record, Row};
use super::super::world::World;

/// Members that a contact may lack.
const OPTIONAL: &[&str] = &[
    "given_name",
    "family_name",
    "middle_name",
    "preferred_name",
    "contact_type",
    "owner_id",
    "company",
    "job_title",
    "time_zone",
    "preferred_locale",
    "birth_date",
    "source_type",
    "website",
    "leadsource_id",
    "email_addresses",
    "phone_numbers",
    "addresses",
];

/// Opt statuses of people who may be written to.
const OPTED_IN: &[&str] = &[
    "UNENGAGED_MARKETABLE",
    "SINGLE_OPT_IN",
    "DOUBLE_OPT_IN",
    "CONFIRMED",
];

/// Whether a status counts as opted in.
pub(crate) fn is_opted_in(status: &str) -> bool {
    OPTED_IN.contains(&status)
}

/// `GET /v2/contacts/{id}`
pub(crate) fn get(world: &mut World<'_>, request: &Incoming, id: &str) -> Handled {
    let record = Reply::found(world.state.contacts.find(id), "Contact")?;
    Reply::ok(view(world, record, request.fields().as_deref()))
}

/// `GET /v2/contacts`
pub(crate) fn list(world: &mut World<'_>, request: &Incoming) -> Handled {
    let fields = request.fields();
    let items = world
        .state
        .contacts
        .iter()
        .map(|record| Item {
            index: index(record),
            shown: view(world, record, fields.as_deref()),
        })
        .collect();
    let filters = [
        by("email", FilterKind::Word),
        by_member("ids", "id", FilterKind::Set),
        by_member("start_update_time", "update_time", FilterKind::Since),
    ];
    let listing = Listing::new("contacts", &filters, &[("id", "id")]);
    list::page(world, request, &listing, items)
}

/// `PATCH /v2/contacts/{id}`
pub(crate) fn patch(world: &mut World<'_>, request: &Incoming, id: &str) -> Handled {
    let contact = Reply::found(world.state.contacts.find(id), "Contact")?.id;
    write(world, request, contact, world.settings.custom_fields)?;
    custom::fresh(world, contact, |world| get(world, request, id))
}

/// Carries out a patch of a contact: of what Keap takes, the custom fields.
pub(crate) fn write(
    world: &mut World<'_>,
    request: &Incoming,
    contact: u64,
    semantics: ListWrite,
) -> Result<(), Reply> {
    let changes = request.changes(&["custom_fields"])?;
    let elsewhere = || request.bad("Keap takes this, and its emulator does not");
    let (_, list) = changes.first().ok_or_else(elsewhere)?;
    custom::write(world, contact, list, semantics).map_err(|m| request.bad(&m))?;
    let now = world.now;
    world.state.touch_contact(contact, now);
    world.raise("contact.edit", contact);
    Ok(())
}

fn view(world: &World<'_>, record: &Record, fields: Option<&[&str]>) -> Value {
    let mut row = world.shown(record, OPTIONAL);
    if let Some(addresses) = row.get_mut("email_addresses").and_then(Value::as_array_mut) {
        for address in addresses.iter_mut().filter_map(Value::as_object_mut) {
            add_status(world, address);
        }
    }
    let tags = tags(world, record.id).into_iter().map(|t| t.to_string());
    row.insert("tag_ids".to_owned(), tags.collect());
    // Never unless asked for: the default is undocumented, and leaving them out is the reading
    // under which a client that forgets to ask finds out.
    if fields.is_some_and(|fields| fields.contains(&"custom_fields")) {
        let list = custom::echo(world, record.id, |id| id.to_string().into());
        row.insert("custom_fields".to_owned(), list);
    }
    only(row, fields)
}

fn add_status(world: &World<'_>, address: &mut Row) {
    let email = address.get("email").and_then(Value::as_str);
    let email = email.unwrap_or_default().to_lowercase();
    let row = world.state.addresses.get(&email);
    let status = row.and_then(|row| row.get("status")).cloned();
    let opted_in = status.as_ref().and_then(Value::as_str).map(is_opted_in);
    address.insert("email_opt_status".to_owned(), status.unwrap_or_default());
    address.insert("is_opt_in".to_owned(), json!(opted_in));
}

/// The tags on a contact.
pub(crate) fn tags(world: &World<'_>, contact: u64) -> Vec<u64> {
    world
        .state
        .applied
        .keys()
        .filter(|(owner, _)| *owner == contact)
        .map(|(_, tag)| *tag)
        .collect()
}

fn index(record: &Record) -> Row {
    let mut row = World::index(record);
    let addresses = row.get("email_addresses").and_then(Value::as_array);
    let emails: Value = addresses
        .into_iter()
        .flatten()
        .map(|address| address["email"].clone())
        .collect();
    row.insert("email".to_owned(), emails);
    row
}
