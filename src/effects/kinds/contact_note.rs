//! A note on a contact in the CRM. Its marker is the last line of the text.

use async_trait::async_trait;
use relay_core::effects::request::ContactNote;
use relay_core::time::Timestamp;
use relay_http_client::CallError;

use super::{Creation, made, markers, seen};
use crate::effects::name::Name;
use crate::effects::outcome::{Performed, ProbeResult};
use crate::ports::Ports;

#[async_trait]
impl Creation for ContactNote {
    async fn attempt(&self, ports: &Ports, name: &Name) -> Result<Performed, CallError> {
        Ok(made(ports.notes.create(self, &name.marker()).await?))
    }

    async fn probe(
        &self,
        ports: &Ports,
        name: &Name,
        since: Timestamp,
    ) -> Result<ProbeResult, CallError> {
        let markers = markers(name);
        let found = ports.notes.find(&self.contact, &markers, since);
        Ok(seen(found.await?))
    }
}
