//! `[clear_connection]`: the client portal.

use std::collections::BTreeMap;

use relay_clear_connection::webhook::{FIELDS, FieldMap, FieldMapError, WebhookKey};
use secrecy::SecretString;
use url::Url;

use super::addresses::{cut, ends_in};
use super::limits::LimitsConfig;
use super::reader::Reader;
use super::vendor_mode::VendorMode;
use super::vendors::{TellsCheckIns, VendorSection};

/// The crate of the adapter, as a filter of the log names it.
pub(super) const CRATE: &str = "relay_clear_connection";

pub(super) const EXAMPLE: &str = r#"[clear_connection]
# "on", or "off": then [check_ins] says who tells of check-ins.
mode = "off"
#base_url = "https://portal.example.test/api"
#token_file = "secrets/portal-token"

# Webhooks arrive at /hooks/clear-connection, signed by the Standard Webhooks scheme. An id with
# its key (whsec_ and base64 of 24 to 64 random bytes); a second id while they are changed. No
# key here: every webhook is refused.
[clear_connection.webhook_keys]
#a_file = "secrets/portal-webhook-a"
#b_file = "secrets/portal-webhook-b"

# What the portal offers. A message or note that it does not offer ends as a work item.
[clear_connection.capabilities]
events = true
messages = true
message_read = true
notes = true
end_program = true
documents = true

# How much the portal is asked. Without calls_per_minute: as much as there is to ask.
[clear_connection.limits]
#calls_per_minute = 600
#burst = 20
# So many calls in a row that meet no answer or a server error, and it is left alone for a while.
breaker_failures = 5
# How long work may wait for the portal before an admin gets a work item.
tell_after_minutes = 60

# Where a portal's payloads differ from the published contract: our name = JSON pointer.
[clear_connection.fields]
#client_id = "/data/client/id"
"#;

/// What the portal offers.
#[expect(
    clippy::struct_excessive_bools,
    reason = "six independent offers, each there or not"
)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PortalCapabilities {
    /// It sends events; else it is polled.
    pub events: bool,
    /// Messages can be listed and sent.
    pub messages: bool,
    /// It tells when a message was read.
    pub message_read: bool,
    /// Quiet notes can be listed and written.
    pub notes: bool,
    /// A program can be ended by a call.
    pub end_program: bool,
    /// Documents can be fetched.
    pub documents: bool,
}

/// The section.
#[derive(Debug, Clone)]
pub struct ClearConnectionConfig {
    /// Whether it is used.
    pub mode: VendorMode,
    /// Where it is; there whenever `mode` is on.
    pub base_url: Option<Url>,
    /// The bearer token; there whenever `mode` is on.
    pub token: Option<SecretString>,
    /// The keys that verify webhooks, by id, as `whsec_…`.
    pub webhook_keys: BTreeMap<String, SecretString>,
    /// What the portal offers.
    pub capabilities: PortalCapabilities,
    /// Our name of a field → JSON pointer into the payload.
    pub fields: BTreeMap<String, String>,
    /// How much it may be asked.
    pub limits: LimitsConfig,
}

impl VendorSection for ClearConnectionConfig {
    fn read(reader: Reader<'_>) -> Option<Self> {
        Some(Self::of(reader))
    }

    fn is_on(&self) -> bool {
        self.mode == VendorMode::On
    }

    fn limits(&self) -> Option<&LimitsConfig> {
        Some(&self.limits)
    }

    fn addresses(&self) -> Vec<(&'static str, &Url)> {
        let base = self.base_url.as_ref();
        base.map(|url| ("clear_connection.base_url", url))
            .into_iter()
            .collect()
    }

    fn tells_check_ins(&self) -> Option<TellsCheckIns> {
        Some(TellsCheckIns {
            key: "clear_connection.mode",
            on: self.is_on(),
            how: "clear_connection.mode = \"on\", with its address and its token",
            off: "write clear_connection.mode = \"off\"",
            is_looked_up: false,
        })
    }
}

