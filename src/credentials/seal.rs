//! Seals what is stored, so that a copy of the database opens nothing.
//!
//! XChaCha20-Poly1305 with a random nonce. Bound into each sealed text are the name it is kept
//! under, its version and the id of the key: a text that was copied to another row, or set beside
//! another version, does not open.
//!
//! A key's id is a fingerprint of the key itself, so an id can't be given to the wrong key, and an
//! error can name the key that is missing.
//!
//! Not guaranteed: that a whole row set back to an older state is noticed. Keys lie beside the
//! configuration: whoever reads both that and the database reads the tokens.

use std::fmt;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use relay_core::random::Random;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

/// Bytes of a key.
pub const KEY_BYTES: usize = 32;
/// Bytes of a nonce.
const NONCE_BYTES: usize = 24;

/// Why something can't be sealed or opened.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SealError {
    /// It was sealed with a key we don't have.
    #[error(
        "what is stored was sealed with the encryption key {wanted}, and configured is {known}; add \
         that key to secrets.encryption_keys, or connect anew"
    )]
    MissingKey {
        /// The id of the key.
        wanted: String,
        /// The ids that are configured.
        known: String,
    },
    /// The key fits, the text doesn't: it was changed or moved.
    #[error(
        "what is stored was damaged or moved since it was sealed; restore the database, or connect \
         anew"
    )]
    Damaged,
}

/// A key and its id.
#[derive(Clone)]
pub struct SealKey {
    id: String,
    cipher: XChaCha20Poly1305,
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SealKey").field(&self.id).finish()
    }
}

impl SealKey {
    /// Reads a key: 32 bytes in base64 or hexadecimal. `None` if it is neither.
    pub fn read(text: &SecretString) -> Option<Self> {
        let text = text.expose_secret().trim();
        let bytes = match text.len() {
            64 => hex::decode(text).ok()?,
            _ => [
                BASE64_STANDARD,
                BASE64_STANDARD_NO_PAD,
                BASE64_URL_SAFE_NO_PAD,
            ]
            .iter()
            .find_map(|form| form.decode(text).ok())?,
        };
        let bytes: [u8; KEY_BYTES] = bytes.try_into().ok()?;
        let mut hash = Sha256::new();
        hash.update(b"clear-relay key id\0");
        hash.update(bytes);
        Some(Self {
            id: hex::encode(&hash.finalize()[..4]),
            cipher: XChaCha20Poly1305::new(&Key::from(bytes)),
        })
    }

    /// The fingerprint.
    pub fn id(&self) -> &str {
        &self.id
    }
}

/// A new key, as it is written to a file.
pub fn new_key(random: &dyn Random) -> SecretString {
    let mut bytes = [0; KEY_BYTES];
    random.fill(&mut bytes);
    SecretString::from(BASE64_STANDARD.encode(bytes))
}

/// Seals with the present key, and opens with that and older ones.
#[derive(Debug, Clone)]
pub struct Sealer {
    present: SealKey,
    older: Vec<SealKey>,
}

impl Sealer {
    /// Seals with `present` from now on.
    pub fn new(present: SealKey, older: Vec<SealKey>) -> Self {
        Self { present, older }
    }

    /// The id of the key that seals.
    pub fn key_id(&self) -> &str {
        self.present.id()
    }

