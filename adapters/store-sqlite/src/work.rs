//! Work items: what a person must do.

use relay_core::ids::{CaseId, ClientId, EffectKey, WorkItemId};
use relay_core::time::Timestamp;
use relay_store::{Page, Precondition, StoreError, WorkItem, WorkSettled};
use sqlx::SqliteConnection;

use crate::failure::{Failure, conflict};
use crate::rows::{ListedRows, Stored, rows};
use crate::script::{Expect, Script, statement};
use crate::values::{RowName, bounds, json, micros};

#[derive(sqlx::FromRow)]
pub(crate) struct WorkRow {
    seq: i64,
    id: Vec<u8>,
    dedupe_key: String,
    kind: String,
    owner: String,
    title: String,
    detail: String,
    actions: String,
    client: Option<String>,
    case_id: Option<Vec<u8>>,
    effect: Option<String>,
    opened_at: i64,
    due: i64,
    remind_at: i64,
    reminders: i64,
    settled_at: Option<i64>,
    settled_by: Option<String>,
    settled_action: Option<String>,
}

impl Stored for WorkRow {
    const TABLE: &'static str = "work_items";
    type Value = WorkItem;

    fn read(self) -> Result<WorkItem, StoreError> {
        let row = RowName::new("work_items", self.seq);
        let settled = match (self.settled_at, self.settled_by, self.settled_action) {
            (None, None, None) => None,
            (Some(at), Some(by), Some(action)) => Some(WorkSettled {
                at: row.time("settled_at", at)?,
                by,
                action,
            }),
            _ => return Err(row.corrupt("settled_at")),
        };
        Ok(WorkItem {
            id: WorkItemId(row.uuid("id", &self.id)?),
            dedupe_key: self.dedupe_key,
            kind: self.kind,
            owner: self.owner,
            title: self.title,
            detail: row.json("detail", &self.detail)?,
            actions: row.json("actions", &self.actions)?,
            client: self.client.map(ClientId),
            case: row
                .maybe_uuid("case_id", self.case_id.as_deref())?
                .map(CaseId),
            effect: self.effect.map(EffectKey),
            opened_at: row.time("opened_at", self.opened_at)?,
            due: row.time("due", self.due)?,
            remind_at: row.time("remind_at", self.remind_at)?,
            reminders: row.number("reminders", self.reminders)?,
            settled,
        })
    }
}

/// Opens a work item unless one with its key is open.
pub(crate) fn open(script: &mut Script, item: &WorkItem) -> Result<(), Failure> {
    let id = item.id.0.as_bytes().as_slice();
    let detail = json(&item.detail)?;
    let actions = json(&item.actions)?;
    let client = item.client.as_ref().map(ClientId::as_str);
    let case_id = item.case.as_ref().map(|case| case.0.as_bytes().as_slice());
    let effect = item.effect.as_ref().map(EffectKey::as_str);
    let opened_at = micros(item.opened_at);
    let due = micros(item.due);
    let remind_at = micros(item.remind_at);
    let reminders = i64::from(item.reminders);
    let settled_at = item.settled.as_ref().map(|settled| micros(settled.at));
    let settled_by = item.settled.as_ref().map(|settled| settled.by.as_str());
    let settled_action = item.settled.as_ref().map(|settled| settled.action.as_str());
    statement!(
        script,
        Expect::Anything,
        "INSERT INTO work_items (id, dedupe_key, kind, owner, title, detail, actions, client,
             case_id, effect, opened_at, due, remind_at, reminders, settled_at, settled_by,
             settled_action)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)
         ON CONFLICT (dedupe_key) WHERE settled_at IS NULL DO NOTHING",
        id,
        item.dedupe_key,
        item.kind,
        item.owner,
        item.title,
        detail,
        actions,
        client,
        case_id,
        effect,
        opened_at,
        due,
        remind_at,
        reminders,
        settled_at,
        settled_by,
        settled_action
    )
}

/// Settles an open work item.
pub(crate) fn settle(
    script: &mut Script,
    id: WorkItemId,
    settled: &WorkSettled,
) -> Result<(), Failure> {
    let id = id.0.as_bytes().as_slice();
    let at = micros(settled.at);
    statement!(
        script,
        Expect::OneChange(conflict(Precondition::WorkItemState)),
        "UPDATE work_items SET settled_at = ?2, settled_by = ?3, settled_action = ?4
         WHERE id = ?1 AND settled_at IS NULL",
        id,
        at,
        settled.by,
        settled.action
    )
}

/// Puts an entry into the list of an open work item, or takes it out.
pub(crate) fn list_in(
    script: &mut Script,
    dedupe_key: &str,
    entry: &str,
    value: Option<&serde_json::Value>,
) -> Result<(), Failure> {
    let list = match value {
        Some(value) => json(&serde_json::json!({ "list": { entry: value } }))?,
        // Merging a null takes the member away.
        None => json(&serde_json::json!({ "list": { entry: null } }))?,
    };
    statement!(
        script,
        Expect::Anything,
        "UPDATE work_items SET detail = json_patch(detail, ?2)
         WHERE dedupe_key = ?1 AND settled_at IS NULL",
        dedupe_key,
        list
    )
}

/// Settles every open work item of a case.
pub(crate) fn settle_case(
    script: &mut Script,
    case: CaseId,
    settled: &WorkSettled,
) -> Result<(), Failure> {
    let case_id = case.0.as_bytes().as_slice();
    let at = micros(settled.at);
    statement!(
        script,
        Expect::Anything,
        "UPDATE work_items SET settled_at = ?2, settled_by = ?3, settled_action = ?4
         WHERE case_id = ?1 AND settled_at IS NULL",
        case_id,
        at,
        settled.by,
        settled.action
    )
}

