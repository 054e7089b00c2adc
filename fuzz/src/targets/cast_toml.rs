//! A cast: the invented people of a sandbox, in a file of the user's.

use clear_relay::sandbox::cast::Cast;
use relay_core::time::TimeZone;

use super::Target;

/// The target.
pub const TARGET: Target = Target {
    name: "cast_toml",
    run,
    words: &[
        "[[clients]]",
        "[[clients.expects]]",
        "[[clients.acts]]",
        "[[histories]]",
        "[texts]",
        "start",
        "until",
        "due",
        "name",
        "id",
        "first",
        "at",
        "what",
        "text",
        "says",
        "not_before",
        "2026-11-03T09:00:00",
        "9999-12-31T23:59:59",
        "-9999-01-01T00:00:00",
        "2026-11-03",
        "09:00:00",
        "{name}",
        "{due}",
        "=",
        "\"",
        "[",
        "]",
        "{",
        "}",
        "0",
        "true",
    ],
    fixtures: &["fixtures/casts/short.toml", "fixtures/casts/strict.toml"],
    executions: 700,
};

/// Runs one input.
///
/// # Panics
/// If a promise is broken.
pub fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match Cast::parse(&text) {
        Err(error) => assert!(!error.is_empty(), "wrong, and nothing is said to be"),
        Ok(cast) => {
            let zone = TimeZone::get("America/Denver").unwrap_or(TimeZone::UTC);
            assert!(
                cast.start(&zone) <= cast.until(&zone),
                "it ends before it begins"
            );
            for client in &cast.clients {
                let _ = cast.mails(client);
            }
            assert!(cast.only(|_| false).clients.is_empty());
        }
    }
}
