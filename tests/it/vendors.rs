//! A vendor is one value and its own folders: what must be answered for each, which shared files may name
//! one, and that one can be taken out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use clear_relay::wiring;
use serde::Deserialize;

use crate::boundaries::{Source, rust_files, source};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[derive(Deserialize)]
struct Rules {
    rules: BTreeMap<String, String>,
}

/// An answer to a rule.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Answer {
    /// Where it is done: files, some with a word that must stand in them.
    Done(Vec<String>),
    /// Why it does not apply.
    Exempt(String),
}

/// A vendor's answers.
#[derive(Debug, Deserialize)]
struct Quality {
    /// Its names in lower case, without separators.
    names: Vec<String>,
    #[serde(flatten)]
    answers: BTreeMap<String, Answer>,
}

fn rules() -> BTreeMap<String, String> {
    let rules: Rules = toml::from_str(&read("tests/it/vendor_quality.toml")).expect("rules");
    rules.rules
}

/// The vendors' adapters: those with a `quality.toml`.
fn adapters() -> Vec<(String, Quality)> {
    let folders = std::fs::read_dir(root().join("adapters")).expect("a folder");
    let mut found = Vec::new();
    for folder in folders {
        let name = folder.expect("an entry").file_name();
        let name = name.to_string_lossy().into_owned();
        let path = format!("adapters/{name}/quality.toml");
        if root().join(&path).is_file() {
            let quality = toml::from_str(&read(&path));
            found.push((
                name,
                quality.unwrap_or_else(|error| panic!("{path}: {error}")),
            ));
        }
    }
    found.sort_by(|one, other| one.0.cmp(&other.0));
    found
}

/// What is wrong with a place: `path`, or `path::word`.
fn missing(place: &str) -> Option<String> {
    let (path, word) = place.split_once("::").unwrap_or((place, ""));
    let Ok(text) = std::fs::read_to_string(root().join(path)) else {
        return Some(format!("{place}: there is no such file"));
    };
    let is_rust = Path::new(path)
        .extension()
        .is_some_and(|ending| ending == "rs");
    let is_name = word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let named =
        |head: &str| text.contains(&format!("{head}{word}(")) || text.contains(&format!("{word}:"));
    let there = if word.is_empty() {
        true
    } else if is_name && word.contains('_') && is_rust {
        named("fn ")
    } else {
        text.contains(word)
    };
    (!there).then(|| format!("{place}: it does not stand there"))
}

/// What is wrong with a vendor's answers.
fn wrong(rules: &BTreeMap<String, String>, quality: &Quality) -> Vec<String> {
    let mut wrong = Vec::new();
    for rule in rules.keys() {
        if !quality.answers.contains_key(rule) {
            wrong.push(format!("{rule} has no answer"));
        }
    }
    for (rule, answer) in &quality.answers {
        if !rules.contains_key(rule) {
            wrong.push(format!("{rule} is no rule"));
        }
        match answer {
            Answer::Done(places) if places.is_empty() => wrong.push(format!("{rule} says nowhere")),
            Answer::Done(places) => wrong.extend(places.iter().filter_map(|place| missing(place))),
            Answer::Exempt(why) if why.len() < 20 => wrong.push(format!("{rule} says no reason")),
            Answer::Exempt(_) => {}
        }
    }
    wrong
}

