//! Contacts: read, found, patched.

use serde_json::{Value, json};

use super::super::custom;
use super::super::filter::{Field, Kind, field, named};
use super::super::list::{self, Item, Listing};
use super::super::reply::{Handled, Reply};
use super::super::request::{Incoming, only};
use super::super::state::{CustomField, Record, Row};
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

/// What `update_mask` may name.
const MASK: &[&str] = &[
    "addresses",
    "anniversary_date",
    "birth_date",
    "company",
    "contact_type",
    "custom_fields",
    "email_addresses",
    "family_name",
    "fax_numbers",
    "given_name",
    "job_title",
    "leadsource_id",
    "middle_name",
    "origin",
    "owner_id",
    "phone_numbers",
    "preferred_locale",
    "preferred_name",
    "prefix",
    "referral_code",
    "social_accounts",
    "source_type",
    "spouse_name",
    "suffix",
    "time_zone",
    "utm_parameters",
    "website",
    "assistant_name",
    "assistant_phone",
    "billing_information",
];

/// Field kinds that compare as numbers in filters.
const NUMERIC: &[&str] = &[
    "WHOLE_NUMBER",
    "DECIMAL_NUMBER",
    "CURRENCY",
    "PERCENT",
    "YEAR",
    "MONTH",
    "DAY_OF_WEEK",
    "USER",
];

/// Filters on members that no contact of this tenant has: taken, and nothing fits.
const WITHOUT_DATA: &[&str] = &[
    "company_id",
    "billing_address_line1",
    "billing_address_locality",
    "billing_address_region",
    "billing_address_postal_code",
    "billing_address_country_code",
    "shipping_address_line1",
    "shipping_address_locality",
    "shipping_address_region",
    "shipping_address_postal_code",
    "shipping_address_country_code",
    "other_address_line1",
    "other_address_locality",
    "other_address_region",
    "other_address_postal_code",
    "other_address_country_code",
    "city",
    "state",
    "lead_source_name",
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
    let record = world.state.contacts.find(id);
    let record = record.ok_or_else(|| Reply::not_found("Contact"))?;
    Reply::ok(view(world, record, request.fields().as_deref()))
}

/// `GET /v2/contacts`
pub(crate) fn list(world: &mut World<'_>, request: &Incoming) -> Handled {
    let fields = request.fields();
    let filter = request.parameter("filter").unwrap_or_default();
    if filter.contains("phone_number==") != filter.contains("phone_fields==") {
        return Err(Reply::bad("phone_number and phone_fields go together"));
    }
    let items = world
        .state
        .contacts
        .iter()
        .map(|record| Item {
            index: index(world, record),
            shown: view(world, record, fields.as_deref()),
        })
        .collect();
    let listing = Listing {
        key: "contacts",
        fields: filters(&world.state.fields),
        orders: &[
            ("id", "id"),
            ("create_time", "create_time"),
            ("email", "email"),
            ("update_time", "update_time"),
        ],
        page: 0..=1000,
    };
    list::page(world, request, &listing, items)
}

/// `PATCH /v2/contacts/{id}`
pub(crate) fn patch(world: &mut World<'_>, request: &Incoming, id: &str) -> Handled {
    let contact = world.state.contacts.find(id);
    let contact = contact.ok_or_else(|| Reply::not_found("Contact"))?.id;
    let mut plain = request.changes(MASK)?;
    let custom = plain
        .iter()
        .position(|(name, _)| name == "custom_fields")
        .map(|at| plain.remove(at).1);
    if let Some(list) = custom {
        let semantics = world.settings.custom_fields;
        custom::write(world, contact, &list, semantics).map_err(|m| Reply::bad(&m))?;
    }
    write(world, contact, plain);
    world.raise("contact.edit", contact);
    custom::fresh(world, contact, |world| get(world, request, id))
}

/// Writes plain members and notes it down as `edit_contact`.
pub(crate) fn write(world: &mut World<'_>, contact: u64, plain: Vec<(String, Value)>) {
    let now = world.now;
    world.state.touch_contact(contact, now);
    if plain.is_empty() {
        return;
    }
    let content: Row = plain.into_iter().collect();
    if let Some(record) = world.state.contacts.get_mut(contact) {
        for (name, value) in &content {
            record.set(name, value.clone());
        }
    }
    world.accept("edit_contact", &contact, Value::Object(content));
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

fn index(world: &World<'_>, record: &Record) -> Row {
    let mut row = World::index(record);
    let addresses = row.get("email_addresses").and_then(Value::as_array);
    let emails: Value = addresses
        .into_iter()
        .flatten()
        .map(|address| address["email"].clone())
        .collect();
    row.insert("email".to_owned(), emails);
    for (name, member) in [("phone_number", "number"), ("phone_fields", "field")] {
        let phones = row.get("phone_numbers").and_then(Value::as_array);
        let values: Value = phones
            .into_iter()
            .flatten()
            .map(|phone| phone.get(member).cloned().unwrap_or_default())
            .collect();
        row.insert(name.to_owned(), values);
    }
    for field in &world.state.fields {
        if let Some(value) = world.state.custom.get(&(record.id, field.id)) {
            row.insert(format!("custom:{}", field.id), value.clone());
        }
    }
    row
}

fn filters(custom: &[CustomField]) -> Vec<Field> {
    let mut fields = vec![
        field("email", Kind::Text),
        field("given_name", Kind::Text),
        field("family_name", Kind::Text),
        field("middle_name", Kind::Text),
        field("website", Kind::Text),
        field("phone_number", Kind::Word),
        field("phone_fields", Kind::Set),
        named("ids", "id", Kind::Set),
        named("contact_ids", "id", Kind::Set),
        named("contact_id", "id", Kind::Number),
        named("start_update_time", "update_time", Kind::Since),
        named("end_update_time", "update_time", Kind::Until),
    ];
    fields.extend(WITHOUT_DATA.iter().map(|name| field(name, Kind::Text)));
    fields.extend(custom.iter().map(|custom| {
        let kind = if NUMERIC.contains(&custom.kind.as_str()) {
            Kind::Number
        } else {
            Kind::Text
        };
        named(&custom.name, &format!("custom:{}", custom.id), kind)
    }));
    fields
}
