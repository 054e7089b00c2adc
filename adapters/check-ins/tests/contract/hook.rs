//! What is said of a delivery's body.

use relay_check_ins::webhook::{MAX_ROWS, ReadError, read};
use relay_check_ins::{Column, RowState};
use serde_json::{Value, json};

/// What is said of a body that is refused, or of the rows that are left out of it.
fn said(body: &Value) -> String {
    match read(body.to_string().as_bytes()) {
        Ok(delivery) => delivery.faults().expect("something is left out"),
        Err(error) => error.to_string(),
    }
}

/// The members of the first fault, and how many there are besides.
fn first(row: &Value) -> (Option<Column>, usize) {
    let body = json!({ "rows": [{"client": "c-0"}, row] }).to_string();
    let delivery = read(body.as_bytes()).expect("the other row is read");
    assert_eq!(delivery.rows.len(), 1);
    let first = &delivery.left_out[0];
    assert_eq!(first.row, 2);
    (first.member, delivery.left_out.len() - 1)
}

#[test]
fn ids_may_be_numbers_and_yes_and_no_truth_values() {
    let body = json!({
        "rows": [
            {"client": 17, "first_name": "Maya", "contact": 4411, "minor": false, "plan": {"weeks": 12},
             "check_in": 31, "due": "2026-11-03", "submitted": true, "withdrawn": null},
            {"client": "18", "due": "2026-11-03", "submitted": false},
        ],
        "made_at": " 2026-11-03T09:00:00-07:00 ",
        "list": "online",
    });
    let body = [b"\xef\xbb\xbf".as_slice(), body.to_string().as_bytes()].concat();
    let delivery = read(&body).expect("read");
    assert!(delivery.made_at.is_some());
    assert_eq!(delivery.rows[0].client.as_str(), "17");
    let about = delivery.rows[0].about.clone().expect("told");
    assert_eq!(
        (about.minor, about.contact),
        (Some(false), Some("4411".into()))
    );
    let states: Vec<_> = delivery
        .rows
        .into_iter()
        .map(|row| row.check_in.expect("told"))
        .collect();
    assert_eq!(states[0].state, RowState::Submitted(None));
    assert_eq!(
        (states[0].id.as_str(), states[1].id.as_str()),
        ("31", "2026-11-03")
    );
    assert_eq!(states[1].state, RowState::Open);
}

#[test]
fn what_cant_be_read_is_named_by_row_and_member_and_never_quoted() {
    for (row, member) in [
        (json!("c-1"), None),
        (json!({}), Some(Column::Client)),
        (json!({"client": "maya@example.test"}), Some(Column::Client)),
        (json!({"client": 1.5}), Some(Column::Client)),
        (
            json!({"client": "c-1", "status": "quit"}),
            Some(Column::FirstName),
        ),
        (
            json!({"client": "c-1", "submitted": true}),
            Some(Column::Due),
        ),
        (
            json!({"client": "c-1", "due": 20_261_103}),
            Some(Column::Due),
        ),
        (json!({"client": "c-1", "due": true}), Some(Column::Due)),
        (
            json!({"client": "c-1", "due": "2026-11-03", "submitted": "soon"}),
            Some(Column::Submitted),
        ),
        (
            json!({"client": "c-1", "due": "2026-11-03", "submitted": {}}),
            Some(Column::Submitted),
        ),
        (
            json!({"client": "c-1", "due": "2026-11-03", "submitted_at": "2026-11-02"}),
            Some(Column::Submitted),
        ),
        (json!({"client_id": "c-1"}), Some(Column::Client)),
        (
            json!({"client": "c-1", "due_date": "2026-11-03"}),
            Some(Column::Due),
        ),
    ] {
        assert_eq!(first(&row), (member, 0), "{row}");
    }
    let text = said(&json!({"rows": [{"client": "kanari.vogel@example.test"}, {"client": "a b"}]}));
    assert!(
        text.starts_with("row 1, `client`: is an email address"),
        "{text}"
    );
    assert!(
        text.ends_with("(and 1 more)") && !text.contains("kanari"),
        "{text}"
    );
}

#[test]
fn what_nothing_can_be_done_with_is_kept_as_told() {
    let body = json!({"rows": [{"client": "c-1", "first_name": "N/A", "status": "skiing", "email": "none"}]});
    let delivery = read(body.to_string().as_bytes()).expect("read");
    let about = delivery.rows[0].about.clone().expect("told");
    assert_eq!(about.status.as_deref(), Some("skiing"));
}

#[test]
fn a_body_that_is_none_says_what_it_lacks() {
    for body in ["", "null", "[]", "{\"rows\"", "\u{feff}"] {
        assert_eq!(read(body.as_bytes()), Err(ReadError::NotAnObject), "{body}");
    }
    for body in [json!({}), json!({"rows": {}}), json!({"rows": null})] {
        assert_eq!(read(body.to_string().as_bytes()), Err(ReadError::NoRows));
    }
    for made_at in [json!("2026-11-03"), json!(1), json!("0001-01-01T00:00:00Z")] {
        let body = json!({"rows": [], "made_at": made_at});
        assert_eq!(read(body.to_string().as_bytes()), Err(ReadError::MadeAt));
    }
    let rows = vec![json!({"client": "c-1"}); MAX_ROWS + 1];
    let error = read(json!({ "rows": rows }).to_string().as_bytes());
    assert_eq!(error, Err(ReadError::TooManyRows(MAX_ROWS + 1)));
    let none = read(json!({"rows": [], "made_at": null}).to_string().as_bytes());
    assert_eq!(none.expect("read").rows, []);
}

#[test]
fn rows_that_contradict_each_other_are_named_both() {
    let row =
        |submitted: bool| json!({"client": "c-1", "due": "2026-11-03", "submitted": submitted});
    let text = said(&json!({"rows": [row(true), row(true), row(false)]}));
    assert!(
        text.starts_with("row 3, `submitted`: says otherwise than row 1"),
        "{text}"
    );
}
