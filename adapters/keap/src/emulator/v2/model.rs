//! What the tenant's contacts are made of: fields, groups, tabs.

use serde_json::{Value, json};

use super::super::reply::{Handled, Reply};
use super::super::request::Incoming;
use super::super::settings::ModelMetadata;
use super::super::state::CustomField;
use super::super::world::World;

/// `GET /v2/contacts/model`
pub(crate) fn contact_model(world: &mut World<'_>, _: &Incoming) -> Handled {
    let fields: Value = world
        .state
        .fields
        .iter()
        .map(|field| match world.settings.model {
            ModelMetadata::Full => full(world, field),
            ModelMetadata::Null => json!({
                "id": field.id.to_string(),
                "label": field.name,
                "field_type": field.kind,
                "field_name": null,
                "group_id": null,
                "group_name": null,
                "record_type": null,
                "default_value": null,
                "options": null,
            }),
        })
        .collect();
    Reply::ok(json!({
        "custom_fields": fields,
        "optional_properties": ["custom_fields", "tag_ids"],
    }))
}

fn full(world: &World<'_>, field: &CustomField) -> Value {
    let group = world.state.groups.iter().find(|g| g.id == field.group);
    json!({
        "id": field.id.to_string(),
        "label": field.label,
        "field_type": field.kind,
        "field_name": field.name,
        "group_id": field.group.to_string(),
        "group_name": group.map(|g| g.name.clone()),
        "record_type": "CONTACT",
        "default_value": null,
        "options": options(field),
    })
}

/// The options of a field, numbered.
pub(crate) fn options(field: &CustomField) -> Value {
    let numbered = field.options.iter().enumerate();
    numbered
        .map(|(at, label)| json!({ "id": (at + 1).to_string(), "label": label }))
        .collect()
}

/// `GET /v2/contacts/model/customFields/tabs`
pub(crate) fn tabs(world: &mut World<'_>, _: &Incoming) -> Handled {
    let tabs: Value = world
        .state
        .tabs
        .iter()
        .enumerate()
        .map(|(order, (id, name))| {
            json!({
                "id": id.to_string(),
                "name": name,
                "order": order + 1,
                "record_type": "CONTACT",
            })
        })
        .collect();
    Reply::ok(json!({ "tabs": tabs }))
}

/// `GET /v2/contacts/model/customFields/groups`
pub(crate) fn groups(world: &mut World<'_>, request: &Incoming) -> Handled {
    let wanted = request.parameter("tab_id");
    let groups: Value = world
        .state
        .groups
        .iter()
        .filter(|group| wanted.is_none_or(|tab| tab == group.tab.to_string()))
        .enumerate()
        .map(|(order, group)| {
            json!({
                "id": group.id.to_string(),
                "name": group.name,
                "order": order + 1,
                "tab_id": group.tab.to_string(),
                "record_type": "CONTACT",
            })
        })
        .collect();
    Reply::ok(json!({ "groups": groups }))
}
