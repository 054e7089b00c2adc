//! The kit that every vendor's emulator is built from, and the trait that it implements.
//!
//! An emulator is an axum router over a state machine with an injected clock and injected dice, as
//! hard as its vendor. It writes down every mutating request that it *accepted*, which is what
//! expectations are compared with: never the relay's own opinion.
//!
//! **People**: the author of an emulator; tests, the demo and the sandbox, which act as the world,
//! order faults and deliver hooks through [`Emulator`] without knowing the vendor.
//!
//! **Rules**
//! - Time is the injected clock's, ids and delays come from the injected dice: one seed replays
//!   everything. Nothing runs by itself; whoever drives an emulator asks
//!   [`next_due`](Emulator::next_due) and calls [`deliver_due`](Emulator::deliver_due).
//! - A fault strikes in one place, before or after a request is carried out; the second kind is the
//!   one that tells a good client from a bad one.
//! - An emulator shares no reading code with the client of its crate, and has what the client calls
//!   and no more: what the vendor has and the emulator hasn't is refused in words that say so.
//!
//! **For a newcomer with another vendor.** Write, in the vendor crate's `src/emulator/`:
//!
//! 1. the state, and how it is shown: structs or [`listing::Row`]s, which know nothing of routes;
//! 2. a struct with a [`Kit`], the state behind a mutex ([`lock`]) and, where the vendor has hooks,
//!    an [`Outbox`]; its settings are the points on which the vendor's documents are silent;
//! 3. `act`: what people do at the vendor, from JSON `{"act": NAME, …}`;
//! 4. the handlers: each write ends in [`Kit::accept`] with the name of the effect it carries out;
//!    a list is [`listing::Filter`]s, [`listing::sort`], [`listing::page`] and a [`listing::Cursor`];
//! 5. the router: for every request the credential, then [`Faults::around`] with the vendor's own
//!    shape of an error; a page that is no answer of the vendor's has that shape, too;
//! 6. hooks: [`Outbox::put`] when something changes; `deliver_due` takes [`Outbox::due`], makes each
//!    an [`Outbox::attempt`] by [`Kit::post`], and ends it with [`Kit::acknowledge`] and
//!    [`Outbox::done`], or asks the vendor's [`Ladder`] when to try [`again`](Outbox::again); where they are
//!    Standard Webhooks, headers are [`signed`] and the ladder is the [`STANDARD_LADDER`];
//! 7. where the vendor publishes a description: its structure as `fixtures/<vendor>/described.json`,
//!    read by [`described::Description`] and asked around every handler, with what it finds given to
//!    [`Kit::note`];
//! 8. `impl Emulator`: [`kit`](Emulator::kit), [`act`](Emulator::act), [`router`](Emulator::router),
//!    [`next_due`](Emulator::next_due), [`deliver_due`](Emulator::deliver_due),
//!    [`reset`](Emulator::reset);
//! 9. a test that gives the emulator and one write to [`conformance::check`].
//!
//! What comes for free: the accepted requests, faults at both moments with `Retry-After`, hangs, cut,
//! refused and late connections (over TCP, too: [`realize_outcomes`](crate::emulation_server)),
//! virtual time and delays, ids and secrets, the acknowledged deliveries, one driver at a time,
//! mismatches with the description, filters, order and pages, and the proof that all of it is
//! connected.
//!
//! **Guarantees**: a fault "before" leaves nothing changed, a fault "after" leaves the change in
//! place; a delivery that was not answered with success stays due. **Not guaranteed**: that an
//! emulator behaves as its vendor where nobody described or recorded it.

mod check;
pub mod conformance;
pub mod described;
mod faults;
mod kit;
pub mod listing;
mod outbox;
mod signed;

use std::any::Any;
use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use described::Side;
use relay_core::time::Timestamp;
use serde_json::Value;

use crate::Transport;

pub use faults::{FaultAct, FaultRule, Faults, Moment};
pub use kit::{Accepted, Kit, lock, seconds_later};
pub use outbox::{Ladder, Order, Outbox, Waiting};
pub use signed::{STANDARD_LADDER, forged, signed};

/// An emulated vendor.
#[async_trait]
pub trait Emulator: Any + Debug + Send + Sync {
    /// What it is built around.
    fn kit(&self) -> &Kit;

    /// Something that people do at the vendor: `{"act": NAME, …}`. The error says why it can't be.
    fn act(&self, act: Value) -> Result<Value, String>;

    /// The vendor's API, at the root of whatever it is mounted on.
    fn router(self: Arc<Self>) -> Router;

    /// When something is due next: a delivery, or what raises one. `None` if nothing waits.
    fn next_due(&self) -> Option<Timestamp>;

    /// Delivers what is due, each thing once. Returns how many deliveries were tried.
    async fn deliver_due(&self) -> usize;

    /// Forgets everybody and everything, the accepted requests and the faults included. Where hooks
    /// are carried by stays, and so does what was not as described.
    fn reset(&self);

    /// Every mutating request accepted so far, in order.
    fn accepted(&self) -> Vec<Accepted> {
        self.kit().accepted()
    }

    /// The faults on order.
    fn faults(&self) -> &Faults {
        self.kit().faults()
    }

    /// The keys of the deliveries that were answered with success, in order.
    fn acknowledged(&self) -> Vec<String> {
        self.kit().acknowledged()
    }

    /// What carries deliveries to their receivers.
    fn set_hook_transport(&self, transport: Arc<dyn Transport>) {
        self.kit().set_hook_transport(transport);
    }

    /// In what the exchanges so far differed from the vendor's description.
    fn mismatches(&self, side: Side) -> Vec<String> {
        self.kit().mismatches(side)
    }
}
