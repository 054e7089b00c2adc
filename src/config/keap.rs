//! `[keap]`: the customer relationship system.

use std::collections::BTreeMap;

use relay_core::effects::CardRemoval;
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use super::VendorMode;
use super::reader::Reader;

pub(super) const EXAMPLE: &str = r#"[keap]
# "on", or "off": then `serve` refuses to start, because nothing can be followed up without it.
mode = "off"
base_url = "https://api.keap.com/crm"
# A service account key, made in Keap under Settings, API. Better in a file than here.
#key_file = "secrets/keap-key"
# The header the key travels in: "bearer", or "x-keap-api-key" where a tenant refuses the first.
header = "bearer"
# How a custom field is written so that no other field is lost: "full" sends all of them back,
# "single" the changed one, "v1_single" the changed one by the older interface.
custom_fields_mode = "full"
# What happens to the card of a stopped subscription, if nothing else uses it (A16, E46-E55):
# "deactivate", "delete" (can't be undone) or "keep".
card_removal = "deactivate"

# Webhooks arrive at /hooks/keap/SECRET. An id with its secret, at least 22 characters that no
# one can guess; a second id while they are changed. No secret here: every webhook is refused.
[keap.hook_secrets]
#a_file = "secrets/keap-hook-a"
#b_file = "secrets/keap-hook-b"

# The custom field that says In-Person or online: by its name and tab, or by id.
[keap.contact_type_field]
name = "Contact Type"
tab = "Clear Connection"
#id = "12"

# What counts as the coaching fee (A15, E47). By id, never by name. Nothing else is ever stopped.
[keap.coaching]
product_ids = []
plan_ids = []
"#;

/// 128 bits, as base64url writes them: the secret is all that authenticates a webhook.
const MIN_HOOK_SECRET: usize = 22;

/// The header a key travels in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyHeader {
    /// `Authorization: Bearer KEY`.
    Bearer,
    /// `X-Keap-API-Key: KEY`.
    ApiKey,
}

/// How a custom field is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CustomFieldsMode {
    /// All of them are sent back, one changed.
    Full,
    /// Only the changed one is sent.
    Single,
    /// Only the changed one is sent, through version 1 of the interface.
    V1Single,
}

/// Which custom field is the contact type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactTypeField {
    /// Its label.
    pub name: String,
    /// The tab it is on.
    pub tab: String,
    /// Its id, which settles it where the names don't.
    pub id: Option<String>,
}

/// What counts as the coaching fee.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coaching {
    /// Products whose subscriptions count.
    pub product_ids: Vec<String>,
    /// Plans whose subscriptions count.
    pub plan_ids: Vec<String>,
}

/// The section.
#[derive(Debug, Clone)]
pub struct KeapConfig {
    /// Whether it is used.
    pub mode: VendorMode,
    /// Where it is.
    pub base_url: Url,
    /// The service account key; there whenever `mode` is on.
    pub key: Option<SecretString>,
    /// How the key travels.
    pub header: KeyHeader,
    /// The secrets in webhook paths, by id.
    pub hook_secrets: BTreeMap<String, SecretString>,
    /// The contact type field.
    pub contact_type_field: ContactTypeField,
    /// What counts as the coaching fee.
    pub coaching: Coaching,
    /// What happens to the card.
    pub card_removal: CardRemoval,
    /// How custom fields are written.
    pub custom_fields_mode: CustomFieldsMode,
}

impl KeapConfig {
    pub(super) fn read(mut reader: Reader<'_>) -> Option<Self> {
        let mode = VendorMode::read(&mut reader);
        let base_url = reader.base_url("base_url", Some("https://api.keap.com/crm"));
        let key = reader.secret("key", "key_file");
        if mode == VendorMode::On && key.is_none() && !reader.is_mistaken("key_file") {
            reader.mistake(
                "key",
                "is missing",
                "write key_file = \"PATH\", or mode = \"off\"",
            );
        }
        let headers = [
            ("bearer", KeyHeader::Bearer),
            ("x-keap-api-key", KeyHeader::ApiKey),
        ];
        let header = reader.choice("header", &headers, KeyHeader::Bearer);
        let custom_fields_mode = reader.choice(
            "custom_fields_mode",
            &[
                ("full", CustomFieldsMode::Full),
                ("single", CustomFieldsMode::Single),
                ("v1_single", CustomFieldsMode::V1Single),
            ],
            CustomFieldsMode::Full,
        );
        let card_removal = reader.choice(
            "card_removal",
            &[
                ("deactivate", CardRemoval::Deactivate),
                ("delete", CardRemoval::Delete),
                ("keep", CardRemoval::Keep),
            ],
            CardRemoval::Deactivate,
        );
        let hook_secrets = hook_secrets(&mut reader);
        let contact_type_field = ContactTypeField::read(reader.section("contact_type_field"));
        let coaching = Coaching::read(reader.section("coaching"));
        reader.finish();
        Some(Self {
            mode,
            base_url: base_url?,
            key,
            header,
            hook_secrets,
            contact_type_field,
            coaching,
            card_removal,
            custom_fields_mode,
        })
    }
}

fn hook_secrets(reader: &mut Reader<'_>) -> BTreeMap<String, SecretString> {
    let secrets = reader.secrets("hook_secrets");
    for (id, secret) in &secrets {
        let text = secret.expose_secret();
        let fits_path = text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        if text.len() < MIN_HOOK_SECRET || !fits_path {
            reader.mistake(
                &format!("hook_secrets.{id}"),
                "can be guessed, or can't stand in a path",
                format!("write at least {MIN_HOOK_SECRET} random letters, digits, - or _"),
            );
        }
    }
    secrets
}

impl ContactTypeField {
    fn read(mut reader: Reader<'_>) -> Self {
        let field = Self {
            name: reader
                .text("name")
                .unwrap_or_else(|| "Contact Type".to_owned()),
            tab: reader
                .text("tab")
                .unwrap_or_else(|| "Clear Connection".to_owned()),
            id: reader.text("id"),
        };
        reader.finish();
        field
    }
}

impl Coaching {
    fn read(mut reader: Reader<'_>) -> Self {
        let coaching = Self {
            product_ids: reader.list("product_ids"),
            plan_ids: reader.list("plan_ids"),
        };
        reader.finish();
        coaching
    }
}
