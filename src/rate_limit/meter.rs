//! Sits in a vendor's transport and sees every exchange.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use http::{HeaderMap, StatusCode};
use relay_core::rate_limit::{Answered, Exchange, QuotaReading, Why};
use relay_core::time::{Clock as _, Timestamp};
use relay_http_client::{Answer, Meter, TransportError, retry_after};

use super::RateLimiter;
use super::permit::{HeldCall, hold, spend};

/// Reads what an answer's headers say of the vendor's limits.
pub type ReadQuota = fn(&HeaderMap) -> QuotaReading;

/// The meter of one vendor.
#[derive(Debug, Clone)]
pub struct VendorMeter {
    limiter: Arc<RateLimiter>,
    vendor: &'static str,
    read_quota: Option<ReadQuota>,
    /// Whether the last word of the vendor on our credential, as far as is known, was no: at start
    /// nothing is known, and somebody may have started us anew with a better one.
    refused: Arc<AtomicBool>,
}

impl VendorMeter {
    /// A meter for `vendor`; `read_quota` where its answers tell of its limits.
    pub fn new(
        limiter: Arc<RateLimiter>,
        vendor: &'static str,
        read_quota: Option<ReadQuota>,
    ) -> Self {
        Self {
            limiter,
            vendor,
            read_quota,
            refused: Arc::new(AtomicBool::new(true)),
        }
    }

    /// Notes what an answer says of our credential, and settles the item that says it is refused.
    async fn note_credential(&self, outcome: Result<&Answer, &TransportError>) {
        let Ok(answer) = outcome else { return };
        if answer.status == StatusCode::UNAUTHORIZED {
            self.refused.store(true, Ordering::Relaxed);
        } else if answer.status.is_success()
            && self.refused.swap(false, Ordering::Relaxed)
            && let Err(error) = self.limiter.let_in(self.vendor).await
        {
            self.refused.store(true, Ordering::Relaxed);
            tracing::warn!(vendor = self.vendor, %error, "an item could not be settled");
        }
    }

    fn held(&self, at: Timestamp, why: Why) -> HeldCall {
        HeldCall {
            vendor: self.vendor,
            at,
            why: why.to_string(),
            alone: false,
        }
    }

    fn exchange(&self, outcome: Result<&Answer, &TransportError>) -> Exchange {
        let quota = match (outcome, self.read_quota) {
            (Ok(answer), Some(read)) => read(&answer.headers),
            _ => QuotaReading::default(),
        };
        Exchange {
            answered: outcome.map_or(Answered::Failed, |answer| self.answered(answer)),
            quota,
            charged: spend(self.vendor),
        }
    }

    /// What an answer shows of the vendor. 501 is a call that it never carries out: an answer.
    fn answered(&self, answer: &Answer) -> Answered {
        let after = retry_after(&answer.headers, self.limiter.clocks.procedure.now());
        match answer.status {
            StatusCode::TOO_MANY_REQUESTS => Answered::Refused { after },
            StatusCode::SERVICE_UNAVAILABLE if after.is_some() => Answered::Refused { after },
            StatusCode::NOT_IMPLEMENTED => Answered::Alive,
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY => Answered::Failed,
            status if status.is_server_error() => Answered::Failed,
            _ => Answered::Alive,
        }
    }
}

#[async_trait]
impl Meter for VendorMeter {
    async fn before(&self) -> Result<(), TransportError> {
        let closed = match self.limiter.closed(self.vendor).await {
            Ok(closed) => closed,
            Err(error) => {
                tracing::warn!(vendor = self.vendor, %error, "the rate limiter's state can't be read");
                None
            }
        };
        let Some((until, why)) = closed else {
            return Ok(());
        };
        hold(Some(self.held(until, why)));
        Err(TransportError::NotSent(format!(
            "kept back until {until}: {why}"
        )))
    }

    async fn after(&self, outcome: Result<&Answer, &TransportError>) {
        if let Ok(answer) = outcome {
            let now = self.limiter.clocks.procedure.now();
            self.limiter
                .dates()
                .heard(self.vendor, &answer.headers, now);
        }
        self.note_credential(outcome).await;
        let exchange = self.exchange(outcome);
        let (closed, throttled) = match self.limiter.observe(self.vendor, &exchange).await {
            Ok(observed) => observed,
            Err(error) => {
                tracing::warn!(vendor = self.vendor, %error, "a call could not be counted");
                (None, false)
            }
        };
        let named = matches!(exchange.answered, Answered::Refused { after: Some(_) });
        // Only "too many" is nothing the job did wrong, and only where it is meant for everybody.
        let too_many = outcome.is_ok_and(|answer| answer.status == StatusCode::TOO_MANY_REQUESTS);
        let held = closed.filter(|_| too_many && (throttled || named));
        hold(held.map(|(at, why)| HeldCall {
            alone: !throttled,
            ..self.held(at, why)
        }));
    }
}
