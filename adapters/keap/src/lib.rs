//! The Keap adapter: what the clinic's CRM can be asked and told.
//!
//! For people who connect the relay to Keap, and for whoever adds a call. Each call is **one**
//! attempt: it either succeeds or says what kind of failure it met
//! ([`relay_http_client::CallError`]); nothing here repeats anything.
//!
//! | module | what it holds |
//! |---|---|
//! | [`client`] | [`KeapClient`]: one method per operation |
//! | [`credential`] | what a request shows to be let in |
//! | [`oauth`] | the token endpoint |
//! | [`types`] | what Keap answers, read tolerantly |
//! | [`webhook`] | REST hook deliveries and the handshake |
//! | [`automation`] | posts of the automation step "Send HTTP Post" |
//! | [`marker`] | how a write is made recognizable without a client seeing it |
//! | [`outcome`] | what a coach wrote into a call task |
//! | [`quota`] | what an answer's headers say of Keap's limits |
//! | [`time`] | many spellings of an instant in, one out |
//! | `emulator` | a stand-in for Keap (feature `emulator`) |
//! | [`error`] | the shapes of Keap's refusals, and what may be said of them |
//!
//! Guarantees:
//! - A write whose fate is unknown is reported as unclear, never as failed.
//! - Neither a person's data nor the credential reaches a log line or an error text.
//! - A list is whole, or it is an error: a probe never mistakes the first page for all of it.
//! - A `next_page_token` or an `apiUrl` that is an address is never followed.
//!
//! Not guaranteed: whatever Keap doesn't document. The README lists each such point and how to
//! settle it on a live account.

pub mod automation;
pub mod client;
mod closing;
pub mod credential;
#[cfg(feature = "emulator")]
pub mod emulator;
pub mod error;
pub mod marker;
pub mod oauth;
pub mod outcome;
mod plain_text;
mod query;
pub mod quota;
pub mod time;
pub mod types;
pub mod webhook;

pub use client::{
    AddressActivity, AddressStatus, CheckInReads, ContactType, ContactTypeField, CustomFieldsMode,
    DateField, FieldWrite, HeaderStyle, KeapClient, Moved, Removed, Right, Settings, SettingsError,
    TasksAmong, Touched,
};
pub use closing::TaskClosing;
pub use credential::{Credential, FixedKey};

/// Keap's name to the relay: in the rate limiter, in stored errors, in notes and in the log.
pub const VENDOR: &str = "keap";
