//! The one event: somebody has texted.

use secrecy::{ExposeSecret as _, SecretString};
use subtle::ConstantTimeEq as _;

/// The largest event that is read, in bytes.
pub const MAX_BODY: usize = 16 * 1024;

/// Whether the secret in the path is the right one.
pub fn opens(secret: &SecretString, shown: Option<&str>) -> bool {
    let shown = shown.unwrap_or_default().as_bytes();
    secret.expose_secret().as_bytes().ct_eq(shown).into()
}

/// The id of the text that an event tells of; an id is letters and digits.
pub fn text_id(body: &[u8]) -> Option<String> {
    let event: serde_json::Value = serde_json::from_slice(body).ok()?;
    let id = event.get("text")?.as_str()?;
    let fits = !id.is_empty() && id.len() <= 40 && id.chars().all(|c| c.is_ascii_alphanumeric());
    fits.then(|| id.to_owned())
}
