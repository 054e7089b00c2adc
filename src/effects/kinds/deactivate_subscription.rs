//! A subscription is made inactive.

use async_trait::async_trait;
use relay_core::effects::request::DeactivateSubscription;
use relay_core::time::Timestamp;
use relay_http_client::CallError;

use super::{DesiredState, carried_out, holds};
use crate::effects::outcome::{Holds, Performed};
use crate::ports::Ports;

#[async_trait]
impl DesiredState for DeactivateSubscription {
    async fn attempt(&self, ports: &Ports, _now: Timestamp) -> Result<Performed, CallError> {
        let deactivated = ports.billing.deactivate(&self.subscription, &self.reason);
        deactivated.await.map(carried_out)
    }

    async fn holds(&self, ports: &Ports) -> Result<Holds, CallError> {
        // Money is believed when it is read: one that the list leaves out is not stopped.
        let billing = ports.billing.snapshot(&self.contact).await?;
        let mut shown = billing.subscriptions.iter();
        Ok(holds(shown.any(|shown| {
            shown.id == self.subscription && !shown.active
        })))
    }
}
