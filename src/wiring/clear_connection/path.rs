//! Where the portal sends its events.

/// The name of the route and of the stored receipts.
pub(super) const SOURCE: &str = "clear-connection";
