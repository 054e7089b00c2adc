//! A card is taken from a contact: deleted, or made inactive.

use async_trait::async_trait;
use relay_core::effects::CardRemoval;
use relay_core::effects::request::RemoveCard;
use relay_core::time::Timestamp;
use relay_http_client::CallError;

use super::{DesiredState, holds};
use crate::effects::outcome::{Holds, Performed};
use crate::ports::{CardRemoved, Ports};

/// What somebody is to look at where the CRM can't show whether a card is inactive.
const LISTED: &str = "the card was made inactive, and the CRM lists it as before: see there, \
                      under her credit cards, that it is inactive";

#[async_trait]
impl DesiredState for RemoveCard {
    async fn attempt(&self, ports: &Ports, _now: Timestamp) -> Result<Performed, CallError> {
        let (contact, card) = (&self.contact, &self.payment_method);
        let removed = ports.billing.remove_card(contact, card, self.mode).await?;
        let alarm = match removed {
            CardRemoved::Gone => None,
            CardRemoved::Listed => Some(LISTED.to_owned()),
        };
        Ok(Performed {
            alarm,
            ..Performed::default()
        })
    }

    async fn holds(&self, ports: &Ports) -> Result<Holds, CallError> {
        let billing = ports.billing.snapshot(&self.contact).await?;
        let mut shown = billing.cards.iter();
        Ok(holds(!shown.any(|card| card.id == self.payment_method)))
    }

    /// A card that was made inactive may look like any other in the list ([`CardRemoved::Listed`]).
    fn can_be_read_back(&self) -> bool {
        match self.mode {
            CardRemoval::Deactivate => false,
            CardRemoval::Delete | CardRemoval::Keep => true,
        }
    }
}
