//! Keap as the sandbox emulates it: the invented clinic's account, and its people in it.
//!
//! Every secret here is public and worth nothing: it opens emulators only.

use std::sync::Arc;

use relay_http_client::emulation::Emulator;
use relay_keap::emulator::{Act, Keap, NewField, NewProduct, Settings};
use serde_json::{Map, Value, json};
use url::Url;

use super::panel;
use crate::wiring::emulated::{
    Clinic, Emulated, NewClient, NewCoach, Panels, PastMail, Reader, Whom,
};

/// The key.
pub const KEAP_KEY: &str = "KeapAK-sandbox-0000000000000000";
/// The path secret of hooks.
pub const HOOK_SECRET: &str = "sandbox-hook-secret-0123456789abcdef0123";
/// The path secret of posts by automations.
pub const AUTOMATION_SECRET: &str = "sandbox-automation-secret-0123456789abcd";
/// The product whose subscriptions are the coaching fee.
pub const COACHING_PRODUCT: u64 = 10;
/// The product whose subscriptions are none of ours (E47, E49).
pub const STORE_PRODUCT: u64 = 20;
/// The events the relay subscribes to.
pub const HOOK_EVENTS: [&str; 5] = [
    "contact.edit",
    "task.edit",
    "task.complete",
    "subscription.edit",
    "contactGroup.applied",
];
/// The tab that holds the contact type, as SOP B names it.
pub const TAB: &str = "Clear Connection";
/// The contact type's label.
pub const TYPE_FIELD: &str = "Contact Type";
/// Another field of the same contacts, which no write of ours may change.
pub const GOAL_FIELD: &str = "Skin Goal";
/// The status of an address to which mail may be sent.
const OPTED_IN: &str = "SINGLE_OPT_IN";

#[derive(Debug)]
struct EmulatedKeap(Arc<Keap>);

/// An account where nobody is yet.
pub(super) fn start(clinic: &Clinic<'_>) -> Arc<dyn Emulated> {
    let settings = Settings {
        keys: vec![KEAP_KEY.to_owned()],
        ..Settings::default()
    };
    let (clock, random) = (Arc::clone(clinic.clock), Arc::clone(clinic.random));
    Arc::new(EmulatedKeap(Keap::new(clock, random, settings)))
}

/// The coaching product, the contact type field. Returns the field's id.
pub fn furnish(keap: &Keap) -> Result<String, String> {
    for (id, name, plan) in [
        (COACHING_PRODUCT, "Monthly Coaching Support Fee", 11),
        (STORE_PRODUCT, "Subscribe & Save", 21),
    ] {
        keap.perform(Act::AddProduct(NewProduct {
            id: Some(id),
            name: name.to_owned(),
            plan: Some(plan),
        }))?;
    }
    keap.perform(Act::AddField(NewField {
        label: GOAL_FIELD.to_owned(),
        tab: Some(TAB.to_owned()),
        ..NewField::default()
    }))?;
    let field = keap.perform(Act::AddField(NewField {
        label: TYPE_FIELD.to_owned(),
        field_type: Some("DROPDOWN".to_owned()),
        options: ["Online", "In-Person", "Graduated"]
            .map(str::to_owned)
            .to_vec(),
        tab: Some(TAB.to_owned()),
        ..NewField::default()
    }))?;
    Ok(field.to_string())
}

/// The section of a configuration that reaches an account at `base`.
pub fn section(base: &Url, contact_type_field: &str) -> String {
    format!(
        r#"[keap]
mode = "on"
base_url = "{base}"
key = "{KEAP_KEY}"
hook_secrets = {{ first = "{HOOK_SECRET}" }}
automation_secrets = {{ first = "{AUTOMATION_SECRET}" }}
poll_opens_minutes = 0
contact_type_field = {{ id = "{contact_type_field}" }}
coaching = {{ product_ids = ["{COACHING_PRODUCT}"] }}
# Procedure time, like every wait: an hour is a second here, and a look every 5 minutes 12 a second.
watch_minutes = 60
# A whole cast acts in one minute here. The usual budget would spread it over a quarter of an hour,
# and what is expected of it names the minute.
limits = {{ calls_per_minute = 6000, burst = 10000, obey_quota = false }}
"#
    )
}

impl Emulated for EmulatedKeap {
    fn emulator(&self) -> Arc<dyn Emulator> {
        Arc::<Keap>::clone(&self.0)
    }

    fn furnish(&self) -> Result<Map<String, Value>, String> {
        let field = furnish(&self.0)?;
        Ok(Map::from_iter([("field".to_owned(), Value::from(field))]))
    }

    fn section(&self, base: &Url, furnished: &Map<String, Value>) -> String {
        let field = furnished.get("field").and_then(Value::as_str);
        section(base, field.unwrap_or_default())
    }

    fn add_coach(&self, coach: &NewCoach<'_>) -> Result<(), String> {
        let what = json!({ "act": "add_user", "id": coach.user, "email": coach.email,
                           "given_name": coach.name });
        self.0.act(what).map(|_| ())
    }

    fn add_client(&self, client: &NewClient<'_>) -> Result<(), String> {
        self.0.act(contact(client))?;
        for mail in &client.mails {
            self.0.act(mailed(client.contact, mail))?;
        }
        Ok(())
    }

    fn panels(&self, client: &Whom<'_>, reader: Reader<'_>) -> Option<Panels> {
        let contact = client.contact.and_then(|id| self.0.look(id));
        Some(panel::panels(contact.as_ref(), reader))
    }
}

fn contact(client: &NewClient<'_>) -> Value {
    json!({
        "act": "add_contact",
        "id": client.contact,
        "given_name": client.first,
        "family_name": client.last,
        "email": client.email,
        "email_status": OPTED_IN,
        "phone": client.phone,
        // A value that a careless write of another field would lose.
        "custom": { GOAL_FIELD: "a calm week" },
    })
}

fn mailed(contact: u64, mail: &PastMail) -> Value {
    json!({
        "act": "add_email_record",
        "contact": contact,
        "subject": "News from the clinic",
        "sent_at": mail.sent,
        "opened_at": mail.opened,
        "clicked_at": mail.clicked,
    })
}
