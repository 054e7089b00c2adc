//! Clear Relay.
pub mod checkpoint;
pub mod effects;
pub mod engine;
pub mod ports;
pub mod receipts;
pub mod wiring;
