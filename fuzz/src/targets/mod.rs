//! The targets. Each is a function of bytes that panics where a promise is broken.

pub mod answers;
pub mod cast_toml;
pub mod check_ins;
pub mod clear_connection;
pub mod config_toml;
pub mod edge;
pub mod keap;
pub mod procedure_toml;

use std::sync::Arc;

use clear_relay::receipts::Source;
use http::HeaderMap;

/// A parser of untrusted input, and what to try on it.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name, and that of its corpus.
    pub name: &'static str,
    /// Runs one input; panics where a promise is broken.
    pub run: fn(&[u8]),
    /// Words of its grammar.
    pub words: &'static [&'static str],
    /// Files and folders of the repository that are seeds, too.
    pub fixtures: &'static [&'static str],
    /// Mutations in an ordinary test run.
    pub executions: u32,
}

/// What of a vendor is run.
#[derive(Debug, Clone, Copy)]
pub struct Vendor {
    /// Its own parsers, by name.
    pub targets: &'static [Target],
    /// Where its webhooks are let in, for the target `edge`.
    pub source: fn() -> Option<Arc<dyn Source>>,
    /// Signs what is there, where the vendor signs. What is signed must be let in at `path`.
    pub sign: Option<Sign>,
    /// Words of a request to that source.
    pub words: &'static [&'static str],
}

/// How a vendor signs.
#[derive(Debug, Clone, Copy)]
pub struct Sign {
    /// The path of its webhooks.
    pub path: &'static str,
    /// Adds the headers of a genuine event around whatever there is.
    pub with: fn(&mut HeaderMap, &[u8]),
}

/// Every vendor.
pub const VENDORS: &[Vendor] = &[
    // A line each.
    keap::VENDOR,
    clear_connection::VENDOR,
    check_ins::VENDOR,
];

/// The targets that are no vendor's.
pub const COMMON: &[Target] = &[
    cast_toml::TARGET,
    config_toml::TARGET,
    edge::TARGET,
    procedure_toml::TARGET,
];

/// Every target, by name.
pub fn targets() -> Vec<&'static Target> {
    let of_vendors = VENDORS.iter().flat_map(|vendor| vendor.targets);
    let mut all: Vec<&'static Target> = COMMON.iter().chain(of_vendors).collect();
    all.sort_by_key(|target| target.name);
    all
}

impl Target {
    /// Words of its grammar; of `edge`, the vendors' too.
    pub fn all_words(&self) -> Vec<&'static str> {
        let mut words = self.words.to_vec();
        if self.name == edge::TARGET.name {
            words.extend(VENDORS.iter().flat_map(|vendor| vendor.words));
        }
        words
    }
}

/// A person who stands in the seeds. No error may name her.
pub const CANARY: &str = "kanari.vogel@example.test";

/// Panics if a text that may be shown or logged names the person of the seeds, or is long.
///
/// # Panics
/// If it does.
pub fn check_words(text: &str, longest: usize) {
    assert!(!text.contains(CANARY), "it names a person: {text}");
    let length = text.chars().count();
    assert!(
        length <= longest,
        "{length} characters where {longest} are allowed"
    );
}

/// Panics: a source has said what it never says.
///
/// # Panics
/// If `what` says anything.
fn unexpected(what: &str) {
    assert!(what.is_empty(), "{what}");
}

#[cfg(test)]
mod tests {
    use super::{COMMON, VENDORS, targets};

    crate::replay::fuzzed! {
        COMMON;
        no_cast_breaks_the_sandbox: "cast_toml",
        no_configuration_is_wrong_without_a_word: "config_toml",
        no_request_breaks_the_edge: "edge",
        no_procedure_is_accepted_that_cannot_be_rendered: "procedure_toml",
    }

    #[test]
    fn no_two_targets_have_one_name_and_every_vendor_has_one() {
        let names: Vec<&str> = targets().iter().map(|target| target.name).collect();
        let mut once = names.clone();
        once.dedup();
        assert_eq!(names, once);
        assert!(VENDORS.iter().all(|vendor| !vendor.targets.is_empty()));
    }
}
