//! The invented clinic that the box stands for: its credentials and its configuration.
//!
//! Every secret here is public and worth nothing: it opens emulators only.

use std::collections::HashMap;
use std::path::Path;

use url::Url;

use crate::config::{Config, ConfigError};
use crate::sandbox::cast::CastCoach;
use crate::wiring::{clear_connection, keap};

pub use clear_connection::emulated::{PORTAL_TOKEN, WEBHOOK_KEY};
pub use keap::emulated::{
    AUTOMATION_SECRET, COACHING_PRODUCT, GOAL_FIELD, HOOK_EVENTS, HOOK_SECRET, KEAP_KEY,
    STORE_PRODUCT, TAB, TYPE_FIELD, furnish,
};

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

/// The configuration of a relay that works in this clinic, as the file it would have: with the vendors
/// that the procedures need, at addresses where nobody need be.
pub fn config_text(addresses: &Addresses, store: &Path, contact_type_field: &str) -> String {
    let sections = [
        keap::emulated::section(&addresses.keap, contact_type_field),
        clear_connection::emulated::section(&addresses.portal),
    ];
    file(&addresses.relay, store, &sections, Staff::default())
}

/// How a clinic's staff work with the relay.
#[derive(Debug, Clone, Copy, Default)]
pub struct Staff<'a> {
    /// The steps whose coach is asked before a message goes out (A30).
    pub ask_first: &'a [String],
    /// The Program Manager, where she is asked in the CRM.
    pub manager: Option<&'a CastCoach>,
    /// How many new tasks a coach gets on a day at most; without, so many that none waits.
    pub tasks_a_day: Option<u32>,
}

/// The same, with these sections of vendors.
pub fn file(relay: &Url, store: &Path, sections: &[String], staff: Staff<'_>) -> String {
    let asks = match staff.ask_first {
        [] => String::new(),
        steps => format!("ask_first = {steps:?}\n"),
    };
    let manager = staff.manager.map(|manager| {
        let (name, email) = (&manager.name, &manager.email);
        format!("program_manager = {name:?}\nprogram_manager_user = {email:?}\n")
    });
    format!(
        r#"# A relay against emulated vendors. Nothing in it is secret.
[store]
path = "{store}"

[http]
listen = "{listen}"
public_url = "{relay}"

[clinic]
holidays = ["2027-01-01"]

# Two coaches for everybody.
[people]
coach_tasks_a_day = {tasks_a_day}
{manager}
{sections}
[procedures.missed_check_in]
mode = "act"
{asks}"#,
        store = store.display(),
        tasks_a_day = staff.tasks_a_day.unwrap_or(100),
        manager = manager.unwrap_or_default(),
        listen = listen(relay),
        sections = sections.join(
            "
"
        ),
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
