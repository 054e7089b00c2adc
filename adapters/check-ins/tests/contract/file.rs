//! What is said of a file.

use relay_check_ins::csv::{FileError, MAX_FILE, read};
use relay_check_ins::{Row, RowState};

const HEAD: &str = "client,first_name,email,phone,status,check_in,due,submitted,withdrawn";

fn body(lines: &str) -> Result<Vec<Row>, FileError> {
    read(format!("{HEAD}\n{lines}").as_bytes())
}

/// `line column` of everything that is wrong.
fn places(read: Result<Vec<Row>, FileError>) -> Vec<String> {
    let error = read.expect_err("refused");
    let place = |line: u64, column: &Option<String>| match column {
        Some(column) => format!("{line} {column}"),
        None => line.to_string(),
    };
    let faults = error.faults.iter();
    faults
        .map(|fault| place(fault.line, &fault.column))
        .collect()
}

fn words(read: Result<Vec<Row>, FileError>) -> String {
    read.expect_err("refused").to_string()
}

#[test]
fn everything_that_is_wrong_is_told_at_once_by_line_and_column() {
    let wrong = body(
        "c-1,Maya,maya@example.test,303-555-0134,online,,2026-11-03,,\n\
         maya@example.test,Maya,,,,,2026-11-03,,\n\
         \n\
         c-2,N/A,none,12,active,,11/3/2026,perhaps,maybe\n\
         ,,,,,,2026-11-03,,\n\
         c-3,,,,quit,k-1,,yes,\n\
         c-4,,,\n",
    );
    let text = words(wrong.clone());
    for cell in ["maya@", "Maya", "active", "perhaps", "maybe", "11/3"] {
        assert!(!text.contains(cell), "{cell} in {text}");
    }
    assert_eq!(
        places(wrong),
        [
            "3 client",
            "5 first_name",
            "5 email",
            "5 phone",
            "5 status",
            "5 due",
            "5 submitted",
            "5 withdrawn",
            "6 client",
            "7 first_name",
            "7 due",
            "8",
        ]
    );
    let lines = text.lines().count();
    assert_eq!(lines, 12);
    assert!(
        text.contains("line 5, column due: can be read as two different days"),
        "{text}"
    );
}

#[test]
fn a_misspelt_column_is_named_by_the_nearest_and_a_foreign_one_by_its_place() {
    let misspelt = words(read(b"client,due,submited\nc-1,2026-11-03,yes"));
    assert!(misspelt.contains("line 1, column 3 (C)"), "{misspelt}");
    assert!(misspelt.contains("`submitted`"), "{misspelt}");
    let foreign = words(read(b"client,due,Kanari\nc-1,2026-11-03,yes"));
    assert!(
        foreign.contains("column 3 (C)") && !foreign.contains("Kanari"),
        "{foreign}"
    );
    assert!(foreign.contains("withdrawn"), "{foreign}");
    assert_eq!(
        places(read(b"due,first_name\n2026-11-03,Maya")),
        ["1 client"]
    );
    assert_eq!(places(read(b"client,due,Due\nc-1,,")), ["1 due"]);
    assert_eq!(places(read(b"Maya,Ruiz\nJo,Berg")), ["1"]);
    assert!(!words(read(b"Maya,Ruiz\nJo,Berg")).contains("Maya"));
}

#[test]
fn any_separator_line_end_mark_and_joint_of_words_will_do() {
    let expected = body("c-1,Maya,,,,,2026-11-03,yes,\nc-2,,,,,,2026-11-04,,").expect("read");
    assert_eq!(expected.len(), 2);
    for file in [
        "\u{feff}Client;First Name;due;submitted\r\nc-1;Maya;2026-11-03;yes\r\nc-2;;2026-11-04;\r\n\r\n;;;\r\n",
        "client\tfirst_name\tdue\tsubmitted\rc-1\tMaya\t2026-11-03\tyes\rc-2\t\t2026-11-04\t\r",
        "\n\n\"client\",\"first-name\",due,submitted,,\nc-1,\"Maya\",2026-11-03,TRUE,,\nc-2,,2026-11-04,no,,\n,,,,,",
    ] {
        assert_eq!(read(file.as_bytes()), Ok(expected.clone()), "{file}");
    }
}

#[test]
fn lines_are_counted_as_an_editor_counts_them() {
    for end in ["\n", "\r\n", "\r"] {
        let file = [
            "",
            "client,last_name,first_name,due",
            "",
            "c-1,\"Ruiz",
            "Vogel\",Maya,2026-11-03",
            "",
            "c-2,,,soon",
            ",,,",
            "c-3,,,later",
        ];
        let read = read(file.join(end).as_bytes());
        assert_eq!(places(read), ["7 due", "9 due"], "{end:?}");
    }
}

