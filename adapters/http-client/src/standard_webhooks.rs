//! Who sent this webhook? [Standard Webhooks](https://www.standardwebhooks.com), symmetric scheme `v1`.
//!
//! People: whoever signs what is sent to us, and needs a refusal that names the fault; anybody on the
//! internet, who may send to the same address. The adapters whose senders sign this way use it under
//! their own `webhook` module.
//!
//! Signed is `id.timestamp.body`; the header `webhook-signature` lists one or more signatures,
//! separated by spaces, each `v1,` and base64; other schemes in the list are passed over. During a
//! rotation two keys are valid at once, on the sender's side, on ours, or on both.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::HeaderMap;
use relay_core::time::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq as _};
use thiserror::Error;

/// The largest body that is read: 256 KiB.
pub const MAX_BODY: usize = 256 * 1024;

/// How far the sender's clock may be from ours, both ways: five minutes of procedure time.
pub const TOLERANCE: SignedDuration = SignedDuration::from_mins(5);

/// The most keys that are valid at once: the present one and, during a rotation, the other.
pub const MAX_KEYS: usize = 2;

/// The longest `webhook-id`, in bytes.
const MAX_ID: usize = 128;
/// The longest `webhook-timestamp`, in bytes.
const MAX_TIMESTAMP: usize = 20;
/// The longest `webhook-signature`, in bytes; room for a dozen signatures.
const MAX_SIGNATURES: usize = 1024;

/// The length of a signature of the scheme `v1`, in bytes.
const SIGNATURE: usize = 32;

/// A key shared with a sender.
#[derive(Clone)]
pub struct WebhookKey {
    id: String,
    mac: Hmac<Sha256>,
}

impl fmt::Debug for WebhookKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookKey")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// Why a key can't be used. Says nothing of its value.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyError {
    /// No prefix.
    #[error("webhook key {0:?} doesn't begin with `whsec_`")]
    Prefix(String),
    /// Not base64.
    #[error("webhook key {0:?} is not base64 after `whsec_`")]
    Encoding(String),
    /// Too short to be safe, or longer than the standard allows.
    #[error("webhook key {0:?} must have 24 to 64 bytes")]
    Length(String),
    /// Two keys of one name can't be told apart afterwards.
    #[error("two webhook keys are called {0:?}")]
    Twice(String),
    /// An old key that is never taken away is a second way in.
    #[error("at most two webhook keys may be valid at once")]
    TooMany,
}

impl WebhookKey {
    /// The key called `id` with the value `secret`: `whsec_` and base64 of 24 to 64 bytes.
    pub fn new(id: &str, secret: &SecretString) -> Result<Self, KeyError> {
        let encoded = secret
            .expose_secret()
            .strip_prefix("whsec_")
            .ok_or_else(|| KeyError::Prefix(id.to_owned()))?;
        let bytes = STANDARD
            .decode(encoded)
            .map_err(|_| KeyError::Encoding(id.to_owned()))?;
        if !(24..=64).contains(&bytes.len()) {
            return Err(KeyError::Length(id.to_owned()));
        }
        let mac = Hmac::new_from_slice(&bytes).map_err(|_| KeyError::Length(id.to_owned()))?;
        Ok(Self {
            id: id.to_owned(),
            mac,
        })
    }

    /// Its name.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The signature of a message, as it stands in `webhook-signature`. What a sender does; here
    /// for emulators and tests.
    pub fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> String {
        let signature = self.signature(id, &timestamp.to_string(), body);
        format!("v1,{}", STANDARD.encode(signature))
    }

    fn signature(&self, id: &str, timestamp: &str, body: &[u8]) -> [u8; 32] {
        let mut mac = self.mac.clone();
        for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

/// What verification found: a message that one of our keys signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The `webhook-id`: the same for every repeat of one event, so it tells duplicates forever.
    pub id: String,
    /// The id (never the value) of the key that verified it.
    pub key_id: String,
    /// When this attempt was signed; not when the event happened.
    pub sent_at: Timestamp,
}

/// Why a request is refused, in words for the sender's developer: no secret, no content.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum VerifyError {
    /// Nobody could be verified, so nobody is believed.
    #[error("no webhook key is configured here; every event is refused")]
    NoKeyConfigured,
    /// The body is larger than [`MAX_BODY`].
    #[error("the body is larger than 262144 bytes")]
    BodyTooLarge,
    /// One of the three headers is missing.
    #[error("the header {0} is missing")]
    MissingHeader(&'static str),
    /// One of the three headers is there twice: the two sides could read different ones.
    #[error("the header {0} is there more than once")]
    DuplicateHeader(&'static str),
    /// One of the three headers is longer than anything valid.
    #[error("the header {0} is too long")]
    OversizedHeader(&'static str),
    /// The id is empty, has a full stop (it separates the signed parts), spaces or odd characters.
    #[error("the header webhook-id must be 1 to 128 visible ASCII characters without a full stop")]
    BadId,
    /// Not whole seconds since 1970.
    #[error("the header webhook-timestamp must be whole seconds since 1970-01-01T00:00:00Z")]
    BadTimestamp,
    /// Signed too long ago, or in the future: an old recording, or a clock that is wrong.
    #[error("the timestamp is {0} seconds from our clock; at most 300 are allowed")]
    TimestampOutsideWindow(i64),
    /// No signature in the list is one of ours.
    #[error(
        "no v1 signature matches; sign `id.timestamp.body` over the bytes exactly as they are sent"
    )]
    SignatureMismatch,
}

impl VerifyError {
    /// A stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoKeyConfigured => "no_key_configured",
            Self::BodyTooLarge => "body_too_large",
            Self::MissingHeader(_) => "missing_header",
            Self::DuplicateHeader(_) => "duplicate_header",
            Self::OversizedHeader(_) => "oversized_header",
            Self::BadId => "bad_id",
            Self::BadTimestamp => "bad_timestamp",
            Self::TimestampOutsideWindow(_) => "timestamp_outside_window",
            Self::SignatureMismatch => "signature_mismatch",
        }
    }
}

