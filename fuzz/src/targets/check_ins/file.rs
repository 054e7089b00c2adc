//! A file of rows, as a person exports it.
//!
//! An input is a file.

use relay_check_ins::{Row, csv, webhook};
use relay_core::outside;

use crate::targets::{Target, check_words, unexpected};

/// The target.
pub const TARGET: Target = Target {
    name: "check_ins_file",
    run,
    words: &[
        "client,first_name,due,submitted\n",
        "client;first_name;email;due\r\n",
        "client\tdue\n",
        "submited",
        "Last Regimen Change",
        "guardian",
        "withdrawn",
        "c-1,",
        ",",
        ";",
        "\"",
        "\"\"",
        "\n",
        "\r",
        "\r\n",
        ",,,\n",
        "yes",
        "2026-11-03",
        "2026-11-03 16:20",
        "11/3/2026",
        "46329",
        "#REF!",
        "\u{feff}",
        "\u{a0}",
        "kanari.vogel@example.test",
    ],
    fixtures: &[
        "fixtures/check-ins/list.csv",
        "fixtures/check-ins/broken.csv",
    ],
    executions: 4_000,
};

/// Runs one input.
///
/// # Panics
/// If a promise is broken.
pub fn run(data: &[u8]) {
    let read = csv::read(data);
    assert_eq!(read, csv::read(data), "the same bytes say the same");
    match read {
        Err(error) => {
            assert!(!error.faults.is_empty());
            assert!(error.faults.is_sorted_by_key(|fault| fault.line));
            let ends = data.iter().filter(|byte| matches!(byte, b'\n' | b'\r'));
            let last = u64::try_from(ends.count()).unwrap_or(u64::MAX) + 1;
            for fault in &error.faults {
                assert!((1..=last).contains(&fault.line), "{fault}");
                check_words(&fault.to_string(), 400);
            }
        }
        Ok(rows) => {
            assert!(!rows.is_empty());
            plausible(&rows);
            // What a file says is stored as deliveries, and read again.
            let mut again = Vec::new();
            for body in webhook::write_all(&rows, None) {
                match webhook::read(&body) {
                    Ok(delivery) => again.extend(delivery.rows),
                    Err(error) => unexpected(&error.to_string()),
                }
            }
            assert_eq!(again, rows);
        }
    }
}

/// Whatever the rows came from: ids are ids, and days can be days.
pub(super) fn plausible(rows: &[Row]) {
    for row in rows {
        let id = row.client.as_str();
        assert!(
            !id.is_empty() && !id.contains(['@', ' ', '/', '\n']),
            "{id}"
        );
        if let Some(check_in) = &row.check_in {
            assert!(outside::is_plausible(check_in.due));
            assert!(!check_in.id.as_str().contains(['@', ' ', '/', '\n']));
        }
        if let Some(about) = &row.about {
            assert!(!about.first_name.is_empty());
        }
    }
}
