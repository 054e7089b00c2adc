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
//! - Written down is what was accepted, named by the effect that it carries out; a request that
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
mod oauth;
mod oddities;
mod quota;
mod registry;
mod reply;
mod request;
mod routes;
mod settings;
mod state;
mod tenant;
mod things;
mod tokens;
mod v1;
mod v2;
mod world;

use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use relay_core::time::Timestamp;
use relay_http_client::emulation::{Emulator, Kit};
use serde_json::Value;

pub use act::Act;
pub use described::description;
pub use look::{SeenCard, SeenContact, SeenEmail, SeenNote, SeenSubscription, SeenTask};
pub use oddities::{CardInUse, ErrorShape, HtmlComment, ListBox, Oddities, Words, WriteBack};
pub use registry::WRITES;
pub use reply::{gateway_fault, html_page, quota_exceeded};
pub use settings::{
    AddressList, ApiUrl, Arrival, AutoCharge, Consent, DeactivatedCard, Drift, FieldEcho, HookTime,
    KeyHeader, Limits, ListWrite, ModelMetadata, NameFilter, OAuthSettings, OldToken, PageEnd,
    PageToken, RefusedToken, SecondDeactivate, Settings, Unset,
};
pub use tenant::Keap;
pub use things::{
    NewContact, NewEmailRecord, NewField, NewOrder, NewPaymentMethod, NewPost, NewProduct,
    NewSubscription, NewUser, TagRefusal,
};

impl Keap {
    /// The API, `/crm/rest/v1/…` and `/crm/rest/v2/…`; `/token` and the page before it.
    pub fn router(self: &Arc<Self>) -> Router {
        let keap = Arc::clone(self);
        Router::new().fallback(move |request: axum::extract::Request| {
            let keap = Arc::clone(&keap);
            async move { gate::answer(&keap, request).await }
        })
    }
}

#[async_trait]
impl Emulator for Keap {
    fn kit(&self) -> &Kit {
        &self.kit
    }

    fn act(&self, act: Value) -> Result<Value, String> {
        Self::act(self, act)
    }

    fn router(self: Arc<Self>) -> Router {
        Self::router(&self)
    }

    fn next_due(&self) -> Option<Timestamp> {
        Self::next_due(self)
    }

    async fn deliver_due(&self) -> usize {
        Self::deliver_due(self).await
    }

    fn reset(&self) {
        Self::reset(self);
    }
}
