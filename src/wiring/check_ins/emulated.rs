//! The check-in list as the sandbox emulates it, with the invented clinic's people.
//!
//! Every secret here is public and worth nothing: it opens emulators only.

use std::fmt::Write as _;
use std::sync::Arc;

use relay_check_ins::emulator::{ClinicList, SeenCheckIn, Settings};
use relay_http_client::emulation::Emulator;
use secrecy::SecretString;
use serde_json::{Map, Value, json};
use url::Url;

use super::path::SOURCE;
use crate::wiring::emulated::{
    CheckInView, Clinic, Emulated, EmulatedClient, NewClient, NewCoach, Panels, Reader, Whom,
};

/// The key with which rows are signed.
pub const WEBHOOK_KEY: &str = "whsec_c2FuZGJveC1jaGVjay1pbnMta2V5LTAxMjM0NTY3ODk=";

#[derive(Debug)]
struct EmulatedList {
    list: Arc<ClinicList>,
    /// The coaches as a configuration names them.
    coaches: String,
}

/// A list that nobody is in yet.
pub(super) fn start(clinic: &Clinic<'_>) -> Arc<dyn Emulated> {
    let settings = Settings {
        zone: clinic.zone.clone(),
    };
    let mut coaches = String::new();
    for coach in clinic.coaches {
        // Writing to a string can't fail.
        let _ = writeln!(
            coaches,
            "{} = \"{} <{}>\"",
            coach.id, coach.name, coach.email
        );
    }
    let (clock, random) = (Arc::clone(clinic.clock), Arc::clone(clinic.random));
    Arc::new(EmulatedList {
        list: ClinicList::new(clock, random, settings),
        coaches,
    })
}

impl Emulated for EmulatedList {
    fn emulator(&self) -> Arc<dyn Emulator> {
        Arc::<ClinicList>::clone(&self.list)
    }

    fn section(&self, _base: &Url, _furnished: &Map<String, Value>) -> String {
        let coaches = &self.coaches;
        format!(
            r#"[check_ins]
from = "list"
webhook_keys = {{ first = "{WEBHOOK_KEY}" }}
[check_ins.coaches]
{coaches}"#
        )
    }

    fn connect(&self, relay: &Url) -> Result<(), String> {
        let hooks = relay.join(&format!("hooks/{SOURCE}"));
        let hooks = hooks.map_err(|error| error.to_string())?;
        let key = SecretString::from(WEBHOOK_KEY);
        let told = self.list.set_hook_target(hooks, &[key]);
        told.map_err(|error| error.to_string())
    }

    fn add_coach(&self, coach: &NewCoach<'_>) -> Result<(), String> {
        let what = json!({ "act": "add_coach", "id": coach.id, "name": coach.name,
                           "email": coach.email });
        self.list.act(what).map(|_| ())
    }

    fn add_client(&self, client: &NewClient<'_>) -> Result<(), String> {
        let contact = client.contact.to_string();
        self.list.act(json!({
            "act": "add_client",
            "id": client.id,
            "first_name": client.first,
            "last_name": client.last,
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
            self.list.act(what)?;
        }
        Ok(())
    }

    fn panels(&self, client: &Whom<'_>, reader: Reader<'_>) -> Option<Panels> {
        let seen = self.list.look(client.id)?;
        let check_in = |one: &SeenCheckIn| {
            let submitted = reader.maybe(one.submitted_at);
            CheckInView::of(&one.id, one.due, submitted, one.withdrawn, reader)
        };
        let open = |one: &SeenCheckIn| one.submitted_at.is_none() && !one.withdrawn;
        let check_ins: Vec<CheckInView> = seen.check_ins.iter().map(check_in).collect();
        let status = seen.status.replace('_', " ");
        Some(Panels {
            shown: vec![("list", json!({ "status": status, "check_ins": check_ins }))],
            can: vec![("check_in", seen.check_ins.iter().any(open))],
            can_order: Vec::new(),
            coach: seen.coach,
        })
    }

    fn clients(&self) -> Vec<EmulatedClient> {
        let ids = self.list.clients().into_iter();
        ids.filter_map(|id| self.list.look(&id))
            .map(|seen| EmulatedClient {
                contact: seen.contact.as_deref().and_then(|id| id.parse().ok()),
                id: seen.id,
                first: seen.first_name,
                last: seen.last_name,
            })
            .collect()
    }
}
