//! Who has opened or clicked lately, as Keap knows it: per address.

use async_trait::async_trait;
use relay_core::ids::ContactId;
use relay_core::time::Timestamp;
use relay_keap::{AddressActivity, Moved};
use sha2::{Digest as _, Sha256};

use super::KeapPorts;
use crate::ports::{Activity, Addresses, CallError};

/// An address as it is known again: no spelling of it is kept.
fn digest(address: &str) -> String {
    hex::encode(Sha256::digest(address.trim().to_lowercase().as_bytes()))
}

fn activity(told: &AddressActivity) -> Activity {
    Activity {
        address: digest(&told.email),
        last_open_at: told.last_open_at,
        last_click_at: told.last_click_at,
    }
}

impl KeapPorts {
    async fn address_of(&self, contact: &ContactId) -> Result<Option<String>, CallError> {
        let contact = self.client.contact(contact.as_str()).await?;
        Ok(contact.and_then(|contact| contact.email().map(str::to_owned)))
    }
}

#[async_trait]
impl Addresses for KeapPorts {
    async fn moved(&self, since: Timestamp) -> Result<Option<Vec<Activity>>, CallError> {
        let mut all: Vec<Activity> = Vec::new();
        for moved in [Moved::Clicked, Moved::Opened] {
            let Some(told) = self.client.addresses_moved(moved, since).await? else {
                return Ok(None);
            };
            for told in told.iter().map(activity) {
                match all.iter_mut().find(|known| known.address == told.address) {
                    // The second list was read later.
                    Some(known) => *known = told,
                    None => all.push(told),
                }
            }
        }
        Ok(Some(all))
    }

    async fn address(&self, contact: &ContactId) -> Result<Option<String>, CallError> {
        let address = self.address_of(contact).await?;
        Ok(address.as_deref().map(digest))
    }

    async fn activity(&self, contact: &ContactId) -> Result<Option<Activity>, CallError> {
        let Some(address) = self.address_of(contact).await? else {
            return Ok(None);
        };
        let told = self.client.address_activity(&address).await?;
        Ok(told.as_ref().map(activity))
    }
}
