//! What every vendor's emulator shares: the book of accepted requests, faults on order, and the
//! vendor's own description, which every exchange is held against ([`described`]).
//!
//! An emulator is an axum router over a state machine with an injected clock. It keeps a book of
//! every mutating request it *accepted* (that changed its state), which is what expectations are
//! compared with: never the relay's own opinion. A fault strikes before or after the state
//! changes; the second kind is the one that tells a good client from a bad one.

mod check;
pub mod described;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use relay_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Outcome;

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

/// A book that is only ever added to: accepted requests, or the keys of acknowledged deliveries.
#[derive(Debug)]
pub struct Book<T = Accepted>(Mutex<Vec<T>>);

impl<T> Default for Book<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone> Book<T> {
    /// Writes an entry.
    pub fn add(&self, entry: T) {
        self.entries().push(entry);
    }

    /// Every entry so far, in order.
    pub fn all(&self) -> Vec<T> {
        self.entries().clone()
    }

    /// Forgets everything.
    pub fn clear(&self) {
        self.entries().clear();
    }

    fn entries(&self) -> MutexGuard<'_, Vec<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// When a fault strikes, as seen from the emulator's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// Before anything changed.
    Before,
    /// After the request was carried out.
    After,
}

/// What the caller meets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "snake_case")]
pub enum FaultAct {
    /// An answer with this status.
    Status {
        /// The status.
        code: u16,
        /// `Retry-After` in seconds, if any.
        #[serde(default)]
        retry_after: Option<u32>,
        /// The body; the vendor's usual error shape if `None`.
        #[serde(default)]
        body: Option<String>,
    },
    /// No answer.
    Hang,
    /// The connection is cut.
    Reset,
    /// The connection is refused; strikes before in any case.
    Refuse,
    /// The request is carried out and answered this much later; strikes after in any case. Whether
    /// that is too late is for the caller's limit to say.
    Slow {
        /// Seconds, of the caller's real time.
        seconds: u32,
    },
}

impl FaultAct {
    /// The transport outcome, where it is not an answer.
    pub fn outcome(&self) -> Option<Outcome> {
        match self {
            Self::Status { .. } => None,
            Self::Hang => Some(Outcome::Hang),
            Self::Reset => Some(Outcome::Reset),
            Self::Refuse => Some(Outcome::Refuse),
            Self::Slow { seconds } => Some(Outcome::Late(Duration::from_secs((*seconds).into()))),
        }
    }
}

/// A fault on order: strikes `times` requests of `operation` after letting `skip` of them pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultRule {
    /// The operation as the emulator names it, or `*` for every request.
    pub operation: String,
    /// When it strikes.
    pub moment: Moment,
    /// What the caller meets.
    #[serde(flatten)]
    pub act: FaultAct,
    /// Requests let pass first.
    #[serde(default)]
    pub skip: u32,
    /// Requests struck.
    #[serde(default = "once")]
    pub times: u32,
}

fn once() -> u32 {
    1
}

/// The faults on order.
#[derive(Debug, Default)]
pub struct Faults(Mutex<Vec<FaultRule>>);

impl Faults {
    /// Orders a fault. A refused connection strikes before, whatever the order says: what was
    /// refused was never carried out. A slow answer strikes after: it is the real one.
    pub fn order(&self, mut rule: FaultRule) {
        match rule.act {
            FaultAct::Refuse => rule.moment = Moment::Before,
            FaultAct::Slow { .. } => rule.moment = Moment::After,
            _ => {}
        }
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(rule);
    }

    /// The orders that have not been used up, with the requests they will still strike.
    pub fn left(&self) -> Vec<FaultRule> {
        let rules = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let left = rules.iter().filter(|rule| rule.times > 0);
        left.cloned().collect()
    }

    /// Cancels every order.
    pub fn clear(&self) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    /// The fault that strikes this request at this moment, if one does. Asked once per moment of
    /// a request, because asking uses up `skip` and `times`.
    pub fn take(&self, operation: &str, moment: Moment) -> Option<FaultAct> {
        let mut rules = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for rule in rules.iter_mut() {
            let matches = rule.operation == "*" || rule.operation == operation;
            if !matches || rule.moment != moment || rule.times == 0 {
                continue;
            }
            if rule.skip > 0 {
                rule.skip -= 1;
                continue;
            }
            rule.times -= 1;
            return Some(rule.act.clone());
        }
        None
    }
}
