//! The emulator against the checklist of the vendor sheet, at the level of HTTP: requests are
//! written by hand and so is what must come back.
#![cfg(feature = "emulator")]
#![expect(
    clippy::expect_used,
    reason = "a helper of tests fails by panicking, like the tests"
)]

mod automation;
mod billing;
mod contacts;
mod faults;
mod forms;
mod gate;
mod hooks;
mod kit;
mod mail;
mod oauth;
mod oddities;
mod rarer;
mod table;
mod tasks_notes_tags;
mod tenant;
