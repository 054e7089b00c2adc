//! What each kind of effect does through the ports: one file per kind.
//!
//! A kind either *makes* something that carries a marker ([`Makes`]), or brings about a *state* that can
//! be read ([`State`]). Either makes one mutating request an attempt. Which of them a request is, one
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

use async_trait::async_trait;
use relay_core::effects::Request;
use relay_core::time::Timestamp;
use relay_http_client::CallError;

use super::name::Name;
use super::outcome::{Holds, Performed, ProbeResult, Seen};
use crate::ports::{Found, Ports};

/// A request that makes something at a vendor, which carries the marker of its effect.
#[async_trait]
pub(super) trait Makes: Send + Sync {
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
pub(super) trait State: Send + Sync {
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
pub(super) enum Kind<'a> {
    /// It makes something.
    Makes(&'a dyn Makes),
    /// It brings about a state.
    State(&'a dyn State),
}

/// What `request` is.
pub(super) fn of(request: &Request) -> Kind<'_> {
    match request {
        Request::PortalMessage(message) => Kind::Makes(message),
        Request::PortalNote(note) => Kind::Makes(note),
        Request::Email(email) => Kind::Makes(email),
        Request::CallTask(task) => Kind::Makes(task),
        Request::ContactNote(note) => Kind::Makes(note),
        Request::CloseTask(closing) => Kind::State(closing),
        Request::ReassignTask(reassigning) => Kind::State(reassigning),
        Request::AddTag(adding) => Kind::State(adding),
        Request::RemoveTag(removing) => Kind::State(removing),
        Request::ContactType(setting) => Kind::State(setting),
        Request::AutoChargeOff(switching) => Kind::State(switching),
        Request::DeactivateSubscription(deactivating) => Kind::State(deactivating),
        Request::RemoveCard(removing) => Kind::State(removing),
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
fn seen(found: Option<Found>) -> ProbeResult {
    found.map_or(ProbeResult::NOTHING, |found| {
        ProbeResult::Seen(Seen {
            vendor_ref: Some(found.id),
            at: found.at,
            ..Seen::default()
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
