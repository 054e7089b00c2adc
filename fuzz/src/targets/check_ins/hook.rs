//! The body of a verified delivery of rows.
//!
//! An input is a body.

use relay_check_ins::webhook::{self, Delivery, MAX_ROWS};

use super::file::plausible;
use crate::targets::{Target, check_words};

/// The target.
pub const TARGET: Target = Target {
    name: "check_ins_hook",
    run,
    words: &[
        "rows",
        "made_at",
        "client",
        "first_name",
        "email",
        "contact",
        "status",
        "minor",
        "guardian",
        "check_in",
        "due",
        "submitted",
        "submitted_at",
        "withdrawn",
        "online",
        "yes",
        "true",
        "null",
        "2026-11-03",
        "2026-11-03 16:20",
        "2026-11-03T09:00:00-07:00",
        "-9999-01-01T00:00:00Z",
        "9999-12-31",
        "11/3/2026",
        "\u{feff}",
        "\u{202e}",
        "kanari.vogel@example.test",
    ],
    fixtures: &[
        "fixtures/check-ins/delivery.json",
        "fixtures/check-ins/change.json",
    ],
    executions: 4_000,
};

/// Runs one input.
///
/// # Panics
/// If a promise is broken.
pub fn run(data: &[u8]) {
    let read = webhook::read(data);
    assert_eq!(read, webhook::read(data), "the same bytes say the same");
    match read {
        Err(error) => check_words(&error.to_string(), 400),
        Ok(Delivery { made_at, rows, .. }) => {
            assert!(rows.len() <= MAX_ROWS);
            plausible(&rows);
            let written = webhook::write(&rows, made_at);
            let again = Delivery {
                made_at,
                rows,
                left_out: Vec::new(),
                unread: std::collections::BTreeSet::new(),
            };
            assert_eq!(webhook::read(&written), Ok(again), "written otherwise");
        }
    }
}
