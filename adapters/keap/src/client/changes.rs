//! What changed since a time: how a gap in the hooks is read back.
//!
//! Only ids and times are asked for. Contacts can be asked for by time. Tasks and subscriptions are
//! asked for by id and compared on our side: which of a task's times `since_time` means is not
//! documented, and subscriptions have no such filter.

use relay_core::time::Timestamp;
use relay_http_client::CallError;
use serde_json::Value;

use super::lists::ById;
use super::{KeapClient, Null, unfilterable};
use crate::query::Query;
use crate::time;
use crate::types::id_of;

/// An object and when it last changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touched {
    /// Keap's id.
    pub id: String,
    /// When it last changed; `None` where Keap doesn't say.
    pub at: Option<Timestamp>,
}

impl KeapClient {
    /// Every contact that changed at or after `since`, each once. Sorted by id while it is read,
    /// so that one that changes meanwhile is not passed over.
    pub async fn contacts_changed_since(
        &self,
        since: Timestamp,
    ) -> Result<Vec<Touched>, CallError> {
        const OPERATION: &str = "keap list changed contacts";
        let query = Query::new()
            .eq("start_update_time", &time::format(since))
            .map_err(unfilterable(OPERATION))?
            .with("fields", "id,update_time")
            .with("order_by", "id asc")
            .with("page_size", "1000");
        let rows: Vec<Value> = self
            .list(OPERATION, &["v2", "contacts"], &query, "contacts")
            .await?;
        Ok(since_then(
            rows.iter().filter_map(|row| touched(row, "update_time")),
            since,
        ))
    }

    /// Those of these tasks that changed at or after `since`. One that is gone is left out.
    pub async fn tasks_changed_since(
        &self,
        ids: &[&str],
        since: Timestamp,
    ) -> Result<Vec<Touched>, CallError> {
        self.changed_of("keap list changed tasks", "tasks", "task_ids", ids, since)
            .await
    }

    /// Those of these subscriptions that changed at or after `since`. One that is gone is left out.
    pub async fn subscriptions_changed_since(
        &self,
        ids: &[&str],
        since: Timestamp,
    ) -> Result<Vec<Touched>, CallError> {
        const OPERATION: &str = "keap list changed subscriptions";
        self.changed_of(OPERATION, "subscriptions", "ids", ids, since)
            .await
    }

    async fn changed_of(
        &self,
        operation: &'static str,
        list: &'static str,
        filter: &'static str,
        ids: &[&str],
        since: Timestamp,
    ) -> Result<Vec<Touched>, CallError> {
        let by_id = ById {
            operation,
            list,
            filter,
            fields: None,
            null: Null::IsEmpty,
        };
        let id_of = |row: &Value| row.get("id").and_then(id_of);
        let rows = by_id.read(self, ids, id_of).await?;
        let rows = rows.iter();
        let found = rows.filter_map(|row| touched(row, "modification_time"));
        Ok(since_then(found, since))
    }
}

fn touched(row: &Value, member: &str) -> Option<Touched> {
    Some(Touched {
        id: row.get("id").and_then(id_of)?,
        at: row
            .get(member)
            .and_then(Value::as_str)
            .and_then(time::parse),
    })
}

/// Each id once, without what is known to be older. What has no time may have changed.
fn since_then(rows: impl Iterator<Item = Touched>, since: Timestamp) -> Vec<Touched> {
    let mut found: Vec<Touched> = Vec::new();
    let mut known = std::collections::HashSet::new();
    for row in rows.filter(|row| row.at.is_none_or(|at| at >= since)) {
        if known.insert(row.id.clone()) {
            found.push(row);
        }
    }
    found
}
