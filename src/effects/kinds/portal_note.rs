//! A quiet note about a client, in the portal. Its `Idempotency-Key` is listed with it.

use async_trait::async_trait;
use relay_core::effects::request::PortalNote;
use relay_core::time::Timestamp;
use relay_http_client::CallError;

use super::{Creation, made, seen};
use crate::effects::name::Name;
use crate::effects::outcome::{Performed, ProbeResult};
use crate::ports::{FoundByMarker, Ports};

#[async_trait]
impl Creation for PortalNote {
    async fn attempt(&self, ports: &Ports, name: &Name) -> Result<Performed, CallError> {
        let (client, author, text) = (&self.client, self.author.as_ref(), &self.text);
        let key = name.idempotency_key();
        Ok(made(
            ports.portal.add_note(&key, client, author, text).await?,
        ))
    }

    async fn probe(
        &self,
        ports: &Ports,
        name: &Name,
        since: Timestamp,
    ) -> Result<ProbeResult, CallError> {
        let listed = ports.portal.notes(&self.client, since).await?;
        // By the key it was written with, or, where the portal shows none, by author and text.
        let found = listed.into_iter().find(|note| match &note.key {
            Some(key) => name.has_key(key),
            None => note.author == self.author && note.text == self.text,
        });
        Ok(seen(found.map(|note| FoundByMarker {
            id: note.id,
            at: Some(note.written_at),
        })))
    }
}
