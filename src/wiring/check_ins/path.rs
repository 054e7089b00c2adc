//! Where the list sends its rows.

/// The name of the route and of the stored receipts.
pub(super) const SOURCE: &str = relay_check_ins::VENDOR;
