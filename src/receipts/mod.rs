//! Receiving webhooks: verify the raw bytes, store, then answer.
//!
//! 2xx is said only after the commit. What a webhook *means* is found out later, from the stored
//! bytes, by the engine's intake; so a sender is answered in milliseconds whatever is in it.

mod counters;
mod receive;
mod source;

pub use counters::Counters;
pub use receive::{NotReceived, Received, Receiver};
pub use source::{Hint, HintObject, Parsed, Refusal, Source, Verified};
