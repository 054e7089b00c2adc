//! The example files.

use relay_check_ins::webhook::{Delivery, read};
use relay_check_ins::{RowState, csv};

macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!("../../../../fixtures/check-ins/", $name))
    };
}

#[test]
fn the_example_file_and_the_example_delivery_say_the_same() {
    let Delivery { made_at, rows, .. } = read(fixture!("delivery.json")).expect("readable");
    assert!(made_at.is_some());
    assert_eq!(csv::read(fixture!("list.csv")), Ok(rows));
}

#[test]
fn the_example_of_a_change_is_one_check_in() {
    let rows = read(fixture!("change.json")).expect("readable").rows;
    let check_in = rows[0].check_in.clone().expect("told");
    assert!(matches!(check_in.state, RowState::Submitted(Some(_))));
}

#[test]
fn a_coach_whom_the_clinic_has_not_named_is_a_mistake_of_each_line_that_names_her() {
    let file =
        "client,first_name,coach\nc1,Maya,beth\nc2,Jo,dana\nc3,Pia,\nc4,Ida,dana\nc5,Nora,beth,x\n";
    let error = csv::read_of(file.as_bytes(), |coach| coach.as_str() == "beth").expect_err("no");
    let lines: Vec<_> = error.faults.iter().map(|fault| fault.line).collect();
    assert_eq!(lines, [3, 5, 6], "all at once: {error}");
    let text = error.to_string();
    assert!(
        text.contains(
            "line 3, column coach: names a coach whom the configuration does not; write an id"
        ),
        "{text}"
    );
    assert!(!text.contains("dana") && !text.contains("Jo"), "{text}");
    assert!(csv::read_of(b"client,first_name,coach\nc1,Maya,beth\n", |_| true).is_ok());
}

#[test]
fn every_line_of_the_broken_example_is_told() {
    let error = csv::read(fixture!("broken.csv")).expect_err("refused");
    let mut lines: Vec<u64> = error.faults.iter().map(|fault| fault.line).collect();
    lines.dedup();
    assert_eq!(lines, [2, 3, 4, 5, 6, 7, 9], "{error}");
    let in_third = error.faults.iter().filter(|fault| fault.line == 3);
    assert_eq!(in_third.count(), 11, "{error}");
    for cell in ["maya", "Maya", "Berg", "0135", "Mountain", "jo at"] {
        assert!(!error.to_string().contains(cell), "{cell}");
    }
}