#[test]
fn a_quoted_line_end_is_a_blank() {
    let rows = read(b"client,first_name,last_name\nc-1,Maya,\"Ruiz\r\nVogel\"\n").expect("read");
    let about = rows[0].about.clone().expect("told");
    assert_eq!(about.last_name.as_deref(), Some("Ruiz Vogel"));
}

#[test]
fn a_quotation_mark_too_many_swallows_no_line() {
    let open = "client,due,first_name,guardian\nc-1,,Ana,\"Carla\nc-2,2026-11-03,Jo,\n";
    assert_eq!(places(read(open.as_bytes())), ["2"]);
    let closed = "client,due,first_name,guardian\nc-1,,Ana,\"Carla\nc-2,2026-11-03,Jo,Ida\"\n";
    assert_eq!(places(read(closed.as_bytes())), ["2 guardian"]);
    assert_eq!(
        places(read(b"client,due\nc-1,6\" tape\nc-2,2026-11-03")),
        ["2"]
    );
}

#[test]
fn a_file_that_was_cut_off_is_no_list_of_those_who_have_not_checked_in() {
    let whole = "client,due,submitted\nc-1,2026-11-03,yes\nc-2,2026-11-03,yes\n";
    for end in 0..whole.len() {
        let Ok(rows) = read(&whole.as_bytes()[..end]) else {
            continue;
        };
        // Only whole lines, or a last cell that is still empty.
        let open = rows.iter().filter_map(|row| row.check_in.as_ref());
        let open = open
            .filter(|check_in| check_in.state == RowState::Open)
            .count();
        let torn = whole[..end].ends_with(',');
        assert_eq!(open, usize::from(torn), "{end}");
    }
}

#[test]
fn a_file_in_another_encoding_is_told_by_its_line() {
    let windows = b"client,first_name\r\nc-1,Maya\r\nc-2,Zo\xeb\r\n";
    assert_eq!(places(read(windows)), ["3"]);
    assert!(words(read(windows)).contains("CSV UTF-8"));
    assert_eq!(places(read(b"\xff\xfec\0l\0")), ["1"]);
    assert_eq!(places(read(b"\xfe\xff\0c\0l")), ["1"]);
}

#[test]
fn a_file_without_rows_is_told() {
    for file in ["", "\n\n", "\u{feff}", "client,due", "client,due\r\n,\r\n"] {
        assert_eq!(places(read(file.as_bytes())), ["1"], "{file:?}");
    }
    let endless = vec![b'\n'; MAX_FILE + 1];
    assert_eq!(places(read(&endless)), ["1"]);
}

#[test]
fn a_file_that_is_another_one_is_not_read_to_its_end() {
    let lines = "c-1\n".repeat(5_000);
    let error = read(format!("client,due\n{lines}").as_bytes()).expect_err("refused");
    assert!((1_000..1_010).contains(&error.faults.len()));
    let wide = format!("client{}\nc-1", ",x".repeat(10_000));
    assert_eq!(places(read(wide.as_bytes())), ["1"]);
}

#[test]
fn a_line_with_a_value_beyond_the_header_is_told() {
    assert_eq!(places(read(b"client,due\nc-1,2026-11-03,yes")), ["2 3 (C)"]);
    assert_eq!(
        places(read(b"client,,due\nc-1,yes,2026-11-03")),
        ["2 2 (B)"]
    );
}

#[test]
fn rows_that_contradict_each_other_are_named_both() {
    let twice = body(
        "c-1,Maya,,,,k-1,2026-11-03,,\n\
         c-2,,,,,,2026-11-03,,\n\
         c-1,,,,,k-1,2026-11-03,yes,\n\
         c-1,,,,,k-1,2026-11-05,,\n\
         c-1,Maja,,,,k-2,2026-12-03,,\n\
         c-2,,,,,,2026-11-03,,yes\n",
    );
    let text = words(twice.clone());
    assert_eq!(
        places(twice),
        ["4 submitted", "5 due", "6 first_name", "7 withdrawn"]
    );
    assert!(text.contains("line 2 of the same check-in"), "{text}");
    assert!(text.contains("line 3 of the same check-in"), "{text}");
    assert!(text.contains("line 2 of the same client"), "{text}");
    let same = body(
        "c-1,Maya,,,,k-1,2026-11-03,yes,\n\
         c-1,,,,,k-1,2026-11-03,2026-11-02,\n\
         c-1,Maya,,,,k-2,2026-12-03,,\n\
         c-2,,,,,k-1,2026-11-04,,\n",
    );
    assert_eq!(same.expect("no contradiction").len(), 4);
}
