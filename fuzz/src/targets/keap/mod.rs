//! Keap: its answers, its webhooks, its tokens, and its stand-in.

pub mod answer;
pub mod automation;
pub mod delivery;
pub mod emulator;
pub mod texts;
pub mod tokens;

use std::sync::Arc;

use clear_relay::receipts::Source;
use clear_relay::wiring::keap::KeapSource;
use clear_relay::wiring::keap::hook_paths::ClosedPaths;
use relay_keap::webhook::PathSecrets;
use secrecy::SecretString;

use super::Vendor;

/// An invented secret.
const SECRET: &str = "a-path-secret";

/// What of Keap is run.
pub const VENDOR: Vendor = Vendor {
    targets: &[
        emulator::TARGET,
        answer::TARGET,
        automation::TARGET,
        delivery::TARGET,
        texts::TARGET,
        tokens::TARGET,
    ],
    source: || Some(source()),
    sign: None,
    words: &[
        "/hooks/keap/a-path-secret",
        "x-hook-secret: abc",
        "x-hook-secret: \u{e9}",
    ],
};

fn source() -> Arc<dyn Source> {
    let secrets = PathSecrets::new([("s1".to_owned(), SecretString::from(SECRET))]);
    Arc::new(KeapSource::new(secrets, ClosedPaths::default()))
}

#[cfg(test)]
mod tests {
    crate::replay::fuzzed! {
        super::VENDOR.targets;
        no_request_breaks_the_stand_in_for_the_crm: "emulator",
        no_answer_of_the_crm_breaks_a_call: "keap_answer",
        no_post_of_an_automation_breaks_its_reader: "keap_automation",
        no_delivery_of_the_crm_breaks_its_reader: "keap_delivery",
        no_text_breaks_the_readers_of_small_things: "keap_texts",
        no_answer_of_the_token_endpoint_breaks_a_connection: "tokens",
    }
}
