//! Tasks and notes: what coaches see and do in Keap.
//!
//! Both are found again by the marker in their text, among all of the contact's: titles are not
//! searched, because a coach may have changed one, and because the filter can't carry commas.

use http::Method;
use relay_core::time::{SignedDuration, Timestamp, earlier};
use relay_http_client::CallError;
use serde_json::{Value, json};

use super::{KeapClient, decode, done_but_unread, segment, unfilterable};
use crate::closing::TaskClosing;
use crate::marker::{Marker, MarkerMatch};
use crate::query::Query;
use crate::time::format;
use crate::types::{Note, Task, id_of};

/// How far Keap's clock and ours may differ when an object is looked for by its age.
const SKEW: SignedDuration = SignedDuration::from_hours(24);

/// Which tasks are looked through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TasksAmong<'a> {
    /// Those about this contact.
    Contact(&'a str),
    /// Those of this user.
    User(&'a str),
}

impl TasksAmong<'_> {
    fn has(self, task: &Task) -> bool {
        match self {
            Self::Contact(id) => task.contact_id.as_deref() == Some(id),
            Self::User(id) => task.assigned_to_user_id.as_deref() == Some(id),
        }
    }
}

impl KeapClient {
    /// Makes a task for a user, about a contact if it is about one, and returns its id.
    pub async fn create_task(
        &self,
        contact: Option<&str>,
        user: &str,
        title: &str,
        description: &str,
        due: Timestamp,
        marker: &Marker,
    ) -> Result<String, CallError> {
        const OPERATION: &str = "keap create task";
        let mut body = json!({
            "assigned_to_user_id": segment(OPERATION, user)?,
            "title": title,
            "description": marker.append_to(description),
            "due_time": format(due),
            "completed": false,
        });
        if let Some(contact) = contact {
            body["contact_id"] = segment(OPERATION, contact)?.into();
        }
        self.create(OPERATION, &["v2", "tasks"], &body).await
    }

    /// The tasks that hold one of the markers, newest first, each with the place of its marker in
    /// `markers`.
    ///
    /// A user may have made or done many: of hers only those are asked for that are younger. Which time that is
    /// Keap doesn't say; what was made since then was changed since then, too.
    pub async fn find_tasks(
        &self,
        among: TasksAmong<'_>,
        markers: &[Marker],
        since: Timestamp,
    ) -> Result<Vec<(usize, Task)>, CallError> {
        const OPERATION: &str = "keap find task";
        let query = match among {
            TasksAmong::Contact(contact) => {
                Query::new().eq("contact_id", segment(OPERATION, contact)?)
            }
            TasksAmong::User(user) => {
                let oldest = since.saturating_sub(SKEW).unwrap_or(since);
                Query::new()
                    .eq("user_id", segment(OPERATION, user)?)
                    .and_then(|query| query.eq("since_time", &format(oldest)))
            }
        };
        let query = query
            .map_err(unfilterable(OPERATION))?
            .with("order_by", "create_time desc")
            .with("page_size", "200");
        let tasks: Vec<Task> = self
            .list(OPERATION, &["v2", "tasks"], &query, "tasks")
            .await?;
        let recent = tasks
            .into_iter()
            .filter(|task| among.has(task))
            .filter(|task| is_recent(task.create_time, since));
        let mut found = Vec::new();
        for listed in recent {
            let Some(id) = &listed.id else { continue };
            // A list may leave a text out; a task taken for absent would be made a second time.
            let description = match &listed.description {
                Some(description) => Some(description.clone()),
                None => self.task(id).await?.and_then(|task| task.description),
            };
            let text = description.unwrap_or_default();
            let place = markers.iter().position(|marker| marker.is_in_text(&text));
            found.extend(place.map(|place| (place, listed)));
        }
        Ok(found)
    }

    /// A task; `None` if it is gone: by Keap's own error *and* its list.
    pub async fn task(&self, id: &str) -> Result<Option<Task>, CallError> {
        const OPERATION: &str = "keap get task";
        self.read_if_listed(OPERATION, ("tasks", "task_ids"), id, &Query::new())
            .await
    }

