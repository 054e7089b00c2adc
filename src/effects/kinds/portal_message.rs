//! A message of a coach to a client, in the portal. Its `Idempotency-Key` is listed with it.

use async_trait::async_trait;
use relay_core::clients::PortalMessage as Listed;
use relay_core::effects::request::PortalMessage;
use relay_core::time::Timestamp;
use relay_http_client::CallError;

use super::{Creation, made, seen};
use crate::effects::name::Name;
use crate::effects::outcome::{Performed, ProbeResult};
use crate::ports::{FoundByMarker, Ports};

#[async_trait]
impl Creation for PortalMessage {
    async fn attempt(&self, ports: &Ports, name: &Name) -> Result<Performed, CallError> {
        let (client, author, text) = (&self.client, &self.author, &self.text);
        let key = name.idempotency_key();
        let sent = ports.portal.send_message(&key, client, author, text);
        Ok(made(sent.await?))
    }

    async fn probe(
        &self,
        ports: &Ports,
        name: &Name,
        since: Timestamp,
    ) -> Result<ProbeResult, CallError> {
        let listed = ports.portal.messages(&self.client, since).await?;
        Ok(message_of(name, &listed, self))
    }
}

/// The message in a portal's list that is this one: by the key it was written with, or, where the
/// portal shows none, by author and text.
pub(crate) fn message_of(name: &Name, listed: &[Listed], message: &PortalMessage) -> ProbeResult {
    let found = listed.iter().find(|listed| match &listed.key {
        Some(key) => name.has_key(key),
        None => listed.coach.as_ref() == Some(&message.author) && listed.text == message.text,
    });
    seen(found.map(|listed| FoundByMarker {
        id: listed.id.to_string(),
        at: Some(listed.sent_at),
    }))
}
