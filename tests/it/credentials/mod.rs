//! Tokens over their whole life: connected, sealed, refreshed by one at a time, lost, watched.

mod configuring;
mod connecting;
mod losing;
mod refreshing;
pub(crate) mod rig;
mod sealing;
pub(crate) mod watching;
