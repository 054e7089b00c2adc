//! A stand-in for the vendor, as hard as the vendor.
//!
//! An axum router over a state machine with an injected clock and injected dice. It shares no
//! parsing, no types and no routes with the client of this crate: an emulator that understands
//! what its client means is kinder than the vendor. What it emulates, what it doesn't and why is
//! in `README.md` beside this file; what nobody knows about the vendor is a switch in
//! [`Settings`].
//!
//! People: tests and the sandbox, which act as the world through [`Act`] (a client opens an
//! email, a coach completes a task, somebody edits a contact) and compare
//! [`Keap::accepted`] with expectations written by hand.
//!
//! Rules:
//! - Authentication comes before routing, faults on order strike in one place before or after a
//!   request is carried out, and every answer carries the quota headers: no handler can forget
//!   any of them.
//! - The book holds what was accepted, named by the effect that it carries out; a request that
//!   was accepted but changed nothing has `_again` behind its name; mail that was accepted and
//!   will never arrive is `email_dropped`.
//! - Every exchange is held against the vendor's own description (`described.rs`): what it forbids
//!   is refused, and an answer it doesn't know is noted down as a fault of this emulator.
//! - Nothing runs by itself: hook deliveries wait in a queue until [`Keap::deliver_due`].
//!
//! Guarantee: a fault "after" leaves the change in place. Not guaranteed: anything that
//! `README.md` lists as not emulated.

mod act;
mod acts;
mod automation;
mod custom;
mod deliveries;
mod described;
mod drift;
mod filter;
mod gate;
mod hooks;
mod list;
mod look;
mod more_acts;
mod oauth;
mod oddities;
mod quota;
mod registry;
mod reply;
mod request;
mod routes;
mod settings;
mod state;
mod v1;
mod v2;
mod world;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use relay_core::random::Random;
use relay_core::time::{Clock, Timestamp};
use relay_http_client::Transport;
use relay_http_client::emulation::described::{Mismatch, Side};
use relay_http_client::emulation::{Accepted, Book, Faults};

pub use act::Act;
pub use acts::{
    NewContact, NewEmailRecord, NewField, NewOrder, NewPaymentMethod, NewProduct, NewSubscription,
    NewUser,
};
pub use automation::NewPost;
pub use described::description;
pub use look::{Seen, SeenCard, SeenEmail, SeenNote, SeenSubscription, SeenTask};
pub use more_acts::{NewGoal, NewTemplate, TagRefusal};
pub use oddities::{
    CardInUse, ErrorShape, HtmlComment, ListBox, MergeFields, Oddities, OpenTime, Words, WriteBack,
};
pub use registry::WRITES;
pub use reply::{gateway_fault, html_page, quota_exceeded};
pub use settings::{
    AddressList, ApiUrl, Arrival, AutoCharge, Consent, DeactivatedCard, Drift, FieldEcho, HookTime,
    KeyHeader, Limits, ListWrite, ModelMetadata, NameFilter, OAuthSettings, OldToken, OptedOut,
    PageEnd, PageToken, RefusedToken, SecondDeactivate, Settings, TaskTime, Throttled, Undecodable,
    UnknownOption, Unset,
};

use state::State;
use world::World;

/// The emulated tenant.
pub struct Keap {
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    settings: Mutex<Settings>,
    state: Mutex<State>,
    book: Book,
    faults: Faults,
    acknowledged: Book<String>,
    mismatches: Mutex<Vec<(Side, Mismatch)>>,
    hook_transport: Mutex<Option<Arc<dyn Transport>>>,
}

impl fmt::Debug for Keap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The state is people, the settings hold the key: neither is shown.
        f.debug_struct("Keap").finish_non_exhaustive()
    }
}

impl Keap {
    /// An empty tenant.
    pub fn new(clock: Arc<dyn Clock>, random: Arc<dyn Random>, settings: Settings) -> Arc<Self> {
        Arc::new(Self {
            clock,
            random,
            settings: Mutex::new(settings),
            state: Mutex::new(State::default()),
            book: Book::default(),
            faults: Faults::default(),
            acknowledged: Book::default(),
            mismatches: Mutex::default(),
            hook_transport: Mutex::new(None),
        })
    }

    /// The API, `/crm/rest/v1/…` and `/crm/rest/v2/…`; `/token` and the page before it.
    pub fn router(self: &Arc<Self>) -> Router {
        let keap = Arc::clone(self);
        Router::new().fallback(move |request: axum::extract::Request| {
            let keap = Arc::clone(&keap);
            async move { gate::answer(&keap, request).await }
        })
    }

    /// Every mutating request accepted so far, in order.
    pub fn accepted(&self) -> Vec<Accepted> {
        self.book.all()
    }

    /// The faults on order.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Turns switches.
    pub fn configure(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut lock(&self.settings));
    }

    /// How the emulator reaches hook receivers. Without one every handshake fails.
    pub fn set_hook_transport(&self, transport: Arc<dyn Transport>) {
        *lock(&self.hook_transport) = Some(transport);
    }

    /// Forgets everything but the settings, what was not as described, and the way to hook receivers.
    pub fn reset(&self) {
        *lock(&self.state) = State::default();
        self.book.clear();
        self.faults.clear();
        self.acknowledged.clear();
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Runs `work` on the tenant as it is now, alone.
    fn with_world<T>(&self, work: impl FnOnce(&mut World<'_>) -> T) -> T {
        let settings = lock(&self.settings).clone();
        let mut state = lock(&self.state);
        work(&mut World {
            state: &mut state,
            settings: &settings,
            random: &*self.random,
            book: &self.book,
            now: self.now(),
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
