//! Receiving webhooks: verify the raw bytes, store, then answer.
//!
//! 2xx is said only after the commit. What a webhook *means* is found out later, from the stored
//! bytes, by [`intake`](crate::engine); so a sender is answered in milliseconds whatever is in it.

mod source;

pub use source::{Hint, HintObject, Parsed, Refusal, Source, Verified};
