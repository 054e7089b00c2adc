//! A task in the CRM: a coach is asked about a client, or told what else waits. Its marker is the last line of the description.

use async_trait::async_trait;
use relay_core::effects::request::WorkTask;
use relay_core::time::Timestamp;
use relay_http_client::CallError;

use super::{Creation, made, markers};
use crate::effects::name::Name;
use crate::effects::outcome::{FoundAtVendor, Performed, ProbeResult};
use crate::ports::{Ports, TasksOf};

#[async_trait]
impl Creation for WorkTask {
    async fn attempt(&self, ports: &Ports, name: &Name) -> Result<Performed, CallError> {
        Ok(made(
            ports.tasks.create(self.into(), &name.marker()).await?.0,
        ))
    }

    async fn probe(
        &self,
        ports: &Ports,
        name: &Name,
        since: Timestamp,
    ) -> Result<ProbeResult, CallError> {
        let markers = markers(name);
        let contact = self.contact.as_ref();
        let among = contact.map_or(TasksOf::User(&self.user), TasksOf::Contact);
        let found = ports.tasks.find(among, &markers, since).await?;
        // One that the relay closed is this very task: nothing is asked any more.
        let found = found.into_iter().next();
        Ok(found.map_or(ProbeResult::NOTHING, |task| {
            ProbeResult::Seen(FoundAtVendor {
                vendor_ref: Some(task.id.0),
                at: task.at,
                completed: task.completed,
                ..FoundAtVendor::default()
            })
        }))
    }
}
