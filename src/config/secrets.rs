//! `[secrets]`: what seals the tokens in the database.

use secrecy::SecretString;

use super::reader::Reader;
use crate::credentials::SealKey;

pub(super) const EXAMPLE: &str = r#"[secrets]
# Seals the tokens that the relay stores. Needed where a credential is "oauth". Make one with
# `clear-relay connect new-key > secrets/encryption-key`, and keep a copy away from the database:
# without it what is stored can't be opened, and somebody has to connect anew.
#encryption_key_file = "secrets/encryption-key"

# The keys before it, by any name, while what they have sealed is still in use.
[secrets.encryption_keys]
#before_file = "secrets/encryption-key-before"
"#;

/// The section.
#[derive(Debug, Clone, Default)]
pub struct SecretsConfig {
    /// Seals and opens.
    pub encryption_key: Option<SealKey>,
    /// Only open.
    pub older_keys: Vec<SealKey>,
}

impl SecretsConfig {
    pub(super) fn read(mut reader: Reader<'_>) -> Self {
        let present = reader.secret("encryption_key", "encryption_key_file");
        let encryption_key = present.and_then(|text| key(&reader, "encryption_key", &text));
        let older = reader.secrets("encryption_keys");
        let older_keys = older
            .iter()
            .filter_map(|(id, text)| key(&reader, &format!("encryption_keys.{id}"), text))
            .collect();
        reader.finish();
        Self {
            encryption_key,
            older_keys,
        }
    }
}

fn key(reader: &Reader<'_>, name: &str, text: &SecretString) -> Option<SealKey> {
    let key = SealKey::read(text);
    if key.is_none() {
        reader.mistake(
            name,
            "is no encryption key",
            "write 32 random bytes in base64 or hexadecimal: clear-relay connect new-key",
        );
    }
    key
}
