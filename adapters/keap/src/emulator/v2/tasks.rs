//! Tasks: made, listed, patched.

use relay_core::time::Timestamp;
use serde_json::{Value, json};

use super::super::filter::{Kind, field, named};
use super::super::list::{self, Item, Listing};
use super::super::more_acts::{check_task_fields, task_fields};
use super::super::reply::{Handled, Reply};
use super::super::request::Incoming;
use super::super::settings::TaskTime;
use super::super::state::{Record, Row, v2_time};
use super::super::world::World;

/// Members that a task may lack.
const OPTIONAL: &[&str] = &[
    "title",
    "description",
    "type",
    "priority",
    "completion_time",
    "due_time",
    "remind_time_mins",
    "contact_id",
    "opportunity_id",
];

/// What a body may hold and `update_mask` may name.
const MEMBERS: &[&str] = &[
    "title",
    "description",
    "type",
    "priority",
    "completion_time",
    "due_time",
    "remind_time_mins",
    "assigned_to_user_id",
    "contact_id",
    "opportunity_id",
    "accepted",
    "completed",
    "custom_fields",
];

/// The words that `priority` takes.
const PRIORITIES: &[&str] = &["CRITICAL", "ESSENTIAL", "NONESSENTIAL"];

/// The minutes that `remind_time_mins` takes.
const REMINDERS: &[u64] = &[5, 10, 15, 30, 60, 120, 240, 480, 1440, 2880];

/// `POST /v2/tasks`
pub(crate) fn create(world: &mut World<'_>, request: &Incoming) -> Handled {
    request.required("assigned_to_user_id")?;
    let mut row: Row = request.changes(MEMBERS)?.into_iter().collect();
    row.retain(|_, value| !value.is_null());
    check(world, &row)?;
    let now = v2_time(world.now);
    row.entry("completed").or_insert(json!(false));
    row.entry("accepted").or_insert(json!(false));
    let user = world.settings.acting_user.to_string();
    row.insert("created_by_user_id".to_owned(), user.into());
    row.insert("create_time".to_owned(), now.clone().into());
    row.insert("modification_time".to_owned(), now.into());
    let who = row.get("contact_id").and_then(Value::as_str);
    let who = who.unwrap_or_default().to_owned();
    let content = json!({
        "title": row.get("title"),
        "description": row.get("description"),
        "user_id": row.get("assigned_to_user_id"),
        "due": row.get("due_time"),
    });
    let listed_from = world.soon(&world.settings.task_delay);
    let id = world.state.tasks.insert(None, row, listed_from);
    world.accept("call_task", &who, content);
    world.raise("task.add", id);
    let record = world.state.tasks.get(id);
    let record = record.ok_or_else(|| Reply::not_found("Task"))?;
    Ok(Reply::json(201, view(world, record, request)))
}

/// A task as shown: its custom fields only where they are asked for.
fn view(world: &World<'_>, record: &Record, request: &Incoming) -> Value {
    let mut row = world.shown(record, OPTIONAL);
    row.remove("custom_fields");
    let asked = request.fields();
    let asks = |fields: &Vec<&str>| fields.contains(&"custom_fields");
    if asked.as_ref().is_some_and(asks) {
        let fields = task_fields(world, &record.row);
        row.insert("custom_fields".to_owned(), fields);
    }
    row.into()
}

fn check(world: &World<'_>, row: &Row) -> Result<(), Reply> {
    let text = |name: &str| row.get(name).and_then(Value::as_str);
    if row.contains_key("assigned_to_user_id") {
        let user = text("assigned_to_user_id").and_then(|id| world.state.users.find(id));
        user.ok_or_else(|| Reply::bad("assigned_to_user_id is invalid"))?;
    }
    if row.contains_key("contact_id") {
        let contact = text("contact_id").and_then(|id| world.state.contacts.find(id));
        contact.ok_or_else(|| Reply::bad("contact_id is invalid"))?;
    }
    for name in ["due_time", "completion_time"] {
        if text(name).is_some_and(|at| at.parse::<Timestamp>().is_err()) {
            return Err(Reply::bad(&format!("{name} is not a valid time")));
        }
    }
    let minutes = row.get("remind_time_mins").filter(|m| !m.is_null());
    if minutes.is_some_and(|m| m.as_u64().is_none_or(|m| !REMINDERS.contains(&m))) {
        return Err(Reply::bad("remind_time_mins is invalid"));
    }
    if text("priority").is_some_and(|word| !PRIORITIES.contains(&word)) {
        return Err(Reply::bad("priority is invalid"));
    }
    if let Some(list) = row.get("custom_fields") {
        check_task_fields(world, list).map_err(|m| Reply::bad(&m))?;
    }
    Ok(())
}

