//! Carries requests out through the ports, whatever their kind ([`kinds`]).

use async_trait::async_trait;
use relay_core::effects::Request;
use relay_core::time::Timestamp;
use relay_http_client::CallError;

use super::kinds::{self, Kind};
use super::name::Name;
use super::outcome::{Holds, Perform, Performed, ProbeResult, Seen};
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
            Kind::State(state) => state.holds(&self.ports).await,
            Kind::Makes(_) => Ok(Holds::No),
        }
    }

    async fn attempt(
        &self,
        name: &Name,
        request: &Request,
        now: Timestamp,
    ) -> Result<Performed, CallError> {
        match kinds::of(request) {
            Kind::State(state) => state.attempt(&self.ports, now).await,
            Kind::Makes(makes) => makes.attempt(&self.ports, name).await,
        }
    }

    async fn probe(
        &self,
        name: &Name,
        request: &Request,
        since: Timestamp,
    ) -> Result<ProbeResult, CallError> {
        let state = match kinds::of(request) {
            Kind::Makes(makes) => return makes.probe(&self.ports, name, since).await,
            Kind::State(state) => state,
        };
        Ok(match state.holds(&self.ports).await? {
            Holds::No => ProbeResult::NOTHING,
            Holds::Yes | Holds::ByUs => ProbeResult::Seen(Seen::default()),
            Holds::ByOthers => ProbeResult::Seen(Seen {
                by_others: true,
                ..Seen::default()
            }),
        })
    }
}

/// Whether the vendor shows what the request was to bring about.
pub(crate) fn can_be_read_back(request: &Request) -> bool {
    match kinds::of(request) {
        Kind::State(state) => state.can_be_read_back(),
        Kind::Makes(_) => true,
    }
}
