//! The table of the crate's README against the tree: each row is proven by tests that are there,
//! or says why there is none.

use std::fs;
use std::path::Path;

const HEADING: &str = "## What the emulator does, and what tests it";

/// A row: what the vendor does, how that is known, what emulates it, what proves that.
type Row = [String; 4];

/// How something may be known of the vendor.
const KNOWN: [&str; 3] = ["recorded", "documented", "assumed"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The rows of the table in a text.
fn rows(text: &str) -> Vec<Row> {
    let section = text.split_once(HEADING).map_or("", |(_, rest)| rest);
    let section = section.split("\n## ").next().unwrap_or_default();
    let lines = section.lines().filter(|line| line.starts_with("| "));
    let cells = lines.map(|line| {
        let cells: Vec<_> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let count = cells.len();
        assert_eq!(count, 4, "four cells are needed: {line}");
        <[&str; 4]>::try_from(cells).expect("four cells")
    });
    let rows = cells.filter(|cells| cells[0] != "the vendor");
    rows.map(|cells| cells.map(str::to_owned)).collect()
}

/// The words between backticks.
fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// Whether a source has a test of this name: a function with a test's attribute right above it.
fn has_test(source: &str, name: &str) -> bool {
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    let heads = [format!("fn {name}()"), format!("async fn {name}()")];
    lines.iter().enumerate().any(|(index, line)| {
        let is_head = heads.iter().any(|head| line.starts_with(head.as_str()));
        let mut above = lines[..index].iter().rev();
        is_head && above.next().is_some_and(|line| line.contains("test]"))
    })
}

/// What is wrong with a proof (`emulator/gate::test`, or `filter::test` for a unit test).
fn missing(proof: &str) -> Option<String> {
    let found = proof.split_once("::").is_some_and(|(file, name)| {
        let folder = if file.contains('/') {
            "tests"
        } else {
            "src/emulator"
        };
        let path = root().join(folder).join(format!("{file}.rs"));
        has_test(&read(&path), name)
    });
    (!found).then(|| format!("no such test: {proof}"))
}

/// The emulator's sources, and the faults that it shares with others.
fn emulator_sources() -> String {
    let mut all = String::new();
    for folder in ["src/emulator", "../http-client/src/emulation"] {
        for entry in fs::read_dir(root().join(folder)).expect(folder).flatten() {
            all.push_str(&read(&entry.path()));
        }
    }
    all
}

fn has_word(text: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    text.split(|c| !part(c)).any(|found| found == word)
}

/// What is wrong with a row.
fn faults([vendor, known, by, proof]: &Row, sources: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let excused = ["not emulated: ", "later: "];
    match excused.iter().find_map(|word| proof.strip_prefix(word)) {
        Some(reason) if by == "-" && known == "-" && reason.len() > 20 => {}
        Some(_) => faults.push("an excuse needs a reason, and nothing in the middle".to_owned()),
        None => {
            if !KNOWN.contains(&known.as_str()) {
                faults.push(format!("known how? one of {}", KNOWN.join(", ")));
            }
            let mut proofs = quoted(proof).peekable();
            if proofs.peek().is_none() {
                faults.push("neither a test nor an excuse".to_owned());
            }
            faults.extend(proofs.filter_map(missing));
        }
    }
    let names = quoted(by).filter(|name| *name != "status");
    let unknown = names.filter(|name| !has_word(sources, name));
    faults.extend(unknown.map(|name| format!("the emulator knows no {name}")));
    let place = |fault| format!("{vendor}: {fault}");
    faults.into_iter().map(place).collect()
}

#[test]
fn every_statement_about_the_vendor_is_proven_or_says_why_not() {
    let rows = rows(&read(&root().join("README.md")));
    assert!(rows.len() > 80, "only {} rows", rows.len());
    let sources = emulator_sources();
    let faults: Vec<String> = rows.iter().flat_map(|row| faults(row, &sources)).collect();
    assert_eq!(faults, Vec::<String>::new());
}

#[test]
fn a_row_that_proves_nothing_is_found() {
    let sources = emulator_sources();
    let check = |cells: [&str; 4]| faults(&cells.map(str::to_owned), &sources).len();
    let proof = "`emulator/gate::both_headers_let_a_key_in`";
    assert_eq!(check(["x", "recorded", "`keys`", proof]), 0);
    assert_eq!(check(["x", "of course", "`keys`", proof]), 1);
    assert_eq!(check(["x", "assumed", "`no_such_switch`", proof]), 1);
    let always = |proof| check(["x", "documented", "always", proof]);
    assert_eq!(always("`emulator/gate::no_such_test`"), 1);
    assert_eq!(always("`emulator/nowhere::x`"), 1);
    assert_eq!(always("by heart"), 1);
    assert_eq!(check(["x", "-", "-", "not emulated: no"]), 1);
    let excuse = "not emulated: nothing of ours calls it";
    assert_eq!(check(["x", "-", "-", excuse]), 0);
    assert_eq!(check(["x", "assumed", "-", excuse]), 1);
    assert_eq!(check(["x", "-", "`keys`", excuse]), 1);
    assert!(!has_test("fn helper() {}", "helper"));
    assert!(rows("## Other\n| a | b | c |\n").is_empty());
}
