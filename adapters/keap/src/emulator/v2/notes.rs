//! Notes on contacts.

use serde_json::{Value, json};

use super::super::list::{self, Listing};
use super::super::reply::{Handled, Reply};
use super::super::request::Incoming;
use super::super::state::{Record, Row, v2_time};
use super::super::world::World;

/// Members that a note may lack.
const OPTIONAL: &[&str] = &[
    "title",
    "text",
    "type",
    "pinned_at",
    "last_updated_by_user_id",
];

/// `POST /v2/contacts/{id}/notes`
pub(crate) fn create(world: &mut World<'_>, request: &Incoming, contact: &str) -> Handled {
    let contact = Reply::found(world.state.contacts.find(contact), "Contact")?.id;
    let user = request.required("user_id")?;
    if world.state.users.find(user).is_none() {
        return Err(Reply::bad("user_id is invalid"));
    }
    if request.text("title").is_none() && request.text("type").is_none() {
        return Err(Reply::bad("title or type is required"));
    }
    let now = v2_time(world.now);
    let acting = world.settings.acting_user.to_string();
    let mut row = Row::new();
    for (name, value) in [
        ("contact_id", json!(contact.to_string())),
        ("user_id", json!(user)),
        ("title", json!(request.text("title"))),
        ("text", json!(request.text("text"))),
        ("type", json!(request.text("type"))),
        ("created_by_user_id", json!(acting)),
        ("create_time", json!(now)),
        ("update_time", json!(now)),
    ] {
        row.insert(name.to_owned(), value);
    }
    let content = json!({
        "title": row["title"], "text": row["text"], "type": row["type"], "user_id": user,
    });
    let listed_from = world.soon(&world.settings.note_delay);
    let id = world.state.notes.insert(None, row, listed_from);
    world.accept("contact_note", &contact, content);
    world.raise("note.add", id);
    let record = Reply::found(world.state.notes.get(id), "Note")?;
    Ok(Reply::json(201, view(world, record)))
}

/// `GET /v2/contacts/{id}/notes`
pub(crate) fn list(world: &mut World<'_>, request: &Incoming, contact: &str) -> Handled {
    let contact = Reply::found(world.state.contacts.find(contact), "Contact")?.id;
    page(world, request, |record| record.belongs_to(contact))
}

/// `GET /v2/contacts/{id}/notes/{note}`
pub(crate) fn get(world: &mut World<'_>, _: &Incoming, contact: &str, id: &str) -> Handled {
    let contact = Reply::found(world.state.contacts.find(contact), "Contact")?.id;
    let record = world.state.notes.find(id);
    let record = record.filter(|record| record.belongs_to(contact));
    Reply::ok(view(world, record.ok_or_else(|| Reply::not_found("Note"))?))
}

/// `GET /v2/notes`: everybody's, unless a filter names a contact.
pub(crate) fn list_all(world: &mut World<'_>, request: &Incoming) -> Handled {
    page(world, request, |_| true)
}

fn page(world: &World<'_>, request: &Incoming, among: impl Fn(&Record) -> bool) -> Handled {
    let items = world
        .state
        .notes
        .iter()
        .filter(|record| among(record) && world.is_listed(record))
        .map(|record| World::item(record, view(world, record)))
        .collect();
    let listing = Listing::new("notes", &[], &[("create_time", "create_time")]);
    list::page(world, request, &listing, items)
}

fn view(world: &World<'_>, record: &Record) -> Value {
    let mut row = world.shown(record, OPTIONAL);
    row.remove("user_id");
    let user = record
        .text("user_id")
        .and_then(|id| world.state.users.find(id));
    let user = user.map(|user| {
        json!({
            "id": user.id.to_string(),
            "given_name": user.row.get("given_name"),
            "family_name": user.row.get("family_name"),
            "email_address": user.row.get("email_addresses").map(|list| &list[0]["email"]),
        })
    });
    row.insert("assigned_to_user".to_owned(), json!(user));
    Value::Object(row)
}
