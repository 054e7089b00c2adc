//! The field that holds the contact type is set.

use async_trait::async_trait;
use relay_core::effects::request::ContactType;
use relay_core::time::Timestamp;
use relay_http_client::CallError;

use super::{DesiredState, holds};
use crate::effects::outcome::{Holds, Performed};
use crate::ports::{ContactType as Shown, Ports};

#[async_trait]
impl DesiredState for ContactType {
    async fn attempt(&self, ports: &Ports, _now: Timestamp) -> Result<Performed, CallError> {
        let write = ports.contacts.set_contact_type(&self.contact, &self.value);
        let disturbed = write.await?.disturbed.join(", ");
        let alarm = (!disturbed.is_empty())
            .then(|| format!("other fields changed in the same moment: {disturbed}"));
        Ok(Performed {
            alarm,
            ..Performed::default()
        })
    }

    async fn holds(&self, ports: &Ports) -> Result<Holds, CallError> {
        let shown = ports.contacts.contact_type(&self.contact).await?;
        Ok(holds(shown == Shown::Shown(Some(self.value.clone()))))
    }
}
