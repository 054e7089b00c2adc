//! A procedure and its texts, as a clinic edits them.
//!
//! An input is the procedure's file, and behind a line `--- NAME` the text of each script that is
//! not the shipped one.

use std::collections::BTreeMap;

use relay_core::case::Mode;
use relay_core::procedure::MissedCheckInProcedure;
use relay_core::scripts::{Values, shipped};
use relay_core::time::Date;

use super::Target;

/// The target.
pub const TARGET: Target = Target {
    name: "procedure_toml",
    run,
    words: &[
        "mode",
        "\"act\"",
        "\"propose\"",
        "[window]",
        "[waits]",
        "usual_hours",
        "short_hours",
        "near_days",
        "[coach]",
        "[channel]",
        "[email]",
        "subject",
        "{date}",
        "[tags]",
        "[scripts]",
        "[scripts.S1]",
        "file",
        "asserts",
        "approved",
        "variant_of",
        "no_reply",
        "--- s1.txt",
        "____",
        "NAME",
        "YOUR NAME",
        "(date)",
        "ENTER DATE",
        "DATE DUE",
        "{",
        "}",
        "<",
        "__",
        "=",
        "\"",
        "[",
        "]",
        "true",
        "\u{feff}",
        "\r\n",
    ],
    fixtures: &["procedures/missed-check-in.toml", "procedures/scripts"],
    executions: 700,
};

/// Runs one input.
///
/// # Panics
/// If a promise is broken.
pub fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data).into_owned();
    let mut parts = text.split("\n--- ");
    let file = parts.next().unwrap_or_default();
    let own: BTreeMap<&str, &str> = parts.filter_map(|part| part.split_once('\n')).collect();
    let script = |name: &str| {
        own.get(name)
            .map(|text| (*text).to_owned())
            .or_else(|| shipped(name))
    };
    match MissedCheckInProcedure::parse(file, script) {
        Err(mistakes) => {
            assert!(!mistakes.0.is_empty(), "wrong, and nothing is said to be");
            for mistake in &mistakes.0 {
                assert!(!mistake.problem.is_empty() && !mistake.remedy.is_empty());
            }
        }
        Ok(procedure) => sound(&procedure),
    }
}

/// What was read is stored and read back the same, and every text can be rendered.
fn sound(procedure: &MissedCheckInProcedure) {
    let back = procedure.to_body().ok();
    let back = back.and_then(|body| MissedCheckInProcedure::from_body(&body, Mode::Act).ok());
    assert_eq!(
        back.as_ref().map(MissedCheckInProcedure::hash),
        Some(procedure.hash())
    );
    let values = Values {
        records: relay_core::clients::Records::Portal,
        client_name: Some("Maya".to_owned()),
        coach_name: Some("Cora".to_owned()),
        coach_unknown: false,
        due: Some(Date::constant(2026, 11, 3)),
    };
    for (id, script) in &procedure.scripts.0 {
        let rendered = script.render(id, &values);
        assert!(rendered.is_ok(), "{id} was accepted and can't be rendered");
        assert!(
            script.render(id, &Values::default()).is_err()
                || script.placeholders().is_ok_and(|p| p.is_empty())
        );
    }
}
