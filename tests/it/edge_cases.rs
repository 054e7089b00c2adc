//! The table of edge cases (`edge_cases.toml`), checked against the tree.
//!
//! A row names its tests and stories; they are looked up here, so that one that is renamed or
//! removed is missed.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use clear_relay::sandbox::cast::Cast;
use serde::Deserialize;

/// The file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    case: Vec<Row>,
}

/// A row.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    /// The E-number.
    id: u32,
    /// What is wanted, in one line.
    wanted: String,
    /// Tests (`path::test`) and stories (`cast:client`).
    #[serde(default)]
    by: Vec<String>,
    /// What it comes with, if it is not built.
    later: Option<String>,
    /// Why nothing can go wrong before that.
    until: Option<String>,
}

fn table() -> Vec<Row> {
    let table: Table = toml::from_str(include_str!("edge_cases.toml")).expect("a table");
    table.case
}

/// The edge cases that the follow-up of a missed check-in and the two orders must stand up to.
const BUILT: [u32; 50] = [
    1, 2, 3, 4, 5, 6, 7, 11, 12, 13, 15, 16, 17, 18, 19, 20, 21, 22, 23, 25, 26, 27, 28, 29, 30,
    31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 43, 46, 47, 48, 49, 50, 66, 67, 68, 69, 70, 71, 72,
    74,
];

fn read(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    fs::read_to_string(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Whether `source` has a test of this name: a function with a test's attribute right above it.
fn has_test(source: &str, name: &str) -> bool {
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    let heads = [format!("fn {name}()"), format!("async fn {name}()")];
    lines.iter().enumerate().any(|(index, line)| {
        let is_head = heads.iter().any(|head| line.starts_with(head.as_str()));
        let above = lines[..index].iter().rev();
        is_head
            && above
                .take_while(|line| line.starts_with("#[") || line.starts_with("///"))
                .any(|line| line.starts_with("#[test") || line.starts_with("#[tokio::test"))
    })
}

/// What is wrong with a proof; `None` if it is there.
fn fault(proof: &str) -> Option<String> {
    if let Some((cast, client)) = proof.split_once(':').filter(|_| !proof.contains("::")) {
        let cast = match Cast::shipped(cast) {
            Ok(cast) => cast,
            Err(error) => return Some(error),
        };
        let known = cast.clients.iter().any(|one| one.id == client);
        return (!known).then(|| format!("{proof}: no such story"));
    }
    let Some((path, name)) = proof.split_once("::") else {
        return Some(format!("{proof}: neither a test nor a story"));
    };
    (!has_test(&read(path), name)).then(|| format!("{proof}: no such test"))
}

#[test]
fn every_edge_case_of_the_procedures_stands_in_the_table_once_and_in_order() {
    let numbers: Vec<u32> = table().iter().map(|row| row.id).collect();
    assert_eq!(numbers, (1..=75).collect::<Vec<_>>());
    for row in table() {
        assert!(row.wanted.len() > 10, "E{} says what is wanted", row.id);
    }
}

#[test]
fn what_is_built_is_proven_and_what_is_not_says_what_it_waits_for() {
    for Row {
        id,
        by,
        later,
        until,
        ..
    } in table()
    {
        assert_eq!(by.is_empty(), later.is_some(), "E{id}: proven or not built");
        assert_eq!(later.is_some(), until.is_some(), "E{id}: a reason");
        assert!(
            !BUILT.contains(&id) || !by.is_empty(),
            "E{id} must be proven"
        );
    }
}

#[test]
fn every_proof_in_the_table_is_there() {
    let mut faults = BTreeSet::new();
    for Row { id, by, .. } in table() {
        let missing = by.iter().filter_map(|proof| fault(proof));
        faults.extend(missing.map(|fault| format!("E{id}: {fault}")));
    }
    assert_eq!(faults, BTreeSet::new());
}

#[test]
fn a_proof_that_is_not_there_is_found() {
    assert!(fault("full:nobody").is_some());
    assert!(fault("nocast:maya").is_some());
    assert!(fault("tests/it/edge_cases.rs::no_test_has_this_name").is_some());
    assert!(fault("words").is_some());
    assert!(fault("full:maya").is_none());
    // A helper is no test, and a test that is switched off by its attribute is none.
    assert!(!has_test("fn helper() {\n}\n", "helper"));
    assert!(!has_test("#[cfg(any())]\nfn helper() {\n}\n", "helper"));
    assert!(has_test("#[tokio::test]\nasync fn works() {\n", "works"));
}
