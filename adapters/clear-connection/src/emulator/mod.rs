//! A stand-in for the portal: an axum router over a state machine.
//!
//! **People.** Tests, the demo and the sandbox play the clinic's people through
//! [`acts`](Portal::act): the client checks in, writes, reads; the coach writes and changes the
//! regimen. The relay meets only the router and the events, as it would meet the portal.
//!
//! **Rules.** It shares no reading code with the client: answers are written here by hand from
//! the contract. Time and ids come from the injected clock and random source, so one seed replays
//! everything. It writes down every write it accepted (`portal_message`, `portal_note`), which is
//! what expectations are compared with; a repeat that it recognized by its `Idempotency-Key` is not
//! accepted again.
//!
//! **Events** are signed afresh at each attempt and repeated on the schedule that Standard
//! Webhooks suggests, then daily; none is ever dropped. `check_in.due` comes at the due instant,
//! or at the start of the due day in the clinic's zone. Nothing happens by itself: whoever drives
//! the emulator asks [`next_due`](Portal::next_due) and calls
//! [`deliver_due`](Portal::deliver_due).
//!
//! **Hardness on order**: [`Switches`] for how a young portal may behave all the time,
//! [`faults`](Portal::faults) for single requests, before or after they are carried out.

mod acts;
mod hooks;
mod http;
mod look;
mod portal;
mod reply;
mod settings;
mod state;
mod writes;

use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use relay_core::time::Timestamp;
use relay_http_client::emulation::{Emulator, Kit};
use serde_json::Value;

pub use look::{SeenCheckIn, SeenClient, SeenMessage, SeenNote};
pub use portal::Portal;
pub use settings::{NewClient, Settings, Switches};

#[async_trait]
impl Emulator for Portal {
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