/// The keys that are valid now. Without one, everything is refused.
#[derive(Debug, Clone, Default)]
pub struct KeyRing(Vec<WebhookKey>);

impl KeyRing {
    /// At most [`MAX_KEYS`] keys with different names.
    pub fn new(keys: Vec<WebhookKey>) -> Result<Self, KeyError> {
        if keys.len() > MAX_KEYS {
            return Err(KeyError::TooMany);
        }
        if let [first, second] = keys.as_slice()
            && first.id == second.id
        {
            return Err(KeyError::Twice(first.id.clone()));
        }
        Ok(Self(keys))
    }

    /// Whether the headers of a request can belong to one of ours at `now`, procedure time: told
    /// before its body is read. What passes is not verified yet.
    pub fn admit(&self, headers: &HeaderMap, now: Timestamp) -> Result<(), VerifyError> {
        let claim = self.claim(headers, now)?;
        if claim.candidates.is_empty() {
            return Err(VerifyError::SignatureMismatch);
        }
        Ok(())
    }

    /// Verifies the raw bytes of a request at `now`, procedure time.
    pub fn verify(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Delivery, VerifyError> {
        if body.len() > MAX_BODY {
            return Err(VerifyError::BodyTooLarge);
        }
        let claim = self.claim(headers, now)?;
        for key in &self.0 {
            let expected = key.signature(claim.id, claim.timestamp, body);
            // Every candidate is compared whole, so the time taken tells nothing.
            let mut found = Choice::from(0);
            for candidate in &claim.candidates {
                found |= candidate.as_slice().ct_eq(expected.as_slice());
            }
            if bool::from(found) {
                return Ok(Delivery {
                    id: claim.id.to_owned(),
                    key_id: key.id.clone(),
                    sent_at: claim.sent_at,
                });
            }
        }
        Err(VerifyError::SignatureMismatch)
    }

    fn claim<'h>(&self, headers: &'h HeaderMap, now: Timestamp) -> Result<Claim<'h>, VerifyError> {
        if self.0.is_empty() {
            return Err(VerifyError::NoKeyConfigured);
        }
        let id = header(headers, "webhook-id", MAX_ID)?;
        let timestamp = header(headers, "webhook-timestamp", MAX_TIMESTAMP)?;
        let signatures = header(headers, "webhook-signature", MAX_SIGNATURES)?;
        if id.is_empty() || !id.bytes().all(|b| b.is_ascii_graphic() && b != b'.') {
            return Err(VerifyError::BadId);
        }
        Ok(Claim {
            id,
            timestamp,
            sent_at: timely(timestamp, now)?,
            candidates: decode(signatures),
        })
    }
}

/// What the headers of a request claim.
struct Claim<'h> {
    id: &'h str,
    timestamp: &'h str,
    sent_at: Timestamp,
    /// The signatures of the scheme `v1`.
    candidates: Vec<Vec<u8>>,
}

fn header<'a>(
    headers: &'a HeaderMap,
    name: &'static str,
    longest: usize,
) -> Result<&'a str, VerifyError> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().ok_or(VerifyError::MissingHeader(name))?;
    if values.next().is_some() {
        return Err(VerifyError::DuplicateHeader(name));
    }
    if value.len() > longest {
        return Err(VerifyError::OversizedHeader(name));
    }
    // A value that is not text can't be right; empty fails each header's own check.
    Ok(value.to_str().unwrap_or_default())
}

fn timely(timestamp: &str, now: Timestamp) -> Result<Timestamp, VerifyError> {
    if timestamp.is_empty() || !timestamp.bytes().all(|b| b.is_ascii_digit()) {
        return Err(VerifyError::BadTimestamp);
    }
    let sent_at = timestamp
        .parse()
        .ok()
        .and_then(|seconds| Timestamp::from_second(seconds).ok())
        .ok_or(VerifyError::BadTimestamp)?;
    // Whole seconds on both sides: the sender could not say more.
    let apart = now.as_second() - sent_at.as_second();
    if apart.abs() > TOLERANCE.as_secs() {
        return Err(VerifyError::TimestampOutsideWindow(apart));
    }
    Ok(sent_at)
}

fn decode(signatures: &str) -> Vec<Vec<u8>> {
    signatures
        .split(' ')
        .filter_map(|signature| signature.strip_prefix("v1,"))
        .filter_map(|encoded| STANDARD.decode(encoded).ok())
        .filter(|signature| signature.len() == SIGNATURE)
        .collect()
}
