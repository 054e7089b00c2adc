//! Both emulated vendors, as one thing that acts, delivers and remembers.

use std::sync::Arc;

use relay_clear_connection::emulator::{Portal, Settings as PortalSettings};
use relay_core::random::Random;
use relay_core::time::{Clock, TimeZone, Timestamp};
use relay_http_client::Transport;
use relay_http_client::emulation::described::Side;
use relay_http_client::emulation::{Accepted, FaultRule};
use relay_keap::emulator::{Keap, Settings as KeapSettings};
use secrecy::SecretString;
use serde_json::Value;

use super::clinic::{KEAP_KEY, PORTAL_TOKEN};

/// The vendors of the box.
#[derive(Debug, Clone)]
pub struct Vendors {
    /// The client portal.
    pub portal: Arc<Portal>,
    /// The CRM.
    pub keap: Arc<Keap>,
}

impl Vendors {
    /// Vendors where nobody is yet, on `clock`.
    pub fn new(clock: &Arc<dyn Clock>, random: &Arc<dyn Random>, zone: &TimeZone) -> Self {
        let mut portal = PortalSettings::new(SecretString::from(PORTAL_TOKEN));
        portal.zone = zone.clone();
        let keap = KeapSettings {
            keys: vec![KEAP_KEY.to_owned()],
            ..KeapSettings::default()
        };
        Self {
            portal: Portal::new(Arc::clone(clock), Arc::clone(random), portal),
            keap: Keap::new(Arc::clone(clock), Arc::clone(random), keap),
        }
    }

    /// Where events go, and how.
    pub fn set_hook_transport(&self, transport: &Arc<dyn Transport>) {
        self.portal.set_hook_transport(Arc::clone(transport));
        self.keap.set_hook_transport(Arc::clone(transport));
    }

    /// An act of the world at one vendor.
    pub fn act(&self, vendor: &str, what: Value) -> Result<Value, String> {
        match vendor {
            "portal" => self.portal.act(what),
            "keap" => self.keap.act(what),
            other => Err(format!(
                "there is no vendor {other}; there are portal and keap"
            )),
        }
    }

    /// Orders a fault at one vendor.
    pub fn order(&self, vendor: &str, rule: FaultRule) -> Result<(), String> {
        match vendor {
            "portal" => self.portal.faults().order(rule),
            "keap" => self.keap.faults().order(rule),
            other => {
                return Err(format!(
                    "there is no vendor {other}; there are portal and keap"
                ));
            }
        }
        Ok(())
    }

    /// Everything in which the exchanges so far differed from what the vendors describe, whoever was
    /// wrong: the relay, or the box. Deliberate faults are not among it.
    pub fn mismatches(&self) -> Vec<String> {
        let sides = [Side::Request, Side::Answer];
        let found = sides
            .into_iter()
            .flat_map(|side| self.keap.mismatches(side));
        found.map(|mismatch| format!("keap: {mismatch}")).collect()
    }

    /// Everything both accepted, in order of time.
    pub fn accepted(&self) -> Vec<Accepted> {
        let mut all = self.portal.accepted();
        all.extend(self.keap.accepted());
        all.sort_by_key(|entry| entry.at);
        all
    }

    /// When the next event is due.
    pub fn next_due(&self) -> Option<Timestamp> {
        [self.portal.next_due(), self.keap.next_due()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Delivers what is due. Returns how many deliveries were tried.
    pub async fn deliver_due(&self) -> usize {
        self.portal.deliver_due().await + self.keap.deliver_due().await
    }
}
