//! A tag is taken off a contact.

use async_trait::async_trait;
use relay_core::effects::request::RemoveTag;
use relay_core::time::Timestamp;
use relay_http_client::CallError;

use super::{DesiredState, carried_out, holds};
use crate::effects::outcome::{Holds, Performed};
use crate::ports::Ports;

#[async_trait]
impl DesiredState for RemoveTag {
    async fn attempt(&self, ports: &Ports, _now: Timestamp) -> Result<Performed, CallError> {
        let removed = ports.tags.remove(&self.contact, &self.tag).await;
        removed.map(carried_out)
    }

    async fn holds(&self, ports: &Ports) -> Result<Holds, CallError> {
        Ok(holds(!ports.tags.has(&self.contact, &self.tag).await?))
    }
}
