//! What every emulator holds: its clock and dice, what it wrote down, the faults on order, the way to
//! the receivers of its hooks.

use std::fmt::{self, Display, Write as _};
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method};
use relay_core::random::Random;
use relay_core::time::{Clock, SignedDuration, Timestamp, later};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tracing::warn;
use url::Url;

use super::described::{Mismatch, Side};
use super::faults::Faults;
use crate::{Answer, Call, Transport};

/// A receiver of hooks has this long, real time.
const RECEIVER_LIMIT: Duration = Duration::from_secs(30);

/// More than so many different mismatches are one finding.
const MOST_MISMATCHES: usize = 200;

/// A mutating request that an emulator accepted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Accepted {
    /// When, on the emulator's clock.
    pub at: Timestamp,
    /// What: the name of the effect it carries out (`portal_message`, `email`, …), or of the
    /// operation where no effect does it (`create_hook`).
    pub operation: String,
    /// For whom: the vendor's id of the client or contact; empty where there is none.
    pub who: String,
    /// What it said: the decoded content, without credentials.
    pub content: serde_json::Value,
}

/// The shared part of an emulator, which the emulator is built around.
pub struct Kit {
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    accepted: Mutex<Vec<Accepted>>,
    faults: Faults,
    acknowledged: Mutex<Vec<String>>,
    mismatches: Mutex<Vec<(Side, Mismatch)>>,
    transport: Mutex<Option<Arc<dyn Transport>>>,
    delivering: tokio::sync::Mutex<()>,
}

impl fmt::Debug for Kit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What was accepted is people: it is not shown.
        f.debug_struct("Kit").finish_non_exhaustive()
    }
}

impl Kit {
    /// A kit on this clock and these dice. One seed replays everything.
    pub fn new(clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        Self {
            clock,
            random,
            accepted: Mutex::default(),
            faults: Faults::default(),
            acknowledged: Mutex::default(),
            mismatches: Mutex::default(),
            transport: Mutex::default(),
            delivering: tokio::sync::Mutex::default(),
        }
    }

    /// Virtual time: the emulator knows no other.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// An instant some seconds from now, drawn from the range.
    pub fn soon(&self, seconds: &RangeInclusive<u32>) -> Timestamp {
        seconds_later(self.now(), self.draw(seconds))
    }

    /// A number of seconds from the range.
    pub fn draw(&self, seconds: &RangeInclusive<u32>) -> u32 {
        let span = u64::from(seconds.end().saturating_sub(*seconds.start())) + 1;
        let offset = u32::try_from(self.random.next_u64() % span).unwrap_or(0);
        seconds.start().saturating_add(offset)
    }

    /// A fresh id that says what it names (`msg_0f…`). 48 random bits: enough for an emulated clinic.
    pub fn named_id(&self, what: &str) -> String {
        format!("{what}_{:012x}", self.random.next_u64() >> 16)
    }

    /// Sixteen random bytes as hex: for secrets and tokens.
    pub fn secret(&self) -> String {
        let mut bytes = [0; 16];
        self.random.fill(&mut bytes);
        bytes.iter().fold(String::new(), |mut text, byte| {
            // Writing to a string can't fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    /// A fresh id in the time-ordered form of a UUID: for requests.
    pub fn request_id(&self) -> String {
        self.random.uuid(self.now()).to_string()
    }

    /// Writes down an accepted request.
    pub fn accept(&self, operation: &str, who: &dyn Display, content: Value) {
        lock(&self.accepted).push(Accepted {
            at: self.now(),
            operation: operation.to_owned(),
            who: who.to_string(),
            content,
        });
    }

    /// Every request accepted so far, in order.
    pub fn accepted(&self) -> Vec<Accepted> {
        lock(&self.accepted).clone()
    }

    /// The faults on order.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Writes down the key of a delivery that was answered with success.
    pub fn acknowledge(&self, key: String) {
        lock(&self.acknowledged).push(key);
    }

    /// The keys of the deliveries that were answered with success, in order.
    pub fn acknowledged(&self) -> Vec<String> {
        lock(&self.acknowledged).clone()
    }

    /// Notes down in what an exchange differed from the vendor's description, each thing once.
    pub fn note(&self, vendor: &str, side: Side, found: Vec<Mismatch>) {
        let mut noted = lock(&self.mismatches);
        for mismatch in found {
            let entry = (side, mismatch);
            if noted.len() < MOST_MISMATCHES && !noted.contains(&entry) {
                warn!(vendor, side = ?side, "not as the vendor describes it: {}", entry.1);
                noted.push(entry);
            }
        }
    }

    /// What was noted down of one side. Survives [`reset`](Self::reset).
    pub fn mismatches(&self, side: Side) -> Vec<String> {
        let noted = lock(&self.mismatches);
        let of_side = noted.iter().filter(|(of, _)| *of == side);
        of_side.map(|(_, mismatch)| mismatch.to_string()).collect()
    }

    /// What carries deliveries. Without one nothing arrives.
    pub fn set_hook_transport(&self, transport: Arc<dyn Transport>) {
        *lock(&self.transport) = Some(transport);
    }

    /// Whether there is a way to the receivers.
    pub fn can_deliver(&self) -> bool {
        lock(&self.transport).is_some()
    }

    /// POSTs to a receiver; `None` if no answer came within thirty seconds, real time.
    pub async fn post(&self, url: &str, headers: HeaderMap, body: String) -> Option<Answer> {
        let transport = lock(&self.transport).as_ref().map(Arc::clone)?;
        let call = Call {
            method: Method::POST,
            url: Url::parse(url).ok()?,
            headers,
            body: Bytes::from(body),
            timeout: RECEIVER_LIMIT,
        };
        transport.send(call).await.ok()
    }

    /// Held while delivering: two drivers at once would each send what is due.
    pub async fn one_driver(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.delivering.lock().await
    }

    /// Forgets what was accepted and acknowledged, and every order of a fault.
    pub fn reset(&self) {
        lock(&self.accepted).clear();
        self.faults.clear();
        lock(&self.acknowledged).clear();
    }
}

/// The instant so many seconds after `at`: switches of emulators are in whole seconds.
pub fn seconds_later(at: Timestamp, seconds: u32) -> Timestamp {
    later(at, SignedDuration::from_secs(seconds.into()))
}

/// A lock that a panic elsewhere doesn't poison: an emulator outlives a failed test.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
