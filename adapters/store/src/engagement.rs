//! What contacts opened and clicked, and whom the relay looks at between decisions.

use relay_core::channel::{EngagementEvent, EngagementSource};
use relay_core::ids::ContactId;
use relay_core::time::Timestamp;

/// One open or click of a contact, whether or not a client of ours is linked to it.
///
/// The same event told twice is one row: see [`EngagementEvent::is_same`]. What is read of a mail
/// completes what was posted about it: the row then has the mail and the event's own time, and says
/// who confirmed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Engagement {
    /// The contact whose email it was.
    pub contact: ContactId,
    /// The open or click, as it was told or read.
    pub event: EngagementEvent,
    /// Who else told of it, when somebody did.
    pub confirmed: Option<EngagementSource>,
}

/// A contact of a client with an open case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchedContact {
    /// The contact.
    pub contact: ContactId,
    /// A digest of its address, where it has one. Never the address.
    pub address: Option<String>,
    /// When the address was last looked at; `None` if it never was.
    pub looked_at: Option<Timestamp>,
}
