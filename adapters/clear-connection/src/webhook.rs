//! Events from the portal to us.
//!
//! **People.** The portal's developers, who sign each event and repeat it until we say 2xx, and
//! who need a refusal that names their fault; anybody on the internet, who may post here too.
//!
//! **Rules.** Nothing in a body is believed before [`KeyRing::verify`] has passed the raw bytes:
//! [Standard Webhooks](https://www.standardwebhooks.com), symmetric scheme `v1`. Reading comes
//! later ([`read`]), from the stored bytes, and never fails loudly: what can't be used says why.
//!
//! **Guarantees.** A body that was re-encoded, shifted in time by more than five minutes, or
//! signed with a key that isn't ours is refused; the comparison takes the same time wherever it
//! fails. Which key verified an event is reported by its id, so that a leaked key has a list of
//! what came in under it (E74).
//!
//! **Not guaranteed.** That an event comes only once, in order, or at all: the `webhook-id` tells
//! a repeat, the event's own time tells the order, and a daily read tells what never came.

mod event;
mod fields;

pub use event::{Event, KNOWN_TYPES, PortalChange, Trouble, read};
pub use fields::{FIELDS, FieldMap, FieldMapError};
pub use relay_http_client::standard_webhooks::{
    Delivery, KeyError, KeyRing, MAX_BODY, MAX_KEYS, TOLERANCE, VerifyError, WebhookKey,
};
