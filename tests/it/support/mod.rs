//! What several tests share.

mod cast_of_one;
pub(crate) mod crash;
pub(crate) mod failpoints;
pub(crate) mod fake_store;
pub(crate) mod invariants;
pub(crate) mod power;
pub(crate) mod process;
pub(crate) mod receiving;
pub(crate) mod rewording;
pub(crate) mod sender;
pub(crate) mod story;
pub(crate) mod tools;
pub(crate) mod wire;
