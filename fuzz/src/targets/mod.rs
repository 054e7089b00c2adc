//! The targets. Each is a function of bytes that panics where a promise is broken.

pub mod answers;
pub mod cast_toml;
pub mod config_toml;
pub mod edge;
pub mod emulator;
pub mod keap_answer;
pub mod keap_automation;
pub mod keap_delivery;
pub mod keap_texts;
pub mod portal_answer;
pub mod portal_event;
pub mod procedure_toml;
pub mod signature;
pub mod tokens;

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

/// Every target, by name.
pub const TARGETS: &[Target] = &[
    cast_toml::TARGET,
    config_toml::TARGET,
    edge::TARGET,
    emulator::TARGET,
    keap_answer::TARGET,
    keap_automation::TARGET,
    keap_delivery::TARGET,
    keap_texts::TARGET,
    portal_answer::TARGET,
    portal_event::TARGET,
    procedure_toml::TARGET,
    signature::TARGET,
    tokens::TARGET,
];

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
/// Always.
fn unexpected(what: &str) {
    assert!(what.is_empty(), "{what}");
}
