//! An email through the CRM. Its marker is an HTML comment; the CRM gives no id, and absence is never proven.

use async_trait::async_trait;
use relay_core::effects::request::Email;
use relay_core::time::Timestamp;
use relay_http_client::CallError;

use super::{Creation, carried_out, markers, seen};
use crate::effects::name::Name;
use crate::effects::outcome::{Performed, ProbeResult};
use crate::ports::Ports;

#[async_trait]
impl Creation for Email {
    async fn attempt(&self, ports: &Ports, name: &Name) -> Result<Performed, CallError> {
        let sent = ports.mail.send(self, &name.marker()).await;
        sent.map(carried_out)
    }

    async fn probe(
        &self,
        ports: &Ports,
        name: &Name,
        since: Timestamp,
    ) -> Result<ProbeResult, CallError> {
        let (contact, subject) = (&self.contact, &self.subject);
        let markers = markers(name);
        let found = ports.mail.find_sent(contact, subject, &markers, since);
        Ok(seen(found.await?))
    }
}
