//! A tag is put on a contact. A tag that does not exist is made first, in an attempt of its own.

use async_trait::async_trait;
use relay_core::effects::request::AddTag;
use relay_core::time::Timestamp;
use relay_http_client::CallError;

use super::{DesiredState, holds};
use crate::effects::outcome::{Holds, Performed};
use crate::ports::{Ports, TagAdded};

#[async_trait]
impl DesiredState for AddTag {
    async fn attempt(&self, ports: &Ports, _now: Timestamp) -> Result<Performed, CallError> {
        let unfinished = match ports.tags.add(&self.contact, &self.tag).await? {
            TagAdded::Done => None,
            TagAdded::MadeFirst => Some("the tag was made first; it is put on next"),
        };
        Ok(Performed {
            unfinished,
            ..Performed::default()
        })
    }

    async fn holds(&self, ports: &Ports) -> Result<Holds, CallError> {
        Ok(holds(ports.tags.has(&self.contact, &self.tag).await?))
    }
}
