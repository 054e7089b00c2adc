//! Tags: found, made, put on and taken off.

use relay_http_client::emulation::listing::{FilterKind, Item, by, by_member};
use serde_json::{Map, Value, json};

use super::super::list::{self, Listing};
use super::super::reply::{Handled, Reply};
use super::super::request::Incoming;
use super::super::settings::NameFilter;
use super::super::state::{Record, Row, v2_time};
use super::super::world::World;

/// Members that a tag may lack.
const OPTIONAL: &[&str] = &["description", "category", "update_time"];

/// How names are compared, by the switch.
pub(crate) fn name_kind(world: &World<'_>) -> FilterKind {
    match world.settings.name_filter {
        NameFilter::Equals => FilterKind::Word,
        NameFilter::Contains => FilterKind::Part,
    }
}

/// `GET /v2/tags`
pub(crate) fn list(world: &mut World<'_>, request: &Incoming) -> Handled {
    let items = world
        .state
        .tags
        .iter()
        .map(|record| World::item(record, world.shown(record, OPTIONAL)))
        .collect();
    let filters = [by("name", name_kind(world))];
    let listing = Listing::new("tags", &filters, &[]);
    list::page(world, request, &listing, items)
}

/// `POST /v2/tags`: names are unique.
pub(crate) fn create(world: &mut World<'_>, request: &Incoming) -> Handled {
    let name = request.required("name")?;
    let taken = |record: &Record| {
        record
            .text("name")
            .is_some_and(|n| n.eq_ignore_ascii_case(name))
    };
    if world.state.tags.iter().any(taken) {
        return Err(Reply::error(
            request.version,
            409,
            "Tag name already exists",
        ));
    }
    let id = insert(world, name);
    world.accept("create_tag", &"", json!({ "name": name }));
    let record = Reply::found(world.state.tags.get(id), "Tag")?;
    Ok(Reply::json(201, world.shown(record, OPTIONAL).into()))
}

/// Makes a tag.
pub(crate) fn insert(world: &mut World<'_>, name: &str) -> u64 {
    let mut row = Row::new();
    row.insert("name".to_owned(), name.into());
    row.insert("create_time".to_owned(), v2_time(world.now).into());
    let id = world.state.tags.insert(None, row, world.now);
    world.raise("contactGroup.add", id);
    id
}

/// Deletes a tag: nobody has it any more.
pub(crate) fn delete(world: &mut World<'_>, tag: u64) {
    world
        .state
        .applied
        .retain(|(_, applied), _| *applied != tag);
    world.state.tags.remove(tag);
    world.raise("contactGroup.delete", tag);
}

fn tag(world: &World<'_>, id: &str) -> Result<(u64, String), Reply> {
    let record = Reply::found(world.state.tags.find(id), "Tag")?;
    Ok((
        record.id,
        record.text("name").unwrap_or_default().to_owned(),
    ))
}

fn contacts(request: &Incoming) -> Result<Vec<String>, Reply> {
    request
        .member("contact_ids")
        .and_then(|list| serde_json::from_value(list.clone()).ok())
        .ok_or_else(|| Reply::bad("contact_ids is required"))
}

/// `POST /v2/tags/{id}/contacts:applyTags`: 200 with a status for each contact, whatever they say.
pub(crate) fn apply(world: &mut World<'_>, request: &Incoming, id: &str) -> Handled {
    let (tag, name) = tag(world, id)?;
    let mut results = Map::new();
    for contact in contacts(request)? {
        let known = world.state.contacts.find(&contact).map(|c| c.id);
        let refused = known.and_then(|id| world.state.refused_tags.get(&id).cloned());
        if let Some(word) = refused {
            results.insert(contact, word.into());
            continue;
        }
        let status = match known {
            None => "CONTACT_NOT_FOUND",
            Some(known) if put_on(world, known, tag) => {
                world.accept("add_tag", &known, json!({ "tag": name }));
                "SUCCESS"
            }
            Some(known) => {
                world.accept("add_tag_again", &known, json!({ "tag": name }));
                "DUPLICATE"
            }
        };
        results.insert(contact, status.into());
    }
    Ok(Reply::json(200, json!({ "results": results })))
}

