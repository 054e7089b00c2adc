//! A task in the CRM is completed. Its title says whether the relay took it back, and what became of the message that it told
//! of.

use async_trait::async_trait;
use relay_core::effects::request::CloseTask;
use relay_core::time::Timestamp;
use relay_http_client::CallError;

use super::{DesiredState, carried_out};
use crate::effects::outcome::{Holds, Performed};
use crate::ports::{Ports, TaskEnd};

#[async_trait]
impl DesiredState for CloseTask {
    async fn attempt(&self, ports: &Ports, now: Timestamp) -> Result<Performed, CallError> {
        let end = match (self.called, self.went_out) {
            (true, _) => TaskEnd::Done,
            (false, None) => TaskEnd::TakenBack,
            (false, Some(true)) => TaskEnd::WentOut,
            (false, Some(false)) => TaskEnd::NotSent,
        };
        let closed = ports.tasks.complete(&self.task, now, end).await;
        closed.map(carried_out)
    }

    async fn holds(&self, ports: &Ports) -> Result<Holds, CallError> {
        Ok(match ports.tasks.task(&self.task, None).await? {
            Some(task) if !task.completed => Holds::No,
            Some(task) if task.closed_by_relay => Holds::ByUs,
            // A task that is gone needs no closing; gone as the port means it, never for a page.
            Some(_) | None => Holds::ByOthers,
        })
    }
}
