//! Clear Connection, the clinic's own client portal.
//!
//! **People.** The client submits check-ins and writes messages here; her coach writes back and
//! changes her regimen. The relay writes to the client in the coach's name, and reads everything
//! again right before it does.
//!
//! **Whose contract.** No public description of the portal exists, so this crate defines the
//! contract and publishes it as `openapi.yaml` beside this file, for the portal's team to
//! implement. What they can't offer is switched off in [`Capabilities`], and the relay falls back
//! to a work item.
//!
//! | module | what it holds |
//! |---|---|
//! | [`client`] | calls from us: one attempt each, classified |
//! | [`types`] | what the portal answers, read tolerantly |
//! | [`webhook`] | events to us: verification of the raw bytes, then reading |
//! | `emulator` | a stand-in for the portal, as hard as the portal (feature `emulator`) |
//!
//! **Rules.**
//! - Reading is tolerant where tolerance is safe (unknown members, ids as numbers, nulls) and
//!   refuses where a guess could send a wrong text: a message by an unknown kind of author, or a
//!   check-in in an unknown state, fails the read, and a failed read never sends (E39).
//! - A list is whole or it is an error; a page that is missing is never taken for "nothing there".
//! - Filters we ask for are applied again here: a young portal may ignore a parameter.
//!
//! **Not guaranteed.** That the portal honors `Idempotency-Key`. After an unclear outcome the
//! relay lists and compares author, text and time; see the README.

pub mod client;
#[cfg(feature = "emulator")]
pub mod emulator;
mod error;
pub mod types;
pub mod webhook;
mod wire;

use serde::Deserialize;

pub use client::PortalClient;
pub use types::{
    CheckIn, CheckInState, Client, Coach, Due, Message, MessageAuthor, Note, OpenCheckIns, When,
};

/// Clear Connection's name to the relay: in the rate limiter, in stored errors, in notes and in the log.
pub const VENDOR: &str = "portal";

/// What the portal at hand offers. Everything is on unless configuration says otherwise.
///
/// Only `messages` and `notes` concern calls this crate makes: with one of them off, its calls
/// fail permanently without leaving this machine, so that a guard which needs them never passes.
/// The others are for the relay to decide by.
#[expect(
    clippy::struct_excessive_bools,
    reason = "six independent offers, each there or not"
)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Capabilities {
    /// The portal sends events; else it is polled, or fed by CSV.
    pub events: bool,
    /// Messages can be listed and sent.
    pub messages: bool,
    /// The portal tells when a client has read a message.
    pub message_read: bool,
    /// Quiet notes can be listed and written.
    pub notes: bool,
    /// A program can be ended by a call.
    pub end_program: bool,
    /// Check-ins, regimens and questionnaires can be fetched as files.
    pub documents: bool,
}

impl Default for Capabilities {
    fn default() -> Self {
        Self {
            events: true,
            messages: true,
            message_read: true,
            notes: true,
            end_program: true,
            documents: true,
        }
    }
}
