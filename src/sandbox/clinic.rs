//! The invented clinic that the box stands for: its credentials and its configuration.
//!
//! Every secret here is public and worth nothing: it opens emulators only.

use std::collections::HashMap;
use std::path::Path;

use relay_keap::emulator::Keap;
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
contact_type_field = {{ id = "{contact_type_field}" }}
coaching = {{ product_ids = ["{COACHING_PRODUCT}"] }}

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
    let text = config_text(addresses, store, contact_type_field);
    Config::parse(&text, Path::new(""), HashMap::new())
}

/// Sets up what every tenant of the CRM has before anybody is in it: the coaching product, the
/// contact type field. Returns the field's id.
pub fn furnish(keap: &Keap) -> Result<String, String> {
    let _ = keap;
    Err("not yet".to_owned())
}