    /// Completes a task. Its title says that it was the relay, unless what it asked was done. Reads it first: one
    /// that is completed already, or gone, is left alone, so that a coach's own completion keeps its time.
    pub async fn complete_task(
        &self,
        id: &str,
        at: Timestamp,
        closing: TaskClosing,
    ) -> Result<(), CallError> {
        const OPERATION: &str = "keap complete task";
        let task = match self.task(id).await? {
            Some(task) if task.completed != Some(true) => task,
            _ => return Ok(()),
        };
        let mut body = json!({"completed": true, "completion_time": format(at)});
        let mut query = Query::new()
            .with("update_mask", "completed")
            .with("update_mask", "completion_time");
        if let Some(said) = closing.said() {
            let title = task.title.unwrap_or_default();
            // A coach may have opened one again that the relay had closed.
            body["title"] = format!("{said}{}", TaskClosing::bare(&title)).into();
            query = query.with("update_mask", "title");
        }
        let path = ["v2", "tasks", segment(OPERATION, id)?];
        self.write(OPERATION, Method::PATCH, &path, &query, Some(&body))
            .await?;
        Ok(())
    }

    /// Gives a task to another user. Reads it first: one that is hers already, completed, or gone
    /// is left alone.
    pub async fn reassign_task(&self, id: &str, user: &str) -> Result<(), CallError> {
        const OPERATION: &str = "keap reassign task";
        let user = segment(OPERATION, user)?;
        match self.task(id).await? {
            Some(task)
                if task.completed != Some(true)
                    && task.assigned_to_user_id.as_deref() != Some(user) => {}
            _ => return Ok(()),
        }
        let body = json!({"assigned_to_user_id": user});
        let query = Query::new().with("update_mask", "assigned_to_user_id");
        let path = ["v2", "tasks", segment(OPERATION, id)?];
        self.write(OPERATION, Method::PATCH, &path, &query, Some(&body))
            .await?;
        Ok(())
    }

    /// Writes a note on a contact as a user and returns its id.
    pub async fn create_note(
        &self,
        contact: &str,
        user: &str,
        title: &str,
        text: &str,
        marker: &Marker,
    ) -> Result<String, CallError> {
        const OPERATION: &str = "keap create note";
        let body = json!({
            "user_id": segment(OPERATION, user)?,
            "title": title,
            "text": marker.append_to(text),
        });
        let path = ["v2", "contacts", segment(OPERATION, contact)?, "notes"];
        self.create(OPERATION, &path, &body).await
    }

    /// Looks for a note on the contact that holds one of the markers.
    pub async fn find_note(
        &self,
        contact: &str,
        markers: &[Marker],
        since: Timestamp,
    ) -> Result<Option<MarkerMatch>, CallError> {
        const OPERATION: &str = "keap find note";
        let path = ["v2", "contacts", segment(OPERATION, contact)?, "notes"];
        let query = Query::new()
            .with("order_by", "create_time desc")
            .with("page_size", "200");
        let notes: Vec<Note> = self.list(OPERATION, &path, &query, "notes").await?;
        let recent = notes
            .into_iter()
            .filter(|note| is_recent(note.create_time, since));
        for listed in recent {
            let Some(id) = listed.id else { continue };
            // A list may leave a text out; a note taken for absent would be written a second time.
            let text = if let Some(text) = listed.text {
                text
            } else {
                let path = [&path[..], &[segment(OPERATION, &id)?]].concat();
                let note: Option<Note> =
                    self.read_if_there(OPERATION, &path, &Query::new()).await?;
                note.and_then(|note| note.text).unwrap_or_default()
            };
            if markers.iter().any(|marker| marker.is_in_text(&text)) {
                let at = listed.create_time;
                return Ok(Some(MarkerMatch { id, at }));
            }
        }
        Ok(None)
    }

    /// Creates an object and returns its id. An accepted creation whose answer gives no id is
    /// unclear: the object is there and must be found, not made again.
    async fn create(
        &self,
        operation: &'static str,
        path: &[&str],
        body: &Value,
    ) -> Result<String, CallError> {
        let answer = self
            .write(operation, Method::POST, path, &Query::new(), Some(body))
            .await?;
        let made: Option<Value> = decode(operation, &answer.body).ok();
        made.and_then(|object| id_of(object.get("id")?))
            .ok_or_else(|| done_but_unread(operation, &answer, "the answer names no id"))
    }
}

/// Whether an object may have been made at or after `since`. One without a time may.
fn is_recent(made_at: Option<Timestamp>, since: Timestamp) -> bool {
    made_at.is_none_or(|at| at >= earlier(since, SKEW))
}
