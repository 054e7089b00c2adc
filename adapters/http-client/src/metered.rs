//! Lets somebody see every exchange with a vendor, and refuse one before it is sent.
//!
//! An adapter tries once and knows nothing of the calls of others. What must be known of all of
//! them together (how many there were, whether the vendor answers, what it says of its limits) is
//! collected here, between the adapter and the way out, so that no adapter can forget it.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;

use crate::{Answer, Call, Transport, TransportError};

/// Sees every exchange with one vendor.
#[async_trait]
pub trait Meter: Debug + Send + Sync {
    /// A request is about to be sent. An error is what its caller gets instead of an answer; it
    /// should be [`TransportError::NotSent`], because nothing is.
    async fn before(&self) -> Result<(), TransportError>;

    /// An exchange is over.
    async fn after(&self, outcome: Result<&Answer, &TransportError>);
}

/// A transport that is metered.
#[derive(Debug, Clone)]
pub struct Metered {
    inner: Arc<dyn Transport>,
    meter: Arc<dyn Meter>,
}

impl Metered {
    /// Sends through `inner`, in the sight of `meter`.
    pub fn new(inner: Arc<dyn Transport>, meter: Arc<dyn Meter>) -> Self {
        Self { inner, meter }
    }
}

#[async_trait]
impl Transport for Metered {
    async fn send(&self, call: Call) -> Result<Answer, TransportError> {
        self.meter.before().await?;
        let outcome = self.inner.send(call).await;
        self.meter.after(outcome.as_ref()).await;
        outcome
    }
}
