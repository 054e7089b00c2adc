//! The configuration file. Whoever may write it may do anything; but a mistake in it must be
//! told, and told without a secret.

use std::collections::HashMap;
use std::path::Path;

use clear_relay::config::Config;

use super::{CANARY, Target};

/// The target.
pub const TARGET: Target = Target {
    name: "config_toml",
    run,
    words: &[
        "[store]",
        "[http]",
        "[clinic]",
        "[keap]",
        "[clear_connection]",
        "[procedures]",
        "[log]",
        "[people]",
        "mode",
        "\"on\"",
        "\"off\"",
        "base_url",
        "key",
        "key_file",
        "hook_secrets",
        "https://portal.test",
        "http://u:p@portal.test",
        "file:///",
        "[[",
        "]]",
        "{",
        "}",
        "=",
        "\"\"\"",
        "'''",
        "true",
        "false",
        "inf",
        "nan",
        "1979-05-27T07:32:00Z",
        "0x",
        "_",
        ".",
        "America/Denver",
        "09:00",
        "24:00",
        "monday",
        "[",
        "]",
        "#",
    ],
    fixtures: &["clear-relay.example.toml"],
    executions: 700,
};

/// Runs one input. In the seeds every secret holds the canary.
///
/// # Panics
/// If a promise is broken.
pub fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let base = Path::new("nowhere");
    match Config::parse(&text, base, HashMap::new()) {
        Ok(config) => {
            assert!(!format!("{config:?}").contains(CANARY), "a secret is shown");
            let _ = config.check_time_scale(3_600);
        }
        Err(error) => {
            assert!(
                !error.mistakes.is_empty(),
                "wrong, and nothing is said to be"
            );
            for mistake in &error.mistakes {
                assert!(!mistake.key.is_empty() && !mistake.remedy.is_empty());
            }
        }
    }
}
