//! Carries requests out through the ports, whatever their kind ([`kinds`]).

use async_trait::async_trait;
use relay_core::effects::Request;
use relay_core::time::Timestamp;
use relay_http_client::CallError;

use super::kinds::{self, RequestKind};
use super::name::Name;
use super::outcome::{FoundAtVendor, Holds, Perform, Performed, ProbeResult};
use crate::ports::Ports;

/// The real thing.
#[derive(Debug, Clone)]
pub struct ThroughPorts {
    ports: Ports,
}

impl ThroughPorts {
    /// Carries out through `ports`.
    pub fn new(ports: Ports) -> Self {
        Self { ports }
    }
}

#[async_trait]
impl Perform for ThroughPorts {
    async fn holds(&self, request: &Request) -> Result<Holds, CallError> {
        match kinds::of(request) {
            RequestKind::DesiredState(state) => state.holds(&self.ports).await,
            RequestKind::Creation(_) => Ok(Holds::No),
        }
    }

    async fn attempt(
        &self,
        name: &Name,
        request: &Request,
        now: Timestamp,
    ) -> Result<Performed, CallError> {
        match kinds::of(request) {
            RequestKind::DesiredState(state) => state.attempt(&self.ports, now).await,
            RequestKind::Creation(creation) => creation.attempt(&self.ports, name).await,
        }
    }

    async fn probe(
        &self,
        name: &Name,
        request: &Request,
        since: Timestamp,
    ) -> Result<ProbeResult, CallError> {
        let state = match kinds::of(request) {
            RequestKind::Creation(creation) => {
                return creation.probe(&self.ports, name, since).await;
            }
            RequestKind::DesiredState(state) => state,
        };
        Ok(match state.holds(&self.ports).await? {
            Holds::No => ProbeResult::NOTHING,
            Holds::Yes | Holds::ByUs => ProbeResult::Seen(FoundAtVendor::default()),
            Holds::ByOthers => ProbeResult::Seen(FoundAtVendor {
                by_others: true,
                ..FoundAtVendor::default()
            }),
        })
    }
}

/// Whether the vendor shows what the request was to bring about.
pub(crate) fn can_be_read_back(request: &Request) -> bool {
    match kinds::of(request) {
        RequestKind::DesiredState(state) => state.can_be_read_back(),
        RequestKind::Creation(_) => true,
    }
}
