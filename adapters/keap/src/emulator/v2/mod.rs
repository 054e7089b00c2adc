//! The v2 surface: text ids, `Z` times, lists with filters and page tokens.

pub(super) mod billing;
pub(super) mod contacts;
pub(super) mod content;
pub(super) mod emails;
pub(super) mod goals;
pub(super) mod model;
pub(super) mod notes;
pub(super) mod staff;
pub(super) mod tags;
pub(super) mod tasks;
