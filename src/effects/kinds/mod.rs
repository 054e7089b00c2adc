//! What each kind of effect does through the ports: one file per kind.
//!
//! A kind either *makes* something that carries a marker ([`Creation`]), or brings about a *state* that can
//! be read ([`DesiredState`]). Either makes one mutating request an attempt. Which of them a request is, one
//! exhaustive match says ([`of`]): a kind without a file does not compile.
//!
//! How a newcomer adds a kind: a row in `core/src/effects/kind.rs` (its checklist stands there), its input
//! in `core/src/effects.rs`, its request in `core/src/effects/request.rs`, a file here, and an arm below.

mod add_tag;
mod auto_charge_off;
mod call_task;
mod close_task;
mod contact_note;
mod contact_type;
mod deactivate_subscription;
mod email;
pub(crate) mod portal_message;
mod portal_note;
mod reassign_task;
mod remove_card;
mod remove_tag;
mod work_task;

use async_trait::async_trait;
use relay_core::effects::Request;
use relay_core::time::Timestamp;
use relay_http_client::CallError;

use super::name::Name;
use super::outcome::{FoundAtVendor, Holds, Performed, ProbeResult};
use crate::ports::{FoundByMarker, Ports};

/// A request that makes something at a vendor, which carries the marker of its effect.
#[async_trait]
pub(super) trait Creation: Send + Sync {
    /// One mutating request.
    async fn attempt(&self, ports: &Ports, name: &Name) -> Result<Performed, CallError>;

    /// Looks for what a request made at or after `since` has left, under any of the names.
    async fn probe(
        &self,
        ports: &Ports,
        name: &Name,
        since: Timestamp,
    ) -> Result<ProbeResult, CallError>;
}

/// A request that brings about a state which the vendor shows.
#[async_trait]
pub(super) trait DesiredState: Send + Sync {
    /// One mutating request at `now`.
    async fn attempt(&self, ports: &Ports, now: Timestamp) -> Result<Performed, CallError>;

    /// Whether the state holds.
    async fn holds(&self, ports: &Ports) -> Result<Holds, CallError>;

    /// Whether the vendor shows the state that an attempt brought about. Where it does not, the attempt
    /// itself has looked, and repeating it after an unclear outcome does no harm.
    fn can_be_read_back(&self) -> bool {
        true
    }
}

/// What a request is.
pub(super) enum RequestKind<'a> {
    /// It makes something.
    Creation(&'a dyn Creation),
    /// It brings about a state.
    DesiredState(&'a dyn DesiredState),
}

/// What `request` is.
pub(super) fn of(request: &Request) -> RequestKind<'_> {
    match request {
        Request::PortalMessage(message) => RequestKind::Creation(message),
        Request::PortalNote(note) => RequestKind::Creation(note),
        Request::Email(email) => RequestKind::Creation(email),
        Request::CallTask(task) => RequestKind::Creation(task),
        Request::WorkTask(task) => RequestKind::Creation(task),
        Request::ContactNote(note) => RequestKind::Creation(note),
        Request::CloseTask(closing) => RequestKind::DesiredState(closing),
        Request::ReassignTask(reassigning) => RequestKind::DesiredState(reassigning),
        Request::AddTag(adding) => RequestKind::DesiredState(adding),
        Request::RemoveTag(removing) => RequestKind::DesiredState(removing),
        Request::ContactType(setting) => RequestKind::DesiredState(setting),
        Request::AutoChargeOff(switching) => RequestKind::DesiredState(switching),
        Request::DeactivateSubscription(deactivating) => RequestKind::DesiredState(deactivating),
        Request::RemoveCard(removing) => RequestKind::DesiredState(removing),
    }
}

/// Something was made, under the vendor's id.
fn made(vendor_ref: impl Into<String>) -> Performed {
    Performed {
        vendor_ref: Some(vendor_ref.into()),
        ..Performed::default()
    }
}

/// The request was carried out, and there is no id to keep.
fn carried_out((): ()) -> Performed {
    Performed::default()
}

/// What a probe makes of what it found.
fn seen(found: Option<FoundByMarker>) -> ProbeResult {
    found.map_or(ProbeResult::NOTHING, |found| {
        ProbeResult::Seen(FoundAtVendor {
            vendor_ref: Some(found.id),
            at: found.at,
            ..FoundAtVendor::default()
        })
    })
}

/// The markers that are looked for.
fn markers(name: &Name) -> Vec<String> {
    let markers = name.markers().into_iter();
    markers.map(|(_, marker)| marker).collect()
}

/// Whether a state holds that nobody's name is on.
fn holds(yes: bool) -> Holds {
    if yes { Holds::Yes } else { Holds::No }
}