    /// Seals `text` for the row `name` at `version`.
    pub fn seal(
        &self,
        random: &dyn Random,
        name: &str,
        version: u64,
        text: &[u8],
    ) -> Result<Vec<u8>, SealError> {
        let mut nonce = [0; NONCE_BYTES];
        random.fill(&mut nonce);
        let bound = bound(name, version, self.key_id());
        let payload = Payload {
            msg: text,
            aad: &bound,
        };
        let cipher = &self.present.cipher;
        let sealed = cipher.encrypt(&XNonce::from(nonce), payload);
        let sealed = sealed.map_err(|_| SealError::Damaged)?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// Opens what was sealed for that row at that version with the key of that id.
    pub fn open(
        &self,
        key_id: &str,
        name: &str,
        version: u64,
        sealed: &[u8],
    ) -> Result<Vec<u8>, SealError> {
        let mut keys = std::iter::once(&self.present).chain(&self.older);
        let Some(key) = keys.find(|key| key.id == key_id) else {
            let keys = std::iter::once(&self.present).chain(&self.older);
            let known: Vec<&str> = keys.map(SealKey::id).collect();
            return Err(SealError::MissingKey {
                wanted: key_id.to_owned(),
                known: known.join(", "),
            });
        };
        let (nonce, text) = sealed
            .split_first_chunk::<NONCE_BYTES>()
            .ok_or(SealError::Damaged)?;
        let bound = bound(name, version, key_id);
        let payload = Payload {
            msg: text,
            aad: &bound,
        };
        let opened = key.cipher.decrypt(&XNonce::from(*nonce), payload);
        opened.map_err(|_| SealError::Damaged)
    }
}

/// What a sealed text is bound to. Lengths first, so that no two rows are bound to the same bytes.
fn bound(name: &str, version: u64, key_id: &str) -> Vec<u8> {
    let mut bytes = b"clear-relay credential 1\0".to_vec();
    for part in [name, key_id] {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part.as_bytes());
    }
    bytes.extend_from_slice(&version.to_be_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use relay_core::random::SeededRandom;

    use super::*;

    fn key(byte: u8) -> SealKey {
        SealKey::read(&SecretString::from(hex::encode([byte; KEY_BYTES]))).expect("a key")
    }

    #[test]
    fn a_key_is_read_from_base64_and_hexadecimal_and_nothing_else() {
        let bytes = [0xfb; KEY_BYTES];
        let id = key(0xfb).id;
        for text in [
            BASE64_STANDARD.encode(bytes),
            BASE64_STANDARD_NO_PAD.encode(bytes),
            BASE64_URL_SAFE_NO_PAD.encode(bytes),
            format!(" {}\n", hex::encode(bytes)),
        ] {
            let read = SealKey::read(&SecretString::from(text.clone()));
            assert_eq!(read.expect("a key").id, id, "{text}");
        }
        for text in [
            "",
            "short",
            &"zz".repeat(32),
            &BASE64_STANDARD.encode([1; 31]),
        ] {
            assert!(SealKey::read(&SecretString::from(text)).is_none(), "{text}");
        }
        let made = new_key(&SeededRandom::new(1));
        assert!(SealKey::read(&made).is_some());
    }

    #[test]
    fn what_was_sealed_opens_in_its_row_at_its_version_and_nowhere_else() {
        let (random, keys) = (SeededRandom::new(1), Sealer::new(key(1), vec![]));
        let sealed = keys.seal(&random, "crm", 3, b"secret").expect("sealed");
        let again = keys.seal(&random, "crm", 3, b"secret").expect("sealed");
        assert_ne!(sealed, again, "each has a nonce of its own");
        let id = keys.key_id();
        assert_eq!(keys.open(id, "crm", 3, &sealed), Ok(b"secret".to_vec()));
        assert_eq!(keys.open(id, "crm", 4, &sealed), Err(SealError::Damaged));
        assert_eq!(keys.open(id, "mail", 3, &sealed), Err(SealError::Damaged));
        let mut changed = sealed.clone();
        changed[40] ^= 1;
        assert_eq!(keys.open(id, "crm", 3, &changed), Err(SealError::Damaged));
        assert_eq!(keys.open(id, "crm", 3, b"short"), Err(SealError::Damaged));
    }

    #[test]
    fn an_older_key_opens_and_a_missing_one_is_named() {
        let random = SeededRandom::new(1);
        let before = Sealer::new(key(1), vec![]);
        let sealed = before.seal(&random, "crm", 1, b"secret").expect("sealed");
        let rotating = Sealer::new(key(2), vec![key(1)]);
        let opened = rotating.open(before.key_id(), "crm", 1, &sealed);
        assert_eq!(opened, Ok(b"secret".to_vec()));
        assert_eq!(rotating.key_id(), key(2).id);
        let wrong = Sealer::new(key(2), vec![]).open(before.key_id(), "crm", 1, &sealed);
        let text = wrong.expect_err("no key").to_string();
        assert!(
            text.contains(before.key_id()) && text.contains(&key(2).id),
            "{text}"
        );
        assert!(text.contains("secrets.encryption_keys"), "{text}");
    }
}
