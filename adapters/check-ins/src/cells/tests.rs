//! What is read of a row's cells.

use super::*;

fn read(cells: &[(Column, &str)], author: Author) -> Result<Row, Vec<Fault>> {
    let mut made = Cells::default();
    made.set(Column::Client, "c-1");
    for (column, text) in cells {
        made.set(*column, text);
    }
    row(&made, author)
}

fn state(submitted: &str) -> Option<RowState> {
    let cells = [(Column::Due, "2026-11-03"), (Column::Submitted, submitted)];
    let read = read(&cells, Author::Present).ok()?;
    read.check_in.map(|check_in| check_in.state)
}

#[test]
fn what_is_submitted_is_told_by_a_word_a_day_or_a_time() {
    let day = |text: &str| SubmittedAt::Day(text.parse().expect("a day"));
    for (text, expected) in [
        ("", RowState::Open),
        ("No", RowState::Open),
        ("FALSE", RowState::Open),
        ("yes", RowState::Submitted(None)),
        ("2026-11-02", RowState::Submitted(Some(day("2026-11-02")))),
        (
            "2026-11-02 16:20",
            RowState::Submitted(Some(day("2026-11-02"))),
        ),
        (
            "2026-11-02T16:20:00",
            RowState::Submitted(Some(day("2026-11-02"))),
        ),
    ] {
        assert_eq!(state(text), Some(expected), "{text}");
    }
    let instant = "2026-11-02T23:20:00Z".parse().expect("an instant");
    assert_eq!(
        state("2026-11-02T16:20:00-07:00"),
        Some(RowState::Submitted(Some(SubmittedAt::Instant(instant))))
    );
    for text in [
        "done",
        "11/2/2026",
        "46329",
        "2026-13-01",
        "0001-01-01",
        "2026-11-02 late",
    ] {
        assert_eq!(state(text), None, "{text}");
    }
}

#[test]
fn a_day_is_written_year_first_and_can_be_one() {
    for text in [
        "11/3/2026",
        "3.11.2026",
        "46329",
        "2026-02-30",
        "20261103",
        "9999-12-31",
        "2026-11-03T00:00:00Z",
        "soon",
        "2026-1-3",
    ] {
        let faults = read(&[(Column::Due, text)], Author::Away).expect_err("refused");
        assert_eq!(faults.len(), 1, "{text}");
        assert_eq!(faults[0].column, Column::Due);
    }
    let row = read(&[(Column::Due, " 2026-11-03\u{a0}")], Author::Away).expect("read");
    assert_eq!(row.check_in.expect("a check-in").id.as_str(), "2026-11-03");
}

#[test]
fn an_id_is_never_an_address_a_number_to_call_or_two_words() {
    for text in [
        "maya@example.test",
        "Maya Ruiz",
        "-v",
        "..",
        "ci?x",
        "ü",
        &"x".repeat(101),
    ] {
        let faults = read(&[(Column::Client, text)], Author::Away).expect_err("refused");
        assert_eq!(faults[0].column, Column::Client, "{text}");
    }
    let phone = [
        (Column::Client, "303-555-0134"),
        (Column::FirstName, "Maya"),
        (Column::Phone, "(303) 555-0134"),
    ];
    assert!(read(&phone, Author::Away).is_err());
    assert!(read(&phone[..2], Author::Away).is_ok());
}

#[test]
fn what_is_told_of_her_needs_her_first_name() {
    let faults = read(&[(Column::Status, "quit")], Author::Away).expect_err("refused");
    assert_eq!(faults[0].column, Column::FirstName);
    let row = read(&[], Author::Away).expect("read");
    assert_eq!((row.about, row.check_in), (None, None));
}

#[test]
fn a_status_is_spelt_as_the_relay_does_and_an_unknown_one_is_kept_or_refused() {
    let told = |word, author| {
        let cells = [(Column::FirstName, "Maya"), (Column::Status, word)];
        read(&cells, author).map(|row| row.about.and_then(|about| about.status))
    };
    let some = |word: &str| Ok(Some(word.to_owned()));
    assert_eq!(told("In Person", Author::Present), some("in_person"));
    assert_eq!(told("On the moon", Author::Away), some("On the moon"));
    assert!(told("On the moon", Author::Present).is_err());
}

#[test]
fn a_withdrawn_check_in_is_withdrawn_whatever_stands_beside_it() {
    let cells = [
        (Column::Due, "2026-11-03"),
        (Column::Submitted, "yes"),
        (Column::Withdrawn, "yes"),
    ];
    let row = read(&cells, Author::Present).expect("read");
    assert_eq!(row.check_in.expect("told").state, RowState::Withdrawn);
}

#[test]
fn a_check_in_has_a_due_day() {
    for column in [Column::CheckIn, Column::Submitted, Column::Withdrawn] {
        let text = if column == Column::CheckIn {
            "k-1"
        } else {
            "no"
        };
        let faults = read(&[(column, text)], Author::Away).expect_err("refused");
        assert_eq!(faults[0].column, Column::Due);
    }
}

#[test]
fn where_nobody_is_there_to_correct_it_what_is_not_needed_is_kept_as_told() {
    let odd = [
        (Column::FirstName, "~Contact.FirstName~"),
        (Column::Email, "none"),
        (Column::Phone, "-"),
        (Column::TimeZone, "Mountain"),
        (Column::Guardian, "N/A"),
    ];
    assert!(read(&odd, Author::Away).is_ok());
    let faults = read(&odd, Author::Present).expect_err("refused");
    let columns: Vec<Column> = faults.iter().map(|fault| fault.column).collect();
    assert_eq!(columns.len(), odd.len());
    for (column, _) in odd {
        assert!(columns.contains(&column), "{column}");
    }
}
