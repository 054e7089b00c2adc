//! A task in the CRM goes to another user.

use async_trait::async_trait;
use relay_core::effects::request::ReassignTask;
use relay_core::time::Timestamp;
use relay_http_client::CallError;

use super::{DesiredState, carried_out, holds};
use crate::effects::outcome::{Holds, Performed};
use crate::ports::Ports;

#[async_trait]
impl DesiredState for ReassignTask {
    async fn attempt(&self, ports: &Ports, _now: Timestamp) -> Result<Performed, CallError> {
        let reassigned = ports.tasks.reassign(&self.task, &self.user).await;
        reassigned.map(carried_out)
    }

    async fn holds(&self, ports: &Ports) -> Result<Holds, CallError> {
        let task = ports.tasks.task(&self.task, None).await?;
        // Nobody needs a task that is gone or done.
        Ok(holds(task.is_none_or(|task| {
            task.completed || task.user.as_ref() == Some(&self.user)
        })))
    }
}
