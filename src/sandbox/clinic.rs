//! The invented clinic that the box stands for: its credentials and its configuration.
//!
//! Every secret here is public and worth nothing: it opens emulators only.

use std::collections::HashMap;
use std::path::Path;

use relay_keap::emulator::{Act, Keap, NewField, NewProduct};
use url::Url;

use crate::config::{Config, ConfigError};

/// The bearer token of the emulated portal.
pub const PORTAL_TOKEN: &str = "sandbox-portal-token";
/// The key of the emulated CRM.
pub const KEAP_KEY: &str = "KeapAK-sandbox-0000000000000000";
/// The key with which the emulated portal signs its events.
pub const WEBHOOK_KEY: &str = "whsec_c2FuZGJveC1zaWduaW5nLWtleS0wMTIzNDU2Nzg5YWI=";
/// The path secret of the CRM's hooks.
pub const HOOK_SECRET: &str = "sandbox-hook-secret-0123456789abcdef0123";
/// The path secret of posts by the CRM's automations.
pub const AUTOMATION_SECRET: &str = "sandbox-automation-secret-0123456789abcd";
/// The product whose subscriptions are the coaching fee.
pub const COACHING_PRODUCT: u64 = 10;
/// The events the relay subscribes to at the CRM.
pub const HOOK_EVENTS: [&str; 4] = [
    "contact.edit",
    "task.edit",
    "task.complete",
    "subscription.edit",
];

/// Where the vendors of the box answer.
#[derive(Debug, Clone)]
pub struct Addresses {
    /// The CRM's base.
    pub keap: Url,
    /// The portal's base.
    pub portal: Url,
    /// The relay, as the vendors reach it.
    pub relay: Url,
}

/// The configuration of a relay that works in this clinic, as the file it would have.
pub fn config_text(addresses: &Addresses, store: &Path, contact_type_field: &str) -> String {
    let Addresses {
        keap,
        portal,
        relay,
    } = addresses;
    let store = store.display();
    format!(
        r#"# A relay against emulated vendors. Nothing in it is secret.
[store]
path = "{store}"

[http]
listen = "{listen}"
public_url = "{relay}"

[keap]
mode = "on"
base_url = "{keap}"
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

[clear_connection]
mode = "on"
base_url = "{portal}"
token = "{PORTAL_TOKEN}"
webhook_keys = {{ first = "{WEBHOOK_KEY}" }}

[procedures.missed_check_in]
mode = "act"
"#,
        listen = listen(relay),
    )
}

/// The address to listen on for a relay that is reached by `relay`.
fn listen(relay: &Url) -> String {
    let port = relay.port_or_known_default().unwrap_or(8080);
    format!("127.0.0.1:{port}")
}

/// The same, read.
pub fn config(
    addresses: &Addresses,
    store: &Path,
    contact_type_field: &str,
) -> Result<Config, ConfigError> {
    read_config(&config_text(addresses, store, contact_type_field))
}

/// Reads a configuration whose paths are absolute, and the environment not at all.
pub fn read_config(text: &str) -> Result<Config, ConfigError> {
    Config::parse(text, Path::new(""), HashMap::new())
}

/// The tab that holds the contact type, as SOP B names it.
pub const TAB: &str = "Clear Connection";
/// The contact type's label.
pub const TYPE_FIELD: &str = "Contact Type";
/// Another field of the same contacts, which no write of ours may change.
pub const GOAL_FIELD: &str = "Skin Goal";
/// The product whose subscriptions are none of ours (E47, E49).
pub const STORE_PRODUCT: u64 = 20;

/// Sets up what every tenant of the CRM has before anybody is in it: the coaching product, the
/// contact type field. Returns the field's id.
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

/// Writes the shipped procedure into `folder` with another rule for judging opens (A4).
pub fn write_procedures(folder: &Path, rule: &str) -> Result<(), String> {
    let usual = "rule = \"as_keap_shows\"";
    let text = relay_core::procedure::SHIPPED;
    if !text.contains(usual) {
        return Err(format!("the shipped procedure has no line {usual}"));
    }
    let scripts = folder.join("scripts");
    let write = |path: std::path::PathBuf, text: &str| {
        std::fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))
    };
    std::fs::create_dir_all(&scripts).map_err(|error| format!("{}: {error}", scripts.display()))?;
    let text = text.replace(usual, &format!("rule = \"{rule}\""));
    write(folder.join("missed-check-in.toml"), &text)?;
    for script in ["S1", "S1-date-only", "S2", "S3", "S4", "S5"] {
        let file = format!("{script}.txt");
        let text = relay_core::scripts::shipped(&file)
            .ok_or_else(|| format!("there is no script {file}"))?;
        write(scripts.join(file), &text)?;
    }
    Ok(())
}
