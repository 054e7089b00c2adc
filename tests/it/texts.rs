//! The table of all texts that people see (`texts.toml`), held against the lists of the code; and whether what people
//! without a terminal read has words of a program or a vendor in it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use clap::CommandFactory as _;
use clear_relay::cli::Cli;
use clear_relay::engine::job_kinds::JobKind;
use clear_relay::sandbox::play::Play;
use relay_core::effects::EffectKind;
use relay_core::work_kinds;
use relay_store::{CaseFilter, Page};
use serde::Deserialize;
use serde_json::Value;

/// The file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    work_item: BTreeMap<String, Row>,
    effect: BTreeMap<String, Row>,
    job: BTreeMap<String, Row>,
    command: BTreeMap<String, Row>,
    other: BTreeMap<String, Row>,
}

/// A kind of text.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    who: Vec<Who>,
    made: String,
}

/// Who sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Who {
    Client,
    Coach,
    Manager,
    Admin,
    Visitor,
}

fn table() -> Table {
    toml::from_str(include_str!("texts.toml")).expect("a table")
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn names(rows: &BTreeMap<String, Row>) -> BTreeSet<&str> {
    rows.keys().map(String::as_str).collect()
}

#[test]
fn every_kind_of_text_has_a_line_and_every_line_a_kind() {
    let table = table();
    let items: BTreeSet<&str> = work_kinds::ALL.map(|(_, name)| name).into();
    assert_eq!(items.len(), work_kinds::ALL.len(), "no name twice");
    assert_eq!(names(&table.work_item), items);
    let effects: BTreeSet<&str> = EffectKind::ALL.map(EffectKind::as_str).into();
    assert_eq!(names(&table.effect), effects);
    let jobs: BTreeSet<&str> = JobKind::ALL.map(JobKind::name).into();
    assert_eq!(names(&table.job), jobs);
    let cli = Cli::command();
    let commands = cli.get_subcommands().map(clap::Command::get_name);
    let commands: BTreeSet<&str> = commands.filter(|name| *name != "help").collect();
    assert_eq!(names(&table.command), commands);
}

#[test]
fn each_is_seen_by_somebody_and_made_where_the_table_says() {
    let table = table();
    let groups = [
        &table.work_item,
        &table.effect,
        &table.job,
        &table.command,
        &table.other,
    ];
    for (name, row) in groups.into_iter().flatten() {
        assert!(!row.who.is_empty(), "{name}");
        let each_once: BTreeSet<Who> = row.who.iter().copied().collect();
        assert_eq!(each_once.len(), row.who.len(), "{name}: {:?}", row.who);
        assert!(root().join(&row.made).is_file(), "{name}: {}", row.made);
    }
    for (constant, name) in work_kinds::ALL {
        let made = &table.work_item[name].made;
        let source = fs::read_to_string(root().join(made)).expect("readable");
        let constant = format!("work_kinds::{constant}");
        let is_there = |at: (usize, &str)| {
            let after = source[at.0 + at.1.len()..].chars().next();
            !after.is_some_and(|c| c.is_ascii_uppercase() || c == '_')
        };
        let found = source.match_indices(&constant).any(is_there);
        assert!(found, "{made} makes no item of {constant}");
    }
    for kind in EffectKind::ALL {
        use relay_core::effects::Audience;
        let who = &table.effect[kind.as_str()].who;
        let reaches_her = kind.audience() == Audience::Client;
        assert_eq!(who.contains(&Who::Client), reaches_her, "{}", kind.as_str());
    }
}

/// Every Rust file below `folder`.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
}

/// An item is made by naming its kind, and looked for the same way. The tests of a file may spell it.
#[test]
fn no_kind_of_item_is_spelled_out_beside_the_list() {
    let mut files = Vec::new();
    for folder in ["src/engine", "core/src/workflows"] {
        sources(&root().join(folder), &mut files);
    }
    let mut spelled = Vec::new();
    for path in files {
        let source = fs::read_to_string(&path).expect("readable");
        let source = source
            .split("#[cfg(test)]\nmod tests")
            .next()
            .expect("text");
        // A call may stand on several lines.
        let words: Vec<&str> = source.split_whitespace().collect();
        let line = words.join(" ");
        for start in [
            "item(engine,",
            "item( engine,",
            ".kind == \"",
            "ask( \"",
            "ask(\"",
        ] {
            for (at, _) in line.match_indices(start) {
                let call = &line[at..];
                let call = call.split(';').next().expect("text");
                let call = call.split(" title").next().expect("text");
                let quoted = call.split('"').skip(1).step_by(2);
                let known = |word: &&str| work_kinds::ALL.iter().any(|(_, name)| name == word);
                spelled.extend(
                    quoted
                        .filter(known)
                        .map(|kind| format!("{}: {kind}", path.display())),
                );
            }
        }
        for (at, _) in line.match_indices("kind: \"") {
            let rest = &line[at + "kind: \"".len()..];
            let word = rest.split('"').next().expect("text");
            if work_kinds::ALL.iter().any(|(_, name)| *name == word) {
                spelled.push(format!("{}: {word}", path.display()));
            }
        }
    }
    assert_eq!(spelled, Vec::<String>::new());
}

/// The members of what a vendor accepted that somebody reads there.
const READ_THERE: [&str; 6] = ["title", "description", "text", "subject", "note", "tag"];

