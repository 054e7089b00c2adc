//! A task in the CRM: somebody calls. Its marker is the last line of the description.
//!
//! A task that the relay closed is out of the way: the next one has the next ordinal.

use async_trait::async_trait;
use relay_core::effects::request::CallTask;
use relay_core::time::Timestamp;
use relay_http_client::CallError;

use super::{Creation, made, markers};
use crate::effects::name::Name;
use crate::effects::outcome::{FoundAtVendor, Performed, ProbeResult};
use crate::ports::{FoundTask, Ports, TasksOf};

#[async_trait]
impl Creation for CallTask {
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
        let found = ports
            .tasks
            .find(TasksOf::Contact(&self.contact), &markers, since);
        Ok(task_of(name, found.await?))
    }
}

/// A task of ours among those found: one that is open before one that somebody completed, and none
/// that the relay has closed itself, as the CRM shows or the database knows.
fn task_of(name: &Name, mut found: Vec<FoundTask>) -> ProbeResult {
    let ordinals = name.markers();
    let ordinal = |task: &FoundTask| ordinals.get(task.marker).map_or(1, |(ordinal, _)| *ordinal);
    let taken = found.iter().map(ordinal).max().unwrap_or(0);
    found.retain(|task| !task.closed_by_relay && !name.closed.contains(&task.id));
    // Stable: the newest of either comes first.
    found.sort_by_key(|task| task.completed);
    match found.into_iter().next() {
        Some(task) => ProbeResult::Seen(FoundAtVendor {
            vendor_ref: Some(task.id.0),
            at: task.at,
            completed: task.completed,
            ..FoundAtVendor::default()
        }),
        None => ProbeResult::NotSeen { taken },
    }
}