/// `POST /v2/tags/{id}/contacts:removeTags`: 204, nothing to read.
pub(crate) fn remove(world: &mut World<'_>, request: &Incoming, id: &str) -> Handled {
    let (tag, name) = tag(world, id)?;
    for contact in contacts(request)? {
        let Some(contact) = world.state.contacts.find(&contact).map(|c| c.id) else {
            continue;
        };
        let operation = if take_off(world, contact, tag) {
            "remove_tag"
        } else {
            "remove_tag_again"
        };
        world.accept(operation, &contact, json!({ "tag": name }));
    }
    Ok(Reply::empty(204))
}

/// Puts a tag on; false if it is on.
pub(crate) fn put_on(world: &mut World<'_>, contact: u64, tag: u64) -> bool {
    if world.state.applied.contains_key(&(contact, tag)) {
        return false;
    }
    world.state.applied.insert((contact, tag), world.now);
    world.raise_tag("contactGroup.applied", tag, contact);
    true
}

/// Takes a tag off; false if it isn't on.
pub(crate) fn take_off(world: &mut World<'_>, contact: u64, tag: u64) -> bool {
    let was_on = world.state.applied.remove(&(contact, tag)).is_some();
    if was_on {
        world.raise_tag("contactGroup.removed", tag, contact);
    }
    was_on
}

/// `GET /v2/contacts/{id}/tags`
pub(crate) fn of_contact(world: &mut World<'_>, request: &Incoming, contact: &str) -> Handled {
    let contact = Reply::found(world.state.contacts.find(contact), "Contact")?.id;
    let items = world
        .state
        .applied
        .iter()
        .filter(|((owner, _), _)| *owner == contact)
        .filter_map(|((_, tag), at)| {
            let record = world.state.tags.get(*tag)?;
            let index = World::index(record);
            let tag = Value::Object(world.shown(record, OPTIONAL));
            let shown = json!({ "tag": tag, "applied_time": v2_time(*at) });
            Some(Item { index, shown })
        })
        .collect();
    let filters = [by("name", name_kind(world))];
    let listing = Listing::new("tags", &filters, &[]);
    list::page(world, request, &listing, items)
}

/// Members that a row of tagged contacts may lack.
const TAGGED_OPTIONAL: &[&str] = &["given_name", "family_name", "email", "applied_time"];

/// `GET /v2/tags/{id}/contacts`: rows of their own, with nothing but name, first address and time.
pub(crate) fn tagged(world: &mut World<'_>, request: &Incoming, id: &str) -> Handled {
    let tag = Reply::found(world.state.tags.find(id), "Tag")?.id;
    let items = world
        .state
        .applied
        .iter()
        .filter(|((_, applied), _)| *applied == tag)
        .filter_map(|((contact, _), at)| {
            let record = world.state.contacts.get(*contact)?;
            let mut row = Row::new();
            for member in ["given_name", "family_name"] {
                let value = record.row.get(member).cloned();
                row.insert(member.to_owned(), value.unwrap_or_default());
            }
            row.insert("email".to_owned(), world.state.address(*contact).into());
            row.insert("applied_time".to_owned(), v2_time(*at).into());
            let row = Record {
                id: *contact,
                row,
                listed_from: record.listed_from,
            };
            Some(World::item(&row, world.shown(&row, TAGGED_OPTIONAL)))
        })
        .collect();
    let filters = [
        by("given_name", FilterKind::Word),
        by("family_name", FilterKind::Word),
        by("email", FilterKind::Word),
        by_member("since_applied_time", "applied_time", FilterKind::Since),
    ];
    let orders = [("applied_time", "applied_time"), ("email", "email")];
    let listing = Listing::new("contacts", &filters, &orders);
    list::page(world, request, &listing, items)
}
