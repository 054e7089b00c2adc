//! Clear Connection as the sandbox emulates it, with the invented clinic's people.
//!
//! Every secret here is public and worth nothing: it opens emulators only.

use std::sync::Arc;

use relay_clear_connection::emulator::{Portal, Settings};
use relay_http_client::emulation::Emulator;
use secrecy::SecretString;
use serde_json::{Map, Value, json};
use url::Url;

use super::panel;
use super::path::SOURCE;
use crate::wiring::emulated::{
    Clinic, Emulated, EmulatedClient, NewClient, NewCoach, Panels, Reader, Whom,
};

/// The bearer token.
pub const PORTAL_TOKEN: &str = "sandbox-portal-token";
/// The key with which events are signed.
pub const WEBHOOK_KEY: &str = "whsec_c2FuZGJveC1zaWduaW5nLWtleS0wMTIzNDU2Nzg5YWI=";

#[derive(Debug)]
struct EmulatedPortal(Arc<Portal>);

/// A portal where nobody is yet.
pub(super) fn start(clinic: &Clinic<'_>) -> Arc<dyn Emulated> {
    let mut settings = Settings::new(SecretString::from(PORTAL_TOKEN));
    settings.zone = clinic.zone.clone();
    let (clock, random) = (Arc::clone(clinic.clock), Arc::clone(clinic.random));
    Arc::new(EmulatedPortal(Portal::new(clock, random, settings)))
}

/// The section of a configuration that reaches a portal at `base`.
pub fn section(base: &Url) -> String {
    format!(
        r#"[clear_connection]
mode = "on"
base_url = "{base}"
token = "{PORTAL_TOKEN}"
webhook_keys = {{ first = "{WEBHOOK_KEY}" }}
"#
    )
}

impl Emulated for EmulatedPortal {
    fn emulator(&self) -> Arc<dyn Emulator> {
        Arc::<Portal>::clone(&self.0)
    }

    fn section(&self, base: &Url, _furnished: &Map<String, Value>) -> String {
        section(base)
    }

    fn connect(&self, relay: &Url) -> Result<(), String> {
        let events = relay.join(&format!("hooks/{SOURCE}"));
        let events = events.map_err(|error| error.to_string())?;
        let key = SecretString::from(WEBHOOK_KEY);
        let told = self.0.set_hook_target(events, &[key]);
        told.map_err(|error| error.to_string())
    }

    fn add_coach(&self, coach: &NewCoach<'_>) -> Result<(), String> {
        let what = json!({ "act": "add_coach", "id": coach.id, "name": coach.name,
                           "email": coach.email });
        self.0.act(what).map(|_| ())
    }

    fn add_client(&self, client: &NewClient<'_>) -> Result<(), String> {
        let contact = client.contact.to_string();
        self.0.act(json!({
            "act": "add_client",
            "id": client.id,
            "first_name": client.first,
            "last_name": client.last,
            "status": "online",
            "coach": client.coach,
            "email": client.portal_email,
            "phone": client.portal_phone,
            "time_zone": client.zone,
            "keap_contact_id": client.linked.then_some(contact),
            "last_regimen_change": client.regimen,
            "minor": false,
        }))?;
        if let Some(due) = client.due {
            let id = format!("ci_{}", client.id);
            let what = json!({ "act": "add_check_in", "client": client.id, "id": id, "due": due });
            self.0.act(what)?;
        }
        Ok(())
    }

    fn clients(&self) -> Vec<EmulatedClient> {
        let ids = self.0.clients().into_iter();
        ids.filter_map(|id| self.0.look(&id))
            .map(|seen| EmulatedClient {
                contact: seen.contact.as_deref().and_then(|id| id.parse().ok()),
                id: seen.id,
                first: seen.first_name,
                last: seen.last_name,
            })
            .collect()
    }

    fn panels(&self, client: &Whom<'_>, reader: Reader<'_>) -> Option<Panels> {
        let seen = self.0.look(client.id)?;
        Some(panel::panels(&seen, reader))
    }
}
