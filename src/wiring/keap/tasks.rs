//! Tasks of coaches in Keap.

use async_trait::async_trait;
use relay_core::ids::{ContactId, CrmUserId, TaskId};
use relay_core::time::Timestamp;
use relay_keap::marker::Marker;
use relay_keap::outcome;
use relay_keap::{TaskClosing, TasksAmong as Among};

use super::{KeapPorts, made_of};
use crate::ports::{CallError, FoundTask, NewTask, Task, TaskEnd, Tasks, TasksOf};

#[async_trait]
impl Tasks for KeapPorts {
    async fn create(&self, task: NewTask<'_>, marker: &str) -> Result<TaskId, CallError> {
        let marker = Marker::new(marker);
        let made = self.client.create_task(
            task.contact.map(ContactId::as_str),
            task.user.as_str(),
            task.title,
            task.description,
            task.due,
            &marker,
        );
        Ok(TaskId(made.await?))
    }

    async fn find(
        &self,
        among: TasksOf<'_>,
        markers: &[String],
        since: Timestamp,
    ) -> Result<Vec<FoundTask>, CallError> {
        let among = match among {
            TasksOf::Contact(contact) => Among::Contact(contact.as_str()),
            TasksOf::User(user) => Among::User(user.as_str()),
        };
        let markers = made_of(markers);
        let found = self.client.find_tasks(among, &markers, since).await?;
        let found = found.into_iter().filter_map(|(marker, task)| {
            Some(FoundTask {
                closed_by_relay: task.is_closed_by_relay(),
                id: TaskId(task.id?),
                marker,
                completed: task.completed == Some(true),
                at: task.create_time,
            })
        });
        Ok(found.collect())
    }

    async fn task(&self, id: &TaskId, sent: Option<&str>) -> Result<Option<Task>, CallError> {
        let told = self.client.task(id.as_str()).await?;
        let sent = sent.unwrap_or_default();
        Ok(told.map(|task| Task {
            id: id.clone(),
            closed_by_relay: task.is_closed_by_relay(),
            contact: task.contact_id.map(ContactId),
            user: task.assigned_to_user_id.map(CrmUserId),
            completed: task.completed == Some(true),
            outcome: task
                .description
                .as_deref()
                .and_then(|text| outcome::answered(text, sent)),
            written: task
                .description
                .as_deref()
                .map(|text| outcome::written(text, sent))
                .unwrap_or_default(),
            shortened: outcome::is_shortened(task.description.as_deref().unwrap_or_default(), sent),
            due: task.due_time,
            title: task.title,
            changed_at: task.modification_time.or(task.completion_time),
        }))
    }

    async fn complete(&self, id: &TaskId, at: Timestamp, end: TaskEnd) -> Result<(), CallError> {
        let closing = match end {
            TaskEnd::Done => TaskClosing::AsItIs,
            TaskEnd::TakenBack => TaskClosing::TakenBack,
            TaskEnd::WentOut => TaskClosing::WentOut,
            TaskEnd::NotSent => TaskClosing::NotSent,
        };
        self.client.complete_task(id.as_str(), at, closing).await
    }

    async fn reassign(&self, id: &TaskId, user: &CrmUserId) -> Result<(), CallError> {
        self.client.reassign_task(id.as_str(), user.as_str()).await
    }
}