/// Settles the open work item with this dedupe key, if there is one.
pub(crate) fn settle_by_key(
    script: &mut Script,
    dedupe_key: &str,
    settled: &WorkSettled,
) -> Result<(), Failure> {
    let at = micros(settled.at);
    statement!(
        script,
        Expect::Anything,
        "UPDATE work_items SET settled_at = ?2, settled_by = ?3, settled_action = ?4
         WHERE dedupe_key = ?1 AND settled_at IS NULL",
        dedupe_key,
        at,
        settled.by,
        settled.action
    )
}

/// Refuses what was decided on an item that was open.
pub(crate) fn require_open(script: &mut Script, item: WorkItemId) -> Result<(), Failure> {
    let id = item.0.as_bytes().as_slice();
    statement!(
        script,
        Expect::ARow(conflict(Precondition::WorkItemState)),
        "SELECT seq FROM work_items WHERE id = ?1 AND settled_at IS NULL",
        id
    )
}

/// Notes that the owner was reminded, and who owns the item from now on.
pub(crate) fn remind(
    script: &mut Script,
    id: WorkItemId,
    next: Timestamp,
    owner: &str,
) -> Result<(), Failure> {
    let id = id.0.as_bytes().as_slice();
    let next = micros(next);
    statement!(
        script,
        Expect::OneChange(conflict(Precondition::WorkItemState)),
        "UPDATE work_items SET remind_at = ?2, owner = ?3, reminders = reminders + 1
         WHERE id = ?1 AND settled_at IS NULL",
        id,
        next,
        owner
    )
}

/// One work item.
pub(crate) async fn get(
    conn: &mut SqliteConnection,
    id: WorkItemId,
) -> Result<Option<WorkItem>, Failure> {
    let id = id.0.as_bytes().as_slice();
    let row = rows!(
        conn,
        WorkRow,
        "SELECT seq, id, dedupe_key, kind, owner, title, detail, actions, client, case_id, effect,
             opened_at, due, remind_at, reminders, settled_at, settled_by, settled_action
         FROM work_items WHERE id = ?1",
        id
    )?;
    row.one()
}

/// Open work items by due time, of one owner if given.
pub(crate) async fn list_open(
    conn: &mut SqliteConnection,
    owner: Option<&str>,
    page: Page,
) -> Result<ListedRows<WorkItem>, Failure> {
    let (limit, offset) = bounds(page);
    let rows = rows!(
        conn,
        WorkRow,
        "SELECT seq, id, dedupe_key, kind, owner, title, detail, actions, client, case_id, effect,
             opened_at, due, remind_at, reminders, settled_at, settled_by, settled_action
         FROM work_items
         WHERE settled_at IS NULL AND (?1 IS NULL OR owner = ?1)
         ORDER BY due, seq LIMIT ?2 + 0 OFFSET ?3",
        owner,
        limit,
        offset
    )?;
    rows.readable()
}

/// Every work item of a case, oldest first.
pub(crate) async fn of_case(
    conn: &mut SqliteConnection,
    case: CaseId,
) -> Result<ListedRows<WorkItem>, Failure> {
    let case_id = case.0.as_bytes().as_slice();
    let rows = rows!(
        conn,
        WorkRow,
        "SELECT seq, id, dedupe_key, kind, owner, title, detail, actions, client, case_id, effect,
             opened_at, due, remind_at, reminders, settled_at, settled_by, settled_action
         FROM work_items WHERE case_id = ?1 ORDER BY opened_at, seq",
        case_id
    )?;
    rows.readable()
}

/// Open work items about a client, oldest first.
pub(crate) async fn of_client(
    conn: &mut SqliteConnection,
    client: &ClientId,
) -> Result<Vec<WorkItem>, Failure> {
    let client = client.as_str();
    let rows = rows!(
        conn,
        WorkRow,
        "SELECT seq, id, dedupe_key, kind, owner, title, detail, actions, client, case_id, effect,
             opened_at, due, remind_at, reminders, settled_at, settled_by, settled_action
         FROM work_items WHERE client = ?1 AND settled_at IS NULL ORDER BY seq",
        client
    )?;
    rows.all()
}

/// The work item that was opened last under a key.
pub(crate) async fn by_key(
    conn: &mut SqliteConnection,
    dedupe_key: &str,
) -> Result<Option<WorkItem>, Failure> {
    let row = rows!(
        conn,
        WorkRow,
        "SELECT seq, id, dedupe_key, kind, owner, title, detail, actions, client, case_id, effect,
             opened_at, due, remind_at, reminders, settled_at, settled_by, settled_action
         FROM work_items WHERE dedupe_key = ?1 ORDER BY seq DESC LIMIT 1",
        dedupe_key
    )?;
    row.one()
}

/// Open work items by id, after one.
pub(crate) async fn open_after(
    conn: &mut SqliteConnection,
    after: Option<WorkItemId>,
    limit: u32,
) -> Result<ListedRows<WorkItem>, Failure> {
    let after = after.map_or(Vec::new(), |id| id.0.as_bytes().to_vec());
    let limit = i64::from(limit);
    let rows = rows!(
        conn,
        WorkRow,
        "SELECT seq, id, dedupe_key, kind, owner, title, detail, actions, client, case_id, effect,
             opened_at, due, remind_at, reminders, settled_at, settled_by, settled_action
         FROM work_items WHERE settled_at IS NULL AND id > ?1 ORDER BY id LIMIT ?2 + 0",
        after,
        limit
    )?;
    rows.readable()
}
