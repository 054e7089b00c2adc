//! Breaks the relay on purpose, to prove that the comparison with the cast notices.
//!
//! - *drop*: an effect of the chosen kind is answered with success and not carried out.
//! - *double*: whatever such an effect asks a vendor to change, it asks twice, the second time
//!   under another `Idempotency-Key`, so that no kindness of a vendor hides it. This is done at the
//!   transport: above it, a careful port would look first and leave the second one out.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use http::{HeaderValue, Method};
use relay_core::effects::{EffectKind, Request};
use relay_core::time::Timestamp;
use relay_http_client::{Answer, Call, CallError, Transport, TransportError};

use crate::effects::{Holds, Name, Perform, Performed, ProbeResult};
use crate::wiring::FaultInjector;

/// The header by which the portal recognizes a repeat.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// What is broken on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sabotage {
    /// Effects of this kind are not carried out.
    Drop(EffectKind),
    /// Effects of this kind are carried out twice.
    Double(EffectKind),
}

impl Sabotage {
    /// The kind that is broken.
    pub fn kind(self) -> EffectKind {
        match self {
            Self::Drop(kind) | Self::Double(kind) => kind,
        }
    }
}

impl std::str::FromStr for Sabotage {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (how, name) = text
            .split_once(':')
            .ok_or("write drop:EFFECT or double:EFFECT")?;
        let kind = EffectKind::from_name(name).ok_or_else(|| {
            let known = EffectKind::ALL
                .iter()
                .filter(|kind| **kind != EffectKind::ReassignTask);
            let known: Vec<_> = known.map(|kind| kind.as_str()).collect();
            format!(
                "{name:?} is no effect; the effects are {}",
                known.join(", ")
            )
        })?;
        if kind == EffectKind::ReassignTask {
            return Err(format!(
                "{name} happens only in a case of an earlier version, and no story has one"
            ));
        }
        match how {
            "drop" => Ok(Self::Drop(kind)),
            "double" => Ok(Self::Double(kind)),
            _ => Err(format!("{how:?} is neither drop nor double")),
        }
    }
}

/// The two ends of a sabotage: what carries effects out, and the way to the vendors.
///
/// Only for a world with one worker: while an effect of the kind is under way, every change that
/// is asked for counts as its own.
#[derive(Debug, Clone)]
pub struct Saboteur {
    sabotage: Sabotage,
    under_way: Arc<AtomicBool>,
}

impl Saboteur {
    /// Breaks `sabotage`.
    pub fn new(sabotage: Sabotage) -> Self {
        Self {
            sabotage,
            under_way: Arc::default(),
        }
    }

    /// Stands in for what carries effects out.
    pub fn faults(&self) -> FaultInjector {
        let saboteur = self.clone();
        Arc::new(move |inner| {
            Arc::new(Spoiled {
                inner,
                saboteur: saboteur.clone(),
            }) as Arc<dyn Perform>
        })
    }

    /// Stands in for the way to the vendors.
    pub fn transport(&self, inner: Arc<dyn Transport>) -> Arc<dyn Transport> {
        Arc::new(Twice {
            inner,
            under_way: Arc::clone(&self.under_way),
        })
    }
}

#[derive(Debug)]
struct Spoiled {
    inner: Arc<dyn Perform>,
    saboteur: Saboteur,
}

#[async_trait]
impl Perform for Spoiled {
    async fn holds(&self, request: &Request) -> Result<Holds, CallError> {
        self.inner.holds(request).await
    }

    async fn attempt(
        &self,
        name: &Name,
        request: &Request,
        now: Timestamp,
    ) -> Result<Performed, CallError> {
        let Saboteur {
            sabotage,
            under_way,
        } = &self.saboteur;
        if request.kind() != sabotage.kind() {
            return self.inner.attempt(name, request, now).await;
        }
        match sabotage {
            Sabotage::Drop(_) => Ok(Performed::default()),
            Sabotage::Double(_) => {
                under_way.store(true, Ordering::SeqCst);
                let performed = self.inner.attempt(name, request, now).await;
                under_way.store(false, Ordering::SeqCst);
                performed
            }
        }
    }

    async fn probe(
        &self,
        name: &Name,
        request: &Request,
        since: Timestamp,
    ) -> Result<ProbeResult, CallError> {
        self.inner.probe(name, request, since).await
    }
}

#[derive(Debug)]
struct Twice {
    inner: Arc<dyn Transport>,
    under_way: Arc<AtomicBool>,
}

#[async_trait]
impl Transport for Twice {
    async fn send(&self, call: Call) -> Result<Answer, TransportError> {
        if call.method == Method::GET || !self.under_way.load(Ordering::SeqCst) {
            return self.inner.send(call).await;
        }
        let mut again = call.clone();
        if again.headers.contains_key(IDEMPOTENCY_KEY) {
            again
                .headers
                .insert(IDEMPOTENCY_KEY, HeaderValue::from_static("sabotage"));
        }
        let answer = self.inner.send(call).await;
        // Whatever becomes of the second one is the vendor's book's to tell.
        let _ = self.inner.send(again).await;
        answer
    }
}
