//! The client against the emulator, in this process: what the one asks, the other must answer as
//! the vendor would. Each file covers what belongs together; each expectation is written by hand
//! and compared with what the emulator *accepted*.
//!
//! The modules are marked as tests, so that their helpers may fail as tests do.
#![cfg(feature = "emulator")]

#[cfg(test)]
#[path = "contract/billing.rs"]
mod billing;
#[cfg(test)]
#[path = "contract/engagement.rs"]
mod engagement;
#[cfg(test)]
#[path = "contract/exchange.rs"]
mod exchange;
#[cfg(test)]
#[path = "contract/fields.rs"]
mod fields;
#[cfg(test)]
#[path = "contract/hooks.rs"]
mod hooks;
#[cfg(test)]
#[path = "contract/mail.rs"]
mod mail;
#[cfg(test)]
#[path = "contract/oauth.rs"]
mod oauth;
#[cfg(test)]
#[path = "contract/oddities.rs"]
mod oddities;
#[cfg(test)]
#[path = "contract/people.rs"]
mod people;
#[cfg(test)]
#[path = "contract/support.rs"]
mod support;
#[cfg(test)]
#[path = "contract/tagged.rs"]
mod tagged;
#[cfg(test)]
#[path = "contract/work.rs"]
mod work;
