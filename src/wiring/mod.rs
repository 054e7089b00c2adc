//! The only place that names vendors: one file per vendor, each implementing what
//! [`ports`](crate::ports) and [`receipts`](crate::receipts) ask for with that vendor's client.

pub mod keap;
