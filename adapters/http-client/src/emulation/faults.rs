//! Faults on order, and where they strike: before a request changes anything, or after it did.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::response::Response;
use http::header::RETRY_AFTER;
use serde::{Deserialize, Serialize};

use crate::TransportFault;

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
    /// What a struck caller gets instead of the answer.
    fn strikes(&self, shape: &(dyn Fn(u16, Option<&str>) -> Response + Send + Sync)) -> Response {
        let Self::Status {
            code,
            retry_after,
            body,
        } = self
        else {
            return self.marks(shape(504, Some("")));
        };
        let mut response = shape(*code, body.as_deref());
        if let Some(seconds) = retry_after {
            response
                .headers_mut()
                .insert(RETRY_AFTER, (*seconds).into());
        }
        response
    }

    /// The answer with what is to become of it on its way.
    fn marks(&self, mut answer: Response) -> Response {
        if let Some(outcome) = self.outcome() {
            answer.extensions_mut().insert(outcome);
        }
        answer
    }

    /// The transport outcome, where it is not an answer.
    fn outcome(&self) -> Option<TransportFault> {
        match self {
            Self::Status { .. } => None,
            Self::Hang => Some(TransportFault::Hang),
            Self::Reset => Some(TransportFault::Reset),
            Self::Refuse => Some(TransportFault::Refuse),
            Self::Slow { seconds } => {
                Some(TransportFault::Late(Duration::from_secs((*seconds).into())))
            }
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
        self.rules().push(rule);
    }

    /// The orders that have not been used up, with the requests they will still strike.
    pub fn left(&self) -> Vec<FaultRule> {
        let rules = self.rules();
        let left = rules.iter().filter(|rule| rule.times > 0);
        left.cloned().collect()
    }

    /// Cancels every order.
    pub fn clear(&self) {
        self.rules().clear();
    }

    /// Carries a request out between the two moments at which a fault may strike it. `shape` is the
    /// vendor's answer with a status, and with a body if the order has one.
    pub async fn around(
        &self,
        operation: &str,
        shape: &(dyn Fn(u16, Option<&str>) -> Response + Send + Sync),
        run: impl Future<Output = Response>,
    ) -> Response {
        if let Some(act) = self.take(operation, Moment::Before) {
            return act.strikes(shape);
        }
        let answer = run.await;
        match self.take(operation, Moment::After) {
            None => answer,
            Some(act @ FaultAct::Slow { .. }) => act.marks(answer),
            Some(act) => act.strikes(shape),
        }
    }

    /// The fault that strikes this request at this moment, if one does. Asked once per moment of
    /// a request, because asking uses up `skip` and `times`.
    pub fn take(&self, operation: &str, moment: Moment) -> Option<FaultAct> {
        let mut rules = self.rules();
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

    fn rules(&self) -> MutexGuard<'_, Vec<FaultRule>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
