//! A stand-in for the clinic's list: who is in it, what check-ins they have, and the program that tells us.
//!
//! **People.** Tests, the demo and the sandbox play the clinic's people through
//! [`acts`](ClinicList::act): somebody takes a client on, a check-in is asked for, submitted, moved or
//! withdrawn. The relay meets only the deliveries, or the file that somebody exports
//! ([`file`](ClinicList::file)).
//!
//! **Rules.** It shares no reading code with the crate: deliveries and files are written here by hand from
//! the contract. Time and ids come from the injected clock and random source, so one seed replays
//! everything. A list has no calls, so nothing is ever accepted, and messages between a client and her coach
//! are not in it.
//!
//! **Deliveries** say the rows that changed, as they are then; what changes at one instant and was not yet
//! sent is one delivery. They are signed afresh at each attempt and repeated on the schedule that Standard
//! Webhooks suggests, then daily; none is ever dropped. Nothing happens by itself: whoever drives the
//! emulator asks [`next_due`](ClinicList::next_due) and calls [`deliver_due`](ClinicList::deliver_due).
//!
//! **Hardness on order**: [`Switches`] for how the sending program may behave.

mod acts;
mod file;
mod hooks;
mod list;
mod look;
mod settings;
mod state;

use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use http::StatusCode;
use relay_core::time::Timestamp;
use relay_http_client::emulation::{Emulator, Kit};
use serde_json::Value;

pub use list::ClinicList;
pub use look::{SeenCheckIn, SeenClient};
pub use settings::{NewClient, Settings, Switches};

#[async_trait]
impl Emulator for ClinicList {
    fn kit(&self) -> &Kit {
        &self.kit
    }

    fn act(&self, act: Value) -> Result<Value, String> {
        Self::act(self, act)
    }

    /// Nobody calls a list.
    fn router(self: Arc<Self>) -> Router {
        Router::new().fallback(|| async { StatusCode::NOT_FOUND })
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
