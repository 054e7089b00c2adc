//! Rows as they are written and read, by webhook and by file.

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use relay_check_ins::webhook::{self, Delivery};
use relay_check_ins::{About, Column, Row, RowCheckIn, RowState, SubmittedAt, csv};
use relay_core::time::{Date, Timestamp};
use serde_json::Value;

fn id() -> impl Strategy<Value = String> {
    "[A-Za-z0-9][A-Za-z0-9_.:-]{0,12}"
}

/// Text as cells have it: one line, nothing around it, of any letters and signs.
fn text() -> impl Strategy<Value = String> {
    "[\\p{L}\"',;=+@(-][\\p{L}\"',; ]{0,12}[\\p{L}\"',;]"
        .prop_map(|text| relay_core::outside::one_line(&text))
        .prop_filter("something", |text| !text.is_empty())
}

/// A name as somebody who looks at the file would let pass.
fn name() -> impl Strategy<Value = String> {
    text().prop_filter("a name", |text| {
        relay_core::outside::name(Some(text)).is_ok()
    })
}

fn date() -> impl Strategy<Value = Date> {
    (2000_i16..=2199, 1_i8..=12, 1_i8..=28).prop_map(|(y, m, d)| Date::constant(y, m, d))
}

fn instant() -> impl Strategy<Value = Timestamp> {
    let seconds = 946_771_200_i64..7_258_000_000;
    (seconds, 0_i32..1_000_000_000)
        .prop_map(|(second, nano)| Timestamp::new(second, nano).expect("an instant"))
}

fn status() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "online",
        "in_person",
        "on_break",
        "quit",
        "maintenance",
    ])
    .prop_map(str::to_owned)
}

fn about() -> impl Strategy<Value = About> {
    let email = "[a-z]{1,8}@example\\.test";
    let phone = "303-555-[0-9]{4}( ask for me, \"Mo\")?";
    let zone = prop::sample::select(vec![
        "America/Denver".to_owned(),
        "Europe/Berlin".to_owned(),
    ]);
    (
        (
            name(),
            of(text()),
            of(email),
            of(phone),
            of("[1-9][0-9]{0,9}"),
            of(id()),
        ),
        (
            of(status()),
            of(zone),
            of(date()),
            of(date()),
            any::<Option<bool>>(),
            of(name()),
        ),
    )
        .prop_map(|(who, more)| About {
            first_name: who.0,
            last_name: who.1,
            email: who.2,
            phone: who.3,
            contact: who.4.map(Into::into),
            coach: who.5.map(Into::into),
            status: more.0,
            time_zone: more.1,
            last_regimen_change: more.2,
            break_until: more.3,
            minor: more.4,
            guardian: more.5,
        })
}

fn state() -> impl Strategy<Value = RowState> {
    prop_oneof![
        Just(RowState::Open),
        Just(RowState::Withdrawn),
        Just(RowState::Submitted(None)),
        date().prop_map(|day| RowState::Submitted(Some(SubmittedAt::Day(day)))),
        instant().prop_map(|at| RowState::Submitted(Some(SubmittedAt::Instant(at)))),
    ]
}

fn check_in() -> impl Strategy<Value = RowCheckIn> {
    (of(id()), date(), state()).prop_map(|(id, due, state)| RowCheckIn {
        id: id.unwrap_or_else(|| due.to_string()).into(),
        due,
        state,
    })
}

/// Rows of clients that are all different, so that none contradicts another.
fn rows(most: usize) -> impl Strategy<Value = Vec<Row>> {
    vec((of(about()), of(check_in())), 1..most).prop_map(|rows| {
        let numbered = rows.into_iter().enumerate();
        numbered
            .map(|(number, (about, check_in))| Row {
                client: format!("c-{number}").into(),
                about,
                check_in,
            })
            .collect()
    })
}

/// The members of a body's rows as a file.
fn file(body: &[u8], separator: u8, crlf: bool) -> Vec<u8> {
    let body: Value = serde_json::from_slice(body).expect("JSON");
    let terminator = if crlf {
        ::csv::Terminator::CRLF
    } else {
        ::csv::Terminator::Any(b'\n')
    };
    let mut writer = ::csv::WriterBuilder::new()
        .delimiter(separator)
        .terminator(terminator)
        .from_writer(Vec::new());
    writer
        .write_record(Column::ALL.map(Column::name))
        .expect("written");
    for row in body["rows"].as_array().expect("rows") {
        let cells = Column::ALL.map(|column| match &row[column.name()] {
            Value::Null => String::new(),
            Value::Bool(true) => "yes".to_owned(),
            Value::Bool(false) => "no".to_owned(),
            Value::String(text) => text.clone(),
            other => unreachable!("{column}: {other}"),
        });
        writer.write_record(&cells).expect("written");
    }
    writer.into_inner().expect("a file")
}

proptest! {
    #[test]
    fn what_is_written_is_read_as_the_same(rows in rows(8), made_at in of(instant())) {
        let body = webhook::write(&rows, made_at);
        prop_assert_eq!(webhook::read(&body), Ok(Delivery { made_at, rows, left_out: Vec::new(), unread: std::collections::BTreeSet::default() }));
    }

    #[test]
    fn a_file_says_what_a_delivery_with_its_cells_says(
        rows in rows(8),
        separator in prop::sample::select(vec![b',', b';', b'\t']),
        crlf: bool,
        marked: bool,
    ) {
        let mut text = if marked { b"\xef\xbb\xbf".to_vec() } else { Vec::new() };
        text.extend(file(&webhook::write(&rows, None), separator, crlf));
        prop_assert_eq!(csv::read(&text), Ok(rows));
    }

    #[test]
    fn rows_survive_being_stored(rows in rows(4)) {
        let stored = serde_json::to_string(&rows).expect("stored");
        prop_assert_eq!(serde_json::from_str::<Vec<Row>>(&stored).expect("read"), rows);
    }

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in vec(any::<u8>(), 0..300)) {
        let _ = webhook::read(&bytes);
        let _ = csv::read(&bytes);
    }

    #[test]
    fn no_cells_make_the_reader_of_files_panic(text in "(client|due|\"|,|;|\r|\n|c-1|2026-11-03|[a-zé]){0,60}") {
        let _ = csv::read(text.as_bytes());
        let _ = csv::read(format!("client,due\n{text}").as_bytes());
    }
}

#[test]
fn many_rows_become_several_deliveries_that_say_the_same() {
    let row = |number: usize| Row {
        client: format!("c-{number}").into(),
        about: Some(About {
            first_name: "Maya".to_owned(),
            last_name: Some("\"".repeat(200)),
            email: None,
            phone: None,
            contact: None,
            coach: None,
            status: None,
            time_zone: None,
            last_regimen_change: None,
            break_until: None,
            minor: None,
            guardian: None,
        }),
        check_in: None,
    };
    let small = |number: usize| Row {
        about: None,
        ..row(number)
    };
    for rows in [
        (0..1_500).map(row).collect::<Vec<_>>(),
        (0..2_001).map(small).collect(),
        Vec::new(),
    ] {
        let bodies = webhook::write_all(&rows, None);
        let mut read = Vec::new();
        for body in &bodies {
            assert!(body.len() <= webhook::MAX_BODY, "{}", body.len());
            read.extend(webhook::read(body).expect("readable").rows);
        }
        assert_eq!(read, rows);
    }
}