/// `GET /v2/tasks/{id}`: at once, even where the list lags.
pub(crate) fn get(world: &mut World<'_>, request: &Incoming, id: &str) -> Handled {
    let record = world.state.tasks.find(id);
    let record = record.ok_or_else(|| Reply::not_found("Task"))?;
    Reply::ok(view(world, record, request))
}

/// `DELETE /v2/tasks/{id}`
pub(crate) fn delete(world: &mut World<'_>, _: &Incoming, id: &str) -> Handled {
    let record = world.state.tasks.find(id);
    let (id, who) = record
        .map(|task| {
            (
                task.id,
                task.text("contact_id").unwrap_or_default().to_owned(),
            )
        })
        .ok_or_else(|| Reply::not_found("Task"))?;
    world.state.tasks.remove(id);
    world.accept("delete_task", &who, json!({ "task": id.to_string() }));
    world.raise("task.delete", id);
    Ok(Reply::empty(204))
}

/// `GET /v2/tasks`
pub(crate) fn list(world: &mut World<'_>, request: &Incoming) -> Handled {
    let items = world
        .state
        .tasks
        .iter()
        .filter(|record| world.is_listed(record))
        .map(|record| Item {
            index: index(record),
            shown: view(world, record, request),
        })
        .collect();
    let time = match world.settings.task_time {
        TaskTime::Created => "create_time",
        TaskTime::Updated => "modification_time",
        TaskTime::Due => "due_time",
    };
    let listing = Listing {
        key: "tasks",
        fields: vec![
            field("contact_id", Kind::Word),
            field("has_due_date", Kind::Flag),
            named("is_completed", "completed", Kind::Flag),
            named("user_id", "assigned_to_user_id", Kind::Word),
            field("opportunity_id", Kind::Word),
            named("task_ids", "id", Kind::Set),
            field("priority", Kind::Word),
            field("id", Kind::Number),
            field("title", Kind::Text),
            named("since_time", time, Kind::Since),
            named("until_time", time, Kind::Until),
        ],
        orders: &[
            ("id", "id"),
            ("create_time", "create_time"),
            ("due_time", "due_time"),
            ("update_time", "modification_time"),
        ],
        page: 0..=1000,
    };
    list::page(world, request, &listing, items)
}

fn index(record: &Record) -> Row {
    let mut row = World::index(record);
    let has_due_date = record.text("due_time").is_some();
    row.insert("has_due_date".to_owned(), has_due_date.into());
    let user = row.entry("assigned_to_user_id").or_insert(Value::Null);
    if user.is_null() {
        *user = "UNASSIGNED".into();
    }
    row
}

/// The name of what a patch does: the first of closing, reassigning, editing.
pub(crate) fn patch_name(request: &Incoming) -> &'static str {
    if request.patches("completed") && request.member("completed") == Some(&json!(true)) {
        "close_task"
    } else if request.patches("assigned_to_user_id") {
        "reassign_task"
    } else {
        "edit_task"
    }
}

/// `PATCH /v2/tasks/{id}`
pub(crate) fn patch(world: &mut World<'_>, request: &Incoming, id: &str) -> Handled {
    let record = world.state.tasks.find(id);
    let before = record.ok_or_else(|| Reply::not_found("Task"))?.clone();
    let patch: Row = request.changes(MEMBERS)?.into_iter().collect();
    check(world, &patch)?;
    apply(world, before.id, &patch);
    let who = before.text("contact_id").unwrap_or_default();
    let mut content = patch.clone();
    content.insert("task".to_owned(), id.into());
    content.insert("title".to_owned(), before.text("title").into());
    world.accept(
        &accepted_name(request, &before, &patch),
        &who,
        content.into(),
    );
    get(world, request, id)
}

/// The name in the book: what the patch was for counts, so that closing a closed task is
/// `close_task_again` even with another time.
fn accepted_name(request: &Incoming, before: &Record, patch: &Row) -> String {
    let same = |name: &str| before.row.get(name) == patch.get(name);
    let name = patch_name(request);
    let again = match name {
        "close_task" => same("completed"),
        "reassign_task" => same("assigned_to_user_id"),
        _ => patch.keys().all(|name| same(name)),
    };
    format!("{name}{}", if again { "_again" } else { "" })
}

/// Writes members of a task and tells the hooks. Used by the API and by people alike.
pub(crate) fn apply(world: &mut World<'_>, id: u64, patch: &Row) {
    let now = v2_time(world.now);
    let Some(record) = world.state.tasks.get_mut(id) else {
        return;
    };
    let was_completed = record.flag("completed");
    for (name, value) in patch {
        record.set(name, value.clone());
    }
    let completed = record.flag("completed");
    if completed && record.text("completion_time").is_none() {
        record.set("completion_time", now.clone());
    }
    record.set("modification_time", now);
    world.raise("task.edit", id);
    match (was_completed, completed) {
        (false, true) => world.raise("task.complete", id),
        (true, false) => world.raise("task.incomplete", id),
        _ => {}
    }
}