/// The members of an item's detail that its owner reads.
const READ_IN_ITEM: [&str; 7] = [
    "reason",
    "remedy",
    "next",
    "follow_up",
    "window",
    "minor",
    "check_in_due",
];

/// What people without a terminal have read in `play`, and where.
async fn read_by_people(play: &Play) -> Vec<(String, String)> {
    const ALL: Page = Page {
        offset: 0,
        limit: 10_000,
    };
    let mut texts = Vec::new();
    for entry in play.world.vendors.accepted() {
        let members = READ_THERE
            .iter()
            .filter_map(|name| entry.content[*name].as_str());
        texts.extend(members.map(|text| (entry.operation.clone(), text.to_owned())));
    }
    let store = play.world.store();
    let filter = CaseFilter {
        closed: true,
        ..CaseFilter::default()
    };
    for case in store.cases(&filter, ALL).await.expect("cases") {
        for line in store.timeline(case.id).await.expect("a history") {
            let what = format!("history of {}", case.client);
            texts.push((what, line.text));
        }
    }
    let rows = table().work_item;
    for item in store.open_work(None, ALL).await.expect("items") {
        let row = rows.get(&item.kind);
        let row = row.unwrap_or_else(|| panic!("{} is in no list", item.kind));
        let of_admin = item.owner == "admin";
        let seen_by = |who: Who| row.who.contains(&who);
        if of_admin {
            assert!(seen_by(Who::Admin), "{}", item.kind);
            continue;
        }
        assert!(seen_by(Who::Manager), "{}", item.kind);
        let is_hers = item.owner == "program_manager" || seen_by(Who::Coach);
        assert!(is_hers, "{} of {}", item.kind, item.owner);
        texts.push((item.kind.clone(), item.title));
        let told = READ_IN_ITEM
            .iter()
            .filter_map(|name| item.detail[*name].as_str());
        texts.extend(told.map(|text| (item.kind.clone(), text.to_owned())));
        let ready = match &item.detail["ready"] {
            Value::Array(several) => several.clone(),
            one => vec![one.clone()],
        };
        let ready = ready.iter().filter_map(|ready| ready["text"].as_str());
        texts.extend(ready.map(|text| (item.kind.clone(), text.to_owned())));
    }
    texts
}

/// Words in capitals that people write themselves.
const CAPITALS: [&str; 4] = ["CALL", "ASAP", "CRM", "SOP"];

/// The first word of a program or a vendor in `text`: a stored name, an id, a key, a status, a vendor's constant.
fn machine_word(text: &str) -> Option<&str> {
    // A command is to be typed as it stands, and a reference to be read out.
    let commands = text.split('`').step_by(2);
    let lines = commands.flat_map(str::lines);
    let lines = lines.filter(|line| !line.starts_with("Clear Relay, ref. "));
    let mut words = lines.flat_map(str::split_whitespace);
    words.find(|word| {
        if word.contains(['{', '}', '=']) || word.contains("::") || word.contains("relay:") {
            return true;
        }
        let word = word.trim_matches(|c: char| !c.is_alphanumeric() && c != '_');
        if word.starts_with("https://") || word.contains('@') {
            return false;
        }
        let digits = word.bytes().all(|byte| byte.is_ascii_digit());
        let hex = |c: char| c.is_ascii_hexdigit() || c == '-';
        let capitals = word.len() > 2 && word.chars().all(|c| c.is_ascii_uppercase());
        word.contains('_')
            || word.matches('/').count() > 1
            || (word.len() >= 16
                && word.chars().all(hex)
                && word.chars().any(|c| c.is_ascii_digit()))
            || (digits && word.len() == 3 && word.starts_with(['4', '5']))
            || (capitals && !CAPITALS.contains(&word))
            || ["HTTP", "null", "None", "JSON"].contains(&word)
    })
}

/// Nothing that client, coach or manager has read in `play` has a word of a program or a vendor.
pub(crate) async fn are_in_peoples_words(play: &Play) {
    let texts = read_by_people(play).await;
    assert!(texts.len() > 500, "{}", texts.len());
    let mut strange = BTreeSet::new();
    for (what, text) in &texts {
        if let Some(word) = machine_word(text) {
            strange.insert(format!("{what}: {word:?} in {text:?}"));
        }
    }
    assert!(strange.is_empty(), "{strange:#?}");
}

#[test]
fn words_of_a_program_are_known_from_words_of_people() {
    for text in [
        "held by choose_channel",
        "019a3c1e-0000-7000-8000-000000000000 waits",
        "client/inbox/1/task is planned",
        "it answered 503",
        "email can't be delivered (HARD_BOUNCE)",
        "her address is LOCKDOWN",
        "Some(reply) = {why}",
        "[relay:0123456789abcdef0123]",
    ] {
        assert!(machine_word(text).is_some(), "{text}");
    }
    for text in [
        "CALL Jo H.: check-in due Nov 3, last 3 emails unopened",
        "Please submit your check-in ASAP, and I will get your regimen changes to you.",
        "Number: 303-555-0102",
        "Her page in the portal: https://portal.example.test/clients/a_b",
        "your admin finds all of it with `clear-relay cases show 019a3c1e-0000-7000-8000-000000000000`.",
        "Answer:\n\nClear Relay, ref. PNCD-ECJA-VGXY",
        "24-48 hours, email/text",
    ] {
        assert_eq!(machine_word(text), None, "{text}");
    }
}
