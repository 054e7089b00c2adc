//! The client against the emulator, in this process: what the one asks, the other must answer as
//! the vendor would. Each file covers what belongs together; each expectation is written by hand
//! and compared with what the emulator *accepted*.
#![cfg(feature = "emulator")]

#[path = "contract/billing.rs"]
mod billing;
#[path = "contract/exchange.rs"]
mod exchange;
#[path = "contract/fields.rs"]
mod fields;
#[path = "contract/hooks.rs"]
mod hooks;
#[path = "contract/mail.rs"]
mod mail;
#[path = "contract/people.rs"]
mod people;
#[path = "contract/support.rs"]
mod support;
#[path = "contract/work.rs"]
mod work;
