//! Clear Relay.
pub mod ports;