impl ClearConnectionConfig {
    fn of(mut reader: Reader<'_>) -> Self {
        let mode = VendorMode::read(&mut reader);
        let asked_url = base_url(&mut reader, "base_url");
        let token = reader.secret("token", "token_file");
        let webhook_keys = webhook_keys(&mut reader);
        let capabilities = PortalCapabilities::read(reader.section("capabilities"));
        let fields = fields(&mut reader);
        let limits = LimitsConfig::read(reader.section("limits"), None);
        if mode == VendorMode::On {
            let off = "or mode = \"off\"";
            if asked_url.is_none() && !reader.is_mistaken("base_url") {
                let remedy = format!("write base_url = \"https://HOST/PATH\", {off}");
                reader.mistake("base_url", "is missing", remedy);
            }
            if token.is_none() && !reader.is_mistaken("token_file") {
                let remedy = format!("write token_file = \"PATH\", {off}");
                reader.mistake("token", "is missing", remedy);
            }
            let no_key = webhook_keys.is_empty() && !reader.is_mistaken("webhook_keys");
            if capabilities.events && no_key {
                reader.mistake(
                    "webhook_keys",
                    "has no key, so every event would be refused",
                    "write a_file = \"PATH\" there, or capabilities.events = false",
                );
            }
        }
        reader.finish();
        Self {
            mode,
            base_url: asked_url,
            token,
            webhook_keys,
            capabilities,
            fields,
            limits,
        }
    }
}

impl PortalCapabilities {
    fn read(mut reader: Reader<'_>) -> Self {
        let capabilities = Self {
            events: reader.flag("events", true),
            messages: reader.flag("messages", true),
            message_read: reader.flag("message_read", true),
            notes: reader.flag("notes", true),
            end_program: reader.flag("end_program", true),
            documents: reader.flag("documents", true),
        };
        reader.finish();
        capabilities
    }
}

/// The end of a path that the client of the portal adds itself.
const ENDS: [&str; 5] = ["clients", "coaches", "check-ins", "messages", "notes"];

/// `clear_connection.base_url`, where it can be the portal's.
fn base_url(reader: &mut Reader<'_>, key: &'static str) -> Option<Url> {
    let url = reader.base_url(key, None)?;
    if !ends_in(&url, &ENDS) {
        return Some(url);
    }
    let remedy = format!(
        "write {key} = {:?}: the relay adds the rest itself",
        cut(&url)
    );
    reader.mistake(key, format!("is the address of one call: {url}"), remedy);
    None
}

/// The adapter says what a key and a field may be, so that nothing passes here and fails there.
fn webhook_keys(reader: &mut Reader<'_>) -> BTreeMap<String, SecretString> {
    let keys = reader.secrets("webhook_keys");
    for (id, key) in &keys {
        if let Err(error) = WebhookKey::new(id, key) {
            reader.mistake(
                &format!("webhook_keys.{id}"),
                error.to_string(),
                "write whsec_ and the base64 of 24 to 64 random bytes",
            );
        }
    }
    if keys.len() > 2 {
        reader.mistake(
            "webhook_keys",
            format!("has {} keys", keys.len()),
            "keep the present one and, during a change, the next",
        );
    }
    keys
}

fn fields(reader: &mut Reader<'_>) -> BTreeMap<String, String> {
    let fields = reader.texts("fields");
    for (name, pointer) in &fields {
        let alone = BTreeMap::from([(name.clone(), pointer.clone())]);
        let remedy = match FieldMap::new(alone) {
            Ok(_) => continue,
            Err(FieldMapError::UnknownField(_)) => format!("known here: {}", FIELDS.join(", ")),
            Err(FieldMapError::BadPointer(_)) => {
                "write it with a leading slash, such as \"/data/client/id\"".to_owned()
            }
        };
        let wrong = format!("can't be mapped to {pointer:?}");
        reader.mistake(&format!("fields.{name}"), wrong, remedy);
    }
    fields
}
