//! Tasks: made, listed, patched.

use relay_core::time::Timestamp;
use relay_http_client::emulation::listing::{FilterKind, by, by_member};
use serde_json::{Value, json};

use super::super::list::{self, Listing};
use super::super::reply::{Handled, Reply};
use super::super::request::Incoming;
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

/// What a body may hold and `update_mask` may name: of Keap's own list, what the client writes.
const MEMBERS: &[&str] = &[
    "title",
    "description",
    "completion_time",
    "due_time",
    "assigned_to_user_id",
    "contact_id",
    "completed",
];

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
    world.accept(create_name(request), &who, content);
    world.raise("task.add", id);
    let record = Reply::found(world.state.tasks.get(id), "Task")?;
    Ok(Reply::json(201, world.shown(record, OPTIONAL).into()))
}

/// The name of what a new task is for, by how its title begins: a call, or anything else that somebody is to do.
pub(crate) fn create_name(request: &Incoming) -> &'static str {
    let title = request.member("title").and_then(Value::as_str);
    if title.is_some_and(|title| title.starts_with("CALL ")) {
        "call_task"
    } else {
        "work_task"
    }
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
    Ok(())
}

/// `GET /v2/tasks/{id}`: at once, even where the list lags.
pub(crate) fn get(world: &mut World<'_>, _: &Incoming, id: &str) -> Handled {
    let record = Reply::found(world.state.tasks.find(id), "Task")?;
    Reply::ok(world.shown(record, OPTIONAL))
}

/// `GET /v2/tasks`
pub(crate) fn list(world: &mut World<'_>, request: &Incoming) -> Handled {
    let items = world
        .state
        .tasks
        .iter()
        .filter(|record| world.is_listed(record))
        .map(|record| World::item(record, world.shown(record, OPTIONAL)))
        .collect();
    let filters = [
        by("contact_id", FilterKind::Word),
        by_member("user_id", "assigned_to_user_id", FilterKind::Word),
        by_member("since_time", "create_time", FilterKind::Since),
        by_member("task_ids", "id", FilterKind::Set),
    ];
    let listing = Listing::new("tasks", &filters, &[("create_time", "create_time")]);
    list::page(world, request, &listing, items)
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
    let before = Reply::found(world.state.tasks.find(id), "Task")?.clone();
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

/// The name of what was accepted: what the patch was for counts, so that closing a closed task is
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