#[test]
fn every_vendor_answers_every_rule_and_what_it_names_is_there() {
    let rules = rules();
    let adapters = adapters();
    assert_eq!(
        adapters.len(),
        wiring::VENDORS.len(),
        "an adapter for each vendor"
    );
    for (name, quality) in adapters {
        assert_eq!(wrong(&rules, &quality), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn a_missing_an_unknown_and_a_false_answer_are_found() {
    let rules = BTreeMap::from([("limits".to_owned(), String::new())]);
    let of = |text: &str| {
        let quality: Quality = toml::from_str(&format!("names = []\n{text}")).expect("answers");
        wrong(&rules, &quality)
    };
    assert_eq!(of(""), ["limits has no answer"]);
    let long = "exempt = \"because the vendor has none\"";
    assert_eq!(of(&format!("limits.{long}")), Vec::<String>::new());
    assert_eq!(
        of(&format!("limits.{long}\nspeed.{long}")),
        ["speed is no rule"]
    );
    assert_eq!(of("limits.exempt = \"no\"").len(), 1);
    assert_eq!(of("limits.done = []").len(), 1);
    for place in [
        "adapters/nowhere.rs",
        "tests/it/vendors.rs::no_test_of_this_name",
        "README.md::no sentence of this kind",
    ] {
        assert_eq!(
            of(&format!("limits.done = [{place:?}]")).len(),
            1,
            "{place}"
        );
    }
    let here = "tests/it/vendors.rs::a_missing_an_unknown_and_a_false_answer_are_found";
    assert_eq!(
        of(&format!("limits.done = [{here:?}]")),
        Vec::<String>::new()
    );
}

/// Shared files that name a vendor in code, and why. A new vendor adds none: what is here belongs to the two
/// that the procedures need.
const NAMED: &[(&str, &str)] = &[
    ("fuzz/src/targets/config_toml.rs", "words of a file"),
    ("fuzz/src/targets/mod.rs", "the list"),
    ("src/wiring/mod.rs", "the list"),
    ("src/config/mod.rs", "the modules of the sections"),
    ("src/config/vendors.rs", "the list of sections"),
    ("src/config/log.rs", "the example of a filter"),
    (
        "src/sandbox/clinic.rs",
        "the clinic's credentials, for tests",
    ),
    (
        "src/sandbox/world.rs",
        "how often a simulated month looks at the CRM's subscriptions",
    ),
    ("src/cli/keap.rs", "its own command"),
    ("src/cli/connect.rs", "its own connection"),
    ("src/cli/mod.rs", "its own command"),
    ("src/remedy.rs", "its own command"),
    ("src/cli/demo/live.rs", "the opening of the demo"),
];

/// The lines of production code, without comments and without tests.
fn code(text: &str) -> String {
    let text = text
        .split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or(text);
    let lines = text
        .lines()
        .map(|line| line.split(" // ").next().unwrap_or(line));
    let lines = lines.filter(|line| !line.trim_start().starts_with("//"));
    let plain = lines.collect::<Vec<_>>().join("\n").to_lowercase();
    plain.replace(['_', '-', ' '], "")
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

/// Every shared file whose code names one of `names`; a vendor's own folders are left out.
fn naming(names: &[(String, Vec<String>)]) -> Vec<String> {
    let mut files = Vec::new();
    for folder in ["src", "fuzz/src"] {
        sources(&root().join(folder), &mut files);
    }
    let own = |path: &str| {
        names.iter().any(|(folder, _)| {
            let module = folder.replace('-', "_");
            path.split('/').any(|part| part == module)
        })
    };
    let mut found: Vec<String> = files
        .into_iter()
        .map(|path| {
            let name = path.strip_prefix(root()).expect("below the root");
            (name.to_string_lossy().replace('\\', "/"), path)
        })
        .filter(|(name, _)| !own(name) && !name.contains("tests"))
        .filter(|(_, path)| {
            let code = code(&std::fs::read_to_string(path).expect("a text"));
            let mut all = names.iter().flat_map(|(_, names)| names);
            all.any(|name| code.contains(name.as_str()))
        })
        .map(|(name, _)| name)
        .collect();
    found.sort();
    found
}

#[test]
fn shared_code_names_no_vendor_but_where_it_is_written_down() {
    let names: Vec<_> = adapters()
        .into_iter()
        .map(|(folder, quality)| (folder, quality.names))
        .collect();
    let mut listed: Vec<&str> = NAMED.iter().map(|(path, _)| *path).collect();
    listed.sort_unstable();
    assert_eq!(naming(&names), listed);
}

#[test]
fn a_vendors_names_are_its_own() {
    for vendor in wiring::VENDORS {
        let same = |other: &&&wiring::vendor::Vendor| {
            other.name == vendor.name
                || other.title == vendor.title
                || other.emulation.folder == vendor.emulation.folder
        };
        assert_eq!(
            wiring::VENDORS.iter().filter(same).count(),
            1,
            "{}",
            vendor.name
        );
    }
}

#[derive(Deserialize)]
struct Lines {
    line: Vec<Line>,
}

/// A line that the sample adds to a shared file.
#[derive(Deserialize)]
struct Line {
    file: String,
    after: String,
    add: String,
}

const SAMPLE: &str = "tests/vendor_sample";
/// A shared file that is written by the program: what is in it stands in a section's own folder.
const EXAMPLE: &str = "clear-relay.example.toml";
/// What the checklist in `src/wiring/mod.rs` promises.
const MOST_LINES: usize = 10;

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    std::fs::write(path, text).expect("written");
}

/// The shared files with the sample's lines in them, below `folder`; the sample's own files beside them.
/// Returns the shared files as they were, and how many lines were added.
fn add_sample(folder: &Path) -> (BTreeMap<String, String>, usize) {
    let Lines { line: lines } =
        toml::from_str(&read(&format!("{SAMPLE}/lines.toml"))).expect("lines");
    let mut shared = BTreeMap::new();
    let mut count = 0;
    for Line { file, after, add } in lines {
        let text = read_or(&mut shared, &file);
        let at = folder.join(&file);
        let now = std::fs::read_to_string(&at).unwrap_or(text);
        let line = now.lines().find(|line| line.starts_with(&after));
        let line = line.unwrap_or_else(|| panic!("{file} has no line {after}"));
        write(
            folder,
            &file,
            &now.replacen(line, &format!("{line}\n{add}"), 1),
        );
        count += add.lines().count();
    }
    let section = read(&format!("{SAMPLE}/src/config/textline/mod.rs"));
    let section = section
        .split("EXAMPLE: &str = r#\"")
        .nth(1)
        .expect("an example");
    let section = section.split("\"#;").next().expect("its end");
    let text = read_or(&mut shared, EXAMPLE);
    let next = text.find("[procedures").expect("the next section");
    write(
        folder,
        EXAMPLE,
        &format!("{}{section}\n{}", &text[..next], &text[next..]),
    );
    let mut own = Vec::new();
    every_file(&root().join(SAMPLE), &mut own);
    for path in own {
        let name = path.strip_prefix(root().join(SAMPLE)).expect("below it");
        let text = std::fs::read_to_string(&path).expect("a text");
        write(folder, &name.to_string_lossy(), &text);
    }
    (shared, count)
}

fn read_or(shared: &mut BTreeMap<String, String>, file: &str) -> String {
    let text = shared.entry(file.to_owned()).or_insert_with(|| read(file));
    text.clone()
}

fn every_file(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            every_file(&path, found);
        } else {
            found.push(path);
        }
    }
}

#[test]
fn a_vendor_that_was_added_by_the_checklist_is_taken_out_whole_by_the_script() {
    let folder = tempfile::tempdir().expect("a folder");
    let (shared, lines) = add_sample(folder.path());
    assert!(lines <= MOST_LINES, "{lines} lines in shared files");
    let removed = Command::new("sh")
        .arg(root().join("tests/remove_vendor.sh"))
        .arg("textline")
        .arg(folder.path())
        .output()
        .expect("a shell");
    let told = String::from_utf8_lossy(&removed.stderr);
    assert!(removed.status.success(), "{told}");
    let mut left = Vec::new();
    every_file(folder.path(), &mut left);
    for path in left {
        let name = path.strip_prefix(folder.path()).expect("below it");
        let name = name.to_string_lossy();
        if name == "lines.toml" {
            continue;
        }
        let before = shared.get(&*name);
        let before = before.unwrap_or_else(|| panic!("{name} was left behind"));
        let now = std::fs::read_to_string(&path).expect("a text");
        assert_eq!(&now, before, "{name}");
    }
}

#[test]
fn the_sample_answers_every_rule() {
    let quality = read(&format!("{SAMPLE}/adapters/textline/quality.toml"));
    let quality: Quality = toml::from_str(&quality).expect("answers");
    let unanswered: Vec<String> = wrong(&rules(), &quality)
        .into_iter()
        .filter(|why| !why.contains("there is no such file"))
        .collect();
    assert_eq!(unanswered, Vec::<String>::new());
}

/// Names of vendors and of their products, in lower case, without separators: those that are coming, too.
const VENDORS: [&str; 8] = [
    "keap",
    "infusionsoft",
    "clearconnection",
    "slack",
    "gmail",
    "twilio",
    "happyfox",
    "zenoti",
];

fn vendors_named(sources: &[Source]) -> Vec<String> {
    let neutral = [
        "src/engine",
        "src/effects",
        "src/rate_limit",
        "src/receipts",
        "src/credentials",
        "src/ports",
        "src/http",
        "src/doctor",
    ];
    let mut wrong = Vec::new();
    for (path, text) in sources {
        if !neutral.iter().any(|part| path.starts_with(part)) {
            continue;
        }
        for (number, line) in text.lines().enumerate() {
            let plain: String = line
                .to_lowercase()
                .chars()
                .filter(|letter| !matches!(letter, '_' | '-' | ' '))
                .collect();
            for vendor in VENDORS.into_iter().filter(|vendor| plain.contains(vendor)) {
                wrong.push(format!("{path}:{} names {vendor}", number + 1));
            }
        }
    }
    wrong
}

#[test]
fn engine_effects_receipts_ports_http_and_doctor_name_no_vendor() {
    assert_eq!(vendors_named(&rust_files()), Vec::<String>::new());
}

#[test]
fn a_vendor_named_in_code_or_comment_is_found_however_it_is_spelt() {
    for text in [
        "// as Keap does",
        "use x::clear_connection;",
        "\"Clear Connection\"",
        "KeApId",
    ] {
        assert_eq!(
            vendors_named(&source("src/engine/x.rs", text)).len(),
            1,
            "{text}"
        );
        assert_eq!(
            vendors_named(&source("src/wiring/x.rs", text)),
            Vec::<String>::new(),
            "{text}"
        );
    }
}

/// Files that know an emulator and are part of `serve`, or may be.
fn emulators_known(sources: &[Source]) -> Vec<String> {
    let may = [
        "src/sandbox/",
        "src/stage/",
        "src/cli/demo/",
        "src/cli/sandbox.rs",
        "src/wiring/emulated.rs",
        "src/wiring/vendor.rs",
    ];
    let of_vendor = |path: &str| {
        let rest = path.strip_prefix("src/wiring/").unwrap_or_default();
        rest.contains('/')
    };
    let knows = |text: &str| {
        let words = ["emulated::", "emulation.", "http_client::emulation"];
        text.lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .any(|line| words.iter().any(|word| line.contains(word)))
    };
    sources
        .iter()
        .filter(|(path, _)| path.starts_with("src/") && !of_vendor(path))
        .filter(|(path, _)| !may.iter().any(|part| path.starts_with(part)))
        .filter(|(_, text)| knows(text))
        .map(|(path, _)| format!("{path} knows an emulator"))
        .collect()
}

#[test]
fn serve_and_what_it_is_made_of_know_no_emulator_and_no_fault_switch() {
    assert_eq!(emulators_known(&rust_files()), Vec::<String>::new());
    let known = "let one = (vendor.emulation.start)(&clinic);";
    for path in ["src/cli/serve.rs", "src/wiring/mod.rs", "src/engine/mod.rs"] {
        assert_eq!(emulators_known(&source(path, known)).len(), 1, "{path}");
    }
    let nowhere = emulators_known(&source("src/sandbox/vendors.rs", known));
    assert_eq!(nowhere, Vec::<String>::new());
}
