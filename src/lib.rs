//! Clear Relay.
pub mod checkpoint;
pub mod config;
pub mod http;
pub mod ports;
pub mod receipts;
