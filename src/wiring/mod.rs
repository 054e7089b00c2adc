//! The only place that names vendors and databases: ports and stores, made of what is configured.

pub mod store;
