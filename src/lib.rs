//! Clear Relay.
pub mod ports;
pub mod receipts;
pub mod wiring;
